//! The door for the front ends of Django: recorded answers byte for byte, and what we do better on purpose.

mod answers;
mod deviations;
mod doors;
mod factors;
mod tokens;

use crate::harness::{Answer, App, Caller, Engine, PASSWORD};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

/// Settings of a site whose front end was written for Djoser.
const DJOSER: &str = "compat.enabled = true\ncompat.enumeration = 'djoser'\ncors.origins = ['http://localhost:3000']\n\
                      compat.front_end = 'http://localhost:3000'";

async fn start(engine: Engine, more: &str) -> App {
    App::start_with(engine, &format!("{DJOSER}\n{more}")).await
}

/// Posts JSON as a front end does, without cookies.
async fn post(app: &App, path: &str, body: &Value) -> Answer {
    let caller = app.anonymous();
    caller
        .send(caller.request(Method::POST, path).header("content-type", "application/json").body(body.to_string()))
        .await
}

/// Asks with an access token.
async fn with(app: &App, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
    let caller = app.anonymous();
    let request = caller.request(method, path).bearer_auth(token);
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    };
    caller.send(request).await
}

async fn me(app: &App, token: &str) -> Answer {
    with(app, Method::GET, "/auth/users/me/", token, None).await
}

/// The tokens of a new session: refresh and access.
async fn log_in(app: &App, name: &str) -> (String, String) {
    let answer = post(app, "/auth/jwt/create", &json!({"username": name, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    pair(&answer)
}

fn pair(answer: &Answer) -> (String, String) {
    let json = answer.json();
    (json["refresh"].as_str().unwrap().to_owned(), json["access"].as_str().unwrap().to_owned())
}

async fn refresh(app: &App, token: &str) -> Answer {
    post(app, "/auth/jwt/refresh/", &json!({"refresh": token})).await
}

/// A person with an account, and a browser of their own where they are signed in by our pages.
async fn mona(app: &App) -> Caller {
    app.signed_in("mona").await
}

/// One of the three parts of a JWT as text.
fn part(token: &str, number: usize) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap()).unwrap()
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}
