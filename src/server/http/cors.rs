//! Pages of other origins: which may call the doors for programs and read the answers. None, unless `cors.origins` lists
//! them; no page of ours is ever among what they may read.

use super::{doors::Door, layers::Inward};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header},
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember what a pre-flight said: a day, as front ends of Django know it. Browsers cap it.
const REMEMBERED: Duration = Duration::from_secs(86_400);

const METHODS: [Method; 6] = [Method::DELETE, Method::GET, Method::OPTIONS, Method::PATCH, Method::POST, Method::PUT];

/// What a front end of Django may send.
const COMPAT_HEADERS: [HeaderName; 6] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::USER_AGENT,
    HeaderName::from_static("x-csrftoken"),
    HeaderName::from_static("x-requested-with"),
];

/// The allow-list.
#[derive(Clone, Debug)]
pub struct Origins(Arc<[HeaderValue]>);

impl Origins {
    /// The list of the settings, whose entries are origins as browsers write them.
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        Self(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    /// Whether this is an origin of the list, to the byte.
    #[must_use]
    pub fn lists(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }

    fn layer(&self, door: Door) -> CorsLayer {
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.iter().cloned()))
            .allow_credentials(true)
            .allow_methods(METHODS)
            .max_age(REMEMBERED)
            // Said below, once.
            .vary([]);
        if door == Door::Compat {
            return layer.allow_headers(COMPAT_HEADERS);
        }
        layer.allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, super::request_id::HEADER]).expose_headers([
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            super::request_id::HEADER,
        ])
    }
}

/// Middleware: the headers of cross-origin resource sharing, and the answers to pre-flights, at the doors for programs.
///
/// Whoever is not listed is told nothing of it: not even which methods a listed origin may use.
pub async fn share<N: Inward>(State(origins): State<Origins>, request: Request, next: N) -> Response<Body> {
    let door = Door::of(request.uri().path());
    if origins.0.is_empty() || door == Door::Pages {
        return next.run(request).await;
    }
    let mut named = request.headers().get_all(header::ORIGIN).iter();
    // Two of them: the guard refuses that, and neither shall read so.
    let is_listed = named.next().is_some_and(|origin| origins.lists(origin)) && named.next().is_none();
    // The layer takes every OPTIONS for a pre-flight; one that asks for no method is for the route.
    let is_options = request.method() == Method::OPTIONS;
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_listed && (asks || !is_options) {
        let mut next = Some(next);
        // Asked once; there is no second time.
        let once = service_fn(move |request| {
            let next = next.take();
            async move {
                Ok::<_, Infallible>(match next {
                    Some(next) => next.run(request).await,
                    None => Response::default(),
                })
            }
        });
        let answer: Result<Response<Body>, Infallible> =
            Box::pin(origins.layer(door).layer(once).oneshot(request)).await;
        answer.unwrap_or_else(|never| match never {})
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    // Django's answers say it themselves, in a list.
    if !headers.get_all(header::VARY).iter().any(|vary| vary.as_bytes().ends_with(b"origin")) {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    for name in [header::ACCESS_CONTROL_ALLOW_METHODS, header::ACCESS_CONTROL_ALLOW_HEADERS] {
        spread(headers, &name);
    }
    response
}

/// A list as Django writes it: with a space behind each comma.
fn spread(headers: &mut HeaderMap, name: &HeaderName) {
    let list = headers.get(name).and_then(|list| list.to_str().ok()).map(|list| list.replace(',', ", "));
    if let Some(list) = list.and_then(|list| HeaderValue::from_str(&list).ok()) {
        headers.insert(name, list);
    }
}
