//! W, E: confirming an address, and who is out once its owner has.

use super::{DAY, account, link, parts};
use crate::harness::{Answer, App, OTHER_PASSWORD, PASSWORD, START, code_in, link_to, on_both_engines};
use futures::future::join_all;

on_both_engines! {
    async fn a_mailed_link_confirms_the_address_once_and_only_when_it_is_posted(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let link = link(&app, "mona", "/confirm-email").await;
        let shown = mona.page(&link).await;
        assert_eq!((shown.status, shown.header("location")), (303, "/confirm-email"));
        assert_eq!(mona.page("/confirm-email").await.status, 200);
        assert!(account(&mona).await["email_verified_at"].is_null(), "reading confirms nothing");
        assert_eq!(mona.action("confirm_email", &parts(&link)).await.status, 200);
        assert_eq!(account(&mona).await["email_verified_at"], START.0);
        let again = mona.action("confirm_email", &parts(&link)).await;
        assert_eq!((again.status, again.code().as_str()), (422, "invalid_ticket"));
    }

    async fn the_typed_code_confirms_in_the_session_that_asked_and_dies_after_five_wrong_ones(engine) {
        let app = App::start(engine).await;
        let (mona, nils) = (app.signed_in("mona").await, app.signed_in("nils").await);
        let code = code_in(&app.mail_with("mona", "/confirm-email").await.text);
        let elsewhere = app.anonymous().action("confirm_email", &[("code", &code)]).await;
        assert_eq!((elsewhere.status, elsewhere.code().as_str()), (422, "invalid_ticket"));
        assert_eq!(nils.action("confirm_email", &[("code", &code)]).await.status, 422, "a code of another account");
        assert_eq!(mona.action("confirm_email", &[("code", &code)]).await.status, 200);
        let right = code_in(&app.mail_with("nils", "/confirm-email").await.text);
        let wrong = if right == "00000000" { "00000001" } else { "00000000" };
        for _ in 0..5 {
            assert_eq!(nils.action("confirm_email", &[("code", wrong)]).await.status, 422);
        }
        assert_eq!(nils.action("confirm_email", &[("code", &right)]).await.status, 422);
    }

    async fn another_mail_to_confirm_goes_out_at_a_measured_pace_and_ends_the_older_link(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let first = link(&app, "mona", "/confirm-email").await;
        assert_eq!(mona.action("resend_confirmation", &[]).await.status, 200);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(app.mails().len(), 1, "a minute has not passed");
        app.clock.advance(61);
        assert_eq!(mona.action("resend_confirmation", &[]).await.status, 200);
        let second = loop {
            let newest = link(&app, "mona", "/confirm-email").await;
            if newest != first {
                break newest;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        assert_eq!(mona.action("confirm_email", &parts(&first)).await.status, 422);
        assert_eq!(mona.action("confirm_email", &parts(&second)).await.status, 200);
    }

    async fn a_confirmation_is_refused_after_its_lifetime(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let mail = app.mail_with("mona", "/confirm-email").await;
        let link = link_to(&mail.text, &app.base, "/confirm-email");
        app.clock.advance(601);
        assert_eq!(mona.action("confirm_email", &[("code", &code_in(&mail.text))]).await.status, 422, "ten minutes");
        app.clock.advance(DAY - 601);
        assert_eq!(mona.action("confirm_email", &parts(&link)).await.status, 422, "a day");
    }

    async fn twenty_uses_of_one_confirmation_at_once_have_one_winner(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let link = link(&app, "mona", "/confirm-email").await;
        let fields = parts(&link);
        let answers = join_all((0..20).map(|_| mona.action("confirm_email", &fields))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(answers.iter().all(|answer| [200, 422].contains(&answer.status)));
    }

    /// W20: somebody registers with another's address and waits for the owner to confirm it.
    async fn whoever_registered_a_strangers_address_is_out_once_its_owner_takes_it_over(engine) {
        let app = App::start(engine).await;
        let attacker = app.signed_in("mona").await;
        let link = link(&app, "mona", "/confirm-email").await;
        let owner = app.anonymous();
        let bare = owner.action("confirm_email", &parts(&link)).await;
        assert_eq!((bare.status, bare.fields()), (422, vec!["password".to_owned()]), "the link alone confirms nothing here");
        let mut fields = parts(&link);
        fields.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        assert_eq!(owner.action("take_over", &fields).await.status, 200);
        assert_eq!(attacker.refresh().await.status, 401);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        let mona = app.anonymous();
        assert_eq!(mona.log_in("mona", OTHER_PASSWORD).await.status, 200);
        assert!(!account(&mona).await["email_verified_at"].is_null());
    }

    async fn whoever_registered_a_strangers_address_is_out_once_its_owner_resets(engine) {
        let app = App::start(engine).await;
        let attacker = app.signed_in("mona").await;
        assert_eq!(attacker.action("request_email_change", &[("email", "evil@example.com")]).await.status, 200);
        let theirs = link(&app, "evil", "/confirm-email-change").await;
        let owner = app.anonymous();
        assert_eq!(owner.action("request_password_reset", &[("email", "mona@example.com")]).await.status, 200);
        let link = link(&app, "mona", "/reset-confirmation").await;
        let mut fields = parts(&link);
        fields.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        assert_eq!(owner.action("confirm_password_reset", &fields).await.status, 200);
        assert_eq!(attacker.refresh().await.status, 401);
        assert_eq!(attacker.action("confirm_email_change", &parts(&theirs)).await.status, 401);
        assert_eq!(owner.log_in("mona", OTHER_PASSWORD).await.status, 200);
        assert!(!account(&owner).await["email_verified_at"].is_null(), "the reset mail has confirmed it");
        assert_eq!(owner.action("confirm_email_change", &parts(&theirs)).await.status, 422, "what they asked for is void");
    }

    async fn a_link_opened_in_another_browser_confirms_with_the_password(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let link = link(&app, "mona", "/confirm-email").await;
        let phone = app.anonymous();
        let mut fields = parts(&link);
        fields.push(("password", OTHER_PASSWORD));
        assert_eq!(phone.action("confirm_email", &fields).await.fields(), ["password"]);
        fields.pop();
        fields.push(("password", PASSWORD));
        let answer = phone.action("confirm_email", &fields).await;
        assert_eq!((answer.status, answer.json()["next"].as_str()), (200, Some("/login?notice=email-confirmed")));
        assert_eq!(mona.refresh().await.status, 200, "the owner's own session goes on");
    }

    async fn where_confirmation_is_required_nobody_signs_in_before_and_the_form_tells_nothing(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'required'").await;
        let mona = app.anonymous();
        let new = mona.register("mona").await;
        assert_eq!((new.status, new.json()["next"].as_str()), (200, Some("/confirm-email")));
        assert!(mona.cookie("__Host-doorward").is_none());
        let stranger = app.anonymous();
        let fields = [("email", "mona@example.com"), ("username", "other"), ("password", PASSWORD), ("password_again", PASSWORD)];
        let known = stranger.action("register", &fields).await;
        assert_eq!((known.status, &known.text), (new.status, &new.text));
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&known), names(&new));
        assert!(stranger.cookie("__Host-doorward-confirming").is_some());
        assert!(app.mail("mona", "already").await.text.contains("already"));
        let early = mona.log_in("mona", PASSWORD).await;
        assert_eq!((early.status, mona.cookie("__Host-doorward")), (401, None));
        assert!(early.text.contains("not confirmed"), "and so it says to everybody");
        for (name, password) in [("mona", OTHER_PASSWORD), ("other", PASSWORD), ("nobody", PASSWORD)] {
            assert_eq!(app.anonymous().log_in(name, password).await.text, early.text, "{name}");
        }
        for name in ["mona", "other"] {
            let email = format!("{name}2@example.com");
            let fields = [("email", email.as_str()), ("username", name), ("password", PASSWORD), ("password_again", PASSWORD)];
            assert_eq!(app.anonymous().action("register", &fields).await.fields(), ["username"], "{name} is taken either way");
        }
        let link = link(&app, "mona", "/confirm-email").await;
        let fields = [parts(&link)[0], parts(&link)[1]];
        let foreign = app.anonymous().action("confirm_email", &fields).await;
        assert_eq!(foreign.fields(), ["password"], "elsewhere the password is asked");
        assert_eq!(mona.action("confirm_email", &fields).await.json()["next"], "/login?notice=email-confirmed");
        assert_eq!(mona.log_in("mona", PASSWORD).await.status, 200);
        assert!(mona.cookie("__Host-doorward").is_some());
    }

    async fn a_sign_in_before_the_confirmation_mails_the_same_link_again_for_the_browser_that_registered(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'required'\nthrottle.mail_to = '5/1h'").await;
        let mona = app.anonymous();
        mona.register("mona").await;
        let first = link(&app, "mona", "/confirm-email").await;
        app.clock.advance(3600);
        for _ in 0..9 {
            assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        }
        let mails = || app.mails().into_iter().filter(|mail| mail.text.contains("/confirm-email")).collect::<Vec<_>>();
        while mails().len() < 6 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(mails().iter().all(|mail| link_to(&mail.text, &app.base, "/confirm-email") == first));
        assert_eq!(mona.action("confirm_email", &parts(&first)).await.status, 200, "the one that registered needs no password");
        assert_eq!(mails().len(), 6, "five more, at the pace of the settings");
    }

    async fn an_account_that_never_confirms_goes_where_that_is_required(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'required'").await;
        app.anonymous().register("mona").await;
        app.clock.advance(8 * DAY);
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.anonymous().register("mona").await.json()["next"], "/confirm-email");
    }
}
