//! Migrations: what brings the tables up to date, and which of them a database has. Looking changes nothing.

use super::{Store, StoreError, writer::Writer};
use crate::server::settings;
use sqlx::{AnyPool, Connection as _, Row as _, migrate::Migrator};
use std::collections::BTreeMap;

/// Which migrations a database has had, by their names (`20261120000001_accounts`), in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrations {
    /// Those of this version that it has had.
    pub applied: Vec<String>,
    /// Those of this version that it has not had yet.
    pub pending: Vec<String>,
    /// Those that this version does not know: a newer one has been here.
    pub unknown: Vec<String>,
    /// Those it has had with another text than this version's.
    pub changed: Vec<String>,
}

impl Migrations {
    /// Whether this version can work with such tables as they are.
    #[must_use]
    pub fn are_current(&self) -> bool {
        self.pending.is_empty() && self.fit()
    }

    /// Whether this version could bring such tables up to date.
    #[must_use]
    pub fn fit(&self) -> bool {
        self.unknown.is_empty() && self.changed.is_empty()
    }

    /// Refuses what is not current.
    ///
    /// # Errors
    /// `NotMigrated`.
    pub fn require_current(self) -> Result<(), StoreError> {
        if self.are_current() { Ok(()) } else { Err(StoreError::NotMigrated(Box::new(self))) }
    }
}

impl std::fmt::Display for Migrations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.unknown.is_empty() {
            let names = self.unknown.join(", ");
            return write!(f, "a newer version of doorward has migrated it ({names}); run that version");
        }
        if !self.changed.is_empty() {
            let names = self.changed.join(", ");
            return write!(f, "it has had other migrations than this version's ({names}); run the version it is of");
        }
        match self.pending.len() {
            0 => f.write_str("its tables are up to date"),
            1 => write!(f, "a migration is pending ({}); run `doorward migrate` first", self.pending.join(", ")),
            many => {
                write!(f, "{many} migrations are pending ({}); run `doorward migrate` first", self.pending.join(", "))
            }
        }
    }
}

impl Store {
    /// Which migrations the database of these settings has had. Nothing is made or changed; an SQLite file that is not
    /// there has had none.
    ///
    /// # Errors
    /// The URL is of no known engine, the database cannot be reached, or cannot be read.
    pub async fn migrations(settings: &settings::Database) -> Result<Migrations, StoreError> {
        let store = match Self::open_existing(settings).await {
            Err(StoreError::Unavailable(sqlx::Error::Io(error))) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(compare(BTreeMap::new()));
            }
            opened => opened?,
        };
        let found = store.had().await.map(compare);
        store.close().await;
        found
    }

    /// As [`Store::open`] for a command that works on a database that is there: none is made, and none migrated.
    ///
    /// # Errors
    /// There is no such database; `NotMigrated`; as [`Store::open`].
    pub async fn open_current(settings: &settings::Database) -> Result<Self, StoreError> {
        Self::open_existing(settings).await?.close().await;
        Self::migrations(settings).await?.require_current()?;
        Self::open(settings).await
    }

    /// As [`Store::migrations`], of a database that is open.
    ///
    /// # Errors
    /// The database is away.
    pub async fn own_migrations(&self) -> Result<Migrations, StoreError> {
        Ok(compare(self.had().await?))
    }

    async fn had(&self) -> Result<BTreeMap<i64, (String, Vec<u8>)>, StoreError> {
        let mut connection = self.read().await?;
        let is_there = match self.writer {
            Writer::Queue(_) => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
            Writer::Pool(_) => "SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL",
        };
        if sqlx::query(is_there).fetch_optional(&mut *connection).await?.is_none() {
            return Ok(BTreeMap::new());
        }
        had(&mut connection).await
    }
}

/// What the table of a database that has one says: version, name and checksum of each migration.
pub(super) async fn had(connection: &mut super::Tx) -> Result<BTreeMap<i64, (String, Vec<u8>)>, StoreError> {
    let rows = sqlx::query("SELECT version, description, checksum FROM _sqlx_migrations").fetch_all(connection).await?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok((row.try_get("version")?, (row.try_get("description")?, row.try_get("checksum")?)))
    };
    rows.iter().map(read).collect()
}

/// Compares what a database has had with what this version has.
pub(super) fn compare(mut had: BTreeMap<i64, (String, Vec<u8>)>) -> Migrations {
    let mut found = Migrations::default();
    for migration in migrator().iter() {
        let name = named(migration.version, &migration.description);
        match had.remove(&migration.version) {
            None => found.pending.push(name),
            Some((_, checksum)) if checksum == *migration.checksum => found.applied.push(name),
            Some(_) => found.changed.push(name),
        }
    }
    found.unknown = had.into_iter().map(|(version, (description, _))| named(version, &description)).collect();
    found
}

/// The name of its file, without the end.
fn named(version: i64, description: &str) -> String {
    format!("{version}_{}", description.replace(' ', "_"))
}

fn migrator() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// Brings the tables up to date. Servers that start at once wait for each other: on PostgreSQL sqlx takes an advisory
/// lock; on SQLite it takes none, so all is one transaction that has the only writer's place from its first moment.
pub(super) async fn apply(pool: &AnyPool, is_sqlite: bool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    if is_sqlite {
        return apply_in_sqlite(&mut connection).await;
    }
    migrator().run(&mut *connection).await?;
    Ok(())
}

/// As [`apply`], on one connection to an SQLite file.
pub(super) async fn apply_in_sqlite(connection: &mut super::Tx) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator().run(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}
