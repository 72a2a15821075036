//! One way to speak to the application: callers are values, mails are read from an inbox, time is a hand's turn.

mod caller;
mod cluster;
pub mod factors;
pub mod postgres;
mod process;

pub use caller::{Answer, Caller};
pub use cluster::{Cluster, Stop};
pub use process::{Process, command, free_address};

use crate::client::Client;
use doorward::{
    domain::time::Timestamp,
    server::{
        auth::AuthService,
        clock::ManualClock,
        compose::{Application, KeyWatch, World},
        crypto::{Keyring, Keys, Sealing},
        entropy::SystemEntropy,
        http::api::types::{Next, Registration},
        mailer::{KeptMail, Mailbox},
        settings::{DEFAULTS, Settings},
        store::Store,
    },
};
use std::{future::Future, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The password of everybody in the tests.
pub const PASSWORD: &str = "a calm violet harbour";
/// Another one that is good enough.
pub const OTHER_PASSWORD: &str = "seven quiet lanterns";
/// When the tests' clock starts: 2026-11-20T16:00:00Z.
pub const START: Timestamp = Timestamp(1_795_190_400);

/// What is laid under the settings of every test; those about throttles say their own.
const UNTHROTTLED: &str = "[throttle]
    login_name = 'off'
    login_name_total = 'off'
    login_failures = 'off'
    login_failures_total = 'off'
    login = 'off'
    register = 'off'
    mail = 'off'
    mail_total = 'off'
    mail_to = 'off'
    proof = 'off'
    proof_account = 'off'
    password = 'off'
    username = 'off'
    refresh = 'off'
    profile = 'off'\nfactor = 'off'\nfactor_total = 'off'\nceremony = 'off'";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    /// A temporary file.
    Sqlite,
    /// A database of its own in the tests' private cluster.
    Postgres,
}

/// A running application with a folder and a database of its own.
pub struct App {
    pub base: String,
    pub clock: Arc<ManualClock>,
    pub settings: Settings,
    pub store: Store,
    pub auth: AuthService,
    /// Takes up other keys at once.
    pub key_watch: KeyWatch,
    pub folder: TempDir,
    engine: Engine,
    extra: String,
    database: String,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
    /// Stops the application when the test ends, however it ends.
    _stops: DropGuard,
}

impl App {
    /// An application with the built-in settings.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, "").await
    }

    /// An application with TOML text laid over the settings.
    pub async fn start_with(engine: Engine, extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = migrated_database(engine, &folder).await;
        let clock = Arc::new(ManualClock::new(START));
        Self::launch(engine, folder, database, clock, extra.to_owned()).await
    }

    /// As [`App::start_with`], on a database of PostgreSQL that the test has made.
    pub async fn start_on(database: String, extra: &str) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(START)));
        Self::launch(Engine::Postgres, folder, database, clock, extra.to_owned()).await
    }

    async fn launch(engine: Engine, folder: TempDir, database: String, clock: Arc<ManualClock>, extra: String) -> Self {
        let port = free_address().port();
        let path = folder.path().display();
        // Everybody in the tests comes from one address, and time stands still.
        let mut document: toml::Table = UNTHROTTLED.parse().unwrap();
        merge(&mut document, extra.parse().unwrap());
        // A test may give the server a name; the port is ours.
        let host = document.get("server").and_then(|server| server.get("public_url")).and_then(toml::Value::as_str);
        let base = format!("{}:{port}", host.unwrap_or("http://127.0.0.1"));
        let own = format!(
            "server.public_url = '{base}'\ndatabase.url = '{database}'\nkeys.file = '{path}/keys.json'\n\
             mail.folder = '{path}/mail'\nmail.poll = 1\nmail.backoff = 1"
        );
        merge(&mut document, own.parse().unwrap());
        let settings = Settings::from_toml(&document.to_string()).unwrap();
        let mut leptos = leptos::config::get_config_from_str(DEFAULTS).unwrap();
        leptos.site_addr = ([127, 0, 0, 1], port).into();
        let site = folder.path().join("site");
        std::fs::create_dir_all(site.join("pkg")).unwrap();
        leptos.site_root = site.display().to_string().into();
        let world = World { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let application = Application::build(settings.clone(), leptos, world).await.unwrap();
        let (store, auth, stop) = (application.store(), application.auth(), CancellationToken::new());
        let key_watch = application.key_watch();
        let running = tokio::spawn(application.run(stop.clone()));
        let _stops = stop.clone().drop_guard();
        Self { base, clock, settings, store, auth, key_watch, folder, engine, extra, database, stop, running, _stops }
    }

    /// Stops the application and starts it again on the same database and keys.
    pub async fn restarted(self) -> Self {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        Self::launch(self.engine, self.folder, self.database, self.clock, self.extra).await
    }

    /// As [`App::restarted`], with other settings.
    pub async fn restarted_with(mut self, extra: &str) -> Self {
        extra.clone_into(&mut self.extra);
        self.restarted().await
    }

    /// A caller without cookies.
    pub fn anonymous(&self) -> Caller {
        Caller::new(&self.base)
    }

    /// The typed client of `examples/`, signed in nowhere.
    pub fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// The typed client of an account that was registered now.
    pub async fn client_of(&self, name: &str) -> Client {
        let mut client = self.client();
        let form = Registration {
            email: format!("{name}@example.com"),
            username: name.to_owned(),
            password: PASSWORD.into(),
            ..Registration::default()
        };
        assert_eq!(client.register(form).await.expect("an account").next, Next::SignedIn);
        client
    }

    /// A caller whose account was registered now, signed in.
    pub async fn signed_in(&self, name: &str) -> Caller {
        let caller = self.anonymous();
        let answer = caller.register(name).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        caller
    }

    /// A registered account's new session in another browser.
    pub async fn signed_in_again(&self, name: &str) -> Caller {
        let caller = self.anonymous();
        assert_eq!(caller.log_in(name, PASSWORD).await.status, 200);
        caller
    }

    /// The mails that have left the server so far, newest first.
    pub fn mails(&self) -> Vec<KeptMail> {
        Mailbox::beside(&self.settings.mail).list().unwrap()
    }

    /// The newest mail to this person whose subject has these words; waits for it.
    pub async fn mail(&self, name: &str, words: &str) -> KeptMail {
        for _ in 0..200 {
            let found = self.mails().into_iter().find(|mail| mail.to.contains(name) && mail.subject.contains(words));
            if let Some(mail) = found {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "no mail {words:?} to {name}; there are {:?}",
            self.mails().iter().map(|m| &m.subject).collect::<Vec<_>>()
        );
    }

    /// The newest mail to this person with a link to this page; waits for it.
    pub async fn mail_with(&self, name: &str, page: &str) -> KeptMail {
        let link = format!("{}{page}?", self.base);
        for _ in 0..200 {
            let to = |mail: &KeptMail| mail.to.starts_with(&format!("{name}@"));
            let found = self.mails().into_iter().find(|mail| to(mail) && mail.text.contains(&link));
            if let Some(mail) = found {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "no mail with {page} to {name}; there are {:?}",
            self.mails().iter().map(|m| &m.subject).collect::<Vec<_>>()
        );
    }

    /// The public name of the session that this caller holds.
    pub async fn sid(&self, caller: &Caller) -> String {
        let visit = self.auth.visit(Some(&caller.held())).await.unwrap().expect("a live session");
        visit.principal.sid
    }

    /// The path and query of the link in the newest reset mail to this person, and the typed code.
    pub async fn reset_mail(&self, name: &str) -> (String, String) {
        let mail = self.mail_with(name, "/reset-confirmation").await;
        (link_in(&mail.text, &self.base), code_in(&mail.text))
    }
}

/// What works with these keys.
pub fn keyring(keys: &Keys, settings: &Settings) -> Keyring {
    Keyring::new(Sealing::new(keys, settings).expect("keys that sign"))
}

/// The URL of a new, empty database, in this folder if it is a file.
pub async fn new_database(engine: Engine, folder: &TempDir) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite:{}", folder.path().join("doorward.db").display()),
        Engine::Postgres => postgres::new_database().await,
    }
}

/// The URL of a new database that has its tables and nothing in them. Most tests begin with one: it is a copy of what was
/// migrated once.
async fn migrated_database(engine: Engine, folder: &TempDir) -> String {
    static FILE: OnceCell<Vec<u8>> = OnceCell::const_new();
    static ON_SERVER: OnceCell<String> = OnceCell::const_new();
    match engine {
        Engine::Sqlite => {
            let migrated = || async {
                let folder = tempfile::tempdir().unwrap();
                migrate(&new_database(engine, &folder).await).await;
                std::fs::read(folder.path().join("doorward.db")).unwrap()
            };
            let path = folder.path().join("doorward.db");
            std::fs::write(&path, FILE.get_or_init(migrated).await).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            format!("sqlite:{}", path.display())
        }
        Engine::Postgres => {
            let migrated = || async {
                let url = postgres::new_database().await;
                migrate(&url).await;
                url
            };
            postgres::copy_of(ON_SERVER.get_or_init(migrated).await).await
        }
    }
}

/// Makes the tables, and lets go of the database.
async fn migrate(url: &str) {
    let settings = Settings::from_toml(&format!("database.url = '{url}'")).unwrap();
    Store::open(&settings.database).await.unwrap().close().await;
}

/// The path and query of the first link of ours in a mail's text.
pub fn link_in(text: &str, base: &str) -> String {
    link_to(text, base, "/reset-confirmation")
}

/// The path and query of the first link to `page` in a mail's text.
pub fn link_to(text: &str, base: &str, page: &str) -> String {
    let start = text.find(&format!("{base}{page}?")).expect("a link in the mail") + base.len();
    text[start..].split_whitespace().next().unwrap().to_owned()
}

/// The typed code in a mail's text: eight digits, perhaps with a space between.
pub fn code_in(text: &str) -> String {
    let digits = |line: &str| line.chars().filter(char::is_ascii_digit).collect::<String>();
    let only = |line: &&str| line.trim().chars().all(|c| c.is_ascii_digit() || c == ' ') && digits(line).len() == 8;
    digits(text.lines().find(only).expect("a code in the mail"))
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// Runs a test on one engine.
pub fn run<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// Makes of each function two tests, one an engine. The argument is the engine. Attributes go to both tests.
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident) $body:block)*) => {$(
        mod $name {
            use super::*;
            async fn promise($engine: $crate::harness::Engine) $body
            $(#[$meta])*
            #[test]
            fn on_sqlite() { $crate::harness::run(promise($crate::harness::Engine::Sqlite)); }
            $(#[$meta])*
            #[test]
            fn on_postgres() { $crate::harness::run(promise($crate::harness::Engine::Postgres)); }
        }
    )*};
}
pub(crate) use on_both_engines;
