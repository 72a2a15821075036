//! The doors: router, layers, guard, cookies and the status table. May import `server::auth`, not the store.

mod access_log;
mod account;
mod actions;
pub mod api;
pub mod assets;
mod client;
mod compat;
pub mod cookies;
mod cors;
mod csp_report;
pub mod discovery;
mod document;
mod doors;
pub mod embedded;
mod everybodys;
mod export;
mod factors;
mod form_again;
mod forms;
mod framing;
mod given_proof;
mod guard;
mod headers;
mod health;
mod layers;
mod limits;
pub mod local_time;
pub mod mailbox;
mod media;
mod metrics;
mod pages;
mod passkeys;
pub mod problem;
mod proxies;
mod qr;
mod ready_made;
mod recovery_codes_file;
pub mod render;
mod request_id;
mod serve;
mod site_files;
mod stopping;
mod trace;
mod wire;

pub use access_log::TARGET as ANSWERS_LOG;
pub use everybodys::Everybodys;
pub use limits::log_panics;
pub use metrics::serve_metrics;
pub use serve::serve;
pub use site_files::SiteFiles;

use crate::{
    app::App,
    domain::problem::{Code, Problem},
    paths,
    server::{
        auth::AuthService,
        clock::Clock,
        entropy::Entropy,
        mailer::Mailbox,
        metrics::Metrics,
        settings::{Settings, is_local_url},
    },
};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap, Response, StatusCode, Version, header},
    middleware::{self, Next},
    response::IntoResponse as _,
    routing::{any, get, post},
};
use leptos::config::LeptosOptions;
use std::{
    net::{IpAddr, SocketAddr},
    ops::Deref,
    path::Path,
    sync::Arc,
};
use tower_http::{CompressionLevel, compression::CompressionLayer};

/// Effort for a page, the same number for brotli (0 to 11) and gzip (0 to 9): most of the gain for little time.
const PAGE_COMPRESSION: i32 = 4;

/// What every door knows. Cheap to clone, which happens many times in a request.
#[derive(Clone)]
pub struct AppState(Arc<Known>);

/// What an [`AppState`] holds.
pub struct Known {
    /// The one service.
    pub auth: AuthService,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Where the site's files are, and their names.
    pub leptos: LeptosOptions,
    /// What every page names of them.
    pub site_files: SiteFiles,
    /// Pages that are the same for everybody.
    pub everybodys: Everybodys,
    /// Our cookies.
    pub cookies: cookies::Cookies,
    /// Counters of what happens.
    pub metrics: Metrics,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Under `cargo leptos watch`: pages may open its reload socket.
    pub development: bool,
    /// The development mailbox, where the settings allow one.
    pub mailbox: Option<Mailbox>,
}

impl From<Known> for AppState {
    fn from(known: Known) -> Self {
        Self(Arc::new(known))
    }
}

impl Deref for AppState {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl AppState {
    fn site_root(&self) -> &Path {
        Path::new(self.leptos.site_root.as_ref())
    }
}

/// All routes, behind what every request passes (`layers.rs`).
pub fn router(state: AppState) -> Router {
    let mut routes = Router::new()
        .route(&[paths::ACTIONS, "/{name}"].concat(), any(actions::answer))
        .route(paths::JWKS, get(discovery::jwks))
        .route(paths::CHANGE_PASSWORD, get(change_password))
        .route(paths::PASSKEY_ENDPOINTS, get(discovery::passkey_endpoints))
        .route(paths::CSP_REPORTS, csp_report::route())
        .route(paths::HEALTH, get(health::health))
        .route(paths::READY, get(health::ready))
        .route(paths::LOGOUT, post(pages::submit))
        .route(paths::RECOVERY_CODES_FILE, get(recovery_codes_file::download))
        .route(paths::forms::EXPORT, get(pages::lead_to_page).post(export::download));
    for path in paths::METADATA {
        routes = routes.route(path, get(discovery::metadata));
    }
    let pages: Vec<String> = leptos_axum::generate_route_list(App).iter().map(|page| page.path().to_owned()).collect();
    for page in &pages {
        routes = routes.route(page, get(pages::show).post(pages::submit));
    }
    // Forms that stand beside others have addresses of their own.
    let others = forms::ALL.iter().map(|form| form.path).filter(|path| !pages.iter().any(|page| page == path));
    for path in others.filter(|path| ![paths::LOGOUT, paths::forms::EXPORT].contains(path)) {
        routes = routes.route(path, get(pages::lead_to_page).post(pages::submit));
    }
    let compression = CompressionLayer::new().quality(CompressionLevel::Precise(PAGE_COMPRESSION));
    // What else is answered is small: it does not pass there.
    let mut routes =
        routes.merge(api::docs::router()).fallback(pages::missing).layer(compression.compress_when(is_open_page));
    routes = routes.merge(api::router());
    if state.settings.compat.enabled {
        routes = routes.merge(compat::router());
    }
    let mut routes = routes.method_not_allowed_fallback(|| async { pages::not_allowed() }).with_state(state.clone());
    if let Some(mailbox) = state.mailbox.clone() {
        routes = routes.merge(mailbox_pages(&state, mailbox));
    }
    routes.layer(middleware::from_fn_with_state(layers::Layers::new(&state), layers::pass))
}

/// Rendered pages are compressed on their way out, files were when they were built, and everything else is small. A page
/// with a secret in it is not: its length must tell nothing (BREACH).
fn is_open_page(status: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let html = headers.get(header::CONTENT_TYPE).is_some_and(|media| media == "text/html; charset=utf-8");
    html && status != StatusCode::NOT_MODIFIED && extensions.get::<document::Secret>().is_none()
}

fn mailbox_pages(state: &AppState, mailbox: Mailbox) -> Router {
    let pages = mailbox::MailboxPages {
        mailbox,
        stylesheet: state.site_files.names().style.clone(),
        site_name: state.settings.server.site_name.clone(),
        public_url: state.settings.server.public_url.clone(),
    };
    Router::new()
        .route(paths::MAILBOX, get(mailbox::list))
        .route(&paths::mailbox_mail("{id}"), get(mailbox::mail))
        .layer(middleware::from_fn(only_from_here))
        .with_state(pages)
}

/// The mailbox shows links that change passwords: whoever is not at this machine, or was led here by a name that only
/// resolves to it (DNS rebinding), finds nothing at this address, whatever address the server listens on. A trusted
/// proxy at this machine may speak for somebody elsewhere, and one elsewhere may name this machine: both must be here.
async fn only_from_here(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let here = [peer.ip().to_canonical(), client::ip(request.extensions())].iter().all(IpAddr::is_loopback);
    if here && is_local_url(&["http://", host].concat()) {
        next.run(request).await
    } else {
        not_found().into_response()
    }
}

/// Where a password manager sends a person (W3C, "A Well-Known URL for Changing Passwords").
async fn change_password(_: Request) -> Response<Body> {
    pages::see_other(paths::RESET_PASSWORD)
}

/// The problem of an address that holds nothing.
#[must_use]
pub fn not_found() -> Problem {
    Problem::new(Code::NotFound, 404, "There is nothing at this address.")
}
