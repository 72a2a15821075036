//! Randomness. Handed to whoever needs it, so that there is one place that draws it. Imports `domain` only.

use crate::domain::account::AccountId;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A source of bytes that nobody can foretell.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
///
/// If the system refuses to give randomness the process logs it and aborts. There is no safe way on: every key, id and
/// salt would be guessable, and a failure passed upwards could be answered with a default by mistake. On the systems we
/// run on it can fail only where the call itself is forbidden (a wrong sandbox), so it shows at the first start.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            tracing::error!(%error, "the operating system gives no randomness: stopping, as nothing would be safe");
            std::process::abort();
        }
    }
}

/// A new public id: 128 random bits as base64url, 22 characters.
#[must_use]
pub fn random_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A new account number, 1 to [`AccountId::MAX`] (2^52 - 1).
#[must_use]
pub fn random_account_id(entropy: &dyn Entropy) -> AccountId {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    // 0 becomes 1 instead of a second draw: a chance of 2^-52 is no bias worth a loop.
    AccountId((i64::from_le_bytes(bytes) & AccountId::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn ids_are_22_characters_and_do_not_repeat() {
        let ids: HashSet<String> = (0..1000).map(|_| random_id(&SystemEntropy)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 22));
    }

    #[test]
    fn account_ids_stay_between_1_and_2_to_the_52() {
        assert_eq!(random_account_id(&Constant(0)), AccountId(1));
        assert_eq!(random_account_id(&Constant(0xff)), AccountId(AccountId::MAX));
        let ids: HashSet<AccountId> = (0..1000).map(|_| random_account_id(&SystemEntropy)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| (1..=AccountId::MAX).contains(&id.0)));
        assert!(ids.iter().any(|id| id.0 > 1 << 51));
    }

    #[test]
    fn all_of_a_long_buffer_is_filled() {
        let mut bytes = [0; 4096];
        SystemEntropy.fill(&mut bytes);
        assert!(bytes.chunks(64).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }
}
