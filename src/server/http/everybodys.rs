//! Pages that are the same for everybody who is not signed in: rendered once, then sent from memory.

use super::{SiteFiles, document::Page, ready_made::ReadyMade};
use crate::paths;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, Response, header},
};
use http_body_util::BodyExt as _;
use std::sync::{Arc, OnceLock};

/// The paths of these pages. What they show depends on nothing but the settings.
const PATHS: [&str; 4] = [paths::HOME, paths::LOGIN, paths::REGISTER, paths::RESET_PASSWORD];
/// What a page is sent as.
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Those that were rendered since the start.
#[derive(Clone, Debug, Default)]
pub struct Everybodys(Arc<[OnceLock<ReadyMade>; PATHS.len()]>);

/// The place of a page that is the same for everybody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

/// The place of the page that `request` asks for and `page` tells about, if nothing about them is anybody's own.
pub(super) fn place_of(request: &Request<Body>, page: &Page) -> Option<Place> {
    let is_plain = request.method() == Method::GET && request.uri().query().is_none();
    let at = PATHS.iter().position(|path| *path == request.uri().path())?;
    (is_plain && page.is_nobodys()).then_some(Place(at))
}

impl Everybodys {
    /// The page at that place, if it is there already.
    pub(super) fn recall(
        &self,
        Place(at): Place,
        request: &Request<Body>,
        files: &SiteFiles,
    ) -> Option<Response<Body>> {
        let mut answer = self.0.get(at)?.get()?.answer(request.headers(), HTML);
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, files.policy(None, false));
        Some(answer)
    }

    /// Keeps what was rendered for that place, as soon as it is compressed: this answer does not wait for that.
    pub(super) async fn keep(&self, Place(at): Place, rendered: Response<Body>, files: &SiteFiles) -> Response<Body> {
        let (head, body) = rendered.into_parts();
        if head.headers.get(header::CONTENT_SECURITY_POLICY) != Some(&files.policy(None, false)) {
            // It has a script with a nonce, which is for one answer.
            return Response::from_parts(head, body);
        }
        let Ok(body) = body.collect().await else { return Response::from_parts(head, Body::empty()) };
        let body: Bytes = body.to_bytes();
        let (pages, plain) = (Arc::clone(&self.0), body.clone());
        tokio::task::spawn_blocking(move || {
            if let Some(page) = pages.get(at) {
                page.get_or_init(|| ReadyMade::new(plain));
            }
        });
        Response::from_parts(head, Body::from(body))
    }
}
