//! Making an account by the API, and confirming its address.

use super::{parts_of, refused};
use crate::harness::{App, OTHER_PASSWORD, PASSWORD, code_in, link_to, on_both_engines};
use doorward::server::http::api::types::{Confirmation, Next, Registration, TakeOver};
use serde_json::json;

const REQUIRED: &str = "registration.confirmation = 'required'";

fn form(name: &str) -> Registration {
    Registration {
        email: format!("{name}@example.com"),
        username: name.to_owned(),
        password: PASSWORD.into(),
        first_name: "Mona".to_owned(),
        ..Registration::default()
    }
}

on_both_engines! {
    async fn a_program_makes_an_account_and_is_signed_in(engine) {
        let app = App::start(engine).await;
        let mut client = app.client();
        let registered = client.register(form("mona")).await.unwrap();
        assert_eq!(registered.next, Next::SignedIn);
        let account = registered.account.unwrap();
        assert_eq!((account.username.as_str(), account.first_name.as_str()), ("mona", "Mona"));
        assert_eq!(client.me().await.unwrap(), account);
        assert!(account.email_verified_at.is_none());
        let problem = refused(app.client().register(form("mona")).await);
        assert_eq!((problem.status, problem.errors[0].pointer.as_deref()), (422, Some("#/email")));
        assert_eq!(problem.errors[1].pointer.as_deref(), Some("#/username"));
    }

    async fn an_account_made_in_a_browser_gets_its_token_in_the_cookie_alone(engine) {
        let app = App::start(engine).await;
        let browser = app.anonymous();
        let body = json!({ "email": "mona@example.com", "username": "mona", "password": PASSWORD });
        let made = browser.post("/accounts", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert!(made.json()["tokens"]["refresh_token"].is_null());
        assert!(!made.text.contains(&browser.held()));
        assert_eq!(browser.post("/sessions/refresh", json!({})).await.status, 200);
    }

    async fn what_a_form_does_not_have_cannot_be_set(engine) {
        let app = App::start(engine).await;
        for extra in ["is_admin", "role", "email_verified_at", "id", "website", "delete_at"] {
            let body = json!({ "email": "mona@example.com", "username": "mona", "password": PASSWORD, extra: 1 });
            let answer = app.anonymous().post("/accounts", body).await;
            assert_eq!((answer.status, answer.pointers()), (422, vec![format!("#/{extra}")]));
        }
        assert_eq!(app.client_of("mona").await.me().await.unwrap().delete_at, None, "nothing was made by those");
    }

    async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_repeated(engine) {
        let app = App::start(engine).await;
        let body = json!({ "email": "nobody", "username": "x", "password": "hunter2", "first_name": "a\u{0}b" });
        let answer = app.anonymous().post("/accounts", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_input"));
        assert_eq!(answer.pointers(), ["#/email", "#/username", "#/password", "#/first_name"]);
        assert!(!answer.text.contains("hunter2") && !answer.text.contains("nobody"));
        assert_eq!(app.anonymous().post("/accounts", json!({})).await.pointers(), ["#/email", "#/username", "#/password"]);
    }

    async fn where_addresses_are_confirmed_first_the_answer_does_not_tell_who_has_an_account(engine) {
        let app = App::start_with(engine, REQUIRED).await;
        let body = |name: &str| json!({ "email": "mona@example.com", "username": name, "password": PASSWORD });
        let (first, second) = (app.anonymous(), app.anonymous());
        let (made, taken) = (first.post("/accounts", body("mona")).await, second.post("/accounts", body("otto")).await);
        assert_eq!((made.status, taken.status), (202, 202));
        assert_eq!(made.text, taken.text);
        assert_eq!(made.json(), json!({ "next": "confirm_email" }));
        let sign_in = json!({ "identifier": "mona", "password": PASSWORD });
        assert_eq!(app.anonymous().post("/sessions", sign_in.clone()).await.status, 401);

        let code = code_in(&app.mail_with("mona", "/confirm-email").await.text);
        let wrong = app.anonymous().post("/confirmations", json!({ "code": code })).await;
        assert_eq!((wrong.status, wrong.code().as_str()), (422, "invalid_ticket"), "the code is of the client that registered");
        assert_eq!(first.post("/confirmations", json!({ "code": code })).await.status, 204);
        assert_eq!(app.anonymous().post("/sessions", sign_in).await.status, 200);
    }

    async fn a_program_confirms_with_the_code_and_its_request_token(engine) {
        let app = App::start_with(engine, REQUIRED).await;
        let mut client = app.client();
        let registered = client.register(form("mona")).await.unwrap();
        assert_eq!((registered.next, registered.tokens.is_none()), (Next::ConfirmEmail, true));
        let code = code_in(&app.mail_with("mona", "/confirm-email").await.text);
        let mut sent = Confirmation { code: code.as_str().into(), ..Confirmation::default() };
        assert_eq!(refused(client.confirm(&sent).await).status, 422);
        sent.request_token = registered.request_token;
        client.confirm(&sent).await.unwrap();
        client.log_in("mona", PASSWORD, false).await.unwrap();
        assert!(client.me().await.unwrap().email_verified_at.is_some());
    }

    async fn a_foreign_link_needs_the_password_or_makes_it_a_new_one(engine) {
        let app = App::start(engine).await;
        let mut stranger = app.client_of("mona").await;
        let link = link_to(&app.mail_with("mona", "/confirm-email").await.text, &app.base, "/confirm-email");
        let (uid, token) = parts_of(&link);
        let owner = app.client();
        let bare = Confirmation { uid: uid.clone(), token: token.as_str().into(), ..Confirmation::default() };
        let problem = refused(owner.confirm(&bare).await);
        assert_eq!((problem.status, problem.errors[0].pointer.as_deref()), (422, Some("#/password")));
        let form = TakeOver { uid, token: token.as_str().into(), password: OTHER_PASSWORD.into() };
        owner.take_over(&form).await.unwrap();
        assert_eq!(refused(stranger.me().await).status, 401, "the stranger's session has ended");
        assert_eq!(refused(stranger.log_in("mona", PASSWORD, false).await).status, 401);
        stranger.log_in("mona", OTHER_PASSWORD, false).await.unwrap();
        assert_eq!(refused(owner.take_over(&form).await).status, 422, "the link is used");
    }

    async fn the_mail_is_sent_again_to_who_is_signed_in(engine) {
        let app = App::start_with(engine, "confirmation.mail_gap = 0").await;
        let client = app.client_of("mona").await;
        app.mail_with("mona", "/confirm-email").await;
        assert_eq!(client.resend_confirmation().await.unwrap().expires_in, 86_400);
        let mut mails = 0;
        for _ in 0..100 {
            mails = app.mails().iter().filter(|mail| mail.text.contains("/confirm-email?")).count();
            if mails == 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(mails, 2);
        assert_eq!(refused(app.client().resend_confirmation().await).status, 401);
    }

    async fn a_closed_site_takes_nobody(engine) {
        let app = App::start_with(engine, "registration.open = false").await;
        let problem = refused(app.client().register(form("mona")).await);
        assert_eq!((problem.status, problem.kind.as_str()), (403, "urn:doorward:problem:registration_closed"));
    }
}
