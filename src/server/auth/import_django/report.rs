//! What an operator asks of an import, and what it says.

use crate::{domain::account::AccountId, server::store::django::DjangoUser};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What to do with a user whose name cannot be a user name here, or not only theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadUsername {
    /// They are not taken.
    #[default]
    Skip,
    /// They are given a name that is free, and sign in by their address.
    Derive,
}

/// What an operator asks for.
#[derive(Clone, Debug, Default)]
pub struct ImportPlan {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Count the addresses as confirmed.
    pub trust_emails: bool,
    /// For names that cannot be taken.
    pub on_bad_username: OnBadUsername,
    /// Other user names for users, by their number.
    pub renames: BTreeMap<i64, String>,
    /// Users that are not taken, by their number; their name and address count as nobody's.
    pub leave_out: BTreeSet<i64>,
}

impl ImportPlan {
    /// The name a user is to have: the operator's, or their own if their model has one.
    pub(super) fn name_of<'a>(&'a self, user: &'a DjangoUser) -> Option<&'a str> {
        self.renames.get(&user.id).or(user.username.as_ref()).map(String::as_str)
    }
}

/// Why a user is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is said in words below")]
pub enum Problem {
    NumberOutOfRange,
    NumberTaken,
    NoEmail,
    BadEmail(String),
    SharedEmail(Vec<i64>),
    EmailTaken(AccountId),
    EmailKept,
    BadUsername(String),
    SharedUsername(Vec<i64>),
    UsernameTaken(AccountId),
    UsernameKept,
    NoFreeName,
    TakenMeanwhile,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NumberOutOfRange => write!(f, "the id is not 1 to {}", AccountId::MAX),
            Self::NumberTaken => f.write_str("the id is in use here, by an account with another name and address"),
            Self::NoEmail => f.write_str("there is no e-mail address"),
            Self::BadEmail(reason) => write!(f, "the e-mail address cannot be taken: {reason}"),
            Self::SharedEmail(others) => write!(f, "the e-mail address is also that of {}", Users(others)),
            Self::EmailTaken(other) => write!(f, "the e-mail address is that of account {other} here"),
            Self::EmailKept => f.write_str("the e-mail address is kept for somebody here who changed it not long ago"),
            Self::BadUsername(reason) => write!(f, "the user name cannot be taken: {reason}"),
            Self::SharedUsername(others) => {
                write!(f, "the user name, upper and lower case aside, is also that of {}", Users(others))
            }
            Self::UsernameTaken(other) => write!(f, "the user name is that of account {other} here"),
            Self::UsernameKept => f.write_str("the user name is kept here for somebody who left it not long ago"),
            Self::NoFreeName => f.write_str("no free user name was found; give one with --rename"),
            Self::TakenMeanwhile => f.write_str("somebody took the id, address or name here meanwhile; run it again"),
        }
    }
}

/// What is not as it was with a user who is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is said in words below")]
pub enum Note {
    Renamed(String),
    NameOfTheSite,
    NoPassword,
    UnusablePassword(String),
    PersonNameChanged,
    Staff { superuser: bool },
    Disabled,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed(name) => write!(f, "is called {name} here and signs in with that or by e-mail"),
            Self::NameOfTheSite => {
                f.write_str("keeps a name that nobody can register with here, as it sounds like the site's")
            }
            Self::NoPassword => f.write_str("had no password and has none here; a reset by mail sets one"),
            Self::UnusablePassword(kind) => {
                write!(f, "has no password here, as its hash cannot be used (kind: {kind}); a reset by mail sets one")
            }
            Self::PersonNameChanged => {
                f.write_str("has a first or last name that was cut or cleaned, as it does not fit")
            }
            Self::Staff { superuser: true } => f.write_str("had superuser rights; they are not carried over"),
            Self::Staff { superuser: false } => f.write_str("had staff rights; they are not carried over"),
            Self::Disabled => f.write_str("was inactive and is disabled here"),
        }
    }
}

/// Something said of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<T> {
    /// The user's number.
    pub id: i64,
    /// The user's name, fit to be printed; empty if there is none.
    pub name: String,
    /// What is said.
    pub what: T,
}

impl<T: fmt::Display> fmt::Display for Finding<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}", self.id)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl<T> Finding<T> {
    fn of(user: &DjangoUser, what: T) -> Self {
        // Whatever stands in a foreign column shall not steer a terminal.
        let name = user.username.as_deref().unwrap_or_default().escape_debug().to_string();
        Self { id: user.id, name, what }
    }
}

/// What was done, or would be.
#[derive(Clone, Debug, Default)]
pub struct ImportReport {
    /// Nothing was written.
    pub dry_run: bool,
    /// Users that were read.
    pub read: u64,
    /// Those that are accounts now.
    pub imported: u64,
    /// Those that were so before.
    pub already_here: u64,
    /// Those that were to be left out.
    pub left_out: u64,
    /// Those that are not taken.
    pub problems: Vec<Finding<Problem>>,
    /// What is not as it was with those that are.
    pub notes: Vec<Finding<Note>>,
    /// Numbers that were to be renamed or left out, and that no user has.
    pub unmet: BTreeSet<i64>,
    /// The imported must confirm their address before they can sign in.
    pub must_confirm: bool,
}

impl ImportReport {
    /// Whether every user that was to be taken is here now.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && self.unmet.is_empty()
    }

    pub(super) fn refuse(&mut self, user: &DjangoUser, problem: Problem) {
        self.problems.push(Finding::of(user, problem));
    }

    pub(super) fn take(&mut self, user: &DjangoUser, notes: Vec<Note>) {
        self.imported += 1;
        self.notes.extend(notes.into_iter().map(|note| Finding::of(user, note)));
    }
}

/// Numbers of users in words; not all, if there are many.
struct Users<'a>(&'a [i64]);

impl fmt::Display for Users<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SAID: usize = 5;
        let said: Vec<String> = self.0.iter().take(SAID).map(i64::to_string).collect();
        write!(f, "user {}", said.join(", "))?;
        match self.0.len().saturating_sub(SAID) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
