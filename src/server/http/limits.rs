//! Limits on one request: how large, how long; and what is left of it when a handler panics.

use super::{layers::Inward, request_id::RequestId};
use crate::{
    domain::problem::{Code, Problem},
    server::settings,
};
use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

/// What one request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes a request's body may have.
    body: usize,
    /// The longest a request may take, from its head to the head of its answer.
    time: Duration,
}

impl Limits {
    /// The limits of the settings.
    #[must_use]
    pub const fn new(settings: &settings::Server) -> Self {
        Self { body: settings.body_limit, time: Duration::from_secs(settings.request_timeout) }
    }
}

/// Middleware: all limits of this file, and the net under them.
///
/// - A body that is too large is answered 413: before it is read if it says so, else once it is.
/// - A request that takes too long is answered 408, because its body does not come or because we are slow. The handler is
///   dropped where it waits; what it has handed to other tasks goes on.
/// - A handler that panics costs its own request (500) and nothing else. The panic itself is logged by the hook of
///   [`log_panics`], inside the request's span; the answer names only the request.
pub async fn hold<N: Inward>(State(limits): State<Limits>, request: Request, next: N) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let answer = tokio::time::timeout(limits.time, within(limits.body, request, next));
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            Problem::new(Code::Unavailable, 408, "The request took too long. Please try again.").into_response()
        }
        Err(_) => broken(id).into_response(),
    }
}

/// Middleware: the net under what is outside [`hold`], such as the rendering of a problem as a page.
pub async fn net<N: Inward>(request: Request, next: N) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| broken(id).into_response())
}

fn broken(id: Option<RequestId>) -> Problem {
    let reference = id.map(|RequestId(id)| format!(" If it happens again, tell us this number: {id}."));
    let reference = reference.unwrap_or_default();
    Problem::new(
        Code::Internal,
        500,
        format!("Something went wrong on our side. Please try again in a moment.{reference}"),
    )
}

/// The answer to a request whose body is held to `limit`. Whatever a handler makes of a body that was cut is replaced.
async fn within<N: Inward>(limit: usize, request: Request, next: N) -> Response {
    if stated_length(&request).is_some_and(|length| length > limit as u64) {
        return too_large(limit);
    }
    let exceeded = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&exceeded);
    let limited = |body: Body| {
        Body::new(Limited::new(body, limit).map_err(move |error| {
            seen.fetch_or(error.is::<LengthLimitError>(), Relaxed);
            error
        }))
    };
    let request = if request.body().is_end_stream() { request } else { request.map(limited) };
    let response = next.run(request).await;
    if exceeded.load(Relaxed) { too_large(limit) } else { response }
}

fn stated_length(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Response {
    let detail = format!("The request is too large: at most {limit} bytes are taken.");
    Problem::new(Code::TooLarge, 413, detail).into_response()
}

/// From now on a panic is one line in the log, with its place. Its text is left out: it may hold what a person typed.
/// For `main`, once tracing has started.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: this is a defect in the program");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Router,
        body::Bytes,
        middleware::{self, Next},
        routing::post,
    };
    use tower::ServiceExt as _;

    fn app() -> Router {
        Router::new()
            .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
            .route(
                "/swallows",
                post(|body: Result<Bytes, axum::extract::rejection::BytesRejection>| async move {
                    if body.is_ok() { "read" } else { "the handler saw an error" }
                }),
            )
            .route("/unread", post(|| async { "not read" }))
            .route("/slow", post(std::future::pending::<()>))
            .route("/panics", post(panics))
            .layer(middleware::from_fn_with_state(Limits { body: 16, time: Duration::from_secs(30) }, hold::<Next>))
    }

    async fn panics() -> &'static str {
        panic!("secret")
    }

    async fn told(request: Request) -> (u16, String, String) {
        let response = app().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }

    fn streamed(path: &str, bytes: usize) -> Request {
        let pieces = (0..bytes).map(|_| Ok::<_, std::io::Error>("x"));
        Request::post(path).body(Body::from_stream(futures::stream::iter(pieces))).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_says_it_is_too_large_is_not_read() {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::post("/length").header("content-length", "17").body(Body::from_stream(never)).unwrap();
        let (status, kind, body) = told(request).await;
        assert_eq!((status, kind.as_str()), (413, "application/problem+json"));
        assert!(body.contains(r#""code":"too_large""#) && body.contains("16 bytes"), "{body}");
    }

    #[tokio::test]
    async fn a_body_that_turns_out_too_large_is_cut_whatever_the_handler_makes_of_it() {
        for path in ["/length", "/swallows"] {
            let (status, kind, _) = told(streamed(path, 17)).await;
            assert_eq!((status, kind.as_str()), (413, "application/problem+json"), "{path}");
            assert_eq!(told(streamed(path, 16)).await.0, 200, "{path}");
        }
        assert_eq!(told(streamed("/unread", 17)).await.2, "not read");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered_408() {
        let (status, kind, _) = told(streamed("/slow", 0)).await;
        assert_eq!((status, kind.as_str()), (408, "application/problem+json"));
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::post("/length").body(Body::from_stream(never)).unwrap();
        assert_eq!(told(request).await.0, 408, "a body that does not come");
    }

    #[tokio::test]
    async fn a_panic_costs_one_request_and_tells_nothing() {
        let mut request = streamed("/panics", 0);
        request.extensions_mut().insert(RequestId("id-1".into()));
        let (status, kind, body) = told(request).await;
        assert_eq!((status, kind.as_str()), (500, "application/problem+json"));
        assert!(body.contains("id-1") && !body.contains("secret"), "{body}");
    }
}
