//! What every request passes on its way in and every answer on its way out, in the order in which it stands here.
//!
//! They are called one by the other. As layers of the router, each would have cost every request a copy of all those further
//! in, and a box: together more than the rest of a small answer.

use super::{AppState, access_log, cors, doors, guard, headers, limits, pages, proxies, request_id};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use std::sync::Arc;

/// The rest of the way in: the layers further in and, at the end, the handler.
pub(super) trait Inward: Send {
    /// Goes on with this request.
    fn run(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl Inward for Next {
    fn run(self, request: Request) -> impl Future<Output = Response> + Send {
        Next::run(self, request)
    }
}

/// A closure as [`Inward`].
struct Then<F>(F);

impl<F, R> Inward for Then<F>
where
    F: FnOnce(Request) -> R + Send,
    R: Future<Output = Response> + Send,
{
    fn run(self, request: Request) -> impl Future<Output = Response> + Send {
        (self.0)(request)
    }
}

/// What the layers know.
#[derive(Clone)]
pub(super) struct Layers(Arc<Inner>);

struct Inner {
    state: AppState,
    proxies: proxies::Proxies,
    headers: headers::Headers,
    origins: cors::Origins,
    limits: limits::Limits,
    guard: guard::Guard,
    names: Arc<request_id::Names>,
    /// Whether a collector of traces is set.
    traced: bool,
}

impl Layers {
    pub(super) fn new(state: &AppState) -> Self {
        let settings = &state.settings.server;
        let origins = cors::Origins::new(&state.settings.cors.origins);
        Self(Arc::new(Inner {
            state: state.clone(),
            proxies: proxies::Proxies::new(settings),
            headers: headers::Headers::new(&settings.public_url),
            limits: limits::Limits::new(settings),
            guard: guard::Guard::new(&settings.public_url, origins.clone()),
            names: Arc::new(request_id::Names::new(Arc::clone(&state.entropy))),
            traced: state.settings.telemetry.is_on(),
            origins,
        }))
    }
}

/// Middleware: all of them.
pub(super) async fn pass(State(Layers(all)): State<Layers>, request: Request, next: Next) -> Response {
    let all = &*all;
    let answered = Then(|request| guard::same_origin(State(all.guard.clone()), request, next));
    let held = Then(|request| limits::hold(State(all.limits), request, answered));
    let shown = Then(|request| pages::for_people(State(all.state.clone()), request, held));
    let caught = Then(|request| limits::net(request, shown));
    let told = Then(|request| doors::tell(request, caught));
    let shared = Then(|request| cors::share(State(all.origins.clone()), request, told));
    let dressed = Then(|request| headers::set(State(all.headers), request, shared));
    let logged = Then(|request| access_log::log(State((all.state.metrics.clone(), all.traced)), request, dressed));
    let resolved = Then(|request| proxies::resolve(State(all.proxies.clone()), request, logged));
    request_id::give(State(Arc::clone(&all.names)), request, resolved).await
}
