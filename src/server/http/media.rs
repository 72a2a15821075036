//! What a body says it is.

use axum::http::{HeaderMap, header};

/// A plain form, the one encoding that all server functions take.
#[must_use]
pub fn is_form(headers: &HeaderMap) -> bool {
    is(headers, "application/x-www-form-urlencoded")
}

/// JSON.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

/// Parameters such as the character set are left out.
fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(';').next().is_some_and(|said| said.trim().eq_ignore_ascii_case(wanted))
}
