//! The service: one route, for who brings a token.

use super::verify::{Claims, Verifier};
use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{HeaderName, StatusCode, header, request::Parts},
    routing::get,
};

/// All routes.
pub fn router(verifier: Verifier) -> Router {
    Router::new().route("/hello", get(hello)).with_state(verifier)
}

async fn hello(State(_): State<Verifier>, Caller(claims): Caller) -> String {
    format!("hello, account {}\n", claims.sub)
}

/// Who calls; without a good token no route that asks for it runs.
struct Caller(Claims);

impl FromRequestParts<Verifier> for Caller {
    type Rejection = (StatusCode, [(HeaderName, &'static str); 1]);

    async fn from_request_parts(parts: &mut Parts, verifier: &Verifier) -> Result<Self, Self::Rejection> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        let claims = match token {
            Some(token) => verifier.verify(token).await,
            None => None,
        };
        claims.map(Self).ok_or((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]))
    }
}
