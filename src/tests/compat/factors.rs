//! Accounts with a second factor: this door cannot ask for it, and says so in every answer about tokens.

use super::{log_in, me, post, refresh, start};
use crate::{
    factors::authenticator::Authenticator,
    harness::{Answer, App, Engine, PASSWORD, factors::BY_NAME, on_both_engines},
};
use doorward::server::auth::{By, Origin};
use serde_json::{Value, json};

/// The routes that take a name and a password.
const DOORS: [&str; 4] = ["/auth/jwt/create/", "/api/auth/login/", "/api/token/", "/auth/token/login/"];

/// Gives an account a passkey, from a session at our own door.
async fn add_passkey(app: &App, name: &str) {
    let answer = app.anonymous().post("/sessions", json!({ "identifier": name, "password": PASSWORD })).await;
    let principal = app.auth.authenticate(&answer.token()).await.unwrap();
    let (by, origin) = (By::Session(&principal), Origin::default());
    let begun = app.auth.start_passkey_enrolment(by, &origin).await.unwrap();
    let made = Authenticator::at(&app.base).make(&begun.options);
    app.auth.finish_passkey_enrolment(by, (&begun.ceremony, &made), "Phone", &origin).await.unwrap();
}

fn asks(answer: &Answer, code: &str, what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (401, code), "{what}: {}", answer.text);
    let says = answer.json();
    let mut names: Vec<&String> = says.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["code", "detail"], "{what}: {}", answer.text);
    assert!(answer.headers.contains_key("www-authenticate") && !answer.headers.contains_key("set-cookie"));
}

async fn at_every_door(app: &App, code: &str) {
    for door in DOORS {
        let right: Value = json!({ "username": "mona", "password": PASSWORD });
        asks(&post(app, door, &right).await, code, door);
        let wrong = post(app, door, &json!({ "username": "mona", "password": "not hers at all" })).await;
        assert_ne!(wrong.json()["code"], code, "only who knows the password is told");
    }
}

async fn app_of(engine: Engine, more: &str) -> App {
    let app = start(engine, &format!("{BY_NAME}{more}")).await;
    app.add_account("mona", true).await;
    app
}

on_both_engines! {
    async fn an_account_with_a_factor_gets_no_token_here(engine) {
        let app = app_of(engine, "").await;
        let (refresh_token, access) = log_in(&app, "mona").await;
        let kept = post(&app, "/auth/token/login/", &json!({ "username": "mona", "password": PASSWORD })).await;
        assert_eq!(me(&app, &access).await.status, 200);
        add_passkey(&app, "mona").await;
        at_every_door(&app, "factor_required").await;
        // Sessions from before lack it.
        asks(&refresh(&app, &refresh_token).await, "factor_required", "refresh");
        for route in ["/api/auth/token/refresh/", "/api/token/refresh/"] {
            asks(&post(&app, route, &json!({ "refresh": refresh_token })).await, "factor_required", route);
        }
        for token in [&refresh_token, &access] {
            asks(&post(&app, "/auth/jwt/verify/", &json!({ "token": token })).await, "factor_required", "verify");
        }
        asks(&me(&app, &access).await, "factor_required", "me");
        let caller = app.anonymous();
        let request = caller.request(reqwest::Method::GET, "/auth/users/me/");
        let kept = kept.json()["auth_token"].as_str().unwrap().to_owned();
        asks(&caller.send(request.header("authorization", format!("Token {kept}"))).await, "factor_required", "kept");
    }

    async fn where_a_factor_is_demanded_who_has_none_gets_no_token_here(engine) {
        let app = app_of(engine, "factors.required = 'everyone'").await;
        at_every_door(&app, "enrolment_required").await;
    }
}
