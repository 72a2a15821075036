//! The server's keys: read from a file or a setting, made at the first start, checked before anything is signed.
//!
//! The file lies outside the database, so that a stolen database forges nothing. Its form, version 1:
//!
//! ```json
//! {
//!   "version": 1,
//!   "signing": [{ "kid": "a name", "seed": "32 bytes" }],
//!   "refresh": [{ "id": 1, "key": "32 bytes or more" }],
//!   "mail": ["32 bytes or more"]
//! }
//! ```
//!
//! Bytes are base64url without padding. In every list the first key makes, all keys verify. To change a key, put the
//! new one first, restart every server, and drop the old one when what it made has expired. What a mail key makes includes
//! the seals of the audit log: without the key those entries cannot be checked any more (`account.keep_history`).

use crate::server::{
    entropy::{Entropy, random_id},
    settings,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use std::{
    collections::HashSet,
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::Hash,
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Fewest bytes of a key: as many as SHA-256 and Ed25519 give strength for.
const KEY_BYTES: usize = 32;
/// Most bytes of a MAC key: one block of SHA-256; HMAC would only hash a longer one down (RFC 2104).
const LONGEST_KEY_BYTES: usize = 64;
/// Most bytes of the file: hundreds of keys fit.
const FILE_BYTES: u64 = 65_536;
/// Largest id of a refresh key; above it is room for another form of the token.
const LARGEST_REFRESH_ID: u8 = 127;
/// What the setting is called in messages.
const SETTING: &str = "the setting keys.json (DOORWARD__KEYS__JSON)";

/// All keys of the server. `Debug` prints the type's name.
pub struct Keys {
    pub(super) signing: Ring<NamedSigningKey>,
    pub(super) refresh: Ring<RefreshKey>,
    pub(super) mail: Ring<SecretSlice<u8>>,
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
    /// Others than its owner may use the file; its mode.
    OpenToOthers(PathBuf, u32),
    /// The text is there but cannot be used: where it stands, and what is wrong with it.
    Unusable(String, String),
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
        }
    }
}

impl std::error::Error for KeysError {}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    signing: Vec<SigningEntry>,
    refresh: Vec<RefreshEntry>,
    mail: Vec<SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SigningEntry {
    kid: String,
    seed: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshEntry {
    id: u8,
    key: SecretString,
}

impl Keys {
    /// The keys of `settings.json` if there are any, else of `settings.file`, which is made if there is none.
    ///
    /// The file appears complete or not at all: of two servers that start at once one makes it and both read it. A file
    /// that is there is never written to.
    ///
    /// # Errors
    /// A file that cannot be read or made, that others than its owner may use, or a text that is not as this module's
    /// head says: a key of fewer than 32 bytes, an empty list, an id twice.
    pub fn load_or_create(settings: &settings::Keys, entropy: &dyn Entropy) -> Result<Self, KeysError> {
        let path = settings.file.as_path();
        let is_there = || !matches!(File::open(path), Err(error) if error.kind() == ErrorKind::NotFound);
        if settings.json.expose_secret().trim().is_empty() && !is_there() {
            let made = create(path, &new_document(entropy), entropy);
            made.map_err(|error| KeysError::Unreadable(path.to_owned(), error))?;
        }
        Self::load(settings)
    }

    /// The keys of `settings.json` if there are any, else of `settings.file`. Nothing is made.
    ///
    /// # Errors
    /// As [`Keys::load_or_create`], and if there is no file.
    pub fn load(settings: &settings::Keys) -> Result<Self, KeysError> {
        if !settings.json.expose_secret().trim().is_empty() {
            return Self::parse(settings.json.expose_secret(), SETTING);
        }
        let path = settings.file.as_path();
        let file = File::open(path).map_err(|error| KeysError::Unreadable(path.to_owned(), error))?;
        Self::parse(read_private(file, path)?.expose_secret(), &format!("the keys file {}", path.display()))
    }

    fn parse(text: &str, place: &str) -> Result<Self, KeysError> {
        let unusable = |fault: String| KeysError::Unusable(place.to_owned(), fault);
        // serde_json's own message may quote what it met, and that may be a key.
        let document: Document = serde_json::from_str(text).map_err(|error| {
            unusable(format!("it is not the JSON expected, see line {}, column {}", error.line(), error.column()))
        })?;
        Self::check(document).map_err(unusable)
    }

    fn check(document: Document) -> Result<Self, String> {
        if document.version != 1 {
            return Err(format!("its version is {}, and this server knows version 1 only", document.version));
        }
        let signing = ring("signing", document.signing, signing_key)?;
        let refresh = ring("refresh", document.refresh, refresh_key)?;
        let mail = ring("mail", document.mail, mac_key)?;
        if repeats(signing.iter().map(|key| &key.kid)) {
            return Err("a kid stands twice in \"signing\"".to_owned());
        }
        if repeats(refresh.iter().map(|key| key.id)) {
            return Err("an id stands twice in \"refresh\"".to_owned());
        }
        Ok(Self { signing, refresh, mail })
    }
}

fn ring<E, T>(name: &str, entries: Vec<E>, make: impl Fn(E, &str) -> Result<T, String>) -> Result<Ring<T>, String> {
    let mut keys = entries.into_iter().enumerate().map(|(at, entry)| make(entry, &format!("{name}[{at}]")));
    let first = keys.next().ok_or_else(|| format!("the list {name:?} is empty"))??;
    Ok(Ring { first, others: keys.collect::<Result<_, _>>()? })
}

fn signing_key(entry: SigningEntry, place: &str) -> Result<NamedSigningKey, String> {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter);
    if !(1..=64).contains(&entry.kid.len()) || !entry.kid.bytes().all(plain) {
        return Err(format!("the kid of {place} is not 1 to 64 letters, digits, '-', '_' or '.'"));
    }
    let seed = bytes(&entry.seed, place)?;
    let seed = <&[u8; KEY_BYTES]>::try_from(seed.expose_secret())
        .map_err(|_| format!("the seed of {place} is not {KEY_BYTES} bytes"))?;
    Ok(NamedSigningKey { kid: entry.kid, key: SigningKey::from_bytes(seed) })
}

fn refresh_key(entry: RefreshEntry, place: &str) -> Result<RefreshKey, String> {
    if entry.id > LARGEST_REFRESH_ID {
        return Err(format!("the id of {place} is above {LARGEST_REFRESH_ID}"));
    }
    Ok(RefreshKey { id: entry.id, key: mac_key(entry.key, place)? })
}

fn mac_key(text: SecretString, place: &str) -> Result<SecretSlice<u8>, String> {
    let key = bytes(&text, place)?;
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

fn new_document(entropy: &dyn Entropy) -> SecretString {
    let key = || {
        let mut bytes = [0; KEY_BYTES];
        entropy.fill(&mut bytes);
        SecretString::from(URL_SAFE_NO_PAD.encode(bytes))
    };
    let (seed, refresh, mail) = (key(), key(), key());
    SecretString::from(format!(
        r#"{{
  "version": 1,
  "signing": [{{ "kid": "{}", "seed": "{}" }}],
  "refresh": [{{ "id": 1, "key": "{}" }}],
  "mail": ["{}"]
}}
"#,
        random_id(entropy),
        seed.expose_secret(),
        refresh.expose_secret(),
        mail.expose_secret(),
    ))
}

fn read_private(file: File, path: &Path) -> Result<SecretString, KeysError> {
    let unreadable = |error| KeysError::Unreadable(path.to_owned(), error);
    // Asked of the open file, so that what is checked is what is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(ErrorKind::IsADirectory.into()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeysError::OpenToOthers(path.to_owned(), mode));
    }
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok(SecretString::from(text))
}

/// Makes the file with `text`, unless somebody else has made it meanwhile: then theirs stands.
fn create(path: &Path, text: &SecretString, entropy: &dyn Entropy) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let draft = folder.join(format!(".keys-{}.new", random_id(entropy)));
    // A hard link fails where a file is already there; a rename would replace it.
    let linked = write_private(&draft, text).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return removed,
        linked => linked?,
    }
    removed?;
    File::open(folder)?.sync_all()?;
    tracing::warn!(path = %path.display(), "there was no keys file: made one; tokens of any earlier keys are void");
    Ok(())
}

fn write_private(path: &Path, text: &SecretString) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
#[path = "keys_tests.rs"]
pub(super) mod tests;
