//! What people wrote themselves, as it may stand in a mail of ours. Somebody can register, or enter as a new address,
//! the address of a stranger: the mail must not say to the stranger what that person likes.

use std::net::IpAddr;

/// Whether a name can stand in a mail. Somebody can register a stranger's address under the name "win at
/// www.evil.test"; mail programs would make that a link in a mail of ours.
pub(super) fn is_a_calm_name(name: &str) -> bool {
    let dotted = name.split('.').skip(1).any(|after| after.chars().next().is_some_and(|c| !c.is_whitespace()));
    !name.trim().is_empty()
        && name.chars().count() <= 50
        && !dotted
        && !name.chars().any(|character| character.is_control() || "/\\:@<>".contains(character))
}

/// The name, if it [`is_a_calm_name`].
pub(super) fn calm_name(name: &str) -> Option<&str> {
    Some(name).filter(|name| is_a_calm_name(name))
}

/// A device and its address (`Firefox on Linux, 192.0.2.7`, or with an IPv6 network such as `2001:db8::/64`), if it is
/// no more than that.
pub(super) fn calm_device(about: &str) -> Option<&str> {
    let device = about.rsplit_once(", ").filter(|(_, place)| is_address(place)).map_or(about, |(device, _)| device);
    is_a_calm_name(device).then_some(about)
}

fn is_address(place: &str) -> bool {
    let (address, bits) = place.split_once('/').unwrap_or((place, "0"));
    address.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 128)
}

/// An address that its reader need not learn in full: its first letter and its domain, as DNS knows it, so that no
/// letter of it passes for another. Nothing if it is no address.
pub(super) fn masked(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    let first = local.chars().next().filter(|letter| letter.is_alphanumeric());
    let domain = idna::domain_to_ascii(domain).ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    if local.is_empty() || domain.is_empty() || !domain.bytes().all(plain) {
        return None;
    }
    Some(format!("{}…@{domain}", first.map(String::from).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_calm_name_and_perhaps_an_address() {
        for about in [
            "Firefox on Linux, 192.0.2.7",
            "Safari on iOS, 2001:db8:1:2::/64",
            "Unknown device, ::1",
            "Firefox on Linux",
            "Zoë's phone, blue, 192.0.2.7",
        ] {
            assert_eq!(calm_device(about), Some(about));
        }
        for about in [
            "",
            ", 192.0.2.7",
            "192.0.2.7",
            "Firefox, www.evil.test",
            "www.evil.test, 192.0.2.7",
            "Firefox, 192.0.2.7/www.evil.test",
            "Firefox, 192.0.2.7/129",
            "Firefox, 192.0.2.7, call 555@evil.test",
            "Firefox\r\nBcc: x, 192.0.2.7",
            "<b>Firefox</b>, 192.0.2.7",
        ] {
            assert_eq!(calm_device(about), None, "{about:?}");
        }
        assert_eq!(calm_device(&format!("{}, 192.0.2.7", "x".repeat(51))), None);
    }

    #[test]
    fn a_masked_address_shows_its_first_letter_and_its_domain() {
        for (email, shown) in [
            ("mona@example.test", "m…@example.test"),
            ("ömer@example.test", "ö…@example.test"),
            ("m@bücher.test", "m…@xn--bcher-kva.test"),
            ("<b>@example.test", "…@example.test"),
        ] {
            assert_eq!(masked(email).as_deref(), Some(shown));
        }
        for email in ["", "mona", "@example.test", "mona@", "mona@[192.0.2.7]", "m@a b", "m@a.test\r\nBcc: x", "m@<b>"]
        {
            assert_eq!(masked(email), None, "{email:?}");
        }
    }
}
