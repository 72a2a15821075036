//! `doorward user …`: what an operator does with accounts. The exit code says to scripts whether it was done.

#[path = "user_answers.rs"]
mod answers;
#[path = "user_factors.rs"]
mod factors;

use crate::output::{Output, complain};
use answers::{Changed, Created, Ended, Link, Sessions, Shown, Users};
use clap::{Args, Subcommand};
use doorward::server::{
    auth::{NewUser, OperatorError},
    compose::{World, operator::Operator},
    settings::Settings,
    store::account_list::Only,
};
use factors::{FactorsReset, GuessesForgotten, ShownFactors};
use secrecy::SecretString;
use std::{
    error::Error,
    io::{self, Read as _},
    path::Path,
    process::ExitCode,
};

/// The exit code when it was refused: nobody is called that, or fields are not acceptable.
const REFUSED: u8 = 1;
/// The exit code when it could not be done.
const FAILED: u8 = 2;
/// The longest password that is read, in bytes.
const LONGEST: u64 = 65_536;

/// What can be asked. USER is a user name, an e-mail address or an account's number.
#[derive(Subcommand)]
pub enum Command {
    /// Makes an account, whether or not registration is open.
    ///
    /// The rules of registration hold for names and password. Nothing is mailed. Without --password-stdin the account has
    /// no password, and a link to choose one is printed: it works once, until the time that is said, and whoever has it has
    /// the account. Keys and database are made if they are not there. An account that is neither --confirmed nor ever
    /// signed in to goes after `registration.keep_unconfirmed` days where confirmation is required.
    ///
    /// Exit code: 0 done, 1 refused, 2 it could not be done.
    Create(Create),
    /// Shows an account, but for secrets.
    ///
    /// Exit code: 0 found, 1 there is none, 2 it could not be looked for.
    Show(User),
    /// Lists accounts, the newest first.
    ///
    /// Exit code: 0 listed, 2 it could not be.
    List(List),
    /// Disables an account: every session, link and code of it ends at once, and nobody signs in.
    ///
    /// Exit code: 0 it is disabled, 1 there is none, 2 it could not be done.
    Disable(User),
    /// Enables a disabled account again; its owner signs in anew.
    ///
    /// Exit code: 0 it is enabled, 1 there is none, 2 it could not be done.
    Enable(User),
    /// Makes an account an administrator's; its sessions end.
    ///
    /// Later ones live as `session.admin_idle` and `session.admin_absolute` say, kept signed in or not.
    ///
    /// Exit code: 0 it is, 1 there is none, 2 it could not be done.
    Promote(User),
    /// Makes an administrator's account an ordinary one; its sessions end.
    ///
    /// Exit code: 0 it is, 1 there is none, 2 it could not be done.
    Demote(User),
    /// Prints a link with which a new password is chosen; earlier ones end.
    ///
    /// Nothing is mailed, and an address that is not confirmed stays so. The link works once, until the time that is said;
    /// whoever has it has the account, so hand it over on a way that only its owner reads. Not for disabled accounts.
    ///
    /// Exit code: 0 done, 1 refused, 2 it could not be done.
    ResetLink(User),
    /// Shows which second factors an account has, lets codes be tried again, or removes all factors. Secrets, codes and keys
    /// are never read.
    ///
    /// With --reset its authenticator app, passkeys, recovery codes and trusted browsers go, every session and every
    /// sign-in that waits for a factor ends, the owner is told by mail, and the audit log has it. From then on the password
    /// alone signs in, unless `factors.required` has a factor set up at the next sign-in. An account without a password
    /// needs a link then: doorward user reset-link. Be sure that it is the owner who asks: whoever knows the password waits
    /// for this.
    ///
    /// With --forget-guesses the factors stay, and wrong codes that were counted are forgotten: for an owner whose right codes
    /// are refused because somebody with the password tried too many. Have that changed first.
    ///
    /// Exit code: 0 done (also if there were none), 1 there is no such account, 2 it could not be done.
    Factors(Factors),
    /// Lists the sessions that are alive, of one account or of all, the one used last first.
    ///
    /// Exit code: 0 listed, 1 there is no such account, 2 it could not be done.
    Sessions(ListSessions),
    /// Ends all sessions of an account, or one, at once.
    ///
    /// Exit code: 0 done, 1 there is no such account or session, 2 it could not be done.
    EndSessions(EndSessions),
}

/// Whom it is about.
#[derive(Args)]
pub struct User {
    /// A user name, an e-mail address or an account's number.
    #[arg(value_name = "USER")]
    user: String,
}

/// What `create` takes.
#[derive(Args)]
pub struct Create {
    /// The e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The user name.
    #[arg(long, value_name = "NAME")]
    username: String,
    /// First name.
    #[arg(long, value_name = "NAME", default_value = "")]
    first_name: String,
    /// Last name.
    #[arg(long, value_name = "NAME", default_value = "")]
    last_name: String,
    /// Read the password from standard input, to the end of the line. (On the command line others would see it.)
    #[arg(long)]
    password_stdin: bool,
    /// Count the address as confirmed. Only if you know that mail to it arrives at the owner.
    #[arg(long)]
    confirmed: bool,
    /// Make it an administrator's.
    #[arg(long)]
    admin: bool,
}

/// What `list` takes.
#[derive(Args)]
pub struct List {
    /// Only administrators.
    #[arg(long)]
    admins: bool,
    /// Only disabled ones.
    #[arg(long)]
    disabled: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
}

/// What `factors` takes.
#[derive(Args)]
pub struct Factors {
    /// A user name, an e-mail address or an account's number.
    #[arg(value_name = "USER")]
    user: String,
    /// Remove all of them; nothing is asked before.
    #[arg(long, conflicts_with = "forget_guesses")]
    reset: bool,
    /// Forget the wrong codes that were counted.
    #[arg(long)]
    forget_guesses: bool,
}

/// What `sessions` takes.
#[derive(Args)]
pub struct ListSessions {
    /// A user name, an e-mail address or an account's number; everybody if nothing is said.
    #[arg(value_name = "USER")]
    user: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
}

/// What `end-sessions` takes.
#[derive(Args)]
pub struct EndSessions {
    /// A user name, an e-mail address or an account's number.
    #[arg(value_name = "USER")]
    user: String,
    /// Only this one, by its name in the list of sessions.
    #[arg(long, value_name = "SID", allow_hyphen_values = true)]
    session: Option<String>,
}

impl Command {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let done = async {
            let settings = Settings::load(settings)?;
            let operator = Operator::open(settings, World::real()).await?;
            let done = self.done(&operator, output).await;
            operator.close().await;
            done
        };
        match done.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                let refused = error.downcast_ref::<OperatorError>().is_some_and(OperatorError::is_refusal);
                ExitCode::from(if refused { REFUSED } else { FAILED })
            }
        }
    }

    async fn done(self, operator: &Operator, output: Output) -> Result<(), Box<dyn Error>> {
        let auth = operator.auth();
        match self {
            Self::Create(new) => {
                let created = auth.create_user(new.read()?).await?;
                output.say(&Created::of(&created, operator), Created::text)?;
            }
            Self::Show(who) => output.say(&Shown::of(auth.show_user(&who.user).await?), Shown::text)?,
            Self::List(list) => {
                let only = Only { admins: list.admins, disabled: list.disabled };
                output.say(&Users::of(auth.list_users(only, list.limit).await?), Users::text)?;
            }
            Self::Disable(who) => change(operator, &who.user, Change::Disable, output).await?,
            Self::Enable(who) => change(operator, &who.user, Change::Enable, output).await?,
            Self::Promote(who) => change(operator, &who.user, Change::Promote, output).await?,
            Self::Demote(who) => change(operator, &who.user, Change::Demote, output).await?,
            Self::ResetLink(who) => {
                let made = auth.make_reset_link(&who.user).await?;
                output.say(&Link::of(&made.account, &made.what, operator), Link::text)?;
            }
            Self::Factors(of) if of.reset => {
                let reset = auth.reset_factors(&of.user).await?;
                output.say(&FactorsReset::of(&reset.account, reset.what), FactorsReset::text)?;
            }
            Self::Factors(of) if of.forget_guesses => {
                let done = auth.forget_guesses(&of.user).await?;
                output.say(&GuessesForgotten::of(&done.account, done.what), GuessesForgotten::text)?;
            }
            Self::Factors(of) => {
                let shown = auth.user_factors(&of.user).await?;
                output.say(&ShownFactors::of(&shown.account, shown.what), ShownFactors::text)?;
            }
            Self::Sessions(list) => {
                let open = auth.open_sessions(list.user.as_deref(), list.limit).await?;
                output.say(&Sessions::of(open), Sessions::text)?;
            }
            Self::EndSessions(end) => {
                let ended = auth.end_sessions(&end.user, end.session.as_deref()).await?;
                output.say(&Ended::of(&ended.account, ended.what), Ended::text)?;
            }
        }
        Ok(())
    }
}

/// A state that an account is put into.
#[derive(Clone, Copy)]
enum Change {
    Disable,
    Enable,
    Promote,
    Demote,
}

async fn change(operator: &Operator, who: &str, change: Change, output: Output) -> Result<(), Box<dyn Error>> {
    let auth = operator.auth();
    let account = auth.user(who).await?.account;
    let (changed, now) = match change {
        Change::Disable => {
            (auth.set_disabled(account.id, true).await?, "disabled; every session, link and code has ended")
        }
        Change::Enable => (auth.set_disabled(account.id, false).await?, "enabled"),
        Change::Promote => (auth.set_admin(account.id, true).await?, "an administrator's; its sessions have ended"),
        Change::Demote => (auth.set_admin(account.id, false).await?, "no administrator's; its sessions have ended"),
    };
    output.say(&Changed::of(&account, changed), |answer| answer.text(now))?;
    Ok(())
}

impl Create {
    fn read(self) -> Result<NewUser, Box<dyn Error>> {
        let password = self.password_stdin.then(read_password).transpose()?;
        Ok(NewUser {
            email: self.email,
            username: self.username,
            first_name: self.first_name,
            last_name: self.last_name,
            password,
            confirmed: self.confirmed,
            admin: self.admin,
        })
    }
}

/// What stands on standard input, without the end of its line. Spaces belong to a password.
fn read_password() -> io::Result<SecretString> {
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(SecretString::from(
        text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)),
    ))
}
