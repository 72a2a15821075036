//! Opening the database of either engine, and bringing its tables up to date.

use super::{Store, StoreError, writer::Writer};
use crate::server::settings;
use secrecy::ExposeSecret as _;
use sqlx::{AnyPool, any::AnyPoolOptions};
use std::{path::Path, time::Duration};

/// WAL lets readers go on beside the writer; FULL keeps a commit through a power cut.
const SQLITE_PRAGMAS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;";

pub(super) async fn open(settings: &settings::Database) -> Result<Store, StoreError> {
    sqlx::any::install_default_drivers();
    let url = settings.url.expose_secret();
    let store = if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.trim_start_matches("//").split('?').next().unwrap_or_default();
        make_file(Path::new(path)).map_err(|error| StoreError::Unavailable(sqlx::Error::Io(error)))?;
        let url = format!("sqlite://{path}");
        let writer = sqlite(&url, 1, settings).await?;
        migrate(&writer).await?;
        Store { readers: sqlite(&url, settings.connections, settings).await?, writer: Writer::queue(writer) }
    } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        let pool = options(settings.connections, settings).connect(url).await?;
        migrate(&pool).await?;
        Store { readers: pool, writer: Writer::Pool }
    } else {
        return Err(StoreError::UnknownEngine);
    };
    Ok(store)
}

fn options(connections: u32, settings: &settings::Database) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(settings.acquire_timeout))
        .test_before_acquire(false)
}

async fn sqlite(url: &str, connections: u32, settings: &settings::Database) -> Result<AnyPool, StoreError> {
    let pool = options(connections, settings)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SQLITE_PRAGMAS).execute(connection).await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(pool)
}

async fn migrate(pool: &AnyPool) -> Result<(), StoreError> {
    sqlx::migrate!("./migrations").run(pool).await?;
    Ok(())
}

/// Makes an empty file that only its owner can read before SQLite would make one that others can.
fn make_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    Ok(())
}
