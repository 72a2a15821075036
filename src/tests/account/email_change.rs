//! W: changing the address, its races, and the way back.

use super::{account, change_email, confirm, link, parts};
use crate::harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines};

on_both_engines! {
    async fn a_new_address_counts_once_it_has_answered_and_the_old_one_can_take_it_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        assert_eq!(mona.action("request_email_change", &[("email", "lisa@example.com")]).await.status, 200);
        assert_eq!(account(&mona).await["email"], "mona@example.com", "nothing has changed yet");
        let answer = link(&app, "lisa", "/confirm-email-change").await;
        assert_eq!(app.signed_in("nils").await.action("confirm_email_change", &parts(&answer)).await.status, 422);
        assert_eq!(app.anonymous().action("confirm_email_change", &parts(&answer)).await.status, 401);
        assert_eq!(mona.action("confirm_email_change", &parts(&answer)).await.status, 200);
        assert_eq!(account(&mona).await["email"], "lisa@example.com");
        assert_eq!(app.anonymous().log_in("lisa@example.com", PASSWORD).await.status, 200);
        let undo = link(&app, "mona", "/undo-email-change").await;
        let fields = [("email", "mona@example.com"), ("username", "thief"), ("password", PASSWORD), ("password_again", PASSWORD)];
        assert_eq!(app.anonymous().action("register", &fields).await.fields(), ["email"], "kept until it cannot be restored");
        app.clock.advance(72 * 3600 - 1);
        let owner = app.anonymous();
        let undone = owner.action("undo_email_change", &parts(&undo)).await;
        assert_eq!((undone.status, undone.json()["next"].as_str()), (200, Some("/reset-confirmation")));
        assert_eq!(mona.refresh().await.status, 401, "every session has ended");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401, "whoever changed it knew the password");
        assert_eq!(owner.action("undo_email_change", &parts(&undo)).await.status, 422);
        let reset = link(&app, "mona", "/reset-confirmation").await;
        let mut fields = parts(&reset);
        fields.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        assert_eq!(owner.action("confirm_password_reset", &fields).await.status, 200);
        assert_eq!(owner.log_in("mona@example.com", OTHER_PASSWORD).await.status, 200);
    }

    async fn the_way_back_to_an_address_is_closed_after_three_days(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        assert_eq!(change_email(&app, &mona, "lisa").await.status, 200);
        let undo = link(&app, "mona", "/undo-email-change").await;
        app.clock.advance(72 * 3600);
        assert_eq!(app.anonymous().action("undo_email_change", &parts(&undo)).await.status, 422);
    }

    /// A typed address may be a stranger's: no stranger gets a link that takes the account.
    async fn an_address_that_was_never_confirmed_gets_no_way_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        assert_eq!(change_email(&app, &mona, "lisa").await.status, 200);
        let nils = app.signed_in("mona2").await;
        link(&app, "mona2", "/confirm-email").await;
        drop(nils);
        assert!(app.mails().iter().all(|mail| !mail.text.contains("/undo-email-change")));
    }

    /// An attacker who changes twice must not cut the first owner's way back.
    async fn a_second_change_leaves_the_first_owner_the_way_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        assert_eq!(change_email(&app, &mona, "evil").await.status, 200);
        app.clock.advance(61);
        assert_eq!(change_email(&app, &mona, "worse").await.status, 200);
        let (first, second) = (link(&app, "mona", "/undo-email-change").await, link(&app, "evil", "/undo-email-change").await);
        assert_eq!(app.anonymous().action("undo_email_change", &parts(&second)).await.status, 200);
        assert_eq!(app.anonymous().action("undo_email_change", &parts(&first)).await.status, 200, "the owner has the last word");
        assert_eq!(app.anonymous().action("undo_email_change", &parts(&second)).await.status, 422);
    }

    async fn of_two_who_change_to_one_address_one_gets_it(engine) {
        let app = App::start(engine).await;
        let (mona, nils) = (app.signed_in("mona").await, app.signed_in("nils").await);
        let mut links = Vec::new();
        for caller in [&mona, &nils] {
            let known: Vec<String> = links.clone();
            assert_eq!(caller.action("request_email_change", &[("email", "new@example.com")]).await.status, 200);
            links.push(loop {
                let newest = link(&app, "new", "/confirm-email-change").await;
                if !known.contains(&newest) {
                    break newest;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            });
        }
        let (first, second) = (parts(&links[0]), parts(&links[1]));
        let (first, second) = futures::join!(mona.action("confirm_email_change", &first), nils.action("confirm_email_change", &second));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422]);
    }

    async fn a_taken_address_gets_the_same_answer_and_its_owner_is_told(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.signed_in("nils").await;
        let free = mona.action("request_email_change", &[("email", "free@example.com")]).await;
        let taken = mona.action("request_email_change", &[("email", "NILS@example.com")]).await;
        assert_eq!((free.status, &free.text), (taken.status, &taken.text));
        app.mail("nils", "already").await;
        assert!(app.mails().iter().all(|mail| !(mail.to.contains("nils") && mail.text.contains("/confirm-email-change"))));
    }
}
