//! New recovery codes as a text file, for as long as the browser may show them.

use super::{AppState, pages, render::Call};
use crate::paths;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, Request, Response, header},
};

/// Answers with the file, or leads to the page that says why there is none.
pub async fn download(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = Call::of(&state, &parts);
    let visit = state.auth.visit(call.held()).await.ok().flatten();
    let found = visit.map(|visit| (call.codes_to_see(&visit.principal), visit.principal.account.username));
    let Some((codes, username)) = found.filter(|(codes, _)| !codes.is_empty()) else {
        return pages::see_other(paths::ACCOUNT_RECOVERY_CODES);
    };
    let now = state.clock.now().minute();
    let site = &state.settings.server.site_name;
    let said = "Each works once, in place of the second step. Keep them where nobody else finds them.";
    let text = format!("Recovery codes of {username} at {site}, {now}\n{said}\n\n{}\n", codes.join("\n"));
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let named = HeaderValue::from_static("attachment; filename=\"recovery-codes.txt\"");
    headers.insert(header::CONTENT_DISPOSITION, named);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
