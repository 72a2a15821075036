//! `cargo xtask chaos`: the long form of the scenarios in `src/tests/chaos`, against the release binary, and their table.

use crate::site::{self, Profile};
use crate::step::{Outcome, command, run as run_command, step, target};
use crate::tools;
use std::fs;

/// Where each scenario leaves its row, as a line of JSON.
const REPORT: &str = "chaos.jsonl";

/// The columns: the name in a row, and whether it stands at the right.
const COLUMNS: [(&str, bool); 7] = [
    ("what", false),
    ("engine", false),
    ("rounds", true),
    ("tried", true),
    ("lost", true),
    ("seconds", true),
    ("notes", false),
];

/// Runs all scenarios, or those whose name begins with `scenario`, one after the other, and prints what was tried and
/// what was lost. True if that is nothing.
pub fn run(scenario: Option<&str>) -> bool {
    let report = target().join(REPORT);
    let _ = fs::remove_file(&report);
    let outcome = run_all(scenario.unwrap_or_default(), &report);
    let rows = fs::read_to_string(&report).unwrap_or_default();
    let rows: Vec<&str> = rows.lines().collect();
    println!("{}", table(&rows));
    if let Err(problem) = &outcome {
        eprintln!("error: {problem}");
    }
    let lost: u64 = rows.iter().filter_map(|row| field(row, "lost")?.parse::<u64>().ok()).sum();
    println!("{} rows, {lost} lost; the rows stand in {}", rows.len(), report.display());
    outcome.is_ok() && lost == 0 && !rows.is_empty()
}

fn run_all(scenario: &str, report: &std::path::Path) -> Outcome {
    let postgres = tools::postgres()?;
    tools::for_chaos()?;
    site::build(Profile::Release)?;
    let filter = ["chaos::full::", scenario].concat();
    let mut cargo =
        command("cargo", &["test", "--no-default-features", "--features", "ssr", "--test", "server", &filter]);
    cargo.args(["--", "--ignored", "--nocapture", "--test-threads=1"]);
    cargo.env("DOORWARD_TEST_PG_BIN", postgres);
    cargo.env("DOORWARD_CHAOS_BINARY", site::server(Profile::Release).get_program());
    cargo.env("DOORWARD_CHAOS_REPORT", report);
    step("scenarios", || run_command(&mut cargo))
}

/// The rows under their headings, in columns as wide as what stands in them.
fn table(rows: &[&str]) -> String {
    let headings = COLUMNS.map(|(name, _)| name.to_owned());
    let cells = rows.iter().map(|row| COLUMNS.map(|(name, _)| field(row, name).unwrap_or_default()));
    let lines: Vec<[String; COLUMNS.len()]> = std::iter::once(headings).chain(cells).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let mut text = String::new();
    for line in &lines {
        let mut shown = String::new();
        for (at, (cell, (_, right))) in line.iter().zip(COLUMNS).enumerate() {
            let width = width(at).unwrap_or_default();
            let cell = if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            shown.push_str(&cell);
            shown.push_str("  ");
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// A string or a number of a flat JSON object.
fn field(row: &str, name: &str) -> Option<String> {
    let (_, value) = row.split_once(&format!("\"{name}\":"))?;
    let Some(text) = value.strip_prefix('"') else {
        return value.split([',', '}']).next().map(str::to_owned);
    };
    let (mut said, mut letters) = (String::new(), text.chars());
    loop {
        match letters.next()? {
            '"' => return Some(said),
            '\\' => match letters.next()? {
                'n' | 'r' | 't' => said.push(' '),
                letter => said.push(letter),
            },
            letter => said.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"what":"disk_full","engine":"sqlite","rounds":20,"tried":1400,"lost":0,"seconds":9,"seed":7,"notes":"a \"quote\", and\na line"}"#;

    #[test]
    fn strings_and_numbers_of_a_row_are_read() {
        assert_eq!(field(ROW, "what").as_deref(), Some("disk_full"));
        assert_eq!(field(ROW, "lost").as_deref(), Some("0"));
        assert_eq!(field(ROW, "notes").as_deref(), Some("a \"quote\", and a line"));
        assert_eq!(field(ROW, "other"), None);
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let table = table(&[ROW]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "what       engine  rounds  tried  lost  seconds  notes");
        assert_eq!(lines[1], "disk_full  sqlite      20   1400     0        9  a \"quote\", and a line");
    }
}
