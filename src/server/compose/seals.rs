//! Whether the secrets that are sealed in the database open with the keys that there are, and which keys they need.

use crate::server::{
    crypto::{Keys, SealFor, SecretBoxes},
    store::{Store, StoreError, totp_secrets},
};

/// Secrets that are looked at together.
const AT_ONCE: i64 = 1000;

/// Secrets of authenticator apps, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seals {
    /// All of them.
    pub all: usize,
    /// Sealed with an older mail key, until the cleaning up of a running server seals them with the newest.
    pub older: usize,
    /// Cannot be opened with any of the keys.
    pub lost: usize,
}

/// Looks at every sealed secret.
///
/// # Errors
/// The database is away, or has no such table yet.
pub async fn look(store: &Store, keys: &Keys) -> Result<Seals, StoreError> {
    let (boxes, mut seals, mut after) = (SecretBoxes::new(keys), Seals::default(), String::new());
    loop {
        let some = totp_secrets::after(&mut *store.read().await?, &after, AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok(seals) };
        after.clone_from(&last.id);
        for totp in &some {
            seals.all += 1;
            match boxes.is_newest(SealFor::TotpSecret, &totp.account.to_string(), &totp.sealed) {
                Some(true) => {}
                Some(false) => seals.older += 1,
                None => seals.lost += 1,
            }
        }
    }
}
