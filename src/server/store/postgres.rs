//! Connections to PostgreSQL: how many, how long, how they are sealed, and which are still alive.

use super::{Changes, Faults, Store, StoreError, connect::options, migrations, rotations::Rotations, writer::Writer};
use crate::server::settings::{self, DatabaseTls};
use secrecy::ExposeSecret as _;
use sqlx::{
    AnyConnection, AnyPool, Connection as _,
    any::{AnyConnectOptions, AnyPoolOptions},
    postgres::PgConnectOptions,
};
use std::{
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;
use url::Url;

/// A connection that was idle for longer is asked whether it is alive before a request gets it: the server may have been
/// restarted. Under load nobody waits for that, and a restart takes longer than this. As soon as one is found dead, all
/// are asked that were last known to live before.
const UNASKED: Duration = Duration::from_millis(50);
/// How long it may think about it. One whose line was cut without a word would never answer.
const ASKED: Duration = Duration::from_secs(1);
/// PostgreSQL's own port.
const PORT: u16 = 5432;
/// What PostgreSQL's own tools show us as.
const NAME: &str = "doorward";

/// Opens the database and brings its tables up to date.
pub(super) async fn open(settings: &settings::Database) -> Result<Store, StoreError> {
    let target = target(settings)?;
    let faults = Faults::default();
    // A migration has a connection of its own, without the limit on statements: it takes as long as it takes. The pool
    // connects at the same time.
    let (own, readers) = tokio::join!(
        options(1, settings).connect_with(target.clone()),
        pool(settings, faults.clone()).connect_with(target.clone())
    );
    let (own, readers) = match (own, readers) {
        (Ok(own), Ok(readers)) => (own, readers),
        (Err(error), _) | (_, Err(error)) => return Err(reason(error, &target).await),
    };
    let migrated = if settings.migrate { migrations::apply(&own, false).await } else { Ok(()) };
    own.close().await;
    if let Err(error) = migrated {
        readers.close().await;
        return Err(error);
    }
    Ok(store(readers, settings.connections, faults))
}

/// Opens a database that is there, to look at it.
pub(super) async fn open_existing(settings: &settings::Database) -> Result<Store, StoreError> {
    let faults = Faults::default();
    let looking = settings::Database { connections: 1, min_connections: 0, ..settings.clone() };
    let target = target(settings)?;
    let readers = match pool(&looking, faults.clone()).connect_with(target.clone()).await {
        Ok(readers) => readers,
        Err(error) => return Err(reason(error, &target).await),
    };
    Ok(store(readers, 1, faults))
}

fn store(readers: AnyPool, connections: u32, faults: Faults) -> Store {
    let writer = Writer::Pool(Rotations::new(readers.clone(), connections));
    Store { readers, writer, faults, changes: Changes::default() }
}

/// Why there is no connection. A pool that has tried for a while only says that it did.
async fn reason(error: sqlx::Error, target: &AnyConnectOptions) -> StoreError {
    let again = async { AnyConnection::connect_with(target).await.err() };
    let error = match error {
        sqlx::Error::PoolTimedOut => tokio::time::timeout(ASKED, again).await.ok().flatten().unwrap_or(error),
        error => error,
    };
    let url = &target.database_url;
    let (host, port) = (url.host_str().unwrap_or("localhost"), url.port().unwrap_or(PORT));
    StoreError::Unusable(format!(
        "PostgreSQL at {host}:{port} cannot be used: {error}. Check that it runs, and database.url and database.tls"
    ))
}

fn pool(settings: &settings::Database, faults: Faults) -> AnyPoolOptions {
    let seconds = |number: u64| (number > 0).then(|| Duration::from_secs(number));
    let limit = settings.statement_timeout;
    let suspicion = Arc::new(Suspicion::new());
    options(settings.connections, settings)
        .min_connections(settings.min_connections)
        .idle_timeout(seconds(settings.idle_timeout))
        .max_lifetime(seconds(settings.max_lifetime))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                // The second: a server of ours that vanished in a transaction shall not keep its locks.
                let milliseconds = limit.saturating_mul(1000);
                let limits = format!(
                    "SET statement_timeout = {milliseconds}; SET idle_in_transaction_session_timeout = {milliseconds}"
                );
                sqlx::raw_sql(sqlx::AssertSqlSafe(limits)).execute(connection).await?;
                Ok(())
            })
        })
        .before_acquire(move |connection, meta| {
            let (faults, suspicion) = (faults.clone(), suspicion.clone());
            Box::pin(async move {
                if meta.idle_for < UNASKED && !suspicion.is_of(meta.idle_for) {
                    return Ok(true);
                }
                let alive = matches!(tokio::time::timeout(ASKED, connection.ping()).await, Ok(Ok(())));
                if !alive {
                    faults.one();
                    suspicion.note();
                }
                Ok(alive)
            })
        })
}

/// When a connection was last found dead.
struct Suspicion {
    start: Instant,
    /// Milliseconds after `start`; 0 is never.
    at: AtomicU64,
}

impl Suspicion {
    fn new() -> Self {
        Self { start: Instant::now(), at: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self) {
        self.at.store(self.now(), Relaxed);
    }

    /// Whether a connection that has been idle for so long was last used before that.
    fn is_of(&self, idle: Duration) -> bool {
        let used_at = self.now().saturating_sub(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
        used_at <= self.at.load(Relaxed)
    }
}

/// Where the database is: the URL, and what the settings say over it.
fn target(settings: &settings::Database) -> Result<AnyConnectOptions, StoreError> {
    let wrong =
        |why: &str| StoreError::Unusable(format!("database.url is not postgres://user:password@host/name: {why}"));
    let mut url = Url::parse(settings.url.expose_secret()).map_err(|error| wrong(&error.to_string()))?;
    let tls = match settings.tls {
        DatabaseTls::AsUrl => None,
        DatabaseTls::Disable => Some("disable"),
        DatabaseTls::Prefer => Some("prefer"),
        DatabaseTls::Require => Some("require"),
        DatabaseTls::VerifyCa => Some("verify-ca"),
        DatabaseTls::VerifyFull => Some("verify-full"),
    };
    for (key, path) in [
        ("database.tls_root", &settings.tls_root),
        ("database.tls_certificate", &settings.tls_certificate),
        ("database.tls_key", &settings.tls_key),
    ] {
        if !path.is_empty() {
            // The driver would not say which file it is.
            std::fs::File::open(path).map_err(|error| StoreError::Unusable(format!("{key} = {path:?}: {error}")))?;
        }
    }
    let path = |path: &str| (!path.is_empty()).then(|| path.to_owned());
    set(&mut url, &["sslmode", "ssl-mode"], tls.map(str::to_owned));
    set(&mut url, &["sslrootcert", "ssl-root-cert", "ssl-ca"], path(&settings.tls_root));
    set(&mut url, &["sslcert", "ssl-cert"], path(&settings.tls_certificate));
    set(&mut url, &["sslkey", "ssl-key"], path(&settings.tls_key));
    if !url.query_pairs().any(|(key, _)| key == "application_name") {
        url.query_pairs_mut().append_pair("application_name", NAME);
    }
    // Read here as the driver will, whose words for a wrong value are its own.
    PgConnectOptions::from_str(url.as_str()).map_err(|error| wrong(&error.to_string()))?;
    AnyConnectOptions::from_str(url.as_str()).map_err(|error| wrong(&error.to_string()))
}

/// Sets a parameter of the URL, whatever it is called there; with nothing it stays as it is.
fn set(url: &mut Url, names: &[&str], value: Option<String>) {
    let (Some(value), Some(name)) = (value, names.first()) else { return };
    let others = url.query_pairs().filter(|(key, _)| !names.contains(&key.as_ref()));
    let others: Vec<(String, String)> = others.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, &value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::settings::Settings;

    fn target_of(text: &str) -> Result<String, StoreError> {
        let settings = Settings::from_toml(text).unwrap();
        target(&settings.database).map(|target| target.database_url.to_string())
    }

    #[test]
    fn a_setting_wins_over_the_url_and_what_is_not_set_stays() {
        let url = "database.url = 'postgres://u:p@h/d?ssl-mode=disable&statement-cache-capacity=7&application_name=x'";
        assert_eq!(target_of(url).unwrap(), url.split('\'').nth(1).unwrap());
        let set = target_of(&format!("{url}\ndatabase.tls = 'verify-full'")).unwrap();
        assert_eq!(set, "postgres://u:p@h/d?statement-cache-capacity=7&application_name=x&sslmode=verify-full");
        assert!(target_of("database.url = 'postgres://h/d'").unwrap().ends_with("?application_name=doorward"));
    }

    #[test]
    fn what_cannot_be_is_refused_in_words_without_the_password() {
        for (text, reason) in [
            ("database.url = 'postgres://u:s3cret@h:notaport/d'", "database.url"),
            ("database.url = 'postgres://u:s3cret@h/d?sslmode=sometimes'", "sometimes"),
            ("database.url = 'postgres://u:s3cret@h/d'\ndatabase.tls_root = '/nowhere/root.pem'", "/nowhere/root.pem"),
        ] {
            let said = target_of(text).unwrap_err().to_string();
            assert!(said.contains(reason) && !said.contains("s3cret"), "{said}");
        }
    }
}
