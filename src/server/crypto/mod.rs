//! Keys and what is made with them: access tokens, refresh tokens, mailed secrets; and the hashing of passwords.
//!
//! No policy: what is done when something does not verify is for `auth`. Imports `domain`, `clock`, `entropy` and
//! `settings` only.

mod audit_seal;
mod calibration;
mod compat_token;
mod django_hash;
mod ed25519;
mod hashing_threads;
mod key_facts;
mod key_rotation;
mod keyring;
mod keys;
mod keys_document;
mod keys_file;
mod known_device;
mod mailed_secret;
mod passkeys;
mod password_hasher;
mod pseudonym;
mod recovery_code;
mod refresh_token;
mod secret_box;
mod token_signer;
mod totp;

pub use audit_seal::{AuditSeals, Sealed, sha256_text};
pub use calibration::{Cost, HASHES_MEASURED, Measured, measure, steps};
pub use compat_token::{Bearer, CompatRefused, CompatTokens};
pub use django_hash::DjangoPassword;
pub use hashing_threads::Busy;
pub use key_facts::{KeyFacts, KeyPurpose, KeyState};
pub use key_rotation::{KeepFor, Rotated, Rotation, rotate};
pub use keyring::{Keyring, Sealing};
pub use keys::{Keys, KeysError};
pub use keys_file::KeysText;
pub use known_device::KnownDevices;
pub use mailed_secret::{MailedSecrets, Purpose};
pub use passkeys::{Asserted, Claimed, Made, PasskeyFault, Passkeys, Shown};
pub use password_hasher::{Guess, HasherError, PasswordHasher, Verdict};
pub use pseudonym::Pseudonyms;
pub use recovery_code::RecoveryCode;
pub use refresh_token::{Presented, RefreshTokens, Rid};
pub use secret_box::{SealFor, SecretBoxes};
pub use token_signer::{Claims, SignerError, TokenRefused, TokenSigner};
pub use totp::{STEP, TotpSecret};
