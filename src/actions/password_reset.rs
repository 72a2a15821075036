//! Asking for a reset mail, and choosing the new password.
#![expect(missing_docs, reason = "the macro makes a type of each function's arguments, without their documentation")]

use crate::domain::{grant::Done, problem::Problem};
use leptos::prelude::*;

/// Ask for a mail that lets its reader choose a new password. The answer never tells whether the address is known.
///
/// # Errors
/// `invalid_input` if that is no e-mail address; `unavailable`.
#[server(prefix = "/actions", endpoint = "request_password_reset")]
pub async fn request_password_reset(#[server(default)] email: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().request_password_reset(&email).await
}

/// Choose a new password with the mailed link (`uid` and `token`) or, in the browser that asked, the mailed `code`.
///
/// # Errors
/// `invalid_ticket`, the same for wrong, used and old ones; `invalid_input`; `unavailable`.
#[server(prefix = "/actions", endpoint = "confirm_password_reset")]
pub async fn confirm_password_reset(
    #[server(default)] uid: String,
    #[server(default)] token: String,
    #[server(default)] code: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::{Call, ResetForm};
    let form = ResetForm { uid, token, code, password: password.into(), password_again: password_again.into() };
    Call::current().confirm_password_reset(form).await
}
