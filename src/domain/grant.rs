//! What the browser gets after a sign-in or a refresh.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An access token and its life. It lives in memory only; the refresh token is not in it: that one travels in the cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The signed token (RFC 9068) for `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until it expires, from when it was made.
    pub expires_in: i64,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grant")
    }
}

/// What a form's server function answers when it did what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Where to go now: always a path of our own.
    pub next: String,
    /// For those who are now signed in.
    pub grant: Option<Grant>,
}
