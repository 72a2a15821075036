//! What Djoser does and we do not, on purpose; and what every door of ours holds to.

use super::{detail, log_in, me, mona, post, refresh, start, with};
use crate::{
    account::STALE,
    harness::{App, Engine, OTHER_PASSWORD, PASSWORD, on_both_engines},
};
use reqwest::Method;
use serde_json::json;

const ORIGIN: &str = "http://localhost:3000";

/// The two parts of the newest mailed link to the front end.
async fn mailed(app: &App, name: &str, words: &str) -> (String, String) {
    let mail = app.mail(name, words).await;
    let start = mail.text.find("uid=").expect("a link") + 4;
    let link = mail.text[start..].split_whitespace().next().unwrap();
    let (uid, token) = link.split_once("&token=").unwrap();
    (uid.to_owned(), token.to_owned())
}

on_both_engines! {
    /// Deviations 1 and 4.
    async fn a_reset_by_mail_ends_every_session_and_its_link_works_once(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        assert_eq!(post(&app, "/auth/users/reset_password/", &json!({"email": "MONA@example.com"})).await.status, 204);
        let (uid, link) = mailed(&app, "mona", "assword").await;
        let id = me(&app, &access).await.json()["id"].to_string();
        assert_eq!(base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &uid).unwrap(), id.as_bytes());
        let mut body = json!({"uid": uid, "token": link, "new_password": "1234567890", "re_new_password": "x"});
        let weak = post(&app, "/auth/users/reset_password_confirm/", &body).await;
        assert_eq!(weak.text, "{\"new_password\":[\"This password is too common.\",\"This password is entirely numeric.\"]}");
        body["new_password"] = OTHER_PASSWORD.into();
        let done = post(&app, "/auth/users/reset_password_confirm/", &body).await;
        assert_eq!((done.status, done.text.as_str(), done.header("content-type")), (204, "", ""));
        assert!(!done.headers.contains_key("set-cookie"));
        let twice = post(&app, "/auth/users/reset_password_confirm/", &body).await;
        assert_eq!((twice.status, twice.text.as_str()), (400, "{\"token\":[\"Invalid token for given user.\"]}"));
        assert_eq!(refresh(&app, &token).await.status, 401);
        assert_eq!(me(&app, &access).await.status, 401);
        let body = json!({"username": "mona", "password": OTHER_PASSWORD});
        assert_eq!(post(&app, "/auth/jwt/create/", &body).await.status, 200);
    }

    /// Deviation 2.
    async fn by_default_an_address_that_has_an_account_is_answered_like_a_new_one(engine) {
        let app = App::start_with(engine, "compat.enabled = true").await;
        mona(&app).await;
        let body = json!({"email": "mona@example.com", "username": "another", "password": PASSWORD});
        let answer = post(&app, "/auth/users/", &body).await;
        let id = answer.json()["id"].as_i64().unwrap();
        assert_eq!(answer.text, format!("{{\"email\":\"mona@example.com\",\"username\":\"another\",\"id\":{id}}}"));
        assert!(id > 0 && id < 1 << 53);
        assert_eq!(post(&app, "/auth/jwt/create/", &json!({"username": "another", "password": PASSWORD})).await.status, 401);
    }

    /// Deviation 5.
    async fn who_tries_too_often_is_told_as_by_drf(engine) {
        let app = start(engine, "throttle.login_name = '5/5m'").await;
        mona(&app).await;
        let body = json!({"username": "mona", "password": "wrong"});
        for _ in 0..5 {
            assert_eq!(post(&app, "/auth/jwt/create/", &body).await.status, 401);
        }
        let stopped = post(&app, "/auth/jwt/create/", &body).await;
        let wait: u64 = stopped.header("retry-after").parse().unwrap();
        let expected = format!("{{\"detail\":\"Request was throttled. Expected available in {wait} seconds.\"}}");
        assert_eq!((stopped.status, stopped.text, stopped.headers["content-type"].to_str().unwrap()),
                   (429, expected, "application/json"));
        assert_eq!(stopped.headers["allow"], "POST, OPTIONS");
    }

    /// Deviation 8.
    async fn a_password_is_taken_exactly_as_it_is(engine) {
        let app = start(engine, "").await;
        let spaced = format!(" {PASSWORD} ");
        let body = json!({"email": "ann@example.com", "username": "annabel", "password": spaced});
        assert_eq!(post(&app, "/auth/users/", &body).await.status, 201);
        for (password, status) in [(PASSWORD, 401), (spaced.as_str(), 200)] {
            let answer = post(&app, "/auth/jwt/create/", &json!({"username": " annabel ", "password": password})).await;
            assert_eq!(answer.status, status, "{password:?}");
        }
    }

    async fn a_new_password_ends_other_sessions_and_the_token_in_hand_goes_on(engine) {
        let app = start(engine, "compat.rotate = true").await;
        let pages = mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        let (other, _) = log_in(&app, "mona").await;
        let body = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
        let done = with(&app, Method::POST, "/auth/users/set_password", &access, Some(&body)).await;
        assert_eq!((done.status, done.text.as_str()), (204, ""));
        assert_eq!(refresh(&app, &other).await.status, 401);
        assert_eq!(pages.refresh().await.status, 401);
        assert_eq!(me(&app, &access).await.status, 200);
        assert_eq!(refresh(&app, &token).await.status, 200);
        app.mail("mona", "password").await;
    }

    async fn another_address_is_asked_for_by_mail_and_needs_a_fresh_proof(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        let body = json!({"email": "new@example.com"});
        let asked = with(&app, Method::PATCH, "/auth/users/me/", &access, Some(&body)).await;
        assert_eq!((asked.status, asked.json()["email"].as_str()), (200, Some("mona@example.com")), "nothing has changed yet");
        app.mail("new@", "").await;
        app.clock.advance(STALE);
        let access = refresh(&app, &token).await.json()["access"].as_str().unwrap().to_owned();
        let body = json!({"email": "newer@example.com"});
        let stale = with(&app, Method::PUT, "/auth/users/me/", &access, Some(&body)).await;
        assert_eq!((stale.status, stale.json().as_object().unwrap().len()), (403, 1), "{}", stale.text);
        assert!(!detail(&stale).is_empty());
    }

    async fn a_guessed_proof_is_throttled(engine) {
        let app = start(engine, "throttle.proof = '5/1m'").await;
        mona(&app).await;
        let (_, access) = log_in(&app, "mona").await;
        let body = json!({"current_password": "wrong"});
        for _ in 0..5 {
            assert_eq!(with(&app, Method::DELETE, "/auth/users/me/", &access, Some(&body)).await.status, 400);
        }
        let body = json!({"current_password": PASSWORD});
        assert_eq!(with(&app, Method::DELETE, "/auth/users/me/", &access, Some(&body)).await.status, 429);
    }

    async fn a_cookie_is_worth_nothing_here(engine) {
        let app = start(engine, "").await;
        let mona = mona(&app).await;
        let answer = mona.send(mona.request(Method::GET, "/auth/users/me/")).await;
        assert_eq!((answer.status, answer.headers.contains_key("set-cookie")), (401, false));
        let answer = mona.send(mona.request(Method::POST, "/auth/jwt/refresh/")).await;
        assert_eq!((answer.status, answer.text.as_str()), (400, "{\"refresh\":[\"This field is required.\"]}"));
        assert_eq!(mona.refresh().await.status, 200, "and it is not taken away");
    }

    async fn an_account_on_its_way_out_is_none(engine) {
        let app = start(engine, "").await;
        let mona = mona(&app).await;
        assert_eq!(mona.action("request_deletion", &[]).await.status, 200);
        for password in [PASSWORD, "wrong"] {
            let answer = post(&app, "/auth/jwt/create/", &json!({"username": "mona", "password": password})).await;
            assert_eq!(answer.text, "{\"detail\":\"No active account found with the given credentials\"}");
        }
    }

    async fn what_is_closed_is_not_there(engine) {
        let app = App::start(engine).await;
        for path in ["/auth/users/", "/auth/jwt/create", "/auth/", "/api/auth/login/", "/api/token/", "/api/profile", "/api/"] {
            for method in [Method::GET, Method::OPTIONS] {
                let caller = app.anonymous();
                let answer = caller.send(caller.request(method, path)).await;
                assert_eq!((answer.status, answer.text.as_str()), (404, "{\"detail\":\"Not found.\"}"), "{path}");
            }
            assert_eq!(post(&app, path, &json!({})).await.status, 404, "{path}");
        }
    }

    async fn what_layers_further_out_refuse_is_told_in_djangos_form_too(engine) {
        let app = start(engine, "server.body_limit = 4096").await;
        let large = post(&app, "/auth/jwt/create/", &json!({"username": "x".repeat(9000)})).await;
        assert_eq!((large.status, large.header("content-type")), (413, "application/json"));
        assert!(detail(&large).contains("too large"), "{}", large.text);
        let caller = app.anonymous();
        let request = caller.request(Method::POST, "/auth/jwt/create/").header("origin", "https://evil.test");
        let foreign = caller.send(request.header("content-type", "application/json").body("{}")).await;
        assert_eq!((foreign.status, foreign.json().as_object().unwrap().len()), (403, 1), "{}", foreign.text);
    }
}

#[test]
fn a_listed_origin_is_let_in_and_its_pre_flight_answered() {
    crate::harness::run(async {
        let app = start(Engine::Sqlite, "").await;
        let caller = app.anonymous();
        let request = caller
            .request(Method::OPTIONS, "/auth/jwt/create")
            .header("origin", ORIGIN)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = caller.send(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(answer.header("access-control-max-age"), "86400");
        assert_eq!(answer.header("vary"), "origin");
        assert_eq!(answer.header("access-control-allow-methods"), "DELETE, GET, OPTIONS, PATCH, POST, PUT");
        let headers = "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with";
        assert_eq!(answer.header("access-control-allow-headers"), headers);
        let request = caller.request(Method::POST, "/auth/jwt/create").header("origin", ORIGIN);
        let answer = caller.send(request.header("content-type", "application/json").body("{}")).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (400, ORIGIN));
        assert_eq!(answer.headers.get_all("vary").iter().collect::<Vec<_>>(), ["Accept, origin"]);
        let request = caller.request(Method::OPTIONS, "/auth/jwt/create").header("origin", "https://evil.test");
        let answer = caller.send(request.header("access-control-request-method", "POST")).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    });
}
