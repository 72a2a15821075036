//! Real sockets: what a client may do to a connection, and what it gets.

use super::*;
use crate::server::http::limits::{Limits, hold};
use axum::{
    Extension,
    body::Bytes,
    middleware::{self, Next},
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
    task::JoinHandle,
};

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) stop: CancellationToken,
    pub(super) done: JoinHandle<io::Result<Instant>>,
    pub(super) metrics: Metrics,
    /// Told by the handler of `/begun`.
    pub(super) begun: Arc<Notify>,
}

pub(super) fn settings() -> settings::Server {
    settings::Server {
        trusted_proxies: Vec::new(),
        public_url: "https://door.test".to_owned(),
        address: String::new(),
        site_name: "Doorward".to_owned(),
        body_limit: 65536,
        head_limit: 16384,
        field_limit: 100,
        url_limit: 8192,
        header_timeout: 1,
        request_timeout: 30,
        idle_timeout: 2,
        drain: 1,
        drain_idle: 0,
        connections: 64,
    }
}

pub(super) async fn start(settings: settings::Server) -> Server {
    let begun = Arc::new(Notify::new());
    let telling = Arc::clone(&begun);
    let app = Router::new()
        .route(
            "/begun",
            get(|| async move {
                telling.notify_one();
                tokio::time::sleep(Duration::from_millis(300)).await;
                "begun"
            }),
        )
        .route(
            "/stops",
            get(|stopping: Option<Extension<Stopping>>| async move { if stopping.is_some() { "yes" } else { "no" } }),
        )
        .route("/", get(|| async { "hello" }))
        .route("/who", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/refuse", post(|| async { axum::http::StatusCode::FORBIDDEN }))
        .route(
            "/slow/{ms}",
            get(|axum::extract::Path(ms): axum::extract::Path<u64>| async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                "slow"
            }),
        )
        .layer(middleware::from_fn_with_state(Limits::new(&settings), hold::<Next>));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (token, metrics) = (stop.clone(), Metrics::new());
    let counted = metrics.clone();
    let done = tokio::spawn(async move { serve(listener, app, &settings, counted, token).await });
    Server { address, stop, done, metrics, begun }
}

impl Server {
    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `text` and reads until the server closes.
    async fn say(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    read.expect("the server closes").expect("no reset");
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn one(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await.unwrap();
    let mut bytes = vec![0; 4096];
    let read = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

pub(super) fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

#[tokio::test]
async fn a_handler_knows_its_peer_and_the_server_does_not_name_itself() {
    let server = start(settings()).await;
    let mut stream = server.connect().await;
    let answer = one(&mut stream, "/who").await;
    assert!(answer.ends_with(&stream.local_addr().unwrap().to_string()), "{answer}");
    assert!(answer.contains("\r\ndate: ") && !answer.contains("\r\nserver: "), "{answer}");
    assert_eq!(status(&one(&mut stream, "/").await), "200", "the connection is kept");
}

#[tokio::test]
async fn slow_headers_are_cut() {
    let server = start(settings()).await;
    let start = Instant::now();
    let mut stream = server.connect().await;
    let (mut reader, mut writer) = stream.split();
    let mut bytes = Vec::new();
    tokio::select! {
        _ = reader.read_to_end(&mut bytes) => {}
        () = async {
            let _ = writer.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n").await;
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let _ = writer.write_all(b"x").await;
            }
        } => {}
    }
    assert!((1..3).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    let start = Instant::now();
    rest(&mut server.connect().await).await;
    assert!((1..2).contains(&start.elapsed().as_secs()), "a silent client: {:?}", start.elapsed());
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_limit_but_not_the_idle_limit() {
    let server = start(settings()).await;
    let mut stream = server.connect().await;
    one(&mut stream, "/").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // From before the answer: a busy machine may bring it to us when the server has been idle for a while.
    let start = Instant::now();
    assert_eq!(status(&one(&mut stream, "/").await), "200");
    assert_eq!(rest(&mut stream).await, "");
    assert!((2..6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slow_handler_is_not_idle() {
    let server = start(settings()).await;
    let mut stream = server.connect().await;
    assert_eq!(status(&one(&mut stream, "/slow/3500").await), "200");
}

#[tokio::test]
async fn a_body_whose_end_is_not_clear_is_refused() {
    let server = start(settings()).await;
    for fields in ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let text =
            format!("POST /length HTTP/1.1\r\nhost: h\r\n{fields}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n");
        let answer = tokio::spawn({
            let mut stream = server.connect().await;
            async move {
                stream.write_all(text.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                rest(&mut stream).await
            }
        });
        let answer = answer.await.unwrap();
        assert_eq!(status(&answer), "400", "{answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains("strict-transport-security"),
            "{answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "nothing after it is answered: {answer}");
    }
    for fields in ["content-length: 4\r\ncontent-length: 5", "content-length: -1", "transfer-encoding: gzip"] {
        let answer = server.say(&format!("POST /length HTTP/1.1\r\nhost: h\r\n{fields}\r\n\r\nabcd")).await;
        assert_eq!(status(&answer), "400", "{fields}: {answer}");
    }
}

#[tokio::test]
async fn a_chunked_body_is_read_and_ends_the_connection() {
    let server = start(settings()).await;
    let text = "POST /length HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
    let mut stream = server.connect().await;
    stream.write_all(text.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(status(&answer) == "200" && answer.contains("connection: close") && answer.ends_with('4'), "{answer}");
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = start(settings()).await;
    for fields in ["", "host: a\r\nhost: b\r\n"] {
        assert_eq!(status(&server.say(&format!("GET / HTTP/1.1\r\n{fields}\r\n")).await), "400", "{fields:?}");
    }
    assert_eq!(status(&server.say("GET / HTTP/1.0\r\n\r\n").await), "200");
}

#[tokio::test]
async fn what_is_too_long_is_refused_by_the_settings() {
    let smaller = settings::Server { head_limit: 8192, field_limit: 40, url_limit: 1024, ..settings() };
    for settings in [settings(), smaller] {
        too_long(settings).await;
    }
}

async fn too_long(settings: settings::Server) {
    let settings::Server { head_limit, field_limit, url_limit, .. } = settings;
    let server = start(settings).await;
    let close = "host: h\r\nconnection: close";
    let url = |length: usize| format!("GET /?{} HTTP/1.1\r\n{close}\r\n\r\n", "a".repeat(length - 2));
    assert_eq!(status(&server.say(&url(url_limit)).await), "200");
    assert_eq!(status(&server.say(&url(url_limit + 1)).await), "414");
    let field = |length: usize| format!("GET / HTTP/1.1\r\n{close}\r\nx: {}\r\n\r\n", "a".repeat(length));
    assert_eq!(status(&server.say(&field(head_limit - 1024)).await), "200");
    assert_eq!(status(&server.say(&field(head_limit + 1024)).await), "431");
    assert_eq!(status(&server.say(&field(200 * 1024)).await), "431");
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{close}\r\n{}\r\n", "x: y\r\n".repeat(count - 2));
    assert_eq!(status(&server.say(&fields(field_limit)).await), "200");
    assert_eq!(status(&server.say(&fields(field_limit + 1)).await), "431");
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_still_reads_its_answer() {
    let server = start(settings()).await;
    for (path, expected) in [("/length", "413"), ("/refuse", "413")] {
        let start = Instant::now();
        let body = "x".repeat(1024 * 1024);
        let head = format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.expect("no reset while it writes");
        assert_eq!(status(&rest(&mut stream).await), expected);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    let body = "x".repeat(60_000);
    let mut stream = server.connect().await;
    let head = format!("POST /refuse HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), "403", "a handler that does not read the body");
}

#[tokio::test]
async fn one_connection_too_many_waits_for_another_to_end() {
    let server = start(settings::Server { connections: 2, ..settings() }).await;
    let (mut first, mut second, mut third) = (server.connect().await, server.connect().await, server.connect().await);
    one(&mut first, "/").await;
    one(&mut second, "/").await;
    let waits = tokio::time::timeout(Duration::from_millis(300), one(&mut third, "/")).await;
    assert!(waits.is_err(), "{waits:?}");
    drop(first);
    let mut bytes = [0; 12];
    tokio::time::timeout(Duration::from_secs(2), third.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(&bytes, b"HTTP/1.1 200");
}

#[tokio::test]
async fn at_the_end_running_requests_are_answered_and_idle_connections_closed() {
    let server = start(settings()).await;
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    one(&mut idle, "/").await;
    busy.write_all(b"GET /slow/500 HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err(), "no new connections");
    assert_eq!(status(&rest(&mut busy).await), "200");
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_comes_even_if_a_request_does_not() {
    let server = start(settings()).await;
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET /slow/60000 HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    server.stop.cancel();
    server.done.await.unwrap().unwrap();
    assert!((1..2).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}
