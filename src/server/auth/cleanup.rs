//! Deleting rows that nobody can use any more.

use super::{AuthError, AuthService};
use crate::server::store::{outbox, sessions, tickets};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days that mails which were sent or given up are kept for those who look after the server.
const KEEP_MAILS: i64 = 7;
/// Days that dead tickets are kept: a late click is told the same either way.
const KEEP_TICKETS: i64 = 1;

impl AuthService {
    /// Deletes ended sessions, dead tickets and finished mails, and answers how many sessions and tickets went.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn clean_up(&self) -> Result<u64, AuthError> {
        let now = self.parts.clock.now();
        let ended = now.plus(-self.parts.settings.session.keep_ended * DAY);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let sessions = sessions::delete_ended(tx, ended).await?;
                let tickets = tickets::delete_dead(tx, now.plus(-KEEP_TICKETS * DAY)).await?;
                outbox::delete_finished_before(tx, now.plus(-KEEP_MAILS * DAY)).await?;
                Ok(sessions + tickets)
            })
        });
        Ok(write.await?)
    }
}
