//! Names that stand for somebody without telling who: HMAC-SHA-256 with a key of its own, made from the first mail key.

use super::keys::{self, Keys};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const LABEL: &[u8] = b"doorward pseudonym v1\0";

/// Makes the names under which throttles are kept. `Debug` prints the type's name.
///
/// Another first mail key makes other names: after a change of keys all throttles start afresh.
pub struct Pseudonyms(Hmac<Sha256>);

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// With the first mail key.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.mail.map(keys::mac).first)
    }

    /// The name of `subject` in `scope`, which is without NUL: 43 characters of base64url. Who has no key can neither
    /// tell the subject from it nor try whether it is a certain one.
    #[must_use]
    pub fn of(&self, scope: &str, subject: &str) -> String {
        let mac = self.0.clone().chain_update(LABEL).chain_update(scope).chain_update([0]).chain_update(subject);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::crypto::keys::tests::{keys_of, random_key};

    #[test]
    fn a_name_is_the_documented_mac() {
        let names = Pseudonyms::new(&keys_of(&[&URL_SAFE_NO_PAD.encode([7; 32])]));
        // From Python: hmac.new(bytes([7]) * 32, b"doorward pseudonym v1\0login\0mona", "sha256")
        assert_eq!(names.of("login", "mona"), "6SUY4DrCw93TdRHIqzGQzqJxrdsNewBHeaQGw98DkFE");
    }

    #[test]
    fn scope_subject_and_key_all_make_another_name() {
        let key = random_key();
        let names = Pseudonyms::new(&keys_of(&[&key]));
        let name = names.of("login", "mona");
        assert_eq!(Pseudonyms::new(&keys_of(&[&key, &random_key()])).of("login", "mona"), name);
        for other in [names.of("mail", "mona"), names.of("login", "lisa"), names.of("loginm", "ona"), names.of("", "")]
        {
            assert_ne!(other, name);
        }
        assert_ne!(Pseudonyms::new(&keys_of(&[&random_key()])).of("login", "mona"), name);
    }
}
