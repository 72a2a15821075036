//! Sessions by the API: both ways in which a refresh token travels, and all that `tokens.md` promises of them.

use super::refused;
use crate::{
    client::Client,
    harness::{App, Caller, OTHER_PASSWORD, PASSWORD, on_both_engines},
};
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

fn held(client: &Client) -> String {
    client.tokens().unwrap().refresh_token.clone().unwrap().expose().to_owned()
}

fn access(client: &Client) -> String {
    client.tokens().unwrap().access_token.expose().to_owned()
}

/// A browser that signs in by the API.
async fn browser_of(app: &App, name: &str) -> (Caller, String) {
    let browser = app.anonymous();
    let answer = browser.post("/sessions", json!({ "identifier": name, "password": PASSWORD })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let token = answer.token();
    (browser, token)
}

on_both_engines! {
    async fn a_browser_gets_the_refresh_token_in_the_cookie_and_a_program_in_the_body(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let sign_in = |transport: &str| json!({ "identifier": "mona@example.com", "password": PASSWORD, "transport": transport });
        let (browser, program) = (app.anonymous(), app.anonymous());
        let cookie = browser.post("/sessions", sign_in("cookie")).await;
        let body = program.post("/sessions", sign_in("body")).await;
        assert!(cookie.header("set-cookie").contains("HttpOnly") && cookie.json()["refresh_token"].is_null());
        assert_eq!((body.header("set-cookie"), body.json()["refresh_token"].is_string()), ("", true));
        for answer in [&cookie, &body] {
            let json = answer.json();
            assert_eq!((json["token_type"].as_str(), json["expires_in"].as_i64()), (Some("Bearer"), Some(600)));
            assert_eq!(json["expires_at"], "2026-11-20T16:10:00Z");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let next = browser.post("/sessions/refresh", json!({})).await;
        assert!(next.json()["refresh_token"].is_null() && next.header("set-cookie").starts_with("__Host-doorward="));
        let sent = json!({ "refresh_token": body.json()["refresh_token"] });
        let next = program.post("/sessions/refresh", sent).await;
        assert!(next.json()["refresh_token"].is_string() && next.header("set-cookie").is_empty());
    }

    async fn a_token_in_the_body_wins_over_the_cookie_and_leaves_it_alone(engine) {
        let app = App::start(engine).await;
        let program = app.client_of("mona").await;
        let (browser, _) = browser_of(&app, "mona").await;
        let before = browser.held();
        let answer = browser.post("/sessions/refresh", json!({ "refresh_token": held(&program) })).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (200, ""));
        assert_eq!(browser.held(), before);
        let refused = browser.post("/sessions/refresh", json!({ "refresh_token": "x" })).await;
        assert_eq!((refused.status, refused.header("set-cookie")), (401, ""), "the cookie's session is not the one that failed");
        assert_eq!(browser.post("/sessions/refresh", json!({})).await.status, 200);
    }

    async fn three_refreshes_in_a_row_give_three_different_tokens_either_way(engine) {
        let app = App::start(engine).await;
        let mut program = app.client_of("mona").await;
        let (browser, _) = browser_of(&app, "mona").await;
        let mut seen = vec![held(&program), browser.held()];
        for _ in 0..3 {
            program.refresh().await.unwrap();
            // An empty body is as good as an empty object.
            assert_eq!(browser.api(Method::POST, "/sessions/refresh", None, None).await.status, 403, "a bare POST with a cookie is refused");
            assert_eq!(browser.post("/sessions/refresh", json!({})).await.status, 200);
            for token in [held(&program), browser.held()] {
                assert!(!seen.contains(&token));
                seen.push(token);
            }
        }
    }

    async fn a_token_two_rotations_old_in_a_body_ends_the_session_and_tells_the_owner(engine) {
        let app = App::start(engine).await;
        let mut program = app.client_of("mona").await;
        let mut thief = program.clone();
        program.refresh().await.unwrap();
        program.refresh().await.unwrap();
        assert_eq!(refused(thief.refresh().await).code, doorward::domain::problem::Code::NotSignedIn);
        assert!(thief.tokens().is_none());
        assert_eq!(refused(program.refresh().await).status, 401, "the newest token is dead too");
        assert_eq!(app.mail("mona", "ended").await.to, "mona@example.com");
    }

    async fn a_lost_answer_signs_no_program_out(engine) {
        let app = App::start(engine).await;
        let mut program = app.client_of("mona").await;
        for wait in [0, 61, 86_000] {
            let mut again = program.clone();
            program.refresh().await.unwrap();
            app.clock.advance(wait);
            again.refresh().await.unwrap();
            program = again;
        }
    }

    async fn thirty_refreshes_of_a_program_at_once_are_one_rotation(engine) {
        let app = App::start(engine).await;
        let program = app.client_of("mona").await;
        let mut all: Vec<Client> = (0..30).map(|_| program.clone()).collect();
        join_all(all.iter_mut().map(|one| async { one.refresh().await.unwrap() })).await;
        assert!(all.iter().all(|one| held(one) == held(&all[0])));
    }

    async fn signing_out_ends_the_session_at_once(engine) {
        let app = App::start(engine).await;
        let mut program = app.client_of("mona").await;
        let (token, refresh) = (access(&program), held(&program));
        program.log_out().await.unwrap();
        let anyone = app.anonymous();
        assert_eq!(anyone.get("/me", &token).await.status, 401);
        assert_eq!(anyone.post("/sessions/refresh", json!({ "refresh_token": refresh })).await.status, 401);
        assert_eq!(anyone.post("/sessions/log-out", json!({ "refresh_token": refresh })).await.status, 204, "twice is no error");

        let (browser, token) = browser_of(&app, "mona").await;
        let thief = browser.twin();
        let out = browser.post("/sessions/log-out", json!({})).await;
        let cleared = out.header("set-cookie");
        assert_eq!((out.status, out.text.as_str()), (204, ""));
        assert!(cleared.starts_with("__Host-doorward=;") && cleared.contains("Max-Age=0"), "{cleared}");
        assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
        assert_eq!(thief.post("/sessions/refresh", json!({})).await.status, 401);
        assert_eq!(thief.get("/me", &token).await.status, 401);
    }

    async fn an_ended_session_takes_its_cookie_along(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let (browser, token) = browser_of(&app, "mona").await;
        assert_eq!(browser.api(Method::DELETE, "/sessions/current", Some(&token), None).await.status, 204);
        assert_eq!(browser.cookie("__Host-doorward"), None);
        assert_eq!(browser.get("/me", &token).await.status, 401);
    }

    async fn signing_in_again_in_a_browser_replaces_its_session(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let (browser, first) = browser_of(&app, "mona").await;
        assert_eq!(browser.post("/sessions", json!({ "identifier": "mona", "password": PASSWORD })).await.status, 200);
        assert_eq!(browser.get("/me", &first).await.status, 401);
        let keep = browser.refresh().await.token();
        let body = json!({ "identifier": "mona", "password": PASSWORD, "transport": "body" });
        assert_eq!(browser.post("/sessions", body).await.status, 200);
        assert_eq!(browser.get("/me", &keep).await.status, 200, "a token in the body has nothing to do with the cookie");
    }

    async fn wrong_names_and_wrong_passwords_read_alike(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let id = app.client_of("otto").await.me().await.unwrap().id;
        app.auth.set_disabled(doorward::domain::account::AccountId(id), true).await.unwrap();
        let mut seen = Vec::new();
        for (name, password) in [("mona", OTHER_PASSWORD), ("nobody", PASSWORD), ("otto", PASSWORD), ("otto", "x"), ("a@b@c", "x")] {
            let caller = app.anonymous();
            let request = caller.request(Method::POST, "/api/v1/sessions").header("x-request-id", "same");
            let answer = caller.send(request.json(&json!({ "identifier": name, "password": password }))).await;
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            seen.push((answer.text.clone(), names));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    }

    async fn sessions_are_listed_a_page_at_a_time_and_ended_one_by_one(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let mut others = Vec::new();
        for _ in 0..4 {
            app.clock.advance(1);
            let mut other = app.client();
            other.log_in("mona", PASSWORD, false).await.unwrap();
            others.push(other);
        }
        let (mut cursor, mut ids) = (None, Vec::new());
        loop {
            let page = mona.sessions(cursor.as_deref(), 2).await.unwrap();
            assert!(page.items.len() <= 2);
            ids.extend(page.items.iter().map(|session| (session.id.clone(), session.current)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((ids.len(), ids.iter().filter(|(_, current)| *current).count()), (5, 1));
        assert!(ids.last().unwrap().1, "the oldest is mona's own");
        let newest = &ids[0].0;
        mona.end_session(newest).await.unwrap();
        assert_eq!(refused(others[3].me().await).status, 401);
        assert_eq!(refused(mona.end_session(newest).await).status, 404);
        mona.end_other_sessions().await.unwrap();
        for other in &mut others {
            assert_eq!(refused(other.me().await).status, 401);
            assert_eq!(refused(other.refresh().await).status, 401);
        }
        assert_eq!(mona.sessions(None, 100).await.unwrap().items.len(), 1);
    }

    async fn nobody_sees_or_ends_the_session_of_another(engine) {
        let app = App::start(engine).await;
        let (mona, otto) = (app.client_of("mona").await, app.client_of("otto").await);
        let monas = mona.sessions(None, 100).await.unwrap().items[0].id.clone();
        assert!(otto.sessions(None, 100).await.unwrap().items.iter().all(|session| session.id != monas));
        assert_eq!(refused(otto.end_session(&monas).await).status, 404);
        assert_eq!(mona.me().await.unwrap().username, "mona");
    }

    async fn what_is_sensitive_wants_a_fresh_proof(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        app.clock.advance(601);
        mona.refresh().await.unwrap();
        for answer in [mona.end_other_sessions().await, mona.end_session("x").await, mona.change_username("anna").await.map(drop), mona.export().await.map(drop), mona.request_email_change("x@example.org").await.map(drop), mona.clone().leave().await.map(drop)] {
            let problem = refused(answer);
            assert_eq!((problem.status, problem.kind.as_str()), (403, "urn:doorward:problem:proof_required"));
        }
        let problem = refused(mona.prove(OTHER_PASSWORD).await);
        assert_eq!((problem.status, problem.errors[0].pointer.as_deref()), (422, Some("#/current_password")));
        let mut older = mona.clone();
        mona.prove(PASSWORD).await.unwrap();
        mona.end_other_sessions().await.unwrap();
        assert_eq!(mona.change_username("anna").await.unwrap().username, "anna");
        assert_eq!(refused(older.refresh().await).status, 401, "no older token is taken");
        mona.refresh().await.unwrap();
    }

    async fn a_changed_password_ends_the_others_and_this_one_goes_on(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        let mut other = app.client();
        other.log_in("mona", PASSWORD, true).await.unwrap();
        let problem = refused(mona.change_password(OTHER_PASSWORD, OTHER_PASSWORD).await);
        assert_eq!(problem.errors[0].pointer.as_deref(), Some("#/current_password"));
        let problem = refused(mona.change_password(PASSWORD, "short").await);
        assert_eq!(problem.errors[0].pointer.as_deref(), Some("#/password"));
        mona.change_password(PASSWORD, OTHER_PASSWORD).await.unwrap();
        assert_eq!(mona.me().await.unwrap().username, "mona");
        mona.refresh().await.unwrap();
        assert_eq!(refused(other.refresh().await).status, 401);
        assert_eq!(refused(other.log_in("mona", PASSWORD, false).await).status, 401);
        other.log_in("mona", OTHER_PASSWORD, false).await.unwrap();
    }

    async fn foreign_use_that_is_reported_ends_every_session(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        let mut other = app.client();
        other.log_in("mona", PASSWORD, false).await.unwrap();
        let asked = mona.report_not_me().await.unwrap();
        assert!(asked.request_token.is_some());
        assert_eq!(refused(other.refresh().await).status, 401);
        assert!(app.reset_mail("mona").await.0.starts_with("/reset-confirmation?"));
    }

    async fn sessions_survive_a_restart(engine) {
        let app = App::start(engine).await;
        let refresh = held(&app.client_of("mona").await);
        let app = app.restarted().await;
        let answer = app.anonymous().post("/sessions/refresh", json!({ "refresh_token": refresh })).await;
        assert_eq!(app.anonymous().get("/me", &answer.token()).await.json()["username"], "mona");
    }
}
