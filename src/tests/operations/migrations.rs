//! Migrations: looked at, applied, waited for, by one or by many at once.

use super::{complained, doorward, json, said};
use crate::harness::{Caller, free_address, new_database, on_both_engines};
use std::{
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

/// A running server that dies with this value.
struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a server; it need not answer yet.
fn serve(folder: &Path, database: &str) -> Server {
    let port = free_address().port();
    let address = format!("127.0.0.1:{port}");
    let variables = [("DOORWARD__DATABASE__URL", database), ("LEPTOS_SITE_ADDR", &address)];
    let log = std::fs::OpenOptions::new().append(true).create(true).open(folder.join("log")).unwrap();
    let mut command = doorward(folder, &variables, &["serve"]);
    let child = command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
    Server(child, address)
}

async fn answers(folder: &Path, server: &mut Server) {
    for _ in 0..1000 {
        if std::net::TcpStream::connect(&server.1).is_ok() {
            assert_eq!(Caller::new(&format!("http://{}", server.1)).page("/readyz").await.status, 200);
            return;
        }
        let ended = server.0.try_wait().unwrap();
        let log = || std::fs::read_to_string(folder.join("log")).unwrap();
        assert!(ended.is_none(), "a server did not start: {}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a server does not answer");
}

on_both_engines! {
    async fn servers_that_start_at_once_on_an_empty_database_all_come_up(engine) {
        let folder = tempfile::tempdir().unwrap();
        let database = new_database(engine, &folder).await;
        let mut servers: Vec<Server> = (0..5).map(|_| serve(folder.path(), &database)).collect();
        for server in &mut servers {
            answers(folder.path(), server).await;
        }
    }

    async fn migrating_at_once_from_many_sides_succeeds_everywhere(engine) {
        let folder = tempfile::tempdir().unwrap();
        let database = new_database(engine, &folder).await;
        let variables = [("DOORWARD__DATABASE__URL", database.as_str())];
        let start = |_| {
            let mut command = doorward(folder.path(), &variables, &["migrate", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<Child> = (0..8).map(start).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
            assert_eq!(json(&output)["up_to_date"], true);
        }
    }

    async fn pending_migrations_are_told_applied_and_waited_for(engine) {
        let folder = tempfile::tempdir().unwrap();
        let database = new_database(engine, &folder).await;
        let variables = [("DOORWARD__DATABASE__URL", database.as_str()), ("DOORWARD__DATABASE__MIGRATE", "false")];
        let run = |arguments: &[&str]| {
            doorward(folder.path(), &variables, arguments).env("LEPTOS_SITE_ADDR", "127.0.0.1:0").output().unwrap()
        };
        let refused = run(&["serve"]);
        assert!(!refused.status.success());
        assert!(complained(&refused).contains("`doorward migrate`"), "{}", complained(&refused));
        assert!(!folder.path().join("doorward.db").exists(), "nothing was made");
        let check = run(&["migrate", "--check"]);
        assert_eq!(check.status.code(), Some(1), "{}", complained(&check));
        assert!(said(&check).contains("20261120000001_accounts"), "{}", said(&check));
        assert!(!folder.path().join("doorward.db").exists(), "looking makes nothing");
        let applied = run(&["migrate", "--json"]);
        assert_eq!(applied.status.code(), Some(0), "{}", complained(&applied));
        let names = json(&applied)["applied"].as_array().unwrap().len();
        assert!(names >= 4 && json(&applied)["pending"].as_array().unwrap().is_empty());
        let check = run(&["migrate", "--check", "--json"]);
        assert_eq!((check.status.code(), json(&check)["earlier"].as_array().unwrap().len()), (Some(0), names));
        assert!(said(&run(&["migrate"])).starts_with("The tables are up to date"));
        let mut server = {
            let port = free_address().port();
            let address = format!("127.0.0.1:{port}");
            let mut command = doorward(folder.path(), &variables, &["serve"]);
            let log = std::fs::File::create(folder.path().join("log")).unwrap();
            command.env("LEPTOS_SITE_ADDR", &address).stdout(log.try_clone().unwrap()).stderr(log);
            Server(command.spawn().unwrap(), address)
        };
        answers(folder.path(), &mut server).await;
    }

    async fn tables_of_a_newer_version_or_of_another_are_left_alone(engine) {
        use sqlx::Connection as _;
        for (change, why) in [
            ("UPDATE _sqlx_migrations SET version = 20991231000001, description = 'to come'
              WHERE version = 20261123000001", "20991231000001_to_come"),
            ("UPDATE _sqlx_migrations SET checksum = (SELECT checksum FROM _sqlx_migrations WHERE version = 20261120000001)
              WHERE version = 20261123000001", "20261123000001_operations"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let database = new_database(engine, &folder).await;
            let variables = [("DOORWARD__DATABASE__URL", database.as_str())];
            let run = |arguments: &[&str]| doorward(folder.path(), &variables, arguments).output().unwrap();
            assert_eq!(run(&["migrate"]).status.code(), Some(0));
            let mut connection = sqlx::AnyConnection::connect(&database).await.unwrap();
            sqlx::raw_sql(change).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            for arguments in [&["migrate", "--check"][..], &["migrate"]] {
                let output = run(arguments);
                assert_eq!((output.status.code(), said(&output)), (Some(2), String::new()), "{why}");
                assert!(complained(&output).contains(why), "{}", complained(&output));
            }
        }
    }
}

#[test]
fn what_cannot_be_reached_cannot_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let away = [("DOORWARD__DATABASE__URL", "postgres://nobody@127.0.0.1:1/none")];
    let output = doorward(folder.path(), &away, &["migrate", "--check"]).output().unwrap();
    assert_eq!((output.status.code(), said(&output)), (Some(2), String::new()));
    assert!(complained(&output).contains("could not be looked at"), "{}", complained(&output));
}
