//! A private PostgreSQL in a temporary folder, gone with this process. Durable: `fsync` is on.

use crate::Outcome;
use std::{
    io::Read as _,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A running PostgreSQL.
pub struct Postgres {
    process: Child,
    _folder: TempDir,
    /// The URL of its one database.
    pub url: String,
}

impl Postgres {
    /// Makes one with the programs in `bin`, and waits until it answers.
    ///
    /// # Errors
    /// They are not there, or it does not start.
    pub fn start(bin: &Path) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("doorward-bench-pg").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| format!("no free port: {error}"))?.port();
        // The shell waits on its standard input, so PostgreSQL ends when this process does, however it ends.
        let script = format!(
            "set -e; cd '{dir}'; '{bin}/initdb' -D data -U doorward -A trust -E UTF8 --locale=C >log 2>&1
             '{bin}/postgres' -D data -p {port} -k '{dir}' -h 127.0.0.1 -c max_connections=200 -c shared_buffers=512MB \
             -c max_wal_size=4GB >>log 2>&1 & server=$!
             until '{bin}/pg_isready' -q -h 127.0.0.1 -p {port}; do kill -0 $server; sleep 0.1; done
             echo ready; cat >/dev/null; kill -INT $server; wait $server || true",
            dir = folder.path().display(),
            bin = bin.display(),
        );
        let mut shell = as_unprivileged(folder.path(), &script);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = shell.spawn().map_err(|error| format!("no shell: {error}"))?;
        let mut said = [0; 5];
        let ready = process.stdout.as_mut().is_some_and(|out| out.read_exact(&mut said).is_ok());
        if !ready || &said != b"ready" {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            return Err(format!("PostgreSQL of {} did not start: {log}", bin.display()));
        }
        let url = format!("postgres://doorward@127.0.0.1:{port}/postgres");
        Ok(Self { process, _folder: folder, url })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// PostgreSQL refuses to run as root.
fn as_unprivileged(folder: &Path, script: &str) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !root {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        return command;
    }
    let _ = Command::new("chown").arg("nobody").arg(folder).status();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", script]);
    command
}
