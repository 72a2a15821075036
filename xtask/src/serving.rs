//! A Doorward for the time of a check: on a free port, with a database, keys and mails of its own.

use crate::step::{Outcome, command, not_started, run};
use crate::visit;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const START: Duration = Duration::from_secs(10);
const START_PAUSE: Duration = Duration::from_millis(50);

/// A server on a free port with a folder of its own; both go when this is dropped.
pub struct Server {
    process: Child,
    folder: PathBuf,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Server {
    /// Starts this command, which is the server's binary, and waits until it answers.
    pub fn start(server: Command) -> Outcome<Self> {
        Self::start_within(START, server)
    }

    /// As [`Server::start`], for one that takes its time.
    pub fn start_within(time: Duration, mut server: Command) -> Outcome<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let folder = std::env::temp_dir().join(format!("doorward-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        server
            .env("LEPTOS_SITE_ADDR", address.to_string())
            .env("DOORWARD__SERVER__PUBLIC_URL", format!("http://localhost:{}", address.port()))
            .env("DOORWARD__DATABASE__URL", format!("sqlite:{}", folder.join("doorward.db").display()))
            .env("DOORWARD__KEYS__FILE", folder.join("keys.json"))
            .env("DOORWARD__MAIL__FOLDER", folder.join("mail"))
            .env("DOORWARD__LOG__FILTER", "warn")
            .stdin(Stdio::null());
        let process = server.spawn().map_err(|error| not_started(&server, &error))?;
        let mut started = Self { process, folder, address };
        started.wait(time).map(|()| started)
    }

    /// Asks it to end, as an operator does, and waits for that.
    pub fn end(mut self) -> Outcome {
        run(&mut command("sh", &["-c", "kill -s TERM \"$0\"", &self.process.id().to_string()]))?;
        let status = self.process.wait().map_err(|error| format!("the server cannot be waited for: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }

    fn wait(&mut self, time: Duration) -> Outcome {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if visit::text(self.address, "/healthz").is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("the server ended with {status}"));
            }
            thread::sleep(START_PAUSE);
        }
        Err(format!("the server did not answer at {} in time", self.address))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
