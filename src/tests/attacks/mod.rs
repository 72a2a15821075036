//! What an attacker's review has tried: each way in that it found, as a promise that the way is closed.

mod address_change;
mod devices;
mod forms;
mod overtaken;
mod purge;
mod races;
mod recovery;
mod registration;
mod step_up;

use crate::{
    account::{link, parts},
    harness::{Answer, App, Caller, OTHER_PASSWORD, PASSWORD},
};
use sqlx::Row as _;

/// The first column of the first row.
pub(crate) async fn count(app: &App, sql: &'static str) -> i64 {
    let mut tx = app.store.read().await.unwrap();
    sqlx::query(sql).fetch_one(&mut *tx).await.unwrap().try_get(0).unwrap()
}

/// The fields of a mailed link and a new password.
fn with_new_password(link: &str) -> Vec<(&str, &str)> {
    let mut fields = parts(link);
    fields.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
    fields
}

/// Resets the password of `name` to [`OTHER_PASSWORD`] in `browser`.
pub(crate) async fn reset(app: &App, browser: &Caller, name: &str) {
    let email = format!("{name}@example.com");
    assert_eq!(browser.action("request_password_reset", &[("email", &email)]).await.status, 200);
    let link = link(app, name, "/reset-confirmation").await;
    let done = browser.action("confirm_password_reset", &with_new_password(&link)).await;
    assert_eq!(done.status, 200, "{}", done.text);
}

/// Changes the address to `to@example.com` and answers the mail to it; `seen` are the links of earlier such mails.
async fn change_address(app: &App, caller: &Caller, to: &str, seen: &mut Vec<String>) -> Answer {
    let fields = [("email", &*format!("{to}@example.com")), ("current_password", PASSWORD)];
    let asked = caller.action("request_email_change", &fields).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let newest = loop {
        let newest = link(app, to, "/confirm-email-change").await;
        if !seen.contains(&newest) {
            break newest;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let answer = caller.action("confirm_email_change", &parts(&newest)).await;
    seen.push(newest);
    answer
}

/// The seconds that a throttled caller is told to wait.
fn wait_of(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 429, "{}", answer.text);
    answer.header("retry-after").parse().unwrap()
}
