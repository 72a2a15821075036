//! What people see, one file per page: compose components, bind an action, show a problem.
//!
//! A form is HTML that the server renders and that posts to its page. An island around it, the same for all forms, sends
//! it by the server function instead, once scripts run; the fields inside are its children and never part of the WASM.
//! May import `components`, `actions`, `domain`, `paths`.

mod account;
mod account_card;
mod app_setup;
mod confirm_email;
mod confirm_email_change;
pub mod context;
mod dashboard;
mod enrol;
mod factor;
mod failed;
mod form;
mod frame;
mod home;
mod live;
mod login;
mod mailed;
mod not_found;
mod passkey_form;
mod proof;
mod register;
mod reset_confirmation;
mod reset_password;
mod sign_out;
mod undo_email_change;

pub use account::{
    FactorsAppPage, FactorsPage, HistoryPage, NotMePage, PrivacyPage, ProfilePage, RecoveryCodesPage, RestorePage,
    SecurityPage, SessionsPage,
};
pub use confirm_email::ConfirmEmailPage;
pub use confirm_email_change::ConfirmEmailChangePage;
pub use dashboard::DashboardPage;
pub use enrol::EnrolPage;
pub use factor::FactorPage;
pub use failed::ErrorPage;
pub use home::HomePage;
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use proof::ProofPage;
pub use register::RegisterPage;
pub use reset_confirmation::ResetConfirmationPage;
pub use reset_password::ResetPasswordPage;
pub use undo_email_change::UndoEmailChangePage;

use context::Posted;

/// What is wrong with `field` of a form that came back.
fn error_of(posted: &Posted, field: &str) -> Option<String> {
    posted.problem.as_ref().and_then(|problem| problem.of_field(field)).map(str::to_owned)
}

/// Whether `field` is where the focus begins: the first wrong one, or, on a form nobody sent yet, the `first`.
fn focus_on(posted: &Posted, field: &str, first: bool) -> bool {
    posted.problem.as_ref().map_or(first, |problem| problem.fields.first().is_some_and(|error| error.field == field))
}

/// So many days, in words.
fn days(count: i64) -> String {
    if count == 1 { "one day".to_owned() } else { [&count.to_string(), " days"].concat() }
}

/// What a field begins with: what was typed, if the form came back, else what is so `now`.
fn kept(posted: &Posted, field: &str, now: &str) -> String {
    if posted.form.is_empty() { now.to_owned() } else { posted.value(field) }
}
