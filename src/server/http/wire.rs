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
/// No name or value that matters here is longer, blanks before the value not counted.
const LINE_LIMIT: usize = 64;

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

/// Where in the stream of requests the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Before a head; blank lines are skipped here (RFC 9112 section 2.2).
    Between,
    Head,
    /// In a body with so many bytes to come.
    Body(u64),
    /// After this the connection is closed, so there is nothing to find any more.
    Rest,
}

#[derive(Debug)]
struct Framing {
    part: Part,
    line: Vec<u8>,
    first_line: bool,
    length: Option<u64>,
    chunked: bool,
    ambiguous: bool,
}

impl Framing {
    const fn new() -> Self {
        Self { part: Part::Between, line: Vec::new(), first_line: true, length: None, chunked: false, ambiguous: false }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.part {
                Part::Between if matches!(byte, b'\r' | b'\n') => bytes = rest,
                Part::Between => {
                    *self = Self { part: Part::Head, ..Self::new() };
                }
                Part::Head => {
                    self.head_byte(byte);
                    bytes = rest;
                }
                Part::Body(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left.saturating_sub(taken as u64);
                    self.part = if left == 0 { Part::Between } else { Part::Body(left) };
                    bytes = bytes.get(taken..).unwrap_or_default();
                }
                Part::Rest => return,
            }
        }
    }

    fn head_byte(&mut self, byte: u8) {
        let blank_before_value = matches!(byte, b' ' | b'\t') && self.line.last() == Some(&b':');
        match byte {
            b'\n' => self.end_of_line(),
            b'\r' => {}
            _ if blank_before_value => {}
            _ if self.line.len() < LINE_LIMIT => self.line.push(byte),
            _ => {}
        }
    }

    fn end_of_line(&mut self) {
        if self.line.is_empty() {
            self.end_of_head();
        } else if !self.first_line {
            self.field();
        }
        self.first_line = false;
        self.line.clear();
    }

    fn field(&mut self) {
        let Some(colon) = self.line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = self.line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.get(1..).unwrap_or_default().trim_ascii();
            let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits);
            let length = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
            // Unreadable, or two that differ: hyper refuses these as well; here they only must not be lost track of.
            self.ambiguous |= length.is_none() || self.length.is_some_and(|other| Some(other) != length);
            self.length = length.or(self.length);
        }
    }

    fn end_of_head(&mut self) {
        self.ambiguous |= self.chunked && self.length.is_some();
        self.part = match self.length {
            _ if self.ambiguous || self.chunked => Part::Rest,
            Some(length) if length > 0 => Part::Body(length),
            _ => Part::Between,
        };
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

    fn framing(text: &str) -> Framing {
        let mut framing = Framing::new();
        // One byte at a time is the worst way for it to arrive.
        text.as_bytes().chunks(1).for_each(|byte| framing.read(byte));
        let mut at_once = Framing::new();
        at_once.read(text.as_bytes());
        assert_eq!((framing.part, framing.ambiguous), (at_once.part, at_once.ambiguous));
        framing
    }

    #[test]
    fn a_length_beside_a_transfer_encoding_is_ambiguous_in_either_order_and_spelling() {
        for head in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "transfer-encoding:chunked\r\nX: y\r\nCONTENT-LENGTH:\t 0\r\n",
            "content-length: 4\ntransfer-encoding: identity\n",
            "content-length: 4\r\ncontent-length: 5\r\n",
            "content-length: +4\r\n",
            "content-length: 4, 4\r\n",
        ] {
            assert!(framing(&format!("POST / HTTP/1.1\r\n{head}\r\n")).ambiguous, "{head:?}");
        }
    }

    #[test]
    fn requests_one_after_the_other_are_told_apart() {
        let first = "POST /a HTTP/1.1\r\ncontent-length: 24\r\n\r\ntransfer-encoding: x\r\n\r\n";
        assert_eq!(framing(first).part, Part::Between);
        let second = "\r\nGET /b:c HTTP/1.1\r\nhost: h\r\n";
        assert_eq!(framing(&format!("{first}{second}")).part, Part::Head);
        let both = framing(&format!("{first}{second}\r\n"));
        assert_eq!((both.part, both.ambiguous), (Part::Between, false));
        let third = "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(framing(&format!("{first}{second}\r\n{third}")).ambiguous);
    }

    #[test]
    fn a_chunked_body_alone_is_no_fault() {
        let chunked = framing("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n");
        assert_eq!((chunked.part, chunked.ambiguous), (Part::Rest, false));
    }

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
