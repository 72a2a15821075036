//! The binary itself as a real process, as an operator runs it. It is killed when its value is dropped.

use super::Caller;
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// A running server.
pub struct Process {
    /// The process.
    pub child: Child,
    /// `http://` and its address.
    pub base: String,
    address: SocketAddr,
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of this machine that was free just now, and that no test of this run gets again. It is below those that the
/// system gives to outgoing connections (`ip_local_port_range`): of them some other test's may take it before it is used.
pub fn free_address() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Test runs beside each other begin at different places.
    let start = std::process::id() % 200 * 100;
    let ports = std::iter::repeat_with(|| 12_000 + (start + GIVEN.fetch_add(1, Relaxed)) % 20_000);
    let ports = ports.take(20_000).filter_map(|port| u16::try_from(port).ok());
    let mut addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    addresses.find(|address| TcpListener::bind(address).is_ok()).unwrap()
}

/// The binary in this folder with these variables and nothing of ours in the environment. `DOORWARD_CHAOS_BINARY` names
/// another binary than that of this build.
pub fn command(folder: &Path, variables: &[(&str, &str)]) -> Command {
    let named = std::env::var_os("DOORWARD_CHAOS_BINARY").map(PathBuf::from);
    let mut command = Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_doorward").into()));
    command.env_clear().current_dir(folder).envs(variables.iter().copied());
    command
}

impl Process {
    /// Starts it at a free port.
    pub async fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_at(free_address(), folder, variables).await
    }

    /// Starts it at this address.
    pub async fn start_at(address: SocketAddr, folder: &Path, variables: &[(&str, &str)]) -> Self {
        let variables = owned(variables);
        let child = spawn(address, folder, &variables);
        let mut process = Self { child, base: format!("http://{address}"), address, folder: folder.into(), variables };
        process.listens().await;
        process
    }

    /// Starts it once more, at the same address and on the same folder. Waits until the former one has ended.
    pub async fn restart(&mut self) {
        drop(self.child.wait());
        self.child = spawn(self.address, &self.folder, &self.variables);
        self.listens().await;
    }

    /// As [`Process::restart`], with other settings from now on.
    pub async fn restart_with(&mut self, variables: &[(&str, &str)]) {
        self.variables = owned(variables);
        self.restart().await;
    }

    async fn listens(&mut self) {
        for _ in 0..3000 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the server does not answer: {}", self.log());
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Tells it to stop, as an init system does.
    pub fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(told.unwrap().success(), "the server was there to be told");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        for _ in 0..6000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not end: {}", self.log());
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it runs: its log, its keys, and its database if that is a file.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The most memory it has ever held, in MiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// All that was logged so far, by this one and those that ran in its folder before.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A caller without cookies.
    pub fn caller(&self) -> Caller {
        Caller::new(&self.base)
    }
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn spawn(address: SocketAddr, folder: &Path, variables: &[(String, String)]) -> Child {
    let log = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join("log")).unwrap();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = command(folder, &variables);
    // Where the system limits the size of files, a write beyond it shall be an error, as on a full disk, and not the end.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\""]).arg(server.get_program());
    command.env_clear().current_dir(folder).envs(variables);
    command.env("LEPTOS_SITE_ADDR", address.to_string()).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}
