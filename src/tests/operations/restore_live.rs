//! A backup that is put back beside a busy server, under a kill, and by the command.

use super::{
    command, complained, doorward, json,
    restore::{app, backed_up, files, refreshed, restore},
    said,
};
use crate::harness::PASSWORD;
use doorward::server::{auth::Outcome, compose::upkeep, store::Store};
use sqlx::{Connection as _, Row as _};
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The user names in a database file.
async fn names_in(file: &Path) -> HashSet<String> {
    let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let rows = sqlx::query("SELECT username FROM accounts").fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_goes_on_while_a_backup_is_put_back() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let done = AtomicBool::new(false);
    let busy = async {
        let (mut number, mut acknowledged) = (0, Vec::new());
        while !done.load(Ordering::Relaxed) {
            number += 1;
            let name = format!("user{number}");
            let made = app.anonymous().register(&name).await;
            assert!([200, 503].contains(&made.status), "{}: {}", made.status, made.text);
            if made.status == 200 {
                acknowledged.push(name);
            }
            assert_eq!(refreshed(&mona).await, 200);
        }
        acknowledged
    };
    let restores = async {
        for _ in 0..5 {
            restore(&app, &file, false).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    };
    let (acknowledged, ()) = futures::join!(busy, restores);
    let mut kept = names_in(&app.folder.path().join("doorward.db")).await;
    for copy in files(app.folder.path(), "before-restore") {
        kept.extend(names_in(&copy).await);
    }
    let lost: Vec<_> = acknowledged.iter().filter(|name| !kept.contains(*name)).collect();
    assert!(!acknowledged.is_empty() && lost.is_empty(), "neither there nor in a safety copy: {lost:?}");
    assert_eq!(refreshed(&mona).await, 200);
    assert_eq!(app.auth.verify_audit(&[]).await.unwrap().outcome(), Outcome::Whole);
    assert!(upkeep::back_up(&app.settings, &app.folder.path().join("after.db")).await.is_ok(), "and all is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_leaves_the_old_state_or_the_new() {
    let app = app().await;
    app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO accounts (id, email, email_key, username, username_key, first_name, last_name, security_epoch, created_at)
        SELECT i, 'e' || i, 'e' || i, 'u' || i, 'u' || i, '', '', 0, 0 FROM n";
    app.store
        .write(move |tx| Box::pin(async move { Ok(sqlx::raw_sql(fill).execute(tx).await.map(|_| ())?) }))
        .await
        .unwrap();
    let full = backed_up(&app, "full.db").await;
    let database = app.folder.path().join("doorward.db");
    let variable = format!("sqlite:{}", database.display());
    let (mut old, mut new, mut round) = (0, 0, 0);
    while old < 4 || new == 0 {
        round += 1;
        assert!(round < 200, "{old} old, {new} new");
        let arguments = ["restore", file.to_str().unwrap(), "--sessions", "keep", "--yes"];
        let mut command = doorward(app.folder.path(), &[("DOORWARD__DATABASE__URL", &variable)], &arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Each round the kill comes later: before, in the middle, after.
        tokio::time::sleep(Duration::from_millis(40 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let copy = app.folder.path().join(format!("round-{round}.db"));
        match upkeep::back_up(&app.settings, &copy).await.unwrap().held.accounts {
            20_001 => old += 1,
            1 => new += 1,
            other => panic!("round {round}: {other} accounts are neither state"),
        }
        fs::remove_file(copy).unwrap();
        // The safety copies of rounds within one second would have one name.
        for file in files(app.folder.path(), "before-restore") {
            fs::remove_file(file).unwrap();
        }
        restore(&app, &full, false).await.unwrap();
    }
    assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_asks_or_is_told_and_makes_a_database_that_is_not_there() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let path = file.to_str().unwrap();
    for arguments in [&["restore", path][..], &["restore", path, "--sessions", "keep"], &["restore", path, "--yes"]] {
        let output = command(&app, arguments);
        assert_eq!((output.status.code(), said(&output)), (Some(1), String::new()));
        assert!(
            complained(&output).contains("--sessions keep or --sessions end, and --yes"),
            "{}",
            complained(&output)
        );
    }
    app.signed_in("late").await;
    let done = command(&app, &["restore", path, "--sessions", "keep", "--yes"]);
    assert_eq!(done.status.code(), Some(0), "{}", complained(&done));
    assert!(
        said(&done).contains("holds 1 account again") && said(&done).contains(".before-restore-"),
        "{}",
        said(&done)
    );
    assert_eq!(refreshed(&mona).await, 200);
    let folder = tempfile::tempdir().unwrap();
    let run = |url: &str| {
        let arguments = ["restore", path, "--sessions", "end", "--yes", "--json"];
        doorward(folder.path(), &[("DOORWARD__DATABASE__URL", url)], &arguments).output().unwrap()
    };
    let made = run("sqlite:data/new.db");
    assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
    assert_eq!((json(&made)["accounts"].as_i64(), json(&made)["before"].is_null()), (Some(1), true));
    assert_eq!(fs::metadata(folder.path().join("data/new.db")).unwrap().mode() & 0o777, 0o600);
    let mut settings = app.settings.clone();
    settings.database.url = format!("sqlite:{}", folder.path().join("data/new.db").display()).into();
    assert!(Store::migrations(&settings.database).await.unwrap().are_current());
    let postgres = run("postgres://a@localhost/b");
    assert_eq!(postgres.status.code(), Some(1));
    assert!(complained(&postgres).contains("pg_restore"), "{}", complained(&postgres));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_not_denied_because_nobody_can_be_told() {
    let app = app().await;
    app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    app.signed_in("late").await;
    let variable = format!("sqlite:{}", app.folder.path().join("doorward.db").display());
    let unheard = |arguments: &[&str]| {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = doorward(app.folder.path(), &[("DOORWARD__DATABASE__URL", &variable)], arguments);
        command.stdout(full).stderr(Stdio::piped()).output().unwrap()
    };
    let made = unheard(&["backup", "unheard.db"]);
    assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
    assert!(complained(&made).starts_with("the backup is made, but the answer"), "{}", complained(&made));
    assert!(app.folder.path().join("unheard.db").is_file());
    let done = unheard(&["restore", file.to_str().unwrap(), "--sessions", "keep", "--yes", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", complained(&done));
    assert!(complained(&done).starts_with("the backup is put back, but the answer"), "{}", complained(&done));
    assert!(app.auth.user("late").await.is_err() && app.auth.user("mona").await.is_ok());
}
