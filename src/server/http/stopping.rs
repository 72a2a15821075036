//! The end of a server, in an order in which no client loses a request that it had good reason to send.
//!
//! 1. The server is not ready any more, and every answer says `Connection: close`.
//! 2. Connections that wait in the kernel's queue are taken; then nobody listens any more.
//! 3. Connections without a request stay for `drain_idle` seconds: a proxy may be sending on one of them just now. What
//!    comes is answered, and the connection closed with it.
//! 4. Then connections without a request are closed.
//! 5. Requests that still run `drain` seconds after the beginning are cut.

use crate::server::settings;
use futures::{FutureExt as _, Stream, stream::FuturesUnordered};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a cut connection has to notice that it is cut, unless a handler blocks its thread.
const CUT: Duration = Duration::from_secs(1);

/// In the extensions of requests that come while the server stops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopping;

/// How far the end has come; connections look here.
#[derive(Debug, Default)]
pub(super) struct Stages {
    begun: AtomicBool,
    /// Connections without a request close.
    pub(super) closing: CancellationToken,
    /// All connections close.
    pub(super) cut: CancellationToken,
    /// The connections' tasks.
    pub(super) connections: TaskTracker,
}

/// What a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Close without a request, or with the answer to the one that runs.
    Closing,
    /// Close.
    Cut,
}

impl Stages {
    /// What a connection is told, when it is. Connections look whenever they move, and to look costs next to nothing; to
    /// ask the tokens themselves would take locks that all connections share.
    pub(super) fn told(&self) -> impl Stream<Item = Told> + Unpin {
        let closing = self.closing.cancelled().map(|()| Told::Closing).left_future();
        let cut = self.cut.cancelled().map(|()| Told::Cut).right_future();
        [closing, cut].into_iter().collect::<FuturesUnordered<_>>()
    }

    /// Whether the server stops.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Relaxed)
    }
}

/// Goes through the stages; `take` gets the connections that still waited. Comes back when no connection is left, and
/// answers when the drain time is over.
pub(super) async fn stop(
    (listener, slots): (TcpListener, &Arc<Semaphore>),
    take: impl Fn(TcpStream, SocketAddr, OwnedSemaphorePermit),
    settings: &settings::Server,
    stages: &Stages,
) -> Instant {
    let begin = Instant::now();
    let end = begin + Duration::from_secs(settings.drain);
    let idle_end = (begin + Duration::from_secs(settings.drain_idle)).min(end);
    stages.begun.store(true, Relaxed);
    take_waiting((listener, slots), take, idle_end).await;
    stages.connections.close();
    tracing::info!(open = stages.connections.len(), "no new connections; letting requests end");
    if timeout_at(idle_end, stages.connections.wait()).await.is_ok() {
        return end;
    }
    stages.closing.cancel();
    if timeout_at(end, stages.connections.wait()).await.is_err() {
        tracing::warn!("requests still running at the end of the drain time were cut");
        stages.cut.cancel();
        let _ = timeout(CUT, stages.connections.wait()).await;
    }
    end
}

/// Takes what the kernel has queued, as far as there is room until `end`. The system is asked directly: the runtime may
/// not have heard yet that somebody waits.
async fn take_waiting(
    (listener, slots): (TcpListener, &Arc<Semaphore>),
    take: impl Fn(TcpStream, SocketAddr, OwnedSemaphorePermit),
    end: Instant,
) {
    let listener = match listener.into_std() {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "connections that waited were not taken"),
    };
    loop {
        let slot = Arc::clone(slots).acquire_owned();
        let Ok(Ok(slot)) = timeout_at(end, slot).await else { return };
        // An error is the end, too: mostly it says that nobody waits.
        let Ok((stream, peer)) = listener.accept() else { return };
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        match stream {
            Ok(stream) => take(stream, peer, slot),
            Err(error) => tracing::debug!(%error, "a connection that waited was lost"),
        }
    }
}
