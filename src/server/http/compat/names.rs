//! The addresses of two tutorials whose clients know first and last names.

use super::{
    Ask,
    answer::{Faults, Refusal, Told},
    users::New,
};
use crate::domain::account::AccountId;
use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Serialize;

#[derive(Serialize)]
struct Registered<'a> {
    username: &'a str,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
}

#[derive(Serialize)]
struct User<'a> {
    id: AccountId,
    username: &'a str,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
}

#[derive(Serialize)]
struct Profile<'a> {
    user: ProfileUser<'a>,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
}

/// No hash, no flags, no groups: those were a mistake of the tutorial.
#[derive(Serialize)]
struct ProfileUser<'a> {
    id: AccountId,
    username: &'a str,
    email: &'a str,
    date_joined: String,
}

/// `POST /api/auth/register/`
pub async fn register(ask: &Ask) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let username = ask.fields.text("username", &mut faults);
    let email = ask.fields.text("email", &mut faults);
    let password = ask.fields.password("password", &mut faults);
    let again = ask.fields.password("password2", &mut faults);
    let first_name = ask.fields.text_or_none("first_name", &mut faults);
    let last_name = ask.fields.text_or_none("last_name", &mut faults);
    // Not a secret comparison: both texts came in the same request.
    let differs = password.as_ref().zip(again).is_some_and(|(one, two)| one.expose_secret() != two.expose_secret());
    let mismatch = differs.then(|| Faults::one("password", "Password fields didn't match."));
    let order = ["username", "email", "password", "password2", "first_name", "last_name"];
    let form = New { email, username, password, first_name: first_name.clone(), last_name: last_name.clone() };
    let made = form.register(ask, faults, &order, mismatch).await?;
    let body =
        Registered { username: &made.username, email: &made.email, first_name: &first_name, last_name: &last_name };
    Ok(Told::json(StatusCode::CREATED, &body))
}

/// `GET /api/auth/user/`
pub fn user(ask: &Ask) -> Result<Told, Refusal> {
    let account = &ask.principal()?.account;
    let body = User {
        id: account.id,
        username: &account.username,
        email: &account.email,
        first_name: &account.first_name,
        last_name: &account.last_name,
    };
    Ok(Told::json(StatusCode::OK, &body))
}

/// `GET /api/profile`
pub fn profile(ask: &Ask) -> Result<Told, Refusal> {
    let account = &ask.principal()?.account;
    let user = ProfileUser {
        id: account.id,
        username: &account.username,
        email: &account.email,
        date_joined: account.created_at.rfc3339(),
    };
    let body = Profile { user, first_name: &account.first_name, last_name: &account.last_name, email: &account.email };
    Ok(Told::json(StatusCode::OK, &body))
}
