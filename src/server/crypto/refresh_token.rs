//! The refresh token: a MAC over (session row, counter). It is stored nowhere and can be made again at any time.
//!
//! Bytes: key id (1) ‖ `rid` (16) ‖ counter (LEB128) ‖ HMAC-SHA-256 over all before it, cut to 16 (RFC 2104 §5).
//! Text: base64url without padding. For each key, row and counter exactly one text is accepted.

use super::keys::{self, Keys, Ring};
use crate::server::entropy::Entropy;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use secrecy::SecretString;
use sha2::Sha256;
use std::fmt;

/// Keeps this MAC apart from everything else a key may ever sign.
const DOMAIN: &[u8] = b"doorward refresh-token v1\0";
/// As [`DOMAIN`], of tokens that are never exchanged: neither kind is ever taken for the other.
const KEPT: &[u8] = b"doorward kept-token v1\0";
const RID_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// A counter is at most `i64::MAX` (it lives in a BIGINT): 63 bits, seven to a byte.
const COUNTER_BYTES: usize = 9;
const LONGEST: usize = 1 + RID_BYTES + COUNTER_BYTES + TAG_BYTES;
const LONGEST_TEXT: usize = (LONGEST * 4).div_ceil(3);

/// The private id of a session row: 128 random bits, only ever seen inside the refresh token and the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rid([u8; RID_BYTES]);

impl Rid {
    /// A new one.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; RID_BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Base64url without padding, 22 characters: what the store keeps.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The id that [`Rid::to_text`] wrote as `text`; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rid")
    }
}

/// What a genuine refresh token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Whose row it belongs to.
    pub rid: Rid,
    /// Which of the row's tokens it is, 0 to `i64::MAX`.
    pub counter: u64,
}

/// Makes and checks refresh tokens. `Debug` prints the type's name.
pub struct RefreshTokens(Ring<Key>);

struct Key {
    id: u8,
    mac: Hmac<Sha256>,
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshTokens")
    }
}

impl RefreshTokens {
    /// Mints with the first refresh key, accepts all of them.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.refresh.map(|key| Key { id: key.id, mac: keys::mac(&key.key) }))
    }

    /// The refresh token of a row at `counter`; above `i64::MAX` no counter is ever accepted.
    #[must_use]
    pub fn mint(&self, rid: &Rid, counter: u64) -> SecretString {
        self.sealed(DOMAIN, rid, counter)
    }

    /// The token of a row that is never exchanged, as front ends of Django's token authentication keep one.
    #[must_use]
    pub fn mint_kept(&self, rid: &Rid, counter: u64) -> SecretString {
        self.sealed(KEPT, rid, counter)
    }

    fn sealed(&self, domain: &[u8], rid: &Rid, counter: u64) -> SecretString {
        let mut token = Vec::with_capacity(LONGEST);
        token.push(self.0.first.id);
        token.extend_from_slice(&rid.0);
        write_counter(&mut token, counter);
        let tag = self.0.first.over(domain, &token).finalize().into_bytes();
        token.extend(tag.into_iter().take(TAG_BYTES));
        SecretString::from(URL_SAFE_NO_PAD.encode(token))
    }

    /// What `text` says if one of our keys made it; `None` for everything else. Asks no database; the MAC is compared
    /// in constant time.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Presented> {
        self.opened(DOMAIN, text)
    }

    /// As [`RefreshTokens::parse`], of what [`RefreshTokens::mint_kept`] made.
    #[must_use]
    pub fn parse_kept(&self, text: &str) -> Option<Presented> {
        self.opened(KEPT, text)
    }

    fn opened(&self, domain: &[u8], text: &str) -> Option<Presented> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let token = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = token.split_last_chunk::<TAG_BYTES>()?;
        let (id, rest) = body.split_first()?;
        let key = self.0.iter().find(|key| key.id == *id)?;
        key.over(domain, body).verify_truncated_left(tag).ok()?;
        let (rid, counter) = rest.split_first_chunk::<RID_BYTES>()?;
        Some(Presented { rid: Rid(*rid), counter: read_counter(counter)? })
    }
}

impl Key {
    fn over(&self, domain: &[u8], body: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(domain).chain_update(body)
    }
}

fn write_counter(token: &mut Vec<u8>, mut counter: u64) {
    while counter > 0x7f {
        token.push((counter & 0x7f) as u8 | 0x80);
        counter >>= 7;
    }
    token.push(counter as u8);
}

/// The number that [`write_counter`] wrote as exactly these bytes.
fn read_counter(bytes: &[u8]) -> Option<u64> {
    let (last, more) = bytes.split_last()?;
    let ends_well = *last < 0x80 && more.iter().all(|byte| *byte >= 0x80);
    let shortest = more.is_empty() || *last != 0;
    if bytes.len() > COUNTER_BYTES || !ends_well || !shortest {
        return None;
    }
    Some(bytes.iter().rev().fold(0, |counter, byte| counter << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
#[path = "refresh_token_tests.rs"]
mod tests;
