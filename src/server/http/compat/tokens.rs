//! Tokens: made, exchanged, verified, ended.

use super::{
    Ask, Dialect,
    answer::{Faults, Refusal, Told, WHOLE},
    input::Fields,
};
use crate::server::auth::{AuthError, LoginForm, TokenFault};
use axum::http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

const UNABLE: &str = "Unable to log in with provided credentials.";

#[derive(Serialize)]
struct Pair<'a> {
    refresh: &'a str,
    access: &'a str,
}

#[derive(Serialize)]
struct Refreshed<'a> {
    access: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<&'a str>,
}

#[derive(Serialize)]
struct Kept<'a> {
    auth_token: &'a str,
}

#[derive(Serialize)]
struct Nothing {}

/// `username` is a user name or an e-mail address, and so is `email`.
fn login_form(fields: &Fields, remember: bool, faults: &mut Faults) -> Option<LoginForm> {
    let name = if fields.has("username") || !fields.has("email") { "username" } else { "email" };
    let identifier = fields.text(name, faults);
    let password = fields.password("password", faults);
    let (identifier, password) = identifier.zip(password)?;
    Some(LoginForm { identifier, password, remember, next: None })
}

/// `POST /auth/jwt/create/`
pub async fn create(ask: &Ask, dialect: Dialect) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let form = login_form(&ask.fields, false, &mut faults);
    faults.refuse()?;
    let form = form.ok_or(Refusal::Empty)?;
    let pair = ask.state.auth.log_in_elsewhere(&form, &ask.origin, dialect == Dialect::Named).await?;
    let body = Pair { refresh: pair.refresh.expose_secret(), access: pair.access.expose_secret() };
    Ok(Told::json(StatusCode::OK, &body))
}

/// `POST /auth/jwt/refresh/`
pub async fn refresh(ask: &Ask, dialect: Dialect) -> Result<Told, Refusal> {
    let token = the_token(ask, "refresh")?;
    let pair = ask.state.auth.refresh_elsewhere(token.expose_secret(), &ask.origin, dialect == Dialect::Named).await?;
    let tells_refresh = pair.rotated || dialect != Dialect::Djoser;
    let body =
        Refreshed { access: pair.access.expose_secret(), refresh: tells_refresh.then(|| pair.refresh.expose_secret()) };
    Ok(Told::json(StatusCode::OK, &body))
}

/// `POST /auth/jwt/verify/`
pub async fn verify(ask: &Ask) -> Result<Told, Refusal> {
    let token = the_token(ask, "token")?;
    match ask.state.auth.verify_elsewhere(token.expose_secret()).await {
        Ok(()) => Ok(Told::json(StatusCode::OK, &Nothing {})),
        Err(TokenFault::Ended) => Err(Refusal::field(WHOLE, "Token is blacklisted")),
        Err(fault) => Err(fault.into()),
    }
}

/// `POST /auth/logout/`: the refresh token is all that is asked for, and nothing is said.
pub async fn log_out(ask: &Ask) -> Result<Told, Refusal> {
    let token = the_token(ask, "refresh").map_err(|_| Refusal::Empty)?;
    match ask.state.auth.log_out_elsewhere(token.expose_secret(), &ask.origin).await {
        Ok(()) => Ok(Told::empty(StatusCode::OK)),
        Err(TokenFault::Other(error)) => Err(error.into()),
        Err(_) => Err(Refusal::Empty),
    }
}

/// `POST /auth/token/login/`
pub async fn log_in_for_long(ask: &Ask) -> Result<Told, Refusal> {
    let unable = || Refusal::field(WHOLE, UNABLE);
    let form = login_form(&ask.fields, true, &mut Faults::default()).ok_or_else(unable)?;
    match ask.state.auth.log_in_for_long(&form, &ask.origin).await {
        Ok(token) => Ok(Told::json(StatusCode::OK, &Kept { auth_token: token.expose_secret() })),
        Err(AuthError::WrongCredentials | AuthError::Invalid(_)) => Err(unable()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /auth/token/logout/`
pub async fn end(ask: &Ask) -> Result<Told, Refusal> {
    ask.state.auth.end_this_session(ask.principal()?, &ask.origin).await?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

fn the_token(ask: &Ask, name: &str) -> Result<SecretString, Refusal> {
    let mut faults = Faults::default();
    let token = ask.fields.text(name, &mut faults).map(SecretString::from);
    faults.refuse()?;
    token.ok_or(Refusal::Empty)
}
