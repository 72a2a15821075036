//! The sentences of Django, and which of ours stands for which of theirs.

use super::{
    Ask,
    answer::{Faults, Refusal},
};
use crate::{
    domain::{
        credential::{EMAIL_MAX_BYTES, Email, USERNAME_MAX, USERNAME_MIN, Username},
        problem::FieldError,
    },
    server::auth::{About, AuthError, PasswordFault},
};
use secrecy::SecretString;

/// Whatever is wrong with a sign-in.
pub const ONE_OF_US: &str = "No active account found with the given credentials";
/// The password is right, or was: this door cannot ask for more.
pub const FACTOR_REQUIRED: &str = "This account needs a second factor. Sign in on our own pages.";
/// The password is right, and a factor is to be set up first.
pub const ENROLMENT_REQUIRED: &str = "This account must set up a second factor first. Sign in on our own pages.";
/// A password given as proof.
pub const WRONG_PASSWORD: &str = "Invalid password.";
/// Typed twice and not the same.
pub const TWO_PASSWORDS: &str = "The two password fields didn't match.";
/// The same of a user name.
pub const TWO_USERNAMES: &str = "The two username fields didn't match.";
/// A link's first half.
pub const WRONG_UID: &str = "Invalid user id or user doesn't exist.";
/// A link's second half.
pub const WRONG_TOKEN: &str = "Invalid token for given user.";
/// A link that has nothing left to do.
pub const STALE_TOKEN: &str = "Stale token for given user.";

const WRONG_EMAIL: &str = "Enter a valid email address.";
const EMAIL_TAKEN: &str = "user with this email already exists.";
const WRONG_USERNAME: &str =
    "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";
const USERNAME_TAKEN: &str = "A user with that username already exists.";
const COMMON: &str = "This password is too common.";
const NUMERIC: &str = "This password is entirely numeric.";

/// What was typed, as far as a refusal is explained by it.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// The user name.
    pub username: &'a str,
    /// The new password.
    pub password: Option<&'a SecretString>,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
}

impl Typed<'_> {
    /// Nothing.
    pub const NOTHING: Self = Self { email: "", username: "", password: None, first_name: "", last_name: "" };
}

/// What is wrong with an address, if it is none.
///
/// # Errors
/// Django's sentence.
pub fn email(typed: &str) -> Result<Email, String> {
    Email::parse(typed).map_err(|_| match typed.len() > EMAIL_MAX_BYTES {
        true => format!("Ensure this field has no more than {EMAIL_MAX_BYTES} characters."),
        false => WRONG_EMAIL.to_owned(),
    })
}

/// What is wrong with a user name, if it is none.
///
/// # Errors
/// Django's sentence, or ours where Django's would mislead: here a name has no `@`.
pub fn username(typed: &str) -> Result<Username, String> {
    let length = typed.chars().count();
    Username::parse(typed).map_err(|ours| {
        if length > USERNAME_MAX {
            format!("Ensure this field has no more than {USERNAME_MAX} characters.")
        } else if typed.contains('@') {
            ours
        } else if length < USERNAME_MIN && typed.chars().all(char::is_alphanumeric) {
            format!("Ensure this field has at least {USERNAME_MIN} characters.")
        } else {
            WRONG_USERNAME.to_owned()
        }
    })
}

impl Ask {
    /// A refusal of the service in Django's words. `names` says what the service's fields are called here.
    pub fn refused(&self, error: AuthError, typed: Typed<'_>, names: &[(&str, &str)]) -> Refusal {
        let AuthError::Invalid(errors) = error else { return error.into() };
        // As in Django: the password is judged once everything else is right.
        let others = errors.iter().any(|error| error.field != "password");
        let mut faults = Faults::default();
        for error in errors.iter().filter(|error| !others || error.field != "password") {
            let name =
                names.iter().find(|(ours, _)| *ours == error.field).map_or(error.field.as_str(), |(_, theirs)| theirs);
            for message in self.in_words(error, typed) {
                faults.add(name, message);
            }
        }
        Refusal::Fields(faults)
    }

    fn in_words(&self, error: &FieldError, typed: Typed<'_>) -> Vec<String> {
        let ours = || error.message.clone();
        let one = match error.field.as_str() {
            "email" => match email(typed.email) {
                Err(theirs) => theirs,
                Ok(email) if self.state.auth.allows_address(&email) => EMAIL_TAKEN.to_owned(),
                Ok(_) => ours(),
            },
            "username" => match username(typed.username) {
                Err(theirs) => theirs,
                Ok(name) if self.state.auth.allows_name(&name) => USERNAME_TAKEN.to_owned(),
                Ok(_) => ours(),
            },
            "current_password" => WRONG_PASSWORD.to_owned(),
            "password" => {
                let faults = typed.password.map(|password| self.password_faults(password, typed)).unwrap_or_default();
                return if faults.is_empty() { vec![ours()] } else { faults };
            }
            _ => ours(),
        };
        vec![one]
    }

    fn password_faults(&self, password: &SecretString, typed: Typed<'_>) -> Vec<String> {
        let about = About {
            username: typed.username,
            email: typed.email,
            first_name: typed.first_name,
            last_name: typed.last_name,
        };
        let faults = self.state.auth.password_faults(password, about);
        let said = |fault: PasswordFault| match fault {
            PasswordFault::SimilarTo(what) => format!("The password is too similar to the {what}."),
            PasswordFault::Short(least) => {
                format!("This password is too short. It must contain at least {least} characters.")
            }
            PasswordFault::Common => COMMON.to_owned(),
            PasswordFault::Numeric => NUMERIC.to_owned(),
        };
        faults.into_iter().map(said).collect()
    }
}
