//! A backup of the SQLite database is whole, private and its own, however busy the server is.

use super::{command, complained, doorward, json, said};
use crate::harness::{App, Engine, PASSWORD};
use doorward::server::{
    auth::Outcome,
    compose::{self, upkeep},
    settings::Settings,
};
use futures::future::join_all;
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// The settings of this application with another database file.
fn settings_of(app: &App, file: &Path) -> Settings {
    let mut settings = app.settings.clone();
    settings.database.url = format!("sqlite:{}", file.display()).into();
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_server_is_one_state_of_it() {
    let app = App::start_with(Engine::Sqlite, "registration.confirmation = 'off'").await;
    let callers = join_all((0..4).map(|number| app.signed_in(["anna", "bert", "cleo", "dora"][number]))).await;
    let done = AtomicBool::new(false);
    let busy = join_all(callers.iter().enumerate().map(async |(number, caller)| {
        let mut rounds = 0;
        while !done.load(Ordering::Relaxed) || rounds == 0 {
            assert_eq!(caller.refresh().await.status, 200, "nobody is kept waiting");
            assert_eq!(app.anonymous().register(&format!("user{number}x{rounds}")).await.status, 200);
            rounds += 1;
        }
        rounds
    }));
    let backups = async {
        let mut files = Vec::new();
        for number in 0..4 {
            let file = app.folder.path().join(format!("backup-{number}.db"));
            files.push(upkeep::back_up(&app.settings, &file).await.unwrap());
        }
        done.store(true, Ordering::Relaxed);
        files
    };
    let (rounds, files) = futures::join!(busy, backups);
    let all = 4 + rounds.iter().sum::<i64>();
    for copied in &files {
        assert_eq!(fs::metadata(&copied.file).unwrap().mode() & 0o777, 0o600);
        assert!((4..=all).contains(&copied.held.accounts), "{copied:?}, {all}");
        let report = compose::verify_audit(&settings_of(&app, &copied.file), &[]).await.unwrap();
        assert_eq!((report.outcome(), report.last_seq), (Outcome::Whole, copied.held.last_audit_seq));
    }
    assert!(files.windows(2).all(|pair| pair[0].held.accounts <= pair[1].held.accounts));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_copies_beside_the_server_and_never_over_a_file() {
    let app = App::start(Engine::Sqlite).await;
    app.signed_in("mona").await;
    let made = command(&app, &["backup", "it's a 100%? backup#.db", "--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
    let file = PathBuf::from(json(&made)["file"].as_str().unwrap());
    assert!(file.starts_with(app.folder.path().canonicalize().unwrap()) && file.is_file(), "{file:?}");
    assert_eq!((json(&made)["accounts"].as_i64(), fs::metadata(&file).unwrap().mode() & 0o777), (Some(1), 0o600));
    let before = fs::read(&file).unwrap();
    let again = command(&app, &["backup", file.to_str().unwrap()]);
    assert_eq!((again.status.code(), said(&again)), (Some(1), String::new()));
    assert!(complained(&again).contains("not overwritten"), "{}", complained(&again));
    assert_eq!(fs::read(&file).unwrap(), before);
    let nowhere = command(&app, &["backup", "no/such/folder/x.db"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", complained(&nowhere));
    assert!(said(&command(&app, &["backup", "two.db"])).contains("Keep keys.json elsewhere"));
    assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
}

#[test]
fn what_is_not_sqlite_or_not_there_is_not_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let run = |url: &str, arguments: &[&str]| {
        doorward(folder.path(), &[("DOORWARD__DATABASE__URL", url)], arguments).output().unwrap()
    };
    let postgres = run("postgres://a@localhost/b", &["backup", "x.db"]);
    assert_eq!(postgres.status.code(), Some(1));
    assert!(complained(&postgres).contains("pg_dump"), "{}", complained(&postgres));
    assert_eq!(run("sqlite:away.db", &["backup", "x.db"]).status.code(), Some(1));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    fs::write(folder.path().join("text.db"), "no database at all, but a text of some length".repeat(20)).unwrap();
    assert_eq!(run("sqlite:text.db", &["backup", "x.db"]).status.code(), Some(2));
    assert!(!folder.path().join("x.db").exists(), "nothing is left of what failed");
}
