//! What is made at one door is not taken at the other, and what both cost is bounded.

use super::{log_in, me, mona, post, refresh, start, with};
use crate::harness::{App, Caller, OTHER_PASSWORD, PASSWORD, code_in, on_both_engines};
use reqwest::Method;
use serde_json::json;

async fn kept(app: &App, path: &str, token: &str) -> u16 {
    let caller = app.anonymous();
    let request = caller.request(Method::GET, path).header("authorization", format!("Token {token}"));
    caller.send(request).await.status
}

async fn renewed(caller: &Caller, token: &str) -> u16 {
    caller.post("/sessions/refresh", json!({ "refresh_token": token })).await.status
}

on_both_engines! {
    async fn a_browsers_refresh_token_is_no_kept_token_and_a_kept_one_is_never_exchanged(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let body = json!({ "identifier": "mona", "password": PASSWORD, "remember": true, "transport": "body" });
        let native = app.anonymous().post("/sessions", body).await.json()["refresh_token"].as_str().unwrap().to_owned();
        assert_eq!(kept(&app, "/auth/users/me", &native).await, 401);
        let login = post(&app, "/auth/token/login/", &json!({ "username": "mona", "password": PASSWORD })).await;
        let token = login.json()["auth_token"].as_str().unwrap().to_owned();
        assert_eq!(kept(&app, "/auth/users/me", &token).await, 200);
        let caller = app.anonymous();
        assert_eq!(renewed(&caller, &token).await, 401);
        caller.set_cookie("__Host-doorward", Some(&token));
        assert_eq!(caller.page("/dashboard").await.status, 303, "and it is no cookie");
        assert_eq!((kept(&app, "/auth/users/me", &token).await, renewed(&caller, &native).await), (200, 200));
    }

    async fn an_access_token_of_this_door_proves_nothing_at_the_api(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (_, access) = log_in(&app, "mona").await;
        assert_eq!(app.anonymous().get("/me", &access).await.json()["username"], "mona");
        for (method, path, body) in [
            (Method::DELETE, "/me", None),
            (Method::GET, "/me/export", None),
            (Method::PUT, "/me/username", Some(json!({ "username": "anna" }))),
            (Method::DELETE, "/sessions", None),
        ] {
            let answer = app.anonymous().api(method, path, Some(&access), body).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "proof_required"), "{path}");
        }
        assert_eq!(me(&app, &access).await.status, 200);
    }

    async fn by_setting_a_new_password_ends_the_session_in_hand_too(engine) {
        let app = start(engine, "compat.end_on_password_change = true").await;
        mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
        assert_eq!(with(&app, Method::POST, "/auth/users/set_password/", &access, Some(&body)).await.status, 204);
        assert_eq!((refresh(&app, &token).await.status, me(&app, &access).await.status), (401, 401));
    }

    async fn right_passwords_given_as_proof_are_counted_too(engine) {
        let app = start(engine, "throttle.login = '4/1m'").await;
        mona(&app).await;
        let (_, access) = log_in(&app, "mona").await;
        let body = json!({ "current_password": PASSWORD, "new_username": "x" });
        for _ in 0..4 {
            assert_eq!(with(&app, Method::POST, "/auth/users/set_username/", &access, Some(&body)).await.status, 400);
        }
        assert_eq!(with(&app, Method::POST, "/auth/users/set_username/", &access, Some(&body)).await.status, 429);
        assert_eq!(app.mails().iter().filter(|mail| mail.subject.contains("user name")).count(), 0);
    }

    async fn a_stranger_who_has_the_activation_sent_again_kills_no_code(engine) {
        let more = "registration.confirmation = 'required'\ncompat.activation_path = '/activate/{uid}/{token}'";
        let app = start(engine, more).await;
        let browser = app.anonymous();
        let form = json!({ "email": "mona@example.com", "username": "mona", "password": PASSWORD });
        assert_eq!(browser.post("/accounts", form).await.status, 202);
        let code = code_in(&app.mail_with("mona", "/confirm-email").await.text);
        app.clock.advance(61);
        assert_eq!(post(&app, "/auth/users/resend_activation/", &json!({ "email": "mona@example.com" })).await.status, 204);
        assert_eq!(browser.post("/confirmations", json!({ "code": code })).await.status, 204);
    }

    async fn an_address_that_is_no_text_is_told_in_json(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (_, access) = log_in(&app, "mona").await;
        let caller = app.anonymous();
        let anonymous = caller.send(caller.request(Method::GET, "/auth/users/%ff/")).await;
        assert_eq!((anonymous.status, anonymous.header("content-type")), (401, "application/json"));
        let known = with(&app, Method::GET, "/auth/users/%ff/", &access, None).await;
        assert_eq!((known.status, known.header("content-type")), (404, "application/json"), "{}", known.text);
    }
}
