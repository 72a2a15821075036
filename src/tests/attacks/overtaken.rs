//! A request that has looked at the account when somebody else's change of it is already under way: what was right when it
//! looked is not when it writes.

use crate::harness::{Answer, App, OTHER_PASSWORD, PASSWORD, factors::here, on_both_engines};
use doorward::server::auth::{AuthError, Proof};
use std::time::Duration;
use tokio::sync::oneshot;

/// Every session of every account has ended.
const ALL_END: &str = "UPDATE accounts SET security_epoch = security_epoch + 1";
/// Every session has been ended, one by one.
const EACH_ENDS: &str = "UPDATE sessions SET revoked_at = 1, revoked_why = 'ended_by_owner'";

/// Does `act` while a transaction with this change is under way: it sees the database as it was before, and what it writes has to
/// wait until the change is there.
async fn amid<T>(change: &'static str, app: &App, act: impl Future<Output = T>) -> T {
    let (begun, has_begun) = oneshot::channel();
    let changing = app.store.write(move |tx| {
        Box::pin(async move {
            sqlx::raw_sql(change).execute(&mut *tx).await?;
            let _ = begun.send(());
            tokio::time::sleep(Duration::from_millis(700)).await;
            Ok(())
        })
    });
    let acting = async {
        has_begun.await.unwrap();
        act.await
    };
    let (changed, done) = futures::join!(changing, acting);
    changed.unwrap();
    done
}

fn is_over(answer: &Answer) {
    assert_eq!((answer.status, answer.code().as_str()), (401, "not_signed_in"), "{}", answer.text);
}

on_both_engines! {
    async fn a_sign_in_beside_an_end_of_all_sessions_opens_one_that_lives(engine) {
        let app = App::start(engine).await;
        let (old, mona) = (app.signed_in("mona").await, app.anonymous());
        let entered = amid(ALL_END, &app, mona.log_in("mona", PASSWORD)).await;
        assert_eq!(entered.status, 200, "{}", entered.text);
        assert_eq!(old.refresh().await.status, 401);
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn nobody_signs_in_to_an_account_that_is_just_disabled_or_with_a_password_that_is_just_removed(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let (sessions, entered) = (app.number("SELECT COUNT(*) FROM sessions").await, app.noted("logged_in").await);
        for change in [
            "UPDATE accounts SET security_epoch = security_epoch + 1, disabled_at = 1",
            "UPDATE accounts SET password_hash = NULL, disabled_at = NULL",
        ] {
            let caller = app.anonymous();
            let refused = amid(change, &app, caller.log_in("mona", PASSWORD)).await;
            assert_eq!((refused.status, refused.code().as_str()), (401, "wrong_credentials"), "{change}");
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM sessions").await, sessions);
        assert_eq!(app.noted("logged_in").await, entered);
    }

    async fn a_session_that_just_ended_proves_nothing(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let proof = Proof::Password(PASSWORD.into());
        let proven = amid(ALL_END, &app, app.auth.step_up(Some(&mona.held()), &proof, &here())).await;
        assert!(matches!(proven, Err(AuthError::NotSignedIn)), "{proven:?}");
        assert_eq!(app.noted("step_up").await, 0);
    }

    async fn a_session_that_just_ended_changes_nothing(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let noted = app.number("SELECT COUNT(*) FROM audit_events").await;
        for (action, fields) in [
            ("request_deletion", &[][..]),
            ("report_not_me", &[]),
            ("end_other_sessions", &[]),
            ("change_username", &[("username", "lisa")]),
        ] {
            let mona = app.signed_in_again("mona").await;
            is_over(&amid(EACH_ENDS, &app, mona.action(action, fields)).await);
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM audit_events").await, noted + 4, "the four sign-ins");
        assert_eq!(app.number("SELECT COUNT(*) FROM accounts WHERE delete_at IS NULL AND password_hash IS NOT NULL").await, 1);
    }

    async fn a_password_is_not_changed_without_the_factor_that_the_account_just_got(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let fields = [("current_password", PASSWORD), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        let refused = amid("UPDATE accounts SET demanded_level = 2", &app, mona.action("change_password", &fields)).await;
        assert_ne!(refused.status, 200, "{}", refused.text);
        assert_eq!(app.noted("password_changed").await, 0);
    }

    async fn an_account_that_is_just_kept_is_not_purged(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        app.alter("UPDATE accounts SET delete_at = 1".to_owned()).await;
        amid("UPDATE accounts SET delete_at = NULL", &app, app.auth.clean_up()).await.unwrap();
        assert_eq!(app.number("SELECT COUNT(*) FROM accounts").await, 1);
    }

    async fn this_was_not_me_also_takes_back_the_change_of_address_that_is_just_made(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let change = "
            INSERT INTO tickets (id, account_id, kind, request_digest, epoch, code_tries, created_at, expires_at, code_expires_at,
                                 email, email_key, asked_at, demanded_level)
            SELECT 'AAAAAAAAAAAAAAAAAAAAAA', id, 'email_undo', 'none', security_epoch, 0, created_at, 4000000000, 0,
                   email, email_key, created_at, 1 FROM accounts;
            UPDATE accounts SET email = 'thief@example.com', email_key = 'thief@example.com'";
        let reported = amid(change, &app, mona.action("report_not_me", &[])).await;
        assert_eq!(reported.status, 200, "{}", reported.text);
        assert_eq!(app.texts("SELECT email FROM accounts").await, ["mona@example.com"]);
    }
}
