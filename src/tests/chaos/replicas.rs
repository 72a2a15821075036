//! Two replicas on one PostgreSQL behind nginx: one is killed and comes back; both are exchanged one after the other.

use super::{
    PATIENCE, Rig, borrowed, comes_true,
    nginx::Nginx,
    patiently,
    row::{Chance, Size, Tally},
};
use crate::harness::{Answer, Caller, Engine, PASSWORD, Process};
use futures::future::{join, join_all};
use reqwest::Method;
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

const SESSIONS: usize = 10;
const TABS: usize = 5;
/// What a browser does during an exchange of the replicas, one after the other.
const KINDS: [&str; 8] = ["log_in", "/login", "refresh", "/healthz", "refresh", "/login", "refresh", "/healthz"];

/// Two servers on one database, and nginx before them.
struct Pair {
    nginx: Nginx,
    one: Rig,
    two: Process,
}

impl Pair {
    async fn start(engine: Engine) -> Self {
        let one = Rig::start(engine, &[("DATABASE__CONNECTIONS", "8")]).await;
        // The same folder, so the same keys; its log goes where the other's does.
        let two = Process::start(one.folder.path(), &borrowed(&one.variables)).await;
        let nginx = Nginx::start(&[one.server.address(), two.address()]).await;
        Self { nginx, one, two }
    }

    fn replica(&mut self, number: u64) -> &mut Process {
        if number.is_multiple_of(2) { &mut self.one.server } else { &mut self.two }
    }

    async fn sessions(&self) -> Vec<Caller> {
        let mut sessions = Vec::new();
        for number in 0..SESSIONS {
            let session = Caller::new(&self.nginx.base);
            let answer = session.register(&format!("mona{number}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            sessions.push(session);
        }
        sessions
    }
}

/// What all tabs of the run share.
struct Run {
    tally: Tally,
    over: AtomicBool,
    retried: AtomicU64,
}

impl Run {
    fn new() -> Self {
        Self { tally: Tally::default(), over: AtomicBool::new(false), retried: AtomicU64::new(0) }
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

/// One of two replicas is killed and started again, several times. What was cut is asked again; nobody is signed out.
pub async fn killed(engine: Engine, size: Size, mut chance: Chance) -> (u32, Tally) {
    let (rounds, run) = (size.rounds(3, 40), Run::new());
    let mut pair = Pair::start(engine).await;
    let sessions = pair.sessions().await;
    let tabs = join_all(sessions.iter().map(|session| tabs_of(session, &run)));
    let kills = async {
        for round in 0..u64::from(rounds) {
            tokio::time::sleep(Duration::from_millis(300) + chance.within(Duration::from_millis(400))).await;
            let replica = pair.replica(round);
            replica.kill();
            tokio::time::sleep(chance.within(Duration::from_millis(300))).await;
            replica.restart().await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        run.over.store(true, Ordering::Relaxed);
    };
    join(tabs, kills).await;
    run.tally.note(format!("{} requests were asked again", run.retried.load(Ordering::Relaxed)));
    run.tally.note(pair.nginx.complaints());
    pair.one.is_sound(&run.tally);
    (rounds, run.tally)
}

/// Five tabs with one cookie: each time all of them want to refresh, and then ask for the account. As in the browser
/// (`src/browser/locks.rs`) they take turns: who came too late by two rotations would be taken for a thief.
async fn tabs_of(session: &Caller, run: &Run) {
    let turn = tokio::sync::Mutex::new(());
    while run.goes_on() {
        let tabs = (0..TABS).map(async |_| {
            let _turn = turn.lock().await;
            refreshed(session, run).await
        });
        let tokens = join_all(tabs).await;
        let tokens: Vec<String> = tokens.into_iter().flatten().map(|answer| answer.token()).collect();
        let accounts = tokens.iter().map(|token| async {
            let me = async || retried(run, asks_for_account(session, token).await);
            let answer = patiently(me).await;
            let good = answer.as_ref().is_ok_and(|answer| answer.status == 200);
            run.tally.expect(good, || format!("/api/v1/me: {answer:?}"));
        });
        join_all(accounts).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn refreshed(session: &Caller, run: &Run) -> Option<Answer> {
    let answer = patiently(async || retried(run, session.try_action("refresh", &[]).await)).await;
    let good = answer.as_ref().is_ok_and(|answer| answer.status == 200);
    run.tally.expect(good, || format!("refresh: {answer:?}"));
    answer.ok().filter(|_| good)
}

async fn asks_for_account(session: &Caller, token: &str) -> reqwest::Result<Answer> {
    session.try_send(session.request(Method::GET, "/api/v1/me").bearer_auth(token)).await
}

fn retried(run: &Run, answer: reqwest::Result<Answer>) -> reqwest::Result<Answer> {
    if !answer.as_ref().is_ok_and(|answer| answer.status < 500) {
        run.retried.fetch_add(1, Ordering::Relaxed);
    }
    answer
}

/// The replicas are stopped as an init system does it and started anew, one after the other. No request is lost.
pub async fn rolled(engine: Engine, size: Size, _chance: Chance) -> (u32, Tally) {
    let (rounds, run) = (size.rounds(2, 30), Run::new());
    let mut pair = Pair::start(engine).await;
    let sessions = pair.sessions().await;
    let traffic = join_all(sessions.iter().enumerate().map(|(number, session)| visits(number, session, &run)));
    let exchange = async {
        for round in 0..u64::from(rounds) {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let replica = pair.replica(round);
            replica.terminate();
            let ended = replica.ended().await;
            run.tally.expect(ended.success(), || format!("round {round}: it ended with {ended}"));
            replica.restart().await;
            let caller = replica.caller();
            let ready = comes_true(20, async || caller.page("/readyz").await.status == 200).await;
            run.tally.expect(ready, || format!("round {round}: it is not ready"));
        }
        run.over.store(true, Ordering::Relaxed);
    };
    join(traffic, exchange).await;
    pair.one.is_sound(&run.tally);
    run.tally.note(pair.nginx.complaints());
    (rounds, run.tally)
}

/// One browser after the other kind of request: pages, refreshes, sign-ins. Nothing is asked twice.
async fn visits(number: usize, session: &Caller, run: &Run) {
    let (name, mut turn) = (format!("mona{number}"), number);
    let fields = [("identifier", name.as_str()), ("password", PASSWORD)];
    while run.goes_on() {
        turn += 1;
        let asked = async {
            match KINDS[turn % KINDS.len()] {
                "log_in" => Caller::new(session.base()).try_action("log_in", &fields).await,
                "refresh" => session.try_action("refresh", &[]).await,
                path => session.try_send(session.request(Method::GET, path)).await,
            }
        };
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        let status = answer.as_ref().map(|answer| answer.as_ref().map(|answer| answer.status));
        let good = matches!(status, Ok(Ok(200..400)));
        let said = answer.map(|answer| answer.map(|answer| format!("{} {}", answer.status, answer.text)));
        run.tally.expect(good, || format!("{}: {said:?}", KINDS[turn % KINDS.len()]));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
