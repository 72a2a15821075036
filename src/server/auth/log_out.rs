//! Signing out here, and everywhere.

use super::{AuthError, AuthService, Origin, Principal};
use crate::{domain::history::Event, server::store::sessions};

impl AuthService {
    /// Ends the session of this refresh token. Any token of the session will do, and doing it twice is no error.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn log_out(&self, held: Option<&str>, origin: &Origin) -> Result<(), AuthError> {
        let Some(presented) = held.and_then(|token| self.keyed().refresh_tokens.parse(token)) else { return Ok(()) };
        let (rid, now) = (presented.rid.to_text(), self.parts.clock.now());
        let (service, origin) = (self.clone(), origin.clone());
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let ended = sessions::revoke(tx, &rid, "signed_out", now).await?;
                if let Some((account, sid)) = &ended {
                    service.noted(Event::LoggedOut, Some(*account), Some(sid), &origin).write(tx, now).await?;
                }
                Ok(ended)
            })
        });
        if let Some((account, sid)) = write.await? {
            tracing::info!(event = "logout", %account, %sid, "signed out");
        }
        Ok(())
    }

    /// Ends the caller's own session, at once.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_this_session(&self, principal: &Principal, origin: &Origin) -> Result<(), AuthError> {
        let (now, id, sid) = (self.parts.clock.now(), principal.account.id, principal.sid.clone());
        let noted = self.noted(Event::LoggedOut, Some(id), Some(&sid), origin);
        let write = self.parts.store.write_of(Some(id), move |tx| {
            Box::pin(async move {
                if sessions::revoke_public(tx, id, &sid, "signed_out", now).await? {
                    noted.write(tx, now).await?;
                }
                Ok(())
            })
        });
        Ok(write.await?)
    }
}
