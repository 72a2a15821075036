//! What the service sees of itself: for balancers, and for those who run the server.

use super::{AuthError, AuthService};
use crate::server::{
    metrics::{Outbox, Pool, Sight},
    store::outbox_list,
};
use std::time::Duration;

/// Seconds that a mail may wait before it counts as delayed.
const MAIL_DELAY: i64 = 60;
/// How long the database may take to say how many mails wait: whoever asks for all else shall not wait longer.
const LOOK: Duration = Duration::from_secs(2);

/// Whether the server can do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// It has the tables of this version.
    pub migrations: bool,
    /// Seconds that the oldest mail has waited; nothing if none waits, or if that is not known.
    pub mail_oldest: Option<i64>,
}

impl Readiness {
    /// Whether people can sign in, but mails wait: one of them for longer than a minute.
    #[must_use]
    pub fn is_mail_delayed(&self) -> bool {
        self.mail_oldest.is_some_and(|seconds| seconds > MAIL_DELAY)
    }
}

impl AuthService {
    /// Whether the database answers, within two seconds, and is of this version; and whether mails leave.
    pub async fn readiness(&self) -> Readiness {
        let looked = tokio::time::timeout(LOOK, self.look_whether_ready()).await;
        looked.unwrap_or_else(|_| {
            tracing::warn!("not ready: the database takes too long");
            Readiness { database: false, migrations: false, mail_oldest: None }
        })
    }

    async fn look_whether_ready(&self) -> Readiness {
        let away = Readiness { database: false, migrations: false, mail_oldest: None };
        let migrations = match self.parts.store.is_up_to_date().await {
            Ok(migrations) => migrations,
            Err(error) => {
                tracing::warn!(%error, "not ready");
                return away;
            }
        };
        let unknown = Readiness { database: true, migrations, mail_oldest: None };
        if !migrations {
            return unknown;
        }
        match self.backlog().await {
            Ok(outbox) => Readiness { mail_oldest: (outbox.waiting > 0).then_some(outbox.oldest_age), ..unknown },
            Err(error) => {
                tracing::warn!(%error, "not ready");
                away
            }
        }
    }

    /// What there is to see now. Never fails: what cannot be seen is left out.
    pub async fn sight(&self) -> Sight {
        // Before the look that needs a connection itself.
        let pool = self.parts.store.pool();
        let outbox = tokio::time::timeout(LOOK, self.backlog()).await;
        Sight {
            hashes_waiting: self.parts.hasher.waiting(),
            pool: Pool { most: pool.most, open: pool.open, idle: pool.idle },
            database_faults: self.parts.store.faults(),
            outbox: outbox.ok().and_then(Result::ok),
        }
    }

    async fn backlog(&self) -> Result<Outbox, AuthError> {
        let (waiting, oldest) = outbox_list::backlog(&mut *self.parts.store.read().await?).await?;
        let now = self.parts.clock.now();
        Ok(Outbox { waiting, oldest_age: oldest.map_or(0, |at| now.since(at).max(0)) })
    }
}
