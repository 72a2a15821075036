//! The tokens of the door for the front ends of Django: JWTs with HS256 (RFC 7515, RFC 7518 section 3.2), claim by claim
//! what SimpleJWT writes.
//!
//! One exact header, compared as text before anything is decoded: no `alg` of a token is ever asked for. The JWT library
//! of the access tokens knows Ed25519 only and stays so; a key of one kind can never verify the other.
//!
//! | token | key | claims |
//! |---|---|---|
//! | refresh | derived from each refresh key of the ring | `token_type exp iat jti user_id sid cnt`, perhaps `username` |
//! | access, with `compat.access_secret` | that secret | `token_type exp iat jti user_id sid`, perhaps `username` |

use super::keys::{self, Keys, Ring};
use crate::{
    domain::{account::AccountId, time::Timestamp},
    server::{entropy::Entropy, settings::Settings},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt::{self, Write as _};

/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Keeps the keys of these tokens apart from all else that is made with a refresh key.
const DOMAIN: &[u8] = b"doorward compat refresh-jwt v1\0";
/// Longest token that is looked at, in bytes. Ours take about 400.
const LONGEST: usize = 4096;
const ACCESS: &str = "access";
const REFRESH: &str = "refresh";

/// Makes and checks these tokens. `Debug` prints the type's name.
pub struct CompatTokens {
    refresh: Ring<Hmac<Sha256>>,
    access: Option<Hmac<Sha256>>,
    lifetime: i64,
    leeway: i64,
}

/// Whose token it is, and of which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The account.
    pub account: AccountId,
    /// The public name of the session.
    pub sid: String,
    /// The user name, where the door puts it into the token.
    pub username: Option<String>,
}

/// What a genuine refresh token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompatRefresh {
    /// Whose it is.
    pub bearer: Bearer,
    /// Which of the session's tokens it is.
    pub counter: i64,
}

/// Why a token is refused, as far as these clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompatRefused {
    /// None of ours.
    Invalid,
    /// Past its end.
    Expired,
    /// Ours, but of the other kind.
    WrongType,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    token_type: String,
    exp: i64,
    iat: i64,
    jti: String,
    user_id: String,
    sid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cnt: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

impl fmt::Debug for CompatTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompatTokens")
    }
}

impl CompatTokens {
    /// Mints with the first refresh key, accepts all of them; access tokens only where `compat.access_secret` is set.
    #[must_use]
    pub fn new(keys: &Keys, settings: &Settings) -> Self {
        let secret = settings.compat.access_secret.expose_secret().as_bytes();
        Self {
            refresh: keys.refresh.map(|key| Hmac::new(&derived(&keys::mac(&key.key)).into())),
            access: (!secret.is_empty()).then(|| shared(secret)),
            lifetime: settings.token.access_lifetime,
            leeway: i64::try_from(settings.token.leeway).unwrap_or(0),
        }
    }

    /// Whether access tokens are made here, and not by the signer of all others.
    #[must_use]
    pub const fn signs_access(&self) -> bool {
        self.access.is_some()
    }

    /// The refresh token of a session at `counter`, which ends with the session.
    #[must_use]
    pub fn refresh(
        &self,
        bearer: Bearer,
        counter: i64,
        (now, ends): (Timestamp, Timestamp),
        entropy: &dyn Entropy,
    ) -> SecretString {
        sealed(&self.refresh.first, &wire(REFRESH, bearer, Some(counter), (now, ends), entropy))
    }

    /// An access token under the shared secret; none where there is no secret.
    #[must_use]
    pub fn access(&self, bearer: Bearer, now: Timestamp, entropy: &dyn Entropy) -> Option<SecretString> {
        let ends = now.plus(self.lifetime);
        self.access.as_ref().map(|key| sealed(key, &wire(ACCESS, bearer, None, (now, ends), entropy)))
    }

    /// What `token` says, if it is a refresh token of ours.
    ///
    /// # Errors
    /// Everything else.
    pub fn read_refresh(&self, token: &str, now: Timestamp) -> Result<CompatRefresh, CompatRefused> {
        let found = self.refresh.iter().find_map(|key| opened(key, token));
        let Some(wire) = found else {
            let other = self.access.as_ref().and_then(|key| opened(key, token));
            return Err(if other.is_some() { CompatRefused::WrongType } else { CompatRefused::Invalid });
        };
        let counter = wire.cnt.filter(|counter| *counter > 0 && wire.token_type == REFRESH);
        let counter = counter.ok_or(CompatRefused::Invalid)?;
        Ok(CompatRefresh { bearer: checked(wire, now)?, counter })
    }

    /// What `token` says, if it is an access token under the shared secret.
    ///
    /// # Errors
    /// Everything else.
    pub fn read_access(&self, token: &str, now: Timestamp) -> Result<Bearer, CompatRefused> {
        let Some(wire) = self.access.as_ref().and_then(|key| opened(key, token)) else {
            return Err(self.not_access(token));
        };
        // Who shares the secret can make one; none that lives longer than ours.
        if wire.token_type != ACCESS || wire.exp.saturating_sub(wire.iat) > self.lifetime {
            return Err(CompatRefused::Invalid);
        }
        checked(wire, now.plus(-self.leeway))
    }

    /// Why `token` is no access token.
    #[must_use]
    pub fn not_access(&self, token: &str) -> CompatRefused {
        let is_refresh = self.refresh.iter().any(|key| opened(key, token).is_some());
        if is_refresh { CompatRefused::WrongType } else { CompatRefused::Invalid }
    }
}

fn derived(key: &Hmac<Sha256>) -> [u8; 64] {
    let mut block = [0; 64];
    let bytes = key.clone().chain_update(DOMAIN).finalize().into_bytes();
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    block
}

/// HMAC under a secret of any length. One longer than a block is hashed down, as RFC 2104 says.
fn shared(secret: &[u8]) -> Hmac<Sha256> {
    use sha2::Digest as _;
    let digest = Sha256::digest(secret);
    let key: &[u8] = if secret.len() > 64 { &digest } else { secret };
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into())
}

fn wire(
    kind: &str,
    bearer: Bearer,
    cnt: Option<i64>,
    (now, ends): (Timestamp, Timestamp),
    entropy: &dyn Entropy,
) -> Wire {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes);
    let jti = bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Wire {
        token_type: kind.to_owned(),
        exp: ends.0,
        iat: now.0,
        jti,
        user_id: bearer.account.to_string(),
        sid: bearer.sid,
        cnt,
        username: bearer.username,
    }
}

fn sealed(key: &Hmac<Sha256>, wire: &Wire) -> SecretString {
    // A struct of texts and numbers is always JSON.
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(wire).unwrap_or_default());
    let body = format!("{HEADER}.{payload}");
    let tag = key.clone().chain_update(body.as_bytes()).finalize().into_bytes();
    SecretString::from(format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag)))
}

/// The claims, if `key` sealed exactly this text; the MAC is compared in constant time, before anything is read.
fn opened(key: &Hmac<Sha256>, token: &str) -> Option<Wire> {
    if token.len() > LONGEST {
        return None;
    }
    let (body, tag) = token.rsplit_once('.')?;
    let payload = body.strip_prefix(HEADER)?.strip_prefix('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    key.clone().chain_update(body.as_bytes()).verify_slice(&tag).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn checked(wire: Wire, now: Timestamp) -> Result<Bearer, CompatRefused> {
    if now.0 >= wire.exp {
        return Err(CompatRefused::Expired);
    }
    let number = wire.user_id.parse::<i64>().ok().filter(|number| (1..=AccountId::MAX).contains(number));
    let number = number.filter(|number| number.to_string() == wire.user_id);
    let account = number.map(AccountId).ok_or(CompatRefused::Invalid)?;
    Ok(Bearer { account, sid: wire.sid, username: wire.username })
}

#[cfg(test)]
#[path = "compat_token_tests.rs"]
mod tests;
