//! What a request's span tells a collector of traces (OpenTelemetry), where one is set.

use axum::http::{HeaderMap, StatusCode};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::{Status, TraceContextExt as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The headers of a trace that goes on here (W3C, "Trace Context").
pub(super) const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        HEADERS.to_vec()
    }
}

/// Makes the span a part of the trace that the request names. Only what a trusted proxy has sent is left here
/// (`super::proxies`): a trace that is sampled there is sampled here, and strangers shall not decide that.
pub(super) fn follow(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key(HEADERS[0]) {
        return;
    }
    let parent = TraceContextPropagator::new().extract(&Headers(headers));
    if parent.span().span_context().is_valid() {
        // Fails only where nobody collects this span.
        let _ = span.set_parent(parent);
    }
}

/// What came of the request, under the names of OpenTelemetry's conventions for HTTP servers.
pub(super) fn finish(span: &Span, method: &'static str, route: &str, status: StatusCode) {
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}
