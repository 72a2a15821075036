//! The server's keys: read from a file or a setting, made at the first start, checked before anything is signed.
//!
//! The file lies outside the database, so that a stolen database forges nothing; `keys_document` has its form.
//!
//! Of each purpose one key makes: the one whose `from` came last, and of equals the one that stands first. All verify, also
//! those whose `from` is still to come: every server that reads the file knows a key before anybody makes with it.
//! `doorward keys rotate` adds keys, and drops those of which nothing can be left.

use super::{
    key_facts::{self, KeyFacts, KeyPurpose},
    keys_document::{Document, Entry},
    keys_file::KeysText,
};
use crate::{
    domain::time::Timestamp,
    server::{entropy::Entropy, settings},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;
use std::{collections::HashSet, fmt, hash::Hash, io, path::PathBuf};

/// Fewest bytes of a key: as many as SHA-256 and Ed25519 give strength for.
pub(super) const KEY_BYTES: usize = 32;
/// Most bytes of a MAC key: one block of SHA-256; HMAC would only hash a longer one down (RFC 2104).
const LONGEST_KEY_BYTES: usize = 64;
/// Largest id of a refresh key; above it is room for another form of the token.
pub(super) const LARGEST_REFRESH_ID: u8 = 127;
/// What the setting is called in messages.
pub(super) const SETTING: &str = "the setting keys.json (DOORWARD__KEYS__JSON)";

/// All keys of the server, as they are at one time. `Debug` prints the type's name.
pub struct Keys {
    pub(super) signing: Ring<NamedSigningKey>,
    pub(super) refresh: Ring<RefreshKey>,
    pub(super) mail: Ring<SecretSlice<u8>>,
    pub(super) facts: Vec<KeyFacts>,
}

/// Keys of one purpose, at least one: the first makes, all verify.
pub(super) struct Ring<T> {
    pub(super) first: T,
    others: Vec<T>,
}

impl<T> Ring<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(super) fn map<U>(&self, make: impl Fn(&T) -> U) -> Ring<U> {
        Ring { first: make(&self.first), others: self.others.iter().map(make).collect() }
    }

    pub(super) fn try_map<U, E>(&self, make: impl Fn(&T) -> Result<U, E>) -> Result<Ring<U>, E> {
        Ok(Ring { first: make(&self.first)?, others: self.others.iter().map(make).collect::<Result<_, _>>()? })
    }
}

/// An Ed25519 key and the name it goes by in tokens. Its memory is wiped when it is dropped.
pub(super) struct NamedSigningKey {
    pub(super) kid: String,
    pub(super) key: SigningKey,
}

/// A MAC key and the byte that refresh tokens made with it begin with.
pub(super) struct RefreshKey {
    pub(super) id: u8,
    pub(super) key: SecretSlice<u8>,
}

/// HMAC-SHA-256 (RFC 2104) under `key`, ready to be cloned for each message.
pub(super) fn mac(key: &SecretSlice<u8>) -> Hmac<Sha256> {
    // HMAC fills a key up with zeros to one block; keys are no longer than that, so nothing is cut off here.
    let mut block = [0; LONGEST_KEY_BYTES];
    block.iter_mut().zip(key.expose_secret()).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into())
}

/// Why there are no keys. The text names the place and what to do, never a key.
#[derive(Debug)]
pub enum KeysError {
    /// The file cannot be read or made.
    Unreadable(PathBuf, io::Error),
    /// There is no file.
    Missing(PathBuf),
    /// Others than its owner may use the file; its mode.
    OpenToOthers(PathBuf, u32),
    /// The text is there but cannot be used: where it stands, and what is wrong with it.
    Unusable(String, String),
    /// The file cannot be written anew.
    Unwritable(PathBuf, io::Error),
    /// The keys are to be exchanged, and stand in the setting, which nobody can write to from here.
    InSetting,
    /// There would be more keys of this purpose than anybody needs.
    TooMany(&'static str, usize),
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(
                f,
                "there is no keys file {}, where the settings have it (keys.file); the server makes one at its first start. \
                 Is this its folder, and are these its settings (--settings)?",
                path.display()
            ),
            Self::Unreadable(path, error) => write!(
                f,
                "the keys file {}: {error}. Give the server's user a folder it may write to, on a file system with \
                 hard links, or a file it may read (keys.file)",
                path.display()
            ),
            Self::OpenToOthers(path, mode) => write!(
                f,
                "the keys file {0} is open to others (mode {mode:04o}). If nobody can have read it: chmod 600 {0}. \
                 Otherwise delete it; new keys are made, and everybody signs in again",
                path.display()
            ),
            Self::Unusable(place, fault) => write!(f, "{place} cannot be used: {fault}. Mend it or restore it"),
            Self::Unwritable(path, error) => write!(
                f,
                "the keys file {} could not be written anew, and is as it was: {error}. Run this as the server's user \
                 or root, where the file's folder may be written to",
                path.display()
            ),
            Self::InSetting => write!(
                f,
                "the keys stand in {SETTING}, which cannot be written to from here. Put its text into a file (mode 0600), \
                 run this with keys.json empty and keys.file naming that file, and set keys.json to what the file has then"
            ),
            Self::TooMany(purpose, most) => write!(
                f,
                "there are {most} {purpose} keys already. Drop those that nobody needs any more (--drop-old) or wait \
                 until some can be dropped (doorward keys list)"
            ),
        }
    }
}

impl std::error::Error for KeysError {}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// The keys of `settings.json` if there are any, else of `settings.file`, which is made if there is none.
    ///
    /// The file appears complete or not at all: of two servers that start at once one makes it and both read it. A file
    /// that is there is left as it is.
    ///
    /// # Errors
    /// A file that cannot be read or made, that others than its owner may use, or a text that is not as `keys_document`
    /// says: a key of fewer than 32 bytes, an empty list, an id twice.
    pub fn load_or_create(settings: &settings::Keys, entropy: &dyn Entropy, now: Timestamp) -> Result<Self, KeysError> {
        KeysText::read_or_create(settings, entropy)?.at(now)
    }

    /// The keys of `settings.json` if there are any, else of `settings.file`, as they are at `now`. Nothing is made.
    ///
    /// # Errors
    /// As [`Keys::load_or_create`], and if there is no file.
    pub fn load(settings: &settings::Keys, now: Timestamp) -> Result<Self, KeysError> {
        KeysText::read(settings)?.at(now)
    }

    /// What there is to say of each key without saying the key: by purpose, in the order of the document.
    #[must_use]
    pub fn facts(&self) -> &[KeyFacts] {
        &self.facts
    }

    /// The public names of all keys, sorted. Servers that have the same names have the same keys.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        let mut names: Vec<_> = self.facts.iter().map(|key| key.fingerprint.clone()).collect();
        names.sort();
        names
    }

    pub(super) fn check(document: &Document, now: Timestamp) -> Result<Self, String> {
        let (signing, mut facts) = ring(document, KeyPurpose::Signing, now, signing_key, key_facts::name_of_signing)?;
        let (refresh, more) = ring(document, KeyPurpose::Refresh, now, refresh_key, key_facts::name_of_refresh)?;
        facts.extend(more);
        let (mail, more) = ring(document, KeyPurpose::Mail, now, mac_key, key_facts::name_of_mail)?;
        facts.extend(more);
        if repeats(signing.iter().map(|key| &key.kid)) {
            return Err("a kid stands twice in \"signing\"".to_owned());
        }
        if repeats(refresh.iter().map(|key| key.id)) {
            return Err("an id stands twice in \"refresh\"".to_owned());
        }
        Ok(Self { signing, refresh, mail, facts })
    }
}

/// The keys of one purpose with the one in front that makes at `now`, and what there is to say of them.
fn ring<T>(
    document: &Document,
    purpose: KeyPurpose,
    now: Timestamp,
    make: impl Fn(&Entry, &str) -> Result<T, String>,
    name: impl Fn(&T) -> (String, String),
) -> Result<(Ring<T>, Vec<KeyFacts>), String> {
    let (list, entries) = (purpose.as_str(), document.list(purpose));
    let keys = entries.iter().enumerate().map(|(at, entry)| make(entry, &format!("{list}[{at}]")));
    let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(format!("the list {list:?} is empty"));
    }
    let froms: Vec<_> = entries.iter().map(|entry| entry.from).collect();
    let facts = key_facts::of(purpose, keys.iter().map(name).collect(), &froms, now);
    let first = keys.remove(key_facts::maker(&froms, now));
    Ok((Ring { first, others: keys }, facts))
}

fn signing_key(entry: &Entry, place: &str) -> Result<NamedSigningKey, String> {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter);
    if !(1..=64).contains(&entry.name.len()) || !entry.name.bytes().all(plain) {
        return Err(format!("the kid of {place} is not 1 to 64 letters, digits, '-', '_' or '.'"));
    }
    let seed = bytes(&entry.key, place)?;
    let seed = <&[u8; KEY_BYTES]>::try_from(seed.expose_secret())
        .map_err(|_| format!("the seed of {place} is not {KEY_BYTES} bytes"))?;
    Ok(NamedSigningKey { kid: entry.name.clone(), key: SigningKey::from_bytes(seed) })
}

fn refresh_key(entry: &Entry, place: &str) -> Result<RefreshKey, String> {
    let id = entry.name.parse().ok().filter(|id| *id <= LARGEST_REFRESH_ID);
    let id = id.ok_or_else(|| format!("the id of {place} is above {LARGEST_REFRESH_ID}"))?;
    Ok(RefreshKey { id, key: mac_key(entry, place)? })
}

fn mac_key(entry: &Entry, place: &str) -> Result<SecretSlice<u8>, String> {
    let key = bytes(&entry.key, place)?;
    if (KEY_BYTES..=LONGEST_KEY_BYTES).contains(&key.expose_secret().len()) {
        Ok(key)
    } else {
        Err(format!("the key of {place} is not {KEY_BYTES} to {LONGEST_KEY_BYTES} bytes"))
    }
}

fn bytes(text: &SecretString, place: &str) -> Result<SecretSlice<u8>, String> {
    let decoded = URL_SAFE_NO_PAD.decode(text.expose_secret());
    decoded.map(SecretSlice::from).map_err(|_| format!("{place} is not base64url without padding"))
}

fn repeats<T: Eq + Hash>(ids: impl IntoIterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    !ids.into_iter().all(|id| seen.insert(id))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
pub(super) mod tests;
