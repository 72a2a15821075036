//! The tokens of the door: their form, forgeries, revocation, rotation, and which door takes which.

use super::{DJOSER, detail, log_in, me, mona, pair, part, post, refresh, start, with};
use crate::{
    account::STALE,
    harness::{Answer, OTHER_PASSWORD, PASSWORD, START, on_both_engines},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "a shared secret of more than 32 bytes";
const HS256: &str = "compat.access_secret = 'a shared secret of more than 32 bytes'";
const HEADER: &str = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

/// The names of the claims, in the order they stand in.
fn claims(token: &str) -> Vec<String> {
    let text = part(token, 1);
    let names = text.split(['{', ',']).filter_map(|pair| pair.split_once("\":"));
    names.map(|(name, _)| name.trim_start_matches('"').to_owned()).collect()
}

fn sealed(header: &str, payload: &str, key: &[u8]) -> String {
    let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let tag = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(body.as_bytes()).finalize().into_bytes();
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn with_payload(token: &str, edit: impl Fn(&mut Value)) -> String {
    let mut payload: Value = serde_json::from_str(&part(token, 1)).unwrap();
    edit(&mut payload);
    let parts: Vec<&str> = token.split('.').collect();
    [parts[0], &URL_SAFE_NO_PAD.encode(payload.to_string()), parts[2]].join(".")
}

/// What nobody may come in with, made of a good token.
fn forgeries(token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let payload = part(token, 1);
    let none = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\",\"typ\":\"JWT\"}");
    let flipped = if parts[2].starts_with('A') { "B" } else { "A" };
    vec![
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.{flipped}{}", parts[0], parts[1], &parts[2][1..]),
        with_payload(token, |claims| claims["user_id"] = "1".into()),
        with_payload(token, |claims| claims["exp"] = (START.0 + 999_999_999).into()),
        with_payload(token, |claims| claims["token_type"] = "access".into()),
        sealed(HEADER, &payload, b"another key of at least 32 bytes!"),
        sealed("{\"alg\":\"HS512\",\"typ\":\"JWT\"}", &payload, SECRET.as_bytes()),
        sealed("{\"typ\":\"JWT\",\"alg\":\"HS256\"}", &payload, SECRET.as_bytes()),
        format!("{token}.x"),
        format!(" {token}="),
        "x".repeat(5000),
    ]
}

fn is_ended(answer: &Answer) {
    assert_eq!((answer.status, detail(answer).as_str()), (401, "Token is blacklisted"), "{}", answer.text);
}

on_both_engines! {
    async fn the_tokens_look_as_clients_of_simplejwt_expect(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (refresh_token, access) = log_in(&app, "mona@example.com").await;
        assert_eq!(part(&refresh_token, 0), HEADER);
        assert_eq!(claims(&refresh_token), ["token_type", "exp", "iat", "jti", "user_id", "sid", "cnt"]);
        let said: Value = serde_json::from_str(&part(&refresh_token, 1)).unwrap();
        assert_eq!((said["token_type"].as_str(), said["cnt"].as_i64()), (Some("refresh"), Some(1)));
        assert_eq!(said["exp"], START.0 + app.settings.session.absolute);
        let jti = said["jti"].as_str().unwrap();
        assert!(jti.len() == 32 && jti.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{jti}");
        let said: Value = serde_json::from_str(&part(&access, 1)).unwrap();
        assert_eq!(claims(&access)[0], "token_type");
        assert_eq!((said["token_type"].as_str(), &said["user_id"]), (Some("access"), &said["sub"]));
        assert_eq!(said["exp"], START.0 + app.settings.token.access_lifetime);
        assert!(part(&access, 0).contains("\"EdDSA\""));
    }

    async fn only_the_client_that_asks_for_names_gets_them(engine) {
        let app = start(engine, HS256).await;
        mona(&app).await;
        let (token, access) = pair(&post(&app, "/api/token/", &json!({"username": "mona", "password": PASSWORD})).await);
        assert_eq!(claims(&token).last().unwrap(), "username");
        assert_eq!(claims(&access), ["token_type", "exp", "iat", "jti", "user_id", "sid", "username"]);
        let again = refresh(&app, &token).await.json()["access"].as_str().unwrap().to_owned();
        assert_eq!(claims(&again).last().unwrap(), "username");
        let (token, access) = log_in(&app, "mona").await;
        assert!(!claims(&token).contains(&"username".to_owned()) && !claims(&access).contains(&"username".to_owned()));
    }

    async fn forged_refresh_tokens_are_worth_nothing(engine) {
        let app = start(engine, HS256).await;
        mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        for forged in forgeries(&token) {
            let answer = refresh(&app, &forged).await;
            // White space around a token falls away, and what is left is no token of ours.
            assert_eq!((answer.status, detail(&answer).as_str()), (401, "Token is invalid"), "{forged:.60}");
        }
        let wrong = refresh(&app, &access).await;
        assert_eq!((wrong.status, detail(&wrong).as_str()), (401, "Token has wrong type"));
        // Whoever knows the shared secret makes no refresh tokens with it.
        let forged = refresh(&app, &sealed(HEADER, &part(&token, 1), SECRET.as_bytes())).await;
        assert_eq!(forged.status, 401, "{}", forged.text);
        assert_eq!(refresh(&app, &token).await.status, 200);
    }

    async fn forged_access_tokens_are_worth_nothing(engine) {
        for settings in ["", HS256] {
            let app = start(engine, settings).await;
            mona(&app).await;
            let (_, access) = log_in(&app, "mona").await;
            let public = app.anonymous().page("/.well-known/jwks.json").await.json()["keys"][0]["x"].as_str().unwrap().to_owned();
            let mut forged = forgeries(&access);
            let key = URL_SAFE_NO_PAD.decode(&public).unwrap();
            // The public key taken for a shared secret, in both of its forms.
            forged.extend([sealed(HEADER, &part(&access, 1), &key), sealed(HEADER, &part(&access, 1), public.as_bytes())]);
            for forged in forged.iter().filter(|forged| !forged.starts_with(' ') && **forged != access) {
                let answer = me(&app, forged).await;
                assert_eq!(answer.status, 401, "{settings} {forged:.60}");
                assert!(answer.text.contains("token_not_valid"), "{}", answer.text);
            }
            assert_eq!(me(&app, &access).await.status, 200);
        }
    }

    async fn each_door_takes_the_access_tokens_that_are_meant_for_it(engine) {
        let app = start(engine, "").await;
        let mona = mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        let native = mona.refresh().await.token();
        assert_eq!(mona.account(&access).await.status, 200, "signed like all others");
        assert_eq!(with(&app, Method::GET, "/api/v1/me", &access, None).await.status, 200);
        assert_eq!(me(&app, &native).await.status, 401, "made for another door");
        assert_eq!(with(&app, Method::GET, "/api/v1/me", &token, None).await.status, 401);
        let app = app.restarted_with(&format!("{}\n{HS256}", DJOSER)).await;
        assert_eq!(me(&app, &access).await.status, 401, "there is a secret now");
        let (_, shared) = log_in(&app, "mona").await;
        assert_eq!(part(&shared, 0), HEADER);
        assert_eq!(me(&app, &shared).await.status, 200);
        assert_eq!(with(&app, Method::GET, "/api/v1/me", &shared, None).await.status, 401);
        assert_eq!(app.anonymous().account(&shared).await.status, 401);
        assert_eq!(shared, sealed(HEADER, &part(&shared, 1), SECRET.as_bytes()), "others can verify it");
    }

    async fn an_access_token_ends_in_time(engine) {
        for settings in ["", HS256] {
            let app = start(engine, settings).await;
            mona(&app).await;
            let (token, access) = log_in(&app, "mona").await;
            app.clock.advance(app.settings.token.access_lifetime + app.settings.token.leeway as i64);
            let late = me(&app, &access).await;
            assert!(late.status == 401 && late.text.contains("\"message\":\"Token is expired\""), "{}", late.text);
            assert_eq!(refresh(&app, &token).await.status, 200);
            app.clock.advance(app.settings.session.absolute);
            let late = refresh(&app, &token).await;
            assert_eq!((late.status, detail(&late).as_str()), (401, "Token is expired"));
        }
    }

    async fn a_session_in_use_stays_alive_and_one_at_rest_does_not(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (token, _) = log_in(&app, "mona").await;
        let (resting, _) = log_in(&app, "mona").await;
        for _ in 0..3 {
            app.clock.advance(app.settings.session.idle - 60);
            assert_eq!(refresh(&app, &token).await.status, 200);
        }
        let late = refresh(&app, &resting).await;
        assert_eq!((late.status, detail(&late).as_str()), (401, "Token is expired"));
    }

    async fn every_way_to_end_a_session_is_felt_at_once(engine) {
        let app = start(engine, "").await;
        let mona = mona(&app).await;
        let (token, access) = log_in(&app, "mona").await;
        assert_eq!(mona.action("change_password", &[
            ("current_password", PASSWORD), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD),
        ]).await.status, 200);
        is_ended(&refresh(&app, &token).await);
        assert!(me(&app, &access).await.text.contains("Token is blacklisted"));
        let again = post(&app, "/auth/jwt/create/", &json!({"username": "mona", "password": OTHER_PASSWORD})).await;
        let (token, access) = pair(&again);
        let sid = serde_json::from_str::<Value>(&part(&token, 1)).unwrap()["sid"].as_str().unwrap().to_owned();
        let listed = mona.page("/account/sessions").await;
        assert!(listed.text.contains(&sid), "our own pages list it");
        assert_eq!(mona.action("end_session", &[("session", &sid)]).await.status, 200);
        is_ended(&refresh(&app, &token).await);
        assert_eq!(me(&app, &access).await.status, 401);
        let again = post(&app, "/auth/jwt/create/", &json!({"username": "mona", "password": OTHER_PASSWORD})).await;
        let (token, access) = pair(&again);
        let id = doorward::domain::account::AccountId(me(&app, &access).await.json()["id"].as_i64().unwrap());
        app.auth.set_disabled(id, true).await.unwrap();
        let inactive = me(&app, &access).await;
        assert_eq!((inactive.status, inactive.text.as_str()), (401, "{\"detail\":\"User is inactive\",\"code\":\"user_inactive\"}"));
        let refused = refresh(&app, &token).await;
        let expected = "{\"detail\":\"No active account found for the given token.\",\"code\":\"no_active_account\"}";
        assert_eq!((refused.status, refused.text.as_str()), (401, expected));
    }

    async fn a_rotating_door_finds_the_thief_out(engine) {
        let app = start(engine, "compat.rotate = true").await;
        mona(&app).await;
        let (first, _) = log_in(&app, "mona").await;
        let answer = refresh(&app, &first).await;
        assert!(answer.text.starts_with("{\"access\":\""), "{}", answer.text);
        let (second, _) = pair(&answer);
        assert_ne!(first, second);
        let repeated = pair(&refresh(&app, &first).await).0;
        assert_eq!(part(&repeated, 1).contains("\"cnt\":2"), part(&second, 1).contains("\"cnt\":2"), "two tabs");
        let (third, access) = pair(&refresh(&app, &second).await);
        app.clock.advance(STALE.min(app.settings.session.reuse_window + 1));
        is_ended(&refresh(&app, &first).await);
        is_ended(&refresh(&app, &third).await);
        assert_eq!(me(&app, &access).await.status, 401);
        app.mail("mona", "").await;
        let thefts = crate::attacks::count(&app, "SELECT COUNT(*) FROM outbox WHERE kind = 'session_theft'").await;
        assert_eq!(thefts, 1);
    }

    async fn without_rotation_the_first_token_works_until_the_session_ends(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let (token, _) = log_in(&app, "mona").await;
        for _ in 0..5 {
            app.clock.advance(STALE);
            let answer = refresh(&app, &token).await;
            assert!(answer.status == 200 && answer.json().get("refresh").is_none(), "{}", answer.text);
            assert_eq!(me(&app, answer.json()["access"].as_str().unwrap()).await.status, 200);
        }
        assert_eq!(post(&app, "/auth/logout/", &json!({"refresh": token})).await.status, 200);
        is_ended(&refresh(&app, &token).await);
    }

    async fn a_kept_token_lasts_as_long_as_it_is_used(engine) {
        let app = start(engine, "").await;
        mona(&app).await;
        let answer = post(&app, "/auth/token/login/", &json!({"username": "mona", "password": PASSWORD})).await;
        let token = answer.json()["auth_token"].as_str().unwrap().to_owned();
        let ask = || async {
            let caller = app.anonymous();
            caller.send(caller.request(Method::GET, "/auth/users/me").header("authorization", format!("Token {token}"))).await
        };
        for _ in 0..2 {
            app.clock.advance(app.settings.session.remembered_idle - 60);
            assert_eq!(ask().await.status, 200);
        }
        app.clock.advance(app.settings.session.remembered_idle);
        let late = ask().await;
        assert_eq!((late.status, late.text.as_str()), (401, "{\"detail\":\"Invalid token.\"}"));
    }
}
