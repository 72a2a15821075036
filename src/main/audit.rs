//! `doorward audit …`: the audit log on the command line. Prints what was found; the exit code says it to scripts.

use crate::output::{Output, complain};
use clap::{Args, Subcommand};
use doorward::{
    domain::time::Timestamp,
    server::{
        auth::{AuditReport, KnownEntry, Outcome},
        compose,
        settings::Settings,
    },
};
use serde::Serialize;
use std::{error::Error, path::Path, process::ExitCode};

/// The exit code of a log that is broken.
const BROKEN: u8 = 1;
/// The exit code when the log, or a part of it, could not be checked.
const UNSURE: u8 = 2;

/// What can be asked.
#[derive(Subcommand)]
pub enum Command {
    /// Checks that the audit log is what was written. Changes nothing; the server may run meanwhile.
    ///
    /// Exit code: 0 whole, 1 broken, 2 not, or not all of it, could be checked.
    Verify(Verify),
}

/// What `verify` takes.
#[derive(Args)]
pub struct Verify {
    /// An entry that an earlier check printed and you kept elsewhere: it must still be there with that seal. This finds
    /// a log whose end was cut off, and a database that was put back. May be given more than once.
    #[arg(long, value_name = "SEQ:SEAL")]
    known: Vec<KnownEntry>,
}

impl Command {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let Self::Verify(asked) = self;
        let checked = async {
            let settings = Settings::load(settings)?;
            let report = compose::verify_audit(&settings, &asked.known).await?;
            output.say(&Answer::of(&report), |_| text(&report))?;
            Ok::<_, Box<dyn Error>>(report.outcome())
        };
        match checked.await {
            Ok(Outcome::Whole) => ExitCode::SUCCESS,
            Ok(Outcome::Broken) => ExitCode::from(BROKEN),
            Ok(Outcome::Unsure) => ExitCode::from(UNSURE),
            Err(error) => {
                complain(&format!("the audit log could not be checked: {error}"));
                ExitCode::from(UNSURE)
            }
        }
    }
}

/// What the text says, for programs.
#[derive(Serialize)]
struct Answer {
    /// `whole`, `broken` or `unsure`.
    outcome: &'static str,
    entries: u64,
    first_seq: i64,
    first_at: Option<String>,
    last_seq: i64,
    /// To compare later: the text after `--known`. None of a broken log.
    known: Option<String>,
    erased: u64,
    key_gone: u64,
    first_key_gone: Option<i64>,
    /// Known entries that are no longer kept.
    too_old: Vec<i64>,
    broken_at: Option<i64>,
    why: Option<String>,
}

impl Answer {
    fn of(report: &AuditReport) -> Self {
        Self {
            outcome: match report.outcome() {
                Outcome::Whole => "whole",
                Outcome::Broken => "broken",
                Outcome::Unsure => "unsure",
            },
            entries: report.entries,
            first_seq: report.first_seq,
            first_at: report.first_at.map(Timestamp::rfc3339),
            last_seq: report.last_seq,
            known: known(report).map(|known| known.to_string()),
            erased: report.erased,
            key_gone: report.key_gone,
            first_key_gone: report.first_key_gone,
            too_old: report.too_old.clone(),
            broken_at: report.fault.map(|fault| fault.seq),
            why: report.fault.map(|fault| fault.kind.to_string()),
        }
    }
}

/// The last entry, to be kept elsewhere. A broken log's is nothing to keep.
fn known(report: &AuditReport) -> Option<KnownEntry> {
    let has = report.fault.is_none() && !report.last_seal.is_empty();
    has.then(|| KnownEntry { seq: report.last_seq, seal: report.last_seal.clone() })
}

fn text(report: &AuditReport) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let entries = report.entries;
    let whole = match report.first_at {
        None => "it is empty".to_owned(),
        Some(at) => format!("entries {} to {}, since {}", report.first_seq, report.last_seq, at.rfc3339()),
    };
    match (report.outcome(), &report.fault) {
        (_, Some(fault)) => {
            say(format!("The audit log is BROKEN at entry {}: {}.", fault.seq, fault.kind));
            say(format!("Up to there {entries} entries were read."));
        }
        (Outcome::Unsure, None) => {
            say(format!("The audit log could not be checked completely; what could be is whole: {whole}."));
        }
        (_, None) => say(format!("The audit log is whole: {whole}.")),
    }
    if report.erased > 0 {
        say(format!("Erased of what was personal: {}.", report.erased));
    }
    if let Some(first) = report.first_key_gone {
        let count = report.key_gone;
        say(format!(
            "Made with a key that is gone: {count}, from entry {first} on. With that key back among the mail keys, behind \
             the others, they can be checked."
        ));
    }
    for seq in &report.too_old {
        say(format!(
            "Entry {seq} that you know is no longer kept: the log begins at {}. If it is younger than \
             account.keep_history days, the beginning was cut off.",
            report.first_seq
        ));
    }
    if let Some(last) = known(report) {
        say(format!("To compare later, keep this elsewhere: --known {last}"));
    }
    text
}
