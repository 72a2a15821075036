//! What other services ask about tokens, and what they read to verify them by themselves.

use super::refused;
use crate::harness::{App, on_both_engines};
use doorward::server::http::api::types::Introspection;
use reqwest::Method;
use serde_json::json;

const SECRET: &str = "a secret that other services share";

on_both_engines! {
    async fn a_good_token_is_active_until_its_session_ends(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        let service = app.client();
        let token = mona.tokens().unwrap().access_token.expose().to_owned();
        let refresh = mona.tokens().unwrap().refresh_token.clone().unwrap();
        let known = service.introspect(&token, None).await.unwrap();
        let account = mona.me().await.unwrap();
        assert!(known.active);
        assert_eq!((known.sub, known.username), (Some(account.id.to_string()), Some("mona".to_owned())));
        assert_eq!((known.iss.as_deref(), known.aud.as_deref()), (Some(app.base.as_str()), Some(app.base.as_str())));
        assert_eq!(known.exp.unwrap() - known.iat.unwrap(), 600);
        for other in [refresh.expose(), "x", &token[1..], &format!("{token}x")] {
            assert_eq!(service.introspect(other, None).await.unwrap(), Introspection::inactive());
        }
        mona.log_out().await.unwrap();
        let answer = app.anonymous().post("/tokens/introspect", json!({ "token": token })).await;
        assert_eq!(answer.json(), json!({ "active": false }), "nothing else is said of it");
    }

    async fn the_token_of_an_account_on_its_way_out_is_not_active(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        mona.leave().await.unwrap();
        mona.log_in("mona", crate::harness::PASSWORD, false).await.unwrap();
        let token = mona.tokens().unwrap().access_token.expose().to_owned();
        assert!(!app.client().introspect(&token, None).await.unwrap().active);
        mona.restore().await.unwrap();
        assert!(app.client().introspect(&token, None).await.unwrap().active);
    }

    async fn an_expired_token_is_not_active(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let token = mona.tokens().unwrap().access_token.expose().to_owned();
        app.clock.advance(605);
        assert!(!app.client().introspect(&token, None).await.unwrap().active);
    }

    async fn the_question_may_be_a_form_as_in_the_standard(engine) {
        let app = App::start(engine).await;
        let mona = app.client_of("mona").await;
        let token = mona.tokens().unwrap().access_token.expose();
        let service = app.anonymous();
        let form = [("token", token), ("token_type_hint", "access_token")];
        let answer = service.send(service.request(Method::POST, "/api/v1/tokens/introspect").form(&form)).await;
        assert_eq!((answer.status, answer.json()["active"].as_bool()), (200, Some(true)));
        let answer = service.send(service.request(Method::POST, "/api/v1/tokens/introspect").form(&[("x", "y")])).await;
        assert_eq!((answer.status, answer.pointers()), (422, vec!["#/token".to_owned()]));
        assert_eq!(service.post("/tokens/introspect", json!({})).await.pointers(), ["#/token"]);
    }

    async fn where_a_secret_is_set_only_who_shows_it_may_ask(engine) {
        let app = App::start_with(engine, &format!("introspection.secret = '{SECRET}'")).await;
        let mona = app.client_of("mona").await;
        let token = mona.tokens().unwrap().access_token.expose().to_owned();
        for wrong in [None, Some("another secret that is just as long"), Some(token.as_str()), Some("")] {
            let problem = refused(app.client().introspect(&token, wrong).await);
            assert_eq!(problem.status, 401);
        }
        assert!(app.client().introspect(&token, Some(SECRET)).await.unwrap().active);
        let service = app.anonymous();
        let request = service.request(Method::POST, "/api/v1/tokens/introspect").basic_auth("service", Some(SECRET));
        assert_eq!(service.send(request.form(&[("token", &token)])).await.json()["active"], true);
    }

    async fn the_metadata_leads_to_the_keys(engine) {
        let app = App::start(engine).await;
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
            let answer = app.anonymous().page(path).await;
            let says = answer.json();
            assert_eq!((answer.status, says["issuer"].as_str()), (200, Some(app.base.as_str())));
            assert_eq!(answer.header("cache-control"), "public, max-age=300");
            let keys = says["jwks_uri"].as_str().unwrap().strip_prefix(&app.base).unwrap().to_owned();
            let keys = app.anonymous().page(&keys).await.json();
            assert_eq!(keys["keys"][0]["alg"], "EdDSA");
            assert_eq!(says["introspection_endpoint"], format!("{}/api/v1/tokens/introspect", app.base));
        }
    }
}
