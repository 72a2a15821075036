//! User names: short, readable, and none that passes for another.

use super::{TYPED_BYTES_PER_CHARACTER, fold};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _, skeleton};

/// The shortest user name, in characters (numbers.md 2.8).
pub const USERNAME_MIN: usize = 3;
/// The longest user name, in characters (numbers.md 2.8).
pub const USERNAME_MAX: usize = 32;

/// A user name.
#[derive(Clone, PartialEq, Eq)]
pub struct Username {
    shown: String,
    key: String,
}

impl Username {
    /// Reads a user name: trimmed, NFKC, [`USERNAME_MIN`] to [`USERNAME_MAX`] characters; letters and digits of one
    /// script (UTS #39 5.1) and `. _ - +`, a letter or digit at both ends. There is no `@`, so that a name never looks
    /// like an address.
    ///
    /// # Errors
    /// A sentence when it is no such name, or a foreign-script lookalike of a plain one (UTS #39 4).
    pub fn parse(typed: &str) -> Result<Self, String> {
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Err("Enter a user name.".to_owned());
        }
        if trimmed.len() > USERNAME_MAX * TYPED_BYTES_PER_CHARACTER {
            return Err(wrong_length());
        }
        let shown: String = trimmed.nfkc().collect();
        check_letters(&shown)?;
        let key = fold(&shown);
        // Folding can lengthen a name (`İ` becomes two characters); the key has a size in the database too.
        if shown.chars().count() < USERNAME_MIN || shown.chars().count().max(key.chars().count()) > USERNAME_MAX {
            return Err(wrong_length());
        }
        check_lookalike(&shown)?;
        // Unicode allows some letters in names as capitals only (`Ɥ`): their small ones are no name.
        check_letters(&key)?;
        check_lookalike(&key)?;
        Ok(Self { shown, key })
    }

    /// The name as it was typed, in NFKC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form that decides whether two names are the same: [`fold`]ed.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn wrong_length() -> String {
    format!("A user name has {USERNAME_MIN} to {USERNAME_MAX} characters.")
}

fn check_letters(name: &str) -> Result<(), String> {
    if name.contains('@') {
        return Err("A user name has no @ in it. Your e-mail address goes into its own field.".to_owned());
    }
    let mut previous = '.';
    for letter in name.chars() {
        let allowed = if letter.is_ascii() {
            letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+')
        } else if is_combining_mark(letter) {
            // Vowel signs and tone marks are part of many scripts; the accents shared by all (U+0300 to U+036F) have
            // composed by now where they make a letter, and would only pile up.
            letter.identifier_allowed() && !previous.is_ascii() && !matches!(letter, '\u{300}'..='\u{36F}')
        } else {
            letter.identifier_allowed() && letter.is_alphanumeric()
        };
        if !allowed {
            return Err("Use letters, digits and . _ - + only.".to_owned());
        }
        previous = letter;
    }
    let at_end = |letter: char| letter.is_alphanumeric() || is_combining_mark(letter);
    if name.starts_with(char::is_alphanumeric) && name.ends_with(at_end) {
        Ok(())
    } else {
        Err("A user name begins and ends with a letter or a digit.".to_owned())
    }
}

fn check_lookalike(name: &str) -> Result<(), String> {
    if name.is_ascii() {
        return Ok(());
    }
    if !name.is_single_script() {
        return Err("Use letters of one alphabet only.".to_owned());
    }
    if skeleton(name).all(|letter| letter.is_ascii()) {
        return Err("This name looks like one in plain Latin letters. Choose one that cannot be mistaken.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(typed: &str) -> String {
        Username::parse(typed).unwrap_or_else(|error| panic!("{typed:?}: {error}")).key
    }

    #[test]
    fn one_name_whatever_its_case_or_form() {
        for typed in ["Alice", "alice", "ALICE", " alice ", "alice\t", "\u{3000}ａｌｉｃｅ", "Ａｌｉｃｅ"] {
            assert_eq!(key(typed), "alice", "{typed:?}");
        }
        assert_eq!(key("JOSE\u{301}"), key("josé"));
        assert_eq!(key("ﬁona"), "fiona");
        assert_eq!(key("Σωκράτης"), key("ΣΩΚΡΆΤΗΣ"));
        assert_eq!(key("STRAẞE"), key("straße"));
        assert_eq!(key("\u{1112}\u{1161}\u{11AB}국인"), key("한국인"));
    }

    #[test]
    fn a_capital_whose_small_letter_is_in_no_name_is_in_none() {
        assert!(Username::parse("Za\u{a78d}").is_err());
    }

    #[test]
    fn a_name_is_shown_as_typed_in_nfkc() {
        assert_eq!(Username::parse(" Jose\u{301}.Ma ").unwrap().as_str(), "José.Ma");
        assert_eq!(Username::parse("Ａlice").unwrap().as_str(), "Alice");
    }

    #[test]
    fn names_of_many_scripts_are_taken() {
        for good in [
            "bob",
            "a-b",
            "a_b.c+d",
            "x1y",
            "123",
            "jürgen",
            "łukasz",
            "Ñandú",
            "Đặng",
            "борис",
            "Ελένη",
            "田中さん",
            "김철수",
            "สมชาย",
            "हिन्दी",
            "محمد",
            "דניאל",
            "বাংলা",
            "straße",
        ] {
            assert!(Username::parse(good).is_ok(), "{good}: {:?}", Username::parse(good));
        }
    }

    #[test]
    fn lookalikes_and_mixtures_are_refused() {
        for bad in [
            "аlice",
            "аdmin",
            "рауе",
            "сор",
            "ѕсоре",
            "αlice",
            "aliсe",
            "ɑlice",
            "аӏісе",
            "al\u{456}ce",
            "yılmaz",
            "٣alice",
            "paypаl",
            "ραυl",
            "admin一",
            "ᴀlice",
            "𐐀lice",
            "Ꭺlice",
        ] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in [
            "",
            " ",
            "ab",
            "a b",
            "al ice",
            "a@b",
            "mona@x.test",
            "mona＠x.test",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "_ab",
            "ab+",
            "a\0b",
            "alice\0",
            "\0alice",
            "al\u{200B}ice",
            "al\u{200D}ice",
            "al\u{AD}ice",
            "\u{202E}ecila",
            "ali\u{202E}ce",
            "al\u{301}\u{301}\u{301}ice",
            "a\u{332}lice",
            "\u{301}bc",
            "🐢🐢🐢",
            "abc🐢",
            "a/b",
            "a\\b",
            "' OR '1'='1",
            "\";--",
            "<script>",
            "a%00b",
            "a\nb",
            "a:b",
            "a\u{3164}b",
            "ㅤㅤㅤ",
            "\u{FEFF}abc",
            "½½½",
            "ﷺ",
            "a\u{A8}b",
            "аb\u{E0001}c",
        ] {
            assert!(Username::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lengths_hold_at_their_ends() {
        assert!(Username::parse(&"a".repeat(32)).is_ok());
        assert!(Username::parse(&"a".repeat(33)).is_err());
        assert!(Username::parse(&"ü".repeat(32)).is_ok());
        assert!(Username::parse(&"u\u{308}".repeat(32)).is_ok());
        assert!(Username::parse(&"ﬃ".repeat(11)).is_err());
        assert!(Username::parse(&"a".repeat(10_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn a_key_is_a_name_with_the_same_key(typed in "\\PC{3,12}|[\\p{Lu}\\p{Ll}]{3,8}|[\\p{Greek}]{3,8}") {
            prop_assert_eq!(fold(&fold(&typed)), fold(&typed));
            if let Ok(name) = Username::parse(&typed) {
                prop_assert_eq!(key(name.as_str()), name.key.clone());
                prop_assert_eq!(key(&name.key), name.key);
            }
        }

        #[test]
        fn no_text_makes_it_panic(typed in "\\PC*|.*") {
            let _ = Username::parse(&typed);
        }
    }
}
