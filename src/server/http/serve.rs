//! Takes connections and speaks HTTP/1.1 on them, with limits on everything a client could hold on to.
//!
//! What holds: at most `connections` at once (further ones wait in the kernel's queue); a head within `header_timeout`,
//! of at most `head_limit` bytes and `field_limit` fields (431); a URL of at most `url_limit` bytes (414); exactly one
//! `Host` and one way to read a body's end (400, RFC 9112 sections 3.2 and 6.3); `idle_timeout` between requests and for
//! answers that are not read. A request with a chunked body, or one whose body nobody read, is its connection's last, and
//! its answer says so. The end is told in [`super::stopping`].

use super::{
    access_log,
    headers::Headers,
    stopping::{self, Stages, Stopping, Told},
    wire::{Pulse, Wire},
};
use crate::{
    domain::problem::{Code, Problem},
    server::{metrics::Metrics, settings},
};
use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::{HeaderValue, Request, Version, header},
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Bytes kept per connection and direction; the largest head fits.
const BUFFER: usize = 64 * 1024;
/// Pause after the system would not give us a connection: it is out of something, and asking at once does not help.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Serves `app` on `listener` until `stop`, then ends in the order of `stopping.rs`. Answers when the drain time is
/// over, which may lie ahead.
///
/// # Errors
/// None today: what goes wrong while connections are taken is logged and tried again.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    settings: &settings::Server,
    metrics: Metrics,
    stop: CancellationToken,
) -> io::Result<Instant> {
    let slots = Arc::new(Semaphore::new(settings.connections));
    let door = Arc::new(Door::new(app, settings, metrics));
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, peer, slot)) => {
                if failing {
                    tracing::info!("connections are taken again");
                }
                failing = false;
                Arc::clone(&door).take(stream, peer, slot);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "cannot take connections; trying again");
                }
                failing = true;
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    let taken = |stream, peer, slot| Arc::clone(&door).take(stream, peer, slot);
    Ok(stopping::stop((listener, &slots), taken, settings, &door.stages).await)
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

/// The client went away before we got to it; says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What all connections share.
struct Door {
    app: Router,
    http: http1::Builder,
    headers: Headers,
    header: Duration,
    idle: Duration,
    url_limit: usize,
    metrics: Metrics,
    stages: Stages,
}

impl Door {
    fn new(app: Router, settings: &settings::Server, metrics: Metrics) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(settings.head_limit)
            .max_headers(settings.field_limit)
            .max_buf_size(BUFFER)
            .half_close(false);
        Self {
            app: app.with_state(()),
            http,
            headers: Headers::new(&settings.public_url),
            header: Duration::from_secs(settings.header_timeout),
            idle: Duration::from_secs(settings.idle_timeout),
            url_limit: settings.url_limit,
            metrics,
            stages: Stages::default(),
        }
    }

    /// Speaks on a connection, on a task of its own.
    fn take(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        let connections = self.stages.connections.clone();
        connections.spawn(self.connection(stream, peer, slot));
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection without TCP_NODELAY");
        }
        let _open = self.metrics.connection();
        let pulse = Arc::new(Pulse::new(self.header, self.idle));
        let service = service_fn(|request| self.answer(request, peer, &pulse));
        let io = TokioIo::new(Wire::new(stream, Arc::clone(&pulse)));
        let connection = self.http.serve_connection(io, service);
        let (overdue, mut stages) = (pulse.overdue(), self.stages.told());
        tokio::pin!(connection, overdue);
        loop {
            tokio::select! {
                // First the connection, then the watch: the watch sees what the connection has just done.
                biased;
                result = &mut connection => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "connection ended");
                    }
                    break;
                }
                () = &mut overdue => {
                    tracing::debug!("connection cut: too slow or idle for too long");
                    break;
                }
                Some(told) = stages.next() => match told {
                    Told::Closing => connection.as_mut().graceful_shutdown(),
                    Told::Cut => break,
                },
            }
        }
        drop(slot);
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        pulse: &Arc<Pulse>,
    ) -> Result<Response, Infallible> {
        let _working = pulse.work();
        if let Some(problem) = refusal(&request, pulse, self.url_limit) {
            self.metrics.refused_before_routing(access_log::method(request.method()), problem.status);
            tracing::info!(status = problem.status, reason = problem.detail, "request refused before routing");
            let mut response = problem.into_response();
            self.headers.apply(response.headers_mut());
            close_after(&mut response);
            return Ok(response);
        }
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let read = (!request.body().is_end_stream()).then(Arc::<AtomicBool>::default);
        let mut request = request.map(|body| match &read {
            Some(read) => Body::new(Watched { body, read: Arc::clone(read) }),
            None => Body::empty(),
        });
        request.extensions_mut().insert(ConnectInfo(peer));
        if self.stages.has_begun() {
            request.extensions_mut().insert(Stopping);
        }
        let mut response = self.app.clone().oneshot(request).await?;
        // A connection that ends because nobody read the body says so, or the client would send its next request into it.
        // So does every connection of a server that stops, and it is asked here again: the answer may have taken a while.
        let is_unread = read.is_some_and(|read| !read.load(Ordering::Relaxed));
        if chunked || is_unread || self.stages.has_begun() {
            close_after(&mut response);
        }
        Ok(response)
    }
}

/// A request's body that notes whether it was read to its end.
struct Watched {
    body: Incoming,
    read: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if self.body.is_end_stream() || matches!(polled, Poll::Ready(None)) {
            self.read.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn close_after(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

fn refusal(request: &Request<Incoming>, pulse: &Pulse, url_limit: usize) -> Option<Problem> {
    let malformed = |detail: &str| Some(Problem::new(Code::MalformedRequest, 400, detail));
    if pulse.is_ambiguous() {
        return malformed("The length of the request's body is stated in two ways.");
    }
    let uri = request.uri();
    // `GET x:y` names an authority and no path (RFC 9112, 3.2.3); nobody behind here expects that.
    if !uri.path().starts_with('/') {
        return malformed("The request names no path.");
    }
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    if authority + uri.path_and_query().map_or(0, |path| path.as_str().len()) > url_limit {
        return Some(Problem::new(Code::TooLarge, 414, "The address of the request is too long."));
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return malformed("A request names its host exactly once.");
    }
    None
}

#[cfg(test)]
#[path = "stopping_tests.rs"]
mod stopping_tests;
#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
