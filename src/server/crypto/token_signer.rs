//! The access token: a JWT (RFC 9068) that any service can check with the published keys.
//!
//! Ed25519 only (RFC 8037), one exact header, one issuer, one audience (RFC 8725). Time is handed in, so the clock
//! checks of the library are off and ours are on. A token says nothing about a person but the account's number.

use super::{
    compat_token::Bearer,
    keys::{Keys, NamedSigningKey, Ring},
};
use crate::{
    domain::{account::AccountId, grant::Grant, time::Timestamp},
    server::settings,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::HashSet, fmt};

/// Longest token that is looked at, in bytes. Ours take about 400.
const LONGEST: usize = 4096;
/// Longest life of a token, in seconds.
const LONGEST_LIFE: i64 = 900;
/// Most leeway for clocks, in seconds.
const MOST_LEEWAY: i64 = 60;

/// Makes and checks access tokens. `Debug` prints the type's name.
pub struct TokenSigner {
    keys: Ring<Key>,
    issuer: String,
    audience: String,
    lifetime: i64,
    leeway: i64,
    validation: Validation,
}

/// A key in the forms in which it is needed, made once.
struct Key {
    header: Header,
    /// The header as it stands in every token.
    head: String,
    signing: SigningKey,
    decoding: DecodingKey,
    public: Value,
}

/// What a genuine access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is (`sub`).
    pub account: AccountId,
    /// The public id of the session it was made for.
    pub sid: String,
    /// The token's own id.
    pub jti: String,
    /// When it was made (`iat`).
    pub issued_at: Timestamp,
    /// When it expires (`exp`), without leeway.
    pub expires_at: Timestamp,
    /// Made at the door for the front ends of Django, which keep it where scripts can read it.
    pub is_compat: bool,
}

/// The claims as they stand in the token.
#[derive(Serialize, Deserialize)]
struct Wire {
    /// First, as Django's front ends know it; only in tokens of their door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_type: Option<String>,
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
    jti: String,
    /// We never write it; one that is there counts (RFC 7519 §4.1.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

/// What an access token of Django's door is called in its `token_type`.
const COMPAT_ACCESS: &str = "access";

/// Why a token is refused. For the log: whoever sent it is told nothing of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    /// More than 4096 bytes.
    TooLong,
    /// No JWT, or one with an algorithm that nobody knows.
    Malformed,
    /// The header is not exactly what we write: algorithm, type, a key of ours, nothing else.
    Header,
    /// The signature is not that key's.
    Signature,
    /// A claim is missing or of the wrong kind.
    Claims,
    /// Made by somebody else.
    Issuer,
    /// Made for somebody else.
    Audience,
    /// Past its end and the leeway.
    Expired,
    /// Not to be used yet.
    TooEarly,
}

impl fmt::Display for TokenRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "longer than any token of ours",
            Self::Malformed => "no readable JWT",
            Self::Header => "wrong algorithm, type or key id",
            Self::Signature => "wrong signature",
            Self::Claims => "a claim is missing or malformed",
            Self::Issuer => "wrong issuer",
            Self::Audience => "wrong audience",
            Self::Expired => "expired",
            Self::TooEarly => "not valid yet",
        })
    }
}

impl std::error::Error for TokenRefused {}

/// Why no token can be made: wrong settings at start, or a failure inside the library. Holds no key.
#[derive(Debug)]
pub struct SignerError(String);

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SignerError {}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSigner")
    }
}

impl TokenSigner {
    /// Signs with the first signing key, accepts all of them. `issuer` is the public URL.
    ///
    /// From then on the whole process makes and checks JWTs with Ed25519 only.
    ///
    /// # Errors
    /// An empty issuer or audience, a lifetime outside 1 to 900 s, a leeway above 60 s; or the process has used the JWT
    /// library with other cryptography already.
    pub fn new(keys: &Keys, issuer: &str, settings: &settings::Token) -> Result<Self, SignerError> {
        let refuse = |fault: &str| Err(SignerError(fault.to_owned()));
        if issuer.is_empty() || settings.audience.is_empty() {
            return refuse("access tokens need an issuer (server.public_url) and an audience (token.audience)");
        }
        if !(1..=LONGEST_LIFE).contains(&settings.access_lifetime) {
            return refuse("token.access_lifetime is not 1 to 900 seconds");
        }
        let Some(leeway) = i64::try_from(settings.leeway).ok().filter(|leeway| *leeway <= MOST_LEEWAY) else {
            return refuse("token.leeway is more than 60 seconds");
        };
        if !super::ed25519::install() {
            return refuse("another crypto provider for JWTs was chosen in this process before ours");
        }
        Ok(Self {
            keys: keys.signing.try_map(Key::prepare)?,
            issuer: issuer.to_owned(),
            audience: settings.audience.clone(),
            lifetime: settings.access_lifetime,
            leeway,
            validation: signature_only(),
        })
    }

    /// A new access token for a session of `account`. `jti` is to be unique.
    ///
    /// # Errors
    /// Only if the library fails.
    pub fn sign(&self, account: AccountId, sid: &str, jti: String, now: Timestamp) -> Result<Grant, SignerError> {
        self.sealed(&self.claims(account, sid, jti, now))
    }

    /// As [`TokenSigner::sign`], with the claims that Django's front ends look for beside ours.
    ///
    /// # Errors
    /// Only if the library fails.
    pub fn sign_compat(&self, bearer: &Bearer, jti: String, now: Timestamp) -> Result<Grant, SignerError> {
        self.sealed(&Wire {
            token_type: Some(COMPAT_ACCESS.to_owned()),
            user_id: Some(bearer.account.to_string()),
            username: bearer.username.clone(),
            ..self.claims(bearer.account, &bearer.sid, jti, now)
        })
    }

    fn claims(&self, account: AccountId, sid: &str, jti: String, now: Timestamp) -> Wire {
        Wire {
            token_type: None,
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: account.to_string(),
            sid: sid.to_owned(),
            iat: now.0,
            exp: now.plus(self.lifetime).0,
            jti,
            nbf: None,
            user_id: None,
            username: None,
        }
    }

    fn sealed(&self, claims: &Wire) -> Result<Grant, SignerError> {
        let expires_at = Timestamp(claims.exp);
        let key = &self.keys.first;
        // The compact form (RFC 7515 §3.1), with a key that is prepared already; the library would prepare it each time.
        let body = format!("{}.{}", key.head, part(claims)?);
        let signature = key.signing.sign(body.as_bytes()).to_bytes();
        let access_token = format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature));
        Ok(Grant { access_token, token_type: "Bearer".to_owned(), expires_in: self.lifetime, expires_at })
    }

    /// What `token` says, if one of our keys signed it, it is for us, and `now` is inside its life.
    ///
    /// # Errors
    /// Everything else; see [`TokenRefused`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenRefused> {
        self.check(self.read(token)?, now)
    }

    /// As [`TokenSigner::verify`], of a token that [`TokenSigner::sign_compat`] made.
    ///
    /// # Errors
    /// As there; `Claims` for a token of another door.
    pub fn verify_compat(&self, token: &str, now: Timestamp) -> Result<Claims, TokenRefused> {
        let wire = self.read(token)?;
        let is_ours = wire.token_type.as_deref() == Some(COMPAT_ACCESS) && wire.user_id.as_deref() == Some(&wire.sub);
        if is_ours { self.check(wire, now) } else { Err(TokenRefused::Claims) }
    }

    fn read(&self, token: &str) -> Result<Wire, TokenRefused> {
        if token.len() > LONGEST {
            return Err(TokenRefused::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenRefused::Malformed)?;
        // The whole header is compared: no `jwk`, `jku`, `x5u` or `crit` can ask for anything.
        let key = self.keys.iter().find(|key| key.header == header).ok_or(TokenRefused::Header)?;
        let read = jsonwebtoken::decode::<Wire>(token, &key.decoding, &self.validation);
        read.map(|read| read.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => TokenRefused::Signature,
            ErrorKind::Json(_) => TokenRefused::Claims,
            _ => TokenRefused::Malformed,
        })
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys.iter().map(|key| &key.public).collect::<Vec<_>>() })
    }

    /// Whether a token that was genuine before is still inside its life at `now`.
    #[must_use]
    pub fn is_good_at(&self, claims: &Claims, now: Timestamp) -> bool {
        now < claims.expires_at.plus(self.leeway) && now.plus(self.leeway) >= claims.issued_at
    }

    fn check(&self, claims: Wire, now: Timestamp) -> Result<Claims, TokenRefused> {
        if claims.iss != self.issuer {
            return Err(TokenRefused::Issuer);
        }
        if claims.aud != self.audience {
            return Err(TokenRefused::Audience);
        }
        if now >= Timestamp(claims.exp).plus(self.leeway) {
            return Err(TokenRefused::Expired);
        }
        if now.plus(self.leeway) < Timestamp(claims.iat.max(claims.nbf.unwrap_or(claims.iat))) {
            return Err(TokenRefused::TooEarly);
        }
        let account = account_of(&claims.sub).ok_or(TokenRefused::Claims)?;
        if claims.sid.is_empty() || claims.jti.is_empty() {
            return Err(TokenRefused::Claims);
        }
        let (issued_at, expires_at) = (Timestamp(claims.iat), Timestamp(claims.exp));
        let is_compat = claims.token_type.is_some();
        Ok(Claims { account, sid: claims.sid, jti: claims.jti, issued_at, expires_at, is_compat })
    }
}

/// A part of a token that is JSON.
fn part(value: &impl Serialize) -> Result<String, SignerError> {
    let json = serde_json::to_vec(value).map_err(|error| SignerError(format!("a part of an access token: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

impl Key {
    fn prepare(named: &NamedSigningKey) -> Result<Self, SignerError> {
        let x = URL_SAFE_NO_PAD.encode(named.key.verifying_key().as_bytes());
        // Read back from what is published, so that we and everybody else check with the same.
        let decoding = DecodingKey::from_ed_components(&x)
            .map_err(|error| SignerError(format!("the public half of a signing key: {error}")))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(named.kid.clone());
        Ok(Self {
            head: part(&header)?,
            header,
            signing: named.key.clone(),
            decoding,
            public: json!({
                "kty": "OKP", "crv": "Ed25519", "x": x, "kid": named.kid, "use": "sig", "alg": "EdDSA",
            }),
        })
    }
}

/// The library looks at the signature; everything else is looked at here, against the time handed in.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// The account of a `sub`, which is written in one way only.
fn account_of(sub: &str) -> Option<AccountId> {
    let number = sub.parse::<i64>().ok()?;
    ((1..=AccountId::MAX).contains(&number) && number.to_string() == sub).then_some(AccountId(number))
}

#[cfg(test)]
#[path = "token_signer_tests.rs"]
mod tests;
