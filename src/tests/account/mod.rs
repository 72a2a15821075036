//! The life of an account through its doors: confirm, change, watch over, leave.

mod confirmation;
mod email_change;
mod leaving;
mod profile;
mod watch;

use crate::harness::{Answer, App, Caller, Engine, PASSWORD, link_to};

/// Seconds after which a proof is stale, by the settings.
pub(crate) const STALE: i64 = 601;
/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// The fields of a mailed link.
pub(crate) fn parts(link: &str) -> Vec<(&str, &str)> {
    link.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap()).collect()
}

/// The link of the newest mail to `name` that leads to this page.
pub(crate) async fn link(app: &App, name: &str, page: &str) -> String {
    link_to(&app.mail_with(name, page).await.text, &app.base, page)
}

async fn account(caller: &Caller) -> serde_json::Value {
    caller.account(&caller.refresh().await.token()).await.json()
}

/// Confirms the address of `name` in the browser that registered.
pub(crate) async fn confirm(app: &App, caller: &Caller, name: &str) {
    let link = link(app, name, "/confirm-email").await;
    let answer = caller.action("confirm_email", &parts(&link)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Asks for another address and answers the mail to it.
async fn change_email(app: &App, caller: &Caller, to: &str) -> Answer {
    let asked = caller.action("request_email_change", &[("email", &format!("{to}@example.com"))]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let link = link(app, to, "/confirm-email-change").await;
    caller.action("confirm_email_change", &parts(&link)).await
}

/// Where the settings close it, registering is refused on the page and behind it.
#[test]
fn registration_can_be_closed_and_a_filled_trap_makes_no_account() {
    crate::harness::run(async {
        let app = App::start_with(Engine::Sqlite, "registration.open = false").await;
        let refused = app.anonymous().register("mona").await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "registration_closed"));
        assert!(!app.anonymous().page("/register").await.text.contains("name=\"email\""));
        let app = app.restarted_with("registration.open = true").await;
        let fields = [
            ("email", "mona@example.com"),
            ("username", "mona"),
            ("password", PASSWORD),
            ("password_again", PASSWORD),
            ("website", "x"),
        ];
        assert_eq!(app.anonymous().action("register", &fields).await.status, 200);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401, "there is no such account");
    });
}
