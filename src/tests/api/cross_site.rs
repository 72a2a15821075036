//! F, by the API: pages of other sites and origins, with and without a list of those that may.

use crate::harness::{App, Caller, PASSWORD, on_both_engines};
use reqwest::Method;
use serde_json::json;

const LISTED: &str = "cors.origins = ['http://localhost:3000', 'https://app.example']";

async fn preflight(caller: &Caller, path: &str, origin: &str) -> crate::harness::Answer {
    let request = caller.request(Method::OPTIONS, path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    caller.send(request.header("access-control-request-headers", "content-type,authorization")).await
}

async fn refresh(caller: &Caller, headers: &[(&str, &str)]) -> crate::harness::Answer {
    let mut request = caller.request(Method::POST, "/api/v1/sessions/refresh").json(&json!({}));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    caller.send(request).await
}

on_both_engines! {
    async fn a_good_cookie_from_another_origin_does_nothing(engine) {
        let app = App::start_with(engine, LISTED).await;
        let mona = app.signed_in("mona").await;
        let before = mona.held();
        let foreign: [&[(&str, &str)]; 8] = [
            &[("origin", "https://evil.test")],
            &[("origin", "null")],
            &[("origin", "https://app.example.evil.test")],
            &[("origin", "http://app.example")],
            &[("origin", "https://APP.example")],
            &[("origin", "https://evil.test"), ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "https://app.example"), ("origin", "https://evil.test")],
        ];
        for headers in foreign {
            let answer = refresh(&mona, headers).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "cross_site"), "{headers:?}");
            assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
            assert_eq!((answer.header("set-cookie"), answer.header("access-control-allow-origin")), ("", ""), "{headers:?}");
        }
        assert_eq!(mona.held(), before);
        assert_eq!(refresh(&mona, &[]).await.status, 200, "a program that says it sends JSON");
    }

    async fn a_form_of_another_site_reaches_no_route(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for path in ["/accounts", "/sessions", "/sessions/refresh", "/sessions/log-out", "/password-resets", "/tokens/introspect"] {
            for headers in [&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")][..], &[("origin", "null")], &[]] {
                for media in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
                    let mut request = mona.request(Method::POST, &format!("/api/v1{path}")).header("content-type", media);
                    for (name, value) in headers {
                        request = request.header(*name, *value);
                    }
                    let answer = mona.send(request.body("refresh_token=x")).await;
                    assert_eq!((answer.status, answer.header("set-cookie")), (403, ""), "{path} {headers:?} {media}");
                }
            }
        }
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn no_page_of_another_origin_is_let_in_unless_it_is_listed(engine) {
        let app = App::start(engine).await;
        for path in ["/api/v1/me", "/api/v1/sessions/refresh"] {
            let answer = preflight(&app.anonymous(), path, "http://localhost:3000").await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
        let app = app.restarted_with(LISTED).await;
        for origin in ["https://evil.test", "null", "http://localhost:3001", "http://localhost", "https://app.example:8443"] {
            for path in ["/api/v1/me", "/api/v1/sessions/refresh"] {
                let answer = preflight(&app.anonymous(), path, origin).await;
                let said = ["access-control-allow-origin", "access-control-allow-credentials"].map(|name| answer.header(name).to_owned());
                assert_eq!(said, ["", ""], "{path} {origin}");
            }
        }
    }

    async fn a_listed_origin_calls_with_the_cookie_and_reads_the_answer(engine) {
        let app = App::start_with(engine, LISTED).await;
        let browser = app.anonymous();
        let origin = "http://localhost:3000";
        let answer = preflight(&browser, "/api/v1/sessions", origin).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!((answer.header("access-control-allow-credentials"), answer.header("vary")), ("true", "origin"));
        app.client_of("mona").await;
        let body = json!({ "identifier": "mona", "password": PASSWORD });
        let request = browser.request(Method::POST, "/api/v1/sessions").header("origin", origin);
        let signed_in = browser.send(request.header("sec-fetch-site", "same-site").json(&body)).await;
        assert_eq!((signed_in.status, signed_in.header("access-control-allow-origin")), (200, origin));
        let again = refresh(&browser, &[("origin", origin), ("sec-fetch-site", "same-site")]).await;
        assert_eq!((again.status, again.header("access-control-allow-credentials")), (200, "true"));
        let wrong = refresh(&app.anonymous(), &[("origin", origin)]).await;
        assert_eq!((wrong.status, wrong.header("access-control-allow-origin")), (401, origin), "refusals can be read, too");
        assert!(wrong.header("access-control-expose-headers").contains("retry-after"));
    }

    async fn no_page_and_no_server_function_is_shared_with_a_listed_origin(engine) {
        let app = App::start_with(engine, LISTED).await;
        let mona = app.signed_in("mona").await;
        for (method, path) in [(Method::GET, "/dashboard"), (Method::OPTIONS, "/actions/refresh"), (Method::POST, "/actions/refresh"), (Method::GET, "/api/docs")] {
            let request = mona.request(method.clone(), path).header("origin", "http://localhost:3000");
            let answer = mona.send(request.header("access-control-request-method", "POST")).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{method} {path}");
        }
        let request = mona.request(Method::POST, "/actions/refresh").header("origin", "http://localhost:3000");
        assert_eq!(mona.send(request.form(&[("", ""); 0])).await.status, 403);
    }
}
