//! Load over loopback: some connections, each asking again as soon as it is answered.

use crate::Outcome;
use axum::body::Bytes;
use futures::{TryStreamExt as _, stream::FuturesUnordered};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::LocalSet};

/// What one connection asks, and what it makes of the answers.
pub trait Script: Send {
    /// The next request.
    fn ask(&mut self) -> Request<Full<Bytes>>;

    /// Looks at an answer.
    ///
    /// # Errors
    /// It is not what was to be measured.
    fn take(&mut self, answer: &Response<Bytes>) -> Outcome;
}

/// What is asked, one script a connection.
pub type Scripts = Vec<Box<dyn Script>>;

/// How long, and how hard.
#[derive(Clone, Copy)]
pub struct Effort {
    /// For how long it is asked.
    pub time: Duration,
    /// What each connection waits between an answer and its next request.
    pub pause: Duration,
}

impl Effort {
    /// As hard as it goes.
    pub const fn full(time: Duration) -> Self {
        Self { time, pause: Duration::ZERO }
    }
}

/// What came of it.
pub struct Answered {
    /// Answers per second, over all connections.
    pub per_second: f64,
    /// How long each answer took; sorted.
    pub times: Vec<Duration>,
}

impl Answered {
    /// So many answers, within that time.
    pub fn within(elapsed: Duration, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { per_second: times.len() as f64 / elapsed.as_secs_f64(), times }
    }

    /// The time within which 99 of 100 answers came.
    pub fn p99(&self) -> Duration {
        self.times.get(self.times.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// Lets each script ask on a connection of its own, on as many threads as there are cores.
///
/// # Errors
/// A connection failed, or a script refused an answer.
pub fn run(server: SocketAddr, scripts: &mut [Box<dyn Script>], effort: Effort) -> Outcome<Answered> {
    run_until(server, scripts, effort, &AtomicBool::new(false))
}

/// As [`run`], and at most until `stop`.
///
/// # Errors
/// As there.
pub fn run_until(
    server: SocketAddr,
    scripts: &mut [Box<dyn Script>],
    effort: Effort,
    stop: &AtomicBool,
) -> Outcome<Answered> {
    let share = scripts.len().div_ceil(crate::machine::cores()).max(1);
    let begun = Instant::now();
    let parts = thread::scope(|scope| {
        let threads = scripts.chunks_mut(share).map(|part| scope.spawn(move || thread_of(server, part, effort, stop)));
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread of the load panicked".into())))
            .collect::<Outcome<Vec<_>>>()
    })?;
    Ok(Answered::within(begun.elapsed(), parts.concat()))
}

fn thread_of(
    server: SocketAddr,
    scripts: &mut [Box<dyn Script>],
    effort: Effort,
    stop: &AtomicBool,
) -> Outcome<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the load has no runtime: {error}"))?;
    LocalSet::new().block_on(&runtime, async {
        let until = Instant::now() + effort.time;
        let goes_on = || Instant::now() < until && !stop.load(Relaxed);
        let connections = scripts.iter_mut().map(|script| connection(server, script.as_mut(), effort.pause, &goes_on));
        let times: Vec<Vec<Duration>> = connections.collect::<FuturesUnordered<_>>().try_collect().await?;
        Ok(times.concat())
    })
}

async fn connection(
    server: SocketAddr,
    script: &mut dyn Script,
    pause: Duration,
    goes_on: &dyn Fn() -> bool,
) -> Outcome<Vec<Duration>> {
    let mut line = Line::open(server).await?;
    let mut times = Vec::new();
    while goes_on() {
        let request = script.ask();
        let begun = Instant::now();
        let answer = line.ask(request).await?;
        times.push(begun.elapsed());
        script.take(&answer)?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(times)
}

/// A connection that stays open.
pub struct Line(SendRequest<Full<Bytes>>);

impl Line {
    /// Opens it, on a [`LocalSet`].
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn open(server: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(server).await.map_err(|error| format!("{server}: {error}"))?;
        let _ = stream.set_nodelay(true);
        let opened = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| format!("{server}: {error}"))?;
        // What goes wrong on it is told to whoever asks next.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Self(sender))
    }

    /// The whole answer to a request.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn ask(&mut self, request: Request<Full<Bytes>>) -> Outcome<Response<Bytes>> {
        let told = |error: hyper::Error| format!("a connection of the load ended: {error}");
        self.0.ready().await.map_err(told)?;
        let (head, body) = self.0.send_request(request).await.map_err(told)?.into_parts();
        Ok(Response::from_parts(head, body.collect().await.map_err(told)?.to_bytes()))
    }
}

/// Asks once, on a connection of its own.
///
/// # Errors
/// Nobody listens there, or the connection ended.
pub fn once(server: SocketAddr, request: Request<Full<Bytes>>) -> Outcome<Response<Bytes>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    LocalSet::new().block_on(&runtime, async { Line::open(server).await?.ask(request).await })
}

/// The same request again and again, answered 200.
pub struct Same(pub Request<Full<Bytes>>);

impl Script for Same {
    fn ask(&mut self) -> Request<Full<Bytes>> {
        self.0.clone()
    }

    fn take(&mut self, answer: &Response<Bytes>) -> Outcome {
        expect(answer, &[StatusCode::OK])
    }
}

/// Refuses an answer of another status.
///
/// # Errors
/// It has one.
pub fn expect(answer: &Response<Bytes>, statuses: &[StatusCode]) -> Outcome {
    if statuses.contains(&answer.status()) {
        return Ok(());
    }
    let body = String::from_utf8_lossy(answer.body());
    Err(format!("answered {}: {}", answer.status(), body.chars().take(300).collect::<String>()))
}
