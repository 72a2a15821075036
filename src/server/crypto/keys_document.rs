//! The text of the keys: what stands in `keys.file` and in `keys.json`.
//!
//! ```json
//! {
//!   "version": 2,
//!   "signing": [{ "kid": "a name", "seed": "32 bytes", "from": 1795190400 }],
//!   "refresh": [{ "id": 1, "key": "32 to 64 bytes" }],
//!   "mail": [{ "key": "32 to 64 bytes" }]
//! }
//! ```
//!
//! Bytes are base64url without padding. `from` are seconds since 1970: from then on the key makes, before it only verifies;
//! without it the key makes from the beginning. Version 1 has no `from`, and in `mail` the keys alone, as texts.

use super::{
    key_facts::KeyPurpose,
    keys::{KEY_BYTES, LARGEST_REFRESH_ID},
};
use crate::{
    domain::time::Timestamp,
    server::entropy::{Entropy, random_id},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The newest version, which is the one that is written.
const VERSION: u32 = 2;

/// All keys as they are written. Has no `Debug`: it holds the keys.
pub(super) struct Document {
    pub(super) signing: Vec<Entry>,
    pub(super) refresh: Vec<Entry>,
    pub(super) mail: Vec<Entry>,
}

/// A key as it is written.
pub(super) struct Entry {
    /// The `kid` of a signing key, the `id` of a refresh key; empty for a mail key.
    pub(super) name: String,
    pub(super) key: SecretString,
    pub(super) from: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    signing: Vec<SigningWire>,
    refresh: Vec<RefreshWire>,
    mail: Vec<MailWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SigningWire {
    kid: String,
    seed: SecretString,
    #[serde(default)]
    from: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshWire {
    id: u8,
    key: SecretString,
    #[serde(default)]
    from: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MailWire {
    Key(SecretString),
    Dated(MailEntry),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MailEntry {
    key: SecretString,
    #[serde(default)]
    from: Option<Timestamp>,
}

impl Document {
    /// What `text` says.
    ///
    /// # Errors
    /// What is wrong, without anything of the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // serde_json's own message may quote what it met, and that may be a key.
        let wire: Wire = serde_json::from_str(text).map_err(|error| {
            format!("it is not the JSON expected, see line {}, column {}", error.line(), error.column())
        })?;
        let version = wire.version;
        if !(1..=VERSION).contains(&version) {
            return Err(format!("its version is {version}, and this server knows versions 1 and {VERSION} only"));
        }
        let bare = wire.mail.iter().any(|key| matches!(key, MailWire::Key(_)));
        let document = Self {
            signing: wire.signing.into_iter().map(|key| Entry::new(key.kid, key.seed, key.from)).collect(),
            refresh: wire.refresh.into_iter().map(|key| Entry::new(key.id.to_string(), key.key, key.from)).collect(),
            mail: wire.mail.into_iter().map(MailWire::entry).collect(),
        };
        let dated = KeyPurpose::ALL.iter().any(|purpose| document.list(*purpose).iter().any(|key| key.from.is_some()));
        match version {
            1 if dated => Err("it has a \"from\", which version 1 does not know; set \"version\" to 2".to_owned()),
            VERSION if bare => Err("a key in \"mail\" is not written as { \"key\": … }".to_owned()),
            _ => Ok(document),
        }
    }

    /// One new key of each purpose, good from the beginning.
    pub(super) fn generate(entropy: &dyn Entropy) -> Self {
        let mut made = Self { signing: Vec::new(), refresh: Vec::new(), mail: Vec::new() };
        for purpose in KeyPurpose::ALL {
            made.add(purpose, None, entropy);
        }
        made
    }

    /// Puts a new key before the others of its purpose. A refresh key gets the id after the largest, or the smallest that
    /// is free; with all of them taken, which the limit of keys prevents, that of the oldest key.
    pub(super) fn add(&mut self, purpose: KeyPurpose, from: Option<Timestamp>, entropy: &dyn Entropy) {
        let mut bytes = [0; KEY_BYTES];
        entropy.fill(&mut bytes);
        let key = SecretString::from(URL_SAFE_NO_PAD.encode(bytes));
        let name = match purpose {
            KeyPurpose::Signing => random_id(entropy),
            KeyPurpose::Refresh => self.free_id().to_string(),
            KeyPurpose::Mail => String::new(),
        };
        self.list_mut(purpose).insert(0, Entry::new(name, key, from));
    }

    fn free_id(&self) -> u8 {
        let taken: Vec<u8> = self.refresh.iter().filter_map(|key| key.name.parse().ok()).collect();
        let after = taken.iter().max().map_or(1, |largest| largest.saturating_add(1));
        let mut candidates = (after..=LARGEST_REFRESH_ID).chain(1..=LARGEST_REFRESH_ID);
        candidates.find(|id| !taken.contains(id)).unwrap_or(1)
    }

    pub(super) fn list(&self, purpose: KeyPurpose) -> &[Entry] {
        match purpose {
            KeyPurpose::Signing => &self.signing,
            KeyPurpose::Refresh => &self.refresh,
            KeyPurpose::Mail => &self.mail,
        }
    }

    pub(super) fn list_mut(&mut self, purpose: KeyPurpose) -> &mut Vec<Entry> {
        match purpose {
            KeyPurpose::Signing => &mut self.signing,
            KeyPurpose::Refresh => &mut self.refresh,
            KeyPurpose::Mail => &mut self.mail,
        }
    }

    /// The text of a document whose names were checked: nothing in them needs to be escaped.
    pub(super) fn text(&self) -> SecretString {
        let lists = KeyPurpose::ALL.map(|purpose| {
            let entries: Vec<_> = self.list(purpose).iter().map(|entry| entry.text(purpose)).collect();
            format!("  \"{}\": [\n    {}\n  ]", purpose.as_str(), entries.join(",\n    "))
        });
        SecretString::from(format!("{{\n  \"version\": {VERSION},\n{}\n}}\n", lists.join(",\n")))
    }
}

impl Entry {
    const fn new(name: String, key: SecretString, from: Option<Timestamp>) -> Self {
        Self { name, key, from }
    }

    fn text(&self, purpose: KeyPurpose) -> String {
        let (name, key) = (&self.name, self.key.expose_secret());
        let start = match purpose {
            KeyPurpose::Signing => format!(r#""kid": "{name}", "seed": "{key}""#),
            KeyPurpose::Refresh => format!(r#""id": {name}, "key": "{key}""#),
            KeyPurpose::Mail => format!(r#""key": "{key}""#),
        };
        let from = self.from.map_or_else(String::new, |from| format!(r#", "from": {}"#, from.0));
        ["{ ", &start, &from, " }"].concat()
    }
}

impl MailWire {
    fn entry(self) -> Entry {
        match self {
            Self::Key(key) => Entry::new(String::new(), key, None),
            Self::Dated(entry) => Entry::new(String::new(), entry.key, entry.from),
        }
    }
}
