//! Password hashes as Django writes them, for accounts that were imported: checked here until their owners sign in, then
//! replaced by ours. None is ever made.
//!
//! They are stored as Django wrote them. Its text says by its first word that the hash is foreign: that the password may
//! have been trimmed and was not normalised, and that it is to be replaced, however strong it is.

use super::password_hasher::Guess;
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use subtle::ConstantTimeEq as _;

/// The most iterations of PBKDF2 that are computed, about two seconds; Django 5.2 makes 1 000 000. These limits stop a
/// planted row from holding a thread for minutes.
const MOST_ITERATIONS: u32 = 5_000_000;
/// The largest cost of bcrypt, about four seconds; Django makes 12.
const MOST_BCRYPT_COST: u32 = 16;
/// The most memory of scrypt in bytes; Django takes 16 MiB.
const MOST_SCRYPT_MEMORY: u64 = 256 << 20;
/// The most work of scrypt, N · r · p, about a second; Django's is 655 360.
const MOST_SCRYPT_WORK: u64 = 1 << 22;
/// The largest Argon2: KiB, passes, lanes; Django takes 102 400, 2 and 8.
const MOST_ARGON2: (u32, u32, u32) = (262_144, 16, 16);
/// The longest text that is looked at, in bytes; Django's column has 128 characters.
const LONGEST: usize = 512;

/// What stands in the password column of a Django user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DjangoPassword {
    /// A hash that is checked here.
    Usable,
    /// No password was set.
    Unset,
    /// A hash that is not checked here: weak, unknown, damaged or beyond measure. Says its kind, and nothing else of it.
    Unusable(String),
}

impl DjangoPassword {
    /// Reads the column's text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        if text.is_empty() || text.starts_with('!') {
            return Self::Unset;
        }
        if DjangoHash::parse(text).is_some() {
            return Self::Usable;
        }
        let is_word = |word: &&str| {
            (1..=32).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let kind = text.split_once('$').map(|(kind, _)| kind).filter(is_word);
        Self::Unusable(kind.unwrap_or("unknown").to_owned())
    }
}

/// A hash of Django's, taken apart.
pub(super) enum DjangoHash<'a> {
    Pbkdf2 { sha1: bool, iterations: u32, salt: &'a [u8], tag: Vec<u8> },
    Argon2 { argon2: Argon2<'static>, salt: Vec<u8>, tag: Vec<u8> },
    Bcrypt { hash: &'a str, digested: bool },
    Scrypt { params: scrypt::Params, salt: &'a [u8], tag: Vec<u8> },
}

impl<'a> DjangoHash<'a> {
    /// Takes a text apart; `None` unless it is one of Django's and can be computed within the limits above.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > LONGEST || text.contains(char::is_control) {
            return None;
        }
        let (kind, rest) = text.split_once('$')?;
        match kind {
            "pbkdf2_sha256" => Self::pbkdf2(rest, false),
            "pbkdf2_sha1" => Self::pbkdf2(rest, true),
            "argon2" => Self::argon2(&text[kind.len()..]),
            "bcrypt_sha256" => Self::bcrypt(rest, true),
            "bcrypt" => Self::bcrypt(rest, false),
            "scrypt" => Self::scrypt(rest),
            _ => None,
        }
    }

    fn pbkdf2(rest: &'a str, sha1: bool) -> Option<Self> {
        let [iterations, salt, tag] = parts(rest)?;
        let iterations = iterations.parse().ok().filter(|count| (1..=MOST_ITERATIONS).contains(count))?;
        let tag = STANDARD.decode(tag).ok().filter(|tag| tag.len() == if sha1 { 20 } else { 32 })?;
        Some(Self::Pbkdf2 { sha1, iterations, salt: salt.as_bytes(), tag })
    }

    fn argon2(phc: &str) -> Option<Self> {
        let hash = PasswordHash::new(phc).ok()?;
        let algorithm = match hash.algorithm.as_str() {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            "argon2d" => Algorithm::Argon2d,
            _ => return None,
        };
        // Without a version it is the first one, which had none to write.
        let version = Version::try_from(hash.version.unwrap_or(0x10)).ok()?;
        let cost = |name: &str, most: u32| hash.params.get_decimal(name).filter(|cost| *cost <= most);
        let (memory, passes, lanes) = (cost("m", MOST_ARGON2.0)?, cost("t", MOST_ARGON2.1)?, cost("p", MOST_ARGON2.2)?);
        let (salt, tag) = (hash.salt?.to_vec(), hash.hash?.as_bytes().to_vec());
        let params = Params::new(memory, passes, lanes, Some(tag.len())).ok()?;
        Some(Self::Argon2 { argon2: Argon2::new(algorithm, version, params), salt, tag })
    }

    /// `digested`: of the SHA-256 of the password in hexadecimal, so that all of a long one counts.
    fn bcrypt(hash: &'a str, digested: bool) -> Option<Self> {
        let parsed: bcrypt::HashParts = hash.parse().ok()?;
        (4..=MOST_BCRYPT_COST).contains(&parsed.get_cost()).then_some(Self::Bcrypt { hash, digested })
    }

    fn scrypt(rest: &'a str) -> Option<Self> {
        let [n, salt, r, p, tag] = parts(rest)?;
        let n: u64 = n.parse().ok()?;
        let (r, p): (u32, u32) = (r.parse().ok()?, p.parse().ok()?);
        let memory = n.checked_mul(u64::from(r))?.checked_mul(128)?;
        let work = (memory / 128).checked_mul(u64::from(p))?;
        if !n.is_power_of_two() || n < 2 || memory > MOST_SCRYPT_MEMORY || work > MOST_SCRYPT_WORK {
            return None;
        }
        let params = scrypt::Params::new(u8::try_from(n.ilog2()).ok()?, r, p).ok()?;
        let tag = STANDARD.decode(tag).ok().filter(|tag| tag.len() == 64)?;
        Some(Self::Scrypt { params, salt: salt.as_bytes(), tag })
    }

    /// Whether this is the hash of what was guessed: as it was typed, in our form, or trimmed, as Django REST framework
    /// hands passwords on. What is the same text is computed once; nearly always that is all three.
    pub(super) fn is_of(&self, guess: &Guess) -> bool {
        let (typed, ours) = (guess.as_typed().expose_secret(), guess.secret().expose_secret());
        // Python's idea of white space has four separators more than Unicode's.
        let trimmed =
            typed.trim_matches(|letter: char| letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter));
        let mut forms = vec![typed];
        for form in [ours, trimmed] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms.iter().any(|form| self.is_of_bytes(form.as_bytes()))
    }

    fn is_of_bytes(&self, password: &[u8]) -> bool {
        match self {
            Self::Pbkdf2 { sha1, iterations, salt, tag } => {
                let mut made = vec![0; tag.len()];
                match sha1 {
                    true => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, *iterations, &mut made),
                    false => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *iterations, &mut made),
                }
                made.ct_eq(tag).into()
            }
            Self::Argon2 { argon2, salt, tag } => {
                let mut made = vec![0; tag.len()];
                argon2.hash_password_into(password, salt, &mut made).is_ok() && bool::from(made.ct_eq(tag))
            }
            Self::Bcrypt { hash, digested: true } => {
                let mut hex = String::with_capacity(64);
                for byte in Sha256::digest(password) {
                    // Writing into a text does not fail.
                    let _ = write!(hex, "{byte:02x}");
                }
                bcrypt::verify(hex, hash).unwrap_or(false)
            }
            Self::Bcrypt { hash, digested: false } => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Scrypt { params, salt, tag } => {
                let mut made = vec![0; tag.len()];
                scrypt::scrypt(password, salt, params, &mut made).is_ok() && bool::from(made.ct_eq(tag))
            }
        }
    }
}

/// The parts between dollar signs, if there are exactly so many and none is empty.
fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    let parts: Vec<&str> = text.split('$').collect();
    <[&str; N]>::try_from(parts).ok().filter(|parts| parts.iter().all(|part| !part.is_empty()))
}

#[cfg(test)]
#[path = "django_hash_tests.rs"]
mod tests;
