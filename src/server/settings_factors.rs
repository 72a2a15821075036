//! Settings of second factors, checked.

use super::{
    settings::{Settings, SettingsError},
    settings_checks::{refuse, within},
};
use url::{Host, Url};

/// Checks the section `factors`.
///
/// # Errors
/// The first setting that cannot be.
pub fn check(settings: &Settings) -> Result<(), SettingsError> {
    let factors = &settings.factors;
    let challenge = "seconds; the password was right, so somebody else may try codes for as long";
    within("factors.challenge_lifetime", factors.challenge_lifetime, 60..=300, challenge)?;
    within("factors.challenge_tries", factors.challenge_tries, 1..=10, "tries; a code can be guessed")?;
    let enrolment = "seconds; a secret that nobody has confirmed";
    within("factors.enrolment_lifetime", factors.enrolment_lifetime, 300..=3600, enrolment)?;
    within("factors.trusted_days", factors.trusted_days, 0..=90, "days; 0 is never")?;
    within("factors.passkeys", factors.passkeys, 1..=100, "passkeys; all are listed on one page")?;
    domain(&factors.passkey_domain, &settings.server.public_url)
}

/// WebAuthn Level 3, 5.1.2: the relying party's id is the host of the origin, or a domain above it.
fn domain(domain: &str, public_url: &str) -> Result<(), SettingsError> {
    let host = host_of(public_url);
    let is_above = |host: &str| host == domain || host.ends_with(&[".", domain].concat());
    if domain.is_empty() || (domain.contains('.') || domain == "localhost") && host.as_deref().is_some_and(is_above) {
        return Ok(());
    }
    let why = "must be the host of server.public_url or a domain above it, in lower case, or empty (WebAuthn)";
    Err(refuse("factors.passkey_domain", format!("{domain:?}"), why))
}

/// The host of a URL if it is a name, not an address.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    match Url::parse(url).ok()?.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Settings::from_toml(text).err().unwrap_or_else(|| panic!("taken: {text}")).to_string()
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, start) in [
            ("factors.challenge_lifetime = 301", "factors.challenge_lifetime"),
            ("factors.challenge_tries = 0", "factors.challenge_tries"),
            ("factors.enrolment_lifetime = 60", "factors.enrolment_lifetime"),
            ("factors.trusted_days = 91", "factors.trusted_days"),
            ("factors.passkeys = 0", "factors.passkeys"),
            ("factors.passkey_domain = 'evil.test'", "factors.passkey_domain"),
        ] {
            assert!(refused(text).starts_with(start), "{text}: {}", refused(text));
        }
        assert!(refused("factors.required = 'sometimes'").contains("sometimes"));
    }

    #[test]
    fn passkeys_belong_to_the_host_or_to_a_domain_above_it() {
        let of = |domain: &str| {
            let url = "server.public_url = 'https://login.example.test'\nmail.transport = 'log'";
            Settings::from_toml(&format!("{url}\nfactors.passkey_domain = '{domain}'")).is_ok()
        };
        assert!(of("") && of("login.example.test") && of("example.test"));
        assert!(!of("test") && !of("ample.test") && !of("other.example.test") && !of("login.example.test."));
    }
}
