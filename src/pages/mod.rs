//! What people see, one file per page: compose components, bind an action, show a problem.
//!
//! A form is HTML that the server renders and that posts to its page. An island around it sends it by the server
//! function instead, once scripts run; the fields inside are children of the island and never part of the WASM.
//! May import `components`, `actions`, `domain`, `paths`.

mod account_card;
pub mod context;
mod dashboard;
mod failed;
mod form;
mod home;
mod login;
mod not_found;
mod register;
mod reset_confirmation;
mod reset_password;

pub use dashboard::DashboardPage;
pub use failed::ErrorPage;
pub use home::HomePage;
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use register::RegisterPage;
pub use reset_confirmation::ResetConfirmationPage;
pub use reset_password::ResetPasswordPage;

use context::Posted;

/// What is wrong with `field` of a form that came back.
fn error_of(posted: &Posted, field: &str) -> Option<String> {
    posted.problem.as_ref().and_then(|problem| problem.of_field(field)).map(str::to_owned)
}

/// Whether `field` is where the focus begins: the first wrong one, or, on a form nobody sent yet, the `first`.
fn focus_on(posted: &Posted, field: &str, first: bool) -> bool {
    posted.problem.as_ref().map_or(first, |problem| problem.fields.first().is_some_and(|error| error.field == field))
}
