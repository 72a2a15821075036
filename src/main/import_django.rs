//! `doorward import-django`: the users of a Django database become accounts. Prints who was taken and who was not; the
//! exit code says it to scripts.

use crate::complain;
use clap::{Args, ValueEnum};
use doorward::server::{
    auth::{ImportPlan, ImportReport, OnBadUsername},
    compose::{self, World},
    settings::Settings,
};
use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

/// The exit code when some users were not taken.
const INCOMPLETE: u8 = 1;
/// The exit code when it could not be done, or not to its end.
const FAILED: u8 = 2;

/// What it takes.
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
    pub async fn run(self, settings: Option<&Path>) -> ExitCode {
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
            print(&report, &mut io::stdout().lock())?;
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

fn print(report: &ImportReport, to: &mut impl Write) -> io::Result<()> {
    let would = if report.dry_run { "would be " } else { "" };
    if report.dry_run {
        writeln!(to, "A dry run: nothing was written.")?;
    }
    writeln!(to, "Users read: {}.", report.read)?;
    writeln!(to, "  {would}imported: {}", report.imported)?;
    writeln!(to, "  here already, left as they are: {}", report.already_here)?;
    if report.left_out > 0 {
        writeln!(to, "  left out as you said: {}", report.left_out)?;
    }
    writeln!(to, "  not taken: {}", report.problems.len())?;
    if report.imported == 0 && !report.dry_run {
        writeln!(to, "Nothing was changed.")?;
    }
    if !report.problems.is_empty() {
        writeln!(to, "\nNot taken:")?;
        report.problems.iter().try_for_each(|finding| writeln!(to, "  {finding}"))?;
        writeln!(
            to,
            "These can be settled in Django, or with --rename ID=NAME, --leave-out ID or --on-bad-username derive; then \
             run it again."
        )?;
    }
    if !report.notes.is_empty() {
        writeln!(to, "\nOf those that {would}{}:", if report.dry_run { "imported" } else { "were imported" })?;
        report.notes.iter().try_for_each(|finding| writeln!(to, "  {finding}"))?;
    }
    for id in &report.unmet {
        writeln!(to, "\nThere is no user {id}, whom you named.")?;
    }
    if report.must_confirm && report.imported > 0 {
        writeln!(
            to,
            "\nregistration.confirmation is \"required\": the imported must confirm their address before they can sign \
             in; their first sign-in mails them a link. If Django has made sure of the addresses, --trust-emails spares \
             them that."
        )?;
    }
    to.flush()
}
