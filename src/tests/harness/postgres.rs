//! A private PostgreSQL for the tests: made by `initdb` in a temporary folder, gone with the test process.

use sqlx::Connection as _;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

static CLUSTER: OnceLock<String> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database. `DOORWARD_TEST_PG_URL` names a server to use instead of a private one.
pub async fn new_database() -> String {
    create("").await
}

/// The URL of a new database with all that is in the one of this URL, which nobody may be using.
pub async fn copy_of(url: &str) -> String {
    let (_, name) = url.rsplit_once('/').unwrap();
    create(&format!("TEMPLATE {name}")).await
}

async fn create(how: &str) -> String {
    let server = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start).clone()).await.unwrap();
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    sqlx::any::install_default_drivers();
    let url = format!("{server}/postgres");
    let mut connection = sqlx::AnyConnection::connect(&url).await.expect("the tests' PostgreSQL answers");
    let create = format!("CREATE DATABASE {name} {how}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    format!("{server}/{name}")
}

fn start() -> String {
    if let Ok(url) = std::env::var("DOORWARD_TEST_PG_URL") {
        return url.trim_end_matches('/').to_owned();
    }
    let bin = bin();
    let folder = tempfile::Builder::new().prefix("doorward-pg").tempdir().unwrap().keep();
    let port = super::free_address().port();
    // No test stops this server (those have a `Cluster`), so nothing need reach the disk; and it has
    // hundreds of databases, round which the cleaner would go all the time.
    // The shell waits on our standard input, so the server ends when this process does, however it ends.
    let script = format!(
        "set -e; cd '{dir}'; '{bin}/initdb' -D data -U doorward -A trust -E UTF8 --locale=C -N >initdb.log 2>&1
         '{bin}/postgres' -D data -p {port} -k '{dir}' -h 127.0.0.1 -c max_connections=400 -c shared_buffers=64MB \
         -c fsync=off -c full_page_writes=off -c autovacuum=off \
         >server.log 2>&1 & server=$!
         until '{bin}/pg_isready' -q -h 127.0.0.1 -p {port}; do kill -0 $server; sleep 0.1; done
         echo ready; cat >/dev/null; kill -INT $server; wait $server || true; cd /; rm -rf '{dir}'",
        dir = folder.display(),
        bin = bin.display(),
    );
    let mut command = as_unprivileged(&folder, &script);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
    let mut ready = [0; 5];
    let said = child.stdout.as_mut().unwrap().read_exact(&mut ready);
    let log = || std::fs::read_to_string(folder.join("initdb.log")).unwrap_or_default();
    assert!(said.is_ok() && &ready == b"ready", "PostgreSQL did not start: {}", log());
    // Kept open until the process ends: closing it stops the server.
    std::mem::forget(child);
    format!("postgres://doorward@127.0.0.1:{port}")
}

/// PostgreSQL refuses to run as root.
pub fn as_unprivileged(folder: &Path, script: &str) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !root {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        return command;
    }
    Command::new("chown").arg("nobody").arg(folder).status().unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", script]);
    command
}

/// The folder of PostgreSQL's programs.
pub fn bin() -> PathBuf {
    let named = std::env::var_os("DOORWARD_TEST_PG_BIN").map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut places = named.into_iter().chain(versions.into_iter().rev()).chain(on_path.unwrap_or_default());
    places.find(|place| place.join("initdb").exists()).expect("PostgreSQL: `cargo xtask test` installs it")
}
