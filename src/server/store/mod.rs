//! The store: all SQL, one file a table. The driver is named only here; nobody outside knows which engine runs.
//!
//! Every statement is one text for SQLite and PostgreSQL. A file's functions take a [`Tx`], so that a use case can put
//! several of them into one transaction with [`Store::write`].

pub mod accounts;
pub mod audit;
pub mod audit_links;
mod connect;
pub mod django;
mod error;
pub mod imported;
pub mod outbox;
pub mod reservations;
pub mod session_lists;
pub mod sessions;
pub mod throttles;
pub mod tickets;
mod writer;

pub use error::StoreError;

use crate::server::settings;
use futures::future::BoxFuture;
use sqlx::{Any, AnyPool, Connection as _, pool::PoolConnection};
use writer::Writer;

/// A connection that statements run on: inside a transaction when [`Store::write`] hands it out.
pub type Tx = sqlx::AnyConnection;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    readers: AnyPool,
    writer: Writer,
}

impl Store {
    /// Opens the database, makes it if it is an SQLite file that is not there (mode 0600), and applies the migrations.
    ///
    /// # Errors
    /// The URL is of no known engine, the database cannot be reached, or a migration fails.
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
        Ok(self.readers.acquire().await?)
    }

    /// A transaction for reading only: all its statements see the database as its first one did.
    ///
    /// # Errors
    /// No connection came free in time, or the database is away.
    pub async fn snapshot(&self) -> Result<sqlx::Transaction<'static, Any>, StoreError> {
        let begin = match self.writer {
            Writer::Queue(_) => "BEGIN",
            Writer::Pool => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(self.readers.begin_with(begin).await?)
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
        match &self.writer {
            Writer::Queue(queue) => queue.run(work).await,
            Writer::Pool => {
                let pool = self.readers.clone();
                // On a task of its own: a caller that hangs up must not roll a sign-out back.
                let written = tokio::spawn(async move {
                    let mut connection = pool.acquire().await?;
                    let mut transaction = connection.begin().await?;
                    let value = work(&mut transaction).await?;
                    transaction.commit().await?;
                    Ok(value)
                });
                written.await.unwrap_or(Err(StoreError::NotKept))
            }
        }
    }

    /// Closes all connections once their work is done.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}
