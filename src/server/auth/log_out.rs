//! Signing out here, and everywhere.

use super::{AuthError, AuthService};
use crate::{
    domain::account::AccountId,
    server::store::{accounts, sessions},
};

impl AuthService {
    /// Ends the session of this refresh token. Any token of the session will do, and doing it twice is no error.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn log_out(&self, held: Option<&str>) -> Result<(), AuthError> {
        let Some(presented) = held.and_then(|token| self.parts.refresh_tokens.parse(token)) else { return Ok(()) };
        let (rid, now) = (presented.rid.to_text(), self.parts.clock.now());
        let write = self
            .parts
            .store
            .write(move |tx| Box::pin(async move { sessions::revoke(tx, &rid, "signed_out", now).await }));
        if write.await? {
            tracing::info!(event = "logout", "signed out");
        }
        Ok(())
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn log_out_everywhere(&self, account: AccountId) -> Result<(), AuthError> {
        let write =
            self.parts.store.write(move |tx| Box::pin(async move { accounts::end_sessions(tx, account).await }));
        Ok(write.await?)
    }

    /// Disables an account, which ends its sessions, or enables it again.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_disabled(&self, account: AccountId, disabled: bool) -> Result<(), AuthError> {
        let at = disabled.then(|| self.parts.clock.now());
        let write =
            self.parts.store.write(move |tx| Box::pin(async move { accounts::set_disabled(tx, account, at).await }));
        Ok(write.await?)
    }
}
