//! A backup that is put back: rows change at once beside the running server, people stay signed in if that is wanted, and
//! what must not be undone is not.

use super::fields_of;
use crate::harness::{App, Caller, Engine, OTHER_PASSWORD, PASSWORD};
use doorward::{
    domain::account::AccountId,
    server::{
        auth::Outcome,
        clock::Clock as _,
        compose::{World, upkeep},
        entropy::SystemEntropy,
        store::{
            account_list::{self, Only},
            backup::BackupError,
            outbox::{self, MailKind, NewMail},
            outbox_list::MailState,
            restore::Restored,
        },
    },
};
use sqlx::Connection as _;
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) async fn app() -> App {
    App::start_with(Engine::Sqlite, "registration.confirmation = 'off'").await
}

pub(super) async fn backed_up(app: &App, name: &str) -> PathBuf {
    let file = app.folder.path().join(name);
    upkeep::back_up(&app.settings, &file).await.unwrap();
    file
}

pub(super) async fn restore(app: &App, file: &Path, end_sessions: bool) -> Result<Restored, BackupError> {
    // Two in one second would give their safety copies one name.
    app.clock.advance(1);
    let world = World { clock: app.clock.clone(), entropy: Arc::new(SystemEntropy) };
    upkeep::restore(&app.settings, &world, file, end_sessions).await
}

async fn names(app: &App) -> Vec<String> {
    let mut tx = app.store.read().await.unwrap();
    let found = account_list::list(&mut tx, Only::default(), 1000).await.unwrap();
    let mut names: Vec<String> = found.into_iter().map(|account| account.account.username).collect();
    names.sort();
    names
}

/// Changes a database file, beside a server if one has it open.
pub(super) async fn change(file: &Path, statements: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Files in the folder whose name has this in it.
pub(super) fn files(folder: &Path, part: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    all.filter(|path| path.file_name().unwrap().to_string_lossy().contains(part)).collect()
}

pub(super) async fn refreshed(caller: &Caller) -> u16 {
    caller.refresh().await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_signed_in_stays_so_with_newer_tokens_too_and_who_came_later_is_gone() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let late = app.signed_in("late").await;
    let mut token = String::new();
    for _ in 0..3 {
        app.clock.advance(120);
        token = mona.refresh().await.token();
    }
    let restored = restore(&app, &file, false).await.unwrap();
    assert_eq!(restored.held.accounts, 1);
    assert_eq!(mona.account(&token).await.status, 200, "the access token, too");
    assert_eq!(refreshed(&mona).await, 200, "a token that is newer than the database");
    assert_eq!(refreshed(&mona).await, 200);
    assert_eq!((names(&app).await, refreshed(&late).await), (vec!["mona".to_owned()], 401));
    assert_eq!(app.signed_in("late").await.refresh().await.status, 200, "the name is free again");
    assert_eq!(app.auth.verify_audit(&[]).await.unwrap().outcome(), Outcome::Whole);
    let before = restored.before.unwrap();
    assert_eq!((before.held.accounts, fs::metadata(&before.file).unwrap().mode() & 0o777), (2, 0o600));
    assert!(files(app.folder.path(), "restoring").is_empty(), "nothing is left over");
    restore(&app, &before.file, false).await.unwrap();
    assert_eq!(names(&app).await, ["late", "mona"], "the state before was saved");
    assert_eq!(refreshed(&mona).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_ends_where_that_is_wanted() {
    let app = app().await;
    let mona = app.anonymous();
    let token = mona.register("mona").await.token();
    let file = backed_up(&app, "backup.db").await;
    restore(&app, &file, true).await.unwrap();
    assert_eq!((mona.account(&token).await.status, refreshed(&mona).await), (401, 401));
    assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_ended_since_the_backup_stays_ended() {
    let app = app().await;
    let (mona, nora) = (app.signed_in("mona").await, app.signed_in("nora").await);
    let (tab, thief) = (app.signed_in_again("mona").await, nora.twin());
    nora.action("request_password_reset", &[("email", "nora@example.com")]).await;
    let (link, _) = app.reset_mail("nora").await;
    let file = backed_up(&app, "backup.db").await;
    let held = mona.twin();
    mona.action("log_out", &[]).await;
    let mut form = fields_of(&link);
    form.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
    assert_eq!(app.anonymous().action("confirm_password_reset", &form).await.status, 200);
    restore(&app, &file, false).await.unwrap();
    assert_eq!(refreshed(&held).await, 401, "who signed out stays signed out");
    assert_eq!(refreshed(&tab).await, 200, "who did not does not");
    assert_eq!(refreshed(&thief).await, 401, "a new password had ended it");
    assert_ne!(app.anonymous().action("confirm_password_reset", &form).await.status, 200, "a link works once");
    assert_eq!(app.anonymous().log_in("nora", PASSWORD).await.status, 200, "the password is the backup's");
}

async fn owe(app: &App, id: &'static str, account: AccountId, created: i64) {
    let now = app.clock.now();
    let mail = NewMail {
        id: id.to_owned(),
        kind: MailKind::SessionTheft,
        account: Some(account),
        ticket: None,
        give_up_at: now.plus(30 * 86_400),
        about: None,
    };
    app.store
        .write(move |tx| {
            Box::pin(async move {
                outbox::insert(tx, &mail, now.plus(-created)).await?;
                // Not yet: the worker leaves it alone.
                let later = "UPDATE outbox SET due_at = $1 WHERE id = $2";
                sqlx::query(later).bind(now.plus(1_000_000).0).bind(id).execute(tx).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn states(app: &App) -> Vec<(String, MailState)> {
    let mails = app.auth.mails(None, 100).await.unwrap();
    let mut states: Vec<_> = mails.into_iter().map(|mail| (mail.id.clone(), mail.state())).collect();
    states.sort_by(|one, other| one.0.cmp(&other.0));
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_that_went_out_goes_out_again() {
    let app = app().await;
    app.signed_in("mona").await;
    let mona = app.auth.user("mona").await.unwrap().account.id;
    for (id, age) in [("a-sent", 0), ("b-given-up", 0), ("c-waits", 0), ("d-cleaned", 8 * 86_400), ("e-unknown", 0)] {
        owe(&app, id, mona, age).await;
    }
    let file = backed_up(&app, "backup.db").await;
    app.store
        .write(|tx| {
            Box::pin(async move {
                let since = "UPDATE outbox SET sent_at = 5, attempts = 1 WHERE id = 'a-sent';
                     UPDATE outbox SET gave_up_at = 6, last_error = 'refused' WHERE id = 'b-given-up';
                     DELETE FROM outbox WHERE id IN ('d-cleaned', 'e-unknown')";
                Ok(sqlx::raw_sql(since).execute(tx).await.map(|_| ())?)
            })
        })
        .await
        .unwrap();
    restore(&app, &file, false).await.unwrap();
    let expected = [
        ("a-sent", MailState::Sent),
        ("b-given-up", MailState::GivenUp),
        ("c-waits", MailState::Waiting),
        // Older than mails are kept: it may have gone out with nothing left that says so.
        ("d-cleaned", MailState::GivenUp),
        ("e-unknown", MailState::Waiting),
    ];
    assert_eq!(states(&app).await, expected.map(|(id, state)| (id.to_owned(), state)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_of_the_present_are_not_taken_from_the_backup() {
    let app = app().await;
    app.signed_in("mona").await;
    let put = |statement: &'static str| {
        app.store.write(move |tx| Box::pin(async move { Ok(sqlx::raw_sql(statement).execute(tx).await.map(|_| ())?) }))
    };
    put("INSERT INTO leases (name, holder, until_at) VALUES ('test-lease', 'then', 1)").await.unwrap();
    let file = backed_up(&app, "backup.db").await;
    put("UPDATE leases SET holder = 'now' WHERE name = 'test-lease';
         INSERT INTO replicas (id, version, started_at, seen_at, keys) VALUES ('test-now', '1', 1, 1, 'k')")
    .await
    .unwrap();
    restore(&app, &file, false).await.unwrap();
    let mut tx = app.store.read().await.unwrap();
    for query in [
        "SELECT 1 FROM leases WHERE name = 'test-lease' AND holder = 'now'",
        "SELECT 1 FROM replicas WHERE id = 'test-now'",
    ] {
        assert!(sqlx::query(query).fetch_optional(&mut *tx).await.unwrap().is_some(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_an_older_version_is_brought_up_to_date_and_stays_as_it_is() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let file = backed_up(&app, "old.db").await;
    let older = "ALTER TABLE accounts DROP COLUMN admin_since; DROP TABLE leases; DROP TABLE replicas;
                 DELETE FROM _sqlx_migrations WHERE version = 20261123000001";
    change(&file, older).await;
    let untouched = fs::read(&file).unwrap();
    let restored = restore(&app, &file, false).await.unwrap();
    assert_eq!(restored.migrated, ["20261123000001_operations"]);
    assert_eq!((names(&app).await, refreshed(&mona).await), (vec!["mona".to_owned()], 200));
    assert_eq!(fs::read(&file).unwrap(), untouched);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_whole_backup_of_ours_is_refused_and_changes_nothing() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let at = |name: &str| app.folder.path().join(name);
    let good = backed_up(&app, "good.db").await;
    let copied = |name: &str| {
        fs::copy(&good, at(name)).unwrap();
        at(name)
    };
    let newer = copied("newer.db");
    change(
        &newer,
        "INSERT INTO _sqlx_migrations SELECT 20991231000001, 'to come', installed_on, success, checksum, 1
                    FROM _sqlx_migrations LIMIT 1",
    )
    .await;
    let orphans = copied("orphans.db");
    change(&orphans, "PRAGMA foreign_keys = OFF; DELETE FROM accounts").await;
    let foreign = at("foreign.db");
    fs::write(&foreign, "").unwrap();
    change(&foreign, "CREATE TABLE auth_user (id INTEGER)").await;
    fs::write(at("text.db"), "no database at all, but a text of some length".repeat(100)).unwrap();
    fs::write(at("empty.db"), "").unwrap();
    let cut = copied("cut.db");
    fs::File::options().write(true).open(&cut).unwrap().set_len(fs::metadata(&good).unwrap().len() / 2).unwrap();
    let partial = copied("partial.db");
    fs::write(at("partial.db-wal"), "more").unwrap();
    let live = app.folder.path().join("doorward.db");
    for (file, words) in [
        (newer, "20991231000001_to_come"),
        (orphans, "not there"),
        (foreign, "no database of doorward"),
        (at("empty.db"), "no database of doorward"),
        (at("text.db"), "no whole SQLite database"),
        (cut, "no whole SQLite database"),
        (partial, "partial.db-wal"),
        (live, "the database itself"),
        (at("away.db"), "there is no"),
    ] {
        let error = restore(&app, &file, false).await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains(words), "{words}: {error}");
    }
    assert_eq!((names(&app).await, refreshed(&mona).await), (vec!["mona".to_owned()], 200));
    assert!(files(app.folder.path(), "restor").is_empty(), "{:?}", files(app.folder.path(), "restor"));
}
