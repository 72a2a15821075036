//! `doorward doctor`: prints what the checks found; the exit code says it to scripts.

use crate::output::{Output, complain};
use clap::Args;
use doorward::server::{
    compose::{
        World,
        doctor::{self, Check, Outcome},
        site,
    },
    settings::Settings,
};
use serde_json::json;
use std::{error::Error, path::Path, process::ExitCode};

/// The exit code when something is broken or unsafe.
const FOUND: u8 = 1;
/// The exit code when the settings cannot be read.
const UNREADABLE: u8 = 2;

/// Looks for unsafe or broken settings, and at what they name: keys, database, mail server, other servers.
///
/// Changes nothing; the server may run meanwhile. Run it as the server's user, with the server's settings and variables.
/// Exit code: 0 nothing is broken, 1 something is (with --strict also for a warning), 2 the settings cannot be read.
#[derive(Args)]
pub struct Doctor {
    /// Count warnings as failures, for scripts that roll out.
    #[arg(long)]
    strict: bool,
    /// Leave the mail server alone.
    #[arg(long)]
    offline: bool,
}

impl Doctor {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let ready = async {
            let settings = Settings::load(settings)?;
            let listens = site(&settings)?.site_addr;
            Ok::<_, Box<dyn Error>>((settings, listens))
        };
        let (settings, listens) = match ready.await {
            Ok(ready) => ready,
            Err(error) => {
                complain(&format!("the settings cannot be read: {error}"));
                return ExitCode::from(UNREADABLE);
            }
        };
        let checks = doctor::examine(&settings, &World::real(), listens, self.offline).await;
        let worst = checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::Ok);
        let answer = json!({ "outcome": worst, "checks": checks });
        if let Err(error) = output.say(&answer, |_| text(&checks)) {
            complain(&format!("the answer could not be written: {error}"));
            return ExitCode::from(FOUND);
        }
        match worst {
            Outcome::Ok => ExitCode::SUCCESS,
            Outcome::Warning if !self.strict => ExitCode::SUCCESS,
            Outcome::Warning | Outcome::Failure => ExitCode::from(FOUND),
        }
    }
}

fn text(checks: &[Check]) -> String {
    let word = |outcome| match outcome {
        Outcome::Ok => "ok     ",
        Outcome::Warning => "WARNING",
        Outcome::Failure => "FAILURE",
    };
    let line = |check: &Check| {
        let advice = check.advice.as_ref().map_or_else(String::new, |advice| format!("{:26}{advice}\n", ""));
        format!("{}  {:16} {}\n{advice}", word(check.outcome), check.name, check.found)
    };
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let (warnings, failures) = (count(Outcome::Warning), count(Outcome::Failure));
    let sum = format!("\nChecks: {}. Warnings: {warnings}. Failures: {failures}.\n", checks.len());
    checks.iter().map(line).collect::<String>() + &sum
}
