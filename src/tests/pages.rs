//! Pages as the server renders them: the right one for each visitor, and every form with scripts off.

use crate::harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines};

on_both_engines! {
    async fn each_visitor_gets_the_page_that_is_theirs(engine) {
        let app = App::start(engine).await;
        let (nobody, mona) = (app.anonymous(), app.signed_in("mona").await);
        for path in ["/", "/login", "/register", "/reset-password", "/reset-confirmation"] {
            let page = nobody.page(path).await;
            assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
            assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
            assert!(page.text.contains("<title>") && page.text.contains("lang=\"en\""), "{path}");
        }
        let away = nobody.page("/dashboard").await;
        assert_eq!((away.status, away.header("location")), (303, "/login?next=/dashboard"));
        for path in ["/login", "/register"] {
            let home = mona.page(path).await;
            assert_eq!((home.status, home.header("location")), (303, "/dashboard"), "{path}");
        }
        let dashboard = mona.page("/dashboard").await;
        for text in ["mona", "mona@example.com", "20 November 2026"] {
            assert!(dashboard.text.contains(text), "{text}");
        }
        assert!(mona.page("/").await.text.contains("/dashboard"));
        let missing = mona.page("/no-such-page").await;
        assert_eq!(missing.status, 404);
        assert!(missing.text.contains("<h1"));
    }

    async fn a_whole_life_without_scripts(engine) {
        let app = App::start(engine).await;
        let mona = app.anonymous();
        let fields = [("email", "mona@example.com"), ("username", "mona"), ("password", PASSWORD), ("password_again", PASSWORD), ("first_name", "Mona")];
        let made = mona.submit("/register", &fields).await;
        assert_eq!((made.status, made.header("location")), (303, "/dashboard"));
        assert!(mona.page("/dashboard").await.text.contains("Mona"));
        let out = mona.submit("/logout", &[]).await;
        assert_eq!((out.status, out.header("location")), (303, "/login?notice=signed-out"));
        assert_eq!(mona.page("/dashboard").await.status, 303);
        assert_eq!(mona.page("/login?notice=signed-out").await.status, 200);
        let fields = [("identifier", "mona@example.com"), ("password", PASSWORD), ("remember", "on"), ("next", "/dashboard")];
        assert_eq!(mona.submit("/login", &fields).await.header("location"), "/dashboard");
    }

    async fn what_was_typed_stays_and_passwords_go(engine) {
        let app = App::start(engine).await;
        let fields = [("email", "not an address"), ("username", "mo"), ("password", "hunter-secret-2"), ("password_again", "other"),
                      ("first_name", "Mona"), ("last_name", "O'Neill & \"Sons\"")];
        let page = app.anonymous().submit("/register", &fields).await;
        assert_eq!(page.status, 422);
        for typed in ["value=\"not an address\"", "value=\"mo\"", "value=\"Mona\""] {
            assert!(page.text.contains(typed), "{typed}");
        }
        assert!(page.text.contains("O'Neill") || page.text.contains("O&#x27;Neill") || page.text.contains("O&#39;Neill"));
        assert!(!page.text.contains("hunter-secret"));
        assert!(page.text.contains("aria-invalid=\"true\""));
        let page = app.anonymous().submit("/login", &[("identifier", "mona"), ("password", "hunter-secret-2"), ("next", "/?x=1")]).await;
        assert_eq!(page.status, 401);
        assert!(page.text.contains("value=\"mona\"") && page.text.contains("value=\"/?x=1\"") && !page.text.contains("hunter-secret"));
        let page = app.anonymous().submit("/reset-password", &[("email", "nope")]).await;
        assert!(page.status == 422 && page.text.contains("value=\"nope\""));
        let fields = [("uid", "MQ"), ("token", "abc"), ("password", OTHER_PASSWORD), ("password_again", PASSWORD)];
        let page = app.anonymous().submit("/reset-confirmation", &fields).await;
        assert!(page.status == 422 && page.text.contains("value=\"abc\""), "the link is not lost");
        let fields = [("code", "1234 5678"), ("password", "short"), ("password_again", "short")];
        let page = app.anonymous().submit("/reset-confirmation", &fields).await;
        assert!(page.status == 422 && page.text.contains("value=\"1234 5678\""), "nor the code");
    }

    async fn a_visitor_without_scripts_keeps_the_session_by_reading(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let first = mona.held();
        mona.page("/dashboard").await;
        assert_eq!(mona.held(), first, "a page does not rotate");
        for _ in 0..6 {
            app.clock.advance(50_000);
            let before = mona.held();
            assert_eq!(mona.page("/dashboard").await.status, 200);
            assert_ne!(mona.held(), before, "an old token is renewed by a top-level document");
        }
        app.clock.advance(50_000);
        let before = mona.held();
        let prefetch = mona.request(reqwest::Method::GET, "/dashboard").header("sec-fetch-dest", "document").header("sec-purpose", "prefetch");
        assert_eq!(mona.send(prefetch).await.status, 200);
        assert_eq!(mona.held(), before, "a prefetch is not");
    }

    async fn a_database_that_is_away_is_an_error_page_with_a_time(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.store.close().await;
        let page = mona.page("/dashboard").await;
        assert_eq!((page.status, page.header("retry-after")), (503, "2"));
        assert!(page.text.contains("<h1") && !page.text.to_lowercase().contains("sql"));
        assert_eq!(mona.page("/healthz").await.status, 200);
        let form = app.anonymous().submit("/login", &[("identifier", "mona"), ("password", PASSWORD)]).await;
        assert_eq!(form.status, 503);
        assert!(form.text.contains("value=\"mona\""), "the form is kept");
        let refresh = mona.refresh().await;
        assert_eq!((refresh.status, refresh.header("set-cookie")), (503, ""), "an outage is no sign-out");
        let out = mona.action("log_out", &[]).await;
        let kept = (out.status, out.header("set-cookie"), out.header("clear-site-data"));
        assert_eq!(kept, (503, "", ""), "what can still end the session stays");
    }

    async fn the_mailbox_shows_each_mail_on_a_page_of_its_own(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let mail = app.mail("mona", "password").await;
        let list = mona.page("/dev/mailbox").await;
        assert!(list.text.contains(&format!("/dev/mailbox/{}", mail.id)));
        let page = mona.page(&format!("/dev/mailbox/{}", mail.id)).await;
        assert!(page.status == 200 && page.text.contains("/reset-confirmation?uid="));
        assert_eq!(mona.page("/dev/mailbox/..%2fx").await.status, 404);
    }

    async fn pages_are_compressed_unless_they_hold_a_secret(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        let ask = |path: &str| caller.request(reqwest::Method::GET, path).header("accept-encoding", "br").header("accept", "text/html");
        let open = caller.client_send(ask("/login")).await;
        assert_eq!((open.0, open.1.as_str()), (200, "br"));
        caller.page("/reset-confirmation?uid=MQ&token=abc").await;
        let secret = caller.client_send(ask("/reset-confirmation")).await;
        assert_eq!((secret.0, secret.1.as_str()), (200, ""));
    }

    async fn password_managers_find_where_a_password_is_changed(engine) {
        let app = App::start(engine).await;
        let answer = app.anonymous().page("/.well-known/change-password").await;
        assert_eq!((answer.status, answer.header("location")), (303, "/reset-password"));
    }
}
