//! A small SMTP server that keeps what it gets and misbehaves on request.
//!
//! The crates there are do not fit: `mailin-embedded` blocks in `serve()` and cannot be stopped and started again,
//! `maik` only accepts and compares; neither hangs, drops the line after DATA, or hides STARTTLS.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Closes the line instead of a greeting.
    HangUp,
    /// Accepts the connection and says nothing.
    Silence,
    /// Answers RCPT TO with this line.
    Recipient(&'static str),
    /// Answers the end of the mail with this line.
    Content(&'static str),
    /// Keeps the mail and closes the line before it has said so.
    DropAfterData,
    /// Takes the mail, and does not answer QUIT.
    HangAtQuit,
    /// Answers AUTH with 535.
    WrongPassword,
}

/// How the server protects its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    #[default]
    None,
    /// It offers STARTTLS.
    Start,
    /// From the first byte.
    Implicit,
}

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The envelope's recipient line.
    pub rcpt: String,
    /// Headers and body, as they came.
    pub source: String,
    /// Whether it came through TLS.
    pub encrypted: bool,
    /// The decoded text of AUTH PLAIN, if the sender signed in.
    pub login: Option<String>,
}

/// A running server. It stops when it is dropped; [`SmtpServer::start_at`] starts one again at the same address.
pub struct SmtpServer {
    address: SocketAddr,
    task: JoinHandle<()>,
    state: Arc<State>,
    certificate: String,
}

struct State {
    fault: Mutex<Fault>,
    tls: Tls,
    acceptor: TlsAcceptor,
    arrived: Mutex<Vec<Arrived>>,
    commands: Mutex<Vec<String>>,
}

impl SmtpServer {
    /// A server at a free port of this machine.
    pub async fn start(fault: Fault, tls: Tls) -> Self {
        // No other test's server gets this port when it is closed: mails that still try to reach it would arrive there.
        Self::start_at(crate::harness::free_address(), fault, tls).await
    }

    /// A server at `address`.
    pub async fn start_at(address: SocketAddr, fault: Fault, tls: Tls) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let (acceptor, certificate) = identity();
        let (arrived, commands) = (Mutex::default(), Mutex::default());
        let state = Arc::new(State { fault: Mutex::new(fault), tls, acceptor, arrived, commands });
        let address = listener.local_addr().expect("a bound port");
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, task, state, certificate }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate for `localhost` and `0.0.0.0`, in PEM.
    pub fn certificate(&self) -> &[u8] {
        self.certificate.as_bytes()
    }

    /// What arrived so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        lock(&self.state.arrived).clone()
    }

    /// The commands that came so far, without the mails themselves.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.state.commands).clone()
    }

    /// Misbehaves differently from the next connection on.
    pub fn set_fault(&self, fault: Fault) {
        *lock(&self.state.fault) = fault;
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn identity() -> (TlsAcceptor, String) {
    let names = ["localhost".to_owned(), IpAddr::from(Ipv4Addr::UNSPECIFIED).to_string()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a key that fits");
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // The connections end with the server: a set drops its tasks.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let fault = *lock(&state.fault);
            match fault {
                Fault::HangUp => return,
                Fault::Silence => return std::future::pending().await,
                _ => {}
            }
            if state.tls == Tls::Implicit {
                if let Ok(stream) = state.acceptor.accept(stream).await {
                    talk(&mut BufReader::new(stream), &state, fault, true, true).await;
                }
                return;
            }
            let mut stream = BufReader::new(stream);
            if talk(&mut stream, &state, fault, false, true).await == End::StartTls
                && let Ok(stream) = state.acceptor.accept(stream.into_inner()).await
            {
                talk(&mut BufReader::new(stream), &state, fault, true, false).await;
            }
        });
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Closed,
    StartTls,
}

async fn talk<S>(stream: &mut BufReader<S>, state: &State, fault: Fault, encrypted: bool, greet: bool) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut rcpt, mut login) = (String::new(), None);
    if greet {
        say(stream, "220 test ESMTP").await;
    }
    while let Some(line) = read_line(stream).await {
        lock(&state.commands).push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let starttls = if state.tls == Tls::Start && !encrypted { "250-STARTTLS\r\n" } else { "" };
                say(stream, &format!("250-test\r\n{starttls}250-AUTH PLAIN\r\n250 8BITMIME")).await;
            }
            "STARTTLS" => {
                say(stream, "220 go on").await;
                return End::StartTls;
            }
            "AUTH" if fault == Fault::WrongPassword => say(stream, "535 5.7.8 no").await,
            "AUTH" => {
                login = line.rsplit(' ').next().map(str::to_owned);
                say(stream, "235 welcome").await;
            }
            "RCPT" => {
                rcpt = line;
                say(stream, if let Fault::Recipient(answer) = fault { answer } else { "250 ok" }).await;
            }
            "DATA" => {
                say(stream, "354 go on").await;
                let Some(source) = read_mail(stream).await else { return End::Closed };
                let refused = if let Fault::Content(answer) = fault { Some(answer) } else { None };
                if refused.is_none() {
                    let (rcpt, login) = (rcpt.clone(), login.clone());
                    lock(&state.arrived).push(Arrived { rcpt, source, encrypted, login });
                }
                if fault == Fault::DropAfterData {
                    return End::Closed;
                }
                say(stream, refused.unwrap_or("250 taken")).await;
            }
            "QUIT" if fault == Fault::HangAtQuit => std::future::pending().await,
            "QUIT" => {
                say(stream, "221 bye").await;
                return End::Closed;
            }
            _ => say(stream, "250 ok").await,
        }
    }
    End::Closed
}

async fn say<S: AsyncWrite + AsyncRead + Unpin>(stream: &mut BufReader<S>, line: &str) {
    // A sender that has gone is found out at the next read.
    drop(stream.write_all(format!("{line}\r\n").as_bytes()).await);
    drop(stream.flush().await);
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(read) if read > 0 => Some(line.trim_end().to_owned()),
        _ => None,
    }
}

async fn read_mail<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut source = String::new();
    loop {
        let line = read_line(stream).await?;
        if line == "." {
            return Some(source);
        }
        source.push_str(line.strip_prefix('.').unwrap_or(&line));
        source.push('\n');
    }
}
