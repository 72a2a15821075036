//! Leptos's glue: a page rendered with what it needs to know.

use super::{AppState, headers::page_csp, local_time};
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
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

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

/// Marks an answer that holds a secret, so that nobody compresses it.
#[derive(Clone, Copy, Debug)]
pub struct Secret;

/// Renders the page of the request's path.
pub async fn page(state: &AppState, request: Request<Body>, page: Page) -> Response<Body> {
    let (status, secret) = (page.status, page.holds_secret());
    let options = state.leptos.clone();
    let site_name = state.settings.server.site_name.clone();
    let development = state.development;
    let shortest = ShortestPassword(state.settings.password.min_length);
    let registration = &state.settings.registration;
    let asks = AsksConfirmation(registration.confirmation != Confirm::Off);
    let open = RegistrationOpen(registration.open);
    let local_time = local_time::formatter(page.visitor.as_ref().map_or("UTC", |account| &account.time_zone));
    let context = move || {
        provide_context(Visitor(page.visitor.clone()));
        provide_context(SiteName(site_name.clone()));
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
        if let Some((answer, nonce)) = use_context::<ResponseOptions>().zip(leptos::nonce::use_nonce()) {
            answer.insert_header(header::CONTENT_SECURITY_POLICY, page_csp(&nonce, development));
        }
    };
    let mut response =
        leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request).await;
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    if secret {
        response.extensions_mut().insert(Secret);
    }
    response
}
