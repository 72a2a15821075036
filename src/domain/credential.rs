//! What people type to say who they are: parsed once at the door, trusted by its type afterwards.
//!
//! The form in the browser and the service on the server call the same functions, so both say the same sentence. An
//! `Err` is always one plain sentence for the field; it never repeats what was typed. Nothing here prints what it
//! holds: `Debug` shows the type's name only.

mod email;
mod password;
mod username;

pub use email::{EMAIL_MAX_BYTES, Email, LOCAL_PART_MAX_BYTES};
pub use password::{NewPassword, PasswordRules, TypedPassword};
pub use username::{USERNAME_MAX, USERNAME_MIN, Username};

use unicode_normalization::UnicodeNormalization as _;

/// The longest first or last name, in characters (numbers.md 2.8).
pub const PERSON_NAME_MAX: usize = 100;

/// Bytes of UTF-8 that one composed character may take as it was typed. The longest canonical decompositions need
/// nine (a Hangul syllable in jamo, UAX #15); text beyond this a character is too long and is not even normalised.
const TYPED_BYTES_PER_CHARACTER: usize = 12;

/// The form in which names are compared: NFKC, lower case, NFKC again (UAX #15, UTS #36), final sigma as sigma.
///
/// Folding twice changes nothing. It is for comparing only, never for showing.
#[must_use]
pub fn fold(text: &str) -> String {
    let sigma = |letter| if letter == 'ς' { 'σ' } else { letter };
    text.nfkc().flat_map(char::to_lowercase).map(sigma).nfkc().collect()
}

/// A first or last name. It is optional: nothing typed is an empty name.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

impl PersonName {
    /// Reads a name: trimmed, NFC, at most [`PERSON_NAME_MAX`] characters; markup is text like any other.
    ///
    /// # Errors
    /// A sentence when it is too long, or holds control characters or such as turn the reading direction.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let trimmed = typed.trim();
        let too_long = || format!("A name has at most {PERSON_NAME_MAX} characters.");
        if trimmed.len() > PERSON_NAME_MAX * TYPED_BYTES_PER_CHARACTER {
            return Err(too_long());
        }
        let name: String = trimmed.nfc().collect();
        if name.chars().count() > PERSON_NAME_MAX {
            return Err(too_long());
        }
        if name.chars().any(breaks_text) {
            return Err("A name cannot hold line breaks or invisible control characters.".to_owned());
        }
        Ok(Self(name))
    }

    /// The name in NFC, or an empty text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that would break out of the line or reorder the text around a name: controls, line and paragraph
/// separators, bidirectional embeddings, overrides and isolates (UAX #9), and the invisible tag characters.
fn breaks_text(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

/// What was typed to sign in, as the key to look an account up by.
#[derive(Clone, PartialEq, Eq)]
pub enum LoginIdentifier {
    /// [`Email::key`] of an address.
    Email(String),
    /// [`Username::key`] of a user name.
    Username(String),
    /// Something that no account can be called. Nobody is told: it fails like a wrong password, at the same cost.
    Unknown,
}

impl LoginIdentifier {
    /// Reads a user name or an address; an `@` decides which.
    ///
    /// # Errors
    /// A sentence when nothing was typed; everything else is an identifier, if only [`LoginIdentifier::Unknown`].
    pub fn parse(typed: &str) -> Result<Self, String> {
        if typed.trim().is_empty() {
            return Err("Enter your user name or e-mail address.".to_owned());
        }
        let known = if typed.contains('@') {
            Email::parse(typed).map(|email| Self::Email(email.key().to_owned()))
        } else {
            Username::parse(typed).map(|name| Self::Username(name.key().to_owned()))
        };
        Ok(known.unwrap_or(Self::Unknown))
    }

    /// The key to look up, or to count failures by; none for [`LoginIdentifier::Unknown`].
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Email(key) | Self::Username(key) => Some(key),
            Self::Unknown => None,
        }
    }
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
opaque_debug!(Email, LoginIdentifier, NewPassword, PersonName, TypedPassword, Username);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_optional_trimmed_and_composed() {
        assert_eq!(PersonName::parse(" \t ").unwrap().as_str(), "");
        assert_eq!(PersonName::parse("  Zoe\u{308} O'Neill-Ng ").unwrap().as_str(), "Zoë O'Neill-Ng");
        assert_eq!(PersonName::parse("<img src=x onerror=alert(1)>").unwrap().as_str(), "<img src=x onerror=alert(1)>");
        assert_eq!(PersonName::parse("👩\u{200D}🚀 نیک\u{200C}نام").unwrap().as_str(), "👩\u{200D}🚀 نیک\u{200C}نام");
    }

    #[test]
    fn a_name_counts_composed_characters() {
        assert!(PersonName::parse(&"x".repeat(100)).is_ok());
        assert!(PersonName::parse(&"x".repeat(101)).is_err());
        assert!(PersonName::parse(&"\u{1112}\u{1161}\u{11AB}".repeat(100)).is_ok());
        assert!(PersonName::parse(&"e\u{301}".repeat(101)).is_err());
        assert!(PersonName::parse(&"x".repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_name_cannot_break_out_of_its_line() {
        for bad in ["a\0b", "a\r\nBcc: x@y.test", "a\u{202E}b", "a\u{2067}b", "a\u{2028}b", "\u{1b}[31m", "a\u{85}b"] {
            assert!(PersonName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_at_sign_decides_what_signs_in() {
        let parse = |typed| LoginIdentifier::parse(typed).unwrap();
        assert!(parse(" Alice@Example.TEST ") == LoginIdentifier::Email("alice@example.test".into()));
        assert!(parse(" ALICE\t") == LoginIdentifier::Username("alice".into()));
        assert_eq!(parse("ＡＬＩＣＥ").key(), Some("alice"));
        assert!(LoginIdentifier::parse("  \u{A0}\n").is_err());
    }

    #[test]
    fn what_nobody_can_be_called_is_unknown_and_no_error() {
        let long = "x".repeat(1_000_000);
        for typed in ["a@b@c", "@", "x", "al ice", "a\0b", "' OR '1'='1", "\";--", "\\", "<script>", "🐢", &long] {
            assert!(LoginIdentifier::parse(typed).unwrap() == LoginIdentifier::Unknown, "{typed:.20}");
        }
    }

    #[test]
    fn debug_shows_the_type_and_nothing_else() {
        assert_eq!(format!("{:?}", Email::parse("mona@example.test")), "Ok(Email)");
        assert_eq!(format!("{:?}", Username::parse("mona")), "Ok(Username)");
        assert_eq!(format!("{:?}", PersonName::parse("Mona")), "Ok(PersonName)");
        assert_eq!(format!("{:?}", LoginIdentifier::parse("mona")), "Ok(LoginIdentifier)");
    }
}
