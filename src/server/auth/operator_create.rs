//! What an operator does to make an account for somebody: by the rules of registration, open or not, with a password or
//! with a link to choose one.

use super::{
    AuthError, AuthService, RegistrationForm,
    audit::Noted,
    new_account::Names,
    operator::{IssuedLink, OperatorError, operator},
};
use crate::{
    domain::{
        account::{Account, AccountId},
        history::Event,
        time::Timestamp,
    },
    server::{
        entropy::random_account_id,
        store::{
            StoreError, Tx,
            accounts::{self, NewAccount},
            reservations::{self, Kept},
        },
    },
};
use secrecy::SecretString;

/// Whom to make an account for.
#[derive(Debug)]
pub struct NewUser {
    /// The e-mail address.
    pub email: String,
    /// The user name.
    pub username: String,
    /// First name, or empty.
    pub first_name: String,
    /// Last name, or empty.
    pub last_name: String,
    /// None: a link to choose one is made.
    pub password: Option<SecretString>,
    /// Count the address as confirmed.
    pub confirmed: bool,
    /// Make it an administrator's.
    pub admin: bool,
}

/// An account that was made.
#[derive(Debug)]
pub struct CreatedUser {
    /// The account.
    pub account: Account,
    /// The way to a password, where none was given.
    pub link: Option<IssuedLink>,
}

impl AuthService {
    /// Makes an account by the rules of registration, whether or not that is open, and at any pace. Nothing is mailed.
    ///
    /// # Errors
    /// `Invalid` with every field that is not acceptable, or in use; `Failed`.
    pub async fn create_user(&self, new: NewUser) -> Result<CreatedUser, OperatorError> {
        let has_password = new.password.is_some();
        let typed = new.password.unwrap_or_default();
        let form = RegistrationForm {
            email: new.email,
            username: new.username,
            password: typed.clone(),
            password_again: typed,
            first_name: new.first_name,
            last_name: new.last_name,
            website: String::new(),
        };
        let (names, hash) = if has_password {
            let (names, password) = self.acceptable(&form).await?;
            let hash = self.parts.hasher.hash(password.secret().clone()).await.map_err(AuthError::from)?;
            (names, Some(hash))
        } else {
            (self.acceptable_names(&form)?, None)
        };
        let id = random_account_id(self.parts.entropy.as_ref());
        let founding = self.founding(id, &names, hash, (new.confirmed, new.admin));
        let (service, now) = (self.clone(), self.parts.clock.now());
        let write = self.parts.store.write(move |tx| Box::pin(async move { founding.write(tx, &service, now).await }));
        match write.await {
            Ok(created) => Ok(created),
            Err(StoreError::Taken) => {
                self.refuse_taken(&names, true).await?;
                // Whoever had the name has let it go this very moment.
                Err(AuthError::Busy.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn founding(
        &self,
        id: AccountId,
        names: &Names,
        password_hash: Option<String>,
        (confirmed, admin): (bool, bool),
    ) -> Founding {
        let has_link = password_hash.is_none();
        let events = [(Event::Registered, true), (Event::Promoted, admin), (Event::ResetLinkIssued, has_link)];
        let noted = events.into_iter().filter(|(_, happens)| *happens);
        Founding {
            account: names.row(id, password_hash),
            confirmed,
            admin,
            noted: noted.map(|(event, _)| self.noted(event, Some(id), None, &operator())).collect(),
        }
    }
}

/// A new account and what is written with it.
struct Founding {
    account: NewAccount,
    confirmed: bool,
    admin: bool,
    noted: Vec<Noted>,
}

impl Founding {
    async fn write(self, tx: &mut Tx, service: &AuthService, now: Timestamp) -> Result<CreatedUser, StoreError> {
        let (new, id) = (&self.account, self.account.id);
        accounts::insert(tx, new, now).await?;
        reservations::refuse_kept(tx, Kept::Email, &new.email_key, id, now).await?;
        reservations::refuse_kept(tx, Kept::Username, &new.username_key, id, now).await?;
        if self.confirmed {
            accounts::confirm_email(tx, id, &new.email_key, now).await?;
        }
        if self.admin {
            accounts::set_admin(tx, id, Some(now)).await?;
        }
        let made = accounts::find(tx, id).await?.ok_or(StoreError::NotKept)?;
        let link = match new.password_hash {
            Some(_) => None,
            None => Some(service.issue_link(tx, (id, made.security_epoch), now).await?),
        };
        for noted in &self.noted {
            noted.write(tx, now).await?;
        }
        Ok(CreatedUser { account: made.account, link })
    }
}
