//! Where browsers report what the content security policy stopped. Anybody can write here, so little of it is believed:
//! one line a minute at most, with the directive and the origin that was blocked, both cleaned.

use crate::domain::problem::{Code, Problem};
use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, post},
};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The most bytes a report may have.
const LIMIT: usize = 8 * 1024;
/// At most one line in the log per this time.
const PAUSE: Duration = Duration::from_secs(60);

/// How many reports came since the last line in the log.
#[derive(Clone, Debug, Default)]
struct CspReports(Arc<Mutex<Window>>);

#[derive(Debug, Default)]
struct Window {
    last: Option<Instant>,
    count: u64,
}

/// What a report says, cleaned.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    directive: String,
    blocked: String,
}

/// The route of the reports; each call starts its own count.
pub fn route<S>() -> MethodRouter<S> {
    post(receive).with_state(CspReports::default())
}

/// `POST /csp-reports`: 204 for anything of at most 8 KiB, 413 for more. Only `application/csp-report` (Content Security
/// Policy level 2) and `application/reports+json` (Reporting API) are looked into.
async fn receive(State(reports): State<CspReports>, request: Request) -> Response {
    let is_report = is_report(request.headers());
    let Ok(body) = to_bytes(request.into_body(), LIMIT).await else {
        return Problem::new(Code::TooLarge, 413, "A report may have 8192 bytes at most.").into_response();
    };
    if let Some(violation) = is_report.then(|| read(&body)).flatten()
        && let Some(count) = reports.due(Instant::now())
    {
        let Violation { directive, blocked } = violation;
        tracing::warn!(directive, blocked, count, "the content security policy stopped something");
    }
    StatusCode::NO_CONTENT.into_response()
}

impl CspReports {
    /// Counts a report; if it is time for a line in the log, how many it stands for.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.count += 1;
        if window.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return None;
        }
        window.last = Some(now);
        Some(std::mem::take(&mut window.count))
    }
}

fn is_report(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/csp-report", "application/reports+json"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

fn read(body: &[u8]) -> Option<Violation> {
    let report: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value, names: [&str; 2]| {
        names.iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default().to_owned()
    };
    let (directive, blocked) = if let Some(old) = report.get("csp-report") {
        (text(old, ["effective-directive", "violated-directive"]), text(old, ["blocked-uri", "blocked-uri"]))
    } else {
        let first =
            report.as_array()?.iter().find(|entry| entry.get("type").is_some_and(|kind| kind == "csp-violation"))?;
        let body = first.get("body")?;
        (text(body, ["effectiveDirective", "violatedDirective"]), text(body, ["blockedURL", "blockedURI"]))
    };
    Some(Violation { directive: directive_name(&directive), blocked: blocked_origin(&blocked) })
}

fn directive_name(text: &str) -> String {
    let name = text.split_whitespace().next().unwrap_or_default();
    let known = (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if known { name.to_owned() } else { "other".to_owned() }
}

/// A keyword such as `inline`, or scheme and host; never a path or a query, which may hold secrets.
fn blocked_origin(text: &str) -> String {
    const KEYWORDS: [&str; 9] =
        ["inline", "eval", "wasm-eval", "self", "data", "blob", "about", "trusted-types-policy", "trusted-types-sink"];
    if let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == text) {
        return (*keyword).to_owned();
    }
    let origin = text.parse::<Uri>().ok().and_then(|uri| {
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
    });
    origin.filter(|origin| origin.len() <= 100).unwrap_or_else(|| "other".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body};
    use tower::ServiceExt as _;

    async fn status(kind: &str, body: impl Into<Body>) -> u16 {
        let app = Router::new().route("/", route());
        let request = Request::post("/").header("content-type", kind).body(body.into()).unwrap();
        app.oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn whatever_is_small_enough_is_taken_without_an_answer() {
        for body in ["", "{", "null", "[]", "[1]", r#"{"csp-report":7}"#, r#"[{"type":"csp-violation"}]"#] {
            assert_eq!(status("application/csp-report", body).await, 204, "{body}");
            assert_eq!(status("application/reports+json", body).await, 204, "{body}");
            assert_eq!(status("text/plain", body).await, 204, "{body}");
        }
        assert_eq!(status("application/csp-report", vec![b' '; LIMIT]).await, 204);
        assert_eq!(status("application/csp-report", vec![b' '; LIMIT + 1]).await, 413);
    }

    #[test]
    fn both_kinds_of_report_are_read() {
        let expected =
            |blocked: &str| Some(Violation { directive: "script-src-elem".to_owned(), blocked: blocked.to_owned() });
        let old =
            br#"{"csp-report":{"effective-directive":"script-src-elem","blocked-uri":"https://evil.test:81/a?t=s"}}"#;
        assert_eq!(read(old), expected("https://evil.test:81"));
        let new = br#"[{"type":"x"},{"type":"csp-violation","body":{"effectiveDirective":"script-src-elem","blockedURL":"inline"}}]"#;
        assert_eq!(read(new), expected("inline"));
    }

    #[test]
    fn what_is_logged_is_clean() {
        assert_eq!(directive_name("img-src 'self' \n"), "img-src");
        for odd in ["", "IMG", "a\u{1b}[31m", &"a".repeat(41)] {
            assert_eq!(directive_name(odd), "other");
        }
        assert_eq!(blocked_origin("https://user:pass@evil.test/secret?token=1"), "https://evil.test");
        for odd in
            ["", "\n{\"level\":1}", "/reset?token=1", "javascript:x", &format!("https://{}.test", "a".repeat(200))]
        {
            assert_eq!(blocked_origin(odd), "other", "{odd}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_line_a_minute_with_its_count() {
        let reports = CspReports::default();
        assert_eq!(reports.due(Instant::now()), Some(1));
        for _ in 0..5 {
            assert_eq!(reports.due(Instant::now()), None);
        }
        tokio::time::advance(PAUSE).await;
        assert_eq!(reports.due(Instant::now()), Some(6));
    }
}
