//! Deleting rows that nobody can use any more.

use super::{AuthError, AuthService};
use crate::server::store::{challenges, leases, outbox, passkeys, sessions, tickets, totp_secrets, trusted_browsers};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// What this work is called among those that one server does for all.
const WORK: &str = "clean_up";
/// Seconds that a server has it: it comes back each hour and keeps it, and two hours after it died another one has it.
const LEASE: i64 = 7200;

impl AuthService {
    /// Cleans up if no other server does: as [`AuthService::clean_up`], or nothing. `holder` is this server among others.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn clean_up_for_all(&self, holder: &str) -> Result<Option<u64>, AuthError> {
        let (now, holder) = (self.parts.clock.now(), holder.to_owned());
        let until = now.plus(LEASE);
        let take = self
            .parts
            .store
            .write(move |tx| Box::pin(async move { leases::take(tx, WORK, &holder, now, until).await }));
        if !take.await? {
            return Ok(None);
        }
        self.clean_up().await.map(Some)
    }

    /// Lets go of all work that this server does for all, so that another one takes it at once.
    ///
    /// # Errors
    /// `Unavailable`: then it is taken over when its time has run out.
    pub async fn let_go_of_work(&self, holder: &str) -> Result<(), AuthError> {
        let holder = holder.to_owned();
        let write = self.parts.store.write(move |tx| Box::pin(async move { leases::release_all(tx, &holder).await }));
        write.await?;
        Ok(())
    }

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
                challenges::delete_expired(tx, now).await?;
                totp_secrets::delete_expired(tx, now).await?;
                trusted_browsers::delete_expired(tx, now).await?;
                // A day more than they live: a clock that is set back makes none good again.
                passkeys::forget_spent(tx, now.plus(-DAY)).await?;
                service.let_go(tx, now).await?;
                Ok(sessions + tickets)
            })
        });
        let gone = write.await?;
        self.reseal_totp().await?;
        Ok(gone)
    }
}
