//! Lists, a page at a time.

use crate::domain::{history::Entry, session::SessionSummary};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One sign-in that is still good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Its public name.
    #[schema(max_length = 64, example = "tR7yq0jD3sXkz8hVYt2nAg")]
    pub id: String,
    /// Browser and system in a few words.
    #[schema(max_length = 64, example = "Firefox on Linux")]
    pub device: String,
    /// Where it was opened from: IPv4 whole, IPv6 as its /64.
    #[schema(max_length = 64, example = "192.0.2.17")]
    pub ip: String,
    /// When it was opened.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub created_at: String,
    /// When it was last renewed.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T17:30:00Z")]
    pub last_used_at: String,
    /// Whether it is the one that asks.
    #[schema(example = true)]
    pub current: bool,
}

impl From<&SessionSummary> for SessionView {
    fn from(session: &SessionSummary) -> Self {
        Self {
            id: session.sid.clone(),
            device: session.device_label.clone(),
            ip: session.ip.clone(),
            created_at: session.created_at.rfc3339(),
            last_used_at: session.last_used_at.rfc3339(),
            current: session.is_this,
        }
    }
}

/// Sessions, the one used last first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionPage {
    /// At most as many as asked for.
    #[schema(max_items = 100)]
    pub items: Vec<SessionView>,
    /// The `cursor` of the next page; nothing on the last one.
    #[schema(max_length = 128, example = "MTc5NTE5NTgwMC0xNzk1MTkwNDAwLXRSN3lx")]
    pub next_cursor: Option<String>,
}

/// Something that happened to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// What: one of the names in the description of the audit log.
    #[schema(max_length = 64, example = "logged_in")]
    pub event: String,
    /// When.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub happened_at: String,
    /// Browser and system in a few words, or empty.
    #[schema(max_length = 64, example = "Firefox on Linux")]
    pub device: String,
    /// Where from, or empty.
    #[schema(max_length = 64, example = "192.0.2.17")]
    pub ip: String,
    /// Whether it was done in the session that asks.
    #[schema(example = true)]
    pub current_session: bool,
}

impl From<&Entry> for HistoryEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            event: entry.event.as_str().to_owned(),
            happened_at: entry.happened_at.rfc3339(),
            device: entry.device_label.clone(),
            ip: entry.ip.clone(),
            current_session: entry.is_this_session,
        }
    }
}

/// What happened, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    /// At most as many as asked for.
    #[schema(max_items = 100)]
    pub items: Vec<HistoryEntry>,
    /// The `cursor` of the next page; nothing on the last one.
    #[schema(max_length = 128, example = "4711")]
    pub next_cursor: Option<String>,
}
