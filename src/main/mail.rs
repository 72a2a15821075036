//! `doorward mail …`: the mails that wait, went out or were given up, as an operator sees them.

use crate::output::{self, Output, complain};
use clap::{Args, Subcommand, ValueEnum};
use doorward::{
    domain::time::Timestamp,
    server::{
        auth::{Resend, Resent, Which},
        clock::{Clock as _, SystemClock},
        compose::{World, operator::Operator},
        settings::Settings,
        store::outbox_list::{MailState, StoredMail},
    },
};
use serde::Serialize;
use std::{error::Error, path::Path, process::ExitCode};

/// The exit code when some mails are not sent again.
const REFUSED: u8 = 1;
/// The exit code when it could not be done.
const FAILED: u8 = 2;

/// What can be asked.
#[derive(Subcommand)]
pub enum Command {
    /// Lists mails, the newest first: what, for which account, how often tried, why not sent. Never an address.
    ///
    /// A mail is kept for `mail.keep` days once it was sent or given up. Errors: `refused` nobody answers at the mail server's
    /// address, `timeout` it was too slow, `tls` it has no TLS that is trusted, `login` it does not take user and password,
    /// `deferred` it said "later" (4xx), `rejected` it said "no" (5xx), `broken` it broke off, `disk` the folder cannot be
    /// written; `expired` there was no use any more.
    ///
    /// Exit code: 0 listed, 2 it could not be.
    List(List),
    /// Has mails sent again: they are due at once, as if they had never been tried.
    ///
    /// The running server takes them up within `mail.poll` seconds. One whose link was used or is too old is not sent: its
    /// owner asks for another, or `doorward user reset-link` makes one to hand over.
    ///
    /// Exit code: 0 all are due, 1 some are not, 2 it could not be done.
    Resend(Again),
}

/// What `list` takes.
#[derive(Args)]
pub struct List {
    /// Which ones.
    #[arg(long, value_name = "STATE", value_enum, default_value_t = State::Waiting)]
    state: State,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
}

/// What `resend` takes.
#[derive(Args)]
pub struct Again {
    /// Ids, as `mail list` says them; after `--` if one begins with a dash.
    #[arg(value_name = "ID", required_unless_present = "given_up")]
    ids: Vec<String>,
    /// All that were given up.
    #[arg(long, conflicts_with = "ids")]
    given_up: bool,
    /// Also those that went out: their readers get them twice.
    #[arg(long)]
    again: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    Waiting,
    Sent,
    GivenUp,
    All,
}

#[derive(Serialize)]
struct Mails {
    mails: Vec<Mail>,
}

#[derive(Serialize)]
struct Mail {
    id: String,
    kind: String,
    account: Option<i64>,
    state: &'static str,
    created_at: String,
    due_at: String,
    give_up_at: String,
    attempts: i64,
    last_error: Option<String>,
    sent_at: Option<String>,
    gave_up_at: Option<String>,
    /// A server is at it now.
    leased: bool,
}

#[derive(Serialize)]
struct Outcomes {
    mails: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    id: String,
    outcome: &'static str,
    said: String,
}

impl Command {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let done = async {
            let operator = Operator::open(Settings::load(settings)?, World::real()).await?;
            let done = self.done(&operator, output).await;
            operator.close().await;
            done
        };
        match done.await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(REFUSED),
            Err(error) => {
                complain(&error.to_string());
                ExitCode::from(FAILED)
            }
        }
    }

    async fn done(self, operator: &Operator, output: Output) -> Result<bool, Box<dyn Error>> {
        match self {
            Self::List(list) => {
                let state = match list.state {
                    State::Waiting => Some(MailState::Waiting),
                    State::Sent => Some(MailState::Sent),
                    State::GivenUp => Some(MailState::GivenUp),
                    State::All => None,
                };
                let now = SystemClock.now();
                let mails = operator.auth().mails(state, list.limit).await?;
                let mails = Mails { mails: mails.into_iter().map(|mail| Mail::of(mail, now)).collect() };
                output.say(&mails, Mails::text)?;
                Ok(true)
            }
            Self::Resend(wish) => {
                let which = if wish.given_up { Which::GivenUp } else { Which::These(wish.ids) };
                let resent = operator.auth().resend_mails(which, wish.again).await?;
                let all = resent.iter().all(|mail| mail.outcome == Resend::Due);
                output.say(&Outcomes { mails: resent.into_iter().map(Outcome::of).collect() }, Outcomes::text)?;
                Ok(all)
            }
        }
    }
}

impl Mail {
    fn of(mail: StoredMail, now: Timestamp) -> Self {
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
        Self {
            state: mail.state().as_str(),
            leased: mail.is_leased(now),
            account: mail.account.map(|account| account.0),
            created_at: mail.created_at.rfc3339(),
            due_at: mail.due_at.rfc3339(),
            give_up_at: mail.give_up_at.rfc3339(),
            attempts: mail.attempts,
            sent_at: time(mail.sent_at),
            gave_up_at: time(mail.gave_up_at),
            id: mail.id,
            kind: mail.kind,
            last_error: mail.last_error,
        }
    }

    fn row(&self) -> [String; 7] {
        let account = self.account.map_or_else(|| "nobody".to_owned(), |account| account.to_string());
        let state = match (&self.sent_at, &self.gave_up_at) {
            (Some(at), _) => format!("sent {at}"),
            (None, Some(at)) => format!("given up {at}"),
            (None, None) if self.leased => "being sent".to_owned(),
            (None, None) => format!("due {}", self.due_at),
        };
        let error = self.last_error.clone().unwrap_or_default();
        let (id, kind, made) = (self.id.clone(), self.kind.clone(), self.created_at.clone());
        [id, kind, account, made, state, self.attempts.to_string(), error]
    }
}

impl Mails {
    fn text(&self) -> String {
        let head = ["MAIL", "KIND", "ACCOUNT", "MADE", "STATE", "TRIES", "LAST ERROR"];
        output::table(head, self.mails.iter().map(Mail::row).collect())
    }
}

impl Outcome {
    fn of(resent: Resent) -> Self {
        Self { id: resent.id, outcome: resent.outcome.as_str(), said: resent.outcome.to_string() }
    }
}

impl Outcomes {
    fn text(&self) -> String {
        if self.mails.is_empty() {
            return "There are none.\n".to_owned();
        }
        self.mails.iter().map(|mail| format!("{}  {}\n", mail.id, mail.said)).collect()
    }
}
