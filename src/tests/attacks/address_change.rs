//! Changing an address: what it takes from the owner, and what it tells about other accounts.

use super::{change_address, count};
use crate::{
    account::{confirm, link, parts},
    harness::{App, PASSWORD, on_both_engines},
};

on_both_engines! {
    /// t01: a thief changes the address again and again.
    async fn however_often_the_address_is_changed_its_first_owner_can_take_it_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let mut seen = Vec::new();
        assert_eq!(change_address(&app, &mona, "evil0", &mut seen).await.status, 200);
        let undo = link(&app, "mona", "/undo-email-change").await;
        for round in 1..=8 {
            app.clock.advance(721);
            let to = if round % 2 == 1 { "evil1" } else { "evil0" };
            assert_eq!(change_address(&app, &mona, to, &mut seen).await.status, 200, "change {round}");
        }
        let undone = app.anonymous().action("undo_email_change", &parts(&undo)).await;
        assert_eq!(undone.status, 200, "{}", undone.text);
        link(&app, "mona", "/reset-confirmation").await;
        assert_eq!(count(&app, "SELECT COUNT(*) FROM accounts WHERE email_key = 'mona@example.com'").await, 1);
        assert_eq!(mona.refresh().await.status, 401);
    }

    /// t02: no mail to the first address may show in whether the second one gets its mail.
    async fn a_second_wish_tells_nothing_about_the_address_of_the_first_one(engine) {
        let app = App::start(engine).await;
        app.signed_in("nils").await;
        for (target, name) in [("nils", "eve1"), ("nobody", "eve2")] {
            let eve = app.signed_in(name).await;
            for email in [format!("{target}@example.com"), format!("{name}own@example.com")] {
                assert_eq!(eve.action("request_email_change", &[("email", &email)]).await.status, 200);
            }
            let own = link(&app, &format!("{name}own"), "/confirm-email-change").await;
            assert_eq!(eve.action("confirm_email_change", &parts(&own)).await.status, 200, "beside {target}");
        }
    }

    /// t12: somebody has mistyped the first one.
    async fn a_corrected_address_gets_its_mail_at_once(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for email in ["typo@example.com", "right@example.com"] {
            assert_eq!(mona.action("request_email_change", &[("email", email)]).await.status, 200);
        }
        let right = link(&app, "right", "/confirm-email-change").await;
        assert_eq!(mona.action("confirm_email_change", &parts(&right)).await.status, 200);
        assert_eq!(app.anonymous().log_in("right@example.com", PASSWORD).await.status, 200);
    }

    /// t23: registrations with the address count on the mails to it, whether or not it has an account.
    async fn how_many_mails_an_address_got_does_not_tell_whether_it_has_an_account(engine) {
        let settings = "registration.confirmation = 'required'\nthrottle.mail_to = '5/1h'";
        let app = App::start_with(engine, settings).await;
        let nils = app.anonymous();
        nils.register("nils").await;
        confirm(&app, &nils, "nils").await;
        let mut rounds = Vec::new();
        for target in ["nils", "free"] {
            let (name, email) = (format!("eve{target}"), format!("{target}@example.com"));
            let eve = app.anonymous();
            eve.register(&name).await;
            confirm(&app, &eve, &name).await;
            assert_eq!(eve.log_in(&name, PASSWORD).await.status, 200);
            for probe in 0..5 {
                let username = format!("probe{probe}{target}");
                let fields = [("email", email.as_str()), ("username", username.as_str()), ("password", PASSWORD),
                              ("password_again", PASSWORD)];
                assert_eq!(app.anonymous().action("register", &fields).await.status, 200);
            }
            let mut round = Vec::new();
            for _ in 0..6 {
                let answer = eve.action("request_email_change", &[("email", &email)]).await;
                round.push((answer.status, answer.text));
            }
            rounds.push(round);
        }
        assert_eq!(rounds[0], rounds[1]);
        let statuses: Vec<u16> = rounds[0].iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429], "the asker's own limit, the same for both");
    }
}
