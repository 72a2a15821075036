//! What has happened since a backup and is not undone by putting it back: ends of sessions, losses of rights. And what is
//! no such thing: rows that were lost.

use super::{
    command, complained, json,
    restore::{app, backed_up, change, refreshed, restore},
    said,
};
use crate::harness::{App, Engine, PASSWORD};
use doorward::server::store::{StoreError, accounts::StoredAccount, amendments::Changes};

/// What an administrator with a shell might do, beside the server.
async fn put(app: &App, statements: impl Into<String>) {
    change(&app.folder.path().join("doorward.db"), &statements.into()).await;
}

async fn user(app: &App, name: &str) -> StoredAccount {
    app.auth.user(name).await.unwrap()
}

/// Sessions leave the database as soon as they have ended and somebody cleans up.
async fn forgetful() -> App {
    App::start_with(Engine::Sqlite, "registration.confirmation = 'off'\nsession.keep_ended = 0").await
}

async fn cleaned_up(app: &App) -> u64 {
    app.clock.advance(1);
    app.auth.clean_up().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_row_was_cleaned_up_stays_ended() {
    let app = forgetful().await;
    let (mona, nora) = (app.signed_in("mona").await, app.signed_in("nora").await);
    let file = backed_up(&app, "backup.db").await;
    let held = mona.twin();
    mona.action("log_out", &[]).await;
    assert_eq!(cleaned_up(&app).await, 1, "its row is gone");
    restore(&app, &file, false).await.unwrap();
    assert_eq!((refreshed(&held).await, refreshed(&nora).await), (401, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_session_that_was_cleaned_up_stays_ended_too() {
    let app = forgetful().await;
    let mona = app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let held = mona.twin();
    mona.action("log_out", &[]).await;
    assert_eq!(cleaned_up(&app).await, 1, "no session is left to compare with");
    restore(&app, &file, false).await.unwrap();
    assert_eq!(refreshed(&held).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_account_comes_back_signed_out_and_without_rights() {
    let app = app().await;
    let (mona, nora) = (app.signed_in("mona").await, app.signed_in("nora").await);
    let id = user(&app, "mona").await.account.id;
    app.auth.set_admin(id, true).await.unwrap();
    let mona_again = app.signed_in_again("mona").await;
    let file = backed_up(&app, "backup.db").await;
    put(&app, "UPDATE accounts SET delete_at = 1 WHERE username = 'mona'").await;
    cleaned_up(&app).await;
    assert!(app.auth.user("mona").await.is_err(), "purged");
    let changes = restore(&app, &file, false).await.unwrap().changes.unwrap();
    assert_eq!((changes.back, changes.demoted), (vec![id], vec![id]));
    assert_eq!((refreshed(&mona).await, refreshed(&mona_again).await, refreshed(&nora).await), (401, 401, 200));
    assert_eq!(user(&app, "mona").await.admin_since, None);
    assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_lost_end_no_session_and_take_no_rights() {
    let app = app().await;
    let (mona, nora) = (app.signed_in("mona").await, app.signed_in("nora").await);
    app.auth.set_admin(user(&app, "nora").await.account.id, true).await.unwrap();
    let nora_again = app.signed_in_again("nora").await;
    let file = backed_up(&app, "backup.db").await;
    let orphaned = "PRAGMA foreign_keys = OFF; DELETE FROM accounts";
    let all = "PRAGMA foreign_keys = ON; DELETE FROM accounts";
    for lost in [orphaned, all, "DELETE FROM sessions"] {
        put(&app, lost).await;
        let restored = restore(&app, &file, false).await.unwrap();
        assert_eq!(restored.changes, (lost == "DELETE FROM sessions").then(Changes::default), "{lost}");
        assert_eq!((refreshed(&mona).await, refreshed(&nora_again).await), (200, 200), "{lost}");
        assert!(user(&app, "nora").await.admin_since.is_some(), "{lost}");
    }
    // Somebody signed in before it was noticed.
    put(&app, "DELETE FROM sessions").await;
    app.signed_in_again("nora").await;
    restore(&app, &file, false).await.unwrap();
    assert_eq!(refreshed(&mona).await, 200);
    assert_eq!(refreshed(&nora).await, 401, "a change of rights had ended it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_a_right_or_leaves_still_does_and_who_stays_stays() {
    let app = app().await;
    for name in ["mona", "nora", "otto", "pia", "quin"] {
        app.signed_in(name).await;
    }
    let id = async |name: &str| user(&app, name).await.account.id;
    let (mona, nora, otto) = (id("mona").await, id("nora").await, id("otto").await);
    for admin in [nora, otto] {
        app.auth.set_admin(admin, true).await.unwrap();
    }
    put(&app, "UPDATE accounts SET delete_at = 9000000000 WHERE username = 'quin'").await;
    let file = backed_up(&app, "backup.db").await;
    app.auth.set_disabled(mona, true).await.unwrap();
    app.auth.set_admin(nora, false).await.unwrap();
    put(
        &app,
        "UPDATE accounts SET delete_at = 8000000000 WHERE username = 'pia';
         UPDATE accounts SET delete_at = NULL WHERE username = 'quin'",
    )
    .await;
    app.signed_in("late").await;
    let late = id("late").await;
    let changes = restore(&app, &file, false).await.unwrap().changes.unwrap();
    let expected = Changes { gone: vec![late], disabled: vec![mona], demoted: vec![nora], ..Changes::default() };
    assert_eq!(changes, expected);
    assert!(user(&app, "mona").await.disabled_at.is_some());
    assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
    assert_eq!(user(&app, "nora").await.admin_since, None);
    assert!(user(&app, "otto").await.admin_since.is_some(), "who still is one");
    let mut tx = app.store.read().await.unwrap();
    let leaving = "SELECT 1 FROM accounts WHERE delete_at = 8000000000 AND username = 'pia'
                   AND NOT EXISTS (SELECT 1 FROM accounts WHERE delete_at IS NOT NULL AND username <> 'pia')";
    assert!(sqlx::query(leaving).fetch_optional(&mut *tx).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_password_or_address_is_an_older_one_again_is_told() {
    let app = app().await;
    for name in ["mona", "nora", "otto"] {
        app.signed_in(name).await;
    }
    let id = async |name: &str| user(&app, name).await.account.id;
    let (mona, nora, otto) = (id("mona").await, id("nora").await, id("otto").await);
    let file = backed_up(&app, "backup.db").await;
    let since = "UPDATE accounts SET password_hash = 'another' WHERE username = 'mona';
                 UPDATE accounts SET password_hash = NULL WHERE username = 'nora';
                 UPDATE accounts SET email = 'new@example.com', email_key = 'new@example.com' WHERE username = 'otto'";
    let run = |more: &[&str]| {
        let arguments = [&["restore", file.to_str().unwrap(), "--sessions", "keep", "--yes"], more].concat();
        let done = command(&app, &arguments);
        assert_eq!(done.status.code(), Some(0), "{}", complained(&done));
        done
    };
    put(&app, since).await;
    let answer = json(&run(&["--json"]));
    let mut passwords: Vec<i64> = serde_json::from_value(answer["passwords_back"].clone()).unwrap();
    passwords.sort_unstable();
    let mut expected = [mona.0, nora.0];
    expected.sort_unstable();
    assert_eq!(passwords, expected);
    assert_eq!(answer["addresses_back"], serde_json::json!([otto.0]));
    assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200, "the password is the backup's");
    // The safety copies of two within one second would have one name.
    for file in super::restore::files(app.folder.path(), "before-restore") {
        std::fs::remove_file(file).unwrap();
    }
    put(&app, since).await;
    let text = said(&run(&[]));
    assert!(text.contains("password again (consider a reset link): 2, namely "), "{text}");
    assert!(text.contains(&format!("address again (consider a reset link): 1, namely {otto}.")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_until_the_exchange_is_in_the_copy_of_the_state_before() {
    let mut app = app().await;
    app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    // Else its first step would wait for the writer below.
    app.settings.database.migrate = false;
    let (begun, wait) = tokio::sync::oneshot::channel();
    let folder = app.folder.path().to_path_buf();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            // Holds the lock from here.
            let touch = "UPDATE accounts SET first_name = 'Mona' WHERE username = 'mona'";
            sqlx::raw_sql(touch).execute(&mut *tx).await?;
            begun.send(()).unwrap();
            for _ in 0..1000 {
                if !super::restore::files(&folder, "restoring").is_empty() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let last = "UPDATE accounts SET last_name = 'Last' WHERE username = 'mona'";
            sqlx::raw_sql(last).execute(tx).await?;
            Ok::<_, StoreError>(())
        })
    });
    let restored = async {
        wait.await.unwrap();
        restore(&app, &file, false).await.unwrap()
    };
    let (written, restored) = futures::join!(write, restored);
    written.unwrap();
    assert_eq!(user(&app, "mona").await.account.last_name, "", "the backup is back");
    restore(&app, &restored.before.unwrap().file, false).await.unwrap();
    assert_eq!(user(&app, "mona").await.account.last_name, "Last", "what was acknowledged is in the copy");
}
