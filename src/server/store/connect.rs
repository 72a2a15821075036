//! Opening the database of either engine, and bringing its tables up to date.

use super::{Changes, Faults, Store, StoreError, migrations, postgres, writer::Writer};
use crate::server::settings;
use secrecy::ExposeSecret as _;
use sqlx::{AnyPool, any::AnyPoolOptions};
use std::{path::Path, time::Duration};

/// WAL lets readers go on beside the writer; FULL keeps a commit through a power cut.
const SQLITE_PRAGMAS: &str =
    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
/// For those who only look: a file that is not there stays away, and nothing is changed by mistake.
const LOOKING_PRAGMAS: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000;";

pub(super) async fn open(settings: &settings::Database) -> Result<Store, StoreError> {
    sqlx::any::install_default_drivers();
    if !settings.migrate {
        Store::migrations(settings).await?.require_current()?;
    }
    let url = settings.url.expose_secret();
    let store = if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = sqlite_path(rest);
        make_file(Path::new(path)).map_err(|error| StoreError::Unavailable(sqlx::Error::Io(error)))?;
        let url = format!("sqlite://{path}");
        let writer = sqlite(&url, 1, SQLITE_PRAGMAS, settings).await?;
        if settings.migrate {
            migrations::apply(&writer, true).await?;
        }
        let readers = sqlite(&url, settings.connections, SQLITE_PRAGMAS, settings).await?;
        let changes = Changes::default();
        Store { readers, writer: Writer::queue(writer, changes.clone()), faults: Faults::default(), changes }
    } else if is_postgres(url) {
        postgres::open(settings).await?
    } else {
        return Err(StoreError::UnknownEngine);
    };
    Ok(store)
}

pub(super) async fn open_existing(settings: &settings::Database) -> Result<Store, StoreError> {
    sqlx::any::install_default_drivers();
    let url = settings.url.expose_secret();
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = sqlite_path(rest);
        // SQLite would say only that it is unable to open it.
        std::fs::metadata(path).map_err(|error| StoreError::Unavailable(sqlx::Error::Io(error)))?;
        let pool = sqlite(&format!("sqlite://{path}?mode=rw"), 1, LOOKING_PRAGMAS, settings).await?;
        let changes = Changes::default();
        let writer = Writer::queue(pool.clone(), changes.clone());
        Ok(Store { readers: pool, writer, faults: Faults::default(), changes })
    } else if is_postgres(url) {
        postgres::open_existing(settings).await
    } else {
        Err(StoreError::UnknownEngine)
    }
}

/// The path in the rest of an `sqlite:` URL.
pub(super) fn sqlite_path(rest: &str) -> &str {
    rest.trim_start_matches("//").split('?').next().unwrap_or_default()
}

pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

pub(super) fn options(connections: u32, settings: &settings::Database) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(settings.acquire_timeout))
        .test_before_acquire(false)
}

async fn sqlite(
    url: &str,
    connections: u32,
    pragmas: &'static str,
    settings: &settings::Database,
) -> Result<AnyPool, StoreError> {
    let pool = options(connections, settings)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(pragmas).execute(connection).await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(pool)
}

/// Makes an empty file that only its owner can read before SQLite would make one that others can.
fn make_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // One that is there is not opened: closing it would take the locks away that this process holds on it.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}
