//! Registering, signing in and out, refreshing, and who that is.
#![expect(missing_docs, reason = "the macro makes a type of each function's arguments, without their documentation")]

use crate::domain::{
    account::Account,
    grant::{Done, Grant},
    problem::Problem,
};
use leptos::prelude::*;

/// Make an account and, unless the settings say otherwise, sign in.
///
/// # Errors
/// `invalid_input` with one error a field; `unavailable` while too many hashes wait.
#[server(prefix = "/actions", endpoint = "register")]
pub async fn register(
    #[server(default)] email: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
    #[server(default)] first_name: String,
    #[server(default)] last_name: String,
    #[server(default)] website: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::{Call, RegistrationForm};
    let form = RegistrationForm {
        email,
        username,
        password: password.into(),
        password_again: password_again.into(),
        first_name,
        last_name,
        website,
    };
    Call::current().register(form).await
}

/// Sign in with a user name or an e-mail address. `remember` is what an unticked box leaves out; `next` is where to go.
///
/// # Errors
/// `wrong_credentials`, the same for every cause; `invalid_input`; `unavailable`.
#[server(prefix = "/actions", endpoint = "log_in")]
pub async fn log_in(
    #[server(default)] identifier: String,
    #[server(default)] password: String,
    #[server(default)] remember: Option<String>,
    #[server(default)] next: Option<String>,
) -> Result<Done, Problem> {
    use crate::server::http::render::{Call, LoginForm};
    let form = LoginForm { identifier, password: password.into(), remember: remember.is_some(), next };
    Call::current().log_in(form).await
}

/// End this session. Signing out twice is no error.
///
/// # Errors
/// `unavailable` if the database is away; the session and its cookie stay, and signing out can be tried again.
#[server(prefix = "/actions", endpoint = "log_out")]
pub async fn log_out() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().log_out().await
}

/// Exchange the cookie's refresh token for the next one and an access token.
///
/// # Errors
/// `not_signed_in` ends the session in the browser; anything else does not.
#[server(prefix = "/actions", endpoint = "refresh")]
pub async fn refresh() -> Result<Grant, Problem> {
    use crate::server::http::render::Call;
    Call::current().refresh().await
}

/// The account that the access token (`Authorization: Bearer`) speaks for.
///
/// # Errors
/// `not_signed_in` for every fault of the token.
#[server(prefix = "/actions", endpoint = "current_account")]
pub async fn current_account() -> Result<Account, Problem> {
    use crate::server::http::render::Call;
    Call::current().account().await
}
