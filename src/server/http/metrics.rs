//! The metrics, at an address of their own: whoever reaches it may read them, so it is not the public one.

use super::{health, serve};
use crate::{
    paths,
    server::{auth::AuthService, metrics::Metrics, settings},
};
use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What Prometheus knows it by: OpenMetrics 1.0.
const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A scraper has one connection, and an operator a few.
const CONNECTIONS: usize = 16;

/// Serves the metrics on `listener` until `stop`. The limits on what a client may hold on to are those of the site.
///
/// # Errors
/// None today, as with [`serve`].
pub async fn serve_metrics(
    listener: TcpListener,
    (auth, metrics): (AuthService, Metrics),
    settings: &settings::Server,
    stop: CancellationToken,
) -> std::io::Result<tokio::time::Instant> {
    let settings = settings::Server { connections: CONNECTIONS, drain_idle: 0, ..settings.clone() };
    let limits = super::limits::Limits::new(&settings);
    let app = Router::new()
        .route(paths::METRICS, get(show))
        .route(paths::HEALTH, get(health::health))
        .fallback(|| async { super::not_found() })
        .layer(middleware::from_fn_with_state(limits, super::limits::hold::<Next>))
        .layer(middleware::from_fn(plainly))
        .with_state((auth, metrics));
    // Its own connections and refusals are not the site's.
    serve(listener, app, &settings, Metrics::new(), stop).await
}

async fn show(State((auth, metrics)): State<(AuthService, Metrics)>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA)], metrics.text(&auth.sight().await)).into_response()
}

/// Nobody keeps what is shown here, and no browser takes it for a page.
async fn plainly(request: Request, next: Next) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, next.run(request).await).into_response()
}
