//! J, by the API: forged and misused access tokens. Every fault reads the same: 401, one body, `WWW-Authenticate: Bearer`.

use crate::harness::{App, on_both_engines};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use doorward::{
    domain::account::AccountId,
    server::{
        crypto::{Keys, TokenSigner},
        entropy::SystemEntropy,
        settings::Token,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

const PROTECTED: [(&str, &str); 4] =
    [("GET", "/me"), ("GET", "/sessions"), ("GET", "/me/history"), ("DELETE", "/sessions")];

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap()
}

fn signer(app: &App, issuer: &str, token: &Token) -> TokenSigner {
    let keys = Keys::load_or_create(&app.settings.keys, &SystemEntropy, crate::harness::START).unwrap();
    TokenSigner::new(&keys, issuer, token).unwrap()
}

on_both_engines! {
    async fn every_forged_token_is_refused_alike(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let otto = app.client_of("otto").await;
        let token = mona.tokens().unwrap().access_token.expose().to_owned();
        let refresh = mona.tokens().unwrap().refresh_token.clone().unwrap().expose().to_owned();
        let id = AccountId(mona.me().await.unwrap().id);
        let ottos = AccountId(otto.me().await.unwrap().id);
        let parts: Vec<&str> = token.split('.').collect();
        let (header, payload, signature) = (parts[0], parts[1], parts[2]);
        let mut other = decoded(payload);
        let sid = other["sid"].as_str().unwrap().to_owned();
        other["sub"] = json!(ottos.to_string());
        other["role"] = json!("admin");
        let flipped = if signature.ends_with('A') { "B" } else { "A" };
        let now = doorward::server::clock::Clock::now(app.clock.as_ref());
        let right = &app.settings.token;
        let sign = |issuer: &str, token: &Token, whose, sid: &str, at| {
            signer(&app, issuer, token).sign(whose, sid, "j".into(), at).unwrap().access_token
        };
        let elsewhere = Token { audience: "https://evil.test".into(), ..right.clone() };
        let forged = [
            format!("{}.{payload}.", part(&json!({ "alg": "none", "typ": "at+jwt" }))),
            format!("{header}.{}.{signature}", part(&other)),
            format!("{header}.{payload}."),
            format!("{header}.{payload}"),
            format!("{header}.{payload}.{}{flipped}", &signature[..signature.len() - 1]),
            format!("{}.{payload}.{signature}", part(&json!({ "alg": "HS256", "typ": "JWT" }))),
            refresh,
            "undefined".to_owned(),
            "A".repeat(5000),
            sign(&app.base, right, id, &sid, now.plus(-665)),
            sign(&app.base, right, id, &sid, now.plus(60)),
            sign("https://evil.test", right, id, &sid, now),
            sign(&app.base, &elsewhere, id, &sid, now),
            sign(&app.base, right, ottos, &sid, now),
            sign(&app.base, right, id, "no-such-session", now),
        ];
        let mut bodies = Vec::new();
        for token in forged.iter().map(|token| format!("Bearer {token}")).chain(["Bearer".into(), "Basic bW9uYTp4".into(), format!("Bearer {token} {token}")]) {
            for (method, path) in PROTECTED {
                let caller = app.anonymous();
                let request = caller.request(method.parse::<Method>().unwrap(), &format!("/api/v1{path}"));
                let request = request.header("x-request-id", "same").header("authorization", &token);
                let answer = caller.send(request).await;
                assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{token:.60}");
                bodies.push(answer.text);
            }
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(mona.sessions(None, 9).await.unwrap().items.len(), 1, "the good one is served as before");
        let good = sign(&app.base, right, id, &sid, now);
        assert_eq!(app.anonymous().get("/me", &good).await.status, 200);
    }
}
