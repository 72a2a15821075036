//! What `doorward user …` answers, for people and for programs.

use crate::output;
use doorward::{
    domain::{account::Account, time::Timestamp},
    server::{
        auth::{CreatedUser, IssuedLink, PasswordKind, UserReport},
        compose::operator::Operator,
        store::session_lists::OpenSession,
    },
};
use serde::Serialize;

/// What people have typed, fit for a terminal: nothing in it steers that.
pub fn calm(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A time for programs, if there is one.
pub fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::rfc3339)
}

/// A link and until when it works.
#[derive(Serialize)]
pub struct Link {
    account: i64,
    username: String,
    reset_link: String,
    expires_at: String,
}

impl Link {
    pub fn of(account: &Account, link: &IssuedLink, operator: &Operator) -> Self {
        Self {
            account: account.id.0,
            username: account.username.clone(),
            reset_link: operator.address(link),
            expires_at: link.expires_at.rfc3339(),
        }
    }

    pub fn text(&self) -> String {
        format!(
            "{}\nWith it {} chooses a new password, once, until {}. Earlier links work no more. Whoever has it has the \
             account.\n",
            self.reset_link,
            calm(&self.username),
            self.expires_at
        )
    }
}

/// An account that was made.
#[derive(Serialize)]
pub struct Created {
    account: i64,
    username: String,
    email: String,
    /// None where a password was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl Created {
    pub fn of(created: &CreatedUser, operator: &Operator) -> Self {
        let account = &created.account;
        let link = created.link.as_ref();
        Self {
            account: account.id.0,
            username: account.username.clone(),
            email: account.email.clone(),
            reset_link: link.map(|link| operator.address(link)),
            expires_at: link.map(|link| link.expires_at.rfc3339()),
        }
    }

    pub fn text(&self) -> String {
        let made = format!("Account {} of {} is there.\n", self.account, calm(&self.username));
        match self.reset_link.as_ref().zip(self.expires_at.as_ref()) {
            None => made,
            Some((link, until)) => {
                format!(
                    "{made}{link}\nWith it a password is chosen, once, until {until}. Whoever has it has the account.\n"
                )
            }
        }
    }
}

/// An account as it is.
#[derive(Serialize)]
pub struct Shown {
    account: i64,
    username: String,
    email: String,
    email_verified_at: Option<String>,
    first_name: String,
    last_name: String,
    time_zone: String,
    created_at: String,
    last_login_at: Option<String>,
    password: &'static str,
    /// Whether the password alone does not sign in.
    second_factor: bool,
    disabled_at: Option<String>,
    admin_since: Option<String>,
    delete_at: Option<String>,
    sessions: usize,
}

impl Shown {
    pub fn of(report: UserReport) -> Self {
        let account = report.account;
        Self {
            account: account.id.0,
            username: account.username,
            email: account.email,
            email_verified_at: time(account.email_verified_at),
            first_name: account.first_name,
            last_name: account.last_name,
            time_zone: account.time_zone,
            created_at: account.created_at.rfc3339(),
            last_login_at: time(account.last_login_at),
            password: word(report.password),
            second_factor: report.has_factors,
            disabled_at: time(report.disabled_at),
            admin_since: time(report.admin_since),
            delete_at: time(account.delete_at),
            sessions: report.sessions,
        }
    }

    pub fn text(&self) -> String {
        let or = |at: &Option<String>, none: &str| at.clone().unwrap_or_else(|| none.to_owned());
        let confirmed =
            self.email_verified_at.as_ref().map_or("not confirmed".to_owned(), |at| format!("confirmed {at}"));
        let name = format!("{} {}", self.first_name, self.last_name);
        let lines = [
            ("account", self.account.to_string()),
            ("user name", self.username.clone()),
            ("e-mail", format!("{} ({confirmed})", self.email)),
            ("name", name.trim().to_owned()),
            ("created", self.created_at.clone()),
            ("last sign-in", or(&self.last_login_at, "never")),
            ("password", self.password.to_owned()),
            ("second factor", if self.second_factor { "yes (doorward user factors)" } else { "no" }.to_owned()),
            ("disabled", or(&self.disabled_at, "no")),
            ("administrator", self.admin_since.as_ref().map_or("no".to_owned(), |at| format!("since {at}"))),
            ("leaving", or(&self.delete_at, "no")),
            ("sessions", self.sessions.to_string()),
        ];
        lines.iter().map(|(what, text)| format!("{what:<14} {}\n", calm(text))).collect()
    }
}

const fn word(kind: PasswordKind) -> &'static str {
    match kind {
        PasswordKind::None => "none",
        PasswordKind::Set => "set",
        PasswordKind::Imported => "imported",
    }
}

/// Accounts in a list.
#[derive(Serialize)]
pub struct Users {
    users: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    account: i64,
    username: String,
    email: String,
    created_at: String,
    last_login_at: Option<String>,
    disabled_at: Option<String>,
    admin_since: Option<String>,
}

impl Users {
    pub fn of(reports: Vec<UserReport>) -> Self {
        let line = |report: UserReport| Line {
            account: report.account.id.0,
            username: report.account.username,
            email: report.account.email,
            created_at: report.account.created_at.rfc3339(),
            last_login_at: time(report.account.last_login_at),
            disabled_at: time(report.disabled_at),
            admin_since: time(report.admin_since),
        };
        Self { users: reports.into_iter().map(line).collect() }
    }

    pub fn text(&self) -> String {
        let row = |user: &Line| {
            let marks = [(&user.admin_since, "administrator"), (&user.disabled_at, "disabled")];
            let marks: Vec<_> = marks.iter().filter(|(at, _)| at.is_some()).map(|(_, mark)| *mark).collect();
            let (name, email) = (calm(&user.username), calm(&user.email));
            [user.account.to_string(), name, email, user.created_at.clone(), marks.join(", ")]
        };
        output::table(["ACCOUNT", "USER NAME", "E-MAIL", "CREATED", ""], self.users.iter().map(row).collect())
    }
}

/// A state that an account is in now.
#[derive(Serialize)]
pub struct Changed {
    account: i64,
    username: String,
    /// Whether it was in another one before.
    changed: bool,
}

impl Changed {
    pub fn of(account: &Account, changed: bool) -> Self {
        Self { account: account.id.0, username: account.username.clone(), changed }
    }

    /// `now` says what it is after a change.
    pub fn text(&self, now: &str) -> String {
        let whose = format!("Account {} of {}", self.account, calm(&self.username));
        match self.changed {
            true => format!("{whose} is now {now}.\n"),
            false => format!("{whose} was {} already; nothing was changed.\n", now.split(';').next().unwrap_or(now)),
        }
    }
}

/// Sessions in a list.
#[derive(Serialize)]
pub struct Sessions {
    sessions: Vec<Session>,
}

#[derive(Serialize)]
struct Session {
    account: i64,
    username: String,
    sid: String,
    device: String,
    ip: String,
    created_at: String,
    last_used_at: String,
    expires_at: String,
}

impl Sessions {
    pub fn of(open: Vec<OpenSession>) -> Self {
        let session = |open: OpenSession| Session {
            account: open.account.0,
            username: open.username,
            sid: open.summary.sid,
            device: open.summary.device_label,
            ip: open.summary.ip,
            created_at: open.summary.created_at.rfc3339(),
            last_used_at: open.summary.last_used_at.rfc3339(),
            expires_at: open.expires_at.rfc3339(),
        };
        Self { sessions: open.into_iter().map(session).collect() }
    }

    pub fn text(&self) -> String {
        let row = |open: &Session| {
            let device = format!("{}, {}", calm(&open.device), calm(&open.ip));
            let (used, ends) = (open.last_used_at.clone(), open.expires_at.clone());
            [open.sid.clone(), calm(&open.username), device, open.created_at.clone(), used, ends]
        };
        let head = ["SESSION", "USER NAME", "DEVICE", "SIGNED IN", "LAST USED", "ENDS AT THE LATEST"];
        output::table(head, self.sessions.iter().map(row).collect())
    }
}

/// Sessions that were ended.
#[derive(Serialize)]
pub struct Ended {
    account: i64,
    username: String,
    ended: usize,
}

impl Ended {
    pub fn of(account: &Account, ended: usize) -> Self {
        Self { account: account.id.0, username: account.username.clone(), ended }
    }

    pub fn text(&self) -> String {
        format!("Sessions of {} that were alive and have ended: {}.\n", calm(&self.username), self.ended)
    }
}
