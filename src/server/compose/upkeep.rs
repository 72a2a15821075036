//! Looking after the database as a whole: its migrations, its backups.

use super::{StartError, World, failed};
use crate::server::{
    entropy::random_id,
    settings::{self, Settings},
    store::{
        Store,
        backup::{self, BackedUp, BackupError, Held},
        migrations::Migrations,
        restore::{self, RestorePlan, Restored},
    },
};
use std::path::Path;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Which migrations the database of these settings has had. Nothing is made or changed.
///
/// # Errors
/// It cannot be looked at.
pub async fn migrations(settings: &Settings) -> Result<Migrations, StartError> {
    Store::migrations(&settings.database).await.map_err(failed("the database"))
}

/// Applies the migrations that are pending, whatever `database.migrate` says, and answers what there was before.
///
/// # Errors
/// The database cannot be opened or made; its tables are of a version that this one does not know; a migration fails.
pub async fn migrate(settings: &Settings) -> Result<Migrations, StartError> {
    let before = migrations(settings).await?;
    if !before.fit() {
        return Err(failed("the database")(before));
    }
    let willing = settings::Database { migrate: true, ..settings.database.clone() };
    Store::open(&willing).await.map_err(failed("the database"))?.close().await;
    Ok(before)
}

/// Copies the SQLite database of these settings into a new file; the server may run meanwhile.
///
/// # Errors
/// [`BackupError`].
pub async fn back_up(settings: &Settings, to: &Path) -> Result<BackedUp, BackupError> {
    backup::back_up(&settings.database, to).await
}

/// Whether a backup can be put back by this version, and what it holds. Nothing is changed.
///
/// # Errors
/// [`BackupError`].
pub async fn inspect_backup(settings: &Settings, file: &Path) -> Result<Held, BackupError> {
    restore::inspect(&settings.database, file).await
}

/// Puts a backup back; the server may run meanwhile.
///
/// # Errors
/// [`BackupError`]; the database is as it was then.
pub async fn restore(
    settings: &Settings,
    world: &World,
    file: &Path,
    end_sessions: bool,
) -> Result<Restored, BackupError> {
    let now = world.clock.now();
    let plan = RestorePlan {
        file: file.to_path_buf(),
        end_sessions,
        now,
        mails_known_since: now.plus(-settings.mail.keep.saturating_mul(DAY)),
        sessions_known_since: now.plus(-settings.session.keep_ended.saturating_mul(DAY)),
        copy_name: format!("restoring-{}", random_id(world.entropy.as_ref())),
    };
    restore::restore(&settings.database, &plan).await
}
