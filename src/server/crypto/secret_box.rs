//! Secrets that must be read again: sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) under keys that are not in
//! the database.
//!
//! A sealed text is base64url of nonce (24 random bytes) and ciphertext with tag. Bound to it are what it is for, and of
//! whom or what it speaks: sealed for one account it does not open for another. The keys are made from the mail keys, the
//! first seals, all open.

use super::keys::{self, Keys, Ring};
use crate::server::entropy::Entropy;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::Mac as _;
use secrecy::{ExposeSecret as _, SecretSlice};
use std::fmt;

/// What the keys are made with from the mail keys.
const LABEL: &[u8] = b"doorward secret-box v1\0";
/// Bytes of a nonce: random ones never meet (2^96 seals of one key until the chance is noticeable).
const NONCE: usize = 24;
/// Characters of the longest sealed text that is looked at.
const LONGEST: usize = 16_384;

/// What a sealed text is for. One sealed for a purpose never opens for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealFor {
    /// The secret of an authenticator app, in the database.
    TotpSecret,
    /// The server's half of a WebAuthn ceremony, given out and taken back.
    Ceremony,
    /// New recovery codes, in the browser that is to show them.
    NewCodes,
}

impl SealFor {
    /// No name is the beginning of another.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::TotpSecret => b"totp-secret\0",
            Self::Ceremony => b"ceremony\0",
            Self::NewCodes => b"new-codes\0",
        }
    }
}

/// Seals and opens. `Debug` prints the type's name.
pub struct SecretBoxes(Ring<XChaCha20Poly1305>);

impl fmt::Debug for SecretBoxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBoxes")
    }
}

impl SecretBoxes {
    /// With a key of its own for each mail key.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        let made =
            |key: &SecretSlice<u8>| XChaCha20Poly1305::new(&keys::mac(key).chain_update(LABEL).finalize().into_bytes());
        Self(keys.mail.map(made))
    }

    /// Seals `secret` for this purpose, about `whom`. None only where the cipher fails, which it does for texts of 256 GiB.
    #[must_use]
    pub fn seal(&self, purpose: SealFor, whom: &str, secret: &[u8], entropy: &dyn Entropy) -> Option<String> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let aad = bound(purpose, whom);
        let sealed = self.0.first.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad }).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// What was sealed for this purpose, about `whom`; nothing for every other text.
    #[must_use]
    pub fn open(&self, purpose: SealFor, whom: &str, sealed: &str) -> Option<SecretSlice<u8>> {
        self.opened(purpose, whom, sealed).map(|(secret, _)| secret)
    }

    /// As [`SecretBoxes::open`], and sealed anew if an older key has sealed it.
    #[must_use]
    pub fn renew(&self, purpose: SealFor, whom: &str, sealed: &str, entropy: &dyn Entropy) -> Option<String> {
        let (secret, is_newest) = self.opened(purpose, whom, sealed)?;
        if is_newest { None } else { self.seal(purpose, whom, secret.expose_secret(), entropy) }
    }

    /// Whether the newest key has sealed it; nothing for what none of the keys opens.
    #[must_use]
    pub fn is_newest(&self, purpose: SealFor, whom: &str, sealed: &str) -> Option<bool> {
        self.opened(purpose, whom, sealed).map(|(_, is_newest)| is_newest)
    }

    /// The secret, and whether the newest key sealed it.
    fn opened(&self, purpose: SealFor, whom: &str, sealed: &str) -> Option<(SecretSlice<u8>, bool)> {
        if sealed.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let aad = bound(purpose, whom);
        let mut opened = self.0.iter().enumerate().filter_map(|(place, key)| {
            let payload = Payload { msg: sealed, aad: &aad };
            key.decrypt(&XNonce::from(*nonce), payload).ok().map(|secret| (SecretSlice::from(secret), place == 0))
        });
        opened.next()
    }
}

fn bound(purpose: SealFor, whom: &str) -> Vec<u8> {
    [purpose.label(), whom.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        crypto::keys::tests::{keys_of, random_key},
        entropy::SystemEntropy,
    };

    fn text(opened: Option<SecretSlice<u8>>) -> Option<Vec<u8>> {
        opened.map(|secret| secret.expose_secret().to_vec())
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_and_its_account_only() {
        let boxes = SecretBoxes::new(&keys_of(&[&random_key()]));
        let sealed = boxes.seal(SealFor::TotpSecret, "7", b"swordfish", &SystemEntropy).unwrap();
        assert_eq!(text(boxes.open(SealFor::TotpSecret, "7", &sealed)), Some(b"swordfish".to_vec()));
        assert_eq!(text(boxes.open(SealFor::TotpSecret, "8", &sealed)), None);
        assert_eq!(text(boxes.open(SealFor::TotpSecret, "", &sealed)), None);
        assert_eq!(text(boxes.open(SealFor::Ceremony, "7", &sealed)), None);
        assert!(!sealed.contains("swordfish"));
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike_twice() {
        let boxes = SecretBoxes::new(&keys_of(&[&random_key()]));
        let seal = || boxes.seal(SealFor::TotpSecret, "7", b"swordfish", &SystemEntropy).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_text_with_any_byte_changed_or_cut_does_not_open() {
        let boxes = SecretBoxes::new(&keys_of(&[&random_key()]));
        let sealed = boxes.seal(SealFor::TotpSecret, "7", b"swordfish", &SystemEntropy).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(text(boxes.open(SealFor::TotpSecret, "7", &changed)), None, "byte {at}");
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..at]);
            assert_eq!(text(boxes.open(SealFor::TotpSecret, "7", &cut)), None, "cut at {at}");
        }
        for garbage in ["", "x", "=", "\u{e4}", &"A".repeat(20_000)] {
            assert_eq!(text(boxes.open(SealFor::TotpSecret, "7", garbage)), None);
        }
    }

    #[test]
    fn an_older_key_opens_and_what_it_sealed_is_sealed_anew() {
        let (new, old) = (random_key(), random_key());
        let before = SecretBoxes::new(&keys_of(&[&old]));
        let during = SecretBoxes::new(&keys_of(&[&new, &old]));
        let after = SecretBoxes::new(&keys_of(&[&new]));
        let sealed = before.seal(SealFor::TotpSecret, "7", b"swordfish", &SystemEntropy).unwrap();
        assert!(text(after.open(SealFor::TotpSecret, "7", &sealed)).is_none());
        for (boxes, expected) in [(&before, Some(true)), (&during, Some(false)), (&after, None)] {
            assert_eq!(boxes.is_newest(SealFor::TotpSecret, "7", &sealed), expected);
        }
        let renewed = during.renew(SealFor::TotpSecret, "7", &sealed, &SystemEntropy).unwrap();
        assert_eq!(text(after.open(SealFor::TotpSecret, "7", &renewed)), Some(b"swordfish".to_vec()));
        assert_eq!(during.renew(SealFor::TotpSecret, "7", &renewed, &SystemEntropy), None, "it is the newest already");
        assert_eq!(after.renew(SealFor::TotpSecret, "7", &sealed, &SystemEntropy), None, "it cannot be read");
    }
}
