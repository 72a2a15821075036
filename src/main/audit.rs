//! `doorward audit …`: the audit log on the command line. Prints what was found; the exit code says it to scripts.

use crate::complain;
use clap::{Args, Subcommand};
use doorward::server::{
    auth::{AuditReport, KnownEntry, Outcome},
    compose,
    settings::Settings,
};
use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

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
    pub async fn run(self, settings: Option<&Path>) -> ExitCode {
        let Self::Verify(asked) = self;
        let checked = async {
            let settings = Settings::load(settings)?;
            let report = compose::verify_audit(&settings, &asked.known).await?;
            print(&report, &mut io::stdout().lock())?;
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

fn print(report: &AuditReport, to: &mut impl Write) -> io::Result<()> {
    let entries = report.entries;
    let whole = match report.first_at {
        None => "it is empty".to_owned(),
        Some(at) => format!("entries {} to {}, since {}", report.first_seq, report.last_seq, at.rfc3339()),
    };
    match (report.outcome(), &report.fault) {
        (_, Some(fault)) => {
            writeln!(to, "The audit log is BROKEN at entry {}: {}.", fault.seq, fault.kind)?;
            writeln!(to, "Up to there {entries} entries were read.")?;
        }
        (Outcome::Unsure, None) => {
            writeln!(to, "The audit log could not be checked completely; what could be is whole: {whole}.")?;
        }
        (_, None) => writeln!(to, "The audit log is whole: {whole}.")?,
    }
    if report.erased > 0 {
        writeln!(to, "Erased of what was personal: {}.", report.erased)?;
    }
    if let Some(first) = report.first_key_gone {
        let count = report.key_gone;
        writeln!(
            to,
            "Made with a key that is gone: {count}, from entry {first} on. With that key back among the mail keys, behind \
             the others, they can be checked."
        )?;
    }
    for seq in &report.too_old {
        writeln!(
            to,
            "Entry {seq} that you know is no longer kept: the log begins at {}. If it is younger than \
             account.keep_history days, the beginning was cut off.",
            report.first_seq
        )?;
    }
    if report.fault.is_none() && !report.last_seal.is_empty() {
        let last = KnownEntry { seq: report.last_seq, seal: report.last_seal.clone() };
        writeln!(to, "To compare later, keep this elsewhere: --known {last}")?;
    }
    to.flush()
}
