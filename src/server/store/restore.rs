//! Putting a backup of an SQLite database back, beside a running server: all rows change in one transaction, so a crash
//! leaves either the state before or the one after.
//!
//! The backup is copied first. The copy is brought up to date and told what has happened since that must not be undone;
//! then its rows take the place of those in the database.

use super::{
    Store, StoreError, Tx,
    amendments::{Changes, amend},
    backup::{
        self, BackedUp, BackupError, Held, READ_ALONE, WRITE, absolute, connect_to, count, database_file, is_ours,
        make_private, quick_check, text,
    },
    migrations,
};
use crate::{domain::time::Timestamp, server::settings};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// What is about the present, not about people: it stays as it is.
const STAY: [&str; 3] = ["_sqlx_migrations", "leases", "replicas"];

/// What is wanted of a restore.
#[derive(Clone, Debug)]
pub struct RestorePlan {
    /// The backup.
    pub file: PathBuf,
    /// Whether every session ends.
    pub end_sessions: bool,
    /// The present time.
    pub now: Timestamp,
    /// Mails made before this may have gone out with nothing left that says so.
    pub mails_known_since: Timestamp,
    /// Sessions that ended before this may have no row left that says so.
    pub sessions_known_since: Timestamp,
    /// A name that no other file beside the database has, for the copy.
    pub copy_name: String,
}

/// What was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What was there before; none if there was no database.
    pub before: Option<BackedUp>,
    /// What is there now.
    pub held: Held,
    /// Who is affected; none if there were no accounts before: then all is as in the backup.
    pub changes: Option<Changes>,
    /// Migrations that the backup had not had, by name.
    pub migrated: Vec<String>,
    /// What could not be tidied up after it was done, in words.
    pub loose_ends: Vec<String>,
}

/// Looks at a backup as [`restore`] will: whether it is whole, ours, and not of a newer version. Changes nothing.
///
/// # Errors
/// [`BackupError`].
pub async fn inspect(settings: &settings::Database, file: &Path) -> Result<Held, BackupError> {
    let file = backup_file(settings, file)?;
    let mut connection = connect_to(&file, READ_ALONE).await.map_err(|error| match error {
        BackupError::Store(error) => BackupError::Damaged(file.clone(), error.to_string()),
        other => other,
    })?;
    let held = async {
        quick_check(&mut connection, &file).await?;
        is_ours(&mut connection, &file).await?;
        Ok(count(&mut connection).await?)
    };
    let held = held.await;
    connection.close().await?;
    held
}

/// Puts the backup in the place of what the database of these settings holds; makes the database if it is not there.
///
/// The state before is saved while the database is locked: whatever was acknowledged is in one of the two.
///
/// # Errors
/// [`BackupError`]; the database is as it was then. What fails after the commit is no error but a loose end.
pub async fn restore(settings: &settings::Database, plan: &RestorePlan) -> Result<Restored, BackupError> {
    inspect(settings, &plan.file).await?;
    let database = database_file(settings)?;
    let was_there = database.exists();
    // By the settings it migrates, or refuses what is not up to date.
    Store::open(settings).await?.close().await;
    let copy = Copy::of(&absolute(&plan.file)?, beside(&database, &plan.copy_name))?;
    let migrated = copy.migrate().await?;
    let mut connection = attached(&database, &copy.0).await?;
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let exchanged = async {
        let before = if was_there { Some(save(&database, plan).await?) } else { None };
        let (held, changes) = exchange_rows(&mut tx, plan).await?;
        Ok::<_, BackupError>(Restored { before, held, changes, migrated, loose_ends: Vec::new() })
    };
    let exchanged = exchanged.await;
    match exchanged {
        Ok(mut restored) => {
            tx.commit().await?;
            restored.loose_ends = tidy_up(connection, copy).await;
            Ok(restored)
        }
        Err(error) => {
            // What went wrong is worth more than what the rollback says; closing rolls back as well.
            drop(tx.rollback().await);
            Err(error)
        }
    }
}

/// A connection to the database with the copy beside it, as `back`.
async fn attached(database: &Path, copy: &Path) -> Result<AnyConnection, BackupError> {
    let mut connection = connect_to(database, WRITE).await?;
    sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").execute(&mut connection).await?;
    sqlx::query("ATTACH $1 AS back").bind(text(copy)?).execute(&mut connection).await?;
    sqlx::raw_sql("PRAGMA back.journal_mode = MEMORY; PRAGMA back.synchronous = OFF").execute(&mut connection).await?;
    Ok(connection)
}

/// Saves the committed state beside the database, for which the caller holds the lock.
async fn save(database: &Path, plan: &RestorePlan) -> Result<BackedUp, BackupError> {
    let name = format!("before-restore-{}", plan.now.rfc3339().replace(['-', ':'], ""));
    backup::save(database, &beside(database, &name)).await
}

/// Closes and deletes what was worked with. It is done by now: what fails here is only told.
async fn tidy_up(mut connection: AnyConnection, copy: Copy) -> Vec<String> {
    let mut loose = Vec::new();
    if let Err(error) = sqlx::raw_sql("DETACH back").execute(&mut connection).await {
        loose.push(format!("letting go of the copy that was worked on: {error}"));
    }
    if let Err(error) = connection.close().await {
        loose.push(format!("closing the database: {error}"));
    }
    if let Err(error) = fs::remove_file(&copy.0) {
        loose.push(format!("{} is to be deleted: {error}", copy.0.display()));
    }
    loose
}

/// The file of a backup, if it is one that can be read alone.
fn backup_file(settings: &settings::Database, file: &Path) -> Result<PathBuf, BackupError> {
    let (file, database) = (absolute(file)?, database_file(settings)?);
    if !file.is_file() {
        return Err(BackupError::Missing(file));
    }
    if fs::canonicalize(&file).ok().is_some_and(|real| fs::canonicalize(&database).ok() == Some(real)) {
        return Err(BackupError::Itself(file));
    }
    let rest = PathBuf::from(format!("{}-wal", text(&file)?));
    if fs::metadata(rest).is_ok_and(|rest| rest.len() > 0) { Err(BackupError::Partial(file)) } else { Ok(file) }
}

fn beside(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

/// A copy of a backup that only its owner can read; gone when it is dropped.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

impl Copy {
    fn of(file: &Path, to: PathBuf) -> Result<Self, BackupError> {
        let mut target = make_private(&to)?;
        let copy = Self(to);
        let copied = File::open(file).and_then(|mut source| io::copy(&mut source, &mut target));
        copied.map_err(|error| BackupError::File(copy.0.clone(), error))?;
        Ok(copy)
    }

    /// Brings it up to date, and answers the names of what that took.
    async fn migrate(&self) -> Result<Vec<String>, BackupError> {
        let mut connection = connect_to(&self.0, WRITE).await?;
        // Nobody else knows this file; a journal beside it would have to be cleaned away, too.
        sqlx::raw_sql("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON")
            .execute(&mut connection)
            .await?;
        let pending = is_ours(&mut connection, &self.0).await?.pending;
        migrations::apply_in_sqlite(&mut connection).await?;
        connection.close().await?;
        Ok(pending)
    }
}

/// Exchanges the rows, all in the open transaction.
async fn exchange_rows(tx: &mut Tx, plan: &RestorePlan) -> Result<(Held, Option<Changes>), StoreError> {
    // Until the commit, children may stand without parents.
    sqlx::raw_sql("PRAGMA defer_foreign_keys = ON").execute(&mut *tx).await?;
    let changes = amend(tx, plan).await?;
    let tables = tables(tx).await?;
    // All are emptied before any is filled: a cascade would take away what is new.
    for table in &tables {
        sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM main.\"{table}\""))).execute(&mut *tx).await?;
    }
    for table in &tables {
        let columns = columns(tx, table).await?;
        let fill = format!("INSERT INTO main.\"{table}\" ({columns}) SELECT {columns} FROM back.\"{table}\"");
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *tx).await?;
    }
    Ok((count(tx).await?, changes))
}

/// The tables whose rows are exchanged.
async fn tables(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let found = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'
                 ORDER BY name";
    let rows = sqlx::query(found).fetch_all(tx).await?;
    let names = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(names.into_iter().filter(|name| !STAY.contains(&name.as_str())).collect())
}

/// The columns of a table by name: their order may differ where they were added later.
async fn columns(tx: &mut Tx, table: &str) -> Result<String, StoreError> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info($1, 'main')").bind(table).fetch_all(tx).await?;
    let names = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_fails_after_the_commit_is_a_loose_end() {
        let folder = tempfile::tempdir().unwrap();
        let (database, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
        for file in [&database, &copy] {
            File::create(file).unwrap();
        }
        let copy = Copy(copy);
        let mut connection = attached(&database, &copy.0).await.unwrap();
        // Nothing is left to let go of, or to delete.
        sqlx::raw_sql("DETACH back").execute(&mut connection).await.unwrap();
        fs::remove_file(&copy.0).unwrap();
        let loose = tidy_up(connection, copy).await;
        assert!(loose.len() == 2 && loose[0].contains("copy") && loose[1].contains("b.db"), "{loose:?}");
    }
}
