//! The end of an account: not before its owner can have it back, and nothing left afterwards.

use super::{change_address, count, with_new_password};
use crate::{
    account::{DAY, confirm, link, parts},
    harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines},
};
use doorward::server::auth::{AuthError, Origin};

/// How long the way back to an address is open, in seconds.
const UNDO: i64 = 72 * 3600;
const ACCOUNTS: &str = "SELECT COUNT(*) FROM accounts";
const PERSONAL: &str = "SELECT COUNT(*) FROM reservations WHERE kind = 'email' OR account_id IS NOT NULL";

on_both_engines! {
    /// t10: a thief changes the address and has the account deleted, with no grace or with a short one.
    async fn an_account_is_not_purged_while_its_earlier_address_can_be_restored(engine) {
        for grace in [0, 1] {
            let app = App::start_with(engine, &format!("account.deletion_grace = {grace}")).await;
            let mona = app.signed_in("mona").await;
            confirm(&app, &mona, "mona").await;
            let thief = app.signed_in_again("mona").await;
            assert_eq!(change_address(&app, &thief, "evil", &mut Vec::new()).await.status, 200);
            let undo = link(&app, "mona", "/undo-email-change").await;
            assert_eq!(thief.action("request_deletion", &[]).await.status, 200);
            app.clock.advance(UNDO - 1);
            app.auth.clean_up().await.unwrap();
            assert_eq!(count(&app, ACCOUNTS).await, 1, "grace {grace}");
            let owner = app.anonymous();
            assert_eq!(owner.action("undo_email_change", &parts(&undo)).await.status, 200, "grace {grace}");
            let reset = link(&app, "mona", "/reset-confirmation").await;
            assert_eq!(owner.action("confirm_password_reset", &with_new_password(&reset)).await.status, 200);
            app.clock.advance(2 * DAY);
            app.auth.clean_up().await.unwrap();
            assert_eq!(owner.log_in("mona@example.com", OTHER_PASSWORD).await.json()["next"], "/dashboard");
        }
    }

    /// t07: names and addresses that the account has left behind.
    async fn once_the_way_back_has_ended_the_purge_leaves_no_address_and_no_account(engine) {
        let app = App::start_with(engine, "account.deletion_grace = 1").await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        assert_eq!(change_address(&app, &mona, "lisa", &mut Vec::new()).await.status, 200);
        assert_eq!(mona.action("change_username", &[("username", "lisa")]).await.status, 200);
        assert_eq!(mona.action("request_deletion", &[]).await.status, 200);
        assert_eq!(count(&app, PERSONAL).await, 2);
        app.clock.advance(UNDO);
        app.auth.clean_up().await.unwrap();
        assert_eq!((count(&app, ACCOUNTS).await, count(&app, PERSONAL).await), (0, 0));
        let names = "SELECT COUNT(*) FROM reservations WHERE kind = 'username' AND name_key IN ('mona', 'lisa')";
        assert_eq!(count(&app, names).await, 2, "kept from others, for nobody");
    }

    /// t07: the way back was taken, and its address is kept for longer than the account lives.
    async fn a_purge_before_a_kept_address_is_let_go_forgets_it(engine) {
        let app = App::start_with(engine, "account.deletion_grace = 0").await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        assert_eq!(change_address(&app, &mona, "evil", &mut Vec::new()).await.status, 200);
        let undo = link(&app, "mona", "/undo-email-change").await;
        let owner = app.anonymous();
        assert_eq!(owner.action("undo_email_change", &parts(&undo)).await.status, 200);
        let reset = link(&app, "mona", "/reset-confirmation").await;
        assert_eq!(owner.action("confirm_password_reset", &with_new_password(&reset)).await.status, 200);
        assert_eq!(owner.log_in("mona", OTHER_PASSWORD).await.status, 200);
        assert_eq!(owner.action("request_deletion", &[]).await.status, 200);
        app.auth.clean_up().await.unwrap();
        assert_eq!((count(&app, ACCOUNTS).await, count(&app, PERSONAL).await), (0, 0));
    }

    /// t21: a caller who was let in a moment before.
    async fn keeping_an_account_after_its_purge_is_refused_and_noted_nowhere(engine) {
        let app = App::start_with(engine, "account.deletion_grace = 1").await;
        let mona = app.signed_in("mona").await;
        assert_eq!(mona.action("request_deletion", &[]).await.status, 200);
        let back = app.anonymous();
        assert_eq!(back.log_in("mona", PASSWORD).await.status, 200);
        let principal = app.auth.visit(Some(&back.held())).await.unwrap().unwrap().principal;
        app.clock.advance(DAY);
        app.auth.clean_up().await.unwrap();
        assert_eq!(count(&app, ACCOUNTS).await, 0);
        let before = count(&app, "SELECT COUNT(*) FROM audit_events").await;
        let origin = Origin { ip: "192.0.2.7".into(), ..Origin::default() };
        let refused = app.auth.undo_deletion(&principal, &origin).await;
        assert!(matches!(refused, Err(AuthError::NotSignedIn)), "{refused:?}");
        assert_eq!(count(&app, "SELECT COUNT(*) FROM audit_events").await, before);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM audit_events WHERE account_id IS NOT NULL").await, 0);
    }
}
