//! nginx in front of replicas, as an operator would put it there: kept connections, and the next replica where one is gone.

use crate::harness::free_address;
use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A running nginx that stops with this value.
pub struct Nginx {
    child: Child,
    folder: TempDir,
    /// `http://` and its address.
    pub base: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master tells its workers; killed, it would leave them behind.
        drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status());
        drop(self.child.wait());
    }
}

impl Nginx {
    /// In front of these servers, with a configuration and a folder of its own.
    pub async fn start(replicas: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(&folder, address, replicas)).unwrap();
        let mut command = Command::new(program());
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).arg("-e").arg(folder.path().join("error.log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let nginx = Self { child, folder, base: format!("http://{address}") };
        for _ in 0..500 {
            if TcpStream::connect(address).is_ok() {
                return nginx;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nginx does not answer: {}", nginx.errors());
    }

    /// What it complained about.
    fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }

    /// How often it complained about what.
    pub fn complaints(&self) -> String {
        let mut counts = BTreeMap::new();
        for line in self.errors().lines() {
            // `2026/11/21 19:52:45 [error] 7#7: *33 what it is, client: …`
            let what = line.split_once(": *").and_then(|(_, rest)| rest.split_once(' ')).map_or(line, |(_, what)| what);
            *counts.entry(what.split(", client").next().unwrap_or_default().to_owned()).or_insert(0_u32) += 1;
        }
        counts.iter().map(|(what, count)| format!("nginx: {count} times {what}")).collect::<Vec<_>>().join("; ")
    }
}

fn configuration(folder: &TempDir, address: SocketAddr, replicas: &[SocketAddr]) -> String {
    let path = folder.path().display();
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    // As root its workers would become a user who may not enter the folder.
    let user = if root { "user root;" } else { "" };
    // Without max_fails=0 one cut request takes a replica out for ten seconds, and two kills within them take out both.
    let servers: String = replicas.iter().map(|replica| format!("server {replica} max_fails=0;\n")).collect();
    format!(
        "{user} daemon off; worker_processes 1; pid {path}/nginx.pid; error_log {path}/error.log warn;
         events {{ worker_connections 1024; }}
         http {{
             access_log off;
             client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;
             uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;
             upstream doorward {{ {servers} keepalive 32; }}
             server {{
                 listen {address};
                 location / {{
                     proxy_pass http://doorward;
                     proxy_http_version 1.1;
                     proxy_set_header Connection \"\";
                     proxy_set_header Host $http_host;
                     proxy_connect_timeout 2s;
                     proxy_next_upstream error timeout http_503;
                 }}
             }}
         }}"
    )
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut programs = places.map(|folder| folder.join("nginx"));
    programs.find(|program| program.is_file()).expect("nginx: `cargo xtask test` installs it")
}
