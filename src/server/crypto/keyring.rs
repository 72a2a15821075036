//! All that works with keys, together, and exchanged together when the keys change: a server takes up new keys while it runs.

use super::{
    AuditSeals, CompatTokens, KeyFacts, Keys, KnownDevices, MailedSecrets, Pseudonyms, RefreshTokens, SecretBoxes,
    SignerError, TokenSigner,
};
use crate::server::settings::Settings;
use arc_swap::ArcSwap;
use std::{fmt, sync::Arc};

/// What makes and checks tokens, links, cookies and seals with one state of the keys.
pub struct Sealing {
    /// Signs and verifies access tokens.
    pub signer: TokenSigner,
    /// Mints and reads refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Makes and reads the tokens of the front ends of Django.
    pub compat_tokens: CompatTokens,
    /// Makes the links and codes that are mailed.
    pub mailed_secrets: MailedSecrets,
    /// Makes and reads the cookie of known devices.
    pub known_devices: KnownDevices,
    /// Seals secrets that are kept, or given out and taken back.
    pub secret_boxes: SecretBoxes,
    /// Makes the names of throttles.
    pub pseudonyms: Pseudonyms,
    /// Makes and checks the seals of the audit log.
    pub audit_seals: AuditSeals,
    /// What there is to say of the keys.
    pub facts: Vec<KeyFacts>,
}

impl Sealing {
    /// Made of these keys.
    ///
    /// # Errors
    /// See [`TokenSigner::new`].
    pub fn new(keys: &Keys, settings: &Settings) -> Result<Self, SignerError> {
        Ok(Self {
            signer: TokenSigner::new(keys, &settings.server.public_url, &settings.token)?,
            refresh_tokens: RefreshTokens::new(keys),
            compat_tokens: CompatTokens::new(keys, settings),
            mailed_secrets: MailedSecrets::new(keys),
            known_devices: KnownDevices::new(keys),
            secret_boxes: SecretBoxes::new(keys),
            pseudonyms: Pseudonyms::new(keys),
            audit_seals: AuditSeals::new(keys),
            facts: keys.facts().to_vec(),
        })
    }

    /// The public names of the keys, sorted, joined by ',': as servers tell each other which keys they have.
    #[must_use]
    pub fn fingerprints(&self) -> String {
        let mut names: Vec<_> = self.facts.iter().map(|key| key.fingerprint.as_str()).collect();
        names.sort_unstable();
        names.join(",")
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing")
    }
}

/// The present [`Sealing`]. Clones are the same ring: what one replaces, all have.
#[derive(Clone, Debug)]
pub struct Keyring(Arc<ArcSwap<Sealing>>);

impl Keyring {
    /// A ring with these.
    #[must_use]
    pub fn new(sealing: Sealing) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(sealing)))
    }

    /// What to make and check with now.
    #[must_use]
    pub fn current(&self) -> Arc<Sealing> {
        self.0.load_full()
    }

    /// From now on these. Who has asked for [`Keyring::current`] before ends with what they got.
    pub fn replace(&self, sealing: Sealing) {
        self.0.store(Arc::new(sealing));
    }
}
