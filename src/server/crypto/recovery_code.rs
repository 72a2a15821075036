//! Recovery codes: sixteen letters in four groups, `7K4M-Q2ZP-…`. They are for paper, so no two letters look alike.
//!
//! The first letter says which of an account's codes it is; the other fifteen are the secret, 75 bits of it.

use crate::server::entropy::Entropy;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;

/// Crockford's base32: no I, L, O and U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code.
const LENGTH: usize = 16;
/// Letters of a group.
const GROUP: usize = 4;

/// A recovery code. `Debug` prints the type's name.
pub struct RecoveryCode(SecretString);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode")
    }
}

impl RecoveryCode {
    /// `count` new ones, at most 32, each beginning with another letter.
    #[must_use]
    pub fn set(count: usize, entropy: &dyn Entropy) -> Vec<Self> {
        let mut slots = LETTERS.to_vec();
        // Fisher and Yates; 2^32 is so much more than 32 that no order is likelier than another by more than 2^-27.
        for at in (1..slots.len()).rev() {
            slots.swap(at, draw(entropy) % at.saturating_add(1));
        }
        slots.into_iter().take(count).map(|slot| Self::random(slot, entropy)).collect()
    }

    fn random(slot: u8, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; LENGTH - 1];
        entropy.fill(&mut bytes);
        // 256 is a multiple of 32: no letter is likelier than another.
        let rest = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied());
        Self(std::iter::once(slot).chain(rest).map(char::from).collect::<String>().into())
    }

    /// What was typed: in any case, with or without spaces and dashes, O for 0, I and L for 1. None if it can be no code.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|letter| !letter.is_whitespace() && !is_dash(*letter));
        let code: String = letters.take(LENGTH.saturating_add(1)).map(read).collect::<Option<_>>()?;
        (code.len() == LENGTH).then(|| Self(code.into()))
    }

    /// Which of an account's codes it is: its first letter.
    #[must_use]
    pub fn slot(&self) -> &str {
        self.0.expose_secret().get(..1).unwrap_or_default()
    }

    /// What is hashed: all but the first letter.
    #[must_use]
    pub fn secret(&self) -> SecretString {
        self.0.expose_secret().get(1..).unwrap_or_default().to_owned().into()
    }

    /// As it is shown: in groups.
    #[must_use]
    pub fn shown(&self) -> SecretString {
        let groups: Vec<_> =
            (0..LENGTH).step_by(GROUP).filter_map(|at| self.0.expose_secret().get(at..at + GROUP)).collect();
        groups.join("-").into()
    }
}

fn draw(entropy: &dyn Entropy) -> usize {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    usize::try_from(u32::from_le_bytes(bytes)).unwrap_or_default()
}

const fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}')
}

fn read(letter: char) -> Option<char> {
    let letter = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    (letter.is_ascii() && LETTERS.contains(&u8::try_from(letter).ok()?)).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::entropy::SystemEntropy;
    use std::collections::BTreeSet;

    #[test]
    fn ten_codes_begin_differently_and_read_back() {
        let codes = RecoveryCode::set(10, &SystemEntropy);
        assert_eq!(codes.iter().map(RecoveryCode::slot).collect::<BTreeSet<_>>().len(), 10);
        for code in &codes {
            let shown = code.shown().expose_secret().to_owned();
            assert_eq!(shown.len(), 19, "{shown}");
            let read = RecoveryCode::parse(&shown).unwrap();
            assert_eq!((read.slot(), read.secret().expose_secret()), (code.slot(), code.secret().expose_secret()));
            assert_eq!(code.secret().expose_secret().len(), 15);
        }
    }

    #[test]
    fn all_letters_begin_codes() {
        let mut begun = BTreeSet::new();
        for _ in 0..200 {
            begun.extend(RecoveryCode::set(10, &SystemEntropy).iter().map(|code| code.slot().to_owned()));
        }
        assert_eq!(begun.len(), 32);
        assert_eq!(RecoveryCode::set(32, &SystemEntropy).len(), 32);
    }

    #[test]
    fn a_code_may_be_typed_as_it_is_read_from_paper() {
        let read = |typed: &str| RecoveryCode::parse(typed).map(|code| code.shown().expose_secret().to_owned());
        let expected = Some("7K4M-Q2ZP-0011-ABCD".to_owned());
        for typed in ["7K4M-Q2ZP-0011-ABCD", "7k4mq2zp0011abcd", " 7k4m q2zp oOiL abcd\n", "7K4M\u{2013}Q2ZP–0011-ABCD"]
        {
            assert_eq!(read(typed), expected, "{typed}");
        }
        for typed in [
            "",
            "7K4M",
            "7K4M-Q2ZP-0011-ABCDE",
            "7K4M-Q2ZP-0011-ABCU",
            "7K4M-Q2ZP-0011-ABC\u{e4}",
            &"7".repeat(1_000_000),
        ] {
            assert_eq!(read(typed), None, "{typed:.20}");
        }
    }

    #[test]
    fn debug_shows_the_type_and_nothing_else() {
        assert_eq!(format!("{:?}", RecoveryCode::parse("7K4MQ2ZP0011ABCD")), "Some(RecoveryCode)");
    }
}
