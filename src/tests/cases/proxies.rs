//! Behind proxies: whose word about an address counts (ASVS 4.1.3).

use crate::harness::{App, PASSWORD, on_both_engines};
use doorward::{
    domain::account::AccountId,
    server::{clock::Clock as _, store::session_lists},
};
use reqwest::Method;

/// What a client can write to seem somebody else, beside `X-Forwarded-For`.
const OTHERS: [(&str, &str); 5] = [
    ("forwarded", "for=9.9.9.9;host=evil.test;proto=https"),
    ("x-real-ip", "9.9.9.9"),
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-proto", "https"),
    ("client-ip", "9.9.9.9"),
];

/// The address that the list of sessions has for mona when she signs in anew with these headers.
async fn seen(app: &App, headers: &[(&str, &str)]) -> String {
    app.clock.advance(1);
    let caller = app.anonymous();
    let mut request = caller.request(Method::POST, "/actions/log_in").header("sec-fetch-site", "same-origin");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = caller.send(request.form(&[("identifier", "mona"), ("password", PASSWORD)])).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let id = AccountId(caller.account(&answer.token()).await.json()["id"].as_i64().unwrap());
    let alive = session_lists::alive_of(&mut app.store.read().await.unwrap(), id, app.clock.now()).await.unwrap();
    assert!(alive.len() == 1 || alive[0].created_at > alive[1].created_at, "the newest stands first");
    alive[0].ip.clone()
}

const FORWARDED: &str = "x-forwarded-for";

on_both_engines! {
    async fn from_a_peer_that_nobody_trusts_forwarded_headers_change_nothing(engine) {
        for settings in ["", "server.trusted_proxies = ['10.0.0.0/8', '::1']", "server.trusted_proxies = ['']"] {
            let app = App::start_with(engine, settings).await;
            app.signed_in("mona").await;
            assert_eq!(seen(&app, &[(FORWARDED, "9.9.9.9")]).await, "127.0.0.1", "{settings}");
            assert_eq!(seen(&app, &[(FORWARDED, "9.9.9.9, 10.0.0.1")]).await, "127.0.0.1", "{settings}");
            assert_eq!(seen(&app, &OTHERS).await, "127.0.0.1", "{settings}");
        }
    }

    async fn from_a_trusted_peer_the_nearest_address_that_is_not_trusted_counts(engine) {
        let app = App::start_with(engine, "server.trusted_proxies = ['127.0.0.1', '10.0.0.0/8']").await;
        app.signed_in("mona").await;
        assert_eq!(seen(&app, &[]).await, "127.0.0.1", "no header");
        assert_eq!(seen(&app, &[(FORWARDED, "198.51.100.4")]).await, "198.51.100.4");
        assert_eq!(seen(&app, &[(FORWARDED, "198.51.100.4:567, 10.1.2.3")]).await, "198.51.100.4", "two proxies");
        assert_eq!(seen(&app, &[(FORWARDED, "[2001:db8:1:2:3::4]:123")]).await, "2001:db8:1:2::/64");
        assert_eq!(seen(&app, &[(FORWARDED, "unknown")]).await, "127.0.0.1", "no address");
    }

    async fn a_client_cannot_seem_somebody_else_through_a_proxy(engine) {
        let app = App::start_with(engine, "server.trusted_proxies = ['127.0.0.1']").await;
        app.signed_in("mona").await;
        // What the client wrote stands to the left of what the proxy appended, in its line or in one before it.
        for invented in ["9.9.9.9", "127.0.0.1", "127.0.0.1, 9.9.9.9", "nonsense", "9.9.9.9, nonsense,"] {
            let appended = format!("{invented}, 198.51.100.4");
            assert_eq!(seen(&app, &[(FORWARDED, &appended)]).await, "198.51.100.4", "{invented}");
            let lines = [(FORWARDED, invented), (FORWARDED, "198.51.100.4")];
            assert_eq!(seen(&app, &lines).await, "198.51.100.4", "{invented}");
        }
        assert_eq!(seen(&app, &OTHERS).await, "127.0.0.1", "no other header is read");
    }

    async fn the_mailbox_is_not_shown_through_a_proxy_at_this_machine(engine) {
        let app = App::start_with(engine, "server.trusted_proxies = ['127.0.0.1']").await;
        let caller = app.anonymous();
        assert_eq!(caller.page("/dev/mailbox").await.status, 200);
        let request = caller.request(Method::GET, "/dev/mailbox").header(FORWARDED, "198.51.100.4");
        assert_eq!(caller.send(request).await.status, 404);
    }

    async fn a_forwarded_host_is_never_in_a_mail(engine) {
        let app = App::start_with(engine, "server.trusted_proxies = ['127.0.0.1']").await;
        app.signed_in("mona").await;
        let caller = app.anonymous();
        let mut request = caller.request(Method::POST, "/actions/request_password_reset");
        for (name, value) in OTHERS {
            request = request.header(name, value);
        }
        let request = request.header("sec-fetch-site", "same-origin").form(&[("email", "mona@example.com")]);
        assert_eq!(caller.send(request).await.status, 200);
        let (link, _) = app.reset_mail("mona").await;
        assert!(link.starts_with("/reset-confirmation"), "a link to our own origin");
        assert!(!app.mail("mona", "password").await.text.contains("evil"));
    }
}
