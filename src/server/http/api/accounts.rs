//! Making an account, and showing that its address is one's own.

use super::{
    caller::{Anyone, Caller},
    input::Json,
    types::{AccountView, Asked, Confirmation, Next, Registered, Registration, TakeOver, Transport},
};
use crate::{
    domain::problem::Problem,
    server::{
        auth::{AuthError, NewPasswordForm, Registered as Outcome, RegistrationForm},
        http::{cookies::Kind, render::Call},
    },
};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use secrecy::{ExposeSecret as _, SecretString};

/// Make an account.
///
/// Where the server signs new accounts in, the answer is 201 with tokens. Otherwise it is 202 and tells what to do next; it
/// is then the same for an address that has an account already.
#[utoipa::path(post, path = "/accounts", tag = "Accounts", operation_id = "register", request_body = Registration, responses(
    (status = 201, description = "The account is there and signed in.", body = Registered),
    (status = 202, description = "`next` tells what to do now.", body = Registered),
))]
pub(super) async fn register(
    Anyone(call): Anyone,
    Json(form): Json<Registration>,
) -> Result<Response<Body>, Response<Body>> {
    let password = SecretString::from(form.password);
    let typed = RegistrationForm {
        email: form.email,
        username: form.username,
        password_again: password.clone(),
        password,
        first_name: form.first_name,
        last_name: form.last_name,
        website: String::new(),
    };
    let held = call.held().filter(|_| form.transport == Transport::Cookie);
    let outcome = call.state().auth.register(typed, &call.origin(), held).await.map_err(|error| call.refuse(error))?;
    match outcome {
        Outcome::SignedIn(opened) => {
            let token = opened.grant.access_token.clone();
            let tokens = call.tokens(opened, form.transport);
            let principal = call.state().auth.authenticate(&token).await.map_err(|error| call.refuse(error))?;
            let account = Some(AccountView::from(&principal.account));
            let body = Registered { next: Next::SignedIn, tokens: Some(tokens), account, request_token: None };
            Ok(call.answer_with(StatusCode::CREATED, &body))
        }
        Outcome::GoAndSignIn => {
            let body = Registered { next: Next::SignIn, tokens: None, account: None, request_token: None };
            Ok(call.answer_with(StatusCode::ACCEPTED, &body))
        }
        Outcome::ConfirmFirst(asked) => {
            let request_token = match form.transport {
                Transport::Body => Some(asked.request.into()),
                Transport::Cookie => {
                    call.keep_confirming(&asked);
                    None
                }
            };
            let body = Registered { next: Next::ConfirmEmail, tokens: None, account: None, request_token };
            Ok(call.answer_with(StatusCode::ACCEPTED, &body))
        }
    }
}

/// Confirm the account's address.
///
/// With `uid` and `token` of the mailed link, or with the mailed `code`. The link alone is enough in a session of the account
/// and in the client that registered (`request_token`, or its cookie); elsewhere the password is needed as well: somebody
/// else may have registered with this address.
#[utoipa::path(post, path = "/confirmations", tag = "Accounts", operation_id = "confirm_email", request_body = Confirmation,
    security((), ("bearer" = [])), responses((status = 204, description = "The address is confirmed.")))]
pub(super) async fn confirm(
    Anyone(call): Anyone,
    Json(form): Json<Confirmation>,
) -> Result<Response<Body>, Response<Body>> {
    let visitor = call.principal_by_token().await.ok();
    let sent = form.request_token.map(SecretString::from);
    let request = sent.as_ref().map(|sent| sent.expose_secret()).or_else(|| call.confirming());
    let ticket = (form.uid.as_str(), form.token.expose(), form.code.expose());
    let by = (visitor.as_deref(), request);
    let confirmed = call.state().auth.confirm_email(ticket, &form.password.into(), by, &call.origin()).await;
    confirmed.map_err(|error| call.refuse(error))?;
    call.clear_kept(&[Kind::Link, Kind::Confirming]);
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Confirm the address and replace the password.
///
/// For somebody whose address was registered by a stranger: every session ends, and the stranger's password with them.
#[utoipa::path(post, path = "/confirmations/take-over", tag = "Accounts", operation_id = "take_over_account", request_body = TakeOver,
    responses((status = 204, description = "The address is confirmed and the password is the new one. Sign in with it.")))]
pub(super) async fn take_over(
    Anyone(call): Anyone,
    Json(form): Json<TakeOver>,
) -> Result<Response<Body>, Response<Body>> {
    let password = SecretString::from(form.password);
    let typed = NewPasswordForm { password_again: password.clone(), password };
    let devices = call.state().auth.take_over(&form.uid, form.token.expose(), &typed, &call.origin()).await;
    call.recovered(devices.map_err(|error| call.refuse(error))?).await;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Mail the link and the code again.
#[utoipa::path(post, path = "/me/confirmation", tag = "Accounts", operation_id = "resend_confirmation", security(("bearer" = [])),
    responses((status = 202, description = "A mail is on its way, unless the address is confirmed already.", body = Asked)))]
pub(super) async fn resend(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let sent = call.state().auth.resend_confirmation(&principal, &call.origin()).await;
    sent.map_err(|error| call.refuse(error))?;
    let expires_in = call.state().settings.confirmation.link_lifetime;
    Ok(call.answer_with(StatusCode::ACCEPTED, &Asked { expires_in, request_token: None }))
}

impl Call {
    /// Cookies that the request carries, and that are of no use any more.
    pub(super) fn clear_kept(&self, kinds: &[Kind]) {
        if self.has_cookies() {
            self.clear(kinds);
        }
    }

    /// A refused sign-in or registration, told as the pages tell it.
    pub(super) fn refuse_login(&self, error: AuthError) -> Response<Body> {
        let problem: Problem = self.told_of_confirmation(error);
        self.refuse(problem)
    }
}
