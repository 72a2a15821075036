//! One span and one line per request. What people send is not in it: no query, no path as typed, no headers.

use super::{assets::Served, client, layers::Inward, request_id::RequestId, trace};
use crate::server::metrics::Metrics;
use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    response::Response,
};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{
    Instrument as _,
    field::{self, Empty},
};

/// The target of the lines that say what came of a request, and of no others.
pub const TARGET: &str = module_path!();

/// Middleware: everything that happens inside is logged with the request's name, method, route and address; `account`
/// is empty until a handler records who calls. When the answer's head is there, one line says what came of it.
///
/// The route is the router's pattern; `asset` for a file, `none` where nothing matched.
///
/// With `traced`, the span's trace goes on where the caller's does, and its collector is told what came of the request.
pub async fn log<N: Inward>(State((metrics, traced)): State<(Metrics, bool)>, request: Request, next: N) -> Response {
    let _running = metrics.request();
    let start = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().map_or("none", |RequestId(id)| id);
    let ip = client::Coarse(client::ip(request.extensions()));
    // Of level error, so that it stays on the lines of errors even where the filter lets nothing else through.
    let method = method(request.method());
    // Words of ours and harmless names, so without the quotes and escapes that texts of others get.
    let route_field = route.map(field::display);
    let span = tracing::error_span!("request", request_id = %id, %method, route = route_field, %ip, account = Empty);
    if traced {
        trace::follow(&span, request.headers());
    }
    let response = next.run(request).instrument(span.clone()).await;
    let took = start.elapsed();
    let named = span.in_scope(|| finish(route, &response, took));
    if traced {
        trace::finish(&span, method, named, response.status());
    }
    metrics.answered(method, named, response.status().as_u16(), took);
    response
}

/// Writes the line, and answers the route by the name that it has there.
fn finish<'a>(route: Option<&'a str>, response: &Response, took: Duration) -> &'a str {
    let status = response.status().as_u16();
    let ms = took.as_micros() as f64 / 1000.0;
    let is_asset = response.extensions().get::<Served>().is_some();
    let named = route.unwrap_or(if is_asset { "asset" } else { "none" });
    if route.is_none() {
        tracing::Span::current().record("route", field::display(named));
    }
    // Balancers ask all the time; that a server is not ready is worth a line.
    let is_probe = route.is_some_and(|route| [crate::paths::HEALTH, crate::paths::READY].contains(&route));
    if is_asset || (is_probe && status < 400) {
        tracing::debug!(status, ms, "answered");
    } else {
        tracing::info!(status, ms, "answered");
    }
    named
}

/// The usual methods by name; whatever else a client makes up is not worth its characters.
pub(super) fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Router,
        body::Body,
        extract::ConnectInfo,
        middleware::{self, Next},
        routing::get,
    };
    use std::{
        net::SocketAddr,
        sync::{Arc, Mutex},
    };
    use tower::ServiceExt as _;
    use tracing::{Event, Level, Metadata, Subscriber, span};

    /// Writes what it is told as lines of `level name=value …`, the spans' fields first.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<(String, Vec<String>)>>);

    struct Text<'a>(&'a mut String);

    impl tracing::field::Visit for Text<'_> {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
            span.record(&mut Text(&mut self.0.lock().unwrap().0));
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, values: &span::Record<'_>) {
            values.record(&mut Text(&mut self.0.lock().unwrap().0));
        }
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut lines = self.0.lock().unwrap();
            let mut line = format!("{}{}", event.metadata().level(), lines.0);
            event.record(&mut Text(&mut line));
            lines.1.push(line);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    async fn logged(uri: &str) -> Vec<String> {
        let lines = Lines::default();
        let _guard = tracing::subscriber::set_default(lines.clone());
        let asset = || async { ([("x", "y")], axum::Extension(Served), "") };
        let app = Router::new()
            .route("/reset/{token}", get(|| async { "ok" }))
            .route(crate::paths::HEALTH, get(|| async { "ok" }))
            .route(crate::paths::READY, get(|| async { "ready" }))
            .route("/pkg/a.js", get(asset))
            .layer(middleware::from_fn_with_state((Metrics::new(), false), log::<Next>));
        let mut request = Request::get(uri).header("user-agent", "evil\tagent").body(Body::empty()).unwrap();
        request.extensions_mut().insert(RequestId("id-1".into()));
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 7], 1))));
        app.oneshot(request).await.unwrap();
        lines.0.lock().unwrap().1.clone()
    }

    #[tokio::test]
    async fn a_request_is_one_line_that_holds_its_route_and_no_secret() {
        let lines = logged("/reset/s3cret?token=t0ken").await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        for part in ["INFO", "request_id=id-1", "method=GET", "route=/reset/{token}", "127.0.0.7", "status=200", "ms="]
        {
            assert!(line.contains(part), "{part} in {line}");
        }
        for part in ["s3cret", "t0ken", "evil"] {
            assert!(!line.contains(part), "{part} in {line}");
        }
    }

    #[tokio::test]
    async fn files_and_health_checks_are_logged_for_debugging_only() {
        for uri in [crate::paths::HEALTH, crate::paths::READY, "/pkg/a.js"] {
            let lines = logged(uri).await;
            assert!(lines.len() == 1 && lines[0].starts_with(Level::DEBUG.as_str()), "{lines:?}");
        }
    }
}
