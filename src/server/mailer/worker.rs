//! The worker: claims mails from the outbox, sends them, tries again, gives up.

use super::{Composer, Letter, Transport};
use crate::server::{
    clock::Clock,
    entropy::{self, Entropy},
    metrics::{Mailing, Metrics},
    settings,
    store::{
        Store, StoreError,
        outbox::{self, Claimed, MailKind, MailedTicket, Recipient},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Seconds by which the clocks of two replicas may differ before one takes a mail that the other one holds.
const CLOCKS_DIFFER: i64 = 300;

/// Works off the outbox. Any number of them may run on one database, in one process or in several.
pub struct Worker {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    composer: Composer,
    transport: Transport,
    /// Who this worker is among others, for the lease.
    holder: String,
    pace: Pace,
    metrics: Metrics,
}

/// Times from the settings; seconds, except `poll`.
struct Pace {
    lease: i64,
    backoff: i64,
    max_backoff: i64,
    poll: Duration,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing was due.
    Idle,
    /// A mail went out.
    Sent,
    /// A mail did not go out and is tried again later.
    Retried,
    /// A mail was given up: nobody waits for it, its secret is dead, or it was refused for good.
    GaveUp,
}

/// A claimed mail with what it needs.
struct Taken {
    row: Claimed,
    recipient: Option<Recipient>,
    ticket: Option<MailedTicket>,
}

/// Why a mail did not go out.
enum Failure {
    /// Nobody waits for it: there is no such account, or its ticket was used or replaced or names no address.
    Moot(&'static str),
    /// It never will.
    Final(&'static str),
    /// It may later.
    Passing(&'static str),
}

impl Worker {
    /// A worker on `store`.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        (composer, transport): (Composer, Transport),
        settings: &settings::Mail,
        metrics: Metrics,
    ) -> Self {
        let holder = entropy::random_id(&*entropy);
        let pace = Pace {
            lease: settings.lease,
            backoff: settings.backoff,
            max_backoff: settings.max_backoff,
            poll: Duration::from_secs(settings.poll),
        };
        Self { store, clock, entropy, composer, transport, holder, pace, metrics }
    }

    /// Whose leases are this worker's, and where they are.
    pub(super) fn lease(&self) -> (Store, String) {
        (self.store.clone(), self.holder.clone())
    }

    /// Works until `stop`: all that is due one after the other, then again when woken or after the poll interval.
    pub(super) async fn run(self, wake: Arc<Notify>, stop: CancellationToken) {
        let mut store_is_away = false;
        while !stop.is_cancelled() {
            match self.step().await {
                // After a failure, too: each mail has its own next time, so this cannot spin.
                Ok(Step::Sent | Step::Retried | Step::GaveUp) => {
                    store_is_away = false;
                    continue;
                }
                Ok(Step::Idle) => store_is_away = false,
                Err(error) if store_is_away => tracing::debug!(%error, "the outbox still cannot be read"),
                Err(error) => {
                    store_is_away = true;
                    tracing::error!(%error, "the outbox cannot be read; mails wait");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = wake.notified() => {}
                () = tokio::time::sleep(self.pace.poll) => {}
            }
        }
    }

    /// Takes one mail that is due, if there is one, and sends it.
    ///
    /// # Errors
    /// The store's. A mail in hand is then taken again after its lease, with the same Message-ID.
    pub async fn step(&self) -> Result<Step, StoreError> {
        let Some(taken) = self.take().await? else { return Ok(Step::Idle) };
        match self.deliver(&taken).await {
            Ok(()) => self.sent(taken.row).await,
            Err(Failure::Moot(why)) => self.gave_up(taken.row, why, true).await,
            Err(Failure::Final(kind)) => self.gave_up(taken.row, kind, false).await,
            Err(Failure::Passing(kind)) => self.retried(taken.row, kind).await,
        }
    }

    async fn take(&self) -> Result<Option<Taken>, StoreError> {
        let now = self.clock.now();
        let (holder, leased_until) = (self.holder.clone(), now.plus(self.pace.lease));
        let until = (leased_until, now.plus(self.pace.max_backoff.max(self.pace.lease).saturating_add(CLOCKS_DIFFER)));
        let work = self.store.write_aside(move |tx| {
            Box::pin(async move {
                let Some(row) = outbox::claim(tx, &holder, now, until).await? else { return Ok(None) };
                let recipient = match row.account {
                    Some(account) => outbox::recipient(tx, account).await?,
                    None => None,
                };
                let ticket = match &row.ticket {
                    Some(ticket) => outbox::mailed_ticket(tx, ticket).await?,
                    None => None,
                };
                Ok(Some(Taken { row, recipient, ticket }))
            })
        });
        work.await
    }

    async fn deliver(&self, taken: &Taken) -> Result<(), Failure> {
        let now = self.clock.now();
        let row = &taken.row;
        let account = row.account.ok_or(Failure::Moot("decoy"))?;
        let recipient = taken.recipient.as_ref().ok_or(Failure::Moot("no_recipient"))?;
        let ticket = row.ticket.as_deref().zip(taken.ticket.as_ref());
        if row.ticket.is_some() && ticket.is_none_or(|(_, ticket)| ticket.times.consumed_at.is_some()) {
            return Err(Failure::Moot("ticket"));
        }
        if now >= row.give_up_at || ticket.is_some_and(|(_, ticket)| !ticket.times.is_alive(now)) {
            return Err(Failure::Final("expired"));
        }
        let (id, kind, happened_at, about) = (row.id.as_str(), row.kind, row.created_at, row.about.as_deref());
        let letter = Letter { id, kind, account, recipient, ticket, happened_at, about };
        if ticket.is_some() && letter.email().is_none() {
            return Err(Failure::Moot("no_address"));
        }
        let mail = self.composer.compose(&letter, now).map_err(|error| Failure::Final(error.as_str()))?;
        self.transport
            .send(mail)
            .await
            .map_err(|error| if error.permanent { Failure::Final(error.kind) } else { Failure::Passing(error.kind) })
    }

    async fn sent(&self, row: Claimed) -> Result<Step, StoreError> {
        let Claimed { id, kind, attempts, .. } = row;
        let (now, holder, key) = (self.clock.now(), self.holder.clone(), id.clone());
        let work =
            self.store.write_aside(move |tx| Box::pin(async move { outbox::mark_sent(tx, &key, &holder, now).await }));
        self.metrics.mail(kind.as_str(), Mailing::Sent);
        if work.await? {
            tracing::info!(outbox = %id, kind = kind.as_str(), attempts, "mail sent");
        } else {
            lease_was_lost(&id, kind);
        }
        Ok(Step::Sent)
    }

    async fn gave_up(&self, row: Claimed, error: &'static str, moot: bool) -> Result<Step, StoreError> {
        let Claimed { id, kind, attempts, .. } = row;
        let (now, holder, key) = (self.clock.now(), self.holder.clone(), id.clone());
        let work = self
            .store
            .write_aside(move |tx| Box::pin(async move { outbox::give_up(tx, &key, &holder, now, error).await }));
        self.metrics.mail(kind.as_str(), if moot { Mailing::Moot } else { Mailing::GivenUp });
        if !work.await? {
            lease_was_lost(&id, kind);
        } else if moot {
            tracing::debug!(outbox = %id, kind = kind.as_str(), why = error, "nobody waits for this mail");
        } else {
            tracing::error!(outbox = %id, kind = kind.as_str(), attempts, error, "mail given up");
        }
        Ok(Step::GaveUp)
    }

    async fn retried(&self, row: Claimed, error: &'static str) -> Result<Step, StoreError> {
        let Claimed { id, kind, attempts, .. } = row;
        // Due again at its end at the latest, so that the giving up is noted when it happens.
        let due_at = self.clock.now().plus(self.delay(attempts)).min(row.give_up_at);
        let (holder, key) = (self.holder.clone(), id.clone());
        let work = self
            .store
            .write_aside(move |tx| Box::pin(async move { outbox::retry_at(tx, &key, &holder, due_at, error).await }));
        self.metrics.mail(kind.as_str(), Mailing::Retried);
        if !work.await? {
            lease_was_lost(&id, kind);
        } else if row.last_error.as_deref() == Some(error) {
            tracing::debug!(outbox = %id, kind = kind.as_str(), attempts, error, "mail still not sent");
        } else {
            tracing::warn!(outbox = %id, kind = kind.as_str(), attempts, error, "mail not sent; it is tried again");
        }
        Ok(Step::Retried)
    }

    /// Seconds until the next try: doubled with each, up to the longest; of that the second half is left to chance, so
    /// that mails which failed together do not come back together.
    fn delay(&self, attempts: i64) -> i64 {
        let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 30)).unwrap_or(0);
        let longest = self.pace.backoff.saturating_mul(1 << doublings).min(self.pace.max_backoff).max(1);
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        let half = longest / 2;
        (longest - i64::from(u32::from_le_bytes(bytes)) % (half + 1)).max(1)
    }
}

fn lease_was_lost(id: &str, kind: MailKind) {
    tracing::warn!(outbox = %id, kind = kind.as_str(), "sending took longer than mail.lease; another worker has the mail");
}
