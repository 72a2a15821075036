//! One's own second factors: enrolling, naming, removing.

use super::{
    caller::Caller,
    enrolment::shown,
    input::{Json, public_name},
    second_factor::answer_of,
    types::{
        CeremonyView, EnrolledFactor, FactorsView, FirstCode, NewPasskey, PasskeyName, RecoveryCodes, TotpSetup,
        Transport,
    },
};
use crate::server::auth::{AuthError, By};
use axum::{
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::{Response, StatusCode},
};

/// The second factors of the account.
#[utoipa::path(get, path = "/me/factors", tag = "Second factors", operation_id = "list_factors", security(("bearer" = [])),
    responses((status = 200, description = "What there is.", body = FactorsView)))]
pub(super) async fn list(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let factors = call.state().auth.factors(&principal).await.map_err(|error| call.refuse(error))?;
    Ok(call.answer_with(StatusCode::OK, &FactorsView::from(&factors)))
}

/// Begin to set up an authenticator app.
///
/// It takes the place of an earlier one with its first code.
#[utoipa::path(post, path = "/me/factors/totp", tag = "Second factors", operation_id = "start_totp", security(("bearer" = [])),
    responses((status = 200, description = "A new secret for the app; one that still waits is worth nothing.", body = TotpSetup)))]
pub(super) async fn start_totp(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let started = call.state().auth.start_totp(By::Session(&principal)).await;
    let waiting = started.map_err(|error| call.refuse(error))?;
    Ok(call.answer_with(StatusCode::OK, &TotpSetup::from(waiting)))
}

/// Take the authenticator app into use with a code of it.
///
/// The first factor of an account comes with recovery codes. All other sessions must show the factor before they go on.
#[utoipa::path(post, path = "/me/factors/totp/confirm", tag = "Second factors", operation_id = "confirm_totp", security(("bearer" = [])),
    request_body = FirstCode, responses((status = 200, description = "It is in use.", body = EnrolledFactor)))]
pub(super) async fn confirm_totp(
    Caller { call, principal }: Caller,
    Json(form): Json<FirstCode>,
) -> Result<Response<Body>, Response<Body>> {
    let by = By::Session(&principal);
    let enrolled = call.state().auth.confirm_totp(by, form.code.expose(), &call.origin()).await;
    Ok(call.answer_enrolled(enrolled, Transport::Body))
}

/// Remove the authenticator app.
#[utoipa::path(delete, path = "/me/factors/totp", tag = "Second factors", operation_id = "remove_totp", security(("bearer" = [])),
    responses(
    (status = 204, description = "It is removed."),
    (status = 404, description = "There is none."),
    (status = 409, description = "This site demands a second factor, and it is the last one."),
))]
pub(super) async fn remove_totp(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let removed = call.state().auth.remove_totp(&principal, &call.origin()).await;
    removed.map_err(|error| call.refuse(error))?;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Make new recovery codes.
///
/// All older ones are void.
#[utoipa::path(post, path = "/me/factors/recovery-codes", tag = "Second factors", operation_id = "make_recovery_codes", security(("bearer" = [])),
    responses(
    (status = 200, description = "The codes. They are shown this once.", body = RecoveryCodes),
    (status = 404, description = "The account has no second factor in whose place they could stand."),
))]
pub(super) async fn make_recovery_codes(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let made = call.state().auth.make_recovery_codes(&principal, &call.origin()).await;
    let codes = made.map_err(|error| call.refuse(error))?;
    Ok(call.answer_with(StatusCode::OK, &RecoveryCodes { recovery_codes: shown(&codes) }))
}

/// Begin to make a passkey.
#[utoipa::path(post, path = "/me/factors/passkeys/start", tag = "Second factors", operation_id = "start_passkey", security(("bearer" = [])),
    responses(
    (status = 200, description = "For `navigator.credentials.create()`.", body = CeremonyView),
    (status = 404, description = "This site takes no passkeys: it has no domain."),
    (status = 422, description = "There are as many as there may be."),
))]
pub(super) async fn start_passkey(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let begun = call.state().auth.start_passkey_enrolment(By::Session(&principal), &call.origin()).await;
    Ok(call.answer_ceremony(begun))
}

/// Keep the passkey that the browser has made.
///
/// The first factor of an account comes with recovery codes. All other sessions must show the factor before they go on.
#[utoipa::path(post, path = "/me/factors/passkeys", tag = "Second factors", operation_id = "add_passkey", security(("bearer" = [])),
    request_body = NewPasskey, responses((status = 200, description = "It is kept.", body = EnrolledFactor)))]
pub(super) async fn add_passkey(
    Caller { call, principal }: Caller,
    Json(form): Json<NewPasskey>,
) -> Result<Response<Body>, Response<Body>> {
    let credential = answer_of(&form.ceremony, &form.credential).map_err(|problem| call.refuse(problem))?;
    let (by, ceremony) = (By::Session(&principal), (form.ceremony.as_str(), credential.as_str()));
    let enrolled = call.state().auth.finish_passkey_enrolment(by, ceremony, &form.name, &call.origin()).await;
    Ok(call.answer_enrolled(enrolled, Transport::Body))
}

/// Give a passkey another name.
#[utoipa::path(patch, path = "/me/factors/passkeys/{id}", tag = "Second factors", operation_id = "rename_passkey", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its public name.", min_length = 1, max_length = 64, example = "b5nQv0m2QpWc1yT8eRz4Xg")),
    request_body = PasskeyName, responses(
    (status = 204, description = "It has that name."),
    (status = 404, description = "There is no such passkey of this account."),
))]
pub(super) async fn rename_passkey(
    Caller { call, principal }: Caller,
    id: Result<Path<String>, PathRejection>,
    Json(form): Json<PasskeyName>,
) -> Result<Response<Body>, Response<Body>> {
    let id = public_name(id).ok_or_else(|| call.refuse(AuthError::NotFound))?;
    let renamed = call.state().auth.rename_passkey(&principal, &id, &form.name, &call.origin()).await;
    renamed.map_err(|error| call.refuse(error))?;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Remove a passkey.
#[utoipa::path(delete, path = "/me/factors/passkeys/{id}", tag = "Second factors", operation_id = "remove_passkey", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its public name.", min_length = 1, max_length = 64, example = "b5nQv0m2QpWc1yT8eRz4Xg")),
    responses(
    (status = 204, description = "It is removed, and good for nothing any more."),
    (status = 404, description = "There is no such passkey of this account."),
    (status = 409, description = "Without it nobody could sign in, or not as this site demands."),
))]
pub(super) async fn remove_passkey(
    Caller { call, principal }: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Response<Body>> {
    let id = public_name(id).ok_or_else(|| call.refuse(AuthError::NotFound))?;
    let removed = call.state().auth.remove_passkey(&principal, &id, &call.origin()).await;
    removed.map_err(|error| call.refuse(error))?;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Trust a browser no more: it is asked for the second factor again.
#[utoipa::path(delete, path = "/me/factors/trusted-browsers/{id}", tag = "Second factors", operation_id = "untrust_browser", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its public name.", min_length = 1, max_length = 64, example = "tR7yq0jD3sXkz8hVYt2nAg")),
    responses(
    (status = 204, description = "It is not trusted any more."),
    (status = 404, description = "There is no such browser of this account."),
))]
pub(super) async fn untrust_browser(
    Caller { call, principal }: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Response<Body>> {
    let id = public_name(id).ok_or_else(|| call.refuse(AuthError::NotFound))?;
    let ended = call.state().auth.untrust_browser(&principal, &id, &call.origin()).await;
    ended.map_err(|error| call.refuse(error))?;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}
