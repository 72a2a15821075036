//! Questions about the database itself: which engine, which version, what time it has. Nothing is changed.

use super::{Store, StoreError, connect, writer::Writer};
use crate::{domain::time::Timestamp, server::settings};
use secrecy::ExposeSecret as _;
use sqlx::Row as _;
use std::path::PathBuf;

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file of this machine.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// Its name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The file of an SQLite database; `None` for another engine.
#[must_use]
pub fn sqlite_file(settings: &settings::Database) -> Option<PathBuf> {
    settings.url.expose_secret().strip_prefix("sqlite:").map(|rest| PathBuf::from(connect::sqlite_path(rest)))
}

impl Store {
    /// Which engine it is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self.writer {
            Writer::Queue(_) => Engine::Sqlite,
            Writer::Pool(_) => Engine::Postgres,
        }
    }

    /// The engine's version, as it says itself.
    ///
    /// # Errors
    /// The database is away.
    pub async fn engine_version(&self) -> Result<String, StoreError> {
        let ask = match self.engine() {
            Engine::Sqlite => "SELECT sqlite_version()",
            Engine::Postgres => "SELECT current_setting('server_version')",
        };
        Ok(sqlx::query(ask).fetch_one(&mut *self.read().await?).await?.try_get(0)?)
    }

    /// What time the database's own clock shows; `None` if it has none but ours.
    ///
    /// # Errors
    /// The database is away.
    pub async fn engine_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let ask = "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT)";
        match self.engine() {
            Engine::Sqlite => Ok(None),
            Engine::Postgres => {
                let row = sqlx::query(ask).fetch_one(&mut *self.read().await?).await?;
                Ok(Some(Timestamp(row.try_get(0)?)))
            }
        }
    }

    /// Connections that the database takes from everybody together, without those it keeps for its administrators;
    /// `None` if it counts none.
    ///
    /// # Errors
    /// The database is away.
    pub async fn most_connections(&self) -> Result<Option<i64>, StoreError> {
        let ask = "SELECT CAST(current_setting('max_connections') AS BIGINT)
                 - CAST(current_setting('superuser_reserved_connections') AS BIGINT)";
        match self.engine() {
            Engine::Sqlite => Ok(None),
            Engine::Postgres => Ok(Some(sqlx::query(ask).fetch_one(&mut *self.read().await?).await?.try_get(0)?)),
        }
    }
}
