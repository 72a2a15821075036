//! Second factors by the API: enrolled, shown, removed; and what waits for them has no rights.

use crate::{
    account::STALE,
    factors::authenticator::Authenticator,
    harness::{
        Answer, App, Caller, PASSWORD,
        factors::{secret_of, start_by_name as start},
        on_both_engines,
    },
};
use doorward::server::{
    auth::Origin,
    http::api::types::{FactorAnswer, FactorKind},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn log_in(caller: &Caller, name: &str, transport: &str) -> Answer {
    let body = json!({ "identifier": name, "password": PASSWORD, "transport": transport });
    caller.post("/sessions", body).await
}

/// A program that is signed in: its access token and its refresh token.
async fn program(app: &App, name: &str) -> (String, String) {
    let answer = log_in(&app.anonymous(), name, "body").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (answer.token(), refresh_token(&answer))
}

fn refresh_token(answer: &Answer) -> String {
    answer.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

async fn post(app: &App, path: &str, token: &str, body: Value) -> Answer {
    app.anonymous().api(Method::POST, path, Some(token), Some(body)).await
}

/// The code that an app with this secret shows now.
fn code(app: &App, secret: &str) -> String {
    secret_of(secret).code_at(app.now())
}

/// Sets up an authenticator app: its secret and the recovery codes.
async fn with_app(app: &App, token: &str) -> (String, Vec<String>) {
    let setup = post(app, "/me/factors/totp", token, json!({})).await;
    assert_eq!(setup.status, 200, "{}", setup.text);
    let secret = setup.json()["secret"].as_str().unwrap().to_owned();
    assert!(setup.json()["url"].as_str().unwrap().contains(&secret));
    let confirmed = post(app, "/me/factors/totp/confirm", token, json!({ "code": code(app, &secret) })).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let codes = confirmed.json()["recovery_codes"].as_array().unwrap().clone();
    assert!(confirmed.json()["tokens"].is_null());
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// Makes a passkey.
async fn with_passkey(app: &App, token: &str, name: &str) -> Authenticator {
    let mut phone = Authenticator::at(&app.base);
    let begun = post(app, "/me/factors/passkeys/start", token, json!({})).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let credential = made(&mut phone, &begun);
    let body = json!({ "ceremony": begun.json()["ceremony"], "credential": credential, "name": name });
    let added = post(app, "/me/factors/passkeys", token, body).await;
    assert_eq!(added.status, 200, "{}", added.text);
    phone
}

/// Where the only passkey is.
async fn path_of(app: &App, token: &str) -> String {
    let listed = app.anonymous().get("/me/factors", token).await.json();
    format!("/me/factors/passkeys/{}", listed["passkeys"][0]["id"].as_str().expect("a passkey"))
}

fn made(phone: &mut Authenticator, begun: &Answer) -> Value {
    serde_json::from_str(&phone.make(&begun.json()["options"].to_string())).unwrap()
}

fn shown(phone: &mut Authenticator, begun: &Answer) -> Value {
    serde_json::from_str(&phone.show(&begun.json()["options"].to_string())).unwrap()
}

on_both_engines! {
    async fn a_right_password_waits_for_the_factor_and_has_no_rights(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", true).await;
        let (token, before) = program(&app, "mona").await;
        let (_, older) = program(&app, "mona").await;
        let (secret, codes) = with_app(&app, &token).await;
        app.clock.advance(30);

        let browser = app.anonymous();
        let waits = log_in(&browser, "mona", "cookie").await;
        assert_eq!((waits.status, waits.header("set-cookie")), (202, ""), "{}", waits.text);
        let says = waits.json();
        assert_eq!((says["status"].as_str(), says["expires_in"].as_i64()), (Some("factor_required"), Some(300)));
        assert_eq!(says["accepts"], json!(["totp", "recovery_code"]));
        let challenge = says["challenge"].as_str().unwrap();
        assert_eq!(app.anonymous().get("/me", challenge).await.status, 401);
        assert_eq!(app.anonymous().post("/sessions/refresh", json!({ "refresh_token": challenge })).await.status, 401);

        let wrong = browser.post("/sessions/factor", json!({ "challenge": challenge, "code": "000000" })).await;
        assert_eq!((wrong.status, wrong.pointers()), (422, vec!["#/code".to_owned()]));
        let right = json!({ "challenge": challenge, "code": code(&app, &secret) });
        let answer = browser.post("/sessions/factor", right.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.json()["refresh_token"].is_null() && browser.cookie("__Host-doorward").is_some());
        assert_eq!(browser.get("/me", &answer.token()).await.json()["username"], "mona");
        let twice = app.anonymous().post("/sessions/factor", right).await;
        assert_eq!((twice.status, twice.code().as_str()), (401, "challenge_over"));

        // The session that has enrolled goes on, and one from before asks.
        assert_eq!(app.anonymous().post("/sessions/refresh", json!({ "refresh_token": before })).await.status, 200);
        let short = app.anonymous().post("/sessions/refresh", json!({ "refresh_token": older })).await;
        assert_eq!((short.status, short.code().as_str()), (401, "factor_required"));
        let proof = json!({ "refresh_token": older, "recovery_code": codes[0] });
        let answer = app.anonymous().post("/sessions/factor", proof).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (200, ""), "{}", answer.text);
        assert_eq!(app.anonymous().get("/me/factors", &answer.token()).await.json()["recovery_codes_left"], 9);
        let next = json!({ "refresh_token": refresh_token(&answer) });
        assert_eq!(app.anonymous().post("/sessions/refresh", next).await.status, 200);
    }

    async fn a_browser_is_trusted_by_its_cookie_and_a_program_is_not(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", true).await;
        let (token, _) = program(&app, "mona").await;
        let (secret, _) = with_app(&app, &token).await;
        for (transport, trusted) in [("body", false), ("cookie", true)] {
            app.clock.advance(30);
            let caller = app.anonymous();
            let challenge = log_in(&caller, "mona", transport).await.json()["challenge"].clone();
            let shown = json!({
                "challenge": challenge, "code": code(&app, &secret), "transport": transport, "trust_browser": true,
            });
            let answer = caller.post("/sessions/factor", shown).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let listed = caller.get("/me/factors", &answer.token()).await.json();
            assert_eq!(listed["trusted_browsers"].as_array().map(Vec::len), Some(usize::from(trusted)), "{transport}");
            assert_eq!(log_in(&caller, "mona", transport).await.status, if trusted { 200 } else { 202 }, "{transport}");
        }
        assert_eq!(app.queued("browser_trusted").await, 1, "the owner is told");
    }

    async fn the_typed_client_is_told_what_the_sign_in_waits_for(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", true).await;
        let mut client = app.client();
        assert!(client.log_in("mona", PASSWORD, false).await.unwrap().is_none());
        let token = client.tokens().unwrap().access_token.expose().to_owned();
        let (_, codes) = with_app(&app, &token).await;

        let mut again = app.client();
        let waits = again.log_in("mona", PASSWORD, false).await.unwrap().expect("a sign-in that waits");
        assert_eq!(waits.accepts, [FactorKind::Totp, FactorKind::RecoveryCode]);
        assert!(again.tokens().is_none() && again.me().await.is_err());
        let (challenge, recovery_code) = (Some(waits.challenge), codes[0].as_str().into());
        again.show_factor(FactorAnswer { challenge, recovery_code, ..FactorAnswer::default() }).await.unwrap();
        assert_eq!(again.me().await.unwrap().username, "mona");
    }

    async fn one_proof_is_sent_and_not_several(engine) {
        let app = start(engine, "").await;
        for path in ["/sessions/factor", "/sessions/proof"] {
            for body in [
                json!({ "code": "123456", "recovery_code": "7K4M-Q2ZP-0XTW-9HRC" }),
                json!({ "code": "123456", "credential": {} }),
            ] {
                let answer = app.anonymous().post(path, body).await;
                assert_eq!((answer.status, answer.pointers()), (422, vec!["#".to_owned()]), "{path}: {}", answer.text);
            }
        }
        for (body, pointer) in [
            (json!({}), "#/code"),
            (json!({ "code": "1".repeat(17) }), "#/code"),
            (json!({ "recovery_code": "1".repeat(65) }), "#/recovery_code"),
            (json!({ "ceremony": "1".repeat(16_385), "credential": {} }), "#/ceremony"),
            (json!({ "code": "1", "challenge": "1".repeat(129) }), "#/challenge"),
            (json!({ "credential": "x" }), "#/credential"),
            (json!({ "trust": true }), "#/trust"),
        ] {
            let answer = app.anonymous().post("/sessions/factor", body).await;
            assert_eq!((answer.status, answer.pointers()), (422, vec![pointer.to_owned()]), "{}", answer.text);
        }
        for body in [json!({ "code": "123456" }), json!({ "code": "\u{0}", "challenge": "\u{0}" })] {
            let answer = app.anonymous().post("/sessions/factor", body).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "challenge_over"), "{}", answer.text);
        }
    }

    async fn a_passkey_signs_in_by_itself_and_as_second_factor_and_as_proof(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", true).await;
        let mut phone = with_passkey(&app, &program(&app, "mona").await.0, "Phone").await;
        let anyone = app.anonymous();
        let begun = anyone.post("/sessions/passkey/start", json!({ "autofill": true })).await;
        assert_eq!(begun.json()["options"]["mediation"], "conditional");
        let body = json!({ "ceremony": begun.json()["ceremony"], "credential": shown(&mut phone, &begun), "transport": "body" });
        let answer = anyone.post("/sessions/passkey", body.clone()).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (200, ""), "{}", answer.text);
        let again = anyone.post("/sessions/passkey", body).await;
        assert_eq!((again.status, again.pointers()), (422, vec!["#/credential".to_owned()]));

        let waits = log_in(&anyone, "mona", "body").await.json();
        assert_eq!(waits["accepts"], json!(["recovery_code", "passkey"]));
        let begun = anyone.post("/sessions/factor/passkey", json!({ "challenge": waits["challenge"] })).await;
        let body = json!({
            "challenge": waits["challenge"], "ceremony": begun.json()["ceremony"],
            "credential": shown(&mut phone, &begun), "transport": "body",
        });
        let answer = anyone.post("/sessions/factor", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);

        app.clock.advance(STALE);
        let held = anyone.post("/sessions/refresh", json!({ "refresh_token": refresh_token(&answer) })).await;
        let stale = post(&app, "/me/factors/recovery-codes", &held.token(), json!({})).await;
        assert_eq!((stale.status, stale.code().as_str()), (403, "proof_required"));
        let refused = json!({ "refresh_token": refresh_token(&held), "current_password": PASSWORD });
        assert_eq!(anyone.post("/sessions/proof", refused).await.pointers(), ["#/current_password"]);
        let begun = anyone.post("/sessions/proof/passkey", json!({ "refresh_token": refresh_token(&held) })).await;
        let body = json!({
            "refresh_token": refresh_token(&held), "ceremony": begun.json()["ceremony"],
            "credential": shown(&mut phone, &begun),
        });
        let fresh = anyone.post("/sessions/proof", body).await;
        assert_eq!(fresh.status, 200, "{}", fresh.text);
        let codes = post(&app, "/me/factors/recovery-codes", &fresh.token(), json!({})).await;
        assert_eq!(codes.json()["recovery_codes"].as_array().map(Vec::len), Some(10), "{}", codes.text);
    }

    async fn factors_are_listed_named_and_removed(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", true).await;
        let (token, _) = program(&app, "mona").await;
        let nothing = app.anonymous().get("/me/factors", &token).await.json();
        assert_eq!(nothing, json!({
            "totp": null, "passkeys": [], "recovery_codes_left": 0, "trusted_browsers": [], "has_password": true, "required": false,
        }));
        assert_eq!(post(&app, "/me/factors/recovery-codes", &token, json!({})).await.status, 404, "there is nothing to stand in for");
        with_app(&app, &token).await;
        with_passkey(&app, &token, "Phone").await;
        let path = path_of(&app, &token).await;
        let anyone = app.anonymous();
        let named = anyone.api(Method::PATCH, &path, Some(&token), Some(json!({ "name": "Mona's phone" }))).await;
        assert_eq!((named.status, named.text.as_str()), (204, ""));
        let listed = anyone.get("/me/factors", &token).await.json();
        assert_eq!((listed["passkeys"][0]["name"].as_str(), listed["recovery_codes_left"].as_i64()), (Some("Mona's phone"), Some(10)));
        assert_eq!(listed["totp"]["confirmed_at"], "2026-11-20T16:00:00Z");
        for gone in ["/me/factors/passkeys/none", "/me/factors/passkeys/%00", "/me/factors/passkeys/%ff", "/me/factors/trusted-browsers/none", "/me/factors/trusted-browsers/%00", "/sessions/%00"] {
            assert_eq!(anyone.api(Method::DELETE, gone, Some(&token), None).await.status, 404, "{gone}");
        }
        let named = anyone.api(Method::PATCH, "/me/factors/passkeys/%00", Some(&token), Some(json!({ "name": "x" }))).await;
        assert_eq!(named.status, 404);
        for (gone, status) in [(path.as_str(), 204), (&path, 404), ("/me/factors/totp", 204), ("/me/factors/totp", 404)] {
            let answer = anyone.api(Method::DELETE, gone, Some(&token), None).await;
            assert_eq!(answer.status, status, "{gone}: {}", answer.text);
        }
        assert_eq!(anyone.get("/me/factors", &token).await.json()["recovery_codes_left"], 0, "they went with the last factor");
        assert_eq!(log_in(&anyone, "mona", "body").await.status, 200);
    }

    async fn the_last_way_in_stays(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", true).await;
        let (token, _) = program(&app, "mona").await;
        with_passkey(&app, &token, "Phone").await;
        let principal = app.auth.authenticate(&token).await.unwrap();
        app.auth.remove_password(&principal, &PASSWORD.into(), &Origin::default()).await.unwrap();
        let path = path_of(&app, &token).await;
        let answer = app.anonymous().api(Method::DELETE, &path, Some(&token), None).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "last_way_in"));
    }

    async fn without_a_confirmed_address_nothing_is_enrolled(engine) {
        let app = start(engine, "").await;
        app.add_account("mona", false).await;
        let (token, _) = program(&app, "mona").await;
        for path in ["/me/factors/totp", "/me/factors/passkeys/start"] {
            let answer = post(&app, path, &token, json!({})).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "unconfirmed_email"), "{path}");
        }
    }

    async fn where_a_factor_is_demanded_it_is_enrolled_before_anybody_is_signed_in(engine) {
        let app = start(engine, "factors.required = 'everyone'").await;
        for name in ["mona", "otto", "lena"] {
            app.add_account(name, name != "lena").await;
        }
        let anyone = app.anonymous();
        let waits = log_in(&anyone, "mona", "body").await;
        assert_eq!(waits.status, 202, "{}", waits.text);
        let says = waits.json();
        assert_eq!((says["status"].as_str(), &says["accepts"]), (Some("enrolment_required"), &json!(["totp", "passkey"])));
        let challenge = &says["challenge"];
        let early = anyone.post("/sessions/factor", json!({ "challenge": challenge, "code": "123456" })).await;
        assert_eq!((early.status, early.code().as_str()), (403, "enrolment_required"));
        let setup = anyone.post("/sessions/enrolment/totp", json!({ "challenge": challenge })).await;
        let first = code(&app, setup.json()["secret"].as_str().unwrap());
        let body = json!({ "challenge": challenge, "code": first, "transport": "body" });
        let enrolled = anyone.post("/sessions/enrolment/totp/confirm", body.clone()).await;
        assert_eq!((enrolled.status, enrolled.header("set-cookie")), (200, ""), "{}", enrolled.text);
        let says = enrolled.json();
        assert_eq!(says["recovery_codes"].as_array().map(Vec::len), Some(10));
        let token = says["tokens"]["access_token"].as_str().unwrap();
        assert_eq!(anyone.get("/me/factors", token).await.json()["required"], true);
        let last = anyone.api(Method::DELETE, "/me/factors/totp", Some(token), None).await;
        assert_eq!((last.status, last.code().as_str()), (409, "last_way_in"));
        let again = anyone.post("/sessions/enrolment/totp/confirm", body).await;
        assert_eq!((again.status, again.code().as_str()), (401, "challenge_over"));

        // By a passkey, in a browser.
        let browser = app.anonymous();
        let challenge = log_in(&browser, "otto", "cookie").await.json()["challenge"].clone();
        let begun = browser.post("/sessions/enrolment/passkeys/start", json!({ "challenge": challenge })).await;
        let credential = made(&mut Authenticator::at(&app.base), &begun);
        let body = json!({ "challenge": challenge, "ceremony": begun.json()["ceremony"], "credential": credential, "name": "Phone" });
        let enrolled = browser.post("/sessions/enrolment/passkeys", body).await;
        assert_eq!(enrolled.status, 200, "{}", enrolled.text);
        assert!(enrolled.json()["tokens"]["refresh_token"].is_null() && browser.cookie("__Host-doorward").is_some());

        // Whose address is not confirmed can have the mail again.
        let challenge = log_in(&anyone, "lena", "body").await.json()["challenge"].clone();
        let refused = anyone.post("/sessions/enrolment/totp", json!({ "challenge": challenge })).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "unconfirmed_email"));
        let sent = anyone.post("/sessions/enrolment/resend-confirmation", json!({ "challenge": challenge })).await;
        assert_eq!(sent.status, 202, "{}", sent.text);
        app.mail_with("lena", "/confirm-email").await;
        for path in ["totp", "totp/confirm", "passkeys/start", "passkeys", "resend-confirmation"] {
            let answer = anyone.post(&format!("/sessions/enrolment/{path}"), json!({ "challenge": "none" })).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "challenge_over"), "{path}: {}", answer.text);
        }
    }

    async fn at_an_address_without_a_name_there_are_no_passkeys(engine) {
        let app = App::start(engine).await;
        app.add_account("mona", true).await;
        let (token, _) = program(&app, "mona").await;
        assert_eq!(app.anonymous().post("/sessions/passkey/start", json!({})).await.status, 404);
        assert_eq!(post(&app, "/me/factors/passkeys/start", &token, json!({})).await.status, 404);
    }
}
