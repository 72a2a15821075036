//! Passwords as typed: one Unicode form, never trimmed, never cut.
//!
//! NFKC once, the same at every door (NIST SP 800-63B 3.1.1.2), is the one change made to what was typed.

use super::TYPED_BYTES_PER_CHARACTER;
use secrecy::{ExposeSecret as _, SecretString};
use unicode_normalization::UnicodeNormalization as _;

/// How long a new password may be, in characters (code points after NFKC); from the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// The shortest.
    pub min_length: usize,
    /// The longest. In bytes it is at most four times that.
    pub max_length: usize,
}

/// A password that someone wants from now on: of an allowed length. Whether it is a good one is the policy's to say.
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Reads a new password. Every character counts, spaces too; there are no rules of composition.
    ///
    /// # Errors
    /// A sentence when it is too short or too long, or holds NUL, which some clients cut a text at.
    pub fn parse(typed: &SecretString, rules: PasswordRules) -> Result<Self, String> {
        let PasswordRules { min_length, max_length } = rules;
        let (secret, length) =
            normalised(typed, max_length).ok_or_else(|| format!("Use at most {max_length} characters."))?;
        if length < min_length {
            return Err(format!(
                "Use at least {min_length} characters. A few words that do not belong together are good."
            ));
        }
        if secret.expose_secret().contains('\0') {
            return Err("This password holds a character that cannot be typed everywhere (NUL).".to_owned());
        }
        Ok(Self(secret))
    }

    /// The password in NFKC, to be hashed.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// A password typed to sign in or to confirm who is there: in the form it would have been hashed in.
pub struct TypedPassword {
    secret: SecretString,
    typed: SecretString,
}

impl TypedPassword {
    /// Reads a typed password; `None` if it is longer than `max_length` characters and so can be nobody's. The caller
    /// answers that like any wrong password.
    #[must_use]
    pub fn parse(typed: &SecretString, max_length: usize) -> Option<Self> {
        normalised(typed, max_length).map(|(secret, _)| Self { secret, typed: typed.clone() })
    }

    /// The password in NFKC, to be compared with the hash.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The very text that was typed, to be compared with a hash that another program made.
    #[must_use]
    pub fn as_typed(&self) -> &SecretString {
        &self.typed
    }
}

/// The text in NFKC and its length in characters; `None` beyond `max_length`. A very long text costs nothing: its bytes
/// are compared before it is looked at.
fn normalised(typed: &SecretString, max_length: usize) -> Option<(SecretString, usize)> {
    let typed = typed.expose_secret();
    if typed.len() > max_length.saturating_mul(TYPED_BYTES_PER_CHARACTER) {
        return None;
    }
    let measure = |(length, bytes), letter: char| (length + 1, bytes + letter.len_utf8());
    let (length, bytes) = typed.nfkc().take(max_length + 1).fold((0, 0), measure);
    if length > max_length {
        return None;
    }
    // Measured first, so that the text never moves in memory: only the copy that is wiped ever exists.
    let mut text = String::with_capacity(bytes);
    text.extend(typed.nfkc());
    Some((SecretString::from(text), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PasswordRules = PasswordRules { min_length: 10, max_length: 256 };

    fn parse(typed: &str) -> Result<String, String> {
        NewPassword::parse(&SecretString::from(typed), RULES).map(|new| new.secret().expose_secret().to_owned())
    }

    #[test]
    fn every_character_counts_and_none_is_trimmed() {
        assert_eq!(parse("  eight8  ").unwrap(), "  eight8  ");
        assert_eq!(parse("\u{A0}tab\there\u{7f}\n.").unwrap(), " tab\there\u{7f}\n.");
        assert!(parse("123456789").is_err());
        assert!(parse("🐢🦜🌵🪐🧭🎻🍋🧦🛶🪗").is_ok());
        assert!(parse("").is_err());
    }

    #[test]
    fn the_same_text_typed_in_another_form_is_the_same_password() {
        assert_eq!(parse("pa\u{308}sswo\u{308}rter").unwrap(), parse("pässwörter").unwrap());
        assert_eq!(parse("ｐａｓｓｗｏｒｄ１２").unwrap(), "password12");
        assert_eq!(parse("ﬁﬁﬁﬁﬁ").unwrap().chars().count(), 10);
        assert_ne!(parse("Straßenbahn").unwrap(), parse("strassenbahn").unwrap());
    }

    #[test]
    fn length_is_counted_after_normalising() {
        assert!(parse(&"x".repeat(256)).is_ok());
        assert!(parse(&"x".repeat(257)).is_err());
        assert!(parse(&"🐢".repeat(256)).is_ok());
        assert!(parse(&"\u{1112}\u{1161}\u{11AB}".repeat(256)).is_ok());
        assert!(parse(&"ﷺ".repeat(100)).is_err());
        assert!(parse("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}").is_err(), "five characters");
    }

    #[test]
    fn nul_is_refused() {
        assert!(parse("ten letters\0").is_err());
    }

    #[test]
    fn a_megabyte_costs_nothing() {
        let huge = SecretString::from("\u{FDFA}".repeat(400_000));
        let start = std::time::Instant::now();
        for _ in 0..1000 {
            assert!(NewPassword::parse(&huge, RULES).is_err());
            assert!(TypedPassword::parse(&huge, 256).is_none());
        }
        assert!(start.elapsed() < std::time::Duration::from_millis(500));
    }

    #[test]
    fn signing_in_takes_the_form_that_was_hashed() {
        let new = NewPassword::parse(&SecretString::from("Ｚoe\u{308} likes tea"), RULES).unwrap();
        let typed = TypedPassword::parse(&SecretString::from("Zoë likes tea"), 256).unwrap();
        assert_eq!(new.secret().expose_secret(), typed.secret().expose_secret());
        assert!(TypedPassword::parse(&SecretString::from("x"), 256).is_some(), "short ones are simply wrong");
        assert!(TypedPassword::parse(&SecretString::from("x".repeat(257)), 256).is_none());
    }

    #[test]
    fn debug_shows_the_type_and_nothing_else() {
        let typed = SecretString::from("correct horse battery");
        assert_eq!(format!("{:?}", NewPassword::parse(&typed, RULES)), "Ok(NewPassword)");
        assert_eq!(format!("{:?}", TypedPassword::parse(&typed, 256)), "Some(TypedPassword)");
    }
}
