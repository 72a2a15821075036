//! Who calls at the door for the front ends of Django, and the proof that some of its acts ask for in the same request.

use super::{AuthError, AuthService, Decision, Origin, Principal, TokenFault, compat::must_live, decide};
use crate::{
    domain::{factor::AssuranceLevel, history::Event, problem::FieldError},
    server::{
        crypto::{Bearer, TokenRefused},
        store::{
            accounts::{self, StoredAccount},
            sessions::{self, Session},
        },
    },
};
use secrecy::SecretString;

/// Seconds between two notes that a token which is never exchanged is in use.
const TOUCH_EVERY: i64 = 3600;

impl AuthService {
    /// The caller behind an access token of this door. Those of other doors, and refresh tokens, are refused.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub async fn authenticate_elsewhere(&self, token: &str) -> Result<Principal, TokenFault> {
        let now = self.parts.clock.now();
        let keyed = self.keyed();
        let tokens = &keyed.compat_tokens;
        let bearer = if tokens.signs_access() {
            tokens.read_access(token, now)?
        } else {
            let claims = keyed.signer.verify_compat(token, now).map_err(|refused| match refused {
                TokenRefused::Expired => TokenFault::Expired,
                _ => tokens.not_access(token).into(),
            })?;
            Bearer { account: claims.account, sid: claims.sid, username: None }
        };
        let mut tx = self.parts.store.read().await?;
        let Some((session, stored)) = sessions::find_public(&mut tx, &bearer.sid).await? else {
            let is_there = accounts::find(&mut tx, bearer.account).await?.is_some();
            return Err(if is_there { TokenFault::Ended } else { TokenFault::NoAccount });
        };
        must_live(&session, &stored, &bearer, now)?;
        Ok(principal_of(session, stored))
    }

    /// The caller behind the one token of a session that [`AuthService::log_in_for_long`] opened.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub async fn authenticate_kept(&self, token: &str) -> Result<Principal, TokenFault> {
        let now = self.parts.clock.now();
        let presented = self.keyed().refresh_tokens.parse_kept(token).ok_or(TokenFault::Invalid)?;
        let rid = presented.rid.to_text();
        let found = sessions::find(&mut *self.parts.store.read().await?, &rid).await?;
        let (session, stored) = found.ok_or(TokenFault::Invalid)?;
        let counter = i64::try_from(presented.counter).map_err(|_| TokenFault::Invalid)?;
        let bearer = Bearer { account: session.account, sid: session.sid.clone(), username: None };
        must_live(&session, &stored, &bearer, now)?;
        let newest = decide(&session, counter, now, 0) == Decision::Rotate;
        if !newest {
            return Err(TokenFault::Invalid);
        }
        if now.since(session.minted_at) >= TOUCH_EVERY {
            let write = self.parts.store.write_of(Some(session.account), move |tx| {
                Box::pin(async move { sessions::touch(tx, &rid, now).await })
            });
            write.await?;
        }
        Ok(principal_of(session, stored))
    }

    /// The caller, with the proof that this very request brings. Nothing of the session changes by it.
    ///
    /// # Errors
    /// `Invalid` (field `current_password`); `NotSignedIn` if the account is gone; `TooMany`; `Busy`; `Unavailable`.
    pub async fn prove_principal(
        &self,
        principal: &Principal,
        typed: &SecretString,
        origin: &Origin,
    ) -> Result<Principal, AuthError> {
        let id = principal.account.id;
        let stored = accounts::find(&mut *self.parts.store.read().await?, id).await?.ok_or(AuthError::NotSignedIn)?;
        if stored.demanded_level > AssuranceLevel::One {
            return Err(AuthError::FactorRequired);
        }
        let wrong = FieldError::new("current_password", "That is not your password. Please try again.");
        self.prove((id, Some(&principal.sid)), stored.password_hash, typed, wrong, origin).await?;
        self.note(self.noted(Event::StepUp, Some(id), Some(&principal.sid), origin)).await?;
        Ok(Principal { authenticated_at: self.parts.clock.now(), ..principal.clone() })
    }
}

fn principal_of(session: Session, stored: StoredAccount) -> Principal {
    Principal {
        is_admin: stored.admin_since.is_some(),
        account: stored.account,
        sid: session.sid,
        authenticated_at: session.authenticated_at,
        level: session.level,
    }
}
