//! An account on the wire.

use crate::domain::{account::Account, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Its number: random, and exact in every JSON reader.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_i64, example = 2_761_549_837_210_045_i64)]
    pub id: i64,
    /// The user name as it was typed.
    #[schema(min_length = 1, max_length = 150, example = "mona")]
    pub username: String,
    /// The e-mail address as it was typed.
    #[schema(max_length = 254, example = "mona@example.com")]
    pub email: String,
    /// When its owner showed that mail to this address arrives; nothing before that.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:05:00Z")]
    pub email_verified_at: Option<String>,
    /// First name, or empty.
    #[schema(max_length = 150, example = "Mona")]
    pub first_name: String,
    /// Last name, or empty.
    #[schema(max_length = 150, example = "Vale")]
    pub last_name: String,
    /// The IANA name of the time zone that dates are shown in.
    #[schema(max_length = 64, example = "Europe/Berlin")]
    pub time_zone: String,
    /// When it was registered.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub created_at: String,
    /// The newest sign-in with a password.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub last_login_at: Option<String>,
    /// When it is to be deleted, if its owner is leaving.
    #[schema(format = DateTime, max_length = 32, example = "2026-12-04T16:00:00Z")]
    pub delete_at: Option<String>,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
        Self {
            id: account.id.0,
            username: account.username.clone(),
            email: account.email.clone(),
            email_verified_at: time(account.email_verified_at),
            first_name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            time_zone: account.time_zone.clone(),
            created_at: account.created_at.rfc3339(),
            last_login_at: time(account.last_login_at),
            delete_at: time(account.delete_at),
        }
    }
}

/// A wish to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionView {
    /// Until then signing in offers to stay; then the data is deleted.
    #[schema(format = DateTime, max_length = 32, example = "2026-12-04T16:00:00Z")]
    pub delete_at: String,
}
