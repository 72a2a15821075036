//! What an account is to those who may see it.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The number of an account: random, 1 to 2^52 - 1, so that it fits a JSON number and counts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

impl AccountId {
    /// The largest id: 2^52 - 1, which every JSON reader keeps exact.
    pub const MAX: i64 = (1 << 52) - 1;
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// The user name as it was typed, in NFKC.
    pub username: String,
    /// The e-mail address as it was typed.
    pub email: String,
    /// First name, or empty.
    pub first_name: String,
    /// Last name, or empty.
    pub last_name: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The newest sign-in with a password.
    pub last_login_at: Option<Timestamp>,
    /// When its owner showed that mail to this address arrives with them; nothing before that.
    pub email_verified_at: Option<Timestamp>,
    /// The IANA name of the time zone that dates are shown in.
    pub time_zone: String,
    /// When it is to be purged, if its owner is leaving.
    pub delete_at: Option<Timestamp>,
}

impl Account {
    /// First and last name, or the user name where neither is known: what a greeting says.
    #[must_use]
    pub fn called(&self) -> &str {
        if self.first_name.is_empty() { &self.username } else { &self.first_name }
    }

    /// First and last name with one space between, or empty.
    #[must_use]
    pub fn full_name(&self) -> String {
        [self.first_name.as_str(), self.last_name.as_str()].join(" ").trim().to_owned()
    }
}
