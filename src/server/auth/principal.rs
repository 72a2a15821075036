//! Who calls: by access token, or by the cookie that a page is rendered for.

use super::{
    AuthError, AuthService,
    session_memory::{Known, Reading, Remembered},
};
use crate::{
    domain::{
        account::{Account, AccountId},
        factor::AssuranceLevel,
        time::Timestamp,
    },
    server::{
        crypto::{Claims, Sealing},
        store::{
            accounts::{self, StoredAccount},
            sessions::{self, Session},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;

/// The authenticated caller.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Whose session it is.
    pub account: Account,
    /// The public name of the session.
    pub sid: String,
    /// When this session last proved who it is.
    pub authenticated_at: Timestamp,
    /// What this session has shown.
    pub level: AssuranceLevel,
    /// Whether the account is an administrator's.
    pub is_admin: bool,
}

impl Principal {
    fn of(session: &Session, stored: StoredAccount) -> Self {
        Self {
            is_admin: stored.admin_since.is_some(),
            account: stored.account,
            sid: session.sid.clone(),
            authenticated_at: session.authenticated_at,
            level: session.level,
        }
    }
}

/// A visitor of a page, known by the cookie.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who it is.
    pub principal: Principal,
    /// When the newest token of the session was minted.
    pub minted_at: Timestamp,
    /// Seconds the session lives without a new token.
    pub idle_seconds: i64,
}

impl AuthService {
    /// The caller behind an access token. The session's row counts as well, so that a sign-out is felt at once: by this
    /// process with the next call, by others after `session.memory` milliseconds at most.
    ///
    /// # Errors
    /// `NotSignedIn` for every fault of the token and every end of the session; `Unavailable`.
    pub async fn authenticate(&self, access_token: &str) -> Result<Arc<Principal>, AuthError> {
        let found = self.principal_of(access_token).await;
        if matches!(found, Err(AuthError::NotSignedIn)) {
            self.parts.metrics.token_refused();
        }
        found
    }

    async fn principal_of(&self, access_token: &str) -> Result<Arc<Principal>, AuthError> {
        let now = self.parts.clock.now();
        let sealing = self.keyed();
        let reading = self.session_memory.begin(&sealing);
        let found = match self.session_memory.caller(access_token, &reading) {
            Some(found) if sealing.signer.is_good_at(&found.claims, now) => {
                if self.session_memory.is_due(&found, &reading) {
                    self.read_caller_aside(access_token, sealing, reading, now);
                }
                found
            }
            _ => self.read_caller(access_token, &sealing, reading, now).await?,
        };
        let (session, owner) = (&found.known.session, found.claims.account);
        if session.lacks_factor(now) && owner == session.account {
            return Err(AuthError::FactorRequired);
        }
        if !session.is_alive(now) || owner != session.account {
            return Err(AuthError::NotSignedIn);
        }
        Ok(Arc::clone(&found.known.principal))
    }

    /// For the calls after this one. Whatever goes wrong, they meet it themselves; what comes later than it would be remembered
    /// is of no use.
    fn read_caller_aside(&self, access_token: &str, sealing: Arc<Sealing>, reading: Reading, now: Timestamp) {
        let (service, access_token, lasts) = (self.clone(), access_token.to_owned(), self.session_memory.lasts());
        tokio::spawn(async move {
            drop(timeout(lasts, service.read_caller(&access_token, &sealing, reading, now)).await);
        });
    }

    async fn read_caller(
        &self,
        access_token: &str,
        sealing: &Sealing,
        reading: Reading,
        now: Timestamp,
    ) -> Result<Arc<Remembered>, AuthError> {
        let claims = sealing.signer.verify(access_token, now).map_err(|_| AuthError::NotSignedIn)?;
        let mut tx = self.parts.store.read().await?;
        let found = sessions::find_public(&mut tx, &claims.sid).await?;
        let (session, stored) = found.ok_or(AuthError::NotSignedIn)?;
        // Where the password comes with each sensitive request, having signed in a moment ago proves nothing.
        let authenticated_at = if claims.is_compat { Timestamp(0) } else { session.authenticated_at };
        let principal = Principal { authenticated_at, ..Principal::of(&session, stored) };
        let known = Known::new(session, principal, reading);
        Ok(self.session_memory.keep_caller(access_token, Remembered::new(claims, known)))
    }

    /// Whether a service that shows this secret may ask about access tokens: it is `introspection.secret`, or none is set.
    #[must_use]
    pub fn may_introspect(&self, shown: &SecretString) -> bool {
        let secret = self.parts.settings.introspection.secret.expose_secret();
        secret.is_empty() || bool::from(shown.expose_secret().as_bytes().ct_eq(secret.as_bytes()))
    }

    /// What another service may know of an access token: its claims and its account's user name. None for every token that
    /// is not good now, and of an account that is on its way out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn introspect(&self, access_token: &str) -> Result<Option<(Claims, String)>, AuthError> {
        let principal = match self.authenticate(access_token).await {
            Ok(principal) => principal,
            Err(AuthError::NotSignedIn | AuthError::FactorRequired) => return Ok(None),
            Err(error) => return Err(error),
        };
        if principal.account.delete_at.is_some() {
            return Ok(None);
        }
        let claims = self.keyed().signer.verify(access_token, self.parts.clock.now()).ok();
        Ok(claims.map(|claims| (claims, principal.account.username.clone())))
    }

    /// An account as its owner sees it, as it is now.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, AuthError> {
        let found = accounts::find(&mut *self.parts.store.read().await?, id).await?;
        Ok(found.map(|stored| stored.account))
    }

    /// The visitor behind a cookie. Nothing is written: pages never rotate on GET, where answers get lost.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn visit(&self, held: Option<&str>) -> Result<Option<Visit>, AuthError> {
        let sealing = self.keyed();
        let Some(presented) = held.and_then(|token| sealing.refresh_tokens.parse(token)) else { return Ok(None) };
        let now = self.parts.clock.now();
        let reading = self.session_memory.begin(&sealing);
        let rid = presented.rid.to_text();
        let known = match self.session_memory.visitor(&rid, &reading) {
            Some(known) => known,
            None => {
                let mut tx = self.parts.store.read().await?;
                let Some((session, stored)) = sessions::find(&mut tx, &rid).await? else { return Ok(None) };
                let principal = Principal::of(&session, stored);
                self.session_memory.keep_visitor(rid, Known::new(session, principal, reading))
            }
        };
        let session = &known.session;
        // A skipped token is a thief's or its victim's: the next refresh tells and ends the session.
        let is_held = session.is_alive(now) && session.is_held_by(presented.counter);
        let newer_than_the_backup = session.is_open(now) && presented.counter > session.counter.unsigned_abs();
        Ok((is_held || newer_than_the_backup).then(|| Visit {
            minted_at: session.minted_at,
            idle_seconds: session.idle_seconds,
            principal: Principal::clone(&known.principal),
        }))
    }
}
