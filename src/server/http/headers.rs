//! The headers that every answer carries, errors and redirects included, and the content security policies.

use super::{assets::Served, layers::Inward};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

/// Two years, as browsers' preload lists ask for (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// For everything that is no page: such an answer shows nothing, loads nothing, and is framed by nobody.
const BARE_CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// What a page may not use; passkeys are the exception, for our own origin.
const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), \
     geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), \
     payment=(), picture-in-picture=(), publickey-credentials-create=(self), publickey-credentials-get=(self), \
     screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
);

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// On every answer, whatever a handler set.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (PERMISSIONS_POLICY, PERMISSIONS),
];

/// On every answer whose handler has not said better.
///
/// `Referrer-Policy` is `same-origin`: under `no-referrer` browsers send `Origin: null` with a form that is posted
/// without scripts, and those that send no `Sec-Fetch-Site` could then post nothing. A page whose own URL is secret
/// sets `no-referrer`.
const UNLESS_SET: [(HeaderName, HeaderValue); 3] = [
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::CONTENT_SECURITY_POLICY, BARE_CSP),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The headers this server sends.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    https: bool,
}

impl Headers {
    /// Those of a server that people reach at `public_url`; `Strict-Transport-Security` goes with https only.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        Self { https: public_url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) }
    }

    /// Completes the headers of one answer.
    pub fn apply(self, headers: &mut HeaderMap) {
        headers.remove(header::SERVER);
        headers.remove(POWERED_BY);
        for (name, value) in ALWAYS {
            headers.insert(name, value);
        }
        for (name, value) in UNLESS_SET {
            headers.entry(name).or_insert(value);
        }
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
    }
}

/// Middleware: [`Headers::apply`] on every answer that comes from further in.
pub async fn set<N: Inward>(State(ours): State<Headers>, request: Request, next: N) -> Response {
    let mut response = next.run(request).await;
    ours.apply(response.headers_mut());
    if response.extensions().get::<Served>().is_some() && !may_be_shown(response.headers()) {
        // Only documents have permissions (W3C, "Permissions Policy"): on a script it is half a kilobyte for nothing.
        response.headers_mut().remove(PERMISSIONS_POLICY);
    }
    response
}

/// Whether a browser that is led to this file shows it as a document with contents of ours.
fn may_be_shown(headers: &HeaderMap) -> bool {
    const PARTS_OF_PAGES: [&str; 4] = ["text/javascript", "application/wasm", "text/css", "font/woff2"];
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    !PARTS_OF_PAGES.iter().any(|part| media.starts_with(part))
}

/// The policy of a page. Of inline scripts it allows the starter, by its SHA-256 in base64, and those with a `nonce`, if
/// there are any. With `development`, the page may also talk to the reload socket of `cargo leptos watch`.
#[must_use]
pub fn page_csp(starter_hash: &str, nonce: Option<&str>, development: bool) -> HeaderValue {
    let inline = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    let reload = if development { " ws://localhost:3001 ws://127.0.0.1:3001" } else { "" };
    let reports = crate::paths::CSP_REPORTS;
    let policy = format!(
        "default-src 'none'; script-src 'self' 'sha256-{starter_hash}'{inline} 'wasm-unsafe-eval'; style-src 'self'; \
         connect-src 'self'{reload}; img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; object-src 'none'; frame-ancestors 'none'; report-uri {reports}"
    );
    // Hash and nonce are base64, so this always fits; if it ever does not, a page without scripts is the safe answer.
    HeaderValue::from_str(&policy).unwrap_or(BARE_CSP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(url: &str, set: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in set {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        Headers::new(url).apply(&mut headers);
        headers
    }

    #[test]
    fn every_answer_carries_the_table() {
        let headers = applied("https://door.test", &[("server", "x"), ("x-powered-by", "y")]);
        for (name, value) in [
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        let permissions = headers["permissions-policy"].to_str().unwrap();
        assert!(permissions.contains("camera=()") && permissions.contains("publickey-credentials-get=(self)"));
        assert!(!headers.contains_key("server") && !headers.contains_key("x-powered-by"));
    }

    #[test]
    fn plain_http_promises_no_https() {
        assert!(!applied("http://localhost:3000", &[]).contains_key("strict-transport-security"));
    }

    #[test]
    fn what_a_handler_chose_for_its_own_answer_stays() {
        let set = [
            ("cache-control", "no-cache"),
            ("content-security-policy", "default-src 'self'"),
            ("referrer-policy", "no-referrer"),
        ];
        let headers = applied("https://door.test", &set);
        for (name, value) in set {
            assert_eq!(headers[name], value);
        }
    }

    #[test]
    fn a_page_may_run_only_its_starter_and_files_of_ours() {
        assert_eq!(
            page_csp("c3RhcnRlcg==", None, false),
            "default-src 'none'; script-src 'self' 'sha256-c3RhcnRlcg==' 'wasm-unsafe-eval'; style-src 'self'; \
             connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; \
             base-uri 'none'; object-src 'none'; frame-ancestors 'none'; report-uri /csp-reports"
        );
        let development = page_csp("c3RhcnRlcg==", Some("bm9uY2U="), true);
        let development = development.to_str().unwrap();
        assert!(development.contains("script-src 'self' 'sha256-c3RhcnRlcg==' 'nonce-bm9uY2U=' 'wasm-unsafe-eval';"));
        assert!(development.contains("connect-src 'self' ws://localhost:3001 ws://127.0.0.1:3001;"));
        assert_eq!(page_csp("", Some("n\r\nx: y"), false), BARE_CSP);
    }
}
