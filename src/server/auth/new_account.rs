//! What a new account is called, judged field by field: the same for who registers and for an operator.

use super::{About, AuthError, AuthService, RegistrationForm, RegistrationRules};
use crate::{
    domain::{
        account::AccountId,
        credential::{Email, NewPassword, PersonName, Username},
        problem::FieldError,
    },
    server::store::accounts::NewAccount,
};

/// The form's fields from top to bottom: errors stand in that order, so that the first one is the one to go to.
const FORM: [&str; 6] = ["email", "username", "password", "password_again", "first_name", "last_name"];

/// The names of a new account, each of them acceptable.
pub(super) struct Names {
    pub(super) email: Email,
    pub(super) username: Username,
    pub(super) first_name: PersonName,
    pub(super) last_name: PersonName,
}

impl Names {
    /// The row of such an account.
    pub(super) fn row(&self, id: AccountId, password_hash: Option<String>) -> NewAccount {
        NewAccount {
            id,
            email: self.email.as_str().to_owned(),
            email_key: self.email.key().to_owned(),
            username: self.username.as_str().to_owned(),
            username_key: self.username.key().to_owned(),
            first_name: self.first_name.as_str().to_owned(),
            last_name: self.last_name.as_str().to_owned(),
            password_hash,
        }
    }
}

/// The names as far as they are acceptable, and what is wrong with the others.
struct Judged {
    email: Option<Email>,
    username: Option<Username>,
    first_name: Option<PersonName>,
    last_name: Option<PersonName>,
    errors: Vec<FieldError>,
}

impl AuthService {
    /// The names and the new password of a form.
    ///
    /// # Errors
    /// `Invalid` with every field that is not acceptable; `Busy`.
    pub(super) async fn acceptable(&self, form: &RegistrationForm) -> Result<(Names, NewPassword), AuthError> {
        let mut judged = Judged::of(form, &self.parts.rules);
        match self.new_password(&form.password, &form.password_again, judged.about()).await {
            Ok(password) => judged.names().map(|names| (names, password)),
            Err(AuthError::Invalid(more)) => {
                judged.errors.extend(more);
                judged.names().and(Err(AuthError::Invalid(Vec::new())))
            }
            Err(error) => Err(error),
        }
    }

    /// The names of a form whose password is nobody's concern.
    ///
    /// # Errors
    /// `Invalid` with every field that is not acceptable.
    pub(super) fn acceptable_names(&self, form: &RegistrationForm) -> Result<Names, AuthError> {
        Judged::of(form, &self.parts.rules).names()
    }
}

impl Judged {
    fn of(form: &RegistrationForm, rules: &RegistrationRules) -> Self {
        let mut errors = Vec::new();
        let mut note = |field: &'static str, message: String| errors.push(FieldError::new(field, message));
        let email = Email::parse(&form.email).and_then(|email| rules.check_email(&email).map(|()| email));
        let email = email.map_err(|message| note("email", message)).ok();
        let username = Username::parse(&form.username).and_then(|name| rules.check_username(&name).map(|()| name));
        let username = username.map_err(|message| note("username", message)).ok();
        let first_name = PersonName::parse(&form.first_name).map_err(|message| note("first_name", message)).ok();
        let last_name = PersonName::parse(&form.last_name).map_err(|message| note("last_name", message)).ok();
        Self { email, username, first_name, last_name, errors }
    }

    fn about(&self) -> About<'_> {
        About {
            username: self.username.as_ref().map_or("", Username::as_str),
            email: self.email.as_ref().map_or("", Email::as_str),
            first_name: self.first_name.as_ref().map_or("", PersonName::as_str),
            last_name: self.last_name.as_ref().map_or("", PersonName::as_str),
        }
    }

    fn names(mut self) -> Result<Names, AuthError> {
        match (self.email, self.username, self.first_name, self.last_name) {
            (Some(email), Some(username), Some(first_name), Some(last_name)) if self.errors.is_empty() => {
                Ok(Names { email, username, first_name, last_name })
            }
            _ => {
                self.errors.sort_by_key(|error| FORM.iter().position(|field| *field == error.field));
                Err(AuthError::Invalid(self.errors))
            }
        }
    }
}
