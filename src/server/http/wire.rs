//! One connection's bytes on their way to hyper: counts them, so that the two things hyper does not hold are held.
//!
//! - **Time.** hyper has one timer for "waits for a request" and "reads its head". Here each has its own: a head that has
//!   begun must be complete within the header limit, a connection without a request may be idle for the idle limit, and
//!   an answer that the client does not read is idle too. While a request is being worked on nothing is cut.
//! - **Framing.** A head with both `Content-Length` and `Transfer-Encoding` (request smuggling, RFC 9112 section 6.3) is
//!   noticed; hyper alone would drop the length and go on.
//!
//! And a connection that is closed in the middle of a request's body is read for a moment longer, so that the client gets
//! to see the answer instead of a reset (RFC 9112 section 9.6).

use super::framing::{Framing, Part};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, sleep_until},
};

/// How long, and for how many bytes, a closed connection is still read.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// What connection, service and watch know of each other. All on one task, so the order of stores does not matter.
#[derive(Debug)]
pub(super) struct Pulse {
    start: Instant,
    header: Duration,
    idle: Duration,
    /// When the connection is overdue, in milliseconds after `start`.
    due: AtomicU64,
    /// A request is being worked on.
    busy: AtomicBool,
    /// A head has begun and is not complete.
    in_head: AtomicBool,
    ambiguous: AtomicBool,
}

impl Pulse {
    /// A fresh connection: its first head is awaited no longer than `header`.
    pub(super) fn new(header: Duration, idle: Duration) -> Self {
        let pulse = Self {
            start: Instant::now(),
            header,
            idle,
            due: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            in_head: AtomicBool::new(false),
            ambiguous: AtomicBool::new(false),
        };
        pulse.allow(header);
        pulse
    }

    /// The service has a request. Until the guard is dropped the connection is never overdue.
    pub(super) fn work(self: &Arc<Self>) -> Working {
        self.busy.store(true, Relaxed);
        Working(Arc::clone(self))
    }

    /// A head came whose end of body can be read in two ways.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.ambiguous.load(Relaxed)
    }

    /// Resolves once the connection is overdue. Must be polled whenever the connection's own future is.
    pub(super) async fn overdue(&self) {
        let mut sleep = Box::pin(sleep_until(self.due()));
        std::future::poll_fn(move |cx| {
            loop {
                let due = self.due();
                if due < sleep.deadline() {
                    sleep.as_mut().reset(due);
                }
                ready!(sleep.as_mut().poll(cx));
                let due = self.due();
                if due <= Instant::now() {
                    return Poll::Ready(());
                }
                sleep.as_mut().reset(due);
            }
        })
        .await;
    }

    fn due(&self) -> Instant {
        if self.busy.load(Relaxed) {
            return Instant::now() + self.idle.max(Duration::from_millis(1));
        }
        self.start + Duration::from_millis(self.due.load(Relaxed))
    }

    fn allow(&self, time: Duration) {
        let due = (self.start.elapsed() + time).as_millis();
        self.due.store(u64::try_from(due).unwrap_or(u64::MAX), Relaxed);
    }

    fn moved(&self, head: bool) {
        self.in_head.store(head, Relaxed);
        self.allow(if head { self.header } else { self.idle });
    }

    fn wrote(&self) {
        if !self.in_head.load(Relaxed) {
            self.allow(self.idle);
        }
    }
}

/// A request that is being worked on.
pub(super) struct Working(Arc<Pulse>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.busy.store(false, Relaxed);
        self.0.moved(self.0.in_head.load(Relaxed));
    }
}

/// A stream that keeps `Pulse` up to date.
pub(super) struct Wire<T> {
    stream: T,
    pulse: Arc<Pulse>,
    framing: Framing,
    /// Bytes still read after the end; `None` until the connection is shut down.
    linger: Option<usize>,
}

impl<T> Wire<T> {
    pub(super) const fn new(stream: T, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, framing: Framing::new(), linger: None }
    }

    fn saw(&mut self, bytes: &[u8]) {
        let before = self.framing.part;
        self.framing.read(bytes);
        let in_head = self.framing.part == Part::Head;
        if in_head != (before == Part::Head) {
            self.pulse.moved(in_head);
        }
        if self.framing.ambiguous {
            self.pulse.ambiguous.store(true, Relaxed);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut wire.stream).poll_read(cx, buf))?;
        wire.saw(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = ready!(Pin::new(&mut wire.stream).poll_write(cx, buf))?;
        wire.pulse.wrote();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = ready!(Pin::new(&mut wire.stream).poll_write_vectored(cx, bufs))?;
        wire.pulse.wrote();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.linger.is_none() {
            ready!(Pin::new(&mut wire.stream).poll_shutdown(cx))?;
            wire.pulse.in_head.store(false, Relaxed);
            wire.pulse.allow(LINGER);
        }
        if wire.framing.part == Part::Between {
            return Poll::Ready(Ok(()));
        }
        let mut scrap = [0_u8; 8192];
        loop {
            let left = *wire.linger.get_or_insert(LINGER_BYTES);
            let mut buf = ReadBuf::new(&mut scrap);
            ready!(Pin::new(&mut wire.stream).poll_read(cx, &mut buf))?;
            let read = buf.filled().len();
            if read == 0 || read >= left {
                return Poll::Ready(Ok(()));
            }
            wire.linger = Some(left.saturating_sub(read));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_limit_holds_for_its_own_part() {
        let pulse = Arc::new(Pulse::new(Duration::from_secs(10), Duration::from_secs(75)));
        let after = async |pulse: &Pulse| {
            let start = Instant::now();
            pulse.overdue().await;
            start.elapsed().as_secs()
        };
        assert_eq!(after(&pulse).await, 10, "the first head");
        pulse.moved(false);
        assert_eq!(after(&pulse).await, 75, "idle");
        pulse.moved(true);
        pulse.wrote();
        assert_eq!(after(&pulse).await, 10, "a later head");
        let working = pulse.work();
        let busy = tokio::time::timeout(Duration::from_secs(1000), pulse.overdue()).await;
        assert!(busy.is_err(), "never while a request is worked on");
        pulse.moved(false);
        drop(working);
        assert_eq!(after(&pulse).await, 75, "an answer nobody reads");
    }

    #[tokio::test(start_paused = true)]
    async fn blank_lines_buy_no_time() {
        let pulse = Arc::new(Pulse::new(Duration::from_secs(10), Duration::from_secs(75)));
        let due = pulse.due();
        tokio::time::advance(Duration::from_secs(9)).await;
        Wire::new((), Arc::clone(&pulse)).saw(b"\r\n\r\n");
        assert_eq!(pulse.due(), due);
    }
}
