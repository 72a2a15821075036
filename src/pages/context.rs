//! What every page may know of its request. The server provides it while it renders; islands get what they need of it as props.

use crate::domain::{account::Account, problem::Problem};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Who looks at the page, decided on the server before anything is rendered.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Account>);

/// The name of the site, from the settings.
#[derive(Clone, Debug)]
pub struct SiteName(pub String);

/// The fewest characters of a new password, from the settings.
#[derive(Clone, Copy, Debug)]
pub struct ShortestPassword(pub usize);

/// What a form that was posted without scripts has to show again: the problem and what was typed (never a password).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
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

/// What helps to choose a new password.
#[must_use]
pub fn password_hint() -> String {
    let tip = "A few unrelated words are easy to remember and hard to guess.";
    match use_context::<ShortestPassword>() {
        Some(ShortestPassword(least)) => ["At least ", &least.to_string(), " characters. ", tip].concat(),
        None => tip.to_owned(),
    }
}
