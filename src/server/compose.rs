//! The composition root: makes every part once and puts them together. `main` and the tests build the same application.

mod background;
pub mod calibrate;
pub mod doctor;
mod heartbeat;
mod key_watch;
pub mod keys;
pub mod operator;
pub mod seals;
pub mod upkeep;

pub use key_watch::KeyWatch;

use super::{
    auth::{
        self, AuditReport, AuthService, ImportPlan, ImportReport, KnownEntry, Parts, PasswordPolicy, RegistrationRules,
    },
    clock::{Clock, SystemClock},
    crypto::{AuditSeals, Keyring, Keys, Passkeys, PasswordHasher, Sealing},
    entropy::{Entropy, SystemEntropy},
    http::{self, AppState, Known, assets::EMBEDDED, cookies::Cookies, embedded},
    mailer::{Composer, Mailbox, Mailer, Transport, Worker},
    metrics::Metrics,
    settings::{DEFAULTS, MailTransport, Settings, is_local_url, limits_off},
    store::{Store, django::DjangoDatabase},
};
use axum::Router;
use background::Cleaner;
use heartbeat::Heartbeat;
use leptos::config::{Env, LeptosOptions};
use std::{fmt::Display, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// What a mail on its way gets at the end, however long requests took.
const LAST_MAIL: Duration = Duration::from_secs(1);

/// The world outside: tests hand in another one.
#[derive(Clone)]
pub struct World {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl World {
    /// The real one.
    #[must_use]
    pub fn real() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }
}

/// Why the server does not start, in words for whoever started it.
#[derive(Debug)]
pub struct StartError(String);

impl Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

fn failed<E: Display>(what: &str) -> impl FnOnce(E) -> StartError {
    move |error| StartError(format!("{what}: {error}"))
}

/// The application, listening but not yet answering.
pub struct Application {
    listener: TcpListener,
    router: Router,
    settings: Arc<Settings>,
    auth: AuthService,
    store: Store,
    mailer: Mailer,
    cleaner: Cleaner,
    heartbeat: Heartbeat,
    key_watch: KeyWatch,
    watching: JoinHandle<()>,
    metrics: (Metrics, Option<TcpListener>),
}

impl Application {
    /// Opens the database, reads or makes the keys, starts the threads and tasks, and binds the address.
    ///
    /// # Errors
    /// Any of these fails; the text says which and what to do.
    pub async fn build(settings: Settings, leptos: LeptosOptions, world: World) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        if !is_local_url(&settings.server.public_url) {
            for key in limits_off(&settings.throttle) {
                tracing::warn!("{key} is \"off\": whoever guesses or floods is not slowed down there");
            }
        }
        let key_watch = KeyWatch::open(&settings, &world)?;
        let keyring = key_watch.keyring();
        let store = Store::open(&settings.database).await.map_err(failed("the database"))?;
        let wake = Arc::new(Notify::new());
        let metrics = Metrics::new();
        let auth = service(&settings, &keyring, &store, &world, (&wake, &metrics))?;
        let mailer = mailer(&settings, keyring.clone(), &store, &world, (wake, &metrics))?;
        // Before the address: whoever reaches that finds the metrics, too.
        let shown_at = background::bind_metrics(&settings).await?;
        let listener =
            TcpListener::bind(leptos.site_addr).await.map_err(failed(&format!("the address {}", leptos.site_addr)))?;
        let state = Known {
            auth: auth.clone(),
            site_files: http::SiteFiles::new(&leptos),
            everybodys: http::Everybodys::default(),
            cookies: Cookies::new(settings.cookie.clone()),
            development: std::env::var_os("LEPTOS_WATCH").is_some(),
            mailbox: (settings.mail.transport == MailTransport::Mailbox).then(|| Mailbox::beside(&settings.mail)),
            settings: settings.clone(),
            metrics: metrics.clone(),
            clock: world.clock.clone(),
            entropy: world.entropy.clone(),
            leptos,
        };
        let metrics = (metrics, shown_at);
        let cleaner = Cleaner::start(auth.clone(), world.entropy.as_ref());
        let heartbeat = Heartbeat::start(&settings, &store, &keyring, &world);
        let watching = tokio::spawn(key_watch.clone().run());
        let router = http::router(AppState::from(state));
        Ok(Self { listener, router, settings, auth, store, mailer, cleaner, heartbeat, key_watch, watching, metrics })
    }

    /// Looks at the keys again when it is asked to: for a signal, and for tests.
    #[must_use]
    pub fn key_watch(&self) -> KeyWatch {
        self.key_watch.clone()
    }

    /// Its doors behind the socket, for benchmarks.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not know, which it does once the address is bound.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where it shows its metrics, if it does.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        background::address(self.metrics.1.as_ref())
    }

    /// The service, for commands and tests that need no door.
    #[must_use]
    pub fn auth(&self) -> AuthService {
        self.auth.clone()
    }

    /// The database, for tests that look at what was stored.
    #[must_use]
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// Answers requests until `stop`, then lets running ones end, and the present mail, for `server.drain` seconds in all.
    /// The metrics are shown to the last.
    ///
    /// # Errors
    /// The listener fails for good.
    pub async fn run(self, stop: CancellationToken) -> std::io::Result<()> {
        let (metrics, shown_at) = self.metrics;
        let last = CancellationToken::new();
        let shown = shown_at.map(|listener| {
            background::show_metrics(listener, (self.auth, metrics.clone()), &self.settings, last.clone())
        });
        let served = http::serve(self.listener, self.router, &self.settings.server, metrics, stop).await;
        self.cleaner.stop().await;
        self.watching.abort();
        self.heartbeat.stop().await;
        // What is left of the time, and a moment in any case: most mails are on their way in less.
        let end = served.as_ref().copied().unwrap_or_else(|_| Instant::now());
        self.mailer.stop(end.saturating_duration_since(Instant::now()).max(LAST_MAIL)).await;
        last.cancel();
        if let Some(shown) = shown {
            drop(shown.await);
        }
        self.store.close().await;
        served.map(drop)
    }
}

/// Checks the audit log of these settings' database with their keys. Both must be there: nothing is made, nothing listens.
///
/// # Errors
/// There are no keys or there is no database, or it has no audit log.
pub async fn verify_audit(settings: &Settings, known: &[KnownEntry]) -> Result<AuditReport, StartError> {
    let keys = Keys::load(&settings.keys, SystemClock.now()).map_err(failed("the keys"))?;
    let store = Store::open_existing(&settings.database).await.map_err(failed("the database"))?;
    let report = auth::verify_audit(&store, &AuditSeals::new(&keys), known).await.map_err(failed("the audit log"));
    store.close().await;
    report
}

/// Makes accounts of the users of a Django database, `from` a file or URL and its table. The database and the keys of
/// these settings are made if they are not there, as by the server; not so for a dry run, which writes nothing.
///
/// # Errors
/// One of the databases cannot be opened, or fails; for a dry run also if the server was never started here.
pub async fn import_django(
    settings: Settings,
    world: World,
    (location, table): (&str, &str),
    plan: &ImportPlan,
) -> Result<ImportReport, StartError> {
    let settings = Arc::new(settings);
    let mut from = DjangoDatabase::open(location, table).await.map_err(failed("the Django database"))?;
    let (keys, store) = if plan.dry_run {
        let keys = Keys::load(&settings.keys, world.clock.now())
            .map_err(failed("a dry run makes no keys; start the server once"))?;
        let store = Store::open_existing(&settings.database).await.map_err(failed("the database"))?;
        let tables = store.check_tables().await;
        tables.map_err(failed("a dry run makes no tables; start this version of the server once"))?;
        (keys, store)
    } else {
        let keys = Keys::load_or_create(&settings.keys, world.entropy.as_ref(), world.clock.now())
            .map_err(failed("the keys"))?;
        (keys, Store::open(&settings.database).await.map_err(failed("the database"))?)
    };
    let keyring = Keyring::new(Sealing::new(&keys, &settings).map_err(failed("the keys"))?);
    let auth = service(&settings, &keyring, &store, &world, (&Arc::new(Notify::new()), &Metrics::new()))?;
    let report = auth.import_django(&mut from, plan).await;
    from.close().await;
    store.close().await;
    report.map_err(failed("what was imported stays, the rest is not read; run it again"))
}

/// How many files a server needs beside its connections.
#[must_use]
pub fn files_beside_connections(settings: &Settings) -> usize {
    /// Pages' files, mails, metrics, traces, the runtime's own.
    const OTHERS: usize = 96;
    /// A connection to an SQLite file has three: the database, its log and the log's index.
    const OF_DATABASE: usize = 3;
    let database = usize::try_from(settings.database.connections).unwrap_or(usize::MAX).saturating_add(1);
    database.saturating_mul(OF_DATABASE).saturating_add(OTHERS)
}

/// Where the site is, how its files are called and where it is served: from `Leptos.toml` and the `LEPTOS_…` variables; the
/// address from `server.address` if that is set. Where they say nothing of files, those in the binary, or if there are
/// none, as cargo-leptos leaves them beside it. So the binary alone finds its stylesheet from any folder.
///
/// # Errors
/// A variable is not of its kind.
pub fn site(settings: &Settings) -> Result<LeptosOptions, StartError> {
    let mut options = leptos::config::get_config_from_str(DEFAULTS).map_err(failed("LEPTOS_…"))?;
    if let Ok(address) = settings.server.address.parse() {
        options.site_addr = address;
    }
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if let Some(name) = embedded::name().filter(|_| !is_set("LEPTOS_SITE_ROOT")) {
        options.output_name = name.into();
        options.site_root = EMBEDDED.into();
        options.hash_files = false;
        options.env = Env::PROD;
        return Ok(options);
    }
    let Some(folder) = std::env::current_exe().ok().and_then(|binary| binary.parent().map(Path::to_path_buf)) else {
        return Ok(options);
    };
    if !is_set("LEPTOS_HASH_FILES") {
        options.hash_files = folder.join(options.hash_file.as_ref()).exists();
    }
    let beside = folder.join("../site");
    if !is_set("LEPTOS_SITE_ROOT") && !Path::new(options.site_root.as_ref()).exists() && beside.exists() {
        options.site_root = beside.display().to_string().into();
    }
    Ok(options)
}

fn service(
    settings: &Arc<Settings>,
    keyring: &Keyring,
    store: &Store,
    world: &World,
    (mail, metrics): (&Arc<Notify>, &Metrics),
) -> Result<AuthService, StartError> {
    let hasher = PasswordHasher::start(&settings.password, world.entropy.clone(), metrics.clone())
        .map_err(failed("the hashing threads"))?;
    Ok(AuthService::new(Parts {
        store: store.clone(),
        hasher,
        passkeys: Passkeys::new(settings),
        keyring: keyring.clone(),
        metrics: metrics.clone(),
        rules: RegistrationRules::new(settings),
        policy: PasswordPolicy::new(&settings.password, &settings.server.site_name),
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        settings: settings.clone(),
        mail: mail.clone(),
    }))
}

fn mailer(
    settings: &Settings,
    keyring: Keyring,
    store: &Store,
    world: &World,
    (wake, metrics): (Arc<Notify>, &Metrics),
) -> Result<Mailer, StartError> {
    let composer = Composer::new(settings, keyring).map_err(failed("mail"))?;
    let transport = Transport::new(settings).map_err(failed("mail"))?;
    let (clock, entropy) = (world.clock.clone(), world.entropy.clone());
    let worker = Worker::new(store.clone(), clock, entropy, (composer, transport), &settings.mail, metrics.clone());
    Ok(Mailer::start(worker, wake))
}
