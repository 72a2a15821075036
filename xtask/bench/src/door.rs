//! A Doorward for the time of a measurement: the release binary, its own folder, its own database.

use crate::{Outcome, load, machine, postgres::Postgres, scripts};
use hyper::StatusCode;
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Everything that a fast caller would run into; what is measured is the server, not its patience.
const NO_LIMITS: [&str; 18] = [
    "LOGIN_NAME",
    "LOGIN_NAME_TOTAL",
    "LOGIN_FAILURES",
    "LOGIN_FAILURES_TOTAL",
    "LOGIN",
    "REGISTER",
    "MAIL",
    "MAIL_TOTAL",
    "MAIL_TO",
    "PROOF",
    "PROOF_ACCOUNT",
    "PASSWORD",
    "USERNAME",
    "REFRESH",
    "PROFILE",
    "FACTOR",
    "FACTOR_TOTAL",
    "CEREMONY",
];

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_micros(200);

/// Which database.
#[derive(Clone)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A private PostgreSQL, made with the programs in this folder.
    Postgres(PathBuf),
}

impl Engine {
    /// Its name in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

/// A database and a folder, in which servers are started one after the other.
pub struct House {
    binary: PathBuf,
    folder: TempDir,
    postgres: Option<Postgres>,
    connections: usize,
}

impl House {
    /// A new, empty one, for servers with so many connections to PostgreSQL.
    ///
    /// # Errors
    /// No folder, or no PostgreSQL.
    pub fn new(binary: &Path, engine: &Engine, connections: usize) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("doorward-bench").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres(bin) => Some(Postgres::start(bin)?),
        };
        Ok(Self { binary: binary.to_owned(), folder, postgres, connections })
    }

    /// The database, as sqlx names it.
    pub fn database(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url.clone(),
            None => format!("sqlite://{}", self.folder.path().join("doorward.db").display()),
        }
    }

    /// The database for raw commits over up to `wanted` connections, and over how many. On SQLite a file of its own, for the
    /// server is its database's only writer, and one connection, for there is one writer at a time.
    pub fn for_commits(&self, wanted: usize) -> (String, usize) {
        match &self.postgres {
            Some(postgres) => (postgres.url.clone(), wanted),
            None => (format!("sqlite:{}?mode=rwc", self.folder.path().join("bench.db").display()), 1),
        }
    }

    /// Where files of the measurement may lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a server, and says how long it took to its first answer.
    ///
    /// # Errors
    /// It ends, or does not answer.
    pub fn open(&self) -> Outcome<(Door, Duration)> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let folder = self.folder.path();
        let log = fs::File::create(folder.join("log")).map_err(|error| format!("no log: {error}"))?;
        let mut command = Command::new(&self.binary);
        command
            .current_dir(folder)
            .env("LEPTOS_SITE_ADDR", address.to_string())
            .env("DOORWARD__SERVER__PUBLIC_URL", format!("http://localhost:{}", address.port()))
            .env("DOORWARD__DATABASE__URL", self.database())
            .env("DOORWARD__KEYS__FILE", folder.join("keys.json"))
            .env("DOORWARD__MAIL__TRANSPORT", "folder")
            .env("DOORWARD__MAIL__FOLDER", folder.join("mail"))
            .stdin(Stdio::null())
            .stdout(log);
        if self.postgres.is_some() {
            command.env("DOORWARD__DATABASE__CONNECTIONS", self.connections.to_string());
        }
        for limit in NO_LIMITS {
            command.env(format!("DOORWARD__THROTTLE__{limit}"), "off");
        }
        let begun = Instant::now();
        let process = command.spawn().map_err(|error| format!("{}: {error}", self.binary.display()))?;
        let mut door = Door { process, address };
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = door.process.try_wait() {
                return Err(format!("the server ended with {status}"));
            }
            if begun.elapsed() > PATIENCE {
                return Err("the server does not listen".to_owned());
            }
            thread::sleep(LOOK);
        }
        let answer = load::once(address, scripts::get(address, "/healthz"))?;
        load::expect(&answer, &[StatusCode::OK])?;
        Ok((door, begun.elapsed()))
    }
}

/// A running server.
pub struct Door {
    process: Child,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Door {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it, if it has not ended.
    pub fn end(&mut self) {
        // Its number may be another's by now.
        if matches!(self.process.try_wait(), Ok(Some(_))) {
            return;
        }
        // Asked to, it ends as it does for an operator; only then does an instrumented one write what it has counted.
        if !machine::ends(&mut self.process, "TERM") {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    /// What it takes now.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> Outcome<machine::Memory> {
        machine::memory_of(self.pid())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.end();
    }
}
