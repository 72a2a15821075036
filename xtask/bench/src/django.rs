//! The peer: an account server of Django, Django REST framework and SimpleJWT, which is asked the same.
//!
//! It is installed from PyPI into a temporary folder, in the versions below. gunicorn serves it, a worker a core.

use crate::{
    Outcome, Plan,
    load::{self, Effort, Same, Script, expect},
    machine,
    report::{Aim, Report, Row, median},
    scripts,
};
use axum::body::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Django 5.2 is the newest that Python 3.11 runs, and has long-term support. What these packages need is pinned, too.
const PACKAGES: [&str; 7] = [
    "Django==5.2.19",
    "djangorestframework==3.18.3",
    "djangorestframework-simplejwt==5.5.1",
    "gunicorn==27.0.1",
    "PyJWT==2.15.1",
    "asgiref==3.13.0",
    "sqlparse==0.6.1",
];
const SOURCES: [(&str, &str); 3] = [
    ("settings.py", include_str!("django/settings.py")),
    ("urls.py", include_str!("django/urls.py")),
    ("seed.py", include_str!("django/seed.py")),
];
/// What serves it best here. The usual worker closes each connection after an answer, threads keep it open. One thread
/// a worker answers less; two, four and eight the same. A listener for each worker changes nothing. To load the site
/// before the workers part makes the start shorter, for a little more memory. One transaction around a whole refresh,
/// which saves it a commit, comes to the same: it keeps others from writing for longer.
const SERVING: [&str; 10] = [
    "--worker-class",
    "gthread",
    "--threads",
    "4",
    "--keep-alive",
    "30",
    "--preload",
    "--no-control-socket",
    "--log-level",
    "warning",
];

const USERS: usize = 64;
const PASSWORD: &str = "a calm violet harbour 47";
/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// How many times as much Doorward is to answer.
const AIM: Aim = Aim::AtLeast(30.0);

/// Measures the peer, and Doorward's rows of the same run against it.
///
/// # Errors
/// It cannot be installed, does not run, or gave an answer that was not to be measured.
pub fn measure(plan: Plan, report: &mut Report) -> Outcome {
    println!("==> django");
    let site = Site::install()?;
    let (starts, server) = starts(&site, plan)?;
    report.add(Row::figure("django: start to first answer", "sqlite", starts, "ms", None));
    let mut bench = Bench { server, site, plan, report };
    let me = bench.me()?;
    bench.beside("GET /api/v1/me", me);
    let refresh = bench.refresh()?;
    bench.beside("refresh with rotation", refresh);
    // Told, but not compared: Django's hash is another one.
    bench.sign_ins()?;
    bench.memory()
}

/// The median time from the start of its processes to the first answer, in ms; and the last of these servers.
fn starts(site: &Site, plan: Plan) -> Outcome<(f64, Server)> {
    let mut times = Vec::new();
    loop {
        let (server, took) = site.open()?;
        times.push(took.as_secs_f64() * 1e3);
        if times.len() >= plan.rounds {
            return Ok((median(times), server));
        }
    }
}

type Scripts = Vec<Box<dyn Script>>;

struct Bench<'run> {
    // Dropped first: it runs in the site's folder.
    server: Server,
    site: Site,
    plan: Plan,
    report: &'run mut Report,
}

impl Bench<'_> {
    /// Rounds, after one that does not count. Adds the row and gives its figure.
    fn row(&mut self, what: &str, scripts: &mut Scripts) -> Outcome<f64> {
        let effort = Effort::full(self.plan.round);
        let address = self.server.address;
        load::run(address, scripts, effort)?;
        let (before, mut answers) = (self.server.cpu(), 0);
        let mut figures = Vec::new();
        for _ in 0..self.plan.rounds {
            let answered = load::run(address, scripts, effort)?;
            answers += answered.times.len();
            figures.push(answered.per_second);
        }
        let cpu = self.server.cpu().saturating_sub(before);
        let figure = median(figures);
        let mut row = Row::figure(what, "sqlite", figure, "/s", None);
        row.cpu_us = Some(cpu.as_secs_f64() * 1e6 / answers.max(1) as f64);
        self.report.add(row);
        Ok(figure)
    }

    /// Adds Doorward's figure against the peer's, if this run has one.
    fn beside(&mut self, what: &str, theirs: f64) {
        let ours = self.report.rows.iter().find(|row| row.what == what && row.engine == "sqlite").map(|row| row.ours);
        if let Some(ours) = ours {
            self.report.add(Row::against(what, "django", &[(ours, theirs)], "/s", Some(AIM)));
        }
    }

    fn me(&mut self) -> Outcome<f64> {
        let address = self.server.address;
        let sessions = self.site.sessions.iter().take(self.plan.connections);
        let one = |session: &Session| Ok(Box::new(Same(asking_me(address, session)?)) as _);
        let mut scripts = sessions.map(one).collect::<Outcome<Scripts>>()?;
        self.row("django: GET /me/", &mut scripts)
    }

    fn refresh(&mut self) -> Outcome<f64> {
        let server = self.server.address;
        // Each connection has sessions of its own: nobody else uses a token up.
        let shares = self.site.sessions.chunks((USERS / self.plan.connections).max(1)).take(self.plan.connections);
        let one = |share: &[Session]| {
            let tokens = share.iter().map(|session| session.refresh.clone()).collect();
            Box::new(Rotate { server, tokens, at: 0 }) as _
        };
        let mut scripts: Scripts = shares.map(one).collect();
        self.row("django: refresh with rotation", &mut scripts)
    }

    fn sign_ins(&mut self) -> Outcome<f64> {
        let server = self.server.address;
        let sessions = self.site.sessions.iter().cycle().take(self.plan.connections);
        let one = |session: &Session| {
            let body = format!(r#"{{"username":"{}","password":"{PASSWORD}"}}"#, session.name);
            Box::new(Same(scripts::post(server, "/token/", body))) as _
        };
        let mut scripts: Scripts = sessions.map(one).collect();
        self.row("django: sign-ins", &mut scripts)
    }

    fn memory(&mut self) -> Outcome {
        let (mib, how) = self.server.memory()?;
        let what = format!("django: memory, after load ({how})");
        self.report.add(Row::figure(&what, "sqlite", mib, "MiB", None));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Session {
    name: String,
    access: String,
    refresh: String,
}

fn asking_me(server: SocketAddr, session: &Session) -> Outcome<Request<Full<Bytes>>> {
    let mut request = scripts::get(server, "/me/");
    let bearer = HeaderValue::from_str(&format!("Bearer {}", session.access));
    request.headers_mut().insert(AUTHORIZATION, bearer.map_err(|error| format!("a token of Django: {error}"))?);
    Ok(request)
}

/// Refreshes its sessions in turn, each with the token of its last answer.
struct Rotate {
    server: SocketAddr,
    tokens: Vec<String>,
    at: usize,
}

impl Script for Rotate {
    fn ask(&mut self) -> Request<Full<Bytes>> {
        self.at = (self.at + 1) % self.tokens.len();
        scripts::post(self.server, "/token/refresh/", format!(r#"{{"refresh":"{}"}}"#, self.tokens[self.at]))
    }

    fn take(&mut self, answer: &Response<Bytes>) -> Outcome {
        #[derive(Deserialize)]
        struct Tokens {
            refresh: String,
        }
        expect(answer, &[StatusCode::OK])?;
        let tokens = serde_json::from_slice::<Tokens>(answer.body());
        self.tokens[self.at] = tokens.map_err(|error| format!("an answer of Django: {error}"))?.refresh;
        Ok(())
    }
}

/// The site, installed, and its accounts.
struct Site {
    folder: TempDir,
    sessions: Vec<Session>,
}

impl Site {
    fn install() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("doorward-bench-django").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let path = folder.path();
        let venv = Command::new("python3").args(["-m", "venv", "venv"]).current_dir(path).output();
        told(venv, "the peer needs python3 with its module venv")?;
        let mut pip = python(path);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1"]);
        told(pip.args(PACKAGES).output(), "the peer needs PyPI (a network, Python 3.10 or newer) and got nothing")?;
        for (name, text) in SOURCES {
            fs::write(path.join(name), text).map_err(|error| format!("{name} of the peer: {error}"))?;
        }
        let seeded = python(path).args(["seed.py", &USERS.to_string(), PASSWORD]).output();
        let printed = told(seeded, "the peer has no database")?;
        let sessions = serde_json::from_slice(&printed).map_err(|error| format!("the peer's sessions: {error}"))?;
        Ok(Self { folder, sessions })
    }

    /// Starts a server, and says how long it took to its first answer.
    fn open(&self) -> Outcome<(Server, Duration)> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let path = self.folder.path();
        let log = path.join("log");
        let output = fs::File::create(&log).map_err(|error| format!("no log: {error}"))?;
        let session = self.sessions.first().ok_or("the peer has no accounts")?;
        let request = asking_me(address, session)?;
        let begun = Instant::now();
        let process = gunicorn(path, address).stdin(Stdio::null()).stderr(output).spawn();
        let mut server = Server { process: process.map_err(|error| format!("gunicorn: {error}"))?, address };
        while TcpStream::connect(address).is_err() {
            let ended = matches!(server.process.try_wait(), Ok(Some(_)));
            if ended || begun.elapsed() > PATIENCE {
                return Err(format!("gunicorn does not listen: {}", last_line(&fs::read(&log).unwrap_or_default())));
            }
            thread::sleep(LOOK);
        }
        expect(&load::once(address, request)?, &[StatusCode::OK])?;
        Ok((server, begun.elapsed()))
    }
}

fn python(folder: &Path) -> Command {
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.current_dir(folder).env_remove("PYTHONPATH");
    command
}

fn gunicorn(folder: &Path, address: SocketAddr) -> Command {
    let mut command = python(folder);
    command.args(["-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--bind", &address.to_string()]);
    command.args(["--workers", &machine::cores().to_string()]);
    command.args(SERVING).env("DJANGO_SETTINGS_MODULE", "settings").env_remove("GUNICORN_CMD_ARGS");
    command
}

/// What a command printed.
fn told(output: std::io::Result<std::process::Output>, problem: &str) -> Outcome<Vec<u8>> {
    let output = output.map_err(|error| format!("{problem}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    // `venv` complains on its standard output.
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    Err(format!("{problem}: {}", last_line(said)))
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}

/// A running gunicorn: the master and its workers.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// All its processes, the master first.
    fn processes(&self) -> Vec<u32> {
        let master = self.process.id();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        let workers = workers.split_whitespace().filter_map(|pid| pid.parse().ok());
        std::iter::once(master).chain(workers).collect()
    }

    fn cpu(&self) -> Duration {
        self.processes().into_iter().filter_map(machine::cpu_of).sum()
    }

    /// MiB of all processes, and how they were counted: what they share counts once (`PSS`), or in each (`RSS`).
    fn memory(&self) -> Outcome<(f64, &'static str)> {
        let processes = self.processes();
        let shares: Option<Vec<f64>> = processes.iter().copied().map(proportional).collect();
        if let Some(shares) = shares {
            return Ok((shares.iter().sum(), "PSS"));
        }
        let resident = |pid| Ok(machine::memory_of(pid)?.resident);
        let resident = processes.into_iter().map(resident).collect::<Outcome<Vec<f64>>>()?;
        Ok((resident.iter().sum(), "RSS"))
    }
}

/// A process's share of what it maps, in MiB. None where the system does not tell.
fn proportional(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to, the master ends its workers and takes leave of them: none is left behind for `init`.
        if machine::ends(&mut self.process, "QUIT") {
            return;
        }
        let _ = machine::signal("KILL", &self.processes());
        let _ = self.process.wait();
    }
}
