//! How much longer others wait while sign-ins queue for the hashing threads; and, without any Doorward, how much longer a
//! bare route and a raw commit wait while all cores hash. The second is what the machine itself makes of the first: where
//! cores are shared with others, two busy ones are not always there.

use crate::{
    Outcome, Plan,
    door::Engine,
    limits::{self, Bare, Hashing},
    load::{self, Answered, Effort, Scripts},
    report::{Aim, Report, Row},
    side::Side,
};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

/// Callers that wait while others are timed.
const WAITING: usize = 200;
/// Callers that are timed, and what each waits between two questions: a load that leaves the machine room.
const TIMED: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);

/// One p99 at rest and beside hashes, in rounds of both in turn.
pub struct Beside<'run> {
    /// That of the server, and of the raw commits.
    pub engine: &'run Engine,
    /// How thoroughly.
    pub plan: Plan,
    /// Where the rows go.
    pub report: &'run mut Report,
}

impl Beside<'_> {
    /// The row `what` of callers of the server, beside 200 that sign in.
    ///
    /// # Errors
    /// An answer that was not to be measured.
    pub fn sign_ins(
        &mut self,
        what: &str,
        side: &Side,
        scripts: impl FnOnce(&Side, usize) -> Outcome<Scripts>,
    ) -> Outcome {
        let mut scripts = scripts(side, TIMED)?;
        let (server, effort, warm) = (side.door.address, self.effort(), self.plan.round / 2);
        self.row(what, Some(Aim::AtMost(3.0)), |busy| {
            if busy { in_storm(side, &mut scripts, effort, warm) } else { load::run(server, &mut scripts, effort) }
        })
    }

    /// The row `what` of a bare route, beside threads that hash.
    ///
    /// # Errors
    /// It does not start.
    pub fn bare_route(&mut self, what: &str, side: &Side) -> Outcome {
        let bare = Bare::start(side.house.folder(), b"bare")?;
        let effort = self.effort();
        self.beside_hashes(what, || load::run(bare.address, &mut limits::asking_bare(bare.address, TIMED), effort))
    }

    /// The row `what` of raw commits with the same engine, beside threads that hash.
    ///
    /// # Errors
    /// The database.
    pub fn commits(&mut self, what: &str, side: &Side) -> Outcome {
        let (database, connections) = side.house.for_commits(TIMED);
        // SQLite takes one writer at a time: that one has more time, so that there are as many figures.
        let time = self.plan.round * (TIMED / connections) as u32;
        let effort = Effort { time, ..self.effort() };
        self.beside_hashes(what, || limits::commits(&database, connections, effort))
    }

    fn effort(&self) -> Effort {
        Effort { time: self.plan.round, pause: PAUSE }
    }

    fn beside_hashes(&mut self, what: &str, mut measure: impl FnMut() -> Outcome<Answered>) -> Outcome {
        let warm = self.plan.round / 2;
        self.row(what, None, |busy| {
            let _hashing = if busy { Some(Hashing::start()?) } else { None };
            thread::sleep(if busy { warm } else { Duration::ZERO });
            measure()
        })
    }

    fn row(&mut self, what: &str, aim: Option<Aim>, mut measure: impl FnMut(bool) -> Outcome<Answered>) -> Outcome {
        let mut rounds = Vec::new();
        for _ in 0..self.plan.rounds {
            let mut p99 = |busy| Ok::<_, String>(measure(busy)?.p99().as_secs_f64() * 1e3);
            let rest = p99(false)?;
            rounds.push((p99(true)?, rest));
        }
        self.report.add(Row::against(what, self.engine.name(), &rounds, "ms", aim));
        Ok(())
    }
}

/// While 200 callers sign in.
fn in_storm(side: &Side, scripts: &mut Scripts, effort: Effort, warm: Duration) -> Outcome<Answered> {
    let server: SocketAddr = side.door.address;
    let mut others = side.signing_in(WAITING, false);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let storm = scope.spawn(|| load::run_until(server, &mut others, Effort::full(Duration::MAX / 4), &stop));
        thread::sleep(warm);
        let answered = load::run(server, scripts, effort);
        stop.store(true, Relaxed);
        storm.join().unwrap_or_else(|_| Err("the storm panicked".to_owned()))?;
        answered
    })
}
