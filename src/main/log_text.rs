//! A line of the log as text for people, where there are no colours: it reads as the library's own, and takes less time.
//! Fields, and what is said, are still the library's to write.

use doorward::domain::time::Timestamp;
use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer, time::FormatTime},
    registry::LookupSpan,
};

/// Time, level, spans with their fields, what is said, and its fields.
pub struct Text;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'w> FormatFields<'w> + 'static> FormatEvent<S, N> for Text {
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        Time.format_time(&mut line)?;
        write!(line, " {:>5} ", event.metadata().level().as_str())?;
        let spans = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
        let mut is_in_span = false;
        for span in spans {
            is_in_span = true;
            line.write_str(span.metadata().name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                for part in ["{", fields.as_str(), "}"] {
                    line.write_str(part)?;
                }
            }
            line.write_str(":")?;
        }
        if is_in_span {
            line.write_str(" ")?;
        }
        context.format_fields(line.by_ref(), event)?;
        line.write_str("\n")
    }
}

/// When a line was logged: UTC, to the microsecond (RFC 3339).
pub struct Time;

impl Time {
    fn write(since_epoch: Duration, to: &mut impl fmt::Write) -> fmt::Result {
        let second = Timestamp(i64::try_from(since_epoch.as_secs()).unwrap_or_default()).rfc3339();
        write!(to, "{}.{:06}Z", second.trim_end_matches('Z'), since_epoch.subsec_micros())
    }
}

impl FormatTime for Time {
    #[expect(clippy::disallowed_methods, reason = "a log tells the time of the world, whatever clock is handed in")]
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        Self::write(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };
    use tracing_subscriber::{Layer, Registry, fmt::layer, layer::SubscriberExt as _};

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What some lines look like behind their time.
    fn lines(layer: impl FnOnce(Out) -> Box<dyn Layer<Registry> + Send + Sync>) -> Vec<String> {
        let out = Out::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer(out.clone())), || {
            tracing::info!("alone");
            tracing::error!(count = 3, share = 0.25, name = "a \"b\"\n", "with fields");
            let outer = tracing::error_span!("request", id = %"x-1", route = tracing::field::Empty);
            let inner = tracing::info_span!("inner");
            outer.in_scope(|| {
                outer.record("route", tracing::field::display("/login"));
                tracing::warn!(error = %io::Error::other("gone"), "in one {}", "\u{1b}[31mspan");
                inner.in_scope(|| tracing::info!(ok = true, "in two"));
            });
        });
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_once('Z').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_line_reads_as_the_library_writes_it_without_colours() {
        let make = |out: Out| move || out.clone();
        let theirs = lines(|out| layer().with_target(false).with_ansi(false).with_writer(make(out)).boxed());
        let ours = lines(|out| layer().event_format(Text).with_ansi(false).with_writer(make(out)).boxed());
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), 4, "one line each: {ours:?}");
        assert_eq!(ours[2], r"  WARN request{id=x-1 route=/login}: in one \x1b[31mspan error=gone");
    }

    #[test]
    fn times_are_those_of_rfc_3339_with_all_six_digits() {
        for (time, expected) in [
            (Duration::from_micros(1_796_000_000_000_042), "2026-11-30T00:53:20.000042Z"),
            (Duration::from_micros(951_782_399_999_999), "2000-02-28T23:59:59.999999Z"),
            (Duration::ZERO, "1970-01-01T00:00:00.000000Z"),
        ] {
            let mut text = String::new();
            Time::write(time, &mut text).unwrap();
            assert_eq!(text, expected);
        }
    }
}
