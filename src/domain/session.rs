//! A session as its owner sees it in the list.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One sign-in that is still good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Its public name.
    pub sid: String,
    /// Browser and system in a few words.
    pub device_label: String,
    /// The coarse address it was opened from.
    pub ip: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last renewed.
    pub last_used_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_this: bool,
}
