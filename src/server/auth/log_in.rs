//! Signing in with a password.

use super::{
    AuthError, AuthService,
    session::{Opened, Origin},
};
use crate::{
    domain::{
        credential::{LoginIdentifier, TypedPassword},
        problem::FieldError,
    },
    server::store::accounts::{self, StoredAccount},
};
use secrecy::{ExposeSecret as _, SecretString};

/// What the login form holds, as it was typed.
#[derive(Debug)]
pub struct LoginForm {
    /// User name or e-mail address.
    pub identifier: String,
    /// The password.
    pub password: SecretString,
    /// Keep me signed in.
    pub remember: bool,
    /// Where to go afterwards; untrusted.
    pub next: Option<String>,
}

impl AuthService {
    /// Opens a session for whoever knows the password. Unknown names cost and read the same as wrong passwords.
    ///
    /// # Errors
    /// `WrongCredentials` for every cause; `Invalid` if a field is empty; `Busy`; `Unavailable`.
    pub async fn log_in(&self, form: &LoginForm, origin: &Origin, held: Option<&str>) -> Result<Opened, AuthError> {
        let (identifier, password) = self.typed(form)?;
        let found = self.find(&identifier).await?;
        let stored = found.as_ref().and_then(|account| account.password_hash.clone());
        // Text that can be no password costs what a wrong one costs.
        let (secret, possible) = match password {
            Some(password) => (password.secret().clone(), true),
            None => (SecretString::from(String::new()), false),
        };
        let verdict = self.parts.hasher.verify(secret.clone(), stored.clone()).await?;
        let account = found.filter(|account| possible && verdict.matches && account.is_active());
        let (Some(account), Some(hash)) = (account, stored) else {
            tracing::info!(event = "login_failed", ip = %origin.ip, "a sign-in was refused");
            return Err(AuthError::WrongCredentials);
        };
        let id = account.account.id;
        // If the hasher is too busy for it, the old hash stands until the next sign-in: nobody is sent away for that.
        let better = if verdict.stale { self.parts.hasher.hash(secret).await.ok() } else { None };
        let opening = self.opening(id, account.security_epoch, form.remember, origin, held)?;
        let opened = opening.opened.clone();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                if let Some(better) = better {
                    accounts::rehash(tx, id, &hash, &better).await?;
                }
                opening.write(tx).await
            })
        });
        write.await?;
        tracing::info!(event = "login", account = %id, ip = %origin.ip, "signed in");
        Ok(opened)
    }

    fn typed(&self, form: &LoginForm) -> Result<(LoginIdentifier, Option<TypedPassword>), AuthError> {
        let mut errors = Vec::new();
        let identifier = LoginIdentifier::parse(&form.identifier);
        if let Err(message) = &identifier {
            errors.push(FieldError::new("identifier", message));
        }
        if form.password.expose_secret().is_empty() {
            errors.push(FieldError::new("password", "Enter your password."));
        }
        match identifier {
            Ok(identifier) if errors.is_empty() => {
                let most = self.parts.settings.password.max_length;
                Ok((identifier, TypedPassword::parse(&form.password, most)))
            }
            _ => Err(AuthError::Invalid(errors)),
        }
    }

    async fn find(&self, identifier: &LoginIdentifier) -> Result<Option<StoredAccount>, AuthError> {
        let mut tx = self.parts.store.read().await?;
        Ok(match identifier {
            LoginIdentifier::Email(key) => accounts::find_by_email(&mut tx, key).await?,
            LoginIdentifier::Username(key) => accounts::find_by_username(&mut tx, key).await?,
            // A name that nobody can have is looked for all the same, so that it takes as long.
            LoginIdentifier::Unknown => accounts::find_by_username(&mut tx, "").await?,
        })
    }
}
