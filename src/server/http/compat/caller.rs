//! Who calls: the table of `Authorization` headers that SimpleJWT and DRF's own tokens go by.

use super::{AppState, answer::Refusal};
use crate::server::auth::{Principal, TokenFault};
use axum::http::{HeaderMap, header};

const TWO_WORDS: &str = "Authorization header must contain two space-delimited values";

/// The caller of a request with these headers; nobody without credentials.
///
/// `Bearer` is taken as it is written, and in other letters it is no credential. `Token` stands for a session that
/// `/auth/token/login/` opened.
///
/// # Errors
/// Credentials that are not good.
pub async fn of(state: &AppState, headers: &HeaderMap) -> Result<Option<Principal>, Refusal> {
    let values: Vec<String> =
        headers.get_all(header::AUTHORIZATION).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into()).collect();
    // As a gateway would hand over a header that came twice.
    let line = values.join(",");
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["Bearer", token] => state.auth.authenticate_elsewhere(token).await.map(Some).map_err(refused),
        ["Bearer", ..] => Err(Refusal::unauthorized(TWO_WORDS, Some("bad_authorization_header"))),
        [scheme, rest @ ..] if scheme.eq_ignore_ascii_case("token") => match rest {
            [token] => state.auth.authenticate_kept(token).await.map(Some).map_err(refused_kept),
            [] => Err(Refusal::unauthorized("Invalid token header. No credentials provided.", None)),
            _ => Err(Refusal::unauthorized("Invalid token header. Token string should not contain spaces.", None)),
        },
        _ => Ok(None),
    }
}

fn refused(fault: TokenFault) -> Refusal {
    match fault {
        TokenFault::Invalid => Refusal::Token("Token is invalid"),
        TokenFault::Expired => Refusal::Token("Token is expired"),
        TokenFault::WrongType => Refusal::Token("Token has wrong type"),
        TokenFault::Ended => Refusal::Token("Token is blacklisted"),
        TokenFault::NoAccount => Refusal::unauthorized("User not found", Some("user_not_found")),
        TokenFault::Inactive => Refusal::unauthorized("User is inactive", Some("user_inactive")),
        TokenFault::Other(error) => error.into(),
    }
}

fn refused_kept(fault: TokenFault) -> Refusal {
    match fault {
        TokenFault::Invalid | TokenFault::Expired | TokenFault::WrongType | TokenFault::Ended => {
            Refusal::unauthorized("Invalid token.", None)
        }
        TokenFault::NoAccount | TokenFault::Inactive => Refusal::unauthorized("User inactive or deleted.", None),
        TokenFault::Other(error) => error.into(),
    }
}
