//! What a person does with an account: confirm, change, watch over and leave it.
//!
//! The proof that sensitive acts ask for when the last one lies too far back is no argument: whoever answers a form reads
//! it from what was sent (`server::http::given_proof`).
#![expect(missing_docs, reason = "the macro makes a type of each function's arguments, without their documentation")]

use crate::domain::{grant::Done, problem::Problem};
use leptos::prelude::*;

/// Confirm the account's address with the mailed link (`uid` and `token`) or the mailed `code`. In a browser that is not
/// the one that registered, `password` shows that both are of one person.
///
/// # Errors
/// `invalid_ticket`, the same for wrong, used and old ones; `invalid_input`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "confirm_email")]
pub async fn confirm_email(
    #[server(default)] uid: String,
    #[server(default)] token: String,
    #[server(default)] code: String,
    #[server(default)] password: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().confirm_email(&uid, &token, &code, password.into()).await
}

/// Confirm the account's address with the mailed link and replace a password that somebody else has set.
///
/// # Errors
/// As [`confirm_email`].
#[server(prefix = "/actions", endpoint = "take_over")]
pub async fn take_over(
    #[server(default)] uid: String,
    #[server(default)] token: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().take_over(&uid, &token, password.into(), password_again.into()).await
}

/// Ask for another mail that confirms the address.
///
/// # Errors
/// `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "resend_confirmation")]
pub async fn resend_confirmation() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().resend_confirmation().await
}

/// Change first and last name and the time zone.
///
/// # Errors
/// `invalid_input`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "change_profile")]
pub async fn change_profile(
    #[server(default)] first_name: String,
    #[server(default)] last_name: String,
    #[server(default)] time_zone: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().change_profile(&first_name, &last_name, &time_zone).await
}

/// Change the user name. The old one stays reserved for a while.
///
/// # Errors
/// `proof_required`; `invalid_input`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "change_username")]
pub async fn change_username(#[server(default)] username: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().change_username(&username).await
}

/// Change the password. All other sessions end.
///
/// # Errors
/// `invalid_input`; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "change_password")]
pub async fn change_password(
    #[server(default)] current_password: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().change_password(current_password.into(), password.into(), password_again.into()).await
}

/// Ask for a new address; a mail to it must be answered before anything changes.
///
/// # Errors
/// `proof_required`; `invalid_input`; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "request_email_change")]
pub async fn request_email_change(#[server(default)] email: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().request_email_change(&email).await
}

/// Take the new address, with the link or the code that was mailed to it.
///
/// # Errors
/// `invalid_ticket`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "confirm_email_change")]
pub async fn confirm_email_change(
    #[server(default)] uid: String,
    #[server(default)] token: String,
    #[server(default)] code: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().confirm_email_change(&uid, &token, &code).await
}

/// Go back to the address before, with the link that was mailed to it; every session ends and the password is void.
///
/// # Errors
/// `invalid_ticket`; `unavailable`.
#[server(prefix = "/actions", endpoint = "undo_email_change")]
pub async fn undo_email_change(
    #[server(default)] uid: String,
    #[server(default)] token: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().undo_email_change(&uid, &token).await
}

/// End one session of one's own, by its public name.
///
/// # Errors
/// `proof_required`; `not_found` if it is none of one's own; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "end_session")]
pub async fn end_session(#[server(default)] session: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().end_session(&session).await
}

/// End all sessions but this one.
///
/// # Errors
/// `proof_required`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().end_other_sessions().await
}

/// "This wasn't me": end every session, this one too, and choose a new password by mail.
///
/// # Errors
/// `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "report_not_me")]
pub async fn report_not_me() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().report_not_me().await
}

/// Ask for the account to be deleted after the grace; every session ends.
///
/// # Errors
/// `proof_required`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "request_deletion")]
pub async fn request_deletion() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().request_deletion().await
}

/// Keep an account that was to be deleted.
///
/// # Errors
/// `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "undo_deletion")]
pub async fn undo_deletion() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().undo_deletion().await
}
