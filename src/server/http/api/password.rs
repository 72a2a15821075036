//! Passwords: a new one for the present one, or for a mail.

use super::{
    caller::{Anyone, Caller, Held},
    input::Json,
    types::{Asked, PasswordChange, PasswordRemoval, PasswordReset, PasswordResetRequest, Tokens},
};
use crate::server::{
    auth::{KnownDevicesCookie, NewPasswordForm, ResetForm},
    http::{cookies::Kind, render::Call},
};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use secrecy::{ExposeSecret as _, SecretString};

/// Change the password.
///
/// All other sessions end. This one goes on with new tokens, and no older refresh token of it is taken any more.
#[utoipa::path(put, path = "/me/password", tag = "Passwords", operation_id = "change_password", request_body = PasswordChange,
    security(("cookie" = []), ()), responses(
    (status = 200, description = "The password is the new one.", body = Tokens),
    (status = 401, description = "The session is over."),
))]
pub(super) async fn change(
    Anyone(call): Anyone,
    Json(form): Json<PasswordChange>,
) -> Result<Response<Body>, Response<Body>> {
    let held = Held::of(&call, form.refresh_token).map_err(|problem| call.refuse(problem))?;
    let password = SecretString::from(form.password);
    let typed = NewPasswordForm { password_again: password.clone(), password };
    let current = SecretString::from(form.current_password);
    match call.state().auth.change_password(held.token(), &current, &typed, &call.origin()).await {
        Ok(opened) => Ok(call.answer_with(StatusCode::OK, &call.tokens(opened, held.transport))),
        Err(error) => Err(call.refuse_token(&held, error)),
    }
}

/// Do without a password.
///
/// For an account that has a passkey, which alone signs in from then on. The password is given a last time.
#[utoipa::path(post, path = "/me/password/remove", tag = "Passwords", operation_id = "remove_password",
    request_body = PasswordRemoval, security(("bearer" = [])), responses(
    (status = 204, description = "There is none any more."),
    (status = 404, description = "There was none."),
    (status = 409, description = "It is the last way in: there is no passkey."),
))]
pub(super) async fn remove(
    Caller { call, principal }: Caller,
    Json(form): Json<PasswordRemoval>,
) -> Result<Response<Body>, Response<Body>> {
    match call.state().auth.remove_password(&principal, &form.old_password.into(), &call.origin()).await {
        Ok(()) => Ok(call.answer_empty(StatusCode::NO_CONTENT)),
        Err(error) => Err(call.refuse(error)),
    }
}

/// Ask for a mail that leads to a new password.
///
/// The answer is the same whether or not the address has an account.
#[utoipa::path(post, path = "/password-resets", tag = "Passwords", operation_id = "request_password_reset", request_body = PasswordResetRequest,
    responses((status = 202, description = "A mail is on its way, if the address has an account.", body = Asked)))]
pub(super) async fn request(
    Anyone(call): Anyone,
    Json(form): Json<PasswordResetRequest>,
) -> Result<Response<Body>, Response<Body>> {
    let asked = call.state().auth.request_password_reset(&form.email, &call.origin()).await;
    let asked = asked.map_err(|error| call.refuse(error))?;
    Ok(call.answer_with(StatusCode::ACCEPTED, &call.asked(&asked, form.transport)))
}

/// Choose a new password with the mailed link or code.
///
/// Every session ends; nobody is signed in by it.
#[utoipa::path(post, path = "/password-resets/confirm", tag = "Passwords", operation_id = "confirm_password_reset", request_body = PasswordReset,
    responses((status = 204, description = "The password is the new one. Sign in with it.")))]
pub(super) async fn confirm(
    Anyone(call): Anyone,
    Json(form): Json<PasswordReset>,
) -> Result<Response<Body>, Response<Body>> {
    let sent = form.request_token.map(SecretString::from);
    let request = sent.as_ref().map(|sent| sent.expose_secret()).or_else(|| call.requested());
    let password = SecretString::from(form.password);
    let typed = ResetForm {
        uid: form.uid,
        token: form.token.expose().to_owned(),
        code: form.code.expose().to_owned(),
        password_again: password.clone(),
        password,
    };
    let devices = call.state().auth.confirm_password_reset(&typed, request, &call.origin()).await;
    call.recovered(devices.map_err(|error| call.refuse(error))?).await;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

impl Call {
    /// A password was set by mail. A browser is known from now on; a program keeps no cookies and gets none.
    pub(super) async fn recovered(&self, devices: Option<KnownDevicesCookie>) {
        if self.has_cookies() {
            self.after_recovery(devices).await;
            self.clear(&[Kind::Request, Kind::Link, Kind::Confirming]);
        }
    }
}
