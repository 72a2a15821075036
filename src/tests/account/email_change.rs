//! W: changing the address, its races, and the way back.

use super::{DAY, account, change_email, confirm, link, parts};
use crate::{
    harness::{App, Caller, OTHER_PASSWORD, PASSWORD, on_both_engines},
    operations::factors::{with_passkey, with_totp},
};
use doorward::{
    domain::{account::AccountId, history::Event},
    server::auth::By,
};

/// An intruder asks for another address, adds an authenticator app before that one is answered, and a passkey later.
async fn taken_over(app: &App, intruder: &Caller, account: AccountId) {
    assert_eq!(intruder.action("request_email_change", &[("email", "evil@example.com")]).await.status, 200);
    app.clock.advance(10);
    with_totp(app, intruder).await;
    let answer = link(app, "evil", "/confirm-email-change").await;
    assert_eq!(intruder.action("confirm_email_change", &parts(&answer)).await.status, 200);
    app.clock.advance(10);
    with_passkey(app, account, "evil", "Evil key").await;
}

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

    /// No reset removes a factor: an intruder's would lock the owner out.
    async fn factors_that_came_with_a_change_go_when_it_is_undone(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let id = app.auth.user("mona").await.unwrap().account.id;
        taken_over(&app, &mona, id).await;
        let undo = link(&app, "mona", "/undo-email-change").await;
        let owner = app.anonymous();
        assert_eq!(owner.action("undo_email_change", &parts(&undo)).await.status, 200);
        let reset = link(&app, "mona", "/reset-confirmation").await;
        let fields = [parts(&reset), vec![("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]].concat();
        assert_eq!(owner.action("confirm_password_reset", &fields).await.status, 200);
        assert_eq!(owner.log_in("mona", OTHER_PASSWORD).await.json()["next"], "/dashboard", "nothing more is asked for");
        let shown = app.auth.user_factors("mona").await.unwrap().what.factors;
        assert!(!shown.any() && shown.recovery_codes_left == 0, "{shown:?}");
        assert!(app.mail("mona@", "Second factors were removed").await.text.contains("was undone"));
        assert_eq!(app.events(id).await.iter().filter(|event| **event == Event::FactorsUndone).count(), 1);
    }

    async fn factors_that_came_with_a_change_go_when_the_owner_reports_foreign_use(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let id = app.auth.user("mona").await.unwrap().account.id;
        taken_over(&app, &mona, id).await;
        assert_eq!(mona.action("report_not_me", &[]).await.status, 200);
        assert!(!app.auth.user_factors("mona").await.unwrap().what.factors.any());
        app.mail("mona@", "Second factors were removed").await;
        assert_eq!(app.events(id).await[..2], [Event::NotMe, Event::FactorsUndone]);
    }

    async fn factors_from_before_a_change_stay_when_it_is_undone(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let id = app.auth.user("mona").await.unwrap().account.id;
        with_totp(&app, &mona).await;
        let before = app.auth.user_factors("mona").await.unwrap().what.factors;
        assert_eq!(change_email(&app, &mona, "evil").await.status, 200);
        let undo = link(&app, "mona", "/undo-email-change").await;
        assert_eq!(app.anonymous().action("undo_email_change", &parts(&undo)).await.status, 200);
        let after = app.auth.user_factors("mona").await.unwrap().what.factors;
        assert_eq!((after.totp, after.recovery_codes_left), (before.totp, 10));
        assert!(!app.events(id).await.contains(&Event::FactorsUndone));
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401, "the password went with the change");
    }

    /// The wish is forgotten by then, and not when it was made.
    async fn they_go_also_on_the_last_day_of_the_way_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let id = app.auth.user("mona").await.unwrap().account.id;
        taken_over(&app, &mona, id).await;
        let undo = link(&app, "mona", "/undo-email-change").await;
        app.clock.advance(3 * DAY - 60);
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.number("SELECT COUNT(*) FROM tickets WHERE kind = 'email_change'").await, 0);
        assert_eq!(app.anonymous().action("undo_email_change", &parts(&undo)).await.status, 200);
        assert!(!app.auth.user_factors("mona").await.unwrap().what.factors.any());
    }

    /// Mail is no factor: whoever reads the old mailbox does not get in by it, not even where the app was replaced since.
    async fn an_account_that_had_a_factor_goes_on_demanding_one(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        with_totp(&app, &mona).await;
        app.clock.advance(60);
        assert_eq!(change_email(&app, &mona, "new").await.status, 200);
        app.clock.advance(60);
        with_totp(&app, &mona).await;
        let undo = link(&app, "mona", "/undo-email-change").await;
        let thief = app.anonymous();
        assert_eq!(thief.action("undo_email_change", &parts(&undo)).await.status, 200);
        let reset = link(&app, "mona", "/reset-confirmation").await;
        let fields = [parts(&reset), vec![("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]].concat();
        assert_eq!(thief.action("confirm_password_reset", &fields).await.status, 200);
        assert_eq!(thief.log_in("mona", OTHER_PASSWORD).await.json()["next"], "/login/factor");
        let shown = app.auth.user_factors("mona").await.unwrap().what.factors;
        assert_eq!((shown.any(), shown.recovery_codes_left), (false, 10), "the codes from before are the owner's");
        app.auth.reset_factors("mona").await.unwrap();
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.json()["next"], "/dashboard");
    }

    /// Somebody else may know its secret.
    async fn an_app_that_waits_for_its_first_code_is_void_with_the_password(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let principal = app.principal(&mona.held()).await;
        let by = By::Session(&principal);
        app.auth.start_totp(by).await.unwrap();
        assert!(app.auth.waiting_totp(by).await.unwrap().is_some());
        let fields = [("current_password", PASSWORD), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        assert_eq!(mona.action("change_password", &fields).await.status, 200);
        assert!(app.auth.waiting_totp(by).await.unwrap().is_none());
    }
}
