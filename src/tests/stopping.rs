//! How a real process ends, and what it does when the system gives it no more files.

use crate::{
    harness::{Answer, App, Engine, Process, new_database, on_both_engines},
    smtp_server::{Fault, SmtpServer, Tls},
};
use futures::future::join_all;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

fn signal(server: &Process, name: &str) {
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// Waits for the end, and says how it was.
async fn ended(server: &mut Process) -> Option<i32> {
    for _ in 0..1500 {
        if let Some(status) = server.child.try_wait().unwrap() {
            return status.code();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not end");
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap()
}

async fn logged(folder: &Path, words: &str) {
    for _ in 0..1000 {
        if log(folder).contains(words) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no {words:?} in {}", log(folder));
}

async fn connected(server: &Process) -> TcpStream {
    TcpStream::connect(server.base.strip_prefix("http://").unwrap()).await.unwrap()
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await;
    read.expect("the server closes").expect("no reset");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn at_sigterm_every_running_request_is_answered_and_the_exit_code_is_0() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let folder = tempfile::tempdir().unwrap();
        let database = new_database(engine, &folder).await;
        let variables =
            [("DOORWARD__DATABASE__URL", database.as_str()), ("DOORWARD__REGISTRATION__CONFIRMATION", "off")];
        let mut server = Process::start(folder.path(), &variables).await;
        // Hashing takes long enough to be in the middle of it, and there are more than the threads take at once.
        let callers: Vec<_> = (0..12).map(|_| server.caller()).collect();
        let names: Vec<_> = (0..12).map(|number| format!("person{number}")).collect();
        let running = join_all(callers.iter().zip(&names).map(|(caller, name)| caller.register(name)));
        let stop = async {
            logged(folder.path(), "an account was made").await;
            signal(&server, "-TERM");
        };
        let (answers, ()) = futures::join!(running, stop);
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        assert_eq!(ended(&mut server).await, Some(0));
        let log = log(folder.path());
        assert!(log.contains("stopping: running requests may end") && log.trim_end().ends_with("stopped"), "{log}");
    }
}

#[tokio::test]
async fn at_sigterm_a_balancer_is_told_to_look_elsewhere_and_a_second_signal_ends_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DOORWARD__SERVER__DRAIN", "60"), ("DOORWARD__SERVER__DRAIN_IDLE", "60")];
    let mut server = Process::start(folder.path(), &variables).await;
    let (mut balancer, mut stuck) = (connected(&server).await, connected(&server).await);
    stuck.write_all(b"POST /actions/log_in HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n").await.unwrap();
    signal(&server, "-TERM");
    logged(folder.path(), "no new connections").await;
    let ask = b"GET /readyz HTTP/1.1\r\nhost: h\r\naccept: application/json\r\n\r\n";
    balancer.write_all(ask).await.unwrap();
    let answer = rest(&mut balancer).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("retry-after: ") && answer.contains(r#""server":"stopping""#), "{answer}");
    let start = Instant::now();
    signal(&server, "-TERM");
    assert_eq!(ended(&mut server).await, Some(143));
    assert!(start.elapsed() < Duration::from_secs(20), "the drain time is 60 seconds: {:?}", start.elapsed());
}

#[tokio::test]
async fn sighup_does_not_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(folder.path(), &[]).await;
    signal(&server, "-HUP");
    logged(folder.path(), "SIGHUP").await;
    assert_eq!(server.caller().page("/healthz").await.status, 200);
    signal(&server, "-INT");
    assert_eq!(ended(&mut server).await, Some(0));
}

on_both_engines! {
    async fn a_mail_that_could_not_be_finished_is_free_for_the_next_server_at_once(engine) {
        let silent = SmtpServer::start(Fault::Silence, Tls::None).await;
        let extra = |address: std::net::SocketAddr| {
            format!("mail.transport = 'smtp'\nmail.smtp_url = 'smtp://{address}'\nmail.lease = 600\nserver.drain = 0")
        };
        let app = App::start_with(engine, &extra(silent.address())).await;
        let mona = app.signed_in("mona").await;
        assert_eq!(mona.action("request_password_reset", &[("email", "mona@example.com")]).await.status, 200);
        let leased = "SELECT COUNT(*) FROM outbox WHERE leased_until IS NOT NULL AND sent_at IS NULL AND gave_up_at IS NULL";
        let count = async |app: &App| {
            let mut tx = app.store.read().await.unwrap();
            sqlx::Row::get::<i64, _>(&sqlx::query(leased).fetch_one(&mut *tx).await.unwrap(), 0)
        };
        while count(&app).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let fine = SmtpServer::start(Fault::None, Tls::None).await;
        // The clock stands still: a lease that was not let go of would hold for ten minutes.
        let _app = app.restarted_with(&extra(fine.address())).await;
        for _ in 0..400 {
            if fine.arrived().len() >= 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} mails arrived", fine.arrived().len());
    }
}

/// How many files the process has open.
/// The numbers of the files that it has open.
fn open_files(server: &Process) -> BTreeSet<usize> {
    let entries = fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// The number that the next file gets.
fn next_file(server: &Process) -> usize {
    let open = open_files(server);
    (0..).find(|number| !open.contains(number)).unwrap()
}

/// A connection of a client who has got an answer and does nothing.
async fn idle(server: &Process) -> TcpStream {
    let mut client = connected(server).await;
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    client.read_exact(&mut [0; 12]).await.unwrap();
    client
}

fn limit_files(server: &Process, soft: usize) {
    let (pid, limit) = (server.child.id().to_string(), format!("--nofile={soft}:"));
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

#[tokio::test]
async fn without_a_file_left_it_waits_says_so_once_and_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("favicon.ico"), "an icon").unwrap();
    let variables = [
        ("DOORWARD__REGISTRATION__CONFIRMATION", "off"),
        ("DOORWARD__DATABASE__CONNECTIONS", "4"),
        ("LEPTOS_SITE_ROOT", site.to_str().unwrap()),
    ];
    let server = Process::start(folder.path(), &variables).await;
    let mona = server.caller();
    assert_eq!(mona.register("mona").await.status, 200);
    let token = mona.refresh().await.token();
    let tabs: Vec<_> = (0..8).map(|_| server.caller()).collect();
    for tab in &tabs {
        assert_eq!(tab.page("/healthz").await.status, 200);
    }
    // Connections of clients who do nothing; the limit then is what is open.
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(idle(&server).await);
    }
    // The limit is on the numbers of files, so a number that a closed file has left would let one more in.
    while next_file(&server) < open_files(&server).len() {
        others.push(idle(&server).await);
    }
    // The lowest of some looks: so would a file that is open for a moment.
    let mut next = next_file(&server);
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        next = next.min(next_file(&server));
    }
    limit_files(&server, next);
    let mut waiting = connected(&server).await;
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    logged(folder.path(), "cannot take connections").await;
    // Who is connected already is answered, though more readers of the database's file than are open cannot be had.
    let turned_away = |answer: &Answer| answer.status == 503 && !answer.header("retry-after").is_empty();
    for answer in join_all(tabs.iter().map(|tab| tab.account(&token))).await {
        assert!(answer.status == 200 || turned_away(&answer), "{answer:?}");
    }
    let icon = tabs[0].page("/favicon.ico").await;
    assert!(turned_away(&icon), "a file that is there is not said to be gone: {icon:?}");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(log(folder.path()).matches("cannot take connections").count(), 1, "{}", log(folder.path()));
    drop(others);
    assert!(rest(&mut waiting).await.starts_with("HTTP/1.1 200"), "who waited is answered");
    assert_eq!(server.caller().page("/favicon.ico").await.text, "an icon");
    assert_eq!(mona.refresh().await.status, 200, "nobody was signed out");
    let log = log(folder.path());
    assert!(!log.contains("a panic") && !log.contains("status=500"), "{log}");
}
