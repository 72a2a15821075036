//! F: requests from other sites and other origins. R: redirects stay on our own.

use crate::harness::{App, PASSWORD, on_both_engines};
use reqwest::Method;

const PATHS: [&str; 11] = [
    "/register",
    "/login",
    "/logout",
    "/reset-password",
    "/reset-confirmation",
    "/actions/register",
    "/actions/log_in",
    "/actions/log_out",
    "/actions/refresh",
    "/actions/request_password_reset",
    "/actions/confirm_password_reset",
];

on_both_engines! {
    async fn forms_of_other_sites_and_origins_are_refused_everywhere(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let origin = app.base.clone();
        let foreign: [&[(&str, &str)]; 9] = [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
            &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://evil.test")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1")],
            &[("origin", "https://127.0.0.1.evil.test")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.test")],
            &[],
        ];
        for path in PATHS {
            for headers in foreign {
                let mut request = mona.request(Method::POST, path).form(&[("identifier", "mona"), ("password", PASSWORD)]);
                for (name, value) in headers { request = request.header(*name, *value); }
                let answer = mona.send(request).await;
                assert_eq!((answer.status, answer.header("set-cookie")), (403, ""), "{path} {headers:?}");
            }
        }
        assert_eq!(mona.refresh().await.status, 200, "nothing has changed");
        let request = app.anonymous();
        let same = request.request(Method::POST, "/actions/log_in").header("origin", origin);
        assert_eq!(request.send(same.form(&[("identifier", "mona"), ("password", PASSWORD)])).await.status, 200);
    }

    async fn no_origin_is_let_in_by_cors(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for origin in ["https://evil.test", "null", &format!("{}.evil.test", app.base)] {
            for (method, path) in [(Method::OPTIONS, "/actions/refresh"), (Method::GET, "/dashboard"), (Method::OPTIONS, "/login")] {
                let request = mona.request(method, path).header("origin", origin).header("access-control-request-method", "POST");
                let answer = mona.send(request).await;
                assert_eq!(answer.header("access-control-allow-origin"), "");
                assert_eq!(answer.header("access-control-allow-credentials"), "");
            }
        }
    }

    async fn signing_in_leads_to_own_paths_only(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        for next in ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/%0d%0aX: y", "\r\nX: y", "/\u{9}/evil.test"] {
            let fields = [("identifier", "mona"), ("password", PASSWORD), ("next", next)];
            let answer = app.anonymous().submit("/login", &fields).await;
            assert_eq!((answer.status, answer.header("location")), (303, "/dashboard"), "{next:?}");
            let json = app.anonymous().action("log_in", &fields).await.json();
            assert_eq!(json["next"], "/dashboard", "{next:?}");
            let mona = app.signed_in_again("mona").await;
            let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            let already = mona.page(&format!("/login?next={encoded}")).await;
            assert_eq!((already.status, already.header("location")), (303, "/dashboard"), "{next:?}");
        }
        let fields = [("identifier", "mona"), ("password", PASSWORD), ("next", "/?a=b")];
        assert_eq!(app.anonymous().submit("/login", &fields).await.header("location"), "/?a=b");
    }

    async fn a_failed_form_never_redirects_to_the_referer(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        for path in ["/login", "/actions/log_in"] {
            let request = caller.request(Method::POST, path).header("sec-fetch-site", "same-origin")
                .header("accept", "text/html").header("referer", "https://evil.test/x?token=y");
            let answer = caller.send(request.form(&[("identifier", "mona"), ("password", "x")])).await;
            assert_eq!((answer.status, answer.header("location")), (401, ""), "{path}");
        }
    }
}
