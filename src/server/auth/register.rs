//! Registering an account.

use super::{
    About, AskedReset, AuthError, AuthService, LinkTo,
    audit::Noted,
    new_account::Names,
    session::{Opened, Opening, Origin, Whose},
    ticket::Issue,
};
use crate::{
    domain::{
        account::AccountId, credential::NewPassword, factor::SignInMethod, history::Event, problem::FieldError,
        time::Timestamp,
    },
    server::{
        entropy::random_account_id,
        settings::RequiredOf,
        store::{
            StoreError, Tx,
            accounts::{self, NewAccount},
            outbox::{self, MailKind, NewMail},
            reservations::{self, Kept},
            throttles::{self, Charge, Charged},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Whose reservations are nobody's: every one of them is somebody else's.
const NOBODY: AccountId = AccountId(0);

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
    /// A field that people do not see.
    pub website: String,
}

/// What became of a registration.
#[derive(Debug)]
pub enum Registered {
    /// The account is there and signed in.
    SignedIn(Opened),
    /// The address must be confirmed first. The answer does not tell whether it had an account already.
    ConfirmFirst(AskedReset),
    /// By the settings nobody is signed in, and the answer does not tell whether the address had an account already.
    GoAndSignIn,
}

/// What the door that a registration comes through decides.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Whether it signs in.
    pub(super) sign_in: bool,
    /// Whether it says that an address has an account.
    pub(super) tells_email: bool,
    /// Where the link of its mail leads.
    pub(super) links: LinkTo,
}

/// A registration that was taken, or seems so to who must not learn that the address has an account.
pub(super) struct Taking {
    /// The new account's id. Nobody's, with the same odds, where none was made.
    pub(super) id: AccountId,
    opened: Option<Opened>,
    asked: Option<AskedReset>,
}

/// A new account and what is written with it.
struct Making {
    account: NewAccount,
    opening: Option<Opening>,
    confirmation: Option<Issue>,
    noted: Vec<Noted>,
    /// Where the answer tells nothing of the address.
    telling: Option<Telling>,
}

/// What is written instead if the address has an account: the caller is told nothing, and its owner is.
struct Telling {
    /// How often the owner of an address is told.
    pace: Charge,
    /// The mail, of nobody until the owner is known.
    attempt: NewMail,
    confirmation: Option<Issue>,
    /// Until when the user name is kept, as it would be by an account that waits to be confirmed.
    name_until: Timestamp,
}

/// What the one transaction of a registration has written.
enum Written {
    /// The account.
    Made(Option<AskedReset>),
    /// The mail to who has the address already.
    Told(Option<AskedReset>),
}

impl AuthService {
    /// Makes an account and, by the settings, signs it in, or asks for the address to be confirmed first.
    ///
    /// # Errors
    /// `RegistrationClosed`; `Invalid` with every field that is not acceptable; `TooMany`; `Busy`; `Unavailable`.
    pub async fn register(
        &self,
        form: RegistrationForm,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<Registered, AuthError> {
        let required = self.requires_confirmation();
        // Where everyone must have a second factor, the first sign-in leads to it.
        let enrols = self.parts.settings.factors.required == RequiredOf::Everyone;
        let sign_in = self.parts.settings.registration.sign_in && !required && !enrols;
        let manner = Manner { sign_in, tells_email: sign_in, links: LinkTo::OwnPages };
        let taking = self.take_registration(form, manner, origin, held).await?;
        Ok(match taking.map(|taking| (taking.opened, taking.asked)) {
            Some((Some(opened), _)) => Registered::SignedIn(opened),
            // Nobody signs in there with an address that is not confirmed: what binds its mail to this browser is kept.
            Some((None, Some(asked))) if required || enrols => Registered::ConfirmFirst(asked),
            Some((None, _)) | None => Registered::GoAndSignIn,
        })
    }

    /// As [`AuthService::take_registration`], which counts what comes of it.
    pub(super) async fn check_and_take(
        &self,
        form: RegistrationForm,
        manner: Manner,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<Option<Taking>, AuthError> {
        if !self.parts.settings.registration.open {
            return Err(AuthError::RegistrationClosed);
        }
        // No person sees this field.
        if !form.website.trim().is_empty() {
            tracing::info!(event = "honeypot", ip = %origin.ip, "a form was filled in by a program");
            return Ok(None);
        }
        self.charge(&[self.password_charge(origin)]).await?;
        let (names, password) = self.acceptable(&form).await?;
        let limit = self.parts.settings.throttle.register;
        self.charge(&[self.limited("register", &origin.ip, limit)]).await?;
        let hash = self.parts.hasher.hash(password.secret().clone()).await?;
        let making = self.making(&names, hash.clone(), manner, origin, held)?;
        let (id, opened, written) = match self.write_making(making).await {
            Err(StoreError::Taken) => {
                self.refuse_taken(&names, manner.tells_email).await?;
                // Somebody was faster with the address, or has just let it go: now that is seen.
                let again = self.making(&names, hash, manner, origin, held)?;
                self.write_making(again).await.map_err(|error| match error {
                    StoreError::Taken => AuthError::Busy,
                    error => error.into(),
                })?
            }
            written => written?,
        };
        self.parts.mail.notify_one();
        let asked = match written {
            Written::Made(asked) => {
                tracing::info!(event = "registered", ip = %origin.ip, "an account was made");
                asked
            }
            Written::Told(asked) => {
                tracing::info!(event = "registration_attempt", ip = %origin.ip, "an address has an account already");
                asked
            }
        };
        Ok(Some(Taking { id, opened, asked }))
    }

    async fn write_making(&self, making: Making) -> Result<(AccountId, Option<Opened>, Written), StoreError> {
        let id = making.account.id;
        let opened = making.opening.as_ref().map(|opening| opening.opened.clone());
        let now = self.parts.clock.now();
        let write = self.parts.store.write(move |tx| Box::pin(async move { making.write(tx, now).await }));
        Ok((id, opened, write.await?))
    }

    fn making(
        &self,
        names: &Names,
        hash: String,
        manner: Manner,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<Making, AuthError> {
        let id = random_account_id(self.parts.entropy.as_ref());
        let opening = manner
            .sign_in
            .then(|| {
                let whose = Whose { id, epoch: 0, is_admin: false };
                self.opening(whose, SignInMethod::Password, false, origin, held)
            })
            .transpose()?;
        let sid = opening.as_ref().map(|opening| opening.new.sid.clone());
        let address = (names.email.as_str().to_owned(), names.email.key().to_owned());
        let mut noted = vec![self.noted(Event::Registered, Some(id), None, origin)];
        noted.extend(sid.map(|sid| self.noted(Event::LoggedIn, Some(id), Some(&sid), origin)));
        Ok(Making {
            account: names.row(id, Some(hash)),
            telling: (!manner.tells_email).then(|| self.telling(names, manner.links)),
            opening,
            confirmation: self.confirmation(Some((id, 0)), Some(address)).map(|asked| asked.leading(manner.links)),
            noted,
        })
    }

    fn telling(&self, names: &Names, links: LinkTo) -> Telling {
        let settings = &self.parts.settings.registration;
        Telling {
            pace: self.limited("mail-to", names.email.key(), self.parts.settings.throttle.mail_to),
            attempt: self.notice(MailKind::RegistrationAttempt, NOBODY, None),
            confirmation: self.confirmation(None, None).map(|asked| asked.leading(links)),
            name_until: self.parts.clock.now().plus(settings.keep_unconfirmed.saturating_mul(DAY)),
        }
    }

    /// Says which key is in use; of the address only where that may be told.
    pub(super) async fn refuse_taken(&self, names: &Names, tells_email: bool) -> Result<(), AuthError> {
        let now = self.parts.clock.now();
        let mut tx = self.parts.store.read().await?;
        let taken = Taken::find(&mut tx, names.email.key(), names.username.key(), now).await?;
        drop(tx);
        let mut errors = Vec::new();
        if tells_email && taken.email {
            errors.push(FieldError::new("email", "There is already an account with this address. Sign in instead."));
        }
        if taken.username {
            errors.push(FieldError::new("username", "This user name is taken. Please choose another one."));
        }
        if errors.is_empty() { Ok(()) } else { Err(AuthError::Invalid(errors)) }
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

/// Which keys are in use, or kept for somebody, which is as good.
struct Taken {
    email: bool,
    /// Who has the address; nobody if it is only kept.
    owner: Option<AccountId>,
    username: bool,
}

impl Taken {
    async fn find(tx: &mut Tx, email: &str, username: &str, now: Timestamp) -> Result<Self, StoreError> {
        let taken = accounts::taken_keys(tx, email, username).await?;
        let email_kept = reservations::is_kept(tx, Kept::Email, email, NOBODY, now).await?;
        let name_kept = reservations::is_kept(tx, Kept::Username, username, NOBODY, now).await?;
        Ok(Self {
            email: taken.email.is_some() || email_kept,
            owner: taken.email,
            username: taken.username || name_kept,
        })
    }
}

impl Making {
    /// Writes all of it, or what is written instead; answers what binds the confirmation to this browser. One
    /// transaction either way: a commit waits for the disk, and its time would tell who has an account.
    async fn write(self, tx: &mut Tx, now: Timestamp) -> Result<Written, StoreError> {
        let account = &self.account;
        if let Some(telling) = self.telling {
            let taken = Taken::find(tx, &account.email_key, &account.username_key, now).await?;
            match taken {
                Taken { username: true, .. } => return Err(StoreError::Taken),
                Taken { email: true, owner, .. } => {
                    let name = account.username_key.clone();
                    return telling.write(tx, owner, &name, now).await.map(Written::Told);
                }
                // The address is told by a mail either way: what counts shall not tell which.
                Taken { .. } => drop(throttles::charge(tx, std::slice::from_ref(&telling.pace), now).await?),
            }
        }
        accounts::insert(tx, account, now).await?;
        reservations::refuse_kept(tx, Kept::Email, &account.email_key, account.id, now).await?;
        reservations::refuse_kept(tx, Kept::Username, &account.username_key, account.id, now).await?;
        if let Some(opening) = &self.opening {
            opening.write(tx).await?;
        }
        if let Some(confirmation) = &self.confirmation {
            confirmation.write(tx, now).await?;
        }
        for noted in &self.noted {
            noted.write(tx, now).await?;
        }
        Ok(Written::Made(self.confirmation.map(|confirmation| confirmation.asked)))
    }
}

impl Telling {
    /// Leaves a mail to the owner, if there is one and not too many went out, and the rows of a confirmation.
    async fn write(
        self,
        tx: &mut Tx,
        owner: Option<AccountId>,
        username_key: &str,
        now: Timestamp,
    ) -> Result<Option<AskedReset>, StoreError> {
        // The name is taken from now on, as it would be by an account: asking for it again tells nothing.
        reservations::keep(tx, Kept::Username, username_key, None, self.name_until).await?;
        let is_paced = throttles::charge(tx, std::slice::from_ref(&self.pace), now).await? == Charged::All;
        if is_paced && owner.is_some() {
            outbox::insert(tx, &NewMail { account: owner, ..self.attempt }, now).await?;
        }
        if let Some(confirmation) = &self.confirmation {
            confirmation.write(tx, now).await?;
        }
        Ok(self.confirmation.map(|confirmation| confirmation.asked))
    }
}
