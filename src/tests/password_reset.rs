//! Resetting a forgotten password (`cases.md` W), by link and by code, on both engines.

use crate::harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines};
use doorward::server::store::{
    accounts,
    tickets::{self, TicketKind},
};
use futures::future::join_all;

const BOTH: [(&str, &str); 2] = [("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];

/// The fields of the form that a mailed link leads to.
fn by_link(link: &str) -> Vec<(&str, &str)> {
    let query = link.split_once('?').unwrap().1;
    query.split('&').map(|pair| pair.split_once('=').unwrap()).chain(BOTH).collect()
}

fn by_code(code: &str) -> Vec<(&str, &str)> {
    [("code", code)].into_iter().chain(BOTH).collect()
}

on_both_engines! {
    async fn known_and_unknown_addresses_get_the_same_answer_and_only_one_gets_mail(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let known = app.anonymous().action("request_password_reset", &[("email", "mona@example.com")]).await;
        let unknown = app.anonymous().action("request_password_reset", &[("email", "nobody@example.com")]).await;
        assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
        let names = |answer: &crate::harness::Answer| answer.headers.keys().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&known), names(&unknown));
        assert_eq!(known.header("set-cookie").len(), unknown.header("set-cookie").len());
        app.reset_mail("mona").await;
        assert!(app.mails().iter().all(|mail| !mail.to.contains("nobody")));
    }

    async fn a_mailed_link_sets_a_new_password_once(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let other = app.anonymous();
        other.action("request_password_reset", &[("email", "MONA@example.com")]).await;
        let (link, _) = app.reset_mail("mona").await;
        let done = other.action("confirm_password_reset", &by_link(&link)).await;
        assert_eq!((done.status, done.json()["next"].as_str().unwrap()), (200, "/login?notice=password-reset"));
        assert!(done.json()["grant"].is_null(), "a reset signs nobody in");
        assert_eq!(mona.refresh().await.status, 401, "every session has ended");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.code(), "wrong_credentials");
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
        assert!(app.mail("mona", "was").await.text.contains("password"), "a notice went out");
        let again = other.action("confirm_password_reset", &by_link(&link)).await;
        let never = other.action("confirm_password_reset", &by_link("/x?uid=MQ&token=abc")).await;
        assert_eq!((again.status, again.code().as_str()), (422, "invalid_ticket"));
        assert_eq!(again.text, never.text, "used and invented links read the same");
    }

    async fn opening_the_link_changes_nothing(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (link, _) = app.reset_mail("mona").await;
        let scanner = app.anonymous();
        for _ in 0..3 {
            let opened = scanner.page(&link).await;
            assert_eq!((opened.status, opened.header("location")), (303, "/reset-confirmation"));
            assert_eq!(opened.header("referrer-policy"), "no-referrer");
        }
        assert_eq!(mona.refresh().await.status, 200);
        let done = app.anonymous().action("confirm_password_reset", &by_link(&link)).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }

    async fn a_link_dies_with_its_time_and_with_a_newer_one(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let browser = app.anonymous();
        browser.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (first, _) = app.reset_mail("mona").await;
        app.clock.advance(60);
        browser.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let second = loop {
            let (link, _) = app.reset_mail("mona").await;
            if link != first { break link }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        assert_eq!(browser.action("confirm_password_reset", &by_link(&first)).await.code(), "invalid_ticket");
        app.clock.advance(1800);
        assert_eq!(browser.action("confirm_password_reset", &by_link(&second)).await.code(), "invalid_ticket");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200, "the old password stays");
    }

    async fn a_stranger_who_keeps_asking_neither_floods_the_mailbox_nor_kills_the_link(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let mona = app.anonymous();
        let ask = [("email", "mona@example.com")];
        let first = mona.action("request_password_reset", &ask).await;
        let (link, _) = app.reset_mail("mona").await;
        let stranger = app.anonymous();
        let asked = join_all((0..20).map(|_| stranger.action("request_password_reset", &ask))).await;
        assert!(asked.iter().all(|answer| (answer.status, &answer.text) == (200, &first.text)), "he is told the same");
        assert_eq!(app.anonymous().action("confirm_password_reset", &by_link(&link)).await.status, 200);
        for _ in 0..20 {
            app.clock.advance(61);
            join_all((0..4).map(|_| stranger.action("request_password_reset", &ask))).await;
        }
        let mut tx = app.store.read().await.unwrap();
        let id = accounts::find_by_username(&mut tx, "mona").await.unwrap().unwrap().account.id;
        let made = tickets::made_since(&mut tx, id, TicketKind::PasswordReset, crate::harness::START.plus(-1)).await;
        assert_eq!(made.unwrap().0, 5, "in an hour, the first one included");
    }

    async fn the_typed_code_works_in_the_browser_that_asked_and_only_there(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let asked = app.anonymous();
        asked.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (_, code) = app.reset_mail("mona").await;
        assert_eq!(app.anonymous().action("confirm_password_reset", &by_code(&code)).await.code(), "invalid_ticket");
        let spaced = format!("{} {}", &code[..4], &code[4..]);
        assert_eq!(asked.action("confirm_password_reset", &by_code(&spaced)).await.status, 200);
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
    }

    async fn five_wrong_codes_kill_the_code(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let asked = app.anonymous();
        asked.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (link, code) = app.reset_mail("mona").await;
        let wrong = if code == "00000000" { "00000001" } else { "00000000" };
        let guess = by_code(wrong);
        let tries = join_all((0..5).map(|_| asked.action("confirm_password_reset", &guess))).await;
        assert!(tries.iter().all(|answer| answer.code() == "invalid_ticket"));
        assert_eq!(asked.action("confirm_password_reset", &by_code(&code)).await.code(), "invalid_ticket", "the sixth");
        let by_link = asked.action("confirm_password_reset", &by_link(&link)).await;
        assert_eq!(by_link.status, 200, "guessing codes does not take the owner's link away");
    }

    async fn a_code_is_too_old_after_ten_minutes(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let asked = app.anonymous();
        asked.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (_, code) = app.reset_mail("mona").await;
        app.clock.advance(600);
        assert_eq!(asked.action("confirm_password_reset", &by_code(&code)).await.code(), "invalid_ticket");
    }

    async fn a_password_that_is_not_good_enough_costs_neither_link_nor_code(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let asked = app.anonymous();
        asked.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (link, code) = app.reset_mail("mona").await;
        for _ in 0..7 {
            let weak = [("code", code.as_str()), ("password", "mona@example.com"), ("password_again", "mona@example.com")];
            assert_eq!(asked.action("confirm_password_reset", &weak).await.fields(), ["password"]);
            let unlike = [("code", code.as_str()), ("password", OTHER_PASSWORD), ("password_again", PASSWORD)];
            assert_eq!(asked.action("confirm_password_reset", &unlike).await.fields(), ["password_again"]);
        }
        assert_eq!(asked.action("confirm_password_reset", &by_link(&link)).await.status, 200);
    }

    async fn twenty_uses_of_one_link_at_once_change_one_password(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let browser = app.anonymous();
        browser.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (link, _) = app.reset_mail("mona").await;
        let fields = by_link(&link);
        let answers = join_all((0..20).map(|_| browser.action("confirm_password_reset", &fields))).await;
        let worked = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(worked, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    }

    async fn a_link_of_one_account_is_worth_nothing_for_another(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        app.signed_in("nils").await;
        let browser = app.anonymous();
        for name in ["mona", "nils"] {
            browser.action("request_password_reset", &[("email", &format!("{name}@example.com"))]).await;
        }
        let ((monas, _), (nilss, _)) = (app.reset_mail("mona").await, app.reset_mail("nils").await);
        let (uid, token) = (by_link(&monas)[0].1, by_link(&nilss)[1].1);
        let mixed = [("uid", uid), ("token", token), BOTH[0], BOTH[1]];
        assert_eq!(browser.action("confirm_password_reset", &mixed).await.code(), "invalid_ticket");
    }

    async fn the_link_leaves_the_address_bar_and_its_page_works_without_scripts(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let asked = app.anonymous();
        let sent = asked.submit("/reset-password", &[("email", "mona@example.com")]).await;
        assert_eq!((sent.status, sent.header("location")), (303, "/reset-confirmation"));
        let (link, _) = app.reset_mail("mona").await;
        let browser = app.anonymous();
        browser.page(&link).await;
        let page = browser.page("/reset-confirmation").await;
        assert_eq!(page.status, 200);
        let token = by_link(&link)[1].1;
        assert!(page.text.contains(token), "the form holds it");
        assert!(!page.text.contains("name=\"code\""), "no code is asked of somebody who came by the link");
        let done = browser.submit("/reset-confirmation", &by_link(&link)).await;
        assert_eq!((done.status, done.header("location")), (303, "/login?notice=password-reset"));
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
    }
}
