//! Two at once: nobody waits for the other for ever, and nothing is lost between them.

use crate::{
    account::{link, parts},
    attacks::with_new_password,
    harness::{Answer, App, OTHER_PASSWORD, PASSWORD, on_both_engines},
};
use doorward::server::auth::Origin;
use futures::future::join_all;
use sqlx::Row as _;

fn none_failed(answers: &[&Answer]) {
    for answer in answers {
        assert!(answer.status < 500, "{}: {}", answer.status, answer.text);
    }
}

on_both_engines! {
    async fn of_many_sign_ins_at_once_as_many_live_as_may_and_the_owner_is_told_once(engine) {
        let app = App::start_with(engine, "session.per_account = 3").await;
        app.signed_in("mona").await;
        let elsewhere =
            Origin { ip: "198.51.100.7".into(), device_label: "Safari on iPhone".into(), ..Origin::default() };
        let entered = join_all((0..8).map(|_| app.type_password("mona", &elsewhere, None))).await;
        assert!(entered.iter().all(Result::is_ok), "{entered:?}");
        assert_eq!(app.number("SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL").await, 3);
        assert_eq!(app.queued("new_device").await, 1);
    }

    /// t09: accounts and tickets are locked in one order.
    async fn confirming_beside_asking_for_mails_fails_for_neither(engine) {
        let app = App::start_with(engine, "confirmation.mail_gap = 0\nconfirmation.mails_per_hour = 100").await;
        for round in 0..8 {
            let name = format!("mona{round}");
            let mona = app.signed_in(&name).await;
            let mailed = link(&app, &name, "/confirm-email").await;
            let (fields, first, second) = (parts(&mailed), mona.twin(), mona.twin());
            let answers = futures::join!(
                mona.action("confirm_email", &fields),
                first.action("resend_confirmation", &[]),
                second.action("resend_confirmation", &[]),
                first.action("resend_confirmation", &[])
            );
            none_failed(&[&answers.0, &answers.1, &answers.2, &answers.3]);
        }
    }

    /// t17: the same at the pace of the settings.
    async fn confirming_beside_one_further_mail_fails_for_neither(engine) {
        let app = App::start(engine).await;
        for round in 0..10 {
            let name = format!("lisa{round}");
            let lisa = app.signed_in(&name).await;
            let mailed = link(&app, &name, "/confirm-email").await;
            app.clock.advance(61);
            let (fields, tab) = (parts(&mailed), lisa.twin());
            let (confirmed, sent) =
                futures::join!(lisa.action("confirm_email", &fields), tab.action("resend_confirmation", &[]));
            none_failed(&[&confirmed, &sent]);
        }
    }

    /// t17: a stranger asks for the same account again and again.
    async fn a_reset_beside_requests_for_another_one_fails_for_neither(engine) {
        let app = App::start(engine).await;
        for round in 0..6 {
            let name = format!("lisa{round}");
            app.signed_in(&name).await;
            let email = format!("{name}@example.com");
            let (lisa, stranger) = (app.anonymous(), app.anonymous());
            lisa.action("request_password_reset", &[("email", &email)]).await;
            let (mailed, _) = app.reset_mail(&name).await;
            let fields = with_new_password(&mailed);
            let flood = async {
                let mut answers = Vec::new();
                for _ in 0..8 {
                    app.clock.advance(61);
                    answers.push(stranger.action("request_password_reset", &[("email", &email)]).await);
                }
                answers
            };
            let (done, asked) = futures::join!(lisa.action("confirm_password_reset", &fields), flood);
            none_failed(&[&done]);
            assert!(asked.iter().all(|answer| answer.status == 200), "{asked:?}");
        }
    }

    /// t18: accounts and sessions are locked in one order.
    async fn signing_in_beside_a_password_change_fails_for_neither(engine) {
        let app = App::start_with(engine, "session.per_account = 3").await;
        for round in 0..8 {
            let name = format!("lisa{round}");
            let lisa = app.signed_in(&name).await;
            for _ in 0..3 {
                app.signed_in_again(&name).await;
            }
            let tab = app.signed_in_again(&name).await;
            let chains = join_all((0..3).map(|_| {
                let (twin, name) = (lisa.twin(), &name);
                async move {
                    let mut answers = Vec::new();
                    for _ in 0..3 {
                        answers.push(twin.log_in(name, PASSWORD).await);
                    }
                    answers
                }
            }));
            let fields =
                [("current_password", PASSWORD), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
            let (changed, entered) = futures::join!(tab.action("change_password", &fields), chains);
            none_failed(&[&changed]);
            none_failed(&entered.iter().flatten().collect::<Vec<_>>());
        }
    }

    /// t15: each change keeps the name as it is then, not as it was when the form was sent.
    async fn of_two_changes_of_the_name_at_once_each_keeps_the_name_that_it_left(engine) {
        let app = App::start(engine).await;
        for round in 0..6 {
            let names = ["mona", "anna", "berta"].map(|name| format!("{name}{round}"));
            let mona = app.signed_in(&names[0]).await;
            let twin = mona.twin();
            let (anna, berta) = ([("username", names[1].as_str())], [("username", names[2].as_str())]);
            let changes =
                futures::join!(mona.action("change_username", &anna), twin.action("change_username", &berta));
            assert_eq!((changes.0.status, changes.1.status), (200, 200));
            let now = app.auth.visit(Some(&mona.held())).await.unwrap().unwrap().principal.account.username;
            let mut tx = app.store.read().await.unwrap();
            let rows = sqlx::query("SELECT name_key FROM reservations").fetch_all(&mut *tx).await.unwrap();
            let kept: Vec<String> = rows.iter().map(|row| row.try_get(0).unwrap()).collect();
            for name in &names {
                assert_eq!(kept.contains(name), *name != now, "{name}, now {now}: {kept:?}");
            }
        }
    }
}
