//! Judging a second factor. What is right is spent in the transaction of what it allows: a code and a ceremony work once,
//! also for two who come at the same time, at two servers.

use super::{
    AuthError, AuthService, Origin,
    audit::Noted,
    challenge::wrong,
    throttle::{self, Charge},
};
use crate::{
    domain::{account::AccountId, factor::SignInMethod, history::Event, time::Timestamp},
    server::{
        crypto::{RecoveryCode, SealFor, TotpSecret},
        metrics::FactorKind,
        store::{
            StoreError, Tx,
            accounts::StoredAccount,
            outbox::{self, MailKind, NewMail},
            passkeys::{self, StoredPasskey},
            recovery_codes, totp_secrets,
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

/// Wrong codes in a row at which the owner is told for the first time (ASVS 6.3.5), and again at each multiple of the other.
const FIRST_GUESSES_TOLD: i64 = 3;
const GUESSES_TOLD: i64 = 10;

/// What is shown as proof of who somebody is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The password; not enough for an account that has a factor.
    Password(SecretString),
    /// A factor.
    Factor(FactorProof),
}

/// What is shown as second factor. `Debug` shows none of it.
#[derive(Clone, Debug)]
pub enum FactorProof {
    /// A code of the authenticator app (field `code`).
    Totp(SecretString),
    /// A recovery code (field `recovery_code`).
    RecoveryCode(SecretString),
    /// A passkey's answer to a ceremony that this server has begun (field `credential`).
    Passkey {
        /// The server's half, as it was given out.
        ceremony: String,
        /// The browser's answer, as JSON. One that was not used yet signs its holder in.
        credential: SecretString,
    },
}

impl FactorProof {
    /// What somebody is told who has typed nothing: that is no guess.
    pub(super) fn blank(&self) -> Option<AuthError> {
        match self {
            Self::Totp(code) if code.expose_secret().trim().is_empty() => {
                Some(wrong("code", "Enter the six digits that your app shows."))
            }
            Self::RecoveryCode(code) if code.expose_secret().trim().is_empty() => {
                Some(wrong("recovery_code", "Enter one of your unused recovery codes."))
            }
            Self::Totp(_) | Self::RecoveryCode(_) | Self::Passkey { .. } => None,
        }
    }
}

/// What a ceremony was begun for. It is good for nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// Signing in, by anybody.
    LogIn,
    /// The second factor of this sign-in.
    Challenge(&'a str),
    /// A proof in, or what is lacking to, the session with this public name.
    Session(&'a str),
    /// A new passkey of this account.
    Enrolment(AccountId),
}

impl Scope<'_> {
    /// What is bound to the seal.
    pub(super) fn text(self) -> String {
        match self {
            Self::LogIn => "log-in".to_owned(),
            Self::Challenge(id) => ["challenge ", id].concat(),
            Self::Session(sid) => ["session ", sid].concat(),
            Self::Enrolment(account) => format!("enrolment {account}"),
        }
    }
}

/// A ceremony that was taken back.
pub(super) struct OpenedCeremony {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) expires_at: Timestamp,
}

/// A factor that is right, to be used up.
pub(super) struct Spending {
    account: AccountId,
    what: Spend,
    /// Forgotten once it is used.
    pub(super) charges: Vec<Charge>,
}

pub(super) enum Spend {
    Totp { id: String, step: i64 },
    Code { hash: String, told: NewMail, noted: Noted },
    Passkey { seen: Box<StoredPasskey>, record: String, sign_count: i64, ceremony: OpenedCeremony },
}

impl Spending {
    pub(super) const fn of_passkey(account: AccountId, what: Spend) -> Self {
        Self { account, what, charges: Vec::new() }
    }

    /// How somebody signs in who has shown the password before.
    pub(super) const fn method_with_password(&self) -> SignInMethod {
        match self.what {
            Spend::Totp { .. } => SignInMethod::PasswordAndTotp,
            Spend::Code { .. } => SignInMethod::PasswordAndRecoveryCode,
            Spend::Passkey { .. } => SignInMethod::PasswordAndPasskey,
        }
    }

    /// What somebody is told who was slower with the same.
    pub(super) fn spent_already(&self) -> AuthError {
        match self.what {
            Spend::Totp { .. } => wrong("code", "This code was used already. Wait for the next one."),
            Spend::Code { .. } => wrong("recovery_code", "This code was used already. Take another one."),
            Spend::Passkey { .. } => wrong("credential", "That did not work. Please try again."),
        }
    }

    /// Uses it up; the account's row is held. False if it was used before, or meanwhile: then nothing is written.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        let used = match &self.what {
            Spend::Totp { id, step } => totp_secrets::take_step(tx, id, *step, now).await?,
            Spend::Code { hash, .. } => recovery_codes::consume(tx, self.account, hash, now).await?,
            Spend::Passkey { seen, record, sign_count, ceremony } => {
                passkeys::spend(tx, &ceremony.id, ceremony.expires_at).await?
                    && passkeys::note_use(tx, seen, record, *sign_count, now).await?
            }
        };
        Ok(used)
    }

    /// What is written once it is used up, after accounts and sessions and before the event that it leads to: wrong ones
    /// are forgotten, and the owner is told of a recovery code. Answers how many wrong ones in a row came before.
    pub(super) async fn settle(&self, tx: &mut Tx, now: Timestamp) -> Result<i64, StoreError> {
        // This one was counted, too.
        let wrong = throttle::forget(tx, &self.charges).await?.saturating_sub(1);
        if let Spend::Code { told, noted, .. } = &self.what {
            let left = recovery_codes::count_left(tx, self.account).await?;
            let about = [told.about.as_deref().unwrap_or_default(), "\n", &left.to_string()].concat();
            outbox::insert(tx, &NewMail { about: Some(about), ..told.clone() }, now).await?;
            noted.write(tx, now).await?;
        }
        Ok(wrong)
    }
}

impl AuthService {
    /// What codes given as second factor count on: the account, and that over a long time. There a browser that signed in
    /// before counts apart: a stranger with the password shall not keep the owner out for days.
    pub(super) fn factor_charges(&self, account: &StoredAccount, origin: &Origin) -> [Charge; 2] {
        let (limits, id) = (&self.parts.settings.throttle, account.account.id.to_string());
        let scope = match self.known_device(account, origin) {
            Some(_) => "factor-devices-total",
            None => "factor-total",
        };
        [self.limited("factor", &id, limits.factor), self.limited(scope, &id, limits.factor_total)]
    }

    /// All that codes of an account may have been counted on.
    pub(super) fn all_factor_charges(&self, account: AccountId) -> [Charge; 3] {
        let (limits, id) = (&self.parts.settings.throttle, account.to_string());
        [
            self.limited("factor", &id, limits.factor),
            self.limited("factor-total", &id, limits.factor_total),
            self.limited("factor-devices-total", &id, limits.factor_total),
        ]
    }

    /// Judges a factor of an account. Codes are counted before, so that guesses at the same time count, too.
    ///
    /// # Errors
    /// `Invalid` with the field; `TooMany`; `Busy`; `Unavailable`.
    pub(super) async fn judge_factor(
        &self,
        account: &StoredAccount,
        scope: Scope<'_>,
        proof: &FactorProof,
        sid: Option<&str>,
        origin: &Origin,
    ) -> Result<Spending, AuthError> {
        let id = account.account.id;
        let (code, kind, not_right) = match proof {
            FactorProof::Passkey { ceremony, credential } => {
                let spend =
                    self.judge_passkey(Some(account), scope, (ceremony, credential.expose_secret()), origin).await?;
                return Ok(Spending::of_passkey(id, spend.1));
            }
            FactorProof::Totp(code) => {
                let message = "That code is not right. Wait for the next one and try again.";
                (code, FactorKind::Totp, wrong("code", message))
            }
            FactorProof::RecoveryCode(code) => {
                let message = "That is not one of your unused recovery codes. Please check it.";
                (code, FactorKind::RecoveryCode, wrong("recovery_code", message))
            }
        };
        let charges = self.factor_charges(account, origin);
        let in_a_row = self.charge_in_a_row(&charges).await?;
        let judged = match kind {
            FactorKind::RecoveryCode => self.judge_recovery_code(id, code, sid, origin).await,
            FactorKind::Totp | FactorKind::Passkey => self.judge_totp(id, code.expose_secret()).await,
        };
        if let Ok(judged) = &judged {
            self.parts.metrics.factor(kind, judged.is_some());
        }
        match judged {
            Ok(Some(what)) => Ok(Spending { account: id, what, charges: charges.into() }),
            Ok(None) => {
                self.note_wrong_factor(id, sid, in_a_row, origin).await?;
                Err(not_right)
            }
            Err(error) => {
                self.refund(&charges).await;
                Err(error)
            }
        }
    }

    async fn judge_totp(&self, account: AccountId, code: &str) -> Result<Option<Spend>, AuthError> {
        let stored = totp_secrets::confirmed(&mut *self.parts.store.read().await?, account).await?;
        let Some(stored) = stored else { return Ok(None) };
        let step = self.totp_step(account, &stored.sealed, code);
        Ok(step.filter(|step| *step > stored.last_step).map(|step| Spend::Totp { id: stored.id, step }))
    }

    /// The step of a code, if it is one of that secret now. A seal that does not open takes no code.
    pub(super) fn totp_step(&self, account: AccountId, sealed: &str, code: &str) -> Option<i64> {
        let secret = self.keyed().secret_boxes.open(SealFor::TotpSecret, &account.to_string(), sealed);
        if secret.is_none() {
            tracing::error!(%account, "the secret of an authenticator app cannot be opened: is a mail key missing?");
        }
        TotpSecret::kept(secret?).step_of(code, self.parts.clock.now())
    }

    async fn judge_recovery_code(
        &self,
        account: AccountId,
        typed: &SecretString,
        sid: Option<&str>,
        origin: &Origin,
    ) -> Result<Option<Spend>, AuthError> {
        let Some(code) = RecoveryCode::parse(typed.expose_secret()) else { return Ok(None) };
        let hash = recovery_codes::hash_of(&mut *self.parts.store.read().await?, account, code.slot()).await?;
        let verdict = self.parts.hasher.verify(code.secret(), hash.clone()).await?;
        let right = hash.filter(|_| verdict.matches);
        Ok(right.map(|hash| Spend::Code {
            hash,
            told: self.notice(MailKind::RecoveryCodeUsed, account, Some(origin.told())),
            noted: self.noted(Event::RecoveryCodeUsed, Some(account), sid, origin),
        }))
    }

    /// Notes a wrong code, number `in_a_row`, and tells the owner of many.
    async fn note_wrong_factor(
        &self,
        account: AccountId,
        sid: Option<&str>,
        in_a_row: i64,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let noted = self.noted(Event::FactorFailed, Some(account), sid, origin);
        let about = [&origin.told(), "\n", &in_a_row.to_string()].concat();
        let told = self.notice(MailKind::FactorGuesses, account, Some(about));
        let now = self.parts.clock.now();
        let many = in_a_row == FIRST_GUESSES_TOLD || (in_a_row > 0 && in_a_row % GUESSES_TOLD == 0);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                if many {
                    outbox::insert(tx, &told, now).await?;
                }
                noted.write(tx, now).await
            })
        });
        write.await?;
        self.parts.mail.notify_one();
        tracing::info!(event = "factor_failed", %account, ip = %origin.ip, "a wrong code was given as second factor");
        Ok(())
    }
}
