//! Backups of an SQLite database: a copy made while the server runs, and what is looked at before one is put back.
//!
//! `VACUUM INTO` copies one state of the database, however much is written meanwhile, and keeps no writer waiting.

use super::{
    StoreError, Tx, connect,
    migrations::{self, Migrations},
};
use crate::server::settings;
use secrecy::ExposeSecret as _;
use sqlx::{AnyConnection, Connection as _, Row as _};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// How a database is opened that others use, too.
pub(super) const WRITE: &str = "mode=rw";
/// How a file is opened that nobody writes to: nothing is made beside it.
pub(super) const READ_ALONE: &str = "mode=ro&immutable=true";

/// A copy that was made and read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Where it is.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is in it.
    pub held: Held,
}

/// What a database holds, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Accounts.
    pub accounts: i64,
    /// Sessions, ended ones that are still kept too.
    pub sessions: i64,
    /// The number of the newest entry of the audit log.
    pub last_audit_seq: i64,
}

/// Why a backup is not made or not put back.
#[derive(Debug)]
pub enum BackupError {
    /// It is for SQLite; PostgreSQL has its own.
    NotSqlite,
    /// There is a file of that name already.
    Exists(PathBuf),
    /// There is no such file.
    Missing(PathBuf),
    /// The file is the database itself.
    Itself(PathBuf),
    /// A part of it stands in a file beside it.
    Partial(PathBuf),
    /// It is no database, or a damaged one: in SQLite's words.
    Damaged(PathBuf, String),
    /// It is a database of something else.
    Foreign(PathBuf),
    /// Its migrations are not older ones of this version.
    Migrations(PathBuf, Migrations),
    /// A path that is not Unicode.
    Name(PathBuf),
    /// Reading or writing a file failed.
    File(PathBuf, io::Error),
    /// The database failed.
    Store(StoreError),
}

impl BackupError {
    /// Whether it was refused, and would be again: nothing failed.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        !matches!(self, Self::File(..) | Self::Store(_))
    }
}

impl std::fmt::Display for BackupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSqlite => f.write_str(
                "database.url is PostgreSQL, which has its own: pg_dump --format=custom makes a backup while the server \
                 runs, pg_restore puts it back",
            ),
            Self::Exists(path) => write!(f, "{} is there already and is not overwritten", path.display()),
            Self::Missing(path) => write!(f, "there is no {}", path.display()),
            Self::Itself(path) => write!(f, "{} is the database itself", path.display()),
            Self::Partial(path) => write!(
                f,
                "{0} is not whole: a part of it is in {0}-wal; copy a database with `doorward backup`",
                path.display()
            ),
            Self::Damaged(path, how) => write!(f, "{} is no whole SQLite database: {how}", path.display()),
            Self::Foreign(path) => write!(f, "{} is no database of doorward", path.display()),
            Self::Migrations(path, found) => write!(f, "{} cannot be taken: {found}", path.display()),
            Self::Name(path) => write!(f, "{} must be Unicode", path.display()),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Copies the database of these settings into a new file that only its owner can read, and reads that again.
///
/// # Errors
/// [`BackupError`]; a file that it began is gone then.
pub async fn back_up(settings: &settings::Database, to: &Path) -> Result<BackedUp, BackupError> {
    let from = database_file(settings)?;
    if !from.exists() {
        return Err(BackupError::Missing(from));
    }
    copied(&from, &absolute(to)?, true).await
}

/// As [`back_up`], of whatever state the database is in: one that is about to be replaced may well have lost rows.
pub(super) async fn save(from: &Path, to: &Path) -> Result<BackedUp, BackupError> {
    copied(from, to, false).await
}

async fn copied(from: &Path, to: &Path, is_checked: bool) -> Result<BackedUp, BackupError> {
    make_private(to)?;
    let copied = copy_into(from, to, is_checked).await;
    if copied.is_err() {
        drop(fs::remove_file(to));
    }
    let held = copied?;
    let bytes = fs::metadata(to).map_err(|error| BackupError::File(to.to_path_buf(), error))?.len();
    Ok(BackedUp { file: to.to_path_buf(), bytes, held })
}

async fn copy_into(from: &Path, to: &Path, is_checked: bool) -> Result<Held, BackupError> {
    let mut connection = connect_to(from, WRITE).await?;
    // SQLite takes a file that is there if it is empty.
    sqlx::query("VACUUM INTO $1").bind(text(to)?).execute(&mut connection).await?;
    connection.close().await?;
    keep(to).map_err(|error| BackupError::File(to.to_path_buf(), error))?;
    let mut copy = connect_to(to, READ_ALONE).await?;
    let held = async {
        if is_checked {
            quick_check(&mut copy, to).await?;
        }
        Ok(count(&mut copy).await?)
    };
    let held = held.await;
    copy.close().await?;
    held
}

/// Waits until the disk has the file, and its name in the folder.
fn keep(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The file of the SQLite database that the settings name.
pub(super) fn database_file(settings: &settings::Database) -> Result<PathBuf, BackupError> {
    let rest = settings.url.expose_secret().strip_prefix("sqlite:").ok_or(BackupError::NotSqlite)?;
    absolute(Path::new(connect::sqlite_path(rest)))
}

/// The same path from the root: SQLite would take one that begins with `file:` for a URI.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, BackupError> {
    std::path::absolute(path).map_err(|error| BackupError::File(path.to_path_buf(), error))
}

/// The path as a statement takes it.
pub(super) fn text(path: &Path) -> Result<&str, BackupError> {
    path.to_str().ok_or_else(|| BackupError::Name(path.to_path_buf()))
}

/// Makes an empty file that only its owner can read.
pub(super) fn make_private(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_path_buf()),
        _ => BackupError::File(path.to_path_buf(), error),
    })
}

/// A connection of its own to a file that is there, opened in that way.
pub(super) async fn connect_to(path: &Path, how: &str) -> Result<AnyConnection, BackupError> {
    sqlx::any::install_default_drivers();
    // The rest of an URL: what is a sign in one must not be read as such in a path.
    let name = text(path)?.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let mut connection = AnyConnection::connect(&format!("sqlite://{name}?{how}")).await?;
    sqlx::raw_sql("PRAGMA busy_timeout = 30000").execute(&mut connection).await?;
    Ok(connection)
}

/// Refuses a file that SQLite finds faults in.
pub(super) async fn quick_check(connection: &mut Tx, path: &Path) -> Result<(), BackupError> {
    let damaged = |how: String| BackupError::Damaged(path.to_path_buf(), how);
    let rows = sqlx::query("PRAGMA quick_check(1)").fetch_all(&mut *connection).await;
    let rows = rows.map_err(|error| damaged(error.to_string()))?;
    let said = rows.first().map_or(Ok(String::new()), |row| row.try_get::<String, _>(0))?;
    if said != "ok" {
        return Err(damaged(said));
    }
    let orphan = sqlx::query("SELECT COUNT(*) FROM pragma_foreign_key_check").fetch_one(connection).await?;
    match orphan.try_get::<i64, _>(0)? {
        0 => Ok(()),
        rows => Err(damaged(format!("{rows} rows belong to others that are not there"))),
    }
}

/// Counts what there is.
pub(super) async fn count(connection: &mut Tx) -> Result<Held, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM accounts) AS accounts, (SELECT COUNT(*) FROM sessions) AS sessions,
                (SELECT COALESCE(MAX(last_seq), 0) FROM audit_chain) AS last_seq",
    )
    .fetch_one(connection)
    .await?;
    Ok(Held {
        accounts: row.try_get("accounts")?,
        sessions: row.try_get("sessions")?,
        last_audit_seq: row.try_get("last_seq")?,
    })
}

/// Refuses what is no database of ours, or of a version that this one does not know; answers what it has had.
pub(super) async fn is_ours(connection: &mut Tx, path: &Path) -> Result<Migrations, BackupError> {
    let tables = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('_sqlx_migrations', 'accounts', 'sessions')";
    let row = sqlx::query(tables).fetch_one(&mut *connection).await?;
    if row.try_get::<i64, _>(0)? != 3 {
        return Err(BackupError::Foreign(path.to_path_buf()));
    }
    let found = migrations::compare(migrations::had(connection).await?);
    if found.fit() { Ok(found) } else { Err(BackupError::Migrations(path.to_path_buf(), found)) }
}
