//! Where the log's lines go out: standard output. Every line is written before whoever logs it goes on, but for those that
//! say that a request was answered: these wait for each other for a moment, and go out together.

use doorward::server::http::ANSWERS_LOG;
use std::{
    fs::File,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// How long the line of an answer waits for others at most, if nothing else is logged.
const MOMENT: Duration = Duration::from_millis(10);
/// Bytes that wait at most: whoever brings more writes all of it.
const ROOM: usize = 64 * 1024;
/// Bytes that a pipe takes in one piece (Linux, pipe(7), `PIPE_BUF`).
const PIPE: usize = 4096;

/// Lines on their way out.
#[derive(Clone)]
pub struct Lines(Arc<Inner>);

struct Inner {
    /// What has not been handed to the system, in the order in which it was logged.
    waiting: Mutex<Vec<u8>>,
    /// Something waits.
    filled: Condvar,
    /// The stream, and the memory of what is being written to it. To be taken before `waiting`.
    out: Mutex<(File, Vec<u8>)>,
}

impl Lines {
    /// Starts the thread that writes what has waited long enough; it ends with the process.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn to(out: File) -> io::Result<Self> {
        let lines = Self::new(out);
        let these = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || these.write_for_ever())?;
        Ok(lines)
    }

    fn new(out: File) -> Self {
        let (waiting, filled, out) = (Mutex::default(), Condvar::new(), Mutex::new((out, Vec::new())));
        Self(Arc::new(Inner { waiting, filled, out }))
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// The stream does not take it; it is lost.
    pub fn write_out(&self) -> io::Result<()> {
        let mut out = locked(&self.0.out);
        let (file, lines) = &mut *out;
        lines.clear();
        std::mem::swap(lines, &mut locked(&self.0.waiting));
        let mut outcome = Ok(());
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let (run, further) = rest.split_at(run(rest));
            // One that fails takes no others with it.
            outcome = outcome.and(file.write_all(run));
            rest = further;
        }
        outcome
    }

    fn write_for_ever(&self) {
        loop {
            let waiting = self.0.filled.wait_while(locked(&self.0.waiting), |waiting| waiting.is_empty());
            drop(waiting);
            thread::sleep(MOMENT);
            // What cannot be logged, as on a full disk, is lost.
            let _ = self.write_out();
        }
    }

    /// Takes a line. Whether it may wait.
    fn take(&self, line: &[u8], may_wait: bool) -> bool {
        let mut waiting = locked(&self.0.waiting);
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(line);
        let waits = may_wait && waiting.len() < ROOM;
        drop(waiting);
        if waits && was_empty {
            self.0.filled.notify_one();
        }
        waits
    }
}

/// How many bytes to write at once: whole lines, and no more than a pipe takes in one piece, so that nobody else who writes
/// to it comes in between. At least one line.
fn run(lines: &[u8]) -> usize {
    let is_end = |byte: &u8| *byte == b'\n';
    let within = lines.iter().take(PIPE).rposition(is_end).or_else(|| lines.iter().position(is_end));
    within.map_or(lines.len(), |end| end + 1)
}

/// Whoever panicked while it held the lock has left whole lines.
fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One line.
pub struct Line<'a> {
    lines: &'a Lines,
    may_wait: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.lines.take(line, self.may_wait) {
            self.lines.write_out()?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, may_wait: false }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        Line { lines: self, may_wait: about.target() == ANSWERS_LOG }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path, time::Instant};
    use tempfile::TempDir;

    fn lines() -> (Lines, TempDir) {
        let folder = TempDir::new().unwrap();
        (Lines::to(File::create(folder.path().join("log")).unwrap()).unwrap(), folder)
    }

    fn written(folder: &Path) -> String {
        fs::read_to_string(folder.join("log")).unwrap()
    }

    fn write(lines: &Lines, may_wait: bool, line: &str) {
        Line { lines, may_wait }.write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn lines_of_answers_are_written_soon_though_nothing_else_is_logged() {
        let (lines, folder) = lines();
        for round in 1..=3 {
            write(&lines, true, "answered\n");
            let begun = Instant::now();
            while written(folder.path()) != "answered\n".repeat(round) {
                assert!(begun.elapsed() < Duration::from_secs(20), "{}", written(folder.path()));
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn any_other_line_is_written_at_once_behind_those_that_waited() {
        let (lines, folder) = lines();
        for round in 1..=100 {
            write(&lines, true, "answered\n");
            write(&lines, false, "a sign-in was refused\n");
            assert_eq!(written(folder.path()), "answered\na sign-in was refused\n".repeat(round));
        }
    }

    #[test]
    fn whoever_brings_more_than_there_is_room_for_writes_all_of_it() {
        let (_, folder) = lines();
        // Without the thread.
        let lines = Lines::new(File::create(folder.path().join("log")).unwrap());
        let line = "x".repeat(ROOM / 4 - 1) + "\n";
        for _ in 0..3 {
            write(&lines, true, &line);
            assert_eq!(written(folder.path()), "");
        }
        write(&lines, true, &line);
        assert_eq!(written(folder.path()), line.repeat(4));
    }

    #[test]
    fn whole_lines_are_written_in_pieces_that_a_pipe_takes_at_once() {
        let (short, long) = ("x".repeat(99) + "\n", "y".repeat(3 * PIPE) + "\n");
        assert_eq!(run([short.repeat(100).as_str(), "z"].concat().as_bytes()), 4000);
        assert_eq!(run([&short, &long].map(String::as_str).concat().as_bytes()), 100);
        assert_eq!(run([&long, &short].map(String::as_str).concat().as_bytes()), long.len());
        assert_eq!(run(b"without an end"), 14);
    }

    #[test]
    fn only_lines_of_answers_wait() {
        let (lines, _folder) = lines();
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("somebody signed in");
            assert!(locked(&lines.0.waiting).is_empty());
            let held = locked(&lines.0.out);
            tracing::info!(target: ANSWERS_LOG, "answered");
            assert!(!locked(&lines.0.waiting).is_empty());
            drop(held);
        });
    }

    #[test]
    fn lines_of_many_threads_stay_whole_and_none_is_lost() {
        let (lines, folder) = lines();
        thread::scope(|scope| {
            for thread in 0..4 {
                let lines = &lines;
                scope.spawn(move || {
                    for at in 0..500 {
                        write(lines, at % 7 != 0, &format!("{thread}:{at}\n"));
                    }
                });
            }
        });
        lines.write_out().unwrap();
        let written = written(folder.path());
        for thread in 0..4 {
            let own = written.lines().filter_map(|line| line.strip_prefix(&format!("{thread}:")));
            let expected: Vec<_> = (0..500).map(|at| at.to_string()).collect();
            assert_eq!(own.collect::<Vec<_>>(), expected, "in the order in which a thread logged them");
        }
        assert_eq!(written.lines().count(), 2_000);
    }
}
