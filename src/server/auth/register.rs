//! Registering an account.

use super::{
    About, AuthError, AuthService,
    session::{Opened, Origin},
};
use crate::{
    domain::{
        credential::{Email, NewPassword, PersonName, Username},
        problem::FieldError,
    },
    server::{
        entropy::{random_account_id, random_id},
        store::{
            StoreError,
            accounts::{self, NewAccount},
            outbox::{self, MailKind, NewMail},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

/// Seconds after which a notice about a registration is no news any more: one day.
const NOTICE_LIFETIME: i64 = 86_400;

/// The form's fields from top to bottom: errors stand in that order, so that the first one is the one to go to.
const FORM: [&str; 6] = ["email", "username", "password", "password_again", "first_name", "last_name"];

/// What the form for a new account holds, as it was typed.
#[derive(Debug)]
#[expect(missing_docs, reason = "the form's own fields")]
pub struct RegistrationForm {
    pub email: String,
    pub username: String,
    pub password: SecretString,
    pub password_again: SecretString,
    pub first_name: String,
    pub last_name: String,
}

/// What became of a registration.
#[derive(Debug)]
pub enum Registered {
    /// The account is there and signed in.
    SignedIn(Opened),
    /// By the settings nobody is signed in, and the answer does not tell whether the address had an account already.
    GoAndSignIn,
}

/// The form, once each field is acceptable.
struct Acceptable {
    email: Email,
    username: Username,
    password: NewPassword,
    first_name: PersonName,
    last_name: PersonName,
}

impl AuthService {
    /// Makes an account and, by the settings, signs it in.
    ///
    /// # Errors
    /// `Invalid` with every field that is not acceptable; `Busy`; `Unavailable`.
    pub async fn register(
        &self,
        form: RegistrationForm,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<Registered, AuthError> {
        let form = self.acceptable(&form).await?;
        let hash = self.parts.hasher.hash(form.password.secret().clone()).await?;
        let account = NewAccount {
            id: random_account_id(self.parts.entropy.as_ref()),
            email: form.email.as_str().to_owned(),
            email_key: form.email.key().to_owned(),
            username: form.username.as_str().to_owned(),
            username_key: form.username.key().to_owned(),
            first_name: form.first_name.as_str().to_owned(),
            last_name: form.last_name.as_str().to_owned(),
            password_hash: hash,
        };
        let sign_in = self.parts.settings.registration.sign_in;
        let opening = sign_in.then(|| self.opening(account.id, 0, false, origin, held)).transpose()?;
        let answer = opening.as_ref().map(|opening| opening.opened.clone());
        let now = self.parts.clock.now();
        let keys = (account.email_key.clone(), account.username_key.clone());
        let written = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::insert(tx, &account, now).await?;
                match opening {
                    Some(opening) => opening.write(tx).await,
                    None => Ok(()),
                }
            })
        });
        match written.await {
            Ok(()) => Ok(answer.map_or(Registered::GoAndSignIn, Registered::SignedIn)),
            Err(StoreError::Taken) => self.taken(keys.0, keys.1, sign_in).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Says which key is in use; without sign-in the owner of the address is told instead of the caller.
    async fn taken(&self, email_key: String, username_key: String, sign_in: bool) -> Result<Registered, AuthError> {
        let taken = accounts::taken_keys(&mut *self.parts.store.read().await?, &email_key, &username_key).await?;
        let mut errors = Vec::new();
        if sign_in && taken.email.is_some() {
            errors.push(FieldError::new("email", "There is already an account with this address. Sign in instead."));
        }
        if taken.username {
            errors.push(FieldError::new("username", "This user name is taken. Please choose another one."));
        }
        match (errors.is_empty(), taken.email) {
            (true, Some(owner)) => {
                let now = self.parts.clock.now();
                let mail = NewMail {
                    id: random_id(self.parts.entropy.as_ref()),
                    kind: MailKind::RegistrationAttempt,
                    account: Some(owner),
                    ticket: None,
                    give_up_at: now.plus(NOTICE_LIFETIME),
                };
                let write =
                    self.parts.store.write(move |tx| Box::pin(async move { outbox::insert(tx, &mail, now).await }));
                write.await?;
                self.parts.mail.notify_one();
                Ok(Registered::GoAndSignIn)
            }
            // The id was in use, or who had the keys has just gone: trying again works.
            (true, None) => Err(AuthError::Busy),
            (false, _) => Err(AuthError::Invalid(errors)),
        }
    }

    async fn acceptable(&self, form: &RegistrationForm) -> Result<Acceptable, AuthError> {
        let mut errors = Vec::new();
        let mut note = |field: &'static str, message: String| errors.push(FieldError::new(field, message));
        let email = Email::parse(&form.email).map_err(|message| note("email", message)).ok();
        let username = Username::parse(&form.username).map_err(|message| note("username", message)).ok();
        let first_name = PersonName::parse(&form.first_name).map_err(|message| note("first_name", message)).ok();
        let last_name = PersonName::parse(&form.last_name).map_err(|message| note("last_name", message)).ok();
        let about = About {
            username: username.as_ref().map_or("", Username::as_str),
            email: email.as_ref().map_or("", Email::as_str),
            first_name: first_name.as_ref().map_or("", PersonName::as_str),
            last_name: last_name.as_ref().map_or("", PersonName::as_str),
        };
        let password = match self.new_password(&form.password, &form.password_again, about).await {
            Ok(password) => Some(password),
            Err(AuthError::Invalid(more)) => {
                errors.extend(more);
                None
            }
            Err(error) => return Err(error),
        };
        match (email, username, password, first_name, last_name) {
            (Some(email), Some(username), Some(password), Some(first_name), Some(last_name)) => {
                Ok(Acceptable { email, username, password, first_name, last_name })
            }
            _ => {
                errors.sort_by_key(|error| FORM.iter().position(|field| *field == error.field));
                Err(AuthError::Invalid(errors))
            }
        }
    }

    /// A new password typed twice, if it is good enough. Judging it takes milliseconds, so the hashing threads do it.
    ///
    /// # Errors
    /// `Invalid` with what is wrong with it; `Busy`.
    pub(super) async fn new_password(
        &self,
        typed: &SecretString,
        again: &SecretString,
        about: About<'_>,
    ) -> Result<NewPassword, AuthError> {
        let (service, password) = (self.clone(), typed.clone());
        let [username, email, first_name, last_name] =
            [about.username, about.email, about.first_name, about.last_name].map(str::to_owned);
        let judged = self.parts.hasher.beside(move || {
            let about = About { username: &username, email: &email, first_name: &first_name, last_name: &last_name };
            service.parts.policy.check(&password, about)
        });
        let refuse = |field, message: String| Err(AuthError::Invalid(vec![FieldError::new(field, message)]));
        match judged.await? {
            Err(message) => refuse("password", message),
            // Not a secret comparison: both texts came in the same request.
            Ok(_) if typed.expose_secret() != again.expose_secret() => {
                refuse("password_again", "The two passwords are not the same. Please type them again.".to_owned())
            }
            Ok(password) => Ok(password),
        }
    }
}
