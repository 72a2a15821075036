//! V, by the API: what cannot be read, what is too much, and what is asked for in the wrong way.

use crate::harness::{App, PASSWORD, on_both_engines};
use reqwest::Method;
use serde_json::json;

/// Every path that takes a body from anybody.
const OPEN: [&str; 15] = [
    "/accounts",
    "/sessions",
    "/sessions/refresh",
    "/sessions/log-out",
    "/sessions/proof",
    "/sessions/proof/passkey",
    "/sessions/factor",
    "/sessions/factor/passkey",
    "/sessions/passkey",
    "/sessions/passkey/start",
    "/sessions/enrolment/totp",
    "/confirmations",
    "/confirmations/take-over",
    "/password-resets",
    "/password-resets/confirm",
];

on_both_engines! {
    async fn only_json_is_taken(engine) {
        let app = App::start(engine).await;
        let anyone = app.anonymous();
        for path in OPEN {
            for media in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp", ""] {
                let request = anyone.request(Method::POST, &format!("/api/v1{path}")).body("{}");
                let request = if media.is_empty() { request } else { request.header("content-type", media) };
                let answer = anyone.send(request).await;
                assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"), "{path} {media}");
            }
        }
    }

    async fn what_is_no_json_object_is_refused_and_never_breaks_anything(engine) {
        let app = App::start(engine).await;
        let anyone = app.anonymous();
        for path in OPEN {
            for (body, status) in [
                ("null", 422), ("[]", 422), ("\"x\"", 422), ("7", 422), ("{", 400), ("{\"a\":1,}", 400), ("\u{0}", 400),
                ("{\"a\":", 400), ("{\"identifier\":\"\\ud800\"}", 400), ("[[[[[[[[[[", 400),
            ] {
                let request = anyone.request(Method::POST, &format!("/api/v1{path}"));
                let answer = anyone.send(request.header("content-type", "application/json; charset=utf-8").body(body)).await;
                // A field that is not known is refused before the rest is read.
                let refused = if body.contains('"') { [400, 422].contains(&answer.status) } else { answer.status == status };
                assert!(refused, "{path} {body}: {}", answer.text);
                assert_eq!(answer.header("content-type"), "application/problem+json");
            }
        }
        let deep = "[".repeat(30_000);
        let request = anyone.request(Method::POST, "/api/v1/sessions").header("content-type", "application/json");
        assert_eq!(anyone.send(request.body(deep)).await.status, 400, "depth is bounded");
    }

    async fn a_wrong_kind_is_named_by_a_pointer_and_not_repeated(engine) {
        let app = App::start(engine).await;
        for (body, pointer) in [
            (json!({ "identifier": 424_242, "password": "x" }), "#/identifier"),
            (json!({ "identifier": "x", "password": { "424242": 1 } }), "#/password"),
            (json!({ "identifier": "x", "password": null }), "#/password"),
            (json!({ "identifier": "x", "password": "x", "remember": "424242" }), "#/remember"),
            (json!({ "identifier": "x", "password": "x", "transport": "424242" }), "#/transport"),
        ] {
            let answer = app.anonymous().post("/sessions", body).await;
            assert_eq!((answer.status, answer.pointers()), (422, vec![pointer.to_owned()]), "{}", answer.text);
            assert!(!answer.text.contains("424242"), "{}", answer.text);
        }
        assert_eq!(app.anonymous().post("/sessions", json!({})).await.pointers(), ["#/identifier", "#/password"]);
    }

    async fn a_problem_has_all_that_the_standard_names_and_the_requests_own_name(engine) {
        let app = App::start(engine).await;
        let answer = app.anonymous().post("/sessions", json!({})).await;
        let body = answer.json();
        assert_eq!(body["type"], "urn:doorward:problem:invalid_input");
        assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(422), Some("invalid_input")));
        assert_eq!(body["request_id"], answer.header("x-request-id"));
        assert!(body["title"].is_string() && body["detail"].is_string());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }

    async fn too_much_is_413_and_an_unknown_address_404_and_a_wrong_method_405(engine) {
        let app = App::start(engine).await;
        let anyone = app.anonymous();
        let much = anyone.post("/sessions", json!({ "identifier": "x".repeat(72_000), "password": "x" })).await;
        assert_eq!((much.status, much.code().as_str()), (413, "too_large"));
        for path in ["/nothing", "/me/nothing", "/", "/sessions/a/b"] {
            let answer = anyone.send(anyone.request(Method::GET, &format!("/api/v1{path}")).header("accept", "text/html")).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}: {}", answer.text);
            assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
        }
        for (method, path, allow) in [
            (Method::GET, "/accounts", "POST"), (Method::PUT, "/sessions", "GET"), (Method::POST, "/me", "GET"),
            (Method::GET, "/sessions/refresh", "POST"), (Method::PATCH, "/me/password", "PUT"), (Method::POST, "/openapi.json", "GET"),
        ] {
            let answer = anyone.api(method.clone(), path, None, None).await;
            assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{method} {path}");
            assert!(answer.header("allow").contains(allow), "{path}: {:?}", answer.header("allow"));
        }
    }

    async fn texts_at_their_limit_are_taken_and_beyond_it_refused(engine) {
        let app = App::start(engine).await;
        let email = |local: usize, domain: usize| format!("{}@{}.{}.{}.test", "a".repeat(local), "b".repeat(60), "c".repeat(60), "d".repeat(domain));
        let body = |username: String, email: String, first: usize, password: usize| json!({
            "username": username, "email": email, "first_name": "n".repeat(first), "password": "violet harbour calm ".repeat(20)[..password],
        });
        let longest = email(64, 62);
        assert_eq!(longest.len(), 254);
        let taken = app.anonymous().post("/accounts", body("u".repeat(32), longest.clone(), 100, 256)).await;
        assert_eq!(taken.status, 201, "{}", taken.text);
        for (body, pointer) in [
            (body("v".repeat(33), "a@example.com".into(), 1, 30), "#/username"),
            (body("vvvv".into(), email(65, 30), 1, 30), "#/email"),
            (body("vvvv".into(), email(64, 63), 1, 30), "#/email"),
            (body("vvvv".into(), "a@example.com".into(), 101, 30), "#/first_name"),
            (body("vvvv".into(), "a@example.com".into(), 1, 257), "#/password"),
        ] {
            let answer = app.anonymous().post("/accounts", body).await;
            assert_eq!((answer.status, answer.pointers()), (422, vec![pointer.to_owned()]), "{}", answer.text);
        }
        let long = app.anonymous().post("/sessions", json!({ "identifier": "u".repeat(32), "password": "x".repeat(60_000) })).await;
        assert_eq!((long.status, long.pointers()), (422, vec!["#/password".to_owned()]), "nothing is hashed for it");
    }

    async fn pages_of_lists_have_bounds(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let token = mona.tokens().unwrap().access_token.expose();
        for list in ["/sessions", "/me/history"] {
            for (query, parameter) in [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"), ("cursor=%00", "cursor"), ("cursor=x", "cursor")] {
                let answer = app.anonymous().get(&format!("{list}?{query}"), token).await;
                assert_eq!((answer.status, answer.pointers()), (422, vec![parameter.to_owned()]), "{list} {query}");
            }
            assert_eq!(app.anonymous().get(&format!("{list}?limit=100&other=1"), token).await.status, 200);
        }
    }

    async fn too_many_tries_are_told_when_to_come_again(engine) {
        let app = App::start_with(engine, "throttle.login_name = '3/5m'").await;
        app.client_of("mona").await;
        let wrong = json!({ "identifier": "mona", "password": "wrong one" });
        for _ in 0..3 {
            assert_eq!(app.anonymous().post("/sessions", wrong.clone()).await.status, 401);
        }
        let answer = app.anonymous().post("/sessions", wrong.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_requests"));
        let wait: i64 = answer.header("retry-after").parse().unwrap();
        assert_eq!(answer.json()["retry_after"].as_i64(), Some(wait));
        let unknown = json!({ "identifier": "nobody", "password": "wrong one" });
        for _ in 0..3 {
            assert_eq!(app.anonymous().post("/sessions", unknown.clone()).await.status, 401);
        }
        assert_eq!(app.anonymous().post("/sessions", unknown).await.status, 429, "unknown names are told the same");
        app.clock.advance(wait);
        let right = json!({ "identifier": "mona", "password": PASSWORD });
        assert_eq!(app.anonymous().post("/sessions", right).await.status, 200);
    }

    async fn injected_statements_are_text(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        for text in ["' OR '1'='1", "\";--", "\\", "mona'--", "{{7*7}}", "%00", "${jndi:ldap://x}"] {
            let answer = app.anonymous().post("/sessions", json!({ "identifier": text, "password": text })).await;
            assert_eq!(answer.status, 401, "{text}");
            let form = json!({ "email": text, "username": text, "password": text, "first_name": text });
            assert_eq!(app.anonymous().post("/accounts", form).await.status, 422, "{text}");
            assert_eq!(app.anonymous().post("/password-resets/confirm", json!({ "uid": text, "token": text, "password": PASSWORD })).await.status, 422);
        }
    }
}
