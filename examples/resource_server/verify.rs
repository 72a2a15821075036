//! Verifies Doorward's access tokens by its published keys. Nothing here is Doorward's own: copy it into your service.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, JwkSet},
};
use serde::Deserialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::RwLock;

/// How soon the keys may be asked for again: whoever sends made-up key names must not make us ask each time.
const PAUSE: Duration = Duration::from_secs(30);

/// What Doorward says of itself.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The account's id.
    pub sub: String,
    /// The session's public name.
    pub sid: String,
}

/// Knows the keys of one Doorward.
#[derive(Clone)]
pub struct Verifier {
    http: reqwest::Client,
    issuer: String,
    audience: String,
    jwks_uri: String,
    keys: Arc<RwLock<(JwkSet, Instant)>>,
}

impl Verifier {
    /// Reads where the keys are, and the keys. `audience` is what its setting `token.audience` says: its public URL, unless
    /// it is set.
    pub async fn of(doorward: &str, audience: &str) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::new();
        let url = [doorward, "/.well-known/openid-configuration"].concat();
        let Metadata { issuer, jwks_uri } = http.get(url).send().await?.error_for_status()?.json().await?;
        let keys = http.get(&jwks_uri).send().await?.error_for_status()?.json().await?;
        let keys = Arc::new(RwLock::new((keys, Instant::now())));
        Ok(Self { http, issuer, audience: audience.to_owned(), jwks_uri, keys })
    }

    /// Who calls, if the token is Doorward's, for us, and in time. A sign-out is noticed when the token expires, after ten
    /// minutes at most; ask `/api/v1/tokens/introspect` where that is too late.
    pub async fn verify(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        // RFC 9068 section 4: any other JWT of the same issuer is no access token.
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some("at+jwt") {
            return None;
        }
        let key = DecodingKey::from_jwk(&self.key(header.kid.as_deref()?).await?).ok()?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        decode::<Claims>(token, &key, &validation).ok().map(|token| token.claims)
    }

    /// The key of that name. One that is not known may be new: the keys are asked for again, but not often.
    async fn key(&self, kid: &str) -> Option<Jwk> {
        if let Some(key) = self.keys.read().await.0.find(kid) {
            return Some(key.clone());
        }
        let mut keys = self.keys.write().await;
        if keys.1.elapsed() >= PAUSE {
            // Also if that fails: the next try is half a minute away.
            keys.1 = Instant::now();
            keys.0 = self.http.get(&self.jwks_uri).send().await.ok()?.json().await.ok()?;
        }
        keys.0.find(kid).cloned()
    }
}
