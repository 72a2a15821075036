//! Leptos's glue: a page rendered with what it needs to know.

use super::{AppState, SiteFiles, assets, everybodys, local_time};
use crate::{
    app::shell,
    domain::{account::Account, factor::Waiting, problem::Problem},
    pages::context::{
        AccountFacts, AsksConfirmation, LocalTime, MailedLink, OwnLink, Posted, ProofAsked, RegistrationOpen,
        ShortestPassword, SiteName, Status, Visitor,
    },
    server::settings::Confirm,
};
use axum::{
    body::Body,
    http::{Request, Response, header},
};
use http_body_util::{BodyExt as _, Collected};
use leptos::prelude::*;
use std::sync::{Arc, OnceLock};

/// What a page is rendered with.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Who is signed in.
    pub visitor: Option<Account>,
    /// What the page's form was posted with.
    pub posted: Posted,
    /// The mailed link that led here.
    pub link: Option<MailedLink>,
    /// What the account's pages show beside the account.
    pub facts: AccountFacts,
    /// Whether the browser that opened a link to confirm an address is the account's own.
    pub own_link: bool,
    /// The sign-in, or the session from before, that waits for a factor.
    pub waiting: Option<Waiting>,
    /// The question who it is, in place of the page.
    pub proof: Option<ProofAsked>,
    /// A failure that takes the place of the page.
    pub failure: Option<Problem>,
    /// Not 200.
    pub status: Option<axum::http::StatusCode>,
}

impl Page {
    fn holds_secret(&self) -> bool {
        let facts = &self.facts;
        self.link.is_some()
            || !self.posted.value("code").is_empty()
            || facts.new_app.is_some()
            || !facts.codes.is_empty()
    }
}

impl Page {
    /// Whether nothing on it is of anybody, or of this request.
    pub(super) fn is_nobodys(&self) -> bool {
        let of_somebody = self.visitor.is_some() || self.waiting.is_some() || self.link.is_some();
        let of_request = self.proof.is_some() || self.failure.is_some() || self.status.is_some();
        !of_somebody && !of_request && self.posted == Posted::default()
    }
}

/// Marks an answer that holds a secret, so that nobody compresses it.
#[derive(Clone, Copy, Debug)]
pub struct Secret;

/// The page of the request's path: rendered, or as it was rendered before if it is the same for everybody.
pub async fn page(state: &AppState, request: Request<Body>, page: Page) -> Response<Body> {
    let place = everybodys::place_of(&request, &page).filter(|_| !state.development);
    let Some(place) = place else { return render(state, request, page).await };
    let files = &state.site_files;
    match state.everybodys.recall(place, &request, files) {
        Some(answer) => answer,
        None => state.everybodys.keep(place, render(state, request, page).await, files).await,
    }
}

async fn render(state: &AppState, request: Request<Body>, page: Page) -> Response<Body> {
    let (status, secret) = (page.status, page.holds_secret());
    let options = state.leptos.clone();
    let mut files = state.site_files.names().clone();
    if state.development {
        // The stylesheet is built anew beside a server that goes on.
        files.style = assets::stylesheet(&options);
    }
    let site_name = state.settings.server.site_name.clone();
    let development = state.development;
    let shortest = ShortestPassword(state.settings.password.min_length);
    let registration = &state.settings.registration;
    let asks = AsksConfirmation(registration.confirmation != Confirm::Off);
    let open = RegistrationOpen(registration.open);
    let local_time = local_time::formatter(page.visitor.as_ref().map_or("UTC", |account| &account.time_zone));
    let nonce = Arc::new(OnceLock::new());
    let given = Arc::clone(&nonce);
    let context = move || {
        provide_context(Visitor(page.visitor.clone()));
        provide_context(SiteName(site_name.clone()));
        provide_context(files.clone());
        provide_context(shortest);
        provide_context(page.posted.clone());
        provide_context(page.facts.clone());
        provide_context(OwnLink(page.own_link));
        provide_context(asks);
        provide_context(open);
        provide_context(LocalTime(local_time.clone()));
        if let Some(proof) = &page.proof {
            provide_context(proof.clone());
        }
        if let Some(waiting) = &page.waiting {
            provide_context(waiting.clone());
        }
        if let Some(link) = &page.link {
            provide_context(link.clone());
        }
        if let Some(failure) = &page.failure {
            provide_context(failure.clone());
        }
        if let Some(status) = page.status {
            provide_context(Status(status.as_u16()));
        }
        drop(given.set(leptos::nonce::use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default()));
    };
    let rendered = leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request).await;
    let mut response = dressed(rendered, &state.site_files, nonce.get().map_or("", String::as_str), development).await;
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    if secret {
        response.extensions_mut().insert(Secret);
    }
    response
}

/// The lists that Leptos writes behind a page, for its resources, in two scripts. Here they are always empty, and
/// `site_files` says so once for all pages.
pub(super) const RESOURCES: [&[&str]; 2] = [
    &["__RESOLVED_RESOURCES", "__SERIALIZED_ERRORS", "__PENDING_RESOURCES", "__RESOURCE_RESOLVERS"],
    &["__INCOMPLETE_CHUNKS"],
];

/// The page without that, and with its policy, which lets another inline script than the starter run only where the page
/// has one with its nonce.
async fn dressed(rendered: Response<Body>, files: &SiteFiles, nonce: &str, development: bool) -> Response<Body> {
    let (mut head, body) = rendered.into_parts();
    // The page is complete when it comes, in one piece; what cannot be read is an empty page.
    let html = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let script = |lists: &[&str]| format!("<script nonce=\"{nonce}\">{}=[];</script>", lists.join("=[];"));
    let scripts = RESOURCES.map(script).concat();
    let html = match html.len().checked_sub(scripts.len()) {
        Some(bare) if html.ends_with(scripts.as_bytes()) => html.slice(..bare),
        _ => html,
    };
    let is_named = std::str::from_utf8(&html).is_ok_and(|text| text.contains(nonce));
    let inline = Some(nonce).filter(|nonce| !nonce.is_empty() && is_named);
    head.headers.insert(header::CONTENT_SECURITY_POLICY, files.policy(inline, development));
    Response::from_parts(head, Body::from(html))
}
