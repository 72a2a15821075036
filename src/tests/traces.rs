//! Traces: what a collector of OpenTelemetry gets of a real process, and what it does not.

use crate::harness::{Caller, PASSWORD, Process, free_address};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What came, and of which media type.
type Batches = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that keeps what it gets.
struct Collector {
    address: SocketAddr,
    batches: Batches,
}

impl Collector {
    async fn start() -> Self {
        let batches = Batches::default();
        let keep = async |State(batches): State<Batches>, headers: HeaderMap, body: Bytes| {
            let media = headers["content-type"].to_str().unwrap().to_owned();
            batches.lock().unwrap().push((media, body.to_vec()));
        };
        let app = Router::new().route("/v1/traces", post(keep)).with_state(batches.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, batches }
    }

    fn all(&self) -> Vec<u8> {
        self.batches.lock().unwrap().iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    fn has(&self, part: &[u8]) -> bool {
        self.all().windows(part.len()).any(|window| window == part)
    }
}

async fn terminated(server: &mut Process) -> i32 {
    let pid = server.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    for _ in 0..1500 {
        if let Some(status) = server.child.try_wait().unwrap() {
            return status.code().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not end");
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACE_BYTES: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];

async fn ask(caller: &Caller, flags: &str) {
    let request = caller.request(reqwest::Method::GET, "/login");
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
    assert_eq!(caller.send(request.header("traceparent", parent)).await.status, 200);
}

#[tokio::test]
async fn a_collector_gets_the_route_of_a_request_and_nothing_that_anybody_typed() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let endpoint = format!("http://{}", collector.address);
    let variables = [
        ("DOORWARD__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("DOORWARD__TELEMETRY__SERVICE_NAME", "our-accounts"),
        ("DOORWARD__REGISTRATION__CONFIRMATION", "off"),
        // The log's filter is the log's.
        ("DOORWARD__LOG__FILTER", "error"),
    ];
    let mut server = Process::start(folder.path(), &variables).await;
    let mona = server.caller();
    assert_eq!(mona.register("mona").await.status, 200);
    let token = mona.refresh().await.token();
    mona.account(&token).await;
    mona.page("/reset-confirmation?uid=u1d&token=t0ken-of-a-mail").await;
    ask(&server.caller(), "01").await;
    assert_eq!(terminated(&mut server).await, 0);
    assert!(collector.batches.lock().unwrap().iter().all(|(media, _)| media == "application/x-protobuf"));
    for part in ["our-accounts", "/actions/{name}", "/reset-confirmation", "http.route", "http.response.status_code"] {
        assert!(collector.has(part.as_bytes()), "{part}");
    }
    assert!(collector.has(env!("CARGO_PKG_VERSION").as_bytes()));
    let held = mona.held();
    for secret in [PASSWORD, "mona@example.com", "t0ken-of-a-mail", &token, &held] {
        for spelling in [secret.to_owned(), secret.replace(' ', "+"), secret.replace('@', "%40")] {
            assert!(!collector.has(spelling.as_bytes()), "{spelling}");
        }
    }
    assert!(!collector.has(&TRACE_BYTES), "a stranger's trace is not followed");
}

#[tokio::test]
async fn a_trace_goes_on_where_a_trusted_proxy_has_begun_it_and_its_word_on_sampling_holds() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let endpoint = format!("http://{}/", collector.address);
    let variables = [
        ("DOORWARD__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("DOORWARD__TELEMETRY__SAMPLE", "0.0"),
        ("DOORWARD__SERVER__TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let mut server = Process::start(folder.path(), &variables).await;
    let proxy = server.caller();
    proxy.page("/register").await;
    ask(&proxy, "01").await;
    assert_eq!(terminated(&mut server).await, 0);
    assert!(collector.has(&TRACE_BYTES) && collector.has(b"/login"), "the proxy wanted this one");
    assert!(!collector.has(b"/register"), "and of the others none is wanted");
}

#[tokio::test]
async fn a_collector_that_is_away_is_a_line_in_the_log_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_address().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let variables = [
        ("DOORWARD__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        // Read by the SDK: milliseconds between two batches.
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let mut server = Process::start(folder.path(), &variables).await;
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    for _ in 0..500 {
        assert_eq!(server.caller().page("/login").await.status, 200);
        if log().contains("does not take traces") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..10 {
        assert_eq!(server.caller().page("/login").await.status, 200);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(terminated(&mut server).await, 0);
    assert_eq!(log().matches("does not take traces").count(), 1, "{}", log());
}
