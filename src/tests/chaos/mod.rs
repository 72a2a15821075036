//! The proof under faults: real processes, real databases, real mail; things are killed, cut, filled and turned back, and
//! what users or operators would call lost is counted. It must be nothing.
//!
//! Each scenario is one function. Its short form is a test like any other; `cargo xtask chaos` runs the long form against
//! the release binary and prints a table. `DOORWARD_CHAOS_ROUNDS` sets the rounds of the long form, `DOORWARD_CHAOS_SEED`
//! repeats one: the seed stands in each row. (What the system's scheduler does is not repeated by it.)

mod clock;
mod crowd;
mod database;
mod disk;
mod kills;
mod nginx;
mod post;
mod replicas;
mod row;
mod smtp;

use crate::harness::{Answer, Caller, Cluster, Engine, Process, new_database};
use doorward::server::settings::DEFAULTS;
use row::{Chance, Row, Size, Tally};
use std::{future::Future, time::Duration};
use tempfile::TempDir;

/// How often a person, or the script of a page, tries again before it counts as lost.
const TRIES: u32 = 40;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// An answer that takes longer counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings as variables, those of every scenario first. Everybody comes from one address: there is no limit on how often.
fn variables(database: &str, extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    let throttles = defaults["throttle"].as_table().unwrap();
    let limits = throttles.iter().filter(|(_, value)| value.is_str()).map(|(name, _)| name.to_uppercase());
    let off = limits.map(|name| (format!("DOORWARD__THROTTLE__{name}"), "off".to_owned()));
    let extra = extra.iter().map(|(name, value)| (format!("DOORWARD__{name}"), (*value).to_owned()));
    off.chain([("DOORWARD__DATABASE__URL".to_owned(), database.to_owned())]).chain(extra).collect()
}

/// The same, as [`Process`] takes them.
fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A server with a folder and a database of its own.
struct Rig {
    server: Process,
    /// Its PostgreSQL, if that is to be killed, too.
    cluster: Option<Cluster>,
    variables: Vec<(String, String)>,
    folder: TempDir,
}

impl Rig {
    async fn start(engine: Engine, extra: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = new_database(engine, &folder).await;
        Self::start_on(folder, &database, extra).await
    }

    async fn start_on(folder: TempDir, database: &str, extra: &[(&str, &str)]) -> Self {
        let variables = variables(database, extra);
        let server = Process::start(folder.path(), &borrowed(&variables)).await;
        Self { server, cluster: None, variables, folder }
    }

    /// As [`Rig::start`]; in the long form PostgreSQL is its own, so that it can be killed.
    async fn to_be_killed(engine: Engine, size: Size, extra: &[(&str, &str)]) -> Self {
        if size == Size::Short || matches!(engine, Engine::Sqlite) {
            return Self::start(engine, extra).await;
        }
        let cluster = Cluster::start();
        let rig = Self::start_on(tempfile::tempdir().unwrap(), &cluster.url(), extra).await;
        Self { cluster: Some(cluster), ..rig }
    }

    /// Callers whose accounts were registered now.
    async fn people(&self, count: usize) -> Vec<Caller> {
        let mut people = Vec::new();
        for number in 0..count {
            let caller = self.server.caller();
            let answer = caller.register(&format!("holder{number}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            people.push(caller);
        }
        people
    }

    /// What must hold at the end whatever happened: nobody was called a thief, nothing panicked, the audit log is whole.
    fn is_sound(&self, tally: &Tally) {
        let log = self.server.log();
        for word in ["session_theft", "panicked", "request failed inside the server"] {
            let line = log.lines().find(|line| line.contains(word));
            tally.expect(line.is_none(), || format!("the log: {}", line.unwrap_or_default()));
        }
        if tally.has_lost() {
            let errors: Vec<&str> = log.lines().rev().filter(|line| line.contains(" ERROR ")).take(3).collect();
            tally.note(format!("last errors: {errors:?}"));
        }
        let mut verify = crate::harness::command(self.server.folder(), &borrowed(&self.variables));
        let said = verify.args(["audit", "verify"]).output().unwrap();
        tally.expect(said.status.success(), || format!("audit verify: {}", String::from_utf8_lossy(&said.stdout)));
    }
}

/// Asks until the answer is none that asks for patience (no answer, 429, 5xx), as a page's script does.
async fn patiently(ask: impl AsyncFn() -> reqwest::Result<Answer>) -> Result<Answer, String> {
    let mut last = String::new();
    for _ in 0..TRIES {
        match tokio::time::timeout(PATIENCE, ask()).await {
            Ok(Ok(answer)) if answer.status < 500 && answer.status != 429 => return Ok(answer),
            Ok(Ok(answer)) => last = format!("{} {}", answer.status, answer.text),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer in {PATIENCE:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(last)
}

/// Whether this holder is still signed in: its next refresh is 200, perhaps after tries that found nobody.
async fn is_still_signed_in(holder: &Caller) -> Result<(), String> {
    refreshed(holder).await.map(drop)
}

/// The access token of its next refresh.
async fn refreshed(holder: &Caller) -> Result<String, String> {
    match patiently(async || holder.try_action("refresh", &[]).await).await {
        Ok(answer) if answer.status == 200 => Ok(answer.token()),
        Ok(answer) => Err(format!("refresh: {} {}", answer.status, answer.text)),
        Err(last) => Err(format!("refresh: {last}")),
    }
}

/// Polls for something that takes its time; false if it has not come after so many seconds.
async fn comes_true(seconds: u64, mut look: impl AsyncFnMut() -> bool) -> bool {
    let limit = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while tokio::time::Instant::now() < limit {
        if look().await {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// Runs a scenario and gives its row to whoever asked for it.
fn run<F>(name: &'static str, scenario: impl FnOnce(Engine, Size, Chance) -> F, engine: Engine, size: Size)
where
    F: Future<Output = (u32, Tally)>,
{
    let (chance, seed, start) = (Chance::new(), Chance::seed(), std::time::Instant::now());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (rounds, tally) = runtime.block_on(scenario(engine, size, chance));
    let row = Row::new(name, engine, rounds, tally, seed, start.elapsed().as_secs());
    row.report(size);
    assert_eq!(row.lost, 0, "{row:#?}");
}

/// One test of a scenario.
macro_rules! on {
    (Sqlite, $name:ident, $scenario:path, $size:ident $(, $ignored:meta)?) => {
        #[test]
        $(#[$ignored])?
        fn on_sqlite() {
            run(stringify!($name), $scenario, Engine::Sqlite, Size::$size);
        }
    };
    (Postgres, $name:ident, $scenario:path, $size:ident $(, $ignored:meta)?) => {
        #[test]
        $(#[$ignored])?
        fn on_postgres() {
            run(stringify!($name), $scenario, Engine::Postgres, Size::$size);
        }
    };
}

/// Makes of each scenario two tests an engine: one that is short, and one that takes minutes.
macro_rules! scenarios {
    ($($name:ident: $scenario:path, $($engine:ident)+;)*) => {
        mod short {
            use super::*;
            $(mod $name {
                use super::*;
                $(on!($engine, $name, $scenario, Short);)+
            })*
        }
        mod full {
            use super::*;
            $(mod $name {
                use super::*;
                $(on!($engine, $name, $scenario, Full, ignore = "minutes: cargo xtask chaos runs it");)+
            })*
        }
    };
}

scenarios! {
    kill_while_refreshing: kills::refresh, Sqlite Postgres;
    kill_while_registering: kills::registration, Sqlite Postgres;
    kill_while_resetting: kills::reset, Sqlite Postgres;
    kill_while_mailing: post::kills, Sqlite Postgres;
    replica_killed_under_fifty_tabs: replicas::killed, Postgres;
    rolling_restart: replicas::rolled, Postgres;
    database_restarted_under_load: database::restarted, Postgres;
    disk_full: disk::full, Sqlite;
    smtp_that_misbehaves: smtp::misbehaves, Sqlite Postgres;
    clock_that_jumps: clock::jumps, Sqlite Postgres;
    idle_and_slow_connections: crowd::connections, Sqlite;
    sign_ins_at_once: crowd::sign_ins, Sqlite Postgres;
}
