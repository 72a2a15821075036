//! Deleting rows that nobody can use any more.

use super::{AuthError, AuthService};
use crate::server::store::{outbox, sessions, tickets};

/// Seconds of a day.
const DAY: i64 = 86_400;

impl AuthService {
    /// Deletes accounts whose time has come, ended sessions, dead tickets, finished mails and old history, and answers how
    /// many sessions and tickets went.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn clean_up(&self) -> Result<u64, AuthError> {
        let now = self.parts.clock.now();
        let ended = now.plus(-self.parts.settings.session.keep_ended * DAY);
        let purged = self.purge().await?;
        if purged > 0 {
            tracing::info!(event = "purged", accounts = purged, "accounts whose time had come were deleted");
        }
        let settings = &self.parts.settings;
        let tickets_before = now.plus(-settings.account.keep_tickets * DAY);
        let mails_before = now.plus(-settings.mail.keep * DAY);
        let service = self.clone();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let sessions = sessions::delete_ended(tx, ended).await?;
                let tickets = tickets::delete_dead(tx, tickets_before).await?;
                outbox::delete_finished_before(tx, mails_before).await?;
                service.let_go(tx, now).await?;
                Ok(sessions + tickets)
            })
        });
        Ok(write.await?)
    }
}
