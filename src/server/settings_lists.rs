//! The settings that are lists, brought into one form: no empty entries, networks and domains as they are compared.
//!
//! An empty variable is a list of one empty entry, so that empty entries mean nothing.

use super::settings::{Settings, SettingsError, is_local_url};
use crate::domain::credential::Email;
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;
use url::Url;

const NETWORK: &str = "must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32";
const DOMAIN: &str = "must be a domain such as example.com, or .example.com for all below it";
const ORIGIN: &str = "must be scheme://host or scheme://host:port, https, or http on localhost; each one in full";
/// Bits before the IPv4 address in an IPv6 address that stands for one (RFC 4291 2.5.5.2).
const MAPPED: u8 = 96;

/// Writes each list anew: `server.trusted_proxies` as networks, the domains of `registration` as ASCII in lower case.
///
/// # Errors
/// The first entry that is none, with its key.
pub fn settle(settings: &mut Settings) -> Result<(), SettingsError> {
    let registration = &mut settings.registration;
    rewrite("server.trusted_proxies", &mut settings.server.trusted_proxies, NETWORK, network)?;
    rewrite("cors.origins", &mut settings.cors.origins, ORIGIN, origin)?;
    rewrite("registration.allowed_domains", &mut registration.allowed_domains, DOMAIN, domain)?;
    rewrite("registration.blocked_domains", &mut registration.blocked_domains, DOMAIN, domain)?;
    rewrite("registration.reserved_names", &mut registration.reserved_names, "", |name| Some(name.to_owned()))
}

fn rewrite(
    key: &str,
    list: &mut Vec<String>,
    why: &str,
    written: fn(&str) -> Option<String>,
) -> Result<(), SettingsError> {
    let entries = list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
    let wrong = |entry: &str| SettingsError(format!("{key} = {entry:?}: {why}"));
    *list = entries.map(|entry| written(entry).ok_or_else(|| wrong(entry))).collect::<Result<_, _>>()?;
    Ok(())
}

/// A network; a bare address is one of its own. IPv4 in IPv6 form is IPv4, as addresses of clients are.
fn network(text: &str) -> Option<String> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let mapped = match network {
        IpNet::V6(wide) => wide.addr().to_ipv4_mapped().zip(wide.prefix_len().checked_sub(MAPPED)),
        IpNet::V4(_) => None,
    };
    let network = match mapped {
        Some((address, bits)) => Ipv4Net::new(address, bits).ok()?.into(),
        None => network,
    };
    Some(network.trunc().to_string())
}

/// An origin as browsers write it (RFC 6454 section 6.2). No `*` and no `null`: credentials go with the list.
pub(super) fn origin(text: &str) -> Option<String> {
    let bare = text.split_once("://").is_some_and(|(_, rest)| {
        !rest.is_empty() && !rest.contains(['/', '\\', '?', '#', '@', '*']) && !rest.contains(char::is_whitespace)
    });
    let parsed = Url::parse(text).ok().filter(|url| bare && url.has_host())?;
    let safe = parsed.scheme() == "https" || (parsed.scheme() == "http" && is_local_url(text));
    safe.then(|| parsed.origin().ascii_serialization())
}

/// A domain in the form that [`Email::key`] has it in, with its leading dot.
fn domain(text: &str) -> Option<String> {
    let host = if text.starts_with('.') { "x" } else { "" };
    let email = Email::parse(&format!("a@{host}{text}")).ok()?;
    email.key().strip_prefix("a@")?.strip_prefix(host).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Settings::from_toml(text).err().unwrap_or_else(|| panic!("taken: {text}")).to_string()
    }

    #[test]
    fn origins_are_exact_and_as_browsers_write_them() {
        let taken = "cors.origins = ['HTTPS://App.Example:443', 'http://localhost:3000', 'http://127.0.0.1:3000', '']";
        let settings = Settings::from_toml(taken).unwrap();
        let origins = ["https://app.example", "http://localhost:3000", "http://127.0.0.1:3000"];
        assert_eq!(settings.cors.origins, origins);
        for entry in ["*", "null", "https://*.example", "app.example", "http://app.example", "https://a.example/x"] {
            let text = refused(&format!("cors.origins = ['{entry}']"));
            assert!(text.starts_with("cors.origins"), "{text}");
        }
    }

    #[test]
    fn trusted_proxies_are_addresses_and_networks() {
        for (entry, written) in [
            ("127.0.0.1", "127.0.0.1/32"),
            (" ::1", "::1/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            let settings = Settings::from_toml(&format!("server.trusted_proxies = ['', {entry:?}, ' ']")).unwrap();
            assert_eq!(settings.server.trusted_proxies, [written]);
        }
        for wrong in
            ["proxy", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "[::1]", "*", "10.0.0.1 10.0.0.2", "fe80::1%eth0"]
        {
            let message = refused(&format!("server.trusted_proxies = ['127.0.0.1', {wrong:?}]"));
            assert!(message.starts_with(&format!("server.trusted_proxies = {wrong:?}: must be")), "{message}");
        }
    }

    #[test]
    fn domains_are_in_the_form_of_addresses() {
        let entries = "['', ' Example.COM ', '.Example.com', 'Bücher.example', '.xn--bcher-kva.example', '.de']";
        let written = ["example.com", ".example.com", "xn--bcher-kva.example", ".xn--bcher-kva.example", ".de"];
        let text = format!("registration.allowed_domains = {entries}\nregistration.blocked_domains = {entries}");
        let registration = Settings::from_toml(&text).unwrap().registration;
        assert_eq!(registration.allowed_domains, written);
        assert_eq!(registration.blocked_domains, written);
        for key in ["registration.allowed_domains", "registration.blocked_domains"] {
            for wrong in
                ["*.example.com", "mona@example.com", "@b.de", "a..de", "example.com.", ".", "-x.de", "1.2.3.4"]
            {
                let message = refused(&format!("{key} = [{wrong:?}]"));
                assert!(message.starts_with(&format!("{key} = {wrong:?}: must be a domain")), "{message}");
            }
        }
    }

    #[test]
    fn any_name_can_be_reserved() {
        let settings = Settings::from_toml("registration.reserved_names = ['', ' Der Chef ', ' ']").unwrap();
        assert_eq!(settings.registration.reserved_names, ["Der Chef"]);
    }
}
