//! The store: all SQL, one file a table. The driver is named only here; nobody outside knows which engine runs.
//!
//! Every statement is one text for SQLite and PostgreSQL. A file's functions take a [`Tx`], so that a use case can put
//! several of them into one transaction with [`Store::write`].

mod account_ends;
pub mod account_list;
pub mod accounts;
pub mod amendments;
pub mod audit;
pub mod audit_links;
pub mod backup;
pub mod challenges;
mod changes;
mod connect;
pub mod django;
mod error;
pub mod factors;
pub mod imported;
pub mod leases;
pub mod look;
mod mail_kind;
pub mod migrations;
pub mod outbox;
pub mod outbox_list;
pub mod passkeys;
mod postgres;
mod ready;
pub mod recovery_codes;
pub mod replicas;
pub mod reservations;
pub mod restore;
mod rotations;
mod session_ends;
pub mod session_lists;
pub mod sessions;
pub mod throttles;
pub mod tickets;
pub mod totp_secrets;
pub mod trusted_browsers;
mod writer;

pub use changes::Changes;
pub use error::StoreError;
pub use ready::PoolUse;

use crate::{domain::account::AccountId, server::settings};
use changes::Kind;
use futures::future::BoxFuture;
use sqlx::{Any, AnyPool, Connection as _, pool::PoolConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use writer::Writer;

/// A connection that statements run on: inside a transaction when [`Store::write`] hands it out.
pub type Tx = sqlx::AnyConnection;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    readers: AnyPool,
    writer: Writer,
    faults: Faults,
    changes: Changes,
}

impl Store {
    /// Opens the database, makes it if it is an SQLite file that is not there (mode 0600), and applies the migrations.
    /// Where `database.migrate` is false none is applied, and nothing made, while some are pending.
    ///
    /// # Errors
    /// The URL is of no known engine, the database cannot be reached, a migration fails, or `NotMigrated`.
    pub async fn open(settings: &settings::Database) -> Result<Self, StoreError> {
        connect::open(settings).await
    }

    /// Opens a database that is there, to look at it: nothing is made and no migration applied.
    ///
    /// # Errors
    /// The URL is of no known engine, or there is no such database.
    pub async fn open_existing(settings: &settings::Database) -> Result<Self, StoreError> {
        connect::open_existing(settings).await
    }

    /// Whether a database that was opened to be looked at has the tables of this version.
    ///
    /// # Errors
    /// `Broken` if it has not; the database is away.
    pub async fn check_tables(&self) -> Result<(), StoreError> {
        imported::check_tables(&mut *self.read().await?).await
    }

    /// A connection for reading. What is read may be older than the last write of somebody else.
    ///
    /// # Errors
    /// No connection came free in time, or the database is away.
    pub async fn read(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.faults.count(self.readers.acquire().await.map_err(StoreError::from))
    }

    /// A transaction for reading only: all its statements see the database as its first one did.
    ///
    /// # Errors
    /// No connection came free in time, or the database is away.
    pub async fn snapshot(&self) -> Result<sqlx::Transaction<'static, Any>, StoreError> {
        let begin = match self.writer {
            Writer::Queue(_) => "BEGIN",
            Writer::Pool(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.faults.count(self.readers.begin_with(begin).await.map_err(StoreError::from))
    }

    /// Runs `work` in one transaction: all of it is kept when it answers `Ok`, none of it otherwise.
    ///
    /// On SQLite one task runs all writes and commits together what has queued; on PostgreSQL each has a connection.
    /// The work goes on to its end even if the caller stops waiting.
    ///
    /// # Errors
    /// What `work` answered, or the transaction could not be kept.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.write_of_kind(Kind::Change, work).await
    }

    /// As [`Store::write`], of what concerns this account alone, so that what is remembered of all others stays good; with
    /// none, it is as [`Store::write`]. Not for what may end a session of somebody else.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_of<T, F>(&self, account: Option<AccountId>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.write_of_kind(account.map_or(Kind::Change, Kind::ChangeOf), work).await
    }

    /// As [`Store::write`], of what nobody remembers: [`Store::changes`] does not count it. For whatever touches neither
    /// accounts nor sessions, such as throttles, mails and the audit log.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_aside<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.write_of_kind(Kind::Aside, work).await
    }

    async fn write_of_kind<T, F>(&self, kind: Kind, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.faults.count(match &self.writer {
            Writer::Queue(queue) => queue.run(kind, work).await,
            Writer::Pool(_) => {
                let (pool, changes) = (self.readers.clone(), self.changes.clone());
                // On a task of its own: a caller that hangs up must not roll a sign-out back.
                let written = tokio::spawn(async move {
                    // Also counted when it fails: a commit whose answer was lost may have been kept.
                    let _counted = changes.counted(kind);
                    let mut connection = pool.acquire().await?;
                    let mut transaction = connection.begin().await?;
                    let value = work(&mut transaction).await?;
                    transaction.commit().await?;
                    Ok(value)
                });
                written.await.unwrap_or(Err(StoreError::NotKept))
            }
        })
    }

    /// What this process has changed of what may be remembered.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// How often the database was away when it was needed, since the start: no connection was to be had, one was dead, or
    /// a write could not be kept.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.0.load(Relaxed)
    }

    /// Closes all connections once their work is done.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

/// Counts the times that the database was away.
#[derive(Clone, Debug, Default)]
struct Faults(Arc<AtomicU64>);

impl Faults {
    fn one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn count<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(result, Err(StoreError::Unavailable(_) | StoreError::NotKept)) {
            self.one();
        }
        result
    }
}
