//! What the machine can do: the same work without a server around it.

use crate::{
    Outcome,
    load::{Answered, Effort, Same, Scripts},
    machine, scripts,
};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::{Router, body::Bytes, http::header, routing::get};
use sqlx::{AnyConnection, Connection as _};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Doorward's own cost of a hash (`Leptos.toml`): memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// How far Doorward's hashing threads stand back (`hashing_threads.rs`).
const POLITE: &str = "15";

/// Hashes per second: one thread a core, each with its own memory.
///
/// # Errors
/// The library refuses.
pub fn hashes(time: Duration) -> Outcome<f64> {
    let begun = Instant::now();
    let counts = thread::scope(|scope| {
        let threads: Vec<_> = (0..machine::cores()).map(|_| scope.spawn(move || hash_for(time))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a hash panicked".to_owned())))
            .collect::<Outcome<Vec<u32>>>()
    })?;
    Ok(f64::from(counts.iter().sum::<u32>()) / begun.elapsed().as_secs_f64())
}

fn hash_for(time: Duration) -> Outcome<u32> {
    let told = |error: argon2::Error| format!("argon2: {error}");
    let params = Params::new(COST.0, COST.1, COST.2, None).map_err(told)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let mut out = [0; 32];
        let hashed = hasher.hash_password_into_with_memory(b"a calm violet harbour", &[7; 16], &mut out, &mut memory);
        hashed.map_err(told)?;
        count += 1;
    }
    Ok(count)
}

/// The other side of [`Hashing`]: hashes until its standard input ends, as it does with whoever started it.
///
/// # Errors
/// The input cannot be read.
pub fn hash_aside() -> Outcome {
    thread::spawn(|| hashes(Duration::MAX / 4));
    let ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ended.map(drop).map_err(|error| format!("standard input: {error}"))
}

/// Threads that hash for nobody, in a process of their own: one a core, standing back as Doorward's do.
pub struct Hashing(Child);

impl Hashing {
    /// Starts them.
    ///
    /// # Errors
    /// They do not start.
    pub fn start() -> Outcome<Self> {
        let this = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
        let mut command = Command::new("nice");
        let command = command.args(["-n", POLITE]).arg(this).arg("hash").stdin(Stdio::piped());
        command.spawn().map(Self).map_err(|error| format!("threads that hash: {error}"))
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Updates of a single row, each committed on its own, over so many connections: one at a time on SQLite, which is as
/// durable as Doorward has it (WAL, FULL).
///
/// # Errors
/// The database.
pub fn commits(database: &str, connections: usize, effort: Effort) -> Outcome<Answered> {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async {
        prepare(database, connections).await.map_err(|error| format!("{database}: {error}"))?;
        let begun = Instant::now();
        let tasks: Vec<_> =
            (0..connections).map(|row| tokio::spawn(commit_for(database.to_owned(), row, effort))).collect();
        let mut times = Vec::new();
        for task in tasks {
            let taken = task.await.map_err(|error| error.to_string())?;
            times.extend(taken.map_err(|error| format!("{database}: {error}"))?);
        }
        Ok(Answered::within(begun.elapsed(), times))
    })
}

async fn open(database: &str) -> sqlx::Result<AnyConnection> {
    let mut connection = AnyConnection::connect(database).await?;
    if database.starts_with("sqlite:") {
        let pragmas = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
        sqlx::raw_sql(pragmas).execute(&mut connection).await?;
    }
    Ok(connection)
}

async fn prepare(database: &str, rows: usize) -> sqlx::Result<()> {
    let mut connection = open(database).await?;
    let table = "CREATE TABLE IF NOT EXISTS bench (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)";
    sqlx::raw_sql(table).execute(&mut connection).await?;
    for row in 0..rows {
        let insert = sqlx::query("INSERT INTO bench (id, n) VALUES ($1, 0) ON CONFLICT DO NOTHING");
        insert.bind(row as i64).execute(&mut connection).await?;
    }
    connection.close().await
}

async fn commit_for(database: String, row: usize, effort: Effort) -> sqlx::Result<Vec<Duration>> {
    let mut connection = open(&database).await?;
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < effort.time {
        let update = sqlx::query("UPDATE bench SET n = n + 1 WHERE id = $1");
        let asked = Instant::now();
        update.bind(row as i64).execute(&mut connection).await?;
        times.push(asked.elapsed());
        if !effort.pause.is_zero() {
            tokio::time::sleep(effort.pause).await;
        }
    }
    connection.close().await?;
    Ok(times)
}

/// Callers of a bare route.
pub fn asking_bare(server: SocketAddr, callers: usize) -> Scripts {
    let one = || Box::new(Same(scripts::get(server, "/"))) as _;
    std::iter::repeat_with(one).take(callers).collect()
}

/// A bare axum route in a process of its own, which answers every `GET /` with the same bytes.
pub struct Bare {
    process: Child,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Bare {
    /// Starts one that answers `body`, which is kept in `folder`.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(folder: &Path, body: &[u8]) -> Outcome<Self> {
        let file = folder.join("bare");
        fs::write(&file, body).map_err(|error| format!("{}: {error}", file.display()))?;
        let this = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
        let mut command = Command::new(this);
        let command = command.arg("bare").arg(file).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("the bare route: {error}"))?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut line);
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { process, address }),
            Err(_) => Err("the bare route did not start".to_owned()),
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The other side of [`Bare`]: serves until it is killed, and says where.
///
/// # Errors
/// No file, or no port.
pub fn serve_bare(file: &Path) -> Outcome {
    let body = Bytes::from(fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?);
    let answer = move || {
        let body = body.clone();
        async move { ([(header::CONTENT_TYPE, "application/octet-stream")], body) }
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime: {error}"))?;
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        axum::serve(listener, Router::new().route("/", get(answer))).await
    });
    served.map_err(|error| format!("the bare route: {error}"))
}
