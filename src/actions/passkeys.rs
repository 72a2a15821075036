//! Passkeys: each ceremony is begun by one function, which answers what the browser needs, and ended by another.
//!
//! `ceremony` is the server's half as it was given out, `credential` the browser's answer as JSON (WebAuthn Level 3, 5.1).

use crate::domain::{factor::Ceremony, grant::Done, problem::Problem};
use leptos::prelude::*;

/// Begin to sign in with a passkey alone. With `autofill` the browser offers them in the field for the user name.
///
/// # Errors
/// `not_found` where there are no passkeys; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_passkey_log_in")]
pub async fn start_passkey_log_in(#[server(default)] autofill: String) -> Result<Ceremony, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_passkey_log_in(!autofill.is_empty()).await
}

/// Sign in with a passkey alone. `remember` is empty for a session that ends with the browser; `next` is where to go.
///
/// # Errors
/// `invalid_input` (field `credential`), whatever the cause; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "log_in_with_passkey")]
pub async fn log_in_with_passkey(
    #[server(default)] ceremony: String,
    #[server(default)] credential: String,
    #[server(default)] remember: String,
    #[server(default)] next: Option<String>,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    let answer = (ceremony.as_str(), credential.as_str());
    Call::current().log_in_with_passkey(answer, !remember.is_empty(), next.as_deref()).await
}

/// Begin to show a passkey as the second factor that a sign-in, or a session from before, waits for.
///
/// # Errors
/// `challenge_over`; `not_found` if the account has none; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_challenge_passkey")]
pub async fn start_challenge_passkey() -> Result<Ceremony, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_challenge_passkey().await
}

/// Show it. With `trust` this browser is not asked again for a while.
///
/// # Errors
/// `invalid_input` (field `credential`); `challenge_over`; `unavailable`.
#[server(prefix = "/actions", endpoint = "answer_challenge_with_passkey")]
pub async fn answer_challenge_with_passkey(
    #[server(default)] ceremony: String,
    #[server(default)] credential: String,
    #[server(default)] trust: Option<String>,
    #[server(default)] next: Option<String>,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current()
        .answer_challenge_with_passkey(ceremony, credential, trust.is_some_and(|yes| !yes.is_empty()), next)
        .await
}

/// Begin to show a passkey as proof of who is signed in; it is sent with the form that asks for it.
///
/// # Errors
/// `not_signed_in`; `not_found` if the account has none; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_proof_passkey")]
pub async fn start_proof_passkey() -> Result<Ceremony, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_proof_passkey().await
}

/// Begin a new passkey.
///
/// # Errors
/// `proof_required`; `unconfirmed_email`; `invalid_input` (field `name`) if there are too many; `not_signed_in`;
/// `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_passkey")]
pub async fn start_passkey() -> Result<Ceremony, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_passkey().await
}

/// Keep the passkey that the browser has made, under this name; an empty one is that of the device.
///
/// # Errors
/// `proof_required`; `unconfirmed_email`; `invalid_input`; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "add_passkey")]
pub async fn add_passkey(
    #[server(default)] name: String,
    #[server(default)] ceremony: String,
    #[server(default)] credential: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().add_passkey(&name, (&ceremony, &credential)).await
}

/// Begin the passkey that this site demands before the session opens.
///
/// # Errors
/// `challenge_over`; `unconfirmed_email`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "start_passkey_to_enrol")]
pub async fn start_passkey_to_enrol() -> Result<Ceremony, Problem> {
    use crate::server::http::render::Call;
    Call::current().start_passkey_to_enrol().await
}

/// Keep it, under the name of the device, and go on with the sign-in.
///
/// # Errors
/// `challenge_over`; `unconfirmed_email`; `invalid_input` (field `credential`); `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "add_passkey_to_enrol")]
pub async fn add_passkey_to_enrol(
    #[server(default)] ceremony: String,
    #[server(default)] credential: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().add_passkey_to_enrol((&ceremony, &credential)).await
}

/// Give a passkey, by its id, another name.
///
/// # Errors
/// `invalid_input` (field `name`); `not_found`; `not_signed_in`; `too_many_requests`; `unavailable`.
#[server(prefix = "/actions", endpoint = "rename_passkey")]
pub async fn rename_passkey(
    #[server(default)] passkey: String,
    #[server(default)] name: String,
) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().rename_passkey(&passkey, &name).await
}

/// Remove a passkey, by its id.
///
/// # Errors
/// `proof_required`; `last_way_in`; `not_found`; `not_signed_in`; `unavailable`.
#[server(prefix = "/actions", endpoint = "remove_passkey")]
pub async fn remove_passkey(#[server(default)] passkey: String) -> Result<Done, Problem> {
    use crate::server::http::render::Call;
    Call::current().remove_passkey(&passkey).await
}
