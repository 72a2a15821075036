//! What every page may know of its request. The server provides it while it renders; islands get what they need of it as props.

use crate::domain::{
    account::Account,
    factor::{Factors, Takes, Waiting, WaitingTotp},
    history::History,
    problem::Problem,
    session::SessionSummary,
    time::Timestamp,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who looks at the page, decided on the server before anything is rendered.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Account>);

/// The name of the site, from the settings.
#[derive(Clone, Debug)]
pub struct SiteName(pub String);

/// What every page says of the site's files: paths with hashes in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteNames {
    /// The stylesheet.
    pub style: String,
    /// The text of the script in the page, which fetches all others.
    pub starter: String,
}

/// The fewest characters of a new password, from the settings.
#[derive(Clone, Copy, Debug)]
pub struct ShortestPassword(pub usize);

/// What a form that was posted without scripts has to show again: the problem and what was typed (never a password).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// The path that it was posted to.
    pub form: String,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Field names and what was typed into them.
    pub values: Vec<(String, String)>,
}

/// The mailed link that led here, kept out of the address bar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailedLink {
    /// Whose reset it is.
    pub uid: String,
    /// The link's secret; once it is in the form, it goes nowhere but back to us.
    pub token: String,
}

/// The HTTP status of the page, where it is not 200.
#[derive(Clone, Copy, Debug)]
pub struct Status(pub u16);

impl Posted {
    /// What was typed into `field`, or nothing.
    #[must_use]
    pub fn value(&self, field: &str) -> String {
        self.values.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// The account of who looks at the page, if anybody is signed in.
#[must_use]
pub fn visitor() -> Option<Account> {
    use_context::<Visitor>().and_then(|visitor| visitor.0)
}

/// What the form on this page was posted with, if it was.
#[must_use]
pub fn posted() -> Posted {
    use_context::<Posted>().unwrap_or_default()
}

/// The mailed link that led here, if one did.
#[must_use]
pub fn mailed_link() -> Option<MailedLink> {
    use_context::<MailedLink>()
}

/// The name of the site.
#[must_use]
pub fn site_name() -> String {
    use_context::<SiteName>().map_or_else(|| "Doorward".to_owned(), |name| name.0)
}

/// What every page says of the site's files.
#[must_use]
pub fn site_names() -> SiteNames {
    use_context::<SiteNames>().unwrap_or_default()
}

/// What helps to choose a new password.
#[must_use]
pub fn password_hint() -> String {
    let tip = "A few unrelated words are easy to remember and hard to guess.";
    match use_context::<ShortestPassword>() {
        Some(ShortestPassword(least)) => ["At least ", &least.to_string(), " characters. ", tip].concat(),
        None => tip.to_owned(),
    }
}

/// What the account's pages show beside the account itself; each page fills in what it needs.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    /// Where its owner is signed in.
    pub sessions: Vec<SessionSummary>,
    /// What happened to it.
    pub history: History,
    /// The time zones to choose from.
    pub time_zones: Vec<String>,
    /// Days between the wish to leave and the end.
    pub deletion_grace: i64,
    /// What signing in takes beside a password.
    pub factors: Factors,
    /// Whether passkeys can be made here: not at an IP address.
    pub offers_passkeys: bool,
    /// An authenticator app that waits for its first code.
    pub new_app: Option<NewApp>,
    /// New recovery codes, as long as they are shown.
    pub codes: Vec<String>,
    /// Whether the last proof of who looks at the page is so fresh that no form asks for another.
    pub is_fresh: bool,
}

/// An authenticator app that waits for its first code, and its picture.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// The secret.
    pub waiting: WaitingTotp,
    /// Its `otpauth:` URL as a QR code.
    pub picture: Option<Picture>,
}

/// A QR code, to be drawn: dark shapes on a light ground.
#[derive(Clone)]
pub struct Picture {
    /// The length of a side in modules, the quiet zone included.
    pub side: usize,
    /// The dark modules as the path of an SVG, one unit a module.
    pub path: String,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Picture")
    }
}

/// Whether this site asks people to confirm their address.
#[derive(Clone, Copy, Debug)]
pub struct AsksConfirmation(pub bool);

/// Whether the browser that opened a link to confirm an address is the one that registered, or is signed in.
#[derive(Clone, Copy, Debug)]
pub struct OwnLink(pub bool);

/// Whether new accounts may be made.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationOpen(pub bool);

/// Writes a time as a person reads it, in that person's time zone.
#[derive(Clone)]
pub struct LocalTime(pub Arc<dyn Fn(Timestamp) -> String + Send + Sync>);

/// A form that waits for its sender to confirm who it is: where it goes and what was typed.
#[derive(Clone, Debug)]
pub struct ProofAsked {
    /// The path of the form.
    pub form: String,
    /// Field names and what was typed; no passwords.
    pub values: Vec<(String, String)>,
    /// What was wrong with the proof, if one was given.
    pub problem: Option<Problem>,
    /// What the account takes as proof.
    pub takes: Takes,
}

/// The sign-in, or the session from before, that waits for a factor in this browser.
#[must_use]
pub fn waiting() -> Option<Waiting> {
    use_context::<Waiting>()
}

/// What this page shows beside the account.
#[must_use]
pub fn account_facts() -> AccountFacts {
    use_context::<AccountFacts>().unwrap_or_default()
}

/// Whether the visitor's address waits to be confirmed and the site asks for it.
#[must_use]
pub fn awaits_confirmation() -> bool {
    let asked = use_context::<AsksConfirmation>().is_some_and(|asks| asks.0);
    asked && visitor().is_some_and(|account| account.email_verified_at.is_none())
}

/// Whether a mailed link to confirm an address was opened by the browser that registered, or that is signed in.
#[must_use]
pub fn is_own_link() -> bool {
    use_context::<OwnLink>().is_some_and(|own| own.0)
}

/// Whether new accounts may be made.
#[must_use]
pub fn registration_is_open() -> bool {
    use_context::<RegistrationOpen>().is_none_or(|open| open.0)
}

/// A time in the visitor's zone.
#[must_use]
pub fn local(at: Timestamp) -> String {
    use_context::<LocalTime>().map_or_else(|| at.minute(), |local| (local.0)(at))
}

/// What the form at `path` was posted with, if it was that one.
#[must_use]
pub fn posted_to(path: &str) -> Posted {
    Some(posted()).filter(|posted| posted.form == path).unwrap_or_default()
}
