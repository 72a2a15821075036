//! Keeps other sites from acting in a visitor's name (CSRF): the one gate in front of everything that changes anything.
//!
//! `SameSite` cookies do not stop a page on another port of the same host; what the browser itself says about where a
//! request comes from does (OWASP: Fetch Metadata, with `Origin` as the fall-back).
//!
//! | `Sec-Fetch-Site` | `Origin` | verdict |
//! |---|---|---|
//! | `same-origin` | ours, absent, or `null` | pass |
//! | `same-origin` | another | refuse: they contradict each other |
//! | `none` | any | pass for GET and HEAD (a typed address), else refuse |
//! | any other, or twice | any | refuse |
//! | absent | ours | pass |
//! | absent | another, `null`, or twice | refuse |
//! | absent | absent | pass with a Bearer token and no cookie, else refuse |
//!
//! At the doors for programs an `Origin` of `cors.origins` passes like ours, and a request with neither header passes
//! if it carries no cookie, or a Bearer token, or a body of JSON: browsers send either of these to another site only after
//! a pre-flight, and never without `Origin` (Fetch, "CORS-safelisted request-header").
//!
//! `null` beside `same-origin` is a form of our own from a page with `Referrer-Policy: no-referrer`. A sandboxed frame
//! also sends `null`, but `cross-site` with it.

use super::{cors::Origins, doors::Door, layers::Inward, media::is_json};
use crate::{
    domain::problem::{Code, Problem},
    paths,
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a request from another site is told.
pub const DETAIL: &str = "This request came from another site. Open the page here and try again.";

/// Knows our own origin.
#[derive(Clone, Debug)]
pub struct Guard {
    origin: Arc<str>,
    others: Origins,
}

/// Why a request is refused; for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    OtherSite,
    OtherOrigin,
    Contradiction,
    Repeated,
    Unknown,
}

impl Refusal {
    const fn reason(self) -> &'static str {
        match self {
            Self::OtherSite => "Sec-Fetch-Site is not same-origin",
            Self::OtherOrigin => "Origin is not that of server.public_url",
            Self::Contradiction => "Sec-Fetch-Site says same-origin, but Origin is not that of server.public_url",
            Self::Repeated => "Sec-Fetch-Site or Origin came more than once",
            Self::Unknown => "neither Sec-Fetch-Site nor Origin, and not by Bearer token alone",
        }
    }
}

impl Guard {
    /// A guard for the server that people reach at `public_url` (scheme, host, port); pages of `others` may call the doors
    /// for programs.
    #[must_use]
    pub fn new(public_url: &str, others: Origins) -> Self {
        Self { origin: origin(public_url).into(), others }
    }

    fn check(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if (safe && !path.starts_with(paths::ACTIONS)) || path == paths::CSP_REPORTS {
            return Ok(());
        }
        let site = single(headers, &SEC_FETCH_SITE)?;
        let origin = single(headers, &header::ORIGIN)?;
        let door = Door::of(path);
        if door != Door::Pages && self.lets_program_in(door, site, origin, headers) {
            return Ok(());
        }
        let ours = origin.map(|origin| origin.as_bytes() == self.origin.as_bytes());
        match (site.map(HeaderValue::as_bytes), ours) {
            (Some(b"same-origin"), None | Some(true)) => Ok(()),
            (Some(b"same-origin"), Some(false)) if origin.is_some_and(|origin| origin == "null") => Ok(()),
            (Some(b"same-origin"), Some(false)) => Err(Refusal::Contradiction),
            (Some(b"none"), _) if method == Method::GET || method == Method::HEAD => Ok(()),
            (Some(_), _) => Err(Refusal::OtherSite),
            (None, Some(true)) => Ok(()),
            (None, Some(false)) => Err(Refusal::OtherOrigin),
            (None, None) if has_bearer(headers) && !headers.contains_key(header::COOKIE) => Ok(()),
            (None, None) => Err(Refusal::Unknown),
        }
    }
}

impl Guard {
    /// What the doors for programs take beyond the table.
    fn lets_program_in(
        &self,
        door: Door,
        site: Option<&HeaderValue>,
        origin: Option<&HeaderValue>,
        headers: &HeaderMap,
    ) -> bool {
        match (site, origin) {
            (_, Some(origin)) => self.others.lists(origin),
            (None, None) => {
                let bare = !headers.contains_key(header::COOKIE);
                door == Door::Compat || bare || has_bearer(headers) || is_json(headers)
            }
            (Some(_), None) => false,
        }
    }
}

/// Scheme, host and port as browsers write them: in small letters, without the scheme's own port (RFC 6454 section 6.2).
fn origin(url: &str) -> String {
    let plain = url.trim_end_matches('/').to_ascii_lowercase();
    let Ok(uri) = plain.parse::<Uri>() else { return plain };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return plain };
    match (scheme, uri.port_u16()) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Refusal::Repeated),
    }
}

fn has_bearer(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    value.and_then(|value| value.get(..7)).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
}

/// Middleware: answers 403 to what may come from another site; see the table above. Reports of the content security
/// policy are let through, since browsers send them without either header.
pub async fn same_origin<N: Inward>(State(guard): State<Guard>, request: Request, next: N) -> Response {
    let verdict = guard.check(request.method(), request.uri().path(), request.headers());
    let Err(refusal) = verdict else { return next.run(request).await };
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    tracing::warn!(route, reason = refusal.reason(), "request from another site refused");
    Problem::new(Code::CrossSite, 403, DETAIL).into_response()
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
