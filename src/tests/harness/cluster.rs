//! A PostgreSQL of one test's own, which it may seal with TLS, restart and stop.

use super::{
    free_address,
    postgres::{as_unprivileged, bin},
};
use std::{
    fs,
    io::Read as _,
    process::{Child, Stdio},
};
use tempfile::TempDir;

/// How a server of PostgreSQL is ended (its manual, "Shutting Down the Server").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Clients are cut, running transactions rolled back.
    Fast,
    /// As a crash: the next start recovers.
    Immediate,
}

/// A running PostgreSQL. It ends with this value, or with the test process, however that ends.
pub struct Cluster {
    pub port: u16,
    /// Its files; what tests put here before the start it can read.
    folder: TempDir,
    shell: Child,
}

impl Cluster {
    /// Anybody may come in the clear.
    pub fn start() -> Self {
        Self::start_with(&[], "", "host all all all trust")
    }

    /// With these files beside it, these lines of `postgresql.conf`, and these of `pg_hba.conf`.
    pub fn start_with(files: &[(&str, &str)], settings: &str, doors: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("doorward-cluster").tempdir().unwrap();
        let port = free_address().port();
        for (name, text) in files.iter().chain([&("more.conf", settings), &("doors.conf", doors)]) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        // PostgreSQL takes no key that others can read, and the files here are the test's. The shell waits on our standard
        // input, so the server ends when this process does.
        let (dir, bin) = (folder.path().display(), bin());
        let bin = bin.display();
        let script = format!(
            "set -e; umask 077; cd '{dir}'; '{bin}/initdb' -D data -U doorward -A trust -E UTF8 --locale=C -N >initdb.log 2>&1
             cp *.pem data/ 2>/dev/null || true
             printf 'local all all trust\\n' >data/pg_hba.conf; cat doors.conf >>data/pg_hba.conf
             printf \"port = {port}\\nlisten_addresses = 'localhost'\\nunix_socket_directories = '{dir}'\\n\" >>data/postgresql.conf
             cat more.conf >>data/postgresql.conf
             '{bin}/pg_ctl' -D data -w -l server.log start >pg_ctl.log 2>&1 && echo ready
             cat >/dev/null; '{bin}/pg_ctl' -D data -w -m immediate stop >/dev/null 2>&1 || true; rm -rf data *.log"
        );
        let mut command = as_unprivileged(folder.path(), &script);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut ready = [0; 5];
        let said = shell.stdout.as_mut().unwrap().read_exact(&mut ready);
        let log = || fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
        assert!(said.is_ok() && &ready == b"ready", "PostgreSQL did not start: {}", log());
        Self { port, folder, shell }
    }

    /// A URL of its database `postgres`, by this host name or address.
    pub fn url_by(&self, host: &str) -> String {
        format!("postgres://doorward@{host}:{}/postgres", self.port)
    }

    /// A URL of its database `postgres`.
    pub fn url(&self) -> String {
        self.url_by("127.0.0.1")
    }

    /// Ends the server and waits for its end.
    pub fn stop(&self, how: Stop) {
        self.control(if how == Stop::Fast { "stop -m fast" } else { "stop -m immediate" });
    }

    /// Starts it again and waits until it answers.
    pub fn start_again(&self) {
        self.control("start");
    }

    /// `pg_ctl` with these words (`restart -m fast`, `stop -m immediate`, `start`); waits until it is done.
    pub fn control(&self, words: &str) {
        let (dir, bin) = (self.folder.path().display(), bin());
        let script =
            format!("cd '{dir}'; '{}/pg_ctl' -D data -w -l server.log {words} >>pg_ctl.log 2>&1", bin.display());
        let status = as_unprivileged(self.folder.path(), &script).stdin(Stdio::null()).status().unwrap();
        assert!(status.success(), "pg_ctl {words}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Its end of file is the shell's sign to stop the server.
        drop(self.shell.stdin.take());
        drop(self.shell.wait());
    }
}
