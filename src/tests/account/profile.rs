//! What people change of themselves: names, password; and the proof that sensitive acts ask for.

use super::{DAY, STALE, account, confirm};
use crate::harness::{App, OTHER_PASSWORD, PASSWORD, code_in, on_both_engines};

on_both_engines! {
    async fn a_profile_is_changed_and_wrong_fields_are_named(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let saved = mona.action("change_profile", &[("first_name", "Mona"), ("last_name", "Lisa"), ("time_zone", "Europe/Berlin")]).await;
        assert_eq!(saved.status, 200, "{}", saved.text);
        let now = account(&mona).await;
        assert_eq!((&now["first_name"], &now["time_zone"]), (&"Mona".into(), &"Europe/Berlin".into()));
        let long = "x".repeat(200);
        let wrong = mona.action("change_profile", &[("first_name", &long), ("time_zone", "Mars/Olympus")]).await;
        assert_eq!((wrong.status, wrong.fields()), (422, vec!["first_name".to_owned(), "time_zone".to_owned()]));
        assert_eq!(app.anonymous().action("change_profile", &[]).await.status, 401);
    }

    /// M02: nothing but the form's own fields is changed.
    async fn a_profile_change_sets_nothing_that_is_not_its_to_set(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let before = account(&mona).await;
        let fields = [
            ("first_name", ""), ("last_name", ""), ("time_zone", "UTC"), ("id", "1"), ("role", "admin"), ("is_admin", "true"),
            ("email", "evil@example.com"), ("username", "evil"), ("email_verified_at", "1"), ("delete_at", "1"),
        ];
        assert_eq!(mona.action("change_profile", &fields).await.status, 200);
        assert_eq!(account(&mona).await, before);
    }

    async fn an_old_user_name_is_kept_from_others_for_thirty_days_and_can_be_taken_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        assert_eq!(mona.action("change_username", &[("username", "lisa")]).await.status, 200);
        assert!(app.mail("mona", "user name").await.text.contains("lisa"));
        let fields = [("email", "o@example.com"), ("username", "mona"), ("password", PASSWORD), ("password_again", PASSWORD)];
        assert_eq!(app.anonymous().action("register", &fields).await.fields(), ["username"]);
        let nils = app.signed_in("nils").await;
        assert_eq!(nils.action("change_username", &[("username", "MONA")]).await.fields(), ["username"]);
        assert_eq!(app.anonymous().log_in("lisa", PASSWORD).await.status, 200);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        assert_eq!(mona.action("change_username", &[("username", "mona")]).await.status, 200, "its owner takes it back");
        assert_eq!(mona.action("change_username", &[("username", "lisa")]).await.status, 200);
        app.clock.advance(31 * DAY);
        assert_eq!(app.anonymous().action("register", &fields).await.status, 200);
    }

    async fn a_new_password_ends_other_sessions_and_this_one_goes_on(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let other = app.signed_in_again("mona").await;
        let old_tab = mona.twin();
        let form = |current| [("current_password", current), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        assert_eq!(mona.action("change_password", &form("wrong")).await.fields(), ["current_password"]);
        assert_eq!(mona.action("change_password", &form("")).await.fields(), ["current_password"]);
        let same = [("current_password", PASSWORD), ("password", PASSWORD), ("password_again", PASSWORD)];
        assert_eq!(mona.action("change_password", &same).await.fields(), ["password"]);
        let changed = mona.action("change_password", &form(PASSWORD)).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(mona.account(&changed.token()).await.status, 200);
        assert_eq!(mona.refresh().await.status, 200);
        assert_eq!(other.refresh().await.status, 401);
        assert_eq!(old_tab.refresh().await.status, 401, "no older token of this session is taken");
        assert_eq!(mona.refresh().await.status, 200, "and that was no theft");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
        app.mail("mona", "password").await;
    }

    async fn a_double_click_on_change_password_is_answered_the_same_way_twice(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let twin = mona.twin();
        let form = [("current_password", PASSWORD), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        assert_eq!(mona.action("change_password", &form).await.status, 200);
        assert_eq!(twin.action("change_password", &form).await.status, 200);
        assert_eq!((mona.held(), mona.refresh().await.status), (twin.held(), 200));
    }

    async fn a_sensitive_act_asks_for_the_password_again_and_older_tokens_are_useless_then(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        assert_eq!(mona.action("request_email_change", &[("email", "a@example.com")]).await.status, 200, "just signed in");
        app.clock.advance(STALE);
        let old_tab = mona.twin();
        for (name, field) in [("request_email_change", ("email", "b@example.com")), ("change_username", ("username", "lisa")),
                              ("end_session", ("session", "x")), ("end_other_sessions", ("x", "")), ("request_deletion", ("x", ""))] {
            let asked = mona.action(name, &[field]).await;
            assert_eq!((asked.status, asked.code().as_str()), (403, "proof_required"), "{name}");
            let wrong = mona.action(name, &[field, ("current_password", "wrong")]).await;
            assert_eq!((wrong.status, wrong.fields()), (422, vec!["current_password".to_owned()]), "{name}");
        }
        let proven = mona.action("request_email_change", &[("email", "b@example.com"), ("current_password", PASSWORD)]).await;
        assert_eq!(proven.status, 200, "{}", proven.text);
        assert!(!proven.token().is_empty());
        assert_eq!(mona.action("change_username", &[("username", "lisa")]).await.status, 200, "for a while nothing is asked");
        assert_eq!(old_tab.refresh().await.status, 401);
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn the_question_for_the_password_keeps_what_was_typed_with_scripts_off(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.clock.advance(STALE);
        let asked = mona.submit("/account/security/email", &[("email", "lisa@example.com")]).await;
        assert_eq!(asked.status, 403);
        assert!(asked.text.contains("value=\"lisa@example.com\"") && asked.text.contains("action=\"/account/security/email\""));
        assert!(asked.text.contains("name=\"current_password\""));
        let fields = [("email", "lisa@example.com"), ("current_password", "wrong")];
        let wrong = mona.submit("/account/security/email", &fields).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("value=\"lisa@example.com\"") && !wrong.text.contains("value=\"wrong\""));
        let fields = [("email", "lisa@example.com"), ("current_password", PASSWORD)];
        let done = mona.submit("/account/security/email", &fields).await;
        assert_eq!((done.status, done.header("location")), (303, "/confirm-email-change?notice=email-change-sent"));
        let reload = mona.page("/account/security/email").await;
        assert_eq!((reload.status, reload.header("location")), (303, "/account/security"));
    }

    async fn what_is_wrong_beside_a_right_proof_is_shown_on_the_forms_own_page(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.signed_in("nils").await;
        app.clock.advance(STALE);
        let taken = mona.submit("/account/username", &[("username", "nils"), ("current_password", PASSWORD)]).await;
        assert_eq!(taken.status, 422);
        assert!(taken.text.contains("This user name is taken") && taken.text.contains("value=\"nils\""));
        assert!(!taken.text.contains("name=\"current_password\""), "the proof is given");
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn a_form_sent_without_scripts_renews_the_session(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let before = mona.held();
        let saved = mona.submit("/account/profile", &[("first_name", "Mona"), ("time_zone", "UTC")]).await;
        assert_eq!((saved.status, saved.header("location")), (303, "/account?notice=profile-saved"));
        assert_ne!(mona.held(), before);
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn this_was_not_me_ends_everything_and_leads_to_a_new_password(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let thief = app.signed_in_again("mona").await;
        let answer = mona.action("report_not_me", &[]).await;
        assert_eq!((answer.status, answer.json()["next"].as_str()), (200, Some("/reset-confirmation")));
        assert_eq!((mona.cookie("__Host-doorward"), thief.refresh().await.status), (None, 401));
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401, "the password is void");
        let code = code_in(&app.mail_with("mona", "/reset-confirmation").await.text);
        let form = [("code", code.as_str()), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        assert_eq!(mona.action("confirm_password_reset", &form).await.status, 200);
        assert_eq!(mona.log_in("mona", OTHER_PASSWORD).await.status, 200);
    }
}
