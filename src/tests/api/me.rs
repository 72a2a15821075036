//! One's own account by the API.

use super::refused;
use crate::harness::{App, PASSWORD, on_both_engines};
use doorward::server::http::api::types::ProfileChange;
use reqwest::Method;
use serde_json::json;

on_both_engines! {
    async fn what_is_left_out_of_a_change_stays(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let form = ProfileChange { first_name: Some("Mona".into()), time_zone: Some("Europe/Berlin".into()), ..Default::default() };
        mona.change_profile(&form).await.unwrap();
        let form = ProfileChange { last_name: Some("Vale".into()), ..Default::default() };
        let changed = mona.change_profile(&form).await.unwrap();
        assert_eq!((changed.first_name.as_str(), changed.last_name.as_str(), changed.time_zone.as_str()), ("Mona", "Vale", "Europe/Berlin"));
        let form = ProfileChange { first_name: Some(String::new()), time_zone: Some("Mars/Base".into()), ..Default::default() };
        let problem = refused(mona.change_profile(&form).await);
        assert_eq!((problem.status, problem.errors[0].pointer.as_deref()), (422, Some("#/time_zone")));
        assert_eq!(mona.me().await.unwrap(), changed);
    }

    async fn nothing_but_the_profile_can_be_changed_by_a_patch(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let before = mona.me().await.unwrap();
        let token = mona.tokens().unwrap().access_token.expose();
        for extra in ["is_admin", "role", "id", "email", "email_verified_at", "username", "created_at", "delete_at"] {
            let answer = app.anonymous().api(Method::PATCH, "/me", Some(token), Some(json!({ "first_name": "X", extra: "1" }))).await;
            assert_eq!((answer.status, answer.pointers()), (422, vec![format!("#/{extra}")]));
        }
        assert_eq!(mona.me().await.unwrap(), before);
    }

    async fn a_user_name_is_changed_and_the_old_one_is_kept(engine) {
        let app = App::start(engine).await;
        let (mona, otto) = (app.client_of("mona").await, app.client_of("otto").await);
        assert_eq!(mona.change_username("Mona.Vale").await.unwrap().username, "Mona.Vale");
        for taken in ["mona", "mona.vale", "x", "a@b"] {
            let problem = refused(otto.change_username(taken).await);
            assert_eq!((problem.status, problem.errors[0].pointer.as_deref()), (422, Some("#/username")), "{taken}");
        }
    }

    async fn the_history_is_read_a_page_at_a_time(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        for _ in 0..5 {
            mona.change_profile(&ProfileChange { first_name: Some("M".into()), ..Default::default() }).await.unwrap();
        }
        let (mut cursor, mut events) = (None, Vec::new());
        loop {
            let page = mona.history(cursor.as_deref(), 3).await.unwrap();
            assert!((1..=3).contains(&page.items.len()));
            events.extend(page.items.into_iter().map(|entry| entry.event));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(events.len(), 7);
        assert!(events[..5].iter().all(|event| event == "profile_changed"));
        assert_eq!(events[6], "registered");
    }

    async fn ones_data_can_be_taken_along_and_holds_no_secret(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let data = mona.export().await.unwrap();
        assert_eq!((data["account"]["username"].as_str(), data["sessions"].as_array().unwrap().len()), (Some("mona"), 1));
        assert!(!data.to_string().contains("argon2"));
    }

    async fn changes_and_downloads_have_a_pace(engine) {
        let app = App::start_with(engine, "throttle.profile = '3/10m'").await;
        let mona = app.client_of("mona").await;
        mona.export().await.unwrap();
        for _ in 0..2 {
            mona.change_profile(&ProfileChange::default()).await.unwrap();
        }
        assert_eq!(refused(mona.export().await).status, 429);
        let problem = refused(mona.change_profile(&ProfileChange::default()).await);
        assert_eq!((problem.status, problem.retry_after), (429, Some(200)));
    }

    async fn who_leaves_can_stay_and_can_do_nothing_else_until_then(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        let left = mona.leave().await.unwrap();
        assert_eq!(left.delete_at, "2026-12-04T16:00:00Z");
        mona.log_in("mona", PASSWORD, false).await.unwrap();
        assert_eq!(mona.me().await.unwrap().delete_at.as_deref(), Some("2026-12-04T16:00:00Z"));
        for answer in [mona.sessions(None, 9).await.map(drop), mona.change_profile(&ProfileChange::default()).await.map(drop), mona.end_session("x").await] {
            assert_eq!(refused(answer).kind, "urn:doorward:problem:leaving_account");
        }
        assert_eq!(mona.restore().await.unwrap().delete_at, None);
        mona.refresh().await.unwrap();
        assert_eq!(mona.sessions(None, 9).await.unwrap().items.len(), 1);
    }

    async fn without_a_token_nothing_of_this_answers(engine) {
        let app = App::start(engine).await;
        let (anyone, browser) = (app.anonymous(), app.signed_in("mona").await);
        for (method, path) in [
            (Method::GET, "/me"), (Method::PATCH, "/me"), (Method::DELETE, "/me"), (Method::PUT, "/me/username"),
            (Method::GET, "/me/history"), (Method::GET, "/me/export"), (Method::POST, "/me/restore"), (Method::POST, "/me/not-me"),
            (Method::POST, "/me/email-change"), (Method::POST, "/me/email-change/confirm"), (Method::POST, "/me/confirmation"),
            (Method::GET, "/sessions"), (Method::DELETE, "/sessions"), (Method::DELETE, "/sessions/current"),
        ] {
            let answer = anyone.api(method.clone(), path, None, None).await;
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{method} {path}");
            let answer = browser.api(method.clone(), path, None, Some(json!({}))).await;
            assert_eq!(answer.status, 401, "a cookie is no token: {method} {path}");
        }
        assert_eq!(browser.refresh().await.status, 200);
    }
}
