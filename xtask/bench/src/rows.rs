//! The rows: Doorward, and beside it what the machine can do.

use crate::{
    Outcome, Plan,
    beside::Beside,
    door::{Door, Engine},
    limits::{self, Bare},
    load::{self, Effort, Same, Script, Scripts},
    machine,
    report::{Aim, Report, Row, median},
    scripts,
    side::Side,
};
use std::{path::Path, thread, time::Duration};

/// The database that most rows are measured with: accounts, sessions.
const SMALL: (i64, i64) = (1_000, 3_000);
/// Memory of one hash in MiB, and what a storm may take beside that of all threads.
const HASH_MEMORY: f64 = 19.0;
const BESIDE_HASHES: f64 = 64.0;
/// Callers of a storm.
const STORM: usize = 500;

/// Measures all rows of one engine whose name contains `only`.
///
/// # Errors
/// Something did not run, or gave an answer that was not to be measured.
pub fn measure(binary: &Path, engine: &Engine, plan: Plan, only: &str, report: &mut Report) -> Outcome {
    println!("==> {}", engine.name());
    let mut side = Side::new(binary, engine, plan, SMALL)?;
    let starts = starts(&mut side, plan)?;
    let mut bench = Bench { binary, side, rows: Rows { engine, plan, only, report } };
    let aim = if engine.name() == "sqlite" { Some(Aim::AtMost(30.0)) } else { None };
    bench.rows.figure("start to first answer", starts, "ms", aim);
    thread::sleep(plan.round);
    bench.idle_memory()?;
    bench.sign_ins()?;
    bench.me()?;
    bench.refresh()?;
    bench.pages()?;
    bench.memory_after_load()?;
    bench.storm()?;
    bench.beside_sign_ins()?;
    bench.large()
}

/// The median time from the start of a process to its first answer, in ms, with a database that is there. The last of these
/// servers stays.
fn starts(side: &mut Side, plan: Plan) -> Outcome<f64> {
    let mut times = Vec::new();
    for _ in 0..plan.rounds {
        times.push(side.start_again()?.as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

struct Bench<'run> {
    binary: &'run Path,
    side: Side,
    rows: Rows<'run>,
}

/// What is wanted, and where it goes.
struct Rows<'run> {
    engine: &'run Engine,
    plan: Plan,
    only: &'run str,
    report: &'run mut Report,
}

impl Rows<'_> {
    fn wants(&self, what: &str) -> bool {
        what.contains(self.only)
    }

    fn figure(&mut self, what: &str, figure: f64, unit: &str, aim: Option<Aim>) {
        if self.wants(what) {
            self.report.add(Row::figure(what, self.engine.name(), figure, unit, aim));
        }
    }

    /// Rounds of both sides in turn, after one of ours that does not count.
    fn against(
        &mut self,
        what: &str,
        aim: Option<Aim>,
        door: &Door,
        scripts: &mut Scripts,
        mut limit: impl FnMut() -> Outcome<f64>,
    ) -> Outcome {
        let effort = Effort::full(self.plan.round);
        load::run(door.address, scripts, effort)?;
        let mut rounds = Vec::new();
        let (mut cpu, mut answers) = (Duration::ZERO, 0);
        for _ in 0..self.plan.rounds {
            let before = machine::cpu_of(door.pid()).unwrap_or_default();
            let answered = load::run(door.address, scripts, effort)?;
            cpu += machine::cpu_of(door.pid()).unwrap_or_default().saturating_sub(before);
            answers += answered.times.len();
            rounds.push((answered.per_second, limit()?));
        }
        let mut row = Row::against(what, self.engine.name(), &rounds, "/s", aim);
        row.cpu_us = Some(cpu.as_secs_f64() * 1e6 / answers.max(1) as f64);
        self.report.add(row);
        Ok(())
    }

    /// Against a bare route with the same bytes, where all scripts ask the same.
    fn against_bare(&mut self, what: &str, aim: Option<Aim>, side: &Side, scripts: &mut Scripts) -> Outcome {
        let request = scripts.first_mut().map(|script| script.ask()).ok_or("nothing to ask")?;
        let answer = load::once(side.door.address, request)?;
        load::expect(&answer, &[hyper::StatusCode::OK])?;
        let bare = Bare::start(side.house.folder(), answer.body())?;
        let (callers, effort) = (self.plan.connections, Effort::full(self.plan.round));
        self.against(what, aim, &side.door, scripts, || {
            Ok(load::run(bare.address, &mut limits::asking_bare(bare.address, callers), effort)?.per_second)
        })
    }
}

impl Bench<'_> {
    fn sign_ins(&mut self) -> Outcome {
        let what = "sign-ins";
        if self.rows.wants(what) {
            let Plan { connections, round, .. } = self.rows.plan;
            let mut scripts = self.side.signing_in(connections, false);
            let aim = Some(Aim::AtLeast(0.95));
            self.rows.against(what, aim, &self.side.door, &mut scripts, || limits::hashes(round))?;
        }
        Ok(())
    }

    fn me(&mut self) -> Outcome {
        let what = "GET /api/v1/me";
        if self.rows.wants(what) {
            let mut scripts = self.side.asking_me(self.rows.plan.connections)?;
            self.rows.against_bare(what, Some(Aim::AtLeast(0.5)), &self.side, &mut scripts)?;
        }
        Ok(())
    }

    fn refresh(&mut self) -> Outcome {
        let what = "refresh with rotation";
        if self.rows.wants(what) {
            let Plan { connections, round, .. } = self.rows.plan;
            let mut scripts = self.side.refreshing(connections)?;
            let aim = match self.rows.engine {
                Engine::Sqlite => 1.0,
                Engine::Postgres(_) => 0.6,
            };
            let (database, connections) = self.side.house.for_commits(connections);
            self.rows.against(what, Some(Aim::AtLeast(aim)), &self.side.door, &mut scripts, || {
                Ok(limits::commits(&database, connections, Effort::full(round))?.per_second)
            })?;
        }
        Ok(())
    }

    fn pages(&mut self) -> Outcome {
        let server = self.side.door.address;
        let cookie = self.side.cookie()?;
        let pages = [
            ("/login", scripts::IDENTITY, None, Some(Aim::AtLeast(0.12))),
            ("/dashboard", scripts::IDENTITY, Some(cookie.as_str()), Some(Aim::AtLeast(0.08))),
            ("/login", scripts::BROTLI, None, None),
            ("/dashboard", scripts::BROTLI, Some(cookie.as_str()), None),
        ];
        for (path, encoding, cookie, aim) in pages {
            let what =
                if encoding == scripts::IDENTITY { format!("GET {path}") } else { format!("GET {path}, brotli") };
            if self.rows.wants(&what) {
                let request = scripts::page(server, path, encoding, cookie);
                let one = || Box::new(Same(request.clone())) as Box<dyn Script>;
                let mut scripts = std::iter::repeat_with(one).take(self.rows.plan.connections).collect();
                self.rows.against_bare(&what, aim, &self.side, &mut scripts)?;
            }
        }
        Ok(())
    }

    fn idle_memory(&mut self) -> Outcome {
        let memory = self.side.door.memory()?;
        self.rows.figure("memory, idle", memory.resident, "MiB", Some(Aim::AtMost(15.0)));
        self.rows.figure("memory, idle, without the mapped binary", memory.own, "MiB", None);
        Ok(())
    }

    fn memory_after_load(&mut self) -> Outcome {
        let what = "memory, after load";
        if self.rows.wants(what) {
            thread::sleep(self.rows.plan.rest);
        }
        let memory = self.side.door.memory()?;
        self.rows.figure(what, memory.resident, "MiB", Some(Aim::AtMost(64.0)));
        Ok(())
    }

    /// In a server of its own: what others have left behind is not its fault.
    fn storm(&mut self) -> Outcome {
        let what = "memory, storm of 500 sign-ins";
        if !self.rows.wants(what) {
            return Ok(());
        }
        self.side.start_again()?;
        let door = &self.side.door;
        machine::forget_peak(door.pid());
        let mut scripts = self.side.signing_in(STORM, true);
        load::run(door.address, &mut scripts, Effort::full(self.rows.plan.round * 2))?;
        let most = machine::cores() as f64 * HASH_MEMORY + BESIDE_HASHES;
        let peak = door.memory()?.peak;
        // The aim depends on the machine, so it is the limit, and the ratio has the aim.
        let row = Row::against(what, self.rows.engine.name(), &[(peak, most)], "MiB", Some(Aim::AtMost(1.0)));
        self.rows.report.add(row);
        Ok(())
    }

    fn beside_sign_ins(&mut self) -> Outcome {
        let rows = [
            "p99 of me, 200 sign-ins waiting",
            "p99 of a bare route, hashes beside",
            "p99 of refresh, 200 sign-ins waiting",
            "p99 of raw commits, hashes beside",
        ];
        let [me, route, refresh, commits] = rows.map(|what| Some(what).filter(|what| self.rows.wants(what)));
        let (side, Rows { engine, plan, report, .. }) = (&self.side, &mut self.rows);
        let mut beside = Beside { engine, plan: *plan, report };
        me.map_or(Ok(()), |what| beside.sign_ins(what, side, Side::asking_me))?;
        route.map_or(Ok(()), |what| beside.bare_route(what, side))?;
        refresh.map_or(Ok(()), |what| beside.sign_ins(what, side, Side::refreshing))?;
        commits.map_or(Ok(()), |what| beside.commits(what, side))
    }

    /// The same again with a large database, in turns with a small one, which is the limit; both are new.
    fn large(&mut self) -> Outcome {
        let rows = ["GET /api/v1/me, large database", "refresh with rotation, large database"];
        let [me, refresh] = rows.map(|what| Some(what).filter(|what| self.rows.wants(what)));
        if me.or(refresh).is_none() {
            return Ok(());
        }
        self.side.door.end();
        let plan = self.rows.plan;
        let Plan { connections, large, .. } = plan;
        let [large, small] = [large, SMALL].map(|size| Side::new(self.binary, self.rows.engine, plan, size));
        let (large, small) = (large?, small?);
        let mut row = |what, callers: &dyn Fn(&Side) -> Outcome<Scripts>| {
            let (mut ours, mut limit) = (callers(&large)?, callers(&small)?);
            let (aim, effort) = (Some(Aim::AtLeast(1.0 / 1.3)), Effort::full(plan.round));
            load::run(small.door.address, &mut limit, effort)?;
            self.rows.against(what, aim, &large.door, &mut ours, || {
                Ok(load::run(small.door.address, &mut limit, effort)?.per_second)
            })
        };
        me.map_or(Ok(()), |what| row(what, &|side| side.asking_me(connections)))?;
        refresh.map_or(Ok(()), |what| row(what, &|side| side.refreshing(connections)))
    }
}
