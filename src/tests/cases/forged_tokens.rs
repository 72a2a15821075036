//! J: forged and misused access tokens. Every fault reads the same: 401, one body, `WWW-Authenticate: Bearer`.

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
use serde_json::{Value, json};

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap()
}

/// A signer with the server's own keys, and what is wrong with it.
fn signer(app: &App, issuer: &str, token: Token) -> TokenSigner {
    let keys = Keys::load_or_create(&app.settings.keys, &SystemEntropy, crate::harness::START).unwrap();
    TokenSigner::new(&keys, issuer, &token).unwrap()
}

on_both_engines! {
    async fn every_forged_token_is_refused_alike(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        let account = mona.account(&token).await;
        assert_eq!((account.status, account.json()["username"].as_str().unwrap()), (200, "mona"));
        let parts: Vec<&str> = token.split('.').collect();
        let (header, payload, signature) = (parts[0], parts[1], parts[2]);
        let with_header = |change: Value| {
            let mut head = decoded(header);
            for (name, value) in change.as_object().unwrap() { head[name] = value.clone(); }
            format!("{}.{payload}.{signature}", part(&head))
        };
        let mut other = decoded(payload);
        other["sub"] = json!("1");
        other["role"] = json!("admin");
        let flipped = if signature.ends_with('A') { "B" } else { "A" };
        let forged = [
            format!("{}.{payload}.", part(&json!({"alg": "none", "typ": "at+jwt"}))),
            format!("{}.{}.", part(&json!({"alg": "None"})), part(&other)),
            format!("{header}.{}.{signature}", part(&other)),
            format!("{header}.{payload}."),
            format!("{header}.{payload}"),
            format!("{header}.{payload}.{}{flipped}", &signature[..signature.len() - 1]),
            with_header(json!({"alg": "HS256"})),
            with_header(json!({"kid": "another"})),
            with_header(json!({"kid": "../../etc/passwd"})),
            with_header(json!({"jku": "http://evil.test/jwks.json"})),
            with_header(json!({"typ": "JWT"})),
            mona.held(),
            String::new(),
            "undefined".to_owned(),
            "a.b.c".to_owned(),
            "A".repeat(5000),
        ];
        let first = mona.account(&forged[0]).await;
        assert_eq!((first.status, first.header("www-authenticate")), (401, "Bearer"));
        for token in &forged {
            let answer = mona.account(token).await;
            assert_eq!((answer.status, &answer.text), (401, &first.text), "{token:.60}");
        }
        assert_eq!(mona.account(&token).await.status, 200, "the good one is served as before");
    }

    async fn a_rightly_signed_token_for_somebody_else_is_refused(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let nils = app.signed_in("nils").await;
        let claims = |token: &str| decoded(token.split('.').nth(1).unwrap());
        let monas = claims(&mona.refresh().await.token());
        let nilss = claims(&nils.refresh().await.token());
        let id = |claims: &Value| AccountId(claims["sub"].as_str().unwrap().parse().unwrap());
        let sid = monas["sid"].as_str().unwrap();
        let now = doorward::server::clock::Clock::now(app.clock.as_ref());
        let url = app.settings.server.public_url.clone();
        let right = app.settings.token.clone();
        let sign = |signer: &TokenSigner, id, at| signer.sign(id, sid, "j".into(), at).unwrap().access_token;
        let good = signer(&app, &url, right.clone());
        assert_eq!(mona.account(&sign(&good, id(&monas), now)).await.status, 200);
        let bad = [
            ("another account's session", sign(&good, id(&nilss), now)),
            ("another issuer", sign(&signer(&app, "https://evil.test", right.clone()), id(&monas), now)),
            ("another audience", sign(&signer(&app, &url, Token { audience: "https://evil.test".into(), ..right }), id(&monas), now)),
            ("long expired", sign(&good, id(&monas), now.plus(-665))),
            ("from the future", sign(&good, id(&monas), now.plus(60))),
        ];
        for (what, token) in bad {
            assert_eq!(mona.account(&token).await.status, 401, "{what}");
        }
        let gone = good.sign(id(&monas), "no-such-session", "j".into(), now).unwrap().access_token;
        assert_eq!(mona.account(&gone).await.status, 401, "no such session");
    }

    async fn an_access_token_lives_ten_minutes_and_five_seconds(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        app.clock.advance(604);
        assert_eq!(mona.account(&token).await.status, 200);
        app.clock.advance(1);
        assert_eq!(mona.account(&token).await.status, 401);
    }

    async fn access_tokens_carry_no_personal_data_and_verify_by_the_published_keys(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        let (head, claims) = (decoded(token.split('.').next().unwrap()), decoded(token.split('.').nth(1).unwrap()));
        let mut names: Vec<&String> = claims.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["aud", "exp", "iat", "iss", "jti", "sid", "sub"]);
        assert_eq!((head["alg"].as_str(), head["typ"].as_str()), (Some("EdDSA"), Some("at+jwt")));
        let answer = app.anonymous().page("/.well-known/jwks.json").await;
        assert_eq!(answer.header("content-type"), "application/jwk-set+json");
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&answer.text).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(set.find(head["kid"].as_str().unwrap()).unwrap()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
        rules.validate_exp = false;
        rules.set_audience(&[&app.base]);
        rules.set_issuer(&[&app.base]);
        let verified = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!(verified.claims["sub"], claims["sub"]);
        assert!(!answer.text.contains("\"d\""), "the private half stays here");
    }
}
