//! Keys and what is made with them: access tokens, refresh tokens, mailed secrets; and the hashing of passwords.
//!
//! No policy: what is done when something does not verify is for `auth`. Imports `domain`, `clock`, `entropy` and
//! `settings` only.

mod ed25519;
mod hashing_threads;
mod keys;
mod mailed_secret;
mod password_hasher;
mod refresh_token;
mod token_signer;

pub use hashing_threads::Busy;
pub use keys::{Keys, KeysError};
pub use mailed_secret::MailedSecrets;
pub use password_hasher::{HasherError, PasswordHasher, Verdict};
pub use refresh_token::{Presented, RefreshTokens, Rid};
pub use token_signer::{Claims, SignerError, TokenRefused, TokenSigner};
