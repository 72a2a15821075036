//! How commands speak: for people, or as one JSON document.

use serde::Serialize;
use std::io::{self, Write as _};

/// How the answer of a command is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// As JSON, or for people.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes `answer` as JSON where that was asked for, and otherwise what `text` makes of it.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn say<T: Serialize>(self, answer: &T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        let mut to = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut to, answer)?;
            writeln!(to)?;
        } else {
            let text = text(answer);
            to.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                writeln!(to)?;
            }
        }
        to.flush()
    }
}

/// Rows under their headings, in columns as wide as what stands in them; a sentence where there are none.
pub fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return "There are none.\n".to_owned();
    }
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// The one thing that is said without the log: it may be what could not be started. Where nobody can hear it, the exit
/// code still says the outcome.
pub fn complain(what: &str) {
    drop(writeln!(io::stderr(), "{what}"));
}
