//! What can go wrong with the database, by what a caller can do about it.

use super::migrations::Migrations;

/// A failure of the store.
#[derive(Debug)]
pub enum StoreError {
    /// A row with the same natural key is there already.
    Taken,
    /// The database is away, busy or full: later it may work.
    Unavailable(sqlx::Error),
    /// A fault of ours: a statement or a row that cannot be.
    Broken(sqlx::Error),
    /// The migrations could not be applied.
    Migration(sqlx::migrate::MigrateError),
    /// The tables are not those of this version.
    NotMigrated(Box<Migrations>),
    /// The URL names no engine that we have.
    UnknownEngine,
    /// What the settings name cannot be used; says what and why, and no secret.
    Unusable(String),
    /// The write was not kept, for a reason that another caller was told (they were committed together).
    NotKept,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken => f.write_str("a row with that key is there already"),
            Self::Unavailable(error) => write!(f, "the database is not available: {error}"),
            Self::Broken(error) => write!(f, "a statement failed: {error}"),
            Self::Migration(error) => write!(f, "the migrations could not be applied: {error}"),
            Self::NotMigrated(found) => write!(f, "the tables are not those of this version: {found}"),
            Self::UnknownEngine => f.write_str("database.url must begin with sqlite: or postgres:"),
            Self::Unusable(fault) => f.write_str(fault),
            Self::NotKept => f.write_str("the transaction was not kept"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Taken,
            sqlx::Error::Database(database) if passes(database.code().as_deref()) => Self::Unavailable(error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // A line that was cut in the middle of a message.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Broken(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(error)
    }
}

/// Classes and codes of PostgreSQL that pass.
const PASSING: [&str; 11] = ["08", "28", "3D000", "53", "55P03", "57", "58", "40", "25006", "25P03", "25P04"];

/// Whether an engine's code means that the same statement may work later.
///
/// SQLite: the low byte of busy, locked, read-only, I/O error, full, cannot open (sqlite.org/rescode.html).
/// PostgreSQL: connection, resources, operator intervention, system, serialisation and deadlock; a lock that was not to be
/// had, a transaction that was cut for its idleness, a server that has become a standby; at a new connection: a password,
/// a role or a database that is not there yet, or not any more (its manual, appendix A).
fn passes(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    let sqlite = code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14));
    let postgres = code.len() == 5 && PASSING.iter().any(|class| code.starts_with(class));
    (code.len() < 5 && sqlite) || postgres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_is_broken() {
        // Shut down by an administrator, crashed, starting, connections gone, too many, cut for idleness, a standby.
        for code in
            ["57P01", "57P02", "57P03", "08006", "08003", "53300", "25P03", "25006", "40P01", "57014", "5", "14"]
        {
            assert!(passes(Some(code)), "{code}");
        }
        for code in ["42P01", "42601", "22001", "23505", "25P02", "1", "19"] {
            assert!(!passes(Some(code)), "{code}");
        }
        assert!(!passes(None));
        let cut = sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into());
        for error in [cut, sqlx::Error::Protocol("cut".into()), sqlx::Error::PoolTimedOut, sqlx::Error::WorkerCrashed] {
            assert!(matches!(StoreError::from(error), StoreError::Unavailable(_)));
        }
        assert!(matches!(StoreError::from(sqlx::Error::RowNotFound), StoreError::Broken(_)));
    }
}
