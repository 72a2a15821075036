//! What the mails say: those that carry a secret, and the notices. What people wrote themselves passes [`calm`] first.

mod calm;
mod factors;
mod layout;
mod notices;
mod secrets;

pub(super) use factors::{
    FactorEvent, browser_trusted, factor_guesses, factors_reset, factors_undone, passkey_added, passkey_cloned,
    passkey_removed, password_removed, recovery_code_used, recovery_codes_made, totp_enrolled, totp_removed,
};
pub use layout::escape;
pub(super) use notices::{
    Event, deletion_requested, login_after_failures, new_device, password_changed, password_reset_done,
    registration_attempt, session_theft, username_changed,
};
pub(super) use secrets::{
    Lived, Mailed, email_change, email_changed, email_confirmation, password_reset, username_reset,
};

/// A mail's words, rendered.
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Who writes to whom.
pub(super) struct Greeting<'a> {
    pub(super) site: &'a str,
    pub(super) name: &'a str,
}
