//! Second factors on the wire: what an account has, what is shown, and what a sign-in waits for.

use super::{Secret, Tokens};
use crate::domain::{
    factor::{self, Factors},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use utoipa::ToSchema;

/// The answer of a browser's `navigator.credentials`, as `PublicKeyCredential.toJSON()` gives it (WebAuthn Level 3, 5.1).
/// Browsers add fields to it, so any are taken.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credential(pub Map<String, Value>);

/// One that was not used yet signs its holder in.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// A WebAuthn ceremony that has begun.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CeremonyView {
    /// The server's half, sealed: send it back with the browser's answer, within minutes and once.
    #[schema(max_length = 16_384, example = "mLk0uVb2…")]
    pub ceremony: String,
    /// For the browser: `publicKey` goes through `PublicKeyCredential.parseCreationOptionsFromJSON()` or
    /// `parseRequestOptionsFromJSON()` into `navigator.credentials`.
    #[schema(value_type = Object)]
    pub options: Value,
}

impl From<factor::Ceremony> for CeremonyView {
    fn from(ceremony: factor::Ceremony) -> Self {
        // It is our own text, and JSON.
        let options = serde_json::from_str(&ceremony.options).unwrap_or_default();
        Self { ceremony: ceremony.ceremony, options }
    }
}

/// What a right password waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeStatus {
    /// A second factor: `POST /sessions/factor`.
    FactorRequired,
    /// That a second factor is enrolled, which this site demands: `POST /sessions/enrolment/…`.
    EnrolmentRequired,
}

/// A kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// A code of an authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// A passkey.
    Passkey,
}

/// The password is right, and nobody is signed in yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChallengeView {
    /// What comes next.
    #[schema(inline)]
    pub status: ChallengeStatus,
    /// Names the sign-in that waits. It gives no rights; keep it to yourself all the same.
    #[schema(value_type = String, max_length = 128, example = "n9eFHfWgVJ3Zt0Rb1oJcXk2mYQ7dUuLhTz5sPq8aG4E")]
    pub challenge: Secret,
    /// Seconds for which it waits.
    #[schema(minimum = 1, maximum = 3600, example = 300)]
    pub expires_in: i64,
    /// What may be shown, or enrolled.
    #[schema(inline, max_items = 3)]
    pub accepts: Vec<FactorKind>,
}

/// An authenticator app that waits for its first code.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TotpSetup {
    /// The secret in base32, to be typed into the app.
    #[schema(value_type = String, max_length = 64, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: Secret,
    /// The same as an `otpauth:` URL, to be drawn as a QR code.
    #[schema(value_type = String, max_length = 1024, example = "otpauth://totp/Doorward:mona?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Doorward")]
    pub url: Secret,
    /// When it has to be begun again.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:15:00Z")]
    pub expires_at: String,
}

impl From<factor::WaitingTotp> for TotpSetup {
    fn from(waiting: factor::WaitingTotp) -> Self {
        Self {
            secret: waiting.secret.as_str().into(),
            url: waiting.url.as_str().into(),
            expires_at: waiting.expires_at.rfc3339(),
        }
    }
}

/// New recovery codes. They are shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each is good once, in place of another factor.
    #[schema(value_type = Vec<String>, max_items = 10)]
    pub recovery_codes: Vec<Secret>,
}

/// A factor is enrolled.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EnrolledFactor {
    /// New recovery codes, of an account that had none. They are shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    pub recovery_codes: Option<Vec<Secret>>,
    /// Of the session, where a sign-in waited for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// The second factors of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactorsView {
    /// The authenticator app, if there is one.
    pub totp: Option<TotpView>,
    /// The passkeys, the oldest first.
    #[schema(max_items = 100)]
    pub passkeys: Vec<PasskeyView>,
    /// Recovery codes that are not used yet.
    #[schema(minimum = 0, maximum = 10, example = 10)]
    pub recovery_codes_left: usize,
    /// Browsers that need not show the second factor, the one used last first.
    #[schema(max_items = 1000)]
    pub trusted_browsers: Vec<TrustedBrowserView>,
    /// Whether the account has a password.
    #[schema(example = true)]
    pub has_password: bool,
    /// Whether this site demands a second factor of this account.
    #[schema(example = false)]
    pub required: bool,
}

/// An authenticator app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotpView {
    /// When its first code was given.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub confirmed_at: String,
    /// When a code of it was last taken.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub last_used_at: Option<String>,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyView {
    /// Its public name.
    #[schema(max_length = 64, example = "b5nQv0m2QpWc1yT8eRz4Xg")]
    pub id: String,
    /// What its owner calls it.
    #[schema(max_length = 100, example = "Mona's phone")]
    pub name: String,
    /// When it was made.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub created_at: String,
    /// When somebody last signed in, or proved who they are, with it.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub last_used_at: Option<String>,
}

/// A browser that need not show the second factor for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustedBrowserView {
    /// Its public name.
    #[schema(max_length = 64, example = "tR7yq0jD3sXkz8hVYt2nAg")]
    pub id: String,
    /// Browser and system in a few words.
    #[schema(max_length = 64, example = "Firefox on Linux")]
    pub device: String,
    /// Where it was trusted: IPv4 whole, IPv6 as its /64.
    #[schema(max_length = 64, example = "192.0.2.17")]
    pub ip: String,
    /// Since when.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub created_at: String,
    /// Until when.
    #[schema(format = DateTime, max_length = 32, example = "2026-12-20T16:00:00Z")]
    pub expires_at: String,
    /// When somebody last signed in there without a second factor.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:00:00Z")]
    pub last_used_at: String,
}

impl From<&Factors> for FactorsView {
    fn from(factors: &Factors) -> Self {
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
        let totp = |app: factor::TotpSummary| TotpView {
            confirmed_at: app.confirmed_at.rfc3339(),
            last_used_at: time(app.last_used_at),
        };
        let passkey = |passkey: &factor::PasskeySummary| PasskeyView {
            id: passkey.id.clone(),
            name: passkey.name.clone(),
            created_at: passkey.created_at.rfc3339(),
            last_used_at: time(passkey.last_used_at),
        };
        let browser = |browser: &factor::TrustedBrowser| TrustedBrowserView {
            id: browser.id.clone(),
            device: browser.device_label.clone(),
            ip: browser.ip.clone(),
            created_at: browser.created_at.rfc3339(),
            expires_at: browser.expires_at.rfc3339(),
            last_used_at: browser.last_used_at.rfc3339(),
        };
        Self {
            totp: factors.totp.map(totp),
            passkeys: factors.passkeys.iter().map(passkey).collect(),
            recovery_codes_left: factors.recovery_codes_left,
            trusted_browsers: factors.trusted_browsers.iter().map(browser).collect(),
            has_password: factors.has_password,
            required: factors.required,
        }
    }
}
