//! Step-up: a fresh proof inside a session, after which no older token of it is taken.

use super::{AuthError, AuthService, Decision, Origin, decide, session::Opened};
use crate::{
    domain::{account::AccountId, credential::TypedPassword, history::Event, problem::FieldError},
    server::{
        crypto::{Guess, Presented},
        store::{
            accounts::StoredAccount,
            sessions::{self, Session},
            throttles,
        },
    },
};
use secrecy::SecretString;

/// How often a change of the session is tried while others move it. Each move is somebody else's progress.
pub(super) const LOOKS: usize = 8;

impl AuthService {
    /// Proves the password again inside the session of `held` and makes every older token of it useless.
    /// A double click, and whoever lost the first answer, is answered the same way again.
    ///
    /// # Errors
    /// `NotSignedIn` without a live session; `Invalid` (field `current_password`); `TooMany`; `Busy`; `Unavailable`.
    pub async fn step_up(
        &self,
        held: Option<&str>,
        typed: &SecretString,
        origin: &Origin,
    ) -> Result<Opened, AuthError> {
        let presented =
            held.and_then(|token| self.keyed().refresh_tokens.parse(token)).ok_or(AuthError::NotSignedIn)?;
        let (seen, account, _) = self.standing(&presented).await?;
        let wrong = FieldError::new("current_password", "That is not your password. Please try again.");
        self.prove((seen.account, Some(&seen.sid)), account.password_hash, typed, wrong, origin).await?;
        for _ in 0..LOOKS {
            // Other tabs go on refreshing while the password is hashed: the row is looked at again.
            let (seen, now_account, decision) = self.standing(&presented).await?;
            if now_account.security_epoch != account.security_epoch {
                return Err(AuthError::NotSignedIn);
            }
            let now = self.parts.clock.now();
            let (rid, row) = (presented.rid.to_text(), seen.clone());
            let noted = self.noted(Event::StepUp, Some(seen.account), Some(&seen.sid), origin);
            if decision == Decision::RefuseSoftly {
                let write = self.parts.store.write(move |tx| {
                    Box::pin(async move {
                        sessions::prove_again(tx, &rid, row.counter, now).await?;
                        noted.write(tx, now).await
                    })
                });
                write.await?;
                return self.opened(&presented.rid, &seen, seen.counter, now);
            }
            let made = next_after(&seen, &presented);
            let write = self.parts.store.write(move |tx| {
                Box::pin(async move {
                    let done = sessions::step_up(tx, &rid, &row, made, now).await?;
                    if done {
                        noted.write(tx, now).await?;
                    }
                    Ok(done)
                })
            });
            if write.await? {
                return self.opened(&presented.rid, &seen, made, now);
            }
        }
        // Eight others were faster: the session is fine, the caller may try again.
        Err(AuthError::Busy)
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
            decision => Ok((seen, account, decision)),
        }
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
        // Right ones count as well: each costs a hash.
        let every = self.limited("proofs", &account.to_string(), self.parts.settings.throttle.login);
        let all = [charges.clone(), vec![every]].concat();
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
                let write =
                    self.parts.store.write(move |tx| Box::pin(async move { throttles::forget(tx, &forgotten).await }));
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

/// The token after the newest one: of the row, or of a caller who is ahead of it since a backup was restored.
pub(super) fn next_after(seen: &Session, presented: &Presented) -> i64 {
    seen.counter.max(i64::try_from(presented.counter).unwrap_or(seen.counter)).saturating_add(1)
}
