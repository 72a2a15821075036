//! `doorward import-django`: the users of a Django database become accounts. Prints who was taken and who was not; the
//! exit code says it to scripts.

use crate::output::{Output, complain};
use clap::{Args, ValueEnum};
use doorward::server::{
    auth::{Finding, ImportPlan, ImportReport, OnBadUsername},
    compose::{self, World},
    settings::Settings,
};
use serde::Serialize;
use std::{collections::BTreeMap, error::Error, fmt::Display, path::Path, process::ExitCode};

/// The exit code when some users were not taken.
const INCOMPLETE: u8 = 1;
/// The exit code when it could not be done, or not to its end.
const FAILED: u8 = 2;

/// Makes accounts of the users of a Django database: they sign in with the passwords that they have.
///
/// May be repeated, and the server may run meanwhile: accounts that are here are left as they are.
/// Exit code: 0 every user is here, 1 some were not taken, 2 it could not be done.
#[derive(Args)]
pub struct ImportDjango {
    /// Where the users are: the path of an SQLite file, or an sqlite: or postgres: URL. It is only read. A password is
    /// better not in the URL, where other users of this machine see it, but in PGPASSWORD or ~/.pgpass.
    #[arg(long, value_name = "FILE or URL")]
    database: String,
    /// The table of users: of a custom user model, with the usual columns.
    #[arg(long, value_name = "TABLE", default_value = "auth_user")]
    table: String,
    /// Say all that would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Count the imported addresses as confirmed. Only if Django has made sure that mail to them arrives.
    #[arg(long)]
    trust_emails: bool,
    /// What to do with users whose name cannot be one here, or differs from another user's only in its case: skip
    /// them, or derive a free name, so that they sign in by e-mail. (Whose name is their own address always does.)
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Bad::Skip)]
    on_bad_username: Bad,
    /// Another user name for a user. May be given more than once.
    #[arg(long, value_name = "ID=NAME", value_parser = renaming, allow_hyphen_values = true)]
    rename: Vec<(i64, String)>,
    /// A user who is not to be imported, such as one of two with the same address. May be given more than once.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    leave_out: Vec<i64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bad {
    Skip,
    Derive,
}

fn renaming(text: &str) -> Result<(i64, String), &'static str> {
    let (id, name) = text.split_once('=').ok_or("it is written ID=NAME")?;
    Ok((id.trim().parse().map_err(|_| "there must be a number before the =")?, name.trim().to_owned()))
}

impl ImportDjango {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let imported = async {
            let settings = Settings::load(settings)?;
            let plan = ImportPlan {
                dry_run: self.dry_run,
                trust_emails: self.trust_emails,
                on_bad_username: match self.on_bad_username {
                    Bad::Skip => OnBadUsername::Skip,
                    Bad::Derive => OnBadUsername::Derive,
                },
                renames: self.rename.into_iter().collect::<BTreeMap<_, _>>(),
                leave_out: self.leave_out.into_iter().collect(),
            };
            let report = compose::import_django(settings, World::real(), (&self.database, &self.table), &plan).await?;
            output.say(&Answer::of(&report), |_| text(&report))?;
            Ok::<_, Box<dyn Error>>(report.is_complete())
        };
        match imported.await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(INCOMPLETE),
            Err(error) => {
                complain(&format!("the users could not be imported: {error}"));
                ExitCode::from(FAILED)
            }
        }
    }
}

/// What the text says, for programs.
#[derive(Serialize)]
struct Answer {
    dry_run: bool,
    read: u64,
    imported: u64,
    already_here: u64,
    left_out: u64,
    not_taken: Vec<Said>,
    notes: Vec<Said>,
    /// Numbers that were named and that no user has.
    unmet: Vec<i64>,
    /// The imported must confirm their address before they can sign in.
    must_confirm: bool,
}

#[derive(Serialize)]
struct Said {
    id: i64,
    username: String,
    said: String,
}

impl Said {
    fn of<T: Display>(finding: &Finding<T>) -> Self {
        Self { id: finding.id, username: finding.name.clone(), said: finding.what.to_string() }
    }
}

impl Answer {
    fn of(report: &ImportReport) -> Self {
        Self {
            dry_run: report.dry_run,
            read: report.read,
            imported: report.imported,
            already_here: report.already_here,
            left_out: report.left_out,
            not_taken: report.problems.iter().map(Said::of).collect(),
            notes: report.notes.iter().map(Said::of).collect(),
            unmet: report.unmet.iter().copied().collect(),
            must_confirm: report.must_confirm && report.imported > 0,
        }
    }
}

fn text(report: &ImportReport) -> String {
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let would = if report.dry_run { "would be " } else { "" };
    if report.dry_run {
        say("A dry run: nothing was written.");
    }
    say(&format!("Users read: {}.", report.read));
    say(&format!("  {would}imported: {}", report.imported));
    say(&format!("  here already, left as they are: {}", report.already_here));
    if report.left_out > 0 {
        say(&format!("  left out as you said: {}", report.left_out));
    }
    say(&format!("  not taken: {}", report.problems.len()));
    if report.imported == 0 && !report.dry_run {
        say("Nothing was changed.");
    }
    if !report.problems.is_empty() {
        say("\nNot taken:");
        report.problems.iter().for_each(|finding| say(&format!("  {finding}")));
        say(
            "These can be settled in Django, or with --rename ID=NAME, --leave-out ID or --on-bad-username derive; then \
             run it again.",
        );
    }
    if !report.notes.is_empty() {
        say(&format!("\nOf those that {would}{}:", if report.dry_run { "imported" } else { "were imported" }));
        report.notes.iter().for_each(|finding| say(&format!("  {finding}")));
    }
    for id in &report.unmet {
        say(&format!("\nThere is no user {id}, whom you named."));
    }
    if report.must_confirm && report.imported > 0 {
        say(
            "\nregistration.confirmation is \"required\": the imported must confirm their address before they can sign \
             in; their first sign-in mails them a link. If Django has made sure of the addresses, --trust-emails spares \
             them that.",
        );
    }
    text
}
