//! The mailer: works off the outbox. Nothing is sent inside a request.
//!
//! A use case writes an outbox row in its transaction and wakes the worker afterwards. The [`Worker`] claims the
//! row with a lease, has the [`Composer`] make secret and text, and hands the [`Mail`] to the [`Transport`]. A killed
//! server loses nothing: the lease runs out and the next worker goes on, with the same secret and the same Message-ID.
//!
//! May import `store`, `crypto`, `clock`, `entropy`, `settings`, `domain` and `paths`.

mod compose;
mod files;
mod links;
mod mailbox;
mod smtp;
mod templates;
mod transport;
mod worker;

pub use compose::{ComposeError, Composer, Letter, Mail};
pub use mailbox::{KeptMail, Mailbox};
pub use smtp::Smtp;
pub use templates::escape;
pub use transport::{SendError, Transport};
pub use worker::{Step, Worker};

use crate::server::store::{Store, outbox};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A worker at work.
#[derive(Debug)]
pub struct Mailer {
    stop: CancellationToken,
    task: JoinHandle<()>,
    lease: (Store, String),
}

impl Mailer {
    /// Starts `worker` on a task of its own. Use cases call `wake.notify_one()` once their transaction was kept; the
    /// worker also looks by itself every `mail.poll` seconds.
    #[must_use]
    pub fn start(worker: Worker, wake: Arc<Notify>) -> Self {
        let stop = CancellationToken::new();
        let lease = worker.lease();
        Self { task: tokio::spawn(worker.run(wake, stop.clone())), stop, lease }
    }

    /// Takes no further mail and waits until the present one is done, at most `within`. One that is cut off stays in
    /// the outbox, and another worker may take it at once. Nobody knows whether it went out just then: if so, it goes out
    /// twice, under one Message-ID.
    pub async fn stop(mut self, within: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(within, &mut self.task).await.is_err() {
            self.task.abort();
            drop(self.task.await);
            let (store, holder) = self.lease;
            let release = store.write_aside(move |tx| Box::pin(async move { outbox::release(tx, &holder).await }));
            match release.await {
                Ok(_) => tracing::warn!("stopped while a mail was being sent; it is sent again"),
                Err(error) => {
                    tracing::warn!(%error, "stopped while a mail was being sent; it waits for its lease to end")
                }
            }
        }
    }
}
