//! Accounts: made, read, changed, left. Everybody sees and changes only their own.

use super::{
    Ask,
    answer::{Faults, Refusal, Told, WHOLE},
    words::{self, TWO_PASSWORDS, TWO_USERNAMES, Typed},
};
use crate::{
    domain::account::{Account, AccountId},
    server::{
        auth::{NewPasswordForm, Principal, RegistrationForm},
        settings::Settings,
    },
};
use axum::http::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

/// An account that was just made.
#[derive(Serialize)]
struct Made<'a> {
    email: &'a str,
    username: &'a str,
    id: AccountId,
}

/// An account.
#[derive(Serialize)]
struct User<'a> {
    email: &'a str,
    id: AccountId,
    username: &'a str,
}

impl<'a> User<'a> {
    fn of(account: &'a Account) -> Self {
        Self { email: &account.email, id: account.id, username: &account.username }
    }
}

#[derive(Serialize)]
struct Root {
    users: String,
}

/// `GET /auth/`
pub fn root(ask: &Ask) -> Result<Told, Refusal> {
    let users = format!("{}/auth/users/", ask.state.settings.server.public_url);
    Ok(Told::json(StatusCode::OK, &Root { users }))
}

/// `GET /auth/users/`: nobody but oneself.
pub fn list(ask: &Ask) -> Result<Told, Refusal> {
    Ok(Told::json(StatusCode::OK, &[User::of(&ask.principal()?.account)]))
}

/// `POST /auth/users/`
pub async fn register(ask: &Ask) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let email = ask.fields.text("email", &mut faults);
    let username = ask.fields.text("username", &mut faults);
    let password = ask.fields.password("password", &mut faults);
    let again = retyped(ask, ("password", password.as_ref()), "re_password", &mut faults);
    let form = New { email, username, password, first_name: String::new(), last_name: String::new() };
    let made = form.register(ask, faults, &["email", "username", "password", "re_password"], again).await?;
    let body = Made { email: &made.email, username: &made.username, id: made.id };
    Ok(Told::json(StatusCode::CREATED, &body))
}

/// What a form for a new account holds, as far as it was given.
pub struct New {
    pub email: Option<String>,
    pub username: Option<String>,
    pub password: Option<SecretString>,
    pub first_name: String,
    pub last_name: String,
}

/// The account that came of it, or as it would look.
pub struct NewUser {
    pub email: String,
    pub username: String,
    pub id: AccountId,
}

impl New {
    /// Makes the account. `faults` is what is wrong already, `order` that of the form's fields, and `mismatch` what was typed
    /// twice and is not the same.
    pub async fn register(
        self,
        ask: &Ask,
        mut faults: Faults,
        order: &[&str],
        mismatch: Option<Faults>,
    ) -> Result<NewUser, Refusal> {
        let email = self.email.and_then(|typed| words::email(&typed).map_err(|said| faults.add("email", said)).ok());
        let username =
            self.username.and_then(|typed| words::username(&typed).map_err(|said| faults.add("username", said)).ok());
        faults.in_order(order).refuse()?;
        mismatch.map_or(Ok(()), Faults::refuse)?;
        let (Some(email), Some(username), Some(password)) = (email, username, self.password) else {
            return Err(Refusal::Empty);
        };
        let (email, username) = (email.as_str().to_owned(), username.as_str().to_owned());
        let form = RegistrationForm {
            email: email.clone(),
            username: username.clone(),
            password: password.clone(),
            password_again: password.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            website: String::new(),
        };
        let typed = Typed {
            email: &email,
            username: &username,
            password: Some(&password),
            first_name: &self.first_name,
            last_name: &self.last_name,
        };
        match ask.state.auth.register_elsewhere(form, &ask.origin).await {
            Ok(id) => Ok(NewUser { email, username, id }),
            Err(error) => Err(ask.refused(error, typed, &[])),
        }
    }
}

/// A second typing, where the settings ask for it: what is wrong with it, if it is there.
pub fn retyped(
    ask: &Ask,
    (first, typed): (&str, Option<&SecretString>),
    second: &str,
    faults: &mut Faults,
) -> Option<Faults> {
    if !asks_twice(&ask.state.settings) {
        return None;
    }
    let again = ask.fields.password(second, faults)?;
    // Not a secret comparison: both texts came in the same request.
    let differs = typed.is_some_and(|typed| typed.expose_secret() != again.expose_secret());
    let message = if first == "new_username" { TWO_USERNAMES } else { TWO_PASSWORDS };
    differs.then(|| Faults::one(WHOLE, message))
}

const fn asks_twice(settings: &Settings) -> bool {
    settings.compat.retype
}

/// `/auth/users/me/`
pub async fn me(ask: &Ask) -> Result<Told, Refusal> {
    let principal = ask.principal()?;
    match ask.method {
        Method::PUT | Method::PATCH => change(ask, principal).await,
        Method::DELETE => leave(ask, principal).await,
        _ => Ok(Told::json(StatusCode::OK, &User::of(&principal.account))),
    }
}

/// `/auth/users/{id}/`: as `me` for oneself; nobody else is there.
pub async fn by_id(ask: &Ask) -> Result<Told, Refusal> {
    let own = ask.principal()?.account.id.to_string();
    if ask.id.as_deref() == Some(own.as_str()) {
        return me(ask).await;
    }
    match ask.method {
        Method::DELETE => Err(Refusal::forbidden("You do not have permission to perform this action.")),
        _ => Err(Refusal::Detail(StatusCode::NOT_FOUND, "Not found.".to_owned(), None)),
    }
}

/// Another address is asked for by mail and counts once it has answered: until then the answer shows the present one.
async fn change(ask: &Ask, principal: &Principal) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let typed = if ask.fields.has("email") { ask.fields.text("email", &mut faults) } else { None };
    let email = typed.and_then(|typed| words::email(&typed).map_err(|said| faults.add("email", said)).ok());
    faults.refuse()?;
    if let Some(email) = email.filter(|email| email.as_str() != principal.account.email) {
        let asked = ask.state.auth.request_email_change(principal, email.as_str(), &ask.origin).await;
        asked.map_err(|error| ask.refused(error, Typed { email: email.as_str(), ..Typed::NOTHING }, &[]))?;
    }
    Ok(Told::json(StatusCode::OK, &User::of(&principal.account)))
}

async fn leave(ask: &Ask, principal: &Principal) -> Result<Told, Refusal> {
    let mut faults = Faults::default();
    let current = ask.fields.password("current_password", &mut faults);
    faults.refuse()?;
    let proven = proven(ask, principal, current.as_ref()).await?;
    ask.state.auth.request_deletion(&proven, &ask.origin).await?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

/// `POST /auth/users/set_password/`
pub async fn set_password(ask: &Ask) -> Result<Told, Refusal> {
    let principal = ask.principal()?;
    let mut faults = Faults::default();
    let new = ask.fields.password("new_password", &mut faults);
    let mismatch = retyped(ask, ("new_password", new.as_ref()), "re_new_password", &mut faults);
    let current = ask.fields.password("current_password", &mut faults);
    faults.refuse()?;
    let (Some(new), Some(current)) = (new, current) else { return Err(Refusal::Empty) };
    if mismatch.is_some() {
        proven(ask, principal, Some(&current)).await?;
    }
    mismatch.map_or(Ok(()), Faults::refuse)?;
    let form = NewPasswordForm { password: new.clone(), password_again: new.clone() };
    let changed = ask.state.auth.change_password_elsewhere(principal, &current, &form, &ask.origin).await;
    changed.map_err(|error| ask.refused(error, of(&principal.account, Some(&new)), &[("password", "new_password")]))?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

/// `POST /auth/users/set_username/`
pub async fn set_username(ask: &Ask) -> Result<Told, Refusal> {
    let principal = ask.principal()?;
    let mut faults = Faults::default();
    let current = ask.fields.password("current_password", &mut faults);
    let typed = ask.fields.text("new_username", &mut faults);
    let secret = typed.clone().map(SecretString::from);
    let mismatch = retyped(ask, ("new_username", secret.as_ref()), "re_new_username", &mut faults);
    let name = typed.and_then(|typed| words::username(&typed).map_err(|said| faults.add("new_username", said)).ok());
    let order = ["current_password", "new_username", "re_new_username"];
    // A wrong password is told beside what is wrong with the name, as Djoser does it.
    let proven = match proven(ask, principal, current.as_ref()).await {
        Ok(proven) => Some(proven),
        Err(Refusal::Fields(_)) => {
            faults.add("current_password", words::WRONG_PASSWORD);
            None
        }
        Err(refusal) => return Err(refusal),
    };
    faults.in_order(&order).refuse()?;
    mismatch.map_or(Ok(()), Faults::refuse)?;
    let (Some(name), Some(proven)) = (name, proven) else { return Err(Refusal::Empty) };
    let changed = ask.state.auth.change_username(&proven, name.as_str(), &ask.origin).await;
    let typed = Typed { username: name.as_str(), ..Typed::NOTHING };
    changed.map_err(|error| ask.refused(error, typed, &[("username", "new_username")]))?;
    Ok(Told::empty(StatusCode::NO_CONTENT))
}

/// The caller with the proof that came in the same body.
async fn proven(ask: &Ask, principal: &Principal, current: Option<&SecretString>) -> Result<Principal, Refusal> {
    let Some(current) = current else { return Ok(principal.clone()) };
    let proven = ask.state.auth.prove_principal(principal, current, &ask.origin).await;
    proven.map_err(|error| ask.refused(error, Typed::NOTHING, &[]))
}

/// What a new password must have nothing to do with.
fn of<'a>(account: &'a Account, password: Option<&'a SecretString>) -> Typed<'a> {
    Typed {
        email: &account.email,
        username: &account.username,
        password,
        first_name: &account.first_name,
        last_name: &account.last_name,
    }
}
