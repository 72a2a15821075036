//! Forms and pages: whoever sends whatever to them.

use super::count;
use crate::{
    account::{STALE, confirm, link, parts},
    harness::{App, PASSWORD, on_both_engines},
};
use reqwest::{Method, header};

const FORMS: [&str; 19] = [
    "/account/profile",
    "/account/username",
    "/account/security/password",
    "/account/security/email",
    "/account/sessions/end",
    "/account/sessions/end-others",
    "/account/privacy/delete",
    "/account/privacy/export",
    "/account/not-me",
    "/account/restore",
    "/confirm-email",
    "/confirm-email/new-password",
    "/confirm-email/resend",
    "/confirm-email-change",
    "/undo-email-change",
    "/register",
    "/login",
    "/reset-password",
    "/reset-confirmation",
];

on_both_engines! {
    /// t11: also when the session has ended meanwhile.
    async fn every_form_answers_callers_who_are_nobody(engine) {
        let app = App::start(engine).await;
        let gone = app.signed_in("mona").await;
        gone.twin().action("log_out", &[]).await;
        let fields = [("uid", "x"), ("token", "y"), ("email", "<script>\""), ("username", "\"><b>")];
        for caller in [app.anonymous(), gone] {
            for form in FORMS {
                let answer = caller.submit(form, &fields).await;
                assert!([200, 303, 401, 422].contains(&answer.status), "{form}: {}", answer.status);
                assert!(!answer.text.contains("<script>\"") && !answer.text.contains("\"><b>"), "{form}");
            }
        }
    }

    /// t13: whoever opened the older mail could not type the code of the newer one.
    async fn a_dead_link_gives_way_to_the_field_for_the_code(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let old = link(&app, "mona", "/confirm-email").await;
        app.clock.advance(61);
        assert_eq!(mona.action("resend_confirmation", &[]).await.status, 200);
        assert_eq!(mona.page(&old).await.status, 303);
        assert!(mona.cookie("__Host-doorward-link").is_some());
        assert_eq!(mona.submit("/confirm-email", &parts(&old)).await.status, 422);
        assert_eq!(mona.cookie("__Host-doorward-link"), None);
        let page = mona.page("/confirm-email").await.text;
        assert!(page.contains("name=\"code\"") && !page.contains("name=\"token\""));
        mona.page(&old).await;
        assert_eq!(mona.action("resend_confirmation", &[]).await.status, 200);
        let page = mona.page("/confirm-email").await.text;
        assert!(page.contains("name=\"code\"") && !page.contains("name=\"token\""), "asking for a mail does it, too");
    }

    /// t20: what is stored about somebody is theirs to see.
    async fn an_export_holds_every_stored_session_and_every_kept_name(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let other = app.anonymous();
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let log_in = other.request(Method::POST, "/actions/log_in").header("sec-fetch-site", "same-origin");
        let form = [("identifier", "mona"), ("password", PASSWORD)];
        assert_eq!(other.send(log_in.header(header::USER_AGENT, agent).form(&form)).await.status, 200);
        let ended = app.sid(&other).await;
        other.action("log_out", &[]).await;
        assert_eq!(mona.action("change_username", &[("username", "lisa")]).await.status, 200);
        let file = mona.submit("/account/privacy/export", &[]).await.json();
        let sessions = file["sessions"].as_array().unwrap();
        assert_eq!(i64::try_from(sessions.len()).unwrap(), count(&app, "SELECT COUNT(*) FROM sessions").await);
        let ended = sessions.iter().find(|session| session["id"] == ended.as_str()).unwrap();
        assert_eq!(ended["user_agent"], agent);
        assert!(ended["ended_at"].is_string() && ended["ended_why"].is_string());
        let alive = sessions.iter().find(|session| session["id"] != ended["id"]).unwrap();
        assert!(alive["ended_at"].is_null());
        assert_eq!(file["reserved_usernames"], serde_json::json!(["mona"]));
    }

    /// t30: the page that asks for the password carries the form that waits.
    async fn the_question_for_the_password_carries_known_fields_only_and_as_text(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.clock.advance(STALE);
        let fields = [("username", "\"><script>alert(1)</script>"), ("evil", "x"), ("password", "s3cret")];
        let page = mona.submit("/account/username", &fields).await;
        assert_eq!(page.status, 403);
        assert!(page.text.contains("name=\"username\"") && page.text.contains("alert(1)"), "what was typed is kept");
        assert!(!page.text.contains("<script>alert") && !page.text.contains("name=\"evil\""));
        assert!(!page.text.contains("s3cret"));
    }
}
