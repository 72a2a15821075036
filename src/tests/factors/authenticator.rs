//! A WebAuthn authenticator in software, with the browser around it: it makes "none" attestations and ES256 assertions
//! (WebAuthn Level 3, 6), right ones and such as none should make.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Flags of authenticator data: somebody was there, was verified, and a new credential is attached.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// An authenticator with one passkey, and what it says.
pub struct Authenticator {
    keys: KeyPair,
    /// The credential id.
    pub id: Vec<u8>,
    /// The origin that the browser says it is at.
    pub origin: String,
    /// The relying party's id that the authenticator signs for.
    pub domain: String,
    /// Whose passkey it is, base64url; nothing from an authenticator that does not say.
    pub handle: Option<String>,
    /// The signature counter.
    pub counter: u32,
    /// What each use adds to it; 0 of one that does not count.
    pub counts: u32,
    /// Whether it verifies its user.
    pub verifies: bool,
    /// Whether it spoils its signatures.
    pub spoils: bool,
    /// The challenge that it signs instead of the one that it is asked with.
    pub challenge: Option<String>,
}

impl Authenticator {
    /// A new one, in a browser at this origin.
    pub fn at(origin: &str) -> Self {
        let keys = KeyPair::generate().unwrap();
        let host = origin.split_once("://").expect("an origin").1;
        Self {
            id: Sha256::digest(keys.der_bytes()).to_vec(),
            origin: origin.to_owned(),
            domain: host.split(':').next().unwrap().to_owned(),
            handle: None,
            counter: 0,
            counts: 1,
            verifies: true,
            spoils: false,
            challenge: None,
            keys,
        }
    }

    /// One with the same key and counter.
    pub fn copy(&self) -> Self {
        let keys = KeyPair::try_from(self.keys.serialize_der()).unwrap();
        Self {
            keys,
            id: self.id.clone(),
            origin: self.origin.clone(),
            domain: self.domain.clone(),
            handle: self.handle.clone(),
            challenge: self.challenge.clone(),
            ..*self
        }
    }

    /// Signs with another key from now on, under the same id.
    pub fn forget_key(&mut self) {
        self.keys = KeyPair::generate().unwrap();
    }

    /// The credential id, base64url.
    pub fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    /// Makes a passkey: `toJSON()` of what `navigator.credentials.create()` gives for these options.
    pub fn make(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let key = &options["publicKey"];
        self.handle = key["user"]["id"].as_str().map(str::to_owned);
        let client = self.client("webauthn.create", key);
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = [self.data(ATTESTED), vec![0; 16], length.to_vec(), self.id.clone(), self.public_key()].concat();
        let object =
            [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".as_slice(), &length_of(&data), &data].concat();
        self.said(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "publicKeyAlgorithm": -7,
            "transports": ["internal", "hybrid"],
        }))
    }

    /// Shows the passkey: `toJSON()` of what `navigator.credentials.get()` gives for these options.
    pub fn show(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let client = self.client("webauthn.get", &options["publicKey"]);
        let data = self.data(0);
        let mut signature = self.keys.sign(&[data.as_slice(), &Sha256::digest(&client)].concat()).unwrap();
        if self.spoils {
            *signature.last_mut().unwrap() ^= 1;
        }
        let mut response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
        });
        if let Some(handle) = &self.handle {
            response["userHandle"] = handle.as_str().into();
        }
        self.said(&response)
    }

    fn said(&self, response: &Value) -> String {
        let said = json!({
            "id": self.name(),
            "rawId": self.name(),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        });
        said.to_string()
    }

    /// What the browser signs along (5.8.1).
    fn client(&self, kind: &str, key: &Value) -> Vec<u8> {
        let challenge = self.challenge.as_deref().or(key["challenge"].as_str()).expect("a challenge");
        let said = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        said.to_string().into_bytes()
    }

    /// Authenticator data (6.1) without what is attached.
    fn data(&mut self, more: u8) -> Vec<u8> {
        self.counter += self.counts;
        let flags = PRESENT | if self.verifies { VERIFIED } else { 0 } | more;
        [Sha256::digest(&self.domain).as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// The key as COSE has it (RFC 9053, 7.1.1): EC2, ES256, P-256.
    fn public_key(&self) -> Vec<u8> {
        let (x, y) = self.keys.der_bytes()[1..].split_at(32);
        [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice(), x, b"\x22\x58\x20", y].concat()
    }
}

fn length_of(data: &[u8]) -> [u8; 2] {
    u16::try_from(data.len()).unwrap().to_be_bytes()
}
