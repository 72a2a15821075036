//! The seals of the audit log: HMAC-SHA-256 with keys of their own, made from the mail keys.
//!
//! A seal is `NAME.MAC`: the short name of the key it was made with, and the MAC as base64url. So an entry that was
//! sealed before a change of keys is checked with its own key, and one whose key is gone is told from a broken one.

use super::keys::{self, Keys, Ring};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq as _;

const KEY: &[u8] = b"doorward audit-seal v1\0";
const NAME: &[u8] = b"doorward audit-seal name v1\0";
/// Bytes of a key's name: eight characters of base64url. It tells keys apart and proves nothing.
const NAME_BYTES: usize = 6;

/// What a look at a seal finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It is over this text.
    Whole,
    /// It was made over another text, or not by us.
    Broken,
    /// It bears the name of a key that is not there: nobody can tell.
    KeyGone,
}

/// Makes and checks the seals of the audit log. Cheap to clone; `Debug` prints the type's name.
#[derive(Clone)]
pub struct AuditSeals(Arc<Ring<SealKey>>);

struct SealKey {
    name: String,
    mac: Hmac<Sha256>,
}

impl fmt::Debug for AuditSeals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditSeals")
    }
}

impl AuditSeals {
    /// Seals with the first mail key, checks with all of them.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(Arc::new(keys.mail.map(|key| SealKey::from(&keys::mac(key)))))
    }

    /// The seal of a text: 52 characters.
    #[must_use]
    pub fn seal(&self, text: &str) -> String {
        self.0.first.seal(text)
    }

    /// Whether `seal` is this text's.
    #[must_use]
    pub fn check(&self, text: &str, seal: &str) -> Sealed {
        let name = seal.split_once('.').map_or("", |(name, _)| name);
        match self.0.iter().find(|key| key.name == name) {
            Some(key) if key.seal(text).as_bytes().ct_eq(seal.as_bytes()).into() => Sealed::Whole,
            // What does not even look like a seal was made by no key of ours.
            None if name.len() == URL_SAFE_NO_PAD.encode([0; NAME_BYTES]).len() => Sealed::KeyGone,
            Some(_) | None => Sealed::Broken,
        }
    }
}

impl SealKey {
    fn from(mail: &Hmac<Sha256>) -> Self {
        let derived = mail.clone().chain_update(KEY).finalize().into_bytes();
        let mut block = [0; 64];
        block.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        let mac: Hmac<Sha256> = Hmac::new(&block.into());
        let name = mac.clone().chain_update(NAME).finalize().into_bytes();
        Self { name: URL_SAFE_NO_PAD.encode(name.get(..NAME_BYTES).unwrap_or_default()), mac }
    }

    fn seal(&self, text: &str) -> String {
        let mac = self.mac.clone().chain_update(text).finalize().into_bytes();
        [&self.name, ".", &URL_SAFE_NO_PAD.encode(mac)].concat()
    }
}

/// SHA-256 of a text as base64url.
#[must_use]
pub fn sha256_text(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::crypto::keys::tests::{keys_of, random_key};

    #[test]
    fn a_seal_is_the_documented_mac() {
        let seals = AuditSeals::new(&keys_of(&[&URL_SAFE_NO_PAD.encode([7; 32])]));
        // From Python: key = hmac.new(bytes([7]) * 32, b"doorward audit-seal v1\0", "sha256").digest(); then
        // hmac.new(key, b"doorward audit-seal name v1\0", "sha256").digest()[:6] and hmac.new(key, b"one", "sha256").
        assert_eq!(seals.seal("one"), "AYxr0mq_.ppG_Q4PgPCuKLVfYn7FYenHx84mdZcSt6rGaDLGA3kI");
    }

    #[test]
    fn a_seal_holds_for_its_text_and_its_key_only() {
        let (here, elsewhere) =
            (AuditSeals::new(&keys_of(&[&random_key()])), AuditSeals::new(&keys_of(&[&random_key()])));
        let seal = here.seal("one");
        assert_eq!(seal.len(), 52);
        assert_eq!(here.check("one", &seal), Sealed::Whole);
        assert_eq!(here.check("two", &seal), Sealed::Broken);
        assert_eq!(elsewhere.check("one", &seal), Sealed::KeyGone);
        for at in 0..seal.len() {
            let other = if seal.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut changed = seal.clone();
            changed.replace_range(at..=at, other);
            assert_ne!(here.check("one", &changed), Sealed::Whole, "letter {at}");
            assert_ne!(here.check("one", &seal[..at]), Sealed::Whole, "cut at {at}");
        }
        for none in ["", ".", "x.y", "no seal"] {
            assert_eq!(here.check("one", none), Sealed::Broken, "{none:?}");
        }
    }

    #[test]
    fn after_a_change_of_keys_old_seals_hold_and_new_ones_are_the_new_keys() {
        let (old, new) = (random_key(), random_key());
        let before = AuditSeals::new(&keys_of(&[&old]));
        let during = AuditSeals::new(&keys_of(&[&new, &old]));
        let after = AuditSeals::new(&keys_of(&[&new]));
        assert_eq!(during.check("one", &before.seal("one")), Sealed::Whole);
        assert_eq!(after.check("one", &during.seal("one")), Sealed::Whole);
        assert_eq!(after.check("one", &before.seal("one")), Sealed::KeyGone);
    }
}
