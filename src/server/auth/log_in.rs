//! Signing in with a password.

use super::{
    AuthError, AuthService, Charge,
    admission::{Admission, Arrival},
    challenge::{Challenged, NewWait, event_of},
    session::{Opened, Opening, Origin},
    throttle,
    trusted_browser::Trusted,
};
use crate::{
    domain::{
        credential::{LoginIdentifier, TypedPassword},
        factor::Wants,
        history::Event,
        problem::FieldError,
        time::Timestamp,
    },
    server::{
        crypto::Guess,
        store::{
            accounts::{self, StoredAccount},
            challenges,
            outbox::{self, MailKind},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Failures in a row after which a sign-in is told to the owner (ASVS 6.3.5).
pub(super) const MANY_FAILURES: i64 = 5;

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

/// What became of a sign-in.
#[derive(Debug)]
pub enum LoggedIn {
    /// Somebody is signed in.
    Opened(Opened),
    /// As `Opened`, and the account is on its way out: it can be kept.
    Leaving(Opened),
    /// Nobody is, until a second factor is shown, or enrolled.
    Challenged(Challenged),
}

/// What a door can do beside letting somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doorway {
    /// An account that is on its way out can be kept, and a second factor be asked for.
    Full,
    /// Neither: for an account that leaves there is no such account, and one with a second factor is refused.
    Narrow,
}

impl Doorway {
    fn may_enter(self, account: &StoredAccount) -> bool {
        self == Self::Full || account.account.delete_at.is_none()
    }
}

impl LoggedIn {
    /// The session, at a door that cannot ask for more.
    ///
    /// # Errors
    /// `FactorRequired`; `EnrolmentRequired`.
    pub(super) fn into_opened(self) -> Result<Opened, AuthError> {
        match self {
            Self::Opened(opened) | Self::Leaving(opened) => Ok(opened),
            Self::Challenged(challenged) => Err(match challenged.wants {
                Wants::Factor => AuthError::FactorRequired,
                Wants::Enrolment => AuthError::EnrolmentRequired,
            }),
        }
    }
}

/// What a sign-in counts on. All of it is counted before the password is checked, so that parallel guesses count; what
/// only failures count on is given back to those who succeed.
struct Charges {
    /// Every sign-in of an address, or of the known devices of an account.
    all: Vec<Charge>,
    /// Failures of an address.
    failures: Vec<Charge>,
    /// Failures of a name, or of a known device and of all that an account has: a success forgets them.
    name: Vec<Charge>,
    /// Whether this browser signed in to this account before.
    known_device: bool,
}

/// A password that was right, and what to do about it.
struct Passed {
    account: StoredAccount,
    /// The hash it was checked against, and a better one if that is stale.
    hash: String,
    better: Option<String>,
    charges: Charges,
}

impl AuthService {
    /// Opens a session for whoever knows the password. Unknown names cost and read the same as wrong passwords.
    ///
    /// # Errors
    /// `WrongCredentials` for every cause; `Invalid` if a field is empty; `TooMany`; `Busy`; `Unavailable`.
    pub async fn log_in(&self, form: &LoginForm, origin: &Origin, held: Option<&str>) -> Result<LoggedIn, AuthError> {
        self.log_in_as(form, origin, held, Doorway::Full).await
    }

    /// As [`AuthService::log_in_as`], which counts what comes of it.
    ///
    /// If the account moves meanwhile (a new password, an end of all sessions, of the trust in this browser), it is looked at
    /// once more: what was right a moment ago may not be.
    pub(super) async fn check_and_enter(
        &self,
        form: &LoginForm,
        origin: &Origin,
        held: Option<&str>,
        doorway: Doorway,
    ) -> Result<LoggedIn, AuthError> {
        for _ in 0..2 {
            if let Some(entered) = self.try_to_enter(form, origin, held, doorway).await? {
                return Ok(entered);
            }
        }
        Err(AuthError::Busy)
    }

    /// None, and nothing counts, if the account has moved meanwhile.
    async fn try_to_enter(
        &self,
        form: &LoginForm,
        origin: &Origin,
        held: Option<&str>,
        doorway: Doorway,
    ) -> Result<Option<LoggedIn>, AuthError> {
        let (identifier, password) = self.typed(form)?;
        let found = self.find(&identifier).await?;
        let charges = self.login_charges((&identifier, &form.identifier), found.as_ref(), origin);
        self.charge(&charges.everything()).await?;
        let stored = found.as_ref().and_then(|account| account.password_hash.clone());
        let guess = password.as_ref().map_or_else(Guess::impossible, Guess::from);
        let verdict = match self.parts.hasher.verify(guess, stored.clone()).await {
            Ok(verdict) => verdict,
            Err(busy) => {
                self.refund(&charges.everything()).await;
                return Err(busy.into());
            }
        };
        let whose = found.as_ref().map(|account| account.account.id);
        let now = self.parts.clock.now();
        let may_enter = |account: &StoredAccount| account.may_enter(now) && doorway.may_enter(account);
        let account = found.filter(|account| verdict.matches && may_enter(account));
        let (Some(account), Some(hash), Some(password)) = (account, stored, password) else {
            self.note(self.noted(Event::LoginFailed, whose, None, origin)).await?;
            tracing::info!(event = "login_failed", ip = %origin.ip, "a sign-in was refused");
            return Err(AuthError::WrongCredentials);
        };
        // If the hasher is too busy for it, the old hash stands until the next sign-in: nobody is sent away for that.
        let again = verdict.stale.then(|| password.secret().clone());
        let better = if let Some(secret) = again { self.parts.hasher.hash(secret).await.ok() } else { None };
        let passed = Passed { account, hash, better, charges };
        if self.requires_confirmation() && passed.account.account.email_verified_at.is_none() {
            return Err(self.confirm_first(passed, origin).await?);
        }
        let arrival = Arrival { remember: form.remember, next: form.next.as_deref(), held };
        match self.admit(&passed.account, arrival, origin).await? {
            Admission::Enters(opening, trusted) => self.enter(passed, *opening, trusted, origin).await,
            Admission::Waits(wait, challenged) => {
                let wait = (doorway == Doorway::Full).then_some(wait);
                self.let_wait(passed, wait, origin).await?;
                Ok(Some(LoggedIn::Challenged(challenged)))
            }
        }
    }

    async fn enter(
        &self,
        passed: Passed,
        opening: Opening,
        trusted: Option<Trusted>,
        origin: &Origin,
    ) -> Result<Option<LoggedIn>, AuthError> {
        let Passed { account, hash, better, charges } = passed;
        let id = account.account.id;
        let opened = opening.opened.clone();
        let (failures, name, known) = (charges.failures.clone(), charges.name.clone(), charges.known_device);
        let new_device = self.notice(MailKind::NewDevice, id, Some(origin.told()));
        let after_failures = self.notice(MailKind::LoginAfterFailures, id, Some(origin.told()));
        let noted = self.noted(event_of(opening.new.method), Some(id), Some(&opening.new.sid), origin);
        let now = self.parts.clock.now();
        let write = self.parts.store.write_of(opening.concerns(), move |tx| {
            Box::pin(async move {
                // Accounts before all else, as everywhere.
                if let Some(trusted) = &trusted {
                    accounts::hold(tx, id).await?;
                    if !trusted.write(tx, now).await? {
                        return Ok(None);
                    }
                }
                if let Some(better) = better {
                    accounts::rehash(tx, id, &hash, &better).await?;
                }
                let Some(before) = opening.write(tx).await? else {
                    return Ok(None);
                };
                // Throttles after accounts and sessions, as everywhere. This try is one of them.
                let failed = throttle::settle(tx, &failures, &name, now).await?.saturating_sub(1);
                let told = if failed >= MANY_FAILURES {
                    Some(&after_failures)
                } else {
                    (before.is_new_device() && !known).then_some(&new_device)
                };
                if let Some(mail) = told {
                    outbox::insert(tx, mail, now).await?;
                }
                noted.write(tx, now).await?;
                Ok(Some(told.is_some()))
            })
        });
        let Some(mailed) = write.await? else {
            self.refund(&charges.everything()).await;
            return Ok(None);
        };
        self.unblock(&charges.name);
        if mailed {
            self.parts.mail.notify_one();
        }
        tracing::info!(event = "login", account = %id, ip = %origin.ip, "signed in");
        Ok(Some(match account.account.delete_at {
            Some(_) => LoggedIn::Leaving(opened),
            None => LoggedIn::Opened(opened),
        }))
    }

    /// The password is right, and a factor is still to be shown or enrolled. What only failures count on is given back, and
    /// forgotten when somebody is in; then the owner is told of failures, or of a new device.
    async fn let_wait(&self, passed: Passed, wait: Option<NewWait>, origin: &Origin) -> Result<(), AuthError> {
        let Passed { account, hash, better, charges } = passed;
        let id = account.account.id;
        let (given_back, now) = ([charges.failures, charges.name.clone()].concat(), self.parts.clock.now());
        let noted = self.noted(Event::FactorAsked, Some(id), None, origin);
        let write = self.parts.store.write_of(Some(id), move |tx| {
            Box::pin(async move {
                if let Some(better) = better {
                    accounts::rehash(tx, id, &hash, &better).await?;
                }
                if let Some(wait) = wait {
                    challenges::insert(tx, &wait.0, now).await?;
                }
                throttle::settle(tx, &given_back, &[], now).await?;
                noted.write(tx, now).await
            })
        });
        write.await?;
        self.unblock(&charges.name);
        tracing::info!(event = "factor_asked", account = %id, ip = %origin.ip, "a second factor was asked for");
        Ok(())
    }

    /// What failing sign-ins to an account count on, by both its names and in this browser, if it is known.
    pub(super) fn all_name_charges(&self, account: &StoredAccount, origin: &Origin) -> Vec<Charge> {
        let device = self.known_device(account, origin);
        let here = device.map(|device| self.device_charges(account, &device).to_vec()).unwrap_or_default();
        [self.name_charges(account), here].concat()
    }

    /// What failing sign-ins in a known device count on.
    fn device_charges(&self, account: &StoredAccount, device: &str) -> [Charge; 2] {
        let (limits, account) = (&self.parts.settings.throttle, account.account.id.to_string());
        [
            self.slowing("login-device", device, limits.login_name, limits.login_slowest),
            self.limited("login-devices-total", &account, limits.login_name_total),
        ]
    }

    /// The name of this browser for an account that signed in here before, if that is not too long ago.
    pub(super) fn known_device(&self, account: &StoredAccount, origin: &Origin) -> Option<String> {
        // Whoever signed in before the password was last changed may have known that one only.
        let days = self.parts.settings.throttle.known_device;
        let oldest = self.parts.clock.now().plus(-days.saturating_mul(DAY)).max(account.known_since);
        self.keyed().known_devices.of(origin.known_devices.as_deref(), account.account.id, oldest)
    }

    /// The password is right and the address waits: another mail goes out, and the answer is that of a wrong password.
    /// Otherwise whoever has just registered with somebody's address could find out by it whether that was free.
    async fn confirm_first(&self, passed: Passed, origin: &Origin) -> Result<AuthError, AuthError> {
        let account = &passed.account;
        let id = account.account.id;
        let issue = self.confirmation_of(account);
        let pace = self.limited("mail-to", &account.email_key, self.parts.settings.throttle.mail_to);
        let noted = self.noted(Event::LoginFailed, Some(id), None, origin);
        let now = self.parts.clock.now();
        let write = self.parts.store.write_of(Some(id), move |tx| {
            Box::pin(async move {
                issue.write_or_repeat(tx, &pace, now).await?;
                noted.write(tx, now).await
            })
        });
        write.await?;
        self.parts.mail.notify_one();
        tracing::info!(event = "login_unconfirmed", account = %id, "an address must be confirmed first");
        Ok(AuthError::WrongCredentials)
    }

    /// A device that signed in before counts alone: however many strangers fail, they do not keep the owner out.
    fn login_charges(
        &self,
        (identifier, typed): (&LoginIdentifier, &str),
        found: Option<&StoredAccount>,
        origin: &Origin,
    ) -> Charges {
        let limits = &self.parts.settings.throttle;
        let device = found.and_then(|account| self.known_device(account, origin));
        if let Some((device, account)) = device.zip(found) {
            return Charges {
                all: vec![self.limited("login-account", &account.account.id.to_string(), limits.login)],
                failures: Vec::new(),
                name: self.device_charges(account, &device).into(),
                known_device: true,
            };
        }
        let key = match identifier {
            LoginIdentifier::Email(key) | LoginIdentifier::Username(key) => key.as_str(),
            LoginIdentifier::Unknown => typed.trim(),
        };
        Charges {
            all: vec![self.limited("login", &origin.ip, limits.login)],
            failures: vec![
                self.limited("login-failures", &origin.ip, limits.login_failures),
                self.limited("login-failures-total", &origin.ip, limits.login_failures_total),
            ],
            name: self.name_charge(key).into(),
            known_device: false,
        }
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

impl Charges {
    /// In one order for all, so that no two transactions wait for each other.
    fn everything(&self) -> Vec<Charge> {
        [&self.all, &self.failures, &self.name].into_iter().flatten().cloned().collect()
    }
}

impl StoredAccount {
    /// Whether its owner may sign in now: not disabled, and not past its end.
    pub(super) fn may_enter(&self, now: Timestamp) -> bool {
        self.is_active() && self.account.delete_at.is_none_or(|end| now < end)
    }
}
