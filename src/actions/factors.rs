//! Second factors: a sign-in that waits for one, and what an account has.
#![expect(missing_docs, reason = "the macro makes a type of each function's arguments, without their documentation")]

use crate::domain::{grant::Done, problem::Problem};
use leptos::prelude::*;

/// Show the factor that a sign-in, or a session from before, waits for: a code of the authenticator app, or a recovery
/// code. `trust` is what an unticked box leaves out; `next` is where to go, for a session from before.
///
/// # Errors
/// `invalid_input`; `challenge_over`; `enrolment_required`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "answer_challenge")]
pub async fn answer_challenge(
    #[server(default)] code: String,
    #[server(default)] recovery_code: String,
    #[server(default)] trust: Option<String>,
    #[server(default)] next: Option<String>,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().answer_challenge(code, recovery_code.into(), trust.is_some(), next).await
}

/// Give up a sign-in that waits, and go back to the login page.
///
/// # Errors
/// `unavailable`.
#[server(prefix = "/actions", endpoint = "start_again")]
pub async fn start_again() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_again().await
}

/// Begin to set up an authenticator app.
///
/// # Errors
/// `proof_required`; `unconfirmed_email`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_app")]
pub async fn start_app() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_app().await
}

/// Take the authenticator app into use, with a code of it.
///
/// # Errors
/// `invalid_input`; `proof_required`; `unconfirmed_email`; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "confirm_app")]
pub async fn confirm_app(#[server(default)] code: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().confirm_app(&code).await
}

/// Remove the authenticator app.
///
/// # Errors
/// `proof_required`; `last_way_in`; `not_found`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "remove_app")]
pub async fn remove_app() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().remove_app().await
}

/// Make new recovery codes; all older ones are void.
///
/// # Errors
/// `proof_required`; `not_found` for an account without a factor; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "make_recovery_codes")]
pub async fn make_recovery_codes() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().make_recovery_codes().await
}

/// Show the new recovery codes no more, and go on to `next`.
///
/// # Errors
/// `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "put_codes_away")]
pub async fn put_codes_away(#[server(default)] next: Option<String>) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().put_codes_away(next.as_deref()).await
}

/// Ask for the second factor again in a browser that was trusted, by its public name.
///
/// # Errors
/// `proof_required`; `not_found`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "untrust_browser")]
pub async fn untrust_browser(#[server(default)] browser: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().untrust_browser(&browser).await
}

/// Remove the password of an account that has a passkey; it is asked for once more.
///
/// # Errors
/// `proof_required`; `invalid_input` (field `old_password`); `last_way_in`; `not_found`; `not_signed_in`; `too_many_requests`;
/// `unavailable`.
#[server(prefix = "/actions", endpoint = "remove_password")]
pub async fn remove_password(#[server(default)] old_password: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().remove_password(old_password.into()).await
}

/// Confirm who it is, before something that cannot wait for it.
///
/// # Errors
/// `proof_required`; `invalid_input`; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "prove_it")]
pub async fn prove_it() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().prove_it().await
}

/// As [`start_app`], while a sign-in waits for it.
///
/// # Errors
/// `challenge_over`; `unconfirmed_email`; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_app_to_enrol")]
pub async fn start_app_to_enrol() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_app_to_enrol().await
}

/// As [`confirm_app`], while a sign-in waits for it.
///
/// # Errors
/// `invalid_input`; `challenge_over`; `unconfirmed_email`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "confirm_app_to_enrol")]
pub async fn confirm_app_to_enrol(#[server(default)] code: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().confirm_app_to_enrol(&code).await
}

/// Ask for another mail that confirms the address, while a sign-in waits for it.
///
/// # Errors
/// `challenge_over`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "resend_to_enrol")]
pub async fn resend_to_enrol() -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().resend_to_enrol().await
}
