//! What others read by themselves: services to verify our access tokens, password managers to find the passkeys.

use super::AppState;
use crate::paths;
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, header},
    response::IntoResponse as _,
};
use serde_json::json;

/// Seconds for which others may keep this: long enough to spare us most requests, short enough that a new key is known
/// before it signs.
pub const KEPT: i64 = 300;

/// The public keys (RFC 7517).
pub async fn jwks(State(state): State<AppState>) -> Response<Body> {
    let mut response = Json(state.auth.jwks()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    keep(headers);
    response
}

fn keep(headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={KEPT}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// Issuer, keys and where to ask, in the terms of OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2. We are no
/// OpenID provider: there is no authorization endpoint and no grant, and both lists say so.
pub async fn metadata(State(state): State<AppState>) -> Response<Body> {
    let base = state.settings.server.public_url.as_str();
    let at = |path: &str| [base, path].concat();
    let secret = !secrecy::ExposeSecret::expose_secret(&state.settings.introspection.secret).is_empty();
    let methods: &[&str] = if secret { &["client_secret_basic", "bearer"] } else { &["none"] };
    let mut response = Json(json!({
        "issuer": base,
        "jwks_uri": at(paths::JWKS),
        "introspection_endpoint": at(paths::INTROSPECT),
        "introspection_endpoint_auth_methods_supported": methods,
        "service_documentation": at(paths::API_DOCS),
        "response_types_supported": [],
        "grant_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "access_token_signing_alg_values_supported": ["EdDSA"],
        "claims_supported": ["iss", "aud", "sub", "sid", "iat", "exp", "jti"],
    }))
    .into_response();
    keep(response.headers_mut());
    response
}

/// Where passkeys are made and kept, for password managers (W3C, "A Well-Known URL for Relying Party Passkey Endpoints"). Not
/// found where there are none.
pub async fn passkey_endpoints(State(state): State<AppState>) -> Response<Body> {
    if !state.auth.offers_passkeys() {
        return super::not_found().into_response();
    }
    let page = [state.settings.server.public_url.as_str(), paths::ACCOUNT_FACTORS].concat();
    let mut response = Json(json!({ "enroll": page, "manage": page })).into_response();
    keep(response.headers_mut());
    response
}
