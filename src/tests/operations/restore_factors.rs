//! A backup that is put back undoes nothing of second factors: used codes stay used, removed ones removed, added ones stay.

use super::{
    command, complained,
    factors::{confirmed, id, with_passkey, with_totp},
    json,
    restore::{app, backed_up, change, restore},
};
use crate::{
    attacks::count,
    harness::{
        App, Engine,
        factors::{STEP, here, recovery},
    },
};
use doorward::{
    domain::factor::AssuranceLevel,
    server::{
        auth::{AuthError, LoggedIn},
        store::{StoreError, passkeys},
    },
};

async fn level(app: &App, name: &str) -> AssuranceLevel {
    app.auth.user(name).await.unwrap().demanded_level
}

/// What somebody might do with a shell, beside the server.
async fn put(app: &App, statements: &str) {
    change(&app.folder.path().join("doorward.db"), statements).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_that_were_used_since_stay_used_and_the_others_work() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let device = with_totp(&app, &mona).await;
    let early = app.challenged("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let (of_step, of_list) = (device.code(&app), recovery(&device.codes[0]));
    for used in [&of_step, &of_list] {
        app.answer_at(&app.challenged("mona").await, used, true, &here()).await.unwrap();
    }
    let shown = app.auth.user_factors("mona").await.unwrap().what.factors;
    restore(&app, &file, false).await.unwrap();
    for used in [&of_step, &of_list] {
        let again = app.answer(&app.challenged("mona").await, used).await;
        assert!(matches!(again, Err(AuthError::Invalid(_))), "{used:?}: {again:?}");
    }
    assert_eq!(app.auth.user_factors("mona").await.unwrap().what.factors, shown);
    let other = recovery(&device.codes[1]);
    let over = app.answer(&early, &other).await;
    assert!(matches!(over, Err(AuthError::ChallengeOver)), "{over:?}");
    app.answer(&app.challenged("mona").await, &other).await.unwrap();
    app.clock.advance(STEP);
    app.answer(&app.challenged("mona").await, &device.code(&app)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn factors_of_since_stay_and_removed_ones_stay_away() {
    let app = app().await;
    let (mona, nora, otto) = (app.signed_in("mona").await, app.signed_in("nora").await, app.signed_in("otto").await);
    with_totp(&app, &otto).await;
    let (of_nora, of_otto) = (id(&app, "nora").await, id(&app, "otto").await);
    with_passkey(&app, of_otto, "old", "Old key").await;
    let file = backed_up(&app, "backup.db").await;
    let device = with_totp(&app, &mona).await;
    with_passkey(&app, of_nora, "new", "New key").await;
    let principal = app.principal(&otto.held()).await;
    app.auth.remove_passkey(&principal, "old", &Default::default()).await.unwrap();
    app.auth.remove_totp(&principal, &Default::default()).await.unwrap();
    let handle = "UPDATE accounts SET passkey_handle = 'handle' WHERE username = 'nora'";
    put(&app, handle).await;
    restore(&app, &file, false).await.unwrap();
    assert_eq!(level(&app, "mona").await, AssuranceLevel::Two, "nobody falls back to the password alone");
    let waits = app.challenged("mona").await;
    app.answer(&waits, &device.code(&app)).await.unwrap();
    assert_eq!(level(&app, "nora").await, AssuranceLevel::Two);
    let mut tx = app.store.read().await.unwrap();
    let (found, handle) = passkeys::find(&mut tx, "new").await.unwrap().expect("the passkey of since");
    assert_eq!((found.account, handle.as_deref()), (of_nora, Some("handle")));
    assert!(passkeys::find(&mut tx, "old").await.unwrap().is_none());
    drop(tx);
    assert!(
        matches!(app.type_password("otto", &here(), None).await, Ok(LoggedIn::Opened(_))),
        "the password is enough, as just before"
    );
    assert_eq!(count(&app, "SELECT COUNT(*) FROM recovery_codes").await, 10, "only the codes of who has a factor");
    assert_eq!(nora.refresh().await.json()["code"], "factor_required", "a session of before the passkey");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_was_deleted_since_comes_back_with_its_factors() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let device = with_totp(&app, &mona).await;
    app.signed_in("nora").await;
    let file = backed_up(&app, "backup.db").await;
    put(&app, "PRAGMA foreign_keys = ON; DELETE FROM accounts WHERE username = 'mona'").await;
    assert_eq!(count(&app, "SELECT COUNT(*) FROM totp_secrets").await, 0);
    restore(&app, &file, false).await.unwrap();
    let waits = app.challenged("mona").await;
    app.answer(&waits, &device.code(&app)).await.unwrap();
    assert!(matches!(app.type_password("nora", &here(), None).await, Ok(LoggedIn::Opened(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn factors_whose_rows_were_lost_are_the_backups_again() {
    let app = app().await;
    let mona = app.signed_in("mona").await;
    let device = with_totp(&app, &mona).await;
    let of_list = recovery(&device.codes[0]);
    let file = backed_up(&app, "backup.db").await;
    app.answer(&app.challenged("mona").await, &of_list).await.unwrap();
    put(&app, "DELETE FROM totp_secrets").await;
    restore(&app, &file, false).await.unwrap();
    let again = app.answer(&app.challenged("mona").await, &of_list).await;
    assert!(matches!(again, Err(AuthError::Invalid(_))), "{again:?}");
    app.answer(&app.challenged("mona").await, &device.code(&app)).await.unwrap();
    put(&app, "PRAGMA foreign_keys = ON; DELETE FROM accounts").await;
    restore(&app, &file, false).await.unwrap();
    assert_eq!(level(&app, "mona").await, AssuranceLevel::Two, "all is as in the backup");
    app.answer(&app.challenged("mona").await, &device.code(&app)).await.unwrap();
}

/// Undoing a change of address takes an intruder's factors, and leaves an account that had one before demanding one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn factors_that_an_undo_took_do_not_come_back_and_the_password_alone_stays_too_little() {
    let app = app().await;
    for name in ["mona", "nora"] {
        app.signed_in(name).await;
    }
    let before = backed_up(&app, "before.db").await;
    with_passkey(&app, id(&app, "mona").await, "thief", "Thief's key").await;
    let between = backed_up(&app, "between.db").await;
    let mona = id(&app, "mona").await;
    let undo =
        "DELETE FROM passkeys; INSERT INTO audit_events (seq, happened_at, kind, account_id, personal_digest, seal)
                SELECT MAX(seq) + 1, 1, 'factors_undone', {}, '', '' FROM audit_events";
    put(&app, &undo.replace("{}", &mona.0.to_string())).await;
    for file in [&between, &before] {
        restore(&app, file, false).await.unwrap();
        assert_eq!(level(&app, "mona").await, AssuranceLevel::Two);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM passkeys").await, 0);
        assert_eq!(level(&app, "nora").await, AssuranceLevel::One);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ceremony_that_was_finished_since_is_not_finished_again() {
    let app = app().await;
    app.signed_in("mona").await;
    let file = backed_up(&app, "backup.db").await;
    let until = app.now().plus(300);
    let spend = || app.store.write(move |tx| Box::pin(async move { passkeys::spend(tx, "ceremony", until).await }));
    assert!(spend().await.unwrap());
    restore(&app, &file, false).await.unwrap();
    assert!(!spend().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_neither_the_backups_password_nor_a_passkey_is_told() {
    let app = App::start_with(Engine::Sqlite, "registration.confirmation = 'off'").await;
    let nora = app.signed_in("nora").await;
    for name in ["mona", "otto"] {
        app.signed_in(name).await;
    }
    confirmed(&app).await;
    drop(nora);
    with_passkey(&app, id(&app, "mona").await, "gone", "Gone").await;
    with_passkey(&app, id(&app, "otto").await, "kept", "Kept").await;
    put(&app, "UPDATE accounts SET password_hash = NULL WHERE username <> 'nora'").await;
    let file = backed_up(&app, "backup.db").await;
    put(&app, "UPDATE accounts SET password_hash = 'another', demanded_level = 1 WHERE username <> 'nora'").await;
    let mona = id(&app, "mona").await;
    let gone = app.store.write(move |tx| Box::pin(async move { passkeys::delete_of(tx, mona).await }));
    assert_eq!(gone.await.map_err(|error: StoreError| error.to_string()), Ok(()));
    let done = command(&app, &["restore", file.to_str().unwrap(), "--sessions", "keep", "--yes", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", complained(&done));
    assert_eq!(json(&done)["locked_out"], serde_json::json!([mona.0]));
    assert_eq!(level(&app, "otto").await, AssuranceLevel::Two, "as the passkey that is there says");
}
