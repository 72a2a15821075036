//! What goes by mail: activation, a forgotten password, a forgotten user name.

use super::{
    Ask,
    answer::{Faults, Refusal, Told},
    users::retyped,
    words::{self, STALE_TOKEN, Typed, WRONG_TOKEN, WRONG_UID},
};
use crate::server::auth::{AuthError, LinkFault, ResetForm};
use axum::http::StatusCode;
use secrecy::SecretString;

/// `POST /auth/users/activation/`
pub async fn activate(ask: &Ask) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let link = link(ask, &mut faults);
    faults.refuse()?;
    let (uid, token) = link.ok_or(Refusal::Empty)?;
    let activated = ask.state.auth.activate(&uid, &token, &ask.origin).await;
    activated.map_err(|fault| refused_link(fault, |error| error.into()))?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

/// `POST /auth/users/resend_activation/`
pub async fn resend_activation(ask: &Ask) -> Result<Told, Refusal> {
    let email = email(ask)?;
    match ask.state.auth.resend_activation(&email, &ask.origin).await {
        Ok(()) => Ok(Told::empty(StatusCode::NO_CONTENT)),
        // Nobody is asked to confirm here.
        Err(AuthError::NotFound) => Err(Refusal::Empty),
        Err(error) => Err(ask.refused(error, Typed { email: &email, ..Typed::NOTHING }, &[])),
    }
}

/// `POST /auth/users/reset_password/`
pub async fn reset_password(ask: &Ask) -> Result<Told, Refusal> {
    let email = email(ask)?;
    let asked = ask.state.auth.request_password_reset_elsewhere(&email, &ask.origin).await;
    asked.map_err(|error| ask.refused(error, Typed { email: &email, ..Typed::NOTHING }, &[]))?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

/// `POST /auth/users/reset_password_confirm/`: the fields, then the account, the link, and last the password.
pub async fn confirm_password(ask: &Ask) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let link = link(ask, &mut faults);
    let password = ask.fields.password("new_password", &mut faults);
    let mismatch = retyped(ask, ("new_password", password.as_ref()), "re_new_password", &mut faults);
    faults.refuse()?;
    mismatch.map_or(Ok(()), Faults::refuse)?;
    let ((uid, token), password) = link.zip(password).ok_or(Refusal::Empty)?;
    let auth = &ask.state.auth;
    if !auth.knows_uid(&uid).await? {
        return Err(Refusal::field("uid", WRONG_UID));
    }
    if !auth.is_reset_link(&uid, &token).await? {
        return Err(Refusal::field("token", WRONG_TOKEN));
    }
    let form = ResetForm { uid, token, code: String::new(), password_again: password.clone(), password };
    match auth.confirm_password_reset(&form, None, &ask.origin).await {
        Ok(_) => Ok(Told::empty(StatusCode::NO_CONTENT)),
        Err(AuthError::InvalidTicket) => Err(Refusal::field("token", WRONG_TOKEN)),
        Err(error) => {
            let typed = Typed { password: Some(&form.password), ..Typed::NOTHING };
            Err(ask.refused(error, typed, &[("password", "new_password")]))
        }
    }
}

/// `POST /auth/users/reset_username/`
pub async fn reset_username(ask: &Ask) -> Result<Told, Refusal> {
    let email = email(ask)?;
    let asked = ask.state.auth.request_username_reset(&email, &ask.origin).await;
    asked.map_err(|error| ask.refused(error, Typed { email: &email, ..Typed::NOTHING }, &[]))?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

/// `POST /auth/users/reset_username_confirm/`: the name is looked at before the link.
pub async fn confirm_username(ask: &Ask) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let typed = ask.fields.text("new_username", &mut faults);
    let again = typed.clone().map(SecretString::from);
    let mismatch = retyped(ask, ("new_username", again.as_ref()), "re_new_username", &mut faults);
    let name = typed.and_then(|typed| words::username(&typed).map_err(|said| faults.add("new_username", said)).ok());
    faults.refuse()?;
    let mut faults = Faults::default();
    let link = link(ask, &mut faults);
    faults.refuse()?;
    mismatch.map_or(Ok(()), Faults::refuse)?;
    let ((uid, token), name) = link.zip(name).ok_or(Refusal::Empty)?;
    let confirmed = ask.state.auth.confirm_username_reset(&uid, &token, name.as_str(), &ask.origin).await;
    let typed = Typed { username: name.as_str(), ..Typed::NOTHING };
    confirmed
        .map_err(|fault| refused_link(fault, |error| ask.refused(error, typed, &[("username", "new_username")])))?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

fn link(ask: &Ask, faults: &mut Faults) -> Option<(String, String)> {
    let uid = ask.fields.text("uid", faults);
    let token = ask.fields.text("token", faults);
    uid.zip(token)
}

fn email(ask: &Ask) -> Result<String, Refusal> {
    let mut faults = Faults::default();
    let typed = ask.fields.text("email", &mut faults);
    let email = typed.and_then(|typed| words::email(&typed).map_err(|said| faults.add("email", said)).ok());
    faults.refuse()?;
    email.map(|email| email.as_str().to_owned()).ok_or(Refusal::Empty)
}

fn refused_link(fault: LinkFault, other: impl FnOnce(AuthError) -> Refusal) -> Refusal {
    match fault {
        LinkFault::Uid => Refusal::field("uid", WRONG_UID),
        LinkFault::Token => Refusal::field("token", WRONG_TOKEN),
        LinkFault::Stale => Refusal::forbidden(STALE_TOKEN),
        LinkFault::Other(error) => other(error),
    }
}
