//! The auth service: all policy, and only policy. One file a use case; no axum, no leptos, no sqlx.
//!
//! Both doors (server functions and the API) call the same [`AuthService`]. May import `store`, `crypto`, `mailer`,
//! `clock`, `entropy`, `settings` and `domain`.

mod admission;
mod audit;
mod challenge;
mod cleanup;
mod common_passwords;
mod compat;
mod compat_caller;
mod compat_faults;
mod compat_password;
mod confirmation;
mod counted;
mod email_change;
mod error;
mod factor_proof;
mod factors;
mod front_end;
mod history;
mod import_django;
mod leaving;
mod log_in;
mod log_out;
mod new_account;
mod operator;
mod operator_create;
mod operator_factors;
mod operator_mail;
mod passkey;
mod passkey_log_in;
mod password_change;
mod password_policy;
mod password_reset;
mod principal;
mod profile;
mod proof;
mod recovery_codes;
mod refresh;
mod register;
mod registration_rules;
mod rotation;
mod session;
mod session_memory;
mod sight;
mod step_up;
mod throttle;
mod throttle_memory;
mod ticket;
mod totp;
mod trusted_browser;
mod verify_audit;
mod watch;
mod zones;

pub use challenge::{Answered, Challenged};
pub use compat::{CompatTokenPair, TokenFault};
pub use compat_faults::PasswordFault;
pub use error::AuthError;
pub use factor_proof::{FactorProof, Proof};
pub use factors::{By, Enrolled};
pub use front_end::{LinkFault, LinkTo};
pub use import_django::{Finding, ImportError, ImportPlan, ImportReport, Note, OnBadUsername, Problem};
pub use log_in::{LoggedIn, LoginForm};
pub use operator::{Done, IssuedLink, OperatorError, PasswordKind, UserReport};
pub use operator_create::{CreatedUser, NewUser};
pub use operator_factors::{FactorsGone, FactorsReport};
pub use operator_mail::{Resend, Resent, Which};
pub use password_policy::{About, PasswordPolicy};
pub use password_reset::{NewPasswordForm, ResetForm};
pub use principal::{Principal, Visit};
pub use profile::ProfileForm;
pub use recovery_codes::{NewCodes, ShownCodes};
pub use register::{Registered, RegistrationForm};
pub use registration_rules::RegistrationRules;
pub use rotation::{Decision, decide};
pub use session::{KnownDevicesCookie, Opened, Origin, RefreshCookie};
pub use sight::Readiness;
pub use ticket::AskedReset;
pub use trusted_browser::TrustCookie;
pub use verify_audit::{AuditReport, Fault, FaultKind, KnownEntry, Outcome, verify_audit};
pub use zones::zones;

use crate::server::{
    clock::Clock,
    crypto::{Keyring, Passkeys, PasswordHasher, Sealing},
    entropy::Entropy,
    metrics::Metrics,
    settings::Settings,
    store::Store,
};
use std::sync::Arc;
use throttle::Charge;
use tokio::sync::Notify;

/// The public name of something, as somebody has sent it. One that no database takes is the name of nothing.
fn named(id: &str) -> Result<String, AuthError> {
    if id.contains('\0') { Err(AuthError::NotFound) } else { Ok(id.to_owned()) }
}

/// What the service is made of; `compose` puts it together.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The hashing threads.
    pub hasher: PasswordHasher,
    /// What works with keys.
    pub keyring: Keyring,
    /// WebAuthn.
    pub passkeys: Passkeys,
    /// Counters of what happens.
    pub metrics: Metrics,
    /// Whom this site takes.
    pub rules: RegistrationRules,
    /// Which new passwords are good enough.
    pub policy: PasswordPolicy,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// All settings.
    pub settings: Arc<Settings>,
    /// Wakes the mail worker when a transaction has left a mail in the outbox.
    pub mail: Arc<Notify>,
}

/// The one service of accounts and sessions. Cheap to clone.
#[derive(Clone)]
pub struct AuthService {
    parts: Arc<Parts>,
    throttle_memory: Arc<throttle_memory::ThrottleMemory>,
    session_memory: Arc<session_memory::SessionMemory>,
}

impl AuthService {
    /// The service made of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let changes = parts.store.changes().clone();
        let session_memory = session_memory::SessionMemory::new(parts.settings.session.memory, changes);
        Self {
            parts: Arc::new(parts),
            throttle_memory: Arc::new(throttle_memory::ThrottleMemory::new()),
            session_memory: Arc::new(session_memory),
        }
    }

    /// What to make and check tokens, links, cookies and seals with now.
    fn keyed(&self) -> Arc<Sealing> {
        self.parts.keyring.current()
    }

    /// The public keys that verify access tokens, as a JWK set (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.keyed().signer.jwks()
    }
}

impl std::fmt::Debug for AuthService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthService")
    }
}
