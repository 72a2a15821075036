//! The composition root: makes every part once and puts them together. `main` and the tests build the same application.

use super::{
    auth::{
        self, AuditReport, AuthService, ImportPlan, ImportReport, KnownEntry, Parts, PasswordPolicy, RegistrationRules,
    },
    clock::{Clock, SystemClock},
    crypto::{
        AuditSeals, CompatTokens, Keys, KnownDevices, MailedSecrets, PasswordHasher, Pseudonyms, RefreshTokens,
        TokenSigner,
    },
    entropy::{Entropy, SystemEntropy},
    http::{self, AppState, cookies::Cookies},
    mailer::{Composer, Mailbox, Mailer, Transport, Worker},
    settings::{DEFAULTS, MailTransport, Settings, is_local_url, limits_off},
    store::{Store, django::DjangoDatabase},
};
use axum::Router;
use leptos::config::LeptosOptions;
use std::{fmt::Display, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Seconds between two cleanings of the database.
const CLEAN_UP_EVERY: u64 = 3600;

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
    cleaner: JoinHandle<()>,
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
        let keys = Keys::load_or_create(&settings.keys, world.entropy.as_ref()).map_err(failed("the keys"))?;
        let store = Store::open(&settings.database).await.map_err(failed("the database"))?;
        let wake = Arc::new(Notify::new());
        let auth = service(&settings, &keys, &store, &world, &wake)?;
        let mailer = mailer(&settings, &keys, &store, &world, wake)?;
        let listener =
            TcpListener::bind(leptos.site_addr).await.map_err(failed(&format!("the address {}", leptos.site_addr)))?;
        let state = AppState {
            auth: auth.clone(),
            cookies: Cookies::new(settings.cookie.clone()),
            development: std::env::var_os("LEPTOS_WATCH").is_some(),
            mailbox: (settings.mail.transport == MailTransport::Mailbox).then(|| Mailbox::beside(&settings.mail)),
            settings: settings.clone(),
            clock: world.clock,
            entropy: world.entropy,
            leptos,
        };
        let cleaner = tokio::spawn(clean_up(auth.clone()));
        Ok(Self { listener, router: http::router(state), settings, auth, store, mailer, cleaner })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not know, which it does once the address is bound.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
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

    /// Answers requests until `stop`, then lets running ones end, and the present mail.
    ///
    /// # Errors
    /// The listener fails for good.
    pub async fn run(self, stop: CancellationToken) -> std::io::Result<()> {
        let served = http::serve(self.listener, self.router, &self.settings.server, stop).await;
        self.cleaner.abort();
        self.mailer.stop(Duration::from_secs(self.settings.server.drain)).await;
        self.store.close().await;
        served
    }
}

/// Checks the audit log of these settings' database with their keys. Both must be there: nothing is made, nothing listens.
///
/// # Errors
/// There are no keys or there is no database, or it has no audit log.
pub async fn verify_audit(settings: &Settings, known: &[KnownEntry]) -> Result<AuditReport, StartError> {
    let keys = Keys::load(&settings.keys).map_err(failed("the keys"))?;
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
        let keys = Keys::load(&settings.keys).map_err(failed("a dry run makes no keys; start the server once"))?;
        let store = Store::open_existing(&settings.database).await.map_err(failed("the database"))?;
        let tables = store.check_tables().await;
        tables.map_err(failed("a dry run makes no tables; start this version of the server once"))?;
        (keys, store)
    } else {
        let keys = Keys::load_or_create(&settings.keys, world.entropy.as_ref()).map_err(failed("the keys"))?;
        (keys, Store::open(&settings.database).await.map_err(failed("the database"))?)
    };
    let auth = service(&settings, &keys, &store, &world, &Arc::new(Notify::new()))?;
    let report = auth.import_django(&mut from, plan).await;
    from.close().await;
    store.close().await;
    report.map_err(failed("what was imported stays, the rest is not read; run it again"))
}

/// Where the site is and how its files are called: from `Leptos.toml` and the `LEPTOS_…` variables, and where those say
/// nothing, as cargo-leptos leaves them beside the binary. So the binary alone finds its stylesheet from any folder.
///
/// # Errors
/// A variable is not of its kind.
pub fn site() -> Result<LeptosOptions, StartError> {
    let mut options = leptos::config::get_config_from_str(DEFAULTS).map_err(failed("LEPTOS_…"))?;
    let is_set = |name: &str| std::env::var_os(name).is_some();
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
    keys: &Keys,
    store: &Store,
    world: &World,
    mail: &Arc<Notify>,
) -> Result<AuthService, StartError> {
    let hasher =
        PasswordHasher::start(&settings.password, world.entropy.clone()).map_err(failed("the hashing threads"))?;
    let signer = TokenSigner::new(keys, &settings.server.public_url, &settings.token).map_err(failed("the keys"))?;
    Ok(AuthService::new(Parts {
        store: store.clone(),
        hasher,
        signer,
        refresh_tokens: RefreshTokens::new(keys),
        compat_tokens: CompatTokens::new(keys, settings),
        mailed_secrets: MailedSecrets::new(keys),
        known_devices: KnownDevices::new(keys),
        pseudonyms: Pseudonyms::new(keys),
        audit_seals: AuditSeals::new(keys),
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
    keys: &Keys,
    store: &Store,
    world: &World,
    wake: Arc<Notify>,
) -> Result<Mailer, StartError> {
    let composer = Composer::new(settings, MailedSecrets::new(keys)).map_err(failed("mail"))?;
    let transport = Transport::new(settings).map_err(failed("mail"))?;
    let (clock, entropy) = (world.clock.clone(), world.entropy.clone());
    Ok(Mailer::start(Worker::new(store.clone(), clock, entropy, composer, transport, &settings.mail), wake))
}

async fn clean_up(auth: AuthService) {
    let mut hours = tokio::time::interval(Duration::from_secs(CLEAN_UP_EVERY));
    loop {
        hours.tick().await;
        match auth.clean_up().await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "deleted sessions and tickets that had ended"),
            Err(error) => tracing::warn!(%error, "could not clean up; it is tried again in an hour"),
        }
    }
}
