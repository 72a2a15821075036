//! L: how often something may be tried, through the doors and with the numbers that the settings have by default.

use crate::harness::{Answer, App, Caller, Engine, OTHER_PASSWORD, PASSWORD, on_both_engines};
use futures::future::join_all;

/// The built-in limits; the harness takes them away from all other tests.
const BUILT_IN: &str = "[throttle]
    login_name = '5/5m'
    login_name_total = '50/365d'
    login_failures = '10/1m'
    login_failures_total = '100/1h'
    login = '30/1m'
    register = '20/1h'
    mail = '5/1m'
    mail_total = '20/1h'
    mail_to = '5/1h'
    proof = '5/1m'
    proof_account = '10/1m'
    refresh = '60/1m'";

async fn start(engine: Engine) -> App {
    App::start_with(engine, BUILT_IN).await
}

/// The same with `X-Forwarded-For` believed, so that callers can come from many addresses.
async fn behind_a_proxy(engine: Engine) -> App {
    App::start_with(engine, &format!("server.trusted_proxies = ['127.0.0.1']\n{BUILT_IN}")).await
}

async fn log_in_from(caller: &Caller, ip: &str, identifier: &str, password: &str) -> Answer {
    let request = caller.request(reqwest::Method::POST, "/actions/log_in").header("sec-fetch-site", "same-origin");
    let form = [("identifier", identifier), ("password", password)];
    caller.send(request.header("x-forwarded-for", ip).form(&form)).await
}

fn wait_of(answer: &Answer) -> i64 {
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_requests"), "{}", answer.text);
    let seconds = answer.header("retry-after").parse().unwrap();
    assert_eq!(answer.json()["retry_after"], seconds);
    seconds
}

on_both_engines! {
    async fn after_five_wrong_passwords_the_sixth_waits_and_the_right_one_works_then(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        let caller = app.anonymous();
        for _ in 0..5 {
            assert_eq!(caller.log_in("mona", "wrong").await.status, 401);
        }
        let wait = wait_of(&caller.log_in("mona", "wrong").await);
        assert_eq!(wait_of(&caller.log_in("MONA ", PASSWORD).await), wait, "however the name is written");
        app.clock.advance(wait);
        assert_eq!(caller.log_in("mona", PASSWORD).await.status, 200);
        assert_eq!(caller.log_in("mona", PASSWORD).await.status, 200, "a success forgets the failures");
    }

    async fn known_and_unknown_names_are_told_the_same_to_the_byte(engine) {
        let app = behind_a_proxy(engine).await;
        app.signed_in("mona").await;
        let mut rounds = Vec::new();
        for (ip, name) in [("198.51.100.1", "mona"), ("198.51.100.2", "nobody"), ("198.51.100.3", "nobody@example.com"),
                           ("198.51.100.4", "mona@example.com")] {
            let caller = app.anonymous();
            let mut answers = Vec::new();
            for _ in 0..7 {
                let answer = log_in_from(&caller, ip, name, "wrong").await;
                let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
                names.sort();
                answers.push((answer.status, answer.text, names));
            }
            rounds.push(answers);
        }
        assert!(rounds.iter().all(|answers| *answers == rounds[0]));
        assert_eq!(rounds[0].iter().map(|(status, ..)| *status).collect::<Vec<_>>(), [401, 401, 401, 401, 401, 429, 429]);
    }

    async fn fifty_wrong_passwords_at_once_are_counted_one_by_one(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        let callers: Vec<_> = (0..50).map(|_| app.anonymous()).collect();
        let answers = join_all(callers.iter().map(|caller| caller.log_in("mona", "wrong"))).await;
        let tried = answers.iter().filter(|answer| answer.status == 401).count();
        let refused = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((tried, refused), (5, 45), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    }

    /// Strangers fail as often as they like, from everywhere and from the owner's own address.
    async fn nobody_can_lock_the_owner_out_of_a_browser_that_signed_in_before(engine) {
        let app = behind_a_proxy(engine).await;
        let mona = app.signed_in("mona").await;
        for round in 0..12 {
            log_in_from(&app.anonymous(), &format!("203.0.113.{round}"), "mona", "wrong").await;
            log_in_from(&app.anonymous(), "127.0.0.1", "mona@example.com", "wrong").await;
            log_in_from(&app.anonymous(), "127.0.0.1", "somebody", "wrong").await;
        }
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 429, "any other browser waits");
        mona.action("log_out", &[]).await;
        assert_eq!(mona.log_in("mona", PASSWORD).await.status, 200);
        assert_eq!(mona.log_in("mona@example.com", PASSWORD).await.status, 200);
    }

    async fn a_known_device_has_a_limit_too_and_is_known_at_its_own_account_only(engine) {
        let app = start(engine).await;
        let mona = app.signed_in("mona").await;
        app.signed_in("nils").await;
        for _ in 0..5 {
            assert_eq!(mona.log_in("mona", "wrong").await.status, 401);
            assert_eq!(mona.log_in("nils", "wrong").await.status, 401);
        }
        wait_of(&mona.log_in("mona", "wrong").await);
        wait_of(&mona.log_in("nils", PASSWORD).await);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200, "others are not slowed down by it");
    }

    async fn a_planted_device_cookie_is_worth_nothing(engine) {
        let app = start(engine).await;
        let mona = app.signed_in("mona").await;
        let nils = app.signed_in("nils").await;
        for caller in [app.anonymous(), nils] {
            caller.set_cookie("__Host-doorward", None);
            for _ in 0..6 {
                caller.log_in("mona", "wrong").await;
            }
            assert_eq!(caller.log_in("mona", PASSWORD).await.status, 429);
        }
        let forged = app.anonymous();
        let good = mona.cookie("__Host-doorward-devices").unwrap();
        let flipped = if good.ends_with('A') { "B" } else { "A" };
        forged.set_cookie("__Host-doorward-devices", Some(&[&good[..good.len() - 1], flipped].concat()));
        assert_eq!(forged.log_in("mona", PASSWORD).await.status, 429);
    }

    async fn one_address_fails_ten_times_a_minute_whatever_the_names_and_others_are_free(engine) {
        let app = behind_a_proxy(engine).await;
        app.signed_in("mona").await;
        let caller = app.anonymous();
        for round in 0..10 {
            assert_eq!(log_in_from(&caller, "203.0.113.9", &format!("name{round}"), "wrong").await.status, 401);
        }
        let wait = wait_of(&log_in_from(&caller, "203.0.113.9", "mona", PASSWORD).await);
        assert_eq!(log_in_from(&app.anonymous(), "203.0.113.10", "mona", PASSWORD).await.status, 200);
        app.clock.advance(wait);
        assert_eq!(log_in_from(&app.anonymous(), "203.0.113.9", "mona", PASSWORD).await.status, 200);
    }

    async fn an_ipv6_subscriber_is_one_address(engine) {
        let app = behind_a_proxy(engine).await;
        app.signed_in("mona").await;
        for round in 0..10 {
            let ip = format!("2001:db8:1:2::{round:x}");
            assert_eq!(log_in_from(&app.anonymous(), &ip, &format!("name{round}"), "wrong").await.status, 401);
        }
        wait_of(&log_in_from(&app.anonymous(), "2001:db8:1:2:ffff::1", "mona", PASSWORD).await);
        assert_eq!(log_in_from(&app.anonymous(), "2001:db8:1:3::1", "mona", PASSWORD).await.status, 200);
    }

    async fn forwarded_headers_of_strangers_change_nothing(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        for round in 0..10 {
            log_in_from(&app.anonymous(), &format!("203.0.113.{round}"), &format!("name{round}"), "wrong").await;
        }
        wait_of(&log_in_from(&app.anonymous(), "203.0.113.99", "mona", PASSWORD).await);
    }

    async fn throttles_survive_a_restart(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        for _ in 0..5 {
            app.anonymous().log_in("mona", "wrong").await;
        }
        let app = app.restarted().await;
        wait_of(&app.anonymous().log_in("mona", PASSWORD).await);
    }

    async fn a_reset_by_mail_leads_past_the_throttle(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        for _ in 0..6 {
            app.anonymous().log_in("mona", "wrong").await;
        }
        let owner = app.anonymous();
        owner.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (_, code) = app.reset_mail("mona").await;
        let form = [("code", code.as_str()), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        assert_eq!(owner.action("confirm_password_reset", &form).await.status, 200);
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
    }

    async fn registrations_of_one_address_end_at_twenty_and_the_form_keeps_what_was_typed(engine) {
        let app = start(engine).await;
        for round in 0..20 {
            assert_eq!(app.anonymous().register(&format!("mona{round}")).await.status, 200);
        }
        let fields = [("email", "mona@example.com"), ("username", "mona"), ("password", PASSWORD), ("password_again", PASSWORD)];
        let refused = app.anonymous().submit("/register", &fields).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "180"));
        assert!(refused.text.contains("value=\"mona@example.com\"") && !refused.text.contains(PASSWORD));
        assert!(refused.text.contains("You can try again in 3 minutes."), "the page says when");
    }

    async fn mails_are_asked_for_five_times_a_minute_for_known_and_unknown_alike(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        let mut answers = Vec::new();
        for email in ["mona@example.com", "nobody@example.com"] {
            app.clock.advance(60);
            let caller = app.anonymous();
            let mut round = Vec::new();
            for _ in 0..6 {
                let answer = caller.action("request_password_reset", &[("email", email)]).await;
                round.push((answer.status, answer.text));
            }
            answers.push(round);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 200, 200, 200, 200, 429]);
    }

    async fn a_session_guesses_its_password_five_times_a_minute(engine) {
        let app = start(engine).await;
        let mona = app.signed_in("mona").await;
        let form = |current| [("current_password", current), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        for _ in 0..5 {
            assert_eq!(mona.action("change_password", &form("wrong")).await.status, 422);
        }
        let wait = wait_of(&mona.action("change_password", &form(PASSWORD)).await);
        app.clock.advance(wait);
        assert_eq!(mona.action("change_password", &form(PASSWORD)).await.status, 200);
    }

    async fn sixty_refreshes_a_minute_are_enough_for_one_session(engine) {
        let app = start(engine).await;
        let (mona, nils) = (app.signed_in("mona").await, app.signed_in("nils").await);
        for _ in 0..60 {
            assert_eq!(mona.refresh().await.status, 200);
        }
        let wait = wait_of(&mona.refresh().await);
        assert_eq!(nils.refresh().await.status, 200);
        app.clock.advance(wait);
        assert_eq!(mona.refresh().await.status, 200, "nobody is signed out by it");
    }

    async fn a_new_device_is_told_by_mail_and_a_known_one_is_not(engine) {
        let app = start(engine).await;
        let mona = app.signed_in("mona").await;
        assert_eq!(mona.log_in("mona", PASSWORD).await.status, 200);
        assert_eq!(app.signed_in_again("mona").await.refresh().await.status, 200, "the same device and place, cookies gone");
        let other = app.anonymous();
        let request = other.request(reqwest::Method::POST, "/actions/log_in").header("sec-fetch-site", "same-origin");
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let form = [("identifier", "mona"), ("password", PASSWORD)];
        assert_eq!(other.send(request.header("user-agent", agent).form(&form)).await.status, 200);
        let mail = app.mail("mona", "sign-in").await;
        assert!(mail.text.contains("Firefox on Linux, 127.0.0.1"), "{}", mail.text);
        assert_eq!(app.mails().iter().filter(|other| other.subject == mail.subject).count(), 1);
    }

    async fn a_sign_in_after_many_failures_is_told_to_the_owner(engine) {
        let app = start(engine).await;
        app.signed_in("mona").await;
        let caller = app.anonymous();
        for _ in 0..5 {
            caller.log_in("mona", "wrong").await;
        }
        app.clock.advance(60);
        assert_eq!(caller.log_in("mona", PASSWORD).await.status, 200);
        app.mail("mona", "wrong passwords").await;
    }
}
