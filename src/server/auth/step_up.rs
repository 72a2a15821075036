//! Step-up: a fresh proof inside a session, after which no older token of it is taken.

use super::{
    AuthError, AuthService, Decision, Origin, Proof,
    audit::Noted,
    challenge::wrong,
    decide,
    factor_proof::{Scope, Spending},
    session::Opened,
};
use crate::{
    domain::{
        account::AccountId, credential::TypedPassword, factor::AssuranceLevel, history::Event, problem::FieldError,
        time::Timestamp,
    },
    server::{
        crypto::{Guess, Presented},
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            sessions::{self, Session},
            throttles,
        },
    },
};
use secrecy::SecretString;
use std::sync::Arc;

/// How often a change of the session is tried while others move it. Each move is somebody else's progress.
pub(super) const LOOKS: usize = 8;

impl AuthService {
    /// Proves again who it is inside the session of `held` and makes every older token of it useless: with the password, or
    /// with a factor, which an account that has one demands. A factor also gives a session from before what it lacks.
    /// A double click, and whoever lost the first answer, is answered the same way again, as far as the proof allows: a code
    /// works once.
    ///
    /// # Errors
    /// `NotSignedIn` without a live session; `FactorRequired` for a session that lacks a factor and shows none; `Invalid`
    /// with the field; `TooMany`; `Busy`; `Unavailable`.
    pub async fn step_up(&self, held: Option<&str>, proof: &Proof, origin: &Origin) -> Result<Opened, AuthError> {
        let presented =
            held.and_then(|token| self.keyed().refresh_tokens.parse(token)).ok_or(AuthError::NotSignedIn)?;
        match proof {
            Proof::Password(typed) => {
                let (seen, account, _) = self.standing(&presented).await?;
                if account.demanded_level > AssuranceLevel::One {
                    return Err(wrong("current_password", "This account confirms with its second step."));
                }
                let wrong = FieldError::new("current_password", "That is not your password. Please try again.");
                let hash = account.password_hash;
                self.prove((seen.account, Some(&seen.sid)), hash, typed, wrong, origin).await?;
                self.stepped_up(&presented, account.security_epoch, None, origin).await
            }
            Proof::Factor(factor) => {
                if let Some(blank) = factor.blank() {
                    return Err(blank);
                }
                let (seen, account, _) = self.standing_for_factor(&presented).await?;
                let scope = Scope::Session(&seen.sid);
                let spending = self.judge_factor(&account, scope, factor, Some(&seen.sid), origin).await?;
                self.stepped_up(&presented, account.security_epoch, Some(spending), origin).await
            }
        }
    }

    /// Makes the token after a proof that was right, and spends it.
    async fn stepped_up(
        &self,
        presented: &Presented,
        epoch: i64,
        spending: Option<Spending>,
        origin: &Origin,
    ) -> Result<Opened, AuthError> {
        let spending = spending.map(Arc::new);
        for _ in 0..LOOKS {
            // Other tabs go on refreshing while the password is hashed: the row is looked at again.
            let (seen, now_account, decision) = match spending {
                Some(_) => self.standing_for_factor(presented).await?,
                None => self.standing(presented).await?,
            };
            if now_account.security_epoch != epoch {
                return Err(AuthError::NotSignedIn);
            }
            let now = self.parts.clock.now();
            let (rid, row) = (presented.rid.to_text(), seen.clone());
            let event = if spending.is_some() { Event::StepUpWithFactor } else { Event::StepUp };
            let noted = self.noted(event, Some(seen.account), Some(&seen.sid), origin);
            let spent = spending.clone();
            if decision == Decision::RefuseSoftly {
                if !self.prove_as_before((rid, row), epoch, spent, noted, now).await? {
                    continue;
                }
                return self.opened(&presented.rid, &seen, seen.counter, now);
            }
            let made = next_after(&seen, presented);
            let write = self.parts.store.write(move |tx| {
                Box::pin(async move {
                    // Accounts before sessions, as everywhere.
                    accounts::hold(tx, row.account).await?;
                    let unmoved = accounts::epoch(tx, row.account).await? == epoch;
                    if !unmoved || !sessions::stands(tx, &rid, &row).await? {
                        return Ok(Ok(false));
                    }
                    if let Some(refusal) = spend(tx, spent.as_deref(), now).await? {
                        return Ok(Err(refusal));
                    }
                    let done = sessions::step_up(tx, &rid, &row, made, (now, now)).await?;
                    if let Some(spent) = &spent {
                        sessions::raise(tx, &row.sid, spent.method_with_password()).await?;
                        spent.settle(tx, now).await?;
                    }
                    noted.write(tx, now).await?;
                    Ok(Ok(done))
                })
            });
            if write.await?? {
                return self.opened(&presented.rid, &seen, made, now);
            }
        }
        // Eight others were faster: the session is fine, the caller may try again.
        Err(AuthError::Busy)
    }

    /// A proof that was given with a token from before another proof: it counts, and the newest token stays. False if session
    /// or account have moved since they were read.
    async fn prove_as_before(
        &self,
        (rid, row): (String, Session),
        epoch: i64,
        spending: Option<Arc<Spending>>,
        noted: Noted,
        now: Timestamp,
    ) -> Result<bool, AuthError> {
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, row.account).await?;
                let unmoved = accounts::epoch(tx, row.account).await? == epoch;
                if !unmoved || !sessions::stands(tx, &rid, &row).await? {
                    return Ok(Ok(false));
                }
                if let Some(refusal) = spend(tx, spending.as_deref(), now).await? {
                    return Ok(Err(refusal));
                }
                sessions::prove_again(tx, &rid, row.counter, now).await?;
                if let Some(spent) = &spending {
                    spent.settle(tx, now).await?;
                }
                noted.write(tx, now).await?;
                Ok(Ok(true))
            })
        });
        write.await?
    }

    /// The session of a token, its account, and what the token means there.
    ///
    /// # Errors
    /// `NotSignedIn` for a token that is worth nothing.
    pub(super) async fn standing(
        &self,
        presented: &Presented,
    ) -> Result<(Session, StoredAccount, Decision), AuthError> {
        let counter = i64::try_from(presented.counter).map_err(|_| AuthError::NotSignedIn)?;
        let found = sessions::find(&mut *self.parts.store.read().await?, &presented.rid.to_text()).await?;
        let (seen, account) = found.ok_or(AuthError::NotSignedIn)?;
        let window = self.parts.settings.session.reuse_window;
        match decide(&seen, counter, self.parts.clock.now(), window) {
            Decision::Refuse | Decision::Theft => Err(AuthError::NotSignedIn),
            Decision::AskFactor => Err(AuthError::FactorRequired),
            decision => Ok((seen, account, decision)),
        }
    }

    /// As [`AuthService::standing`], also of a session that lacks only the factor which is about to be shown.
    ///
    /// # Errors
    /// `NotSignedIn` for a token that is worth nothing.
    pub(super) async fn standing_for_factor(
        &self,
        presented: &Presented,
    ) -> Result<(Session, StoredAccount, Decision), AuthError> {
        match self.standing(presented).await {
            Err(AuthError::FactorRequired) => {}
            standing => return standing,
        }
        let found = sessions::find(&mut *self.parts.store.read().await?, &presented.rid.to_text()).await?;
        let (seen, account) = found.ok_or(AuthError::NotSignedIn)?;
        let lacks = seen.lacks_factor(self.parts.clock.now()) && seen.is_held_by(presented.counter);
        if lacks { Ok((seen, account, Decision::AskFactor)) } else { Err(AuthError::NotSignedIn) }
    }

    /// Checks a password given as proof for an account (in a session), at the pace of the settings.
    ///
    /// # Errors
    /// `Invalid` with `wrong` if it is; `TooMany`; `Busy`; `Unavailable`.
    pub(super) async fn prove(
        &self,
        (account, sid): (AccountId, Option<&str>),
        hash: Option<String>,
        typed: &SecretString,
        wrong: FieldError,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let charges = self.proof_charges(account, sid);
        let all = [charges.clone(), vec![self.hash_charge(account)]].concat();
        self.charge(&all).await?;
        let password = TypedPassword::parse(typed, self.parts.settings.password.max_length);
        let possible = password.is_some();
        let guess = password.as_ref().map_or_else(Guess::impossible, Guess::from);
        match self.parts.hasher.verify(guess, hash).await {
            Err(busy) => {
                self.refund(&all).await;
                Err(busy.into())
            }
            Ok(verdict) if verdict.matches && possible => {
                let forgotten = charges.clone();
                let write = self
                    .parts
                    .store
                    .write_aside(move |tx| Box::pin(async move { throttles::forget(tx, &forgotten).await }));
                write.await?;
                self.unblock(&charges);
                Ok(())
            }
            Ok(_) => {
                tracing::info!(event = "step_up_failed", %account, ip = %origin.ip, "a wrong password was given as proof");
                self.note(self.noted(Event::StepUpFailed, Some(account), sid, origin)).await?;
                Err(AuthError::Invalid(vec![wrong]))
            }
        }
    }
}

/// Uses a factor up that was shown as proof; the account's row is held. What somebody is told who was slower with the same.
async fn spend(tx: &mut Tx, spending: Option<&Spending>, now: Timestamp) -> Result<Option<AuthError>, StoreError> {
    let Some(spending) = spending else { return Ok(None) };
    Ok(if spending.write(tx, now).await? { None } else { Some(spending.spent_already()) })
}

/// The token after the newest one: of the row, or of a caller who is ahead of it since a backup was restored.
pub(super) fn next_after(seen: &Session, presented: &Presented) -> i64 {
    seen.counter.max(i64::try_from(presented.counter).unwrap_or(seen.counter)).saturating_add(1)
}
