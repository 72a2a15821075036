//! What can go wrong with the database, by what a caller can do about it.

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
    /// The URL names no engine that we have.
    UnknownEngine,
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
            Self::UnknownEngine => f.write_str("database.url must begin with sqlite: or postgres:"),
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

/// Whether an engine's code means that the same statement may work later.
///
/// SQLite: the low byte of busy, locked, read-only, I/O error, full, cannot open (sqlite.org/rescode.html).
/// PostgreSQL: connection, resources, operator intervention, serialisation and deadlock (its manual, appendix A).
fn passes(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    let sqlite = code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14));
    let postgres = code.len() == 5 && ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class));
    (code.len() < 5 && sqlite) || postgres
}
