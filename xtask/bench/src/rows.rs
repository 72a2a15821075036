//! The rows: Doorward, and beside it what the machine can do.

use crate::{
    Outcome, Plan,
    door::{Door, Engine, House},
    limits::{self, Bare},
    load::{self, Effort, Same, Script},
    machine,
    report::{Aim, Report, Row, median},
    scale,
    scripts::{self, Rotate, Session, SignIn},
};
use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

/// Accounts whose sessions are used, and accounts that sign in: a sign-in ends the account's oldest session at some point.
const USED: usize = 64;
const SIGNING_IN: usize = 32;
/// The database that most rows are measured with: accounts, sessions.
const SMALL: (i64, i64) = (1_000, 3_000);
/// Memory of one hash in MiB, and what a storm may take beside that of all threads.
const HASH_MEMORY: f64 = 19.0;
const BESIDE_HASHES: f64 = 64.0;
/// Callers of a storm, and callers that wait while others are timed.
const STORM: usize = 500;
const WAITING: usize = 200;
/// Callers that are timed, and what each waits between two questions: a load that leaves the machine room.
const TIMED: usize = 4;
const TIMED_PAUSE: Duration = Duration::from_millis(5);

/// Measures all rows of one engine whose name contains `only`.
///
/// # Errors
/// Something did not run, or gave an answer that was not to be measured.
pub fn measure(binary: &Path, engine: &Engine, plan: Plan, only: &str, report: &mut Report) -> Outcome {
    println!("==> {}", engine.name());
    let house = House::new(binary, engine, plan.connections)?;
    let (door, _) = house.open()?;
    let sessions = scripts::register(door.address, (0..USED + SIGNING_IN).map(|at| format!("bench{at}")))?;
    scale::fill(&house.database(), SMALL, 0)?;
    drop(door);
    let (starts, door) = starts(&house, plan)?;
    let mut bench = Bench { engine, house, door, sessions, plan, only, report };
    let aim = if engine.name() == "sqlite" { Some(Aim::AtMost(30.0)) } else { None };
    bench.figure("start to first answer", starts, "ms", aim);
    thread::sleep(plan.round);
    bench.idle_memory()?;
    bench.sign_ins()?;
    let me = bench.me()?;
    let refresh = bench.refresh()?;
    bench.pages()?;
    bench.memory_after_load()?;
    bench.storm()?;
    bench.beside_sign_ins()?;
    bench.large(me, refresh)
}

/// The median time from the start of a process to its first answer, in ms, with a database that is there; and the last
/// of these servers.
fn starts(house: &House, plan: Plan) -> Outcome<(f64, Door)> {
    let mut times = Vec::new();
    loop {
        let (door, took) = house.open()?;
        times.push(took.as_secs_f64() * 1e3);
        if times.len() >= plan.rounds {
            return Ok((median(times), door));
        }
    }
}

struct Bench<'run> {
    engine: &'run Engine,
    house: House,
    door: Door,
    sessions: Vec<Session>,
    plan: Plan,
    only: &'run str,
    report: &'run mut Report,
}

type Scripts = Vec<Box<dyn Script>>;

impl Bench<'_> {
    fn wants(&self, what: &str) -> bool {
        what.contains(self.only)
    }

    fn figure(&mut self, what: &str, figure: f64, unit: &str, aim: Option<Aim>) {
        if self.wants(what) {
            self.report.add(Row::figure(what, self.engine.name(), figure, unit, aim));
        }
    }

    /// Rounds of both sides in turn, after one of ours that does not count. Adds the row and gives our figure.
    fn row(
        &mut self,
        what: &str,
        aim: Option<Aim>,
        scripts: &mut Scripts,
        mut limit: impl FnMut(&Self) -> Outcome<f64>,
    ) -> Outcome<f64> {
        let effort = Effort::full(self.plan.round);
        load::run(self.door.address, scripts, effort)?;
        let mut rounds = Vec::new();
        let (mut cpu, mut answers) = (Duration::ZERO, 0);
        for _ in 0..self.plan.rounds {
            let before = machine::cpu_of(self.door.pid()).unwrap_or_default();
            let answered = load::run(self.door.address, scripts, effort)?;
            cpu += machine::cpu_of(self.door.pid()).unwrap_or_default().saturating_sub(before);
            answers += answered.times.len();
            rounds.push((answered.per_second, limit(self)?));
        }
        let mut row = Row::against(what, self.engine.name(), &rounds, "/s", aim);
        let ours = row.ours;
        row.cpu_us = Some(cpu.as_secs_f64() * 1e6 / answers.max(1) as f64);
        self.report.add(row);
        Ok(ours)
    }

    fn signing_in(&self, callers: usize, may_be_busy: bool) -> Scripts {
        let accounts = self.sessions.iter().skip(USED).cycle().take(callers);
        let server = self.door.address;
        accounts.map(|session| Box::new(SignIn { server, session: session.clone(), may_be_busy }) as _).collect()
    }

    fn asking_me(&self, callers: usize) -> Outcome<Scripts> {
        let server = self.door.address;
        let one = |session| Ok(Box::new(Same(scripts::me(server, &scripts::log_in(server, session)?.access))) as _);
        self.sessions.iter().take(callers).map(one).collect()
    }

    /// Takes the sessions that are used: whoever refreshes them next must know their newest tokens.
    fn refreshing(&mut self, callers: usize) -> Outcome<Scripts> {
        let server = self.door.address;
        let (names, rest) = self.sessions.split_at(USED);
        let fresh = names.iter().map(|session| scripts::log_in(server, session)).collect::<Outcome<Vec<_>>>()?;
        self.sessions = [fresh.clone(), rest.to_vec()].concat();
        let shares = fresh.chunks(USED / callers);
        Ok(shares.map(|share| Box::new(Rotate { server, sessions: share.to_vec(), at: 0 }) as _).collect())
    }

    fn sign_ins(&mut self) -> Outcome {
        let what = "sign-ins";
        if self.wants(what) {
            let mut scripts = self.signing_in(self.plan.connections, false);
            let round = self.plan.round;
            self.row(what, Some(Aim::AtLeast(0.95)), &mut scripts, |_| limits::hashes(round))?;
        }
        Ok(())
    }

    fn me(&mut self) -> Outcome<f64> {
        let what = "GET /api/v1/me";
        if !self.wants(what) {
            return Ok(0.0);
        }
        let mut scripts = self.asking_me(self.plan.connections)?;
        let aim = Some(Aim::AtLeast(0.5));
        self.against_bare(what, aim, &mut scripts)
    }

    /// Measures scripts that all ask the same against a bare route with the same bytes.
    fn against_bare(&mut self, what: &str, aim: Option<Aim>, scripts: &mut Scripts) -> Outcome<f64> {
        let request = scripts.first_mut().map(|script| script.ask()).ok_or("nothing to ask")?;
        let answer = load::once(self.door.address, request)?;
        load::expect(&answer, &[hyper::StatusCode::OK])?;
        let bare = Bare::start(self.house.folder(), answer.body())?;
        let callers = self.plan.connections;
        self.row(what, aim, scripts, |bench| {
            Ok(load::run(bare.address, &mut asking_bare(bare.address, callers), Effort::full(bench.plan.round))?
                .per_second)
        })
    }

    fn refresh(&mut self) -> Outcome<f64> {
        let what = "refresh with rotation";
        if !self.wants(what) {
            return Ok(0.0);
        }
        let mut scripts = self.refreshing(self.plan.connections)?;
        let (database, plan) = (self.house.database(), self.plan);
        let (aim, connections) = match self.engine {
            Engine::Sqlite => (1.0, 1),
            Engine::Postgres(_) => (0.6, plan.connections),
        };
        // On SQLite in a file of its own: the server is its database's only writer.
        let database = database.replace("doorward.db", "bench.db").replace("sqlite://", "sqlite:");
        let database = if connections == 1 { [&database, "?mode=rwc"].concat() } else { database };
        self.row(what, Some(Aim::AtLeast(aim)), &mut scripts, |_| limits::commits(&database, connections, plan.round))
    }

    fn pages(&mut self) -> Outcome {
        let server = self.door.address;
        let session = self.sessions.first().cloned().ok_or("no session")?;
        let cookie = scripts::cookie(server, &session)?;
        let pages = [
            ("/login", scripts::IDENTITY, None, Some(Aim::AtLeast(0.12))),
            ("/dashboard", scripts::IDENTITY, Some(cookie.as_str()), Some(Aim::AtLeast(0.08))),
            ("/login", scripts::BROTLI, None, None),
            ("/dashboard", scripts::BROTLI, Some(cookie.as_str()), None),
        ];
        for (path, encoding, cookie, aim) in pages {
            let what =
                if encoding == scripts::IDENTITY { format!("GET {path}") } else { format!("GET {path}, brotli") };
            if self.wants(&what) {
                let request = scripts::page(server, path, encoding, cookie);
                let one = || Box::new(Same(request.clone())) as Box<dyn Script>;
                let mut scripts = std::iter::repeat_with(one).take(self.plan.connections).collect();
                self.against_bare(&what, aim, &mut scripts)?;
            }
        }
        Ok(())
    }

    fn idle_memory(&mut self) -> Outcome {
        let memory = self.door.memory()?;
        self.figure("memory, idle", memory.resident, "MiB", Some(Aim::AtMost(15.0)));
        self.figure("memory, idle, without the mapped binary", memory.own, "MiB", None);
        Ok(())
    }

    fn memory_after_load(&mut self) -> Outcome {
        let what = "memory, after load";
        if self.wants(what) {
            thread::sleep(self.plan.rest);
        }
        let memory = self.door.memory()?;
        self.figure(what, memory.resident, "MiB", Some(Aim::AtMost(64.0)));
        Ok(())
    }

    /// In a server of its own: what others have left behind is not its fault.
    fn storm(&mut self) -> Outcome {
        let what = "memory, storm of 500 sign-ins";
        if !self.wants(what) {
            return Ok(());
        }
        let (door, _) = self.house.open()?;
        self.door = door;
        machine::forget_peak(self.door.pid());
        let mut scripts = self.signing_in(STORM, true);
        load::run(self.door.address, &mut scripts, Effort::full(self.plan.round * 2))?;
        let most = machine::cores() as f64 * HASH_MEMORY + BESIDE_HASHES;
        let peak = self.door.memory()?.peak;
        // The aim depends on the machine, so it is the limit, and the ratio has the aim.
        let row = Row::against(what, self.engine.name(), &[(peak, most)], "MiB", Some(Aim::AtMost(1.0)));
        self.report.add(row);
        Ok(())
    }

    /// How much longer others wait while sign-ins queue for the hashing threads: rounds of rest and of a storm in turn.
    fn beside_sign_ins(&mut self) -> Outcome {
        for what in ["p99 of me, 200 sign-ins waiting", "p99 of refresh, 200 sign-ins waiting"] {
            if !self.wants(what) {
                continue;
            }
            let mut scripts = if what.contains("refresh") { self.refreshing(TIMED)? } else { self.asking_me(TIMED)? };
            let effort = Effort { time: self.plan.round, pause: TIMED_PAUSE };
            let mut rounds = Vec::new();
            for _ in 0..self.plan.rounds {
                let rest = load::run(self.door.address, &mut scripts, effort)?.p99().as_secs_f64() * 1e3;
                rounds.push((self.p99_in_storm(&mut scripts, effort)?.as_secs_f64() * 1e3, rest));
            }
            self.report.add(Row::against(what, self.engine.name(), &rounds, "ms", Some(Aim::AtMost(3.0))));
        }
        Ok(())
    }

    fn p99_in_storm(&self, scripts: &mut Scripts, effort: Effort) -> Outcome<Duration> {
        let server = self.door.address;
        let mut others = self.signing_in(WAITING, false);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let storm = scope.spawn(|| load::run_until(server, &mut others, Effort::full(Duration::MAX / 4), &stop));
            thread::sleep(self.plan.round / 2);
            let answered = load::run(server, scripts, effort);
            stop.store(true, Relaxed);
            storm.join().unwrap_or_else(|_| Err("the storm panicked".to_owned()))?;
            Ok(answered?.p99())
        })
    }

    /// The same again in a large database; the limit is what the small one gave.
    fn large(&mut self, me: f64, refresh: f64) -> Outcome {
        let (what_me, what_refresh) = ("GET /api/v1/me, large database", "refresh with rotation, large database");
        if !self.wants(what_me) && !self.wants(what_refresh) {
            return Ok(());
        }
        scale::fill(&self.house.database(), self.plan.large, SMALL.0)?;
        let (door, _) = self.house.open()?;
        self.door = door;
        let aim = Some(Aim::AtLeast(1.0 / 1.3));
        if me > 0.0 && self.wants(what_me) {
            let mut scripts = self.asking_me(self.plan.connections)?;
            self.row(what_me, aim, &mut scripts, |_| Ok(me))?;
        }
        if refresh > 0.0 && self.wants(what_refresh) {
            let mut scripts = self.refreshing(self.plan.connections)?;
            self.row(what_refresh, aim, &mut scripts, |_| Ok(refresh))?;
        }
        Ok(())
    }
}

fn asking_bare(server: SocketAddr, callers: usize) -> Scripts {
    let one = || Box::new(Same(scripts::get(server, "/"))) as Box<dyn Script>;
    std::iter::repeat_with(one).take(callers).collect()
}
