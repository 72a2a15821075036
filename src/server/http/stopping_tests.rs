//! Real sockets at the end of a server: what is still answered, and until when.

use super::{
    tests::{Server, one, rest, settings, start, status},
    *,
};
use tokio::io::AsyncWriteExt as _;

fn patient() -> settings::Server {
    settings::Server { drain: 10, drain_idle: 3, ..settings() }
}

/// Waits until nobody listens there any more.
async fn nobody_listens(server: &Server) {
    for _ in 0..500 {
        if TcpStream::connect(server.address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it still listens");
}

#[tokio::test]
async fn a_request_on_an_idle_connection_just_after_the_stop_gets_its_answer_and_is_the_last() {
    let server = start(patient()).await;
    let (mut proxy, mut unused) = (server.connect().await, server.connect().await);
    assert!(!one(&mut proxy, "/").await.contains("connection: close"));
    server.stop.cancel();
    nobody_listens(&server).await;
    proxy.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let answer = rest(&mut proxy).await;
    assert!(status(&answer) == "200" && answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(rest(&mut unused).await, "", "one that nobody uses is closed after a while");
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_that_wait_in_the_kernels_queue_at_the_stop_are_answered() {
    let server = start(settings::Server { connections: 1, ..patient() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow/300 HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        waiting.push(stream);
    }
    server.stop.cancel();
    assert_eq!(status(&rest(&mut busy).await), "200");
    for mut stream in waiting {
        let answer = rest(&mut stream).await;
        assert!(status(&answer) == "200" && answer.contains("connection: close\r\n"), "{answer}");
    }
    nobody_listens(&server).await;
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_was_on_its_way_at_the_stop_says_that_it_is_the_last() {
    let server = start(patient()).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /begun HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    server.begun.notified().await;
    server.stop.cancel();
    let answer = rest(&mut busy).await;
    assert!(status(&answer) == "200" && answer.contains("connection: close\r\n"), "{answer}");
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handler_knows_that_the_server_stops() {
    let server = start(patient()).await;
    let mut probe = server.connect().await;
    assert!(one(&mut probe, "/stops").await.ends_with("no"));
    server.stop.cancel();
    nobody_listens(&server).await;
    probe.write_all(b"GET /stops HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    assert!(rest(&mut probe).await.ends_with("yes"));
}

#[tokio::test]
async fn connections_are_counted_as_long_as_they_are_open() {
    let server = start(patient()).await;
    let count = || {
        let text = server.metrics.text(&crate::server::metrics::Sight::default());
        let line = text.lines().find_map(|line| line.strip_prefix("doorward_connections ")).unwrap();
        line.parse::<i64>().unwrap()
    };
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    one(&mut first, "/").await;
    one(&mut second, "/").await;
    assert_eq!(count(), 2);
    drop((first, second));
    for _ in 0..500 {
        if count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} connections", count());
}
