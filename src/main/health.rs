//! `doorward health`: asks the server on this machine whether it is ready, for containers that have no curl.

use crate::output::{Output, complain};
use clap::Args;
use doorward::server::{compose::site, settings::Settings};
use serde::Serialize;
use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Most bytes of an answer that are read.
const ANSWER: u64 = 4096;

/// Asks the server that runs here whether it is ready.
///
/// Exit code: 0 it is (mails may be delayed), 1 it is not, or does not answer, 2 it could not be asked.
#[derive(Args)]
pub struct Health {
    /// Seconds to wait for its answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

#[derive(Serialize)]
struct Answer {
    ready: bool,
    /// What `/readyz` says: `ready`, `degraded` (mail is delayed), `unready`; `unreachable` if it says nothing in time.
    status: String,
    /// Its checks, as it says them.
    checks: serde_json::Value,
}

impl Health {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let asked = async {
            let settings = Settings::load(settings)?;
            let address = reachable(site(&settings)?.site_addr);
            let asked = timeout(Duration::from_secs(self.timeout), ask(address)).await;
            let answer = asked.unwrap_or_else(|_| Ok(Answer::none()))?;
            output.say(&answer, |answer| answer.status.clone())?;
            Ok::<_, Box<dyn Error>>(answer.ready)
        };
        match asked.await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(error) => {
                complain(&format!("the server could not be asked: {error}"));
                ExitCode::from(2)
            }
        }
    }
}

/// Where a server that listens at `address` is found from this machine: "all addresses" is none to go to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

impl Answer {
    fn none() -> Self {
        Self { ready: false, status: "unreachable".to_owned(), checks: serde_json::Value::Null }
    }
}

/// What it answers.
async fn ask(address: SocketAddr) -> Result<Answer, Box<dyn Error>> {
    let Ok(mut stream) = TcpStream::connect(address).await else { return Ok(Answer::none()) };
    let path = doorward::paths::READY;
    let fields = format!("host: {address}\r\naccept: application/json\r\nconnection: close");
    stream.write_all(format!("GET {path} HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes()).await?;
    let mut text = String::new();
    stream.take(ANSWER).read_to_string(&mut text).await?;
    let said = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<serde_json::Value>(body).ok());
    let said = said.ok_or("what answers there is no Doorward")?;
    let status = said["status"].as_str().ok_or("what answers there is no Doorward of this version")?.to_owned();
    Ok(Answer { ready: text.split(' ').nth(1) == Some("200"), status, checks: said["checks"].clone() })
}
