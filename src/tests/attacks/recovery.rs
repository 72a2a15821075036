//! Taking an account back from a thief, and resets in browsers of others.

use super::{change_address, count, reset, with_new_password};
use crate::{
    account::{DAY, confirm, link},
    harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines},
};

on_both_engines! {
    /// t08: the mail of "this wasn't me" must not go to the thief's address.
    async fn this_was_not_me_restores_the_earlier_address_and_mails_the_reset_there(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let thief = app.signed_in_again("mona").await;
        let mut seen = Vec::new();
        for to in ["evil", "worse"] {
            app.clock.advance(61);
            assert_eq!(change_address(&app, &thief, to, &mut seen).await.status, 200);
        }
        assert_eq!(mona.action("report_not_me", &[]).await.status, 200);
        assert_eq!(thief.refresh().await.status, 401);
        let reset = link(&app, "mona", "/reset-confirmation").await;
        let resets = "SELECT COUNT(*) FROM outbox WHERE kind = 'password_reset'";
        assert_eq!(count(&app, resets).await, 1, "none to the thief");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401, "the thief knows it");
        assert_eq!(app.anonymous().action("confirm_password_reset", &with_new_password(&reset)).await.status, 200);
        assert_eq!(app.anonymous().log_in("mona@example.com", OTHER_PASSWORD).await.status, 200);
        for email in ["evil@example.com", "worse@example.com"] {
            assert_eq!(app.anonymous().log_in(email, OTHER_PASSWORD).await.status, 401, "{email}");
        }
    }

    /// t29: a thief has asked for the end of the account.
    async fn this_was_not_me_keeps_an_account_that_was_to_be_deleted(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let thief = app.signed_in_again("mona").await;
        assert_eq!(thief.action("request_deletion", &[]).await.status, 200);
        let back = app.anonymous();
        assert_eq!(back.log_in("mona", PASSWORD).await.status, 200);
        assert_eq!(back.action("report_not_me", &[]).await.status, 200);
        let reset = link(&app, "mona", "/reset-confirmation").await;
        assert_eq!(back.action("confirm_password_reset", &with_new_password(&reset)).await.status, 200);
        app.clock.advance(15 * DAY);
        app.auth.clean_up().await.unwrap();
        assert_eq!(back.log_in("mona", OTHER_PASSWORD).await.json()["next"], "/dashboard");
    }

    /// t27: its cookie is gone, and nobody would ever end it.
    async fn a_reset_in_a_browser_of_another_account_ends_that_session(engine) {
        let app = App::start(engine).await;
        let nils = app.signed_in("nils").await;
        let held = nils.held();
        app.signed_in("mona").await;
        reset(&app, &nils, "mona").await;
        assert_eq!(nils.cookie("__Host-doorward"), None);
        assert!(app.auth.visit(Some(&held)).await.unwrap().is_none(), "the session of nils is over");
    }
}
