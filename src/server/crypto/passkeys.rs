//! Passkeys: WebAuthn (Level 3) by webauthn-rs. Its types stay in this file: what goes out and comes in is text.
//!
//! User verification is always required, so a passkey alone is two factors; attestation is not asked for. The state of a
//! ceremony is a text for its caller to keep from others and to use once.

use crate::server::{settings::Settings, settings_factors::host_of};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{fmt, time::Duration};
use url::Url;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
        RegisterPublicKeyCredential, Uuid, WebauthnError,
    },
};

/// Bytes of the longest credential id (WebAuthn Level 3, 7.1 step 26).
const LONGEST_ID: usize = 1023;
/// Characters of the longest answer of a browser that is read; ours have about 1500.
const LONGEST_ANSWER: usize = 16_384;

/// Makes and judges WebAuthn ceremonies. `Debug` prints the type's name.
pub struct Passkeys(Option<Webauthn>);

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passkeys")
    }
}

/// Why a ceremony came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyFault {
    /// The public URL has no domain: there are no passkeys at an IP address.
    NoDomain,
    /// What the browser sent cannot be read.
    Unreadable,
    /// It does not verify: another origin, challenge, key, or nobody was verified. For the log.
    Refused,
    /// The signature counter did not grow: somebody has a copy of the authenticator.
    Cloned,
}

/// A ceremony that has begun.
#[derive(Clone, Debug)]
pub struct Shown {
    /// For the browser: `{"publicKey": …}`.
    pub options: Value,
    /// For the server, until the browser answers.
    pub state: String,
}

/// A passkey that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The credential id, base64url.
    pub id: String,
    /// What is kept to judge its answers by.
    pub record: String,
}

/// An answer that verifies.
#[derive(Clone, Debug)]
pub struct Asserted {
    /// What is kept from now on.
    pub record: String,
    /// The signature counter now; 0 of authenticators that have none.
    pub sign_count: u32,
}

/// Whose answer it says it is. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The credential id, base64url.
    pub id: String,
    /// The account's handle, base64url, if the authenticator knows it.
    pub handle: Option<String>,
}

impl Passkeys {
    /// For the origin of these settings; a browser is given as long as a sign-in waits (`factors.challenge_lifetime`).
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let server = &settings.server;
        let domain = Some(settings.factors.passkey_domain.clone()).filter(|domain| !domain.is_empty());
        let Some((domain, origin)) =
            domain.or_else(|| host_of(&server.public_url)).zip(Url::parse(&server.public_url).ok())
        else {
            return Self(None);
        };
        let timeout = Duration::from_secs(settings.factors.challenge_lifetime.unsigned_abs());
        let built = WebauthnBuilder::new(&domain, &origin)
            .map(|builder| builder.rp_name(&server.site_name).timeout(timeout))
            .and_then(WebauthnBuilder::build);
        Self(built.inspect_err(|error| tracing::error!(%error, "there are no passkeys")).ok())
    }

    /// Whether there are any here.
    #[must_use]
    pub const fn are_offered(&self) -> bool {
        self.0.is_some()
    }

    /// Asks a browser for a new passkey of an account: its handle (16 bytes, base64url), user name and whole name, and the
    /// ids of the passkeys it has.
    ///
    /// # Errors
    /// `NoDomain`; `Unreadable` for a handle that is none of ours; `Refused`.
    pub fn start_registration(
        &self,
        handle: &str,
        (username, name): (&str, &str),
        present: &[String],
    ) -> Result<Shown, PasskeyFault> {
        let handle = URL_SAFE_NO_PAD.decode(handle).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
        let handle = handle.ok_or(PasskeyFault::Unreadable)?;
        let started = self.webauthn()?.start_passkey_registration(handle, username, name, None);
        let (options, state) = started.map_err(|error| fault(&error))?;
        let mut options = value(&options)?;
        if let Some(public_key) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
            public_key.insert("excludeCredentials".to_owned(), descriptors(present));
            let selection = public_key.entry("authenticatorSelection").or_insert_with(|| json!({}));
            // Without a user name: the authenticator keeps whose it is (WebAuthn Level 3, 5.4.6).
            if let Some(selection) = selection.as_object_mut() {
                selection.insert("residentKey".to_owned(), json!("required"));
                selection.insert("requireResidentKey".to_owned(), json!(true));
            }
        }
        Ok(Shown { options, state: text(&state)? })
    }

    /// The passkey that a browser has made.
    ///
    /// # Errors
    /// Any [`PasskeyFault`] but `Cloned`.
    pub fn finish_registration(&self, state: &str, answer: &str) -> Result<Made, PasskeyFault> {
        let state: PasskeyRegistration = read(state)?;
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let made = self.webauthn()?.finish_passkey_registration(&answer, &state).map_err(|error| fault(&error))?;
        let id: &[u8] = made.cred_id().as_ref();
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(PasskeyFault::Refused);
        }
        Ok(Made { id: URL_SAFE_NO_PAD.encode(id), record: text(&made)? })
    }

    /// Asks a browser for any passkey of this site, or for one of these ids. With `autofill` the browser offers them in the
    /// field for the user name instead of asking at once.
    ///
    /// # Errors
    /// `NoDomain`; `Refused`.
    pub fn start_authentication(&self, allowed: &[String], autofill: bool) -> Result<Shown, PasskeyFault> {
        let started = self.webauthn()?.start_discoverable_authentication();
        let (options, state) = started.map_err(|error| fault(&error))?;
        let mut options = value(&options)?;
        if let Some(options) = options.as_object_mut()
            && !autofill
        {
            options.remove("mediation");
        }
        if let Some(public_key) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
            public_key.insert("allowCredentials".to_owned(), descriptors(allowed));
        }
        Ok(Shown { options, state: text(&state)? })
    }

    /// Whose answer a browser says it has.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn claimed(&self, answer: &str) -> Result<Claimed, PasskeyFault> {
        let answer: PublicKeyCredential = read(answer)?;
        let handle = answer.get_user_unique_id().map(|handle| URL_SAFE_NO_PAD.encode(handle));
        Ok(Claimed { id: URL_SAFE_NO_PAD.encode(answer.get_credential_id()), handle })
    }

    /// Judges an answer by the record of the passkey that it claims.
    ///
    /// # Errors
    /// Any [`PasskeyFault`].
    pub fn finish_authentication(&self, state: &str, answer: &str, record: &str) -> Result<Asserted, PasskeyFault> {
        let state: DiscoverableAuthentication = read(state)?;
        let answer: PublicKeyCredential = read(answer)?;
        let mut passkey: Passkey = read(record)?;
        let key = DiscoverableKey::from(&passkey);
        let result = self.webauthn()?.finish_discoverable_authentication_v2(&answer, state, &key);
        let result = result.map_err(|error| fault(&error))?;
        if !result.user_verified() {
            return Err(PasskeyFault::Refused);
        }
        passkey.update_credential(&result);
        Ok(Asserted { record: text(&passkey)?, sign_count: result.counter() })
    }

    fn webauthn(&self) -> Result<&Webauthn, PasskeyFault> {
        self.0.as_ref().ok_or(PasskeyFault::NoDomain)
    }
}

fn descriptors(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "type": "public-key", "id": id })).collect()
}

fn fault(error: &WebauthnError) -> PasskeyFault {
    tracing::info!(%error, "a WebAuthn ceremony was refused");
    match error {
        WebauthnError::CredentialPossibleCompromise => PasskeyFault::Cloned,
        _ => PasskeyFault::Refused,
    }
}

fn value(what: &impl Serialize) -> Result<Value, PasskeyFault> {
    serde_json::to_value(what).map_err(|_| PasskeyFault::Unreadable)
}

fn text(what: &impl Serialize) -> Result<String, PasskeyFault> {
    serde_json::to_string(what).map_err(|_| PasskeyFault::Unreadable)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, PasskeyFault> {
    if text.len() > LONGEST_ANSWER {
        return Err(PasskeyFault::Unreadable);
    }
    serde_json::from_str(text).map_err(|_| PasskeyFault::Unreadable)
}

#[cfg(test)]
#[path = "passkeys_tests.rs"]
mod tests;
