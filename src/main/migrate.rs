//! `doorward migrate`: the tables of the database brought up to date, or looked at.

use crate::output::{Output, complain};
use clap::Args;
use doorward::server::{compose::upkeep, settings::Settings};
use serde::Serialize;
use std::{error::Error, path::Path, process::ExitCode};

/// The exit code when migrations are pending.
const PENDING: u8 = 1;
/// The exit code when it cannot be told, or could not be done.
const FAILED: u8 = 2;

/// Brings the tables of the database up to date.
///
/// The server does so itself when it starts, unless `database.migrate` is false. Several may be started at once: they
/// wait for each other. An SQLite database that is not there is made.
///
/// Exit code: 0 the tables are up to date, 1 (--check) migrations are pending, 2 it could not be done, or not be told.
#[derive(Args)]
pub struct Migrate {
    /// Only say which migrations are pending; change nothing.
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct Answer {
    up_to_date: bool,
    /// What was applied now.
    applied: Vec<String>,
    /// What was there before.
    earlier: Vec<String>,
    pending: Vec<String>,
}

impl Migrate {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let migrated = async {
            let settings = Settings::load(settings)?;
            let answer = if self.check { look(&settings).await? } else { apply(&settings).await? };
            output.say(&answer, said)?;
            Ok::<_, Box<dyn Error>>(answer.up_to_date)
        };
        match migrated.await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(PENDING),
            Err(error) => {
                complain(&format!(
                    "the tables could not be {}: {error}",
                    if self.check { "looked at" } else { "migrated" }
                ));
                ExitCode::from(FAILED)
            }
        }
    }
}

async fn look(settings: &Settings) -> Result<Answer, Box<dyn Error>> {
    let found = upkeep::migrations(settings).await?;
    if !found.fit() {
        return Err(found.to_string().into());
    }
    Ok(Answer { up_to_date: found.are_current(), applied: Vec::new(), earlier: found.applied, pending: found.pending })
}

async fn apply(settings: &Settings) -> Result<Answer, Box<dyn Error>> {
    let before = upkeep::migrate(settings).await?;
    Ok(Answer { up_to_date: true, applied: before.pending, earlier: before.applied, pending: Vec::new() })
}

fn said(answer: &Answer) -> String {
    let list = |names: &[String]| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    if !answer.pending.is_empty() {
        return format!("Pending:\n{}`doorward migrate` applies them.\n", list(&answer.pending));
    }
    if answer.applied.is_empty() {
        return format!("The tables are up to date ({} migrations).\n", answer.earlier.len());
    }
    format!("Applied:\n{}The tables are up to date.\n", list(&answer.applied))
}
