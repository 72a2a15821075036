//! Thousands of connections that do nothing or too little, and hundreds of sign-ins at once, beside people.

use super::{
    PATIENCE, Rig,
    database::is_honest,
    row::{Chance, Size, Tally},
};
use crate::harness::{Answer, Caller, Engine, PASSWORD};
use futures::future::{join, join_all};
use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

/// `server.header_timeout` here, seconds.
const HEADER_TIMEOUT: u64 = 3;
/// What is quick enough beside a crowd; no measurement, only what nobody would take for an answer.
const QUICK: Duration = Duration::from_secs(10);
/// Connections opened at the same time, and from one address of this machine: ports are 28,000 each.
const AT_ONCE: usize = 100;
const PER_ADDRESS: usize = 1000;

/// What people who go on working see meanwhile.
struct People {
    sessions: Vec<Caller>,
    over: AtomicBool,
    slowest: AtomicU64,
}

impl People {
    async fn of(rig: &Rig) -> Self {
        Self { sessions: rig.people(5).await, over: AtomicBool::new(false), slowest: AtomicU64::new(0) }
    }

    /// Refreshes and pages until `work` is done; each is answered, and soon.
    async fn beside<T>(&self, tally: &Tally, work: impl Future<Output = T>) -> T {
        let visits = join_all(self.sessions.iter().map(async |session| {
            while !self.over.load(Ordering::Relaxed) {
                let page = session.request(reqwest::Method::GET, "/healthz");
                self.answered("refresh", session.try_action("refresh", &[]), tally).await;
                self.answered("/healthz", session.try_send(page), tally).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
        let work = async {
            let done = work.await;
            self.over.store(true, Ordering::Relaxed);
            done
        };
        join(visits, work).await.1
    }

    async fn answered(&self, what: &str, ask: impl Future<Output = reqwest::Result<Answer>>, tally: &Tally) {
        let start = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, ask).await;
        let took = start.elapsed();
        self.slowest.fetch_max(u64::try_from(took.as_millis()).unwrap(), Ordering::Relaxed);
        let good = answer.as_ref().is_ok_and(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200));
        tally.expect(good && took < QUICK, || format!("{what} after {took:?}: {answer:?}"));
    }
}

/// Idle and slow connections beside people: people are answered, idle ones are still good, slow ones are cut.
pub async fn connections(engine: Engine, size: Size, _chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(1, 5), Tally::default());
    let (idle, slow) = size.of((300, 50), (5000, 500));
    // Ours are as many as the server's.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(600);
    let idle = idle.min(room);
    let timeout = HEADER_TIMEOUT.to_string();
    let settings = [
        ("SERVER__CONNECTIONS", "8000"),
        ("SERVER__HEADER_TIMEOUT", timeout.as_str()),
        ("SERVER__IDLE_TIMEOUT", "600"),
    ];
    let rig = Rig::start(engine, &settings).await;
    let people = People::of(&rig).await;
    let address = rig.server.address();
    let crowd = async {
        let mut lying = opened(idle, address, &tally).await;
        for _ in 0..rounds {
            join_all((0..slow).map(|number| is_cut(number, address, &tally))).await;
        }
        for connection in &mut lying {
            let answered = asks(connection).await;
            tally.expect(answered.is_ok(), || format!("an idle connection: {answered:?}"));
        }
    };
    people.beside(&tally, crowd).await;
    let (memory, slowest) = (rig.server.peak_memory(), people.slowest.load(Ordering::Relaxed));
    tally.note(format!("{idle} idle, {slow} slow; slowest answer {slowest} ms; memory {memory} MiB at most"));
    rig.is_sound(&tally);
    (rounds, tally)
}

/// Connections that have had an answer each.
async fn opened(count: usize, address: SocketAddr, tally: &Tally) -> Vec<TcpStream> {
    let mut open = Vec::with_capacity(count);
    for first in (0..count).step_by(AT_ONCE) {
        let batch = (first..count.min(first + AT_ONCE)).map(|number| async move {
            let mut stream = connect(number, address).await?;
            asks(&mut stream).await?;
            Ok::<_, std::io::Error>(stream)
        });
        for stream in join_all(batch).await {
            tally.expect(stream.is_ok(), || format!("a connection: {stream:?}"));
            open.extend(stream);
        }
    }
    open
}

async fn connect(number: usize, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let host = u8::try_from(2 + number / PER_ADDRESS % 200).unwrap_or(2);
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), 0))?;
    tokio::time::timeout(PATIENCE, socket.connect(address)).await?
}

async fn asks(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let (mut read, mut piece) = (Vec::new(), [0; 1024]);
    while !read.ends_with(b"ok\n") {
        let count = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await??;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&piece[..count]);
    }
    Ok(())
}

/// Sends a head that never ends, a byte now and then, until the server has had enough.
async fn is_cut(number: usize, address: SocketAddr, tally: &Tally) {
    let Ok(mut stream) = connect(number, address).await else {
        return tally.expect(false, || "a slow connection was not taken".to_owned());
    };
    let start = Instant::now();
    let dripping = async {
        if stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ").await.is_err() {
            return;
        }
        let mut piece = [0; 256];
        loop {
            match tokio::time::timeout(Duration::from_millis(300), stream.read(&mut piece)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_) if stream.write_all(b"x").await.is_err() => return,
                Err(_) => {}
            }
        }
    };
    let cut = tokio::time::timeout(Duration::from_secs(HEADER_TIMEOUT) + PATIENCE, dripping).await;
    tally.expect(cut.is_ok(), || format!("a slow connection lives after {:?}", start.elapsed()));
}

/// Far more sign-ins at once than can be hashed: each is let in or asked to come again, and memory stays bounded.
pub async fn sign_ins(engine: Engine, size: Size, _chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(1, 5), Tally::default());
    let crowd = size.of(150, 500);
    let settings =
        [("PASSWORD__QUEUE", size.of("16", "64")), ("MAIL__TRANSPORT", "log"), ("SESSION__PER_ACCOUNT", "1000")];
    let rig = Rig::start(engine, &settings).await;
    let people = People::of(&rig).await;
    // Made beforehand: that costs us time, which would count as the server's.
    let callers: Vec<Caller> = (0..crowd).map(|_| rig.server.caller()).collect();
    let (in_at_once, later) = (AtomicU64::new(0), AtomicU64::new(0));
    let waves = async {
        for _ in 0..rounds {
            join_all(callers.iter().enumerate().map(async |(number, caller)| {
                let name = format!("holder{}", number % 5);
                let fields = [("identifier", name.as_str()), ("password", PASSWORD)];
                let answer = tokio::time::timeout(PATIENCE, caller.try_action("log_in", &fields)).await;
                let answer = answer.map_err(|_| "no answer".to_owned());
                let answer = answer.and_then(|answer| answer.map_err(|error| error.to_string()));
                let busy = answer.as_ref().is_ok_and(|answer| answer.status == 503);
                (if busy { &later } else { &in_at_once }).fetch_add(1, Ordering::Relaxed);
                tally.count("sign-in", answer.and_then(is_honest));
            }))
            .await;
        }
    };
    people.beside(&tally, waves).await;
    let (memory, slowest) = (rig.server.peak_memory(), people.slowest.load(Ordering::Relaxed));
    let (in_at_once, later) = (in_at_once.into_inner(), later.into_inner());
    tally.expect(later > 0, || "nobody had to come again: it was no crowd".to_owned());
    // Each thread that hashes keeps 19 MiB; a debug build and its symbols are larger than what is run for real.
    let threads = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
    let bound = threads * 19 + if std::env::var_os("DOORWARD_CHAOS_BINARY").is_some() { 64 } else { 256 };
    tally.expect(memory <= bound, || format!("{memory} MiB of {bound}"));
    tally.note(format!(
        "{in_at_once} in, {later} asked to come again; slowest refresh or /healthz {slowest} ms; {memory} MiB of {bound}"
    ));
    rig.is_sound(&tally);
    (rounds, tally)
}
