//! What there is to say of a key without saying the key: its public name, since when it makes, when it was replaced.

use super::keys::{self, NamedSigningKey, RefreshKey};
use crate::domain::time::Timestamp;
use hmac::Mac as _;
use secrecy::SecretSlice;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// What a fingerprint is a MAC of. It is published, so nothing else that a key makes may begin with it.
const LABEL: &[u8] = b"doorward fingerprint v1";

/// What keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPurpose {
    /// Access tokens.
    Signing,
    /// Refresh tokens.
    Refresh,
    /// Mailed links and codes, known devices, the names of throttles, the seals of the audit log.
    Mail,
}

impl KeyPurpose {
    /// All of them, in the order of the document.
    pub const ALL: [Self; 3] = [Self::Signing, Self::Refresh, Self::Mail];

    /// The word for it: the name of its list in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Refresh => "refresh",
            Self::Mail => "mail",
        }
    }
}

/// What a key does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It makes, and verifies.
    Makes,
    /// It verifies, and makes from its `from` on.
    MakesLater,
    /// It verifies what it made before it was replaced.
    Verifies,
}

/// A key, as it may be shown to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyFacts {
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The `kid` of a signing key, the id of a refresh key; empty for a mail key.
    pub name: String,
    /// `signing:KID:8 hex digits`, `refresh:ID:16 hex digits` or `mail:16 hex digits`: tells keys apart and nothing of them.
    pub fingerprint: String,
    /// When it begins to make; `None`: it always did.
    pub from: Option<Timestamp>,
    /// What it does.
    pub state: KeyState,
    /// When another key began to make in its place, if that is known and past.
    pub replaced_at: Option<Timestamp>,
}

/// The place of the key that makes at `now`: the one whose `from` came last, and of equals the first. If all are still to
/// come it is the one that comes first.
pub(super) fn maker(froms: &[Option<Timestamp>], now: Timestamp) -> usize {
    // Of equals `max_by_key` takes the last, `min_by_key` the first.
    let begun = froms.iter().enumerate().rev().filter(|(_, from)| from.is_none_or(|from| from <= now));
    let begun = begun.max_by_key(|(_, from)| **from);
    let next = || froms.iter().enumerate().min_by_key(|(_, from)| **from);
    begun.or_else(next).map_or(0, |(place, _)| place)
}

/// The facts of keys of one purpose, given their names and fingerprints.
pub(super) fn of(
    purpose: KeyPurpose,
    keys: Vec<(String, String)>,
    froms: &[Option<Timestamp>],
    now: Timestamp,
) -> Vec<KeyFacts> {
    let makes = maker(froms, now);
    let facts = keys.into_iter().zip(froms).enumerate().map(|(place, ((name, fingerprint), from))| {
        let state = if place == makes {
            KeyState::Makes
        } else if from.is_some_and(|from| from > now) {
            KeyState::MakesLater
        } else {
            KeyState::Verifies
        };
        let replaced_at = if state == KeyState::Verifies { replaced_at(froms, place, now) } else { None };
        KeyFacts { purpose, name, fingerprint, from: *from, state, replaced_at }
    });
    facts.collect()
}

/// The first time at which another key made instead. Keys without `from` say nothing of when they changed places.
fn replaced_at(froms: &[Option<Timestamp>], place: usize, now: Timestamp) -> Option<Timestamp> {
    let own = froms.get(place).copied().flatten();
    let later = froms.iter().enumerate().filter(|(other, from)| {
        // Of two that begin together the first one makes, and the other never did.
        **from > own || (own.is_some() && **from == own && *other < place)
    });
    later.filter_map(|(_, from)| *from).filter(|from| *from <= now).min()
}

pub(super) fn name_of_signing(key: &NamedSigningKey) -> (String, String) {
    let digest = Sha256::digest(key.key.verifying_key().as_bytes());
    (key.kid.clone(), format!("signing:{}:{}", key.kid, hex(&digest, 4)))
}

pub(super) fn name_of_refresh(key: &RefreshKey) -> (String, String) {
    (key.id.to_string(), format!("refresh:{}:{}", key.id, of_mac(&key.key)))
}

pub(super) fn name_of_mail(key: &SecretSlice<u8>) -> (String, String) {
    (String::new(), format!("mail:{}", of_mac(key)))
}

/// 64 bits of a MAC under the key: nobody finds the key from them, nor another key with the same.
fn of_mac(key: &SecretSlice<u8>) -> String {
    hex(&keys::mac(key).chain_update(LABEL).finalize().into_bytes(), 8)
}

fn hex(bytes: &[u8], count: usize) -> String {
    bytes.iter().take(count).map(|byte| format!("{byte:02x}")).collect()
}
