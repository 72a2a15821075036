//! `doorward backup` and `doorward restore`: an SQLite database copied, and put back, while the server runs.

use crate::output::{Output, complain};
use clap::{Args, ValueEnum};
use doorward::{
    domain::account::AccountId,
    server::{
        compose::{World, keys, upkeep},
        settings::Settings,
        store::{
            backup::{BackedUp, BackupError, Held},
            restore::Restored,
        },
    },
};
use serde::Serialize;
use std::{
    error::Error,
    io::{self, BufRead, IsTerminal as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The exit code when it was refused.
const REFUSED: u8 = 1;
/// The exit code when it could not be done.
const FAILED: u8 = 2;

/// Writes a copy of the SQLite database while the server runs.
///
/// The copy is one state of the database, whatever is written meanwhile; only its owner can read it, and it is read again
/// before it counts as done. A file that is there is never overwritten.
///
/// The keys are not in it: without `keys.json` nobody stays signed in, mailed links die and the audit log cannot be
/// checked. Keep a copy of that elsewhere, so that whoever finds one of the two has not both. Mails in `mail.folder` are not
/// in it either. PostgreSQL has its own: `pg_dump --format=custom`.
///
/// Exit code: 0 done (also if only the answer could not be written, which is told), 1 refused, 2 it could not be done.
#[derive(Args)]
pub struct Backup {
    /// The new file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Puts a backup of the SQLite database back; the server may run meanwhile.
///
/// The backup is looked at first: whether it is whole, ours, and not of a newer version (an older one's copy is migrated).
/// The present state is saved beside the database. Then all rows change at once; a crash leaves the old state or the new.
/// Writes wait meanwhile, and are told to try again if that takes long. A database that is not there is made. (A crash
/// may leave the copy that was worked on, `….restoring-…` beside the database; delete it.)
///
/// What stays as it is now: mails that went out or were given up, links that were used, who is disabled, who is to be
/// deleted; and second factors: those that were added, removed or used since, with the recovery codes. Sign-ins that wait
/// for a factor are over. Nobody becomes an administrator again who is none now. Accounts that were deleted since come back, but signed
/// out and without rights; those made since go. Passwords and addresses are the backup's: whose differ is told, so that
/// reset links can be sent.
///
/// With `--sessions keep`, the backup's sessions go on, but for those that were ended since, whose account is not there now,
/// or whose row is not there now (it goes `session.keep_ended` days after the end). Who has ended all of their sessions
/// since stays signed out. Sessions begun after the backup are not in it, and end.
///
/// Lost rows say nothing. Without any account the database counts as empty: then everything is as in the backup, with
/// its rights, and sessions go on. If no session of the backup is left, and the backup is not older than
/// `session.keep_ended`, sessions go on, too. So restore what was emptied before anybody registers anew.
///
/// Exit code: 0 done (also if only tidying up or writing the answer failed, which is told), 1 refused, 2 it could not be
/// done.
#[derive(Args)]
pub struct Restore {
    /// A file that `doorward backup` made.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whether people stay signed in, also those whose tokens are newer than the backup. If the database was stolen or
    /// tampered with: end. Without it, it is asked for on the terminal.
    #[arg(long, value_name = "WHAT", value_enum)]
    sessions: Option<Sessions>,
    /// Do not ask whether this is meant.
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Sessions {
    Keep,
    End,
}

/// A file and what is in it.
#[derive(Serialize)]
struct Copied {
    file: PathBuf,
    bytes: u64,
    accounts: i64,
    sessions: i64,
    last_audit_seq: i64,
}

#[derive(Serialize)]
struct PutBack {
    accounts: i64,
    sessions: i64,
    last_audit_seq: i64,
    sessions_were: Sessions,
    migrated: Vec<String>,
    /// Accounts made since the backup, which are gone.
    accounts_gone: Vec<AccountId>,
    /// Accounts deleted since the backup, which are back.
    accounts_back: Vec<AccountId>,
    /// Accounts disabled since the backup, which still are.
    still_disabled: Vec<AccountId>,
    /// Accounts that were administrators' in the backup, and not just before: they still are not.
    no_administrators: Vec<AccountId>,
    /// Accounts whose password is the backup's again.
    passwords_back: Vec<AccountId>,
    /// Accounts whose address is the backup's again.
    addresses_back: Vec<AccountId>,
    /// Accounts that have no password in the backup, and no passkey: a reset link leads in.
    locked_out: Vec<AccountId>,
    /// There were no accounts before: all is as in the backup.
    was_empty: bool,
    /// What could not be tidied up after it was done.
    loose_ends: Vec<String>,
    /// The state before; none if there was no database.
    before: Option<Copied>,
}

impl From<BackedUp> for Copied {
    fn from(copy: BackedUp) -> Self {
        let Held { accounts, sessions, last_audit_seq } = copy.held;
        Self { file: copy.file, bytes: copy.bytes, accounts, sessions, last_audit_seq }
    }
}

impl PutBack {
    fn new(restored: Restored, sessions_were: Sessions) -> Self {
        let was_empty = restored.changes.is_none();
        let changes = restored.changes.unwrap_or_default();
        Self {
            accounts: restored.held.accounts,
            sessions: restored.held.sessions,
            last_audit_seq: restored.held.last_audit_seq,
            sessions_were,
            migrated: restored.migrated,
            accounts_gone: changes.gone,
            accounts_back: changes.back,
            still_disabled: changes.disabled,
            no_administrators: changes.demoted,
            passwords_back: changes.passwords,
            addresses_back: changes.addresses,
            locked_out: changes.locked_out,
            was_empty,
            loose_ends: restored.loose_ends,
            before: restored.before.map(Copied::from),
        }
    }
}

impl Backup {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let copied = async {
            let settings = Settings::load(settings)?;
            let copied = Copied::from(upkeep::back_up(&settings, &self.file).await?);
            let said = output.say(&copied, |copied| {
                format!(
                    "{} holds {} ({} bytes); it was read again and is whole.\n\
                     Not in it: the keys, without which nobody stays signed in. Keep keys.json elsewhere.\n",
                    copied.file.display(),
                    accounts(copied.accounts),
                    copied.bytes
                )
            });
            warn_unless("the backup is made", said);
            Ok::<_, Box<dyn Error>>(())
        };
        match copied.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complained("there is no backup", error.as_ref()),
        }
    }
}

impl Restore {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let restored = async {
            let settings = Settings::load(settings)?;
            let held = upkeep::inspect_backup(&settings, &self.file).await?;
            let Some(sessions) = self.settled(held)? else { return Ok(false) };
            let restored = upkeep::restore(&settings, &World::real(), &self.file, sessions == Sessions::End).await?;
            let answer = PutBack::new(restored, sessions);
            for loose in &answer.loose_ends {
                complain(&format!("the backup is put back, but something is left over: {loose}"));
            }
            warn_unless("the backup is put back", output.say(&answer, said));
            if let (Sessions::Keep, Err(error)) = (sessions, keys::list(&settings, &World::real())) {
                complain(&format!("without its keys nobody stays signed in: {error}"));
            }
            Ok::<_, Box<dyn Error>>(true)
        };
        match restored.await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(REFUSED),
            Err(error) => complained("nothing was restored", error.as_ref()),
        }
    }

    /// What is to become of the sessions; none if it is not to be done.
    fn settled(&self, held: Held) -> io::Result<Option<Sessions>> {
        if let (Some(sessions), true) = (self.sessions, self.yes) {
            return Ok(Some(sessions));
        }
        if !io::stdin().is_terminal() {
            complain("nothing was restored: without a terminal say --sessions keep or --sessions end, and --yes");
            return Ok(None);
        }
        let settled = ask(held, self.sessions, self.yes, &mut io::stdin().lock(), &mut io::stderr().lock())?;
        if settled.is_none() {
            complain("nothing was restored, as you said");
        }
        Ok(settled)
    }
}

/// Asks for what was not said. Anything but a clear answer means that nothing is to be done.
fn ask(
    held: Held,
    said: Option<Sessions>,
    yes: bool,
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> io::Result<Option<Sessions>> {
    let mut answered = |question: String| {
        write!(to, "{question} ")?;
        to.flush()?;
        let mut line = String::new();
        from.read_line(&mut line)?;
        io::Result::Ok(line.trim().to_lowercase())
    };
    let sessions = match said {
        Some(sessions) => sessions,
        None => match answered("Shall people stay signed in (keep), or must all sign in again (end)?".to_owned())?
            .as_str()
        {
            "keep" => Sessions::Keep,
            "end" => Sessions::End,
            _ => return Ok(None),
        },
    };
    let accounts = accounts(held.accounts);
    let question = format!("The backup holds {accounts}. All that was changed since goes. Type yes to go on:");
    Ok((yes || answered(question)? == "yes").then_some(sessions))
}

fn said(answer: &PutBack) -> String {
    let mut text = format!("The database holds {} again.\n", accounts(answer.accounts));
    text.push_str(match answer.sessions_were {
        Sessions::Keep => {
            "Sessions of the backup go on; those that have ended since stay ended, and those begun since are gone.\n"
        }
        Sessions::End => "Every session has ended: all must sign in again.\n",
    });
    if answer.was_empty {
        text.push_str("There were no accounts before: rights and sessions are the backup's.\n");
    }
    if !answer.migrated.is_empty() {
        text.push_str(&format!("Migrated: {}.\n", answer.migrated.join(", ")));
    }
    for (ids, what) in [
        (&answer.accounts_gone, "Made since the backup, and gone"),
        (&answer.accounts_back, "Deleted since the backup, and back, but signed out"),
        (&answer.still_disabled, "Disabled since the backup, and still disabled"),
        (&answer.no_administrators, "Administrators in the backup, and not any more"),
        (&answer.passwords_back, "With the backup's password again (consider a reset link)"),
        (&answer.addresses_back, "With the backup's address again (consider a reset link)"),
        (&answer.locked_out, "Without a password, as in the backup, and without a passkey (they need a reset link)"),
    ] {
        text.push_str(&numbers(what, ids));
    }
    if let Some(before) = &answer.before {
        let (file, accounts) = (before.file.display(), accounts(before.accounts));
        text.push_str(&format!("The state before ({accounts}) is in {file}; delete it when it is not needed.\n"));
    }
    text
}

fn accounts(count: i64) -> String {
    if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") }
}

/// A line about these accounts, if there are any; not all of many.
fn numbers(what: &str, ids: &[AccountId]) -> String {
    const SAID: usize = 10;
    let said: Vec<String> = ids.iter().take(SAID).map(AccountId::to_string).collect();
    match (ids.len(), ids.len().saturating_sub(SAID)) {
        (0, _) => String::new(),
        (all, 0) => format!("{what}: {all}, namely {}.\n", said.join(", ")),
        (all, more) => format!("{what}: {all}, namely {} and {more} more (--json says all).\n", said.join(", ")),
    }
}

/// What is done stays done, even if nobody can be told.
fn warn_unless(done: &str, said: io::Result<()>) {
    if let Err(error) = said {
        complain(&format!("{done}, but the answer could not be written: {error}"));
    }
}

/// Says why not, and answers the exit code for it.
fn complained(what: &str, error: &(dyn Error + 'static)) -> ExitCode {
    complain(&format!("{what}: {error}"));
    let refused = error.downcast_ref::<BackupError>().is_some_and(BackupError::is_refusal);
    ExitCode::from(if refused { REFUSED } else { FAILED })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(typed: &str, said: Option<Sessions>, yes: bool) -> (Option<Sessions>, String) {
        let mut shown = Vec::new();
        let held = Held { accounts: 7, ..Held::default() };
        let answer = ask(held, said, yes, &mut typed.as_bytes(), &mut shown).unwrap();
        (answer, String::from_utf8(shown).unwrap())
    }

    #[test]
    fn a_restore_is_done_only_after_a_clear_answer_to_every_question() {
        assert_eq!(asked("keep\nyes\n", None, false).0, Some(Sessions::Keep));
        assert_eq!(asked(" END \n Yes\n", None, false).0, Some(Sessions::End));
        for typed in ["", "\n", "yes\n", "keep\n", "keep\ny\n", "end\nno\n", "what\nyes\n"] {
            assert_eq!(asked(typed, None, false).0, None, "{typed:?}");
        }
        assert!(asked("keep\nyes\n", None, false).1.contains("7 accounts"));
    }

    #[test]
    fn what_was_said_is_not_asked_again() {
        let (answer, shown) = asked("yes\n", Some(Sessions::End), false);
        assert!(answer == Some(Sessions::End) && !shown.contains("(keep)"), "{shown}");
        let (answer, shown) = asked("keep\n", None, true);
        assert!(answer == Some(Sessions::Keep) && !shown.contains("Type yes"), "{shown}");
    }
}
