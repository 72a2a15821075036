//! Signing in with a passkey alone: it has verified its user, so it is two factors at once.

use super::{
    AuthError, AuthService, LoggedIn, Origin,
    challenge::{event_of, wrong},
    factor_proof::{Scope, Spending},
    session::Whose,
};
use crate::{
    domain::factor::{Ceremony, SignInMethod},
    server::{
        metrics::SignIn,
        store::{
            accounts,
            outbox::{self, MailKind},
        },
    },
};

impl AuthService {
    /// Begins to sign in with whatever passkey of this site somebody has. With `autofill` the browser offers them in the
    /// field for the user name.
    ///
    /// # Errors
    /// `NotFound` where there are no passkeys; `TooMany`.
    pub async fn start_passkey_log_in(&self, autofill: bool, origin: &Origin) -> Result<Ceremony, AuthError> {
        self.charge(&[self.ceremony_charge(origin)]).await?;
        let shown = self.parts.passkeys.start_authentication(&[], autofill).map_err(super::passkey::refusal)?;
        self.give_out(Scope::LogIn, shown)
    }

    /// Opens a session for whoever has a passkey of an account.
    ///
    /// # Errors
    /// `Invalid` (field `credential`) for every cause; `TooMany`; `Unavailable`.
    pub async fn log_in_with_passkey(
        &self,
        ceremony: (&str, &str),
        remember: bool,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<LoggedIn, AuthError> {
        let entered = self.enter_with_passkey(ceremony, remember, origin, held).await;
        self.parts.metrics.sign_in(match &entered {
            Ok(_) => SignIn::SignedIn,
            Err(AuthError::Invalid(_)) => SignIn::Refused,
            Err(AuthError::TooMany(_)) => SignIn::Throttled,
            Err(AuthError::Busy) => SignIn::Busy,
            Err(_) => SignIn::Failed,
        });
        entered
    }

    async fn enter_with_passkey(
        &self,
        ceremony: (&str, &str),
        remember: bool,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<LoggedIn, AuthError> {
        self.charge(&[self.ceremony_charge(origin)]).await?;
        let (passkey, spend) = self.judge_passkey(None, Scope::LogIn, ceremony, origin).await?;
        let id = passkey.account;
        let now = self.parts.clock.now();
        let refused = || wrong("credential", "You cannot sign in with this passkey.");
        let found = accounts::find(&mut *self.parts.store.read().await?, id).await?;
        let account = found.filter(|account| account.may_enter(now)).ok_or_else(refused)?;
        let spending = Spending::of_passkey(id, spend);
        let opening = self.opening(Whose::of(&account), SignInMethod::Passkey, remember, origin, held)?;
        let opened = opening.opened.clone();
        let noted = self.noted(event_of(SignInMethod::Passkey), Some(id), Some(&opening.new.sid), origin);
        let new_device = self.notice(MailKind::NewDevice, id, Some(origin.told()));
        let known = self.known_device(&account, origin).is_some();
        let epoch = account.security_epoch;
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                if accounts::epoch(tx, id).await? != epoch || !spending.write(tx, now).await? {
                    return Ok(Err(spending.spent_already()));
                }
                // Of a row that is held, with the epoch compared above: always of a session that was written.
                if opening.write(tx).await?.is_some_and(|before| before.is_new_device()) && !known {
                    outbox::insert(tx, &new_device, now).await?;
                }
                noted.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        self.parts.mail.notify_one();
        tracing::info!(event = "login", account = %id, ip = %origin.ip, "signed in with a passkey");
        Ok(match account.account.delete_at {
            Some(_) => LoggedIn::Leaving(opened),
            None => LoggedIn::Opened(opened),
        })
    }
}
