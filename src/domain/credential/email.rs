//! E-mail addresses: one key per address, whatever its case or Unicode form.

use super::fold;
use email_address::EmailAddress;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::{GeneralSecurityProfile as _, general_security_profile::IdentifierType};

/// The longest address in bytes: a path of 256 with its brackets (RFC 5321 4.5.3.1.3, erratum 1690).
pub const EMAIL_MAX_BYTES: usize = 254;
/// The longest part before the `@`, in bytes (RFC 5321 4.5.3.1.1).
pub const LOCAL_PART_MAX_BYTES: usize = 64;

const EXAMPLE: &str = "Enter an e-mail address such as name@example.com.";

/// An e-mail address that mail can be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: String,
}

impl Email {
    /// Reads one bare address (RFC 5321, letters of any script before the `@` as of RFC 6531, any domain name as of
    /// UTS #46). Space around it falls away.
    ///
    /// # Errors
    /// A sentence when it is no such address. Quoted local parts, display names and domain literals are refused:
    /// no one has them at a public mail service, and each is a way to write one address differently.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Err("Enter your e-mail address.".to_owned());
        }
        if trimmed.len() > EMAIL_MAX_BYTES {
            return Err(too_long());
        }
        let address: String = trimmed.nfc().collect();
        check_letters(&address)?;
        let (local, domain) = address.split_once('@').ok_or(EXAMPLE)?;
        let key = format!("{}@{}", local_key(local)?, domain_key(domain)?);
        if address.len() > EMAIL_MAX_BYTES || key.len() > EMAIL_MAX_BYTES {
            return Err(too_long());
        }
        Ok(Self { typed: address, key })
    }

    /// The address as it was typed, in NFC: what is shown, and what mail is sent to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The form that decides whether two addresses are the same: folded local part, ASCII domain in lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn too_long() -> String {
    format!(
        "An e-mail address has at most {EMAIL_MAX_BYTES} characters, and at most {LOCAL_PART_MAX_BYTES} before the @."
    )
}

/// Names what is most often wrong, so that the sentence can help.
fn check_letters(address: &str) -> Result<(), String> {
    let invisible = |letter: char| letter.identifier_type() == Some(IdentifierType::Default_Ignorable);
    let sentence = if address.contains(char::is_whitespace) {
        "An e-mail address has no spaces in it."
    } else if address.contains(char::is_control) || address.contains(invisible) {
        "This address holds an invisible character. Type it instead of pasting it."
    } else if address.contains(['<', '>', '"', '(', ')']) {
        "Enter the address alone, without a name, quotes or brackets, such as name@example.com."
    } else if address.contains([',', ';']) || address.matches('@').count() > 1 {
        "Enter one e-mail address only, with one @ in it."
    } else if address.contains(['[', ']']) {
        "The part after the @ must be a domain name such as example.com."
    } else {
        return Ok(());
    };
    Err(sentence.to_owned())
}

/// The folded local part. Its own form is checked too: NFKC can bring forth characters that mean something in mail.
fn local_key(local: &str) -> Result<String, String> {
    let key = fold(local);
    if local.is_empty() {
        Err(EXAMPLE.to_owned())
    } else if local.len().max(key.len()) > LOCAL_PART_MAX_BYTES {
        Err(too_long())
    } else if EmailAddress::is_valid_local_part(local) && EmailAddress::is_valid_local_part(&key) {
        Ok(key)
    } else {
        Err("The part before the @ has a character or a dot where none can be.".to_owned())
    }
}

fn domain_key(domain: &str) -> Result<String, String> {
    let wrong = || "The part after the @ must be a domain name such as example.com.".to_owned();
    let key = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| wrong())?
        .into_owned();
    let named = match key.rsplit_once('.') {
        // RFC 3696 2: no top-level domain is all digits; without this an IP address would pass.
        Some((_, top)) => !top.bytes().all(|byte| byte.is_ascii_digit()),
        None => key == "localhost",
    };
    if named && EmailAddress::is_valid_domain(&key) { Ok(key) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(typed: &str) -> String {
        Email::parse(typed).unwrap_or_else(|error| panic!("{typed:?}: {error}")).key
    }

    #[test]
    fn one_address_has_one_key_whatever_its_case_or_form() {
        for typed in
            ["mona@example.test", "MONA@EXAMPLE.TEST", " Mona@example.Test\t", "\u{A0}ｍｏｎａ@ｅｘａｍｐｌｅ.test"]
        {
            assert_eq!(key(typed), "mona@example.test", "{typed:?}");
        }
        assert_eq!(key("zoe\u{301}@x.test"), key("ZOÉ@x.test"));
        assert_eq!(key("ﬁona@x.test"), "fiona@x.test");
        assert_eq!(key("ΣΟΦΟΣ@x.test"), key("σοφος@x.test"));
        assert_eq!(key("a@BÜCHER.example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@bu\u{308}cher。example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@xn--bcher-kva.example"), "a@xn--bcher-kva.example");
    }

    #[test]
    fn letters_that_are_not_the_same_make_another_address() {
        assert_ne!(key("аlice@x.test"), key("alice@x.test"), "Cyrillic a");
        assert_ne!(key("yılmaz@x.test"), key("yilmaz@x.test"), "dotless i");
        assert_ne!(key("strasse@x.test"), key("straße@x.test"));
        assert_ne!(key("a.b@x.test"), key("ab@x.test"));
        assert_ne!(key("a+tag@x.test"), key("a@x.test"));
    }

    #[test]
    fn an_address_is_shown_as_it_was_typed() {
        assert_eq!(Email::parse(" Mona.Lisa+x@Bücher.Example ").unwrap().as_str(), "Mona.Lisa+x@Bücher.Example");
        assert_eq!(Email::parse("Zoe\u{301}@x.test").unwrap().as_str(), "Zoé@x.test");
    }

    #[test]
    fn real_addresses_are_taken() {
        for good in
            ["a@b.co", "用户@例子.广告", "o'neil@x.test", "a@localhost", "A@LOCALHOST", "_x-!#$%&'*+/=?^`{|}~@x.test"]
        {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "  ",
            "a@b@c",
            "a@",
            "@b",
            "@",
            "a b@x.test",
            "a@x .test",
            "mona",
            "<a@b.test>",
            "Mona <a@b.test>",
            "a@b.test,c@d.test",
            "a@b.test;c@d.test",
            "a@b.test c@d.test",
            "\"a b\"@x.test",
            "\"a\"@x.test",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@x",
            "a@x..test",
            "a@.test",
            "a@x.test.",
            "a@-x.test",
            "a@x-.test",
            "a@x_y.test",
            ".a@x.test",
            "a.@x.test",
            "a..b@x.test",
            "a\0@x.test",
            "a@x.test\0",
            "a\r\nRCPT TO:<b@c.test>",
            "a@x.test\r\nBcc: b@c.test",
            "a\u{202E}b@x.test",
            "a\u{200B}b@x.test",
            "a\u{AD}b@x.test",
            "a@x\u{AD}y.test",
            "a\u{3164}@x.test",
            "a＠x.test",
            "a＠b@x.test",
            "a﹫b@x.test",
            "a(x)@y.test",
            "🐢@x.test",
            "a@🐢\u{200D}.test",
            "a@x.test?bcc=b@c.test",
            "' OR '1'='1",
            "a@exa%6dple.test",
            "mailto:a@x.test@x",
            "ﷺ@x.test",
            "a@xn--a.test",
            "\";--@x.test",
            "a\\b@x.test",
            "a:b@x.test",
            "\u{301}\0@x.test",
            "a@x.123",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lengths_hold_at_their_ends() {
        let local = "l".repeat(64);
        assert!(Email::parse(&format!("{local}@x.test")).is_ok());
        assert!(Email::parse(&format!("{local}l@x.test")).is_err());
        let label = "d".repeat(60);
        let domain = format!("{label}.{label}.{label}.test");
        let longest = format!("{local}@d{domain}");
        assert_eq!(longest.len(), 253);
        assert!(Email::parse(&longest).is_ok());
        assert!(Email::parse(&format!("{local}@dd{domain}")).is_ok(), "254");
        assert!(Email::parse(&format!("{local}@ddd{domain}")).is_err(), "255");
        assert!(Email::parse(&format!("a@{}.test", "d".repeat(64))).is_err());
        assert!(Email::parse(&"é".repeat(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn a_key_is_an_address_with_the_same_key(typed in "[\\PC]{1,12}@[\\PC]{1,8}\\.[a-z]{2,4}") {
            if let Ok(email) = Email::parse(&typed) {
                prop_assert!(!email.key.contains(|c: char| c.is_control() || c.is_whitespace()));
                prop_assert_eq!(key(&email.key), email.key.clone());
                prop_assert_eq!(key(email.as_str()), email.key);
            }
        }

        #[test]
        fn no_text_makes_it_panic(typed in "\\PC*|[ -~]*|.*") {
            let _ = Email::parse(&typed);
        }
    }
}
