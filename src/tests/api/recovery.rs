//! Forgotten passwords and changed addresses, by the API.

use super::{parts_of, refused};
use crate::harness::{App, OTHER_PASSWORD, PASSWORD, code_in, link_to, on_both_engines};
use doorward::server::http::api::types::{PasswordReset, TicketProof};
use serde_json::json;

fn by_link((uid, token): (String, String)) -> PasswordReset {
    PasswordReset { uid, token: token.as_str().into(), password: OTHER_PASSWORD.into(), ..PasswordReset::default() }
}

on_both_engines! {
    async fn a_mailed_link_leads_to_a_new_password_once(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        app.client().request_password_reset("mona@example.com").await.unwrap();
        let form = by_link(parts_of(&app.reset_mail("mona").await.0));
        let weak = PasswordReset { password: "short".into(), ..form.clone() };
        assert_eq!(refused(app.client().confirm_password_reset(&weak).await).errors[0].pointer.as_deref(), Some("#/password"));
        app.client().confirm_password_reset(&form).await.unwrap();
        assert_eq!(refused(mona.refresh().await).status, 401, "every session has ended");
        assert_eq!(refused(mona.log_in("mona", PASSWORD, false).await).status, 401);
        mona.log_in("mona", OTHER_PASSWORD, false).await.unwrap();
        let (again, invented) = (form.clone(), PasswordReset { token: "x".into(), ..form });
        let (again, invented) = (refused(app.client().confirm_password_reset(&again).await), refused(app.client().confirm_password_reset(&invented).await));
        assert_eq!((again.status, &again.kind, &again.detail), (invented.status, &invented.kind, &invented.detail));
        assert_eq!(again.kind, "urn:doorward:problem:invalid_ticket");
    }

    async fn a_link_is_dead_after_half_an_hour(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        assert_eq!(app.client().request_password_reset("mona@example.com").await.unwrap().expires_in, 1800);
        let form = by_link(parts_of(&app.reset_mail("mona").await.0));
        app.clock.advance(1801);
        assert_eq!(refused(app.client().confirm_password_reset(&form).await).status, 422);
    }

    async fn a_code_works_with_the_request_token_of_who_asked(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let asked = app.client().request_password_reset("mona@example.com").await.unwrap();
        let code = app.reset_mail("mona").await.1;
        let mut form = PasswordReset { code: code.as_str().into(), password: OTHER_PASSWORD.into(), ..PasswordReset::default() };
        assert_eq!(refused(app.client().confirm_password_reset(&form).await).status, 422);
        form.request_token = asked.request_token;
        app.client().confirm_password_reset(&form).await.unwrap();
        app.client().log_in("mona", OTHER_PASSWORD, false).await.unwrap();
    }

    async fn a_browser_keeps_what_the_code_needs_in_a_cookie(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let browser = app.anonymous();
        let asked = browser.post("/password-resets", json!({ "email": "mona@example.com" })).await;
        assert_eq!((asked.status, asked.json()), (202, json!({ "expires_in": 1800 })));
        let code = app.reset_mail("mona").await.1;
        assert_eq!(browser.post("/password-resets/confirm", json!({ "code": code, "password": OTHER_PASSWORD })).await.status, 204);
        assert_eq!(browser.cookie("__Host-doorward-request"), None);
    }

    async fn known_and_unknown_addresses_are_answered_alike(engine) {
        let app = App::start(engine).await;
        app.client_of("mona").await;
        let ask = |email: &str| json!({ "email": email });
        let known = app.anonymous().post("/password-resets", ask("mona@example.com")).await;
        let unknown = app.anonymous().post("/password-resets", ask("nobody@example.com")).await;
        assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
        let names = |answer: &crate::harness::Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&known), names(&unknown));
        app.reset_mail("mona").await;
        assert!(app.mails().iter().all(|mail| !mail.to.starts_with("nobody")));
    }

    async fn an_address_is_changed_by_the_code_and_taken_back_by_the_link(engine) {
        let app = App::start(engine).await;
        let mut mona = app.client_of("mona").await;
        let code = code_in(&app.mail_with("mona", "/confirm-email").await.text);
        mona.confirm(&doorward::server::http::api::types::Confirmation { code: code.as_str().into(), ..Default::default() }).await.unwrap();
        mona.request_email_change("anna@example.org").await.unwrap();
        assert_eq!(mona.me().await.unwrap().email, "mona@example.com", "nothing has changed yet");
        let code = code_in(&app.mail_with("anna", "/confirm-email-change").await.text);
        let wrong = TicketProof { code: "0000 0000".into(), ..TicketProof::default() };
        assert_eq!(refused(mona.confirm_email_change(&wrong).await).status, 422);
        let form = TicketProof { code: code.as_str().into(), ..TicketProof::default() };
        assert_eq!(mona.confirm_email_change(&form).await.unwrap().email, "anna@example.org");

        let undo = app.mail_with("mona", "/undo-email-change").await;
        let (uid, token) = parts_of(&link_to(&undo.text, &app.base, "/undo-email-change"));
        let asked = app.client().undo_email_change(&uid, &token).await.unwrap();
        assert_eq!(refused(mona.refresh().await).status, 401);
        assert_eq!(refused(mona.log_in("mona", PASSWORD, false).await).status, 401, "the password is void");
        let form = PasswordReset {
            code: app.reset_mail("mona").await.1.as_str().into(),
            request_token: asked.request_token,
            password: OTHER_PASSWORD.into(),
            ..PasswordReset::default()
        };
        app.client().confirm_password_reset(&form).await.unwrap();
        mona.log_in("mona@example.com", OTHER_PASSWORD, false).await.unwrap();
    }

    async fn a_taken_address_gets_the_same_answer_as_a_free_one(engine) {
        let app = App::start(engine).await;
        let (mona, _) = (app.client_of("mona").await, app.client_of("otto").await);
        let free = mona.request_email_change("free@example.org").await.unwrap();
        let taken = mona.request_email_change("otto@example.com").await.unwrap();
        assert_eq!(free.expires_in, taken.expires_in);
        assert_eq!(mona.me().await.unwrap().email, "mona@example.com");
    }
}
