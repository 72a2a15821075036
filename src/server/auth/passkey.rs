//! Passkeys: WebAuthn ceremonies, each begun by this server for one purpose, finished once and within minutes.
//!
//! The server's half is sealed and given out, so that a ceremony which nobody finishes leaves nothing in the database.

use super::{
    AuthError, AuthService, By, Enrolled, Origin, Principal,
    challenge::wrong,
    factor_proof::{OpenedCeremony, Scope, Spend},
    named,
};
use crate::{
    domain::{
        credential::PersonName,
        factor::{Ceremony, SignInMethod},
        history::Event,
    },
    server::{
        crypto::{PasskeyFault, SealFor, Shown},
        entropy::random_id,
        metrics::FactorKind,
        store::{
            StoreError,
            accounts::{self, StoredAccount},
            factors,
            outbox::{self, MailKind},
            passkeys::{self, NewPasskey, StoredPasskey},
        },
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

/// What the seal of a ceremony holds.
#[derive(Serialize, Deserialize)]
struct SealedCeremony {
    id: String,
    expires_at: i64,
    state: String,
}

impl AuthService {
    /// Gives a ceremony out that has begun.
    pub(super) fn give_out(&self, scope: Scope<'_>, shown: Shown) -> Result<Ceremony, AuthError> {
        let sealed = SealedCeremony {
            id: random_id(self.parts.entropy.as_ref()),
            expires_at: self.parts.clock.now().plus(self.parts.settings.factors.challenge_lifetime).0,
            state: shown.state,
        };
        let text = serde_json::to_vec(&sealed).map_err(|_| AuthError::Signing)?;
        let boxes = &self.keyed().secret_boxes;
        let ceremony = boxes.seal(SealFor::Ceremony, &scope.text(), &text, self.parts.entropy.as_ref());
        Ok(Ceremony { ceremony: ceremony.ok_or(AuthError::Signing)?, options: shown.options.to_string() })
    }

    /// Takes a ceremony back that was begun for this.
    ///
    /// # Errors
    /// `Invalid` (field `credential`) if it was not, or has run out.
    pub(super) fn take_back(&self, scope: Scope<'_>, ceremony: &str) -> Result<OpenedCeremony, AuthError> {
        let opened = self.keyed().secret_boxes.open(SealFor::Ceremony, &scope.text(), ceremony);
        let sealed = opened.and_then(|text| serde_json::from_slice::<SealedCeremony>(text.expose_secret()).ok());
        let now = self.parts.clock.now();
        let sealed = sealed.filter(|sealed| now.0 < sealed.expires_at);
        let sealed = sealed.ok_or_else(|| wrong("credential", "That took too long. Please try again."))?;
        let expires_at = crate::domain::time::Timestamp(sealed.expires_at);
        Ok(OpenedCeremony { id: sealed.id, state: sealed.state, expires_at })
    }

    /// Begins to show one of an account's passkeys.
    ///
    /// # Errors
    /// `NotFound` where there are no passkeys; `Unavailable`.
    pub(super) async fn ask_for_passkey_of(
        &self,
        account: &StoredAccount,
        scope: Scope<'_>,
    ) -> Result<Ceremony, AuthError> {
        let all = passkeys::of_account(&mut *self.parts.store.read().await?, account.account.id).await?;
        if all.is_empty() {
            return Err(AuthError::NotFound);
        }
        let ids: Vec<_> = all.into_iter().map(|passkey| passkey.credential_id).collect();
        let shown = self.parts.passkeys.start_authentication(&ids, false).map_err(refusal)?;
        self.give_out(scope, shown)
    }

    /// Begins to show the passkey that a sign-in waits for, or that the session of `held` lacks.
    ///
    /// # Errors
    /// `ChallengeOver`; `NotFound` if the account has none; `TooMany`; `Unavailable`.
    pub async fn start_challenge_passkey(
        &self,
        (token, held): (Option<&str>, Option<&str>),
        origin: &Origin,
    ) -> Result<Ceremony, AuthError> {
        self.charge(&[self.ceremony_charge(origin)]).await?;
        if let Some(token) = token {
            match self.waiting_sign_in(token).await {
                Ok((wait, account)) => return self.ask_for_passkey_of(&account, Scope::Challenge(&wait.id)).await,
                Err(AuthError::ChallengeOver) => {}
                Err(error) => return Err(error),
            }
        }
        self.ask_in_session(held).await.map_err(|error| match error {
            AuthError::NotSignedIn => AuthError::ChallengeOver,
            error => error,
        })
    }

    /// Begins to show a passkey as proof in the session of `held`, also one that lacks a factor.
    ///
    /// # Errors
    /// `NotSignedIn`; `NotFound` if the account has none; `TooMany`; `Unavailable`.
    pub async fn start_proof_passkey(&self, held: Option<&str>, origin: &Origin) -> Result<Ceremony, AuthError> {
        self.charge(&[self.ceremony_charge(origin)]).await?;
        self.ask_in_session(held).await
    }

    async fn ask_in_session(&self, held: Option<&str>) -> Result<Ceremony, AuthError> {
        let presented =
            held.and_then(|token| self.keyed().refresh_tokens.parse(token)).ok_or(AuthError::NotSignedIn)?;
        let (seen, account, _) = self.standing_for_factor(&presented).await?;
        self.ask_for_passkey_of(&account, Scope::Session(&seen.sid)).await
    }

    /// Judges a passkey's answer: of this account, or of whoever it says it is of.
    ///
    /// # Errors
    /// `Invalid` (field `credential`); `Unavailable`.
    pub(super) async fn judge_passkey(
        &self,
        account: Option<&StoredAccount>,
        scope: Scope<'_>,
        answer: (&str, &str),
        origin: &Origin,
    ) -> Result<(StoredPasskey, Spend), AuthError> {
        let judged = self.judged_passkey(account, scope, answer, origin).await;
        if let Ok(_) | Err(AuthError::Invalid(_)) = &judged {
            self.parts.metrics.factor(FactorKind::Passkey, judged.is_ok());
        }
        judged
    }

    async fn judged_passkey(
        &self,
        account: Option<&StoredAccount>,
        scope: Scope<'_>,
        (ceremony, credential): (&str, &str),
        origin: &Origin,
    ) -> Result<(StoredPasskey, Spend), AuthError> {
        let ceremony = self.take_back(scope, ceremony)?;
        let claimed = self.parts.passkeys.claimed(credential).map_err(refusal)?;
        let found = passkeys::find(&mut *self.parts.store.read().await?, &claimed.id).await?;
        let unknown = || wrong("credential", "This passkey is not known here. It may have been removed.");
        let (seen, handle) = found.ok_or_else(unknown)?;
        // WebAuthn Level 3, 7.2 step 6: the handle must be the account's; without one the account must be known before.
        let is_theirs = match (&claimed.handle, account) {
            (Some(claimed), _) => Some(claimed) == handle.as_ref(),
            (None, account) => account.is_some(),
        };
        if !is_theirs || account.is_some_and(|account| account.account.id != seen.account) {
            return Err(unknown());
        }
        let asserted = self.parts.passkeys.finish_authentication(&ceremony.state, credential, &seen.record);
        match asserted {
            Ok(asserted) => {
                let (record, sign_count) = (asserted.record, i64::from(asserted.sign_count));
                Ok((seen.clone(), Spend::Passkey { seen: Box::new(seen), record, sign_count, ceremony }))
            }
            // The same answer sent twice has the same counter, and says nothing of a copy.
            Err(PasskeyFault::Cloned) if self.is_spent(&ceremony.id).await? => Err(refusal(PasskeyFault::Cloned)),
            Err(PasskeyFault::Cloned) => Err(self.tell_of_clone(&seen, origin).await?),
            Err(fault) => Err(refusal(fault)),
        }
    }

    async fn is_spent(&self, ceremony: &str) -> Result<bool, AuthError> {
        Ok(passkeys::is_spent(&mut *self.parts.store.read().await?, ceremony).await?)
    }

    /// The counter did not grow: somebody else may have a copy. The passkey stays; its owner is told.
    async fn tell_of_clone(&self, seen: &StoredPasskey, origin: &Origin) -> Result<AuthError, AuthError> {
        let account = seen.account;
        let noted = self.noted(Event::PasskeyCloned, Some(account), None, origin);
        let about = [&seen.summary.name, "\n", &origin.told()].concat();
        let mail = self.notice(MailKind::PasskeyCloned, account, Some(about));
        let now = self.parts.clock.now();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                outbox::insert(tx, &mail, now).await?;
                noted.write(tx, now).await
            })
        });
        write.await?;
        self.parts.mail.notify_one();
        tracing::warn!(event = "passkey_cloned", %account, "the counter of a passkey did not grow");
        Ok(wrong(
            "credential",
            "This passkey was refused: there may be a copy of it. Sign in another way and remove it.",
        ))
    }

    /// Begins a new passkey.
    ///
    /// # Errors
    /// `NotFound` where there are no passkeys; `ProofRequired`; `UnconfirmedEmail`; `ChallengeOver`; `Invalid` if there are
    /// too many; `TooMany`; `Unavailable`.
    pub async fn start_passkey_enrolment(&self, by: By<'_>, origin: &Origin) -> Result<Ceremony, AuthError> {
        let enroller = self.enroller(by).await?;
        self.charge(&[self.ceremony_charge(origin)]).await?;
        let account = enroller.account.account;
        let id = account.id;
        let present = passkeys::of_account(&mut *self.parts.store.read().await?, id).await?;
        let most = usize::try_from(self.parts.settings.factors.passkeys).unwrap_or(usize::MAX);
        if present.len() >= most {
            let message = match most {
                1 => "You have a passkey, and there can be only one. Remove it first.".to_owned(),
                most => format!("You have {most} passkeys, which is the most. Remove one first."),
            };
            return Err(wrong("name", &message));
        }
        let mut bytes = [0; 16];
        self.parts.entropy.fill(&mut bytes);
        let new = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let write = self.parts.store.write(move |tx| Box::pin(async move { factors::handle(tx, id, &new).await }));
        let handle = write.await?;
        let ids: Vec<_> = present.into_iter().map(|passkey| passkey.credential_id).collect();
        let name = account.full_name();
        let name = if name.is_empty() { &account.username } else { &name };
        let shown =
            self.parts.passkeys.start_registration(&handle, (&account.username, name), &ids).map_err(refusal)?;
        self.give_out(Scope::Enrolment(id), shown)
    }

    /// Keeps the passkey that a browser has made, under the name that its owner gives it. An account's first factor comes
    /// with new recovery codes.
    ///
    /// # Errors
    /// As [`AuthService::start_passkey_enrolment`]; `Invalid` with `name` or `credential`.
    pub async fn finish_passkey_enrolment(
        &self,
        by: By<'_>,
        (ceremony, credential): (&str, &str),
        name: &str,
        origin: &Origin,
    ) -> Result<Enrolled, AuthError> {
        let enroller = self.enroller(by).await?;
        let id = enroller.account.account.id;
        let name = passkey_name(name, origin)?;
        self.charge(&[self.ceremony_charge(origin)]).await?;
        let ceremony = self.take_back(Scope::Enrolment(id), ceremony)?;
        let made = self.parts.passkeys.finish_registration(&ceremony.state, credential).map_err(refusal)?;
        let new = NewPasskey {
            id: random_id(self.parts.entropy.as_ref()),
            credential_id: made.id,
            account: id,
            name: name.clone(),
            record: made.record,
        };
        let most = self.parts.settings.factors.passkeys;
        let enrolling =
            self.enrolling(&enroller, SignInMethod::PasswordAndPasskey, Event::PasskeyAdded, origin).await?;
        let about = [&name, "\n", &origin.told()].concat();
        let mail = self.notice(MailKind::PasskeyAdded, id, Some(about));
        let now = self.parts.clock.now();
        let shown = enrolling.shown();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                let spent = passkeys::spend(tx, &ceremony.id, ceremony.expires_at).await?;
                let present = i64::try_from(passkeys::of_account(tx, id).await?.len()).unwrap_or(i64::MAX);
                if !spent || present >= most || !enrolling.may_write(tx, now).await? {
                    return Ok(false);
                }
                passkeys::insert(tx, &new, now).await?;
                outbox::insert(tx, &mail, now).await?;
                enrolling.write(tx, now).await?;
                Ok(true)
            })
        });
        match write.await {
            Ok(true) => Ok(self.enrolled(&enroller, shown, origin)),
            Ok(false) => Err(wrong("credential", "That did not work. Please try again.")),
            Err(StoreError::Taken) => Err(wrong("credential", "This passkey is in use already.")),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// `Invalid` (field `name`); `NotFound`; `TooMany`; `Unavailable`.
    pub async fn rename_passkey(
        &self,
        principal: &Principal,
        id: &str,
        name: &str,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let name = passkey_name(name, origin)?;
        self.charge(&[self.profile_charge(principal.account.id)]).await?;
        let (now, account, id) = (self.parts.clock.now(), principal.account.id, named(id)?);
        let noted = self.noted(Event::PasskeyRenamed, Some(account), Some(&principal.sid), origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let renamed = passkeys::rename(tx, account, &id, &name).await?;
                if renamed {
                    noted.write(tx, now).await?;
                }
                Ok(renamed)
            })
        });
        if write.await? { Ok(()) } else { Err(AuthError::NotFound) }
    }

    /// Removes a passkey; not the last one of an account without a password, nor the last factor where the site demands one.
    ///
    /// # Errors
    /// `ProofRequired`; `LastWayIn`; `NotFound`; `TooMany`; `Unavailable`.
    pub async fn remove_passkey(&self, principal: &Principal, id: &str, origin: &Origin) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        self.charge(&[self.profile_charge(principal.account.id)]).await?;
        let (now, account, id) = (self.parts.clock.now(), principal.account.id, id.to_owned());
        let removing = self.removing(principal, Event::PasskeyRemoved, MailKind::PasskeyRemoved, origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, account).await?;
                if !removing.may_write(tx, now).await? {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                let present = passkeys::of_account(tx, account).await?;
                let Some(gone) = present.iter().find(|passkey| passkey.summary.id == id) else {
                    return Ok(Err(AuthError::NotFound));
                };
                if !removing.leaves_a_way_in(tx, present.len() - 1, None).await? {
                    return Ok(Err(AuthError::LastWayIn));
                }
                passkeys::delete(tx, account, &id).await?;
                removing.about(&gone.summary.name).write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        self.parts.mail.notify_one();
        tracing::info!(event = "passkey_removed", %account, "a passkey was removed");
        Ok(())
    }
}

/// The name that an owner gives a passkey, or that of the device it was made on.
fn passkey_name(typed: &str, origin: &Origin) -> Result<String, AuthError> {
    let name = PersonName::parse(typed).map_err(|message| wrong("name", &message))?;
    Ok(match name.as_str() {
        "" if origin.device_label.is_empty() => "Passkey".to_owned(),
        "" => origin.device_label.clone(),
        name => name.to_owned(),
    })
}

/// What somebody is told whose ceremony came to nothing.
pub(super) fn refusal(fault: PasskeyFault) -> AuthError {
    match fault {
        PasskeyFault::NoDomain => AuthError::NotFound,
        PasskeyFault::Unreadable | PasskeyFault::Refused | PasskeyFault::Cloned => {
            wrong("credential", "That passkey did not work. Please try again.")
        }
    }
}
