//! What enrolling and removing factors have in common: who may, what is written beside, and what stays possible.

use super::{
    AuthError, AuthService, NewCodes, Opened, Origin, Principal, audit::Noted, challenge::Ending,
    recovery_codes::Codes, session::Whose, throttle::Charge,
};
use crate::{
    domain::{
        account::AccountId,
        factor::{AssuranceLevel, Factors, SignInMethod, Takes, Wants, are_a_way_in},
        history::Event,
        time::Timestamp,
    },
    server::store::{
        StoreError, Tx,
        accounts::{self, StoredAccount},
        challenges::{self, Challenge},
        factors,
        outbox::{self, MailKind, NewMail},
        passkeys, recovery_codes, sessions, totp_secrets, trusted_browsers,
    },
};

/// Who enrols a factor.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// Somebody who is signed in, with a fresh proof.
    Session(&'a Principal),
    /// Somebody whose sign-in waits for it, by the name of the challenge; and the refresh token that came along.
    Challenge(&'a str, Option<&'a str>),
}

/// A factor that was enrolled.
#[derive(Debug)]
pub struct Enrolled {
    /// Whose it is.
    pub account: AccountId,
    /// New recovery codes, of an account that had no factor before.
    pub codes: Option<NewCodes>,
    /// The session, of a sign-in that waited for it, and where to go then (untrusted).
    pub opened: Option<(Opened, Option<String>)>,
}

/// Somebody who may enrol.
pub(super) struct Enroller {
    pub(super) account: StoredAccount,
    way: Way,
}

/// How somebody came who may enrol.
enum Way {
    Session(String),
    Challenge(Box<Challenge>, Option<String>),
}

impl Enroller {
    /// The public name of the session, of somebody who is signed in.
    pub(super) fn sid(&self) -> Option<&str> {
        match &self.way {
            Way::Session(sid) => Some(sid),
            Way::Challenge(..) => None,
        }
    }

    /// What a secret is bound to that waits for its first code: nobody but who has begun may see it or take it into use.
    /// Somebody else who is signed in, or knows the password, would share the factor without a trace.
    pub(super) fn bound(&self) -> String {
        let id = self.account.account.id;
        match &self.way {
            Way::Session(sid) => format!("{id} session {sid}"),
            Way::Challenge(wait, _) => format!("{id} challenge {}", wait.id),
        }
    }

    fn rights(&self) -> Rights {
        match &self.way {
            Way::Session(sid) => Rights::Session(sid.clone()),
            Way::Challenge(wait, _) => Rights::Challenge(wait.id.clone()),
        }
    }
}

/// By what somebody may enrol or remove: looked at again in the transaction that does it, by its name.
#[derive(Clone)]
enum Rights {
    Session(String),
    Challenge(String),
}

impl Rights {
    /// Whether they still stand; the account's row is held. A session must have shown what the account demands by now, and
    /// a sign-in that waits to enrol has no rights at all once the account has a factor.
    async fn stand(&self, tx: &mut Tx, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        match self {
            Self::Session(sid) => sessions::may_act(tx, sid, now).await,
            Self::Challenge(name) => {
                let wait = challenges::find(tx, name).await?.filter(|wait| wait.is_open(now));
                let account = accounts::find(tx, id).await?.filter(|account| account.may_enter(now));
                Ok(wait.zip(account).is_some_and(|(wait, account)| wait.suits(&account)))
            }
        }
    }
}

/// What is written beside a new factor.
pub(super) struct Enrolling {
    account: AccountId,
    rights: Rights,
    codes: Option<Codes>,
    method: SignInMethod,
    noted: Vec<Noted>,
    /// The sign-in that has waited for it.
    ending: Option<Ending>,
}

impl Enrolling {
    /// What is shown once it is written.
    pub(super) fn shown(&self) -> Shown {
        Shown {
            codes: self.codes.as_ref().map(Codes::shown),
            opened: self.ending.as_ref().map(|ending| (ending.opened(), ending.charges())),
        }
    }

    /// False if the account has moved: a new password, a first factor, or somebody has ended the session or the sign-in.
    pub(super) async fn may_write(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        // Codes that somebody else was shown meanwhile stay good, and nobody is left without any.
        let has_codes = recovery_codes::count_left(tx, self.account).await? > 0;
        Ok(has_codes != self.codes.is_some() && self.rights.stand(tx, self.account, now).await?)
    }

    /// The last writes of its transaction. The session that enrols has just shown the factor, so it goes on; a sign-in that
    /// has waited for it opens its session together with the factor: new codes are seen, or there are none.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        factors::settle(tx, self.account).await?;
        if let Some(codes) = &self.codes {
            codes.write(tx, self.account, now).await?;
        }
        if let Some(ending) = &self.ending {
            // It waits still: `may_write` has looked, and the account's row has been held since.
            ending.write(tx, now).await?.map_err(|_| StoreError::NotKept)?;
        }
        if let Rights::Session(sid) = &self.rights {
            sessions::raise(tx, sid, self.method).await?;
        }
        for noted in &self.noted {
            noted.write(tx, now).await?;
        }
        Ok(())
    }
}

/// What is shown of a new factor: recovery codes, and the session of a sign-in that has waited, with what its failures
/// counted on.
pub(super) struct Shown {
    codes: Option<NewCodes>,
    opened: Option<(Opened, Vec<Charge>)>,
}

/// What is written beside a factor that goes.
#[derive(Clone)]
pub(super) struct Removing {
    account: AccountId,
    rights: Rights,
    /// The site demands a factor of this account.
    demanded: bool,
    mail: NewMail,
    noted: Noted,
}

impl Removing {
    /// The mail names what is gone.
    pub(super) fn about(&self, name: &str) -> Self {
        let told = self.mail.about.as_deref().unwrap_or_default();
        let mail = NewMail { about: Some([name, "\n", told].concat()), ..self.mail.clone() };
        Self { mail, ..self.clone() }
    }

    /// False if somebody has ended the session, or it has not shown what the account demands by now.
    pub(super) async fn may_write(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        self.rights.stand(tx, self.account, now).await
    }

    /// Whether somebody could still sign in, and as this site demands, with so many passkeys and with or without the
    /// authenticator app and the password. None is: as it is now.
    pub(super) async fn leaves_a_way_in(
        &self,
        tx: &mut Tx,
        passkeys: usize,
        without: Option<Going>,
    ) -> Result<bool, StoreError> {
        let account = accounts::find(tx, self.account).await?;
        let has_password =
            without != Some(Going::Password) && account.is_some_and(|account| account.password_hash.is_some());
        let has_totp = without != Some(Going::Totp) && totp_secrets::confirmed(tx, self.account).await?.is_some();
        Ok(are_a_way_in(has_password, has_totp, passkeys, self.demanded))
    }

    /// The last writes of its transaction. Every other session ends: one may have been opened with what is gone (ASVS 7.4.3).
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        factors::settle(tx, self.account).await?;
        if let Rights::Session(sid) = &self.rights {
            sessions::revoke_others(tx, self.account, sid, "factor_removed", now).await?;
        }
        outbox::insert(tx, &self.mail, now).await?;
        self.noted.write(tx, now).await
    }
}

/// What is about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    Totp,
    Password,
}

impl Challenge {
    /// Whether it still waits.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.consumed_at.is_none() && now < self.expires_at
    }

    /// Whether it waits for what its account needs by now, which has the same password as then. Whoever knows the password
    /// alone must not enrol a factor beside one that the owner has enrolled meanwhile.
    pub(super) fn suits(&self, account: &StoredAccount) -> bool {
        let needed = match self.wants {
            Wants::Factor => AssuranceLevel::Two,
            Wants::Enrolment => AssuranceLevel::One,
        };
        account.security_epoch == self.epoch && account.demanded_level == needed
    }
}

impl AuthService {
    /// What WebAuthn ceremonies count on: the asker's address.
    pub(super) fn ceremony_charge(&self, origin: &Origin) -> Charge {
        self.limited("ceremony", &origin.ip, self.parts.settings.throttle.ceremony)
    }

    /// The factors of the caller's account.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn factors(&self, principal: &Principal) -> Result<Factors, AuthError> {
        let found = accounts::find(&mut *self.parts.store.read().await?, principal.account.id).await?;
        self.factors_of(&found.ok_or(AuthError::NotSignedIn)?).await
    }

    /// The factors of an account.
    pub(super) async fn factors_of(&self, account: &StoredAccount) -> Result<Factors, AuthError> {
        let (now, id) = (self.parts.clock.now(), account.account.id);
        let mut tx = self.parts.store.read().await?;
        Ok(Factors {
            totp: totp_secrets::confirmed(&mut tx, id).await?.and_then(|totp| totp.summary()),
            passkeys: passkeys::of_account(&mut tx, id).await?.into_iter().map(|passkey| passkey.summary).collect(),
            recovery_codes_left: recovery_codes::count_left(&mut tx, id).await?,
            trusted_browsers: trusted_browsers::of_account(&mut tx, id, now).await?,
            has_password: account.password_hash.is_some(),
            required: self.demands_factor(account),
        })
    }

    /// What the caller's account takes as proof of who it is.
    ///
    /// # Errors
    /// `NotSignedIn` if it is gone; `Unavailable`.
    pub async fn takes(&self, principal: &Principal) -> Result<Takes, AuthError> {
        let found = accounts::find(&mut *self.parts.store.read().await?, principal.account.id).await?;
        let account = found.ok_or(AuthError::NotSignedIn)?;
        let factors = self.factors_of(&account).await?;
        let by_factor = account.demanded_level > AssuranceLevel::One;
        Ok(Takes {
            password: !by_factor,
            totp: factors.totp.is_some(),
            passkey: self.offers_passkeys() && !factors.passkeys.is_empty(),
            recovery_code: by_factor && factors.recovery_codes_left > 0,
        })
    }

    /// Whether passkeys can be made here: not at an IP address.
    #[must_use]
    pub fn offers_passkeys(&self) -> bool {
        self.parts.passkeys.are_offered()
    }

    /// Somebody who may enrol a factor: their address is confirmed, and they have just shown who they are.
    ///
    /// # Errors
    /// `ProofRequired`; `UnconfirmedEmail`; `ChallengeOver`; `Leaving`; `Unavailable`.
    pub(super) async fn enroller(&self, by: By<'_>) -> Result<Enroller, AuthError> {
        let enroller = match by {
            By::Session(principal) => {
                if principal.account.delete_at.is_some() {
                    return Err(AuthError::Leaving);
                }
                self.must_be_fresh(principal)?;
                let found = accounts::find(&mut *self.parts.store.read().await?, principal.account.id).await?;
                let account = found.ok_or(AuthError::NotSignedIn)?;
                Enroller { account, way: Way::Session(principal.sid.clone()) }
            }
            By::Challenge(token, held) => {
                let (wait, account) = self.waiting_sign_in(token).await?;
                if wait.wants != Wants::Enrolment {
                    return Err(AuthError::FactorRequired);
                }
                Enroller { account, way: Way::Challenge(Box::new(wait), held.map(str::to_owned)) }
            }
        };
        if enroller.account.account.email_verified_at.is_none() {
            return Err(AuthError::UnconfirmedEmail);
        }
        Ok(enroller)
    }

    /// What is to be written beside a new factor. The first one comes with recovery codes.
    ///
    /// # Errors
    /// `TooMany`; `Busy`; `Unavailable`.
    pub(super) async fn enrolling(
        &self,
        enroller: &Enroller,
        method: SignInMethod,
        event: Event,
        origin: &Origin,
    ) -> Result<Enrolling, AuthError> {
        let id = enroller.account.account.id;
        self.charge(&[self.profile_charge(id)]).await?;
        let left = recovery_codes::count_left(&mut *self.parts.store.read().await?, id).await?;
        let codes = if left == 0 { Some(self.new_codes().await?) } else { None };
        let mut noted = vec![self.noted(event, Some(id), enroller.sid(), origin)];
        noted.extend(codes.as_ref().map(|_| self.noted(Event::RecoveryCodesMade, Some(id), enroller.sid(), origin)));
        let ending = match &enroller.way {
            Way::Session(_) => None,
            Way::Challenge(wait, held) => {
                let whose = Whose::of(&enroller.account);
                let opening = self.opening(whose, method, wait.remembered, origin, held.as_deref())?;
                Some(self.ending((wait, &enroller.account), opening, None, None, origin))
            }
        };
        Ok(Enrolling { account: id, rights: enroller.rights(), codes, method, noted, ending })
    }

    /// A factor is enrolled, and with it a sign-in that waited for it is over.
    pub(super) fn enrolled(&self, enroller: &Enroller, shown: Shown, origin: &Origin) -> Enrolled {
        let account = enroller.account.account.id;
        tracing::info!(event = "factor_enrolled", %account, "a factor was enrolled");
        self.parts.mail.notify_one();
        let Shown { codes, opened } = shown;
        let Way::Challenge(wait, _) = &enroller.way else { return Enrolled { account, codes, opened: None } };
        let opened = opened.map(|(opened, charges)| {
            self.signed_in_with_factor(wait.account, &charges, origin);
            (opened, Some(wait.next.clone()).filter(|next| !next.is_empty()))
        });
        Enrolled { account, codes, opened }
    }

    /// What is to be written beside a factor that goes.
    pub(super) fn removing(&self, principal: &Principal, event: Event, mail: MailKind, origin: &Origin) -> Removing {
        let id = principal.account.id;
        Removing {
            account: id,
            rights: Rights::Session(principal.sid.clone()),
            demanded: self.demands_factor_of(principal),
            mail: self.notice(mail, id, Some(origin.told())),
            noted: self.noted(event, Some(id), Some(&principal.sid), origin),
        }
    }

    /// Mails another link to confirm the address, for somebody whose sign-in waits to enrol a factor.
    ///
    /// # Errors
    /// `ChallengeOver`; `TooMany`; `Unavailable`.
    pub async fn resend_confirmation_to_enrol(&self, token: &str, origin: &Origin) -> Result<(), AuthError> {
        let (wait, account) = self.waiting_sign_in(token).await?;
        if wait.wants != Wants::Enrolment || account.account.email_verified_at.is_some() {
            return Ok(());
        }
        self.charge(&self.mail_charges(origin)).await?;
        let issue = self.confirmation_of(&account);
        let pace = self.limited("mail-to", &account.email_key, self.parts.settings.throttle.mail_to);
        let now = self.parts.clock.now();
        let write =
            self.parts.store.write(move |tx| Box::pin(async move { issue.write_or_repeat(tx, &pace, now).await }));
        write.await?;
        self.parts.mail.notify_one();
        Ok(())
    }
}
