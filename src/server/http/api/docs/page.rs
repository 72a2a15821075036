//! The page for people: Swagger UI in a shell of our own, so that nothing on it is inline and nobody else is asked.

use crate::{
    paths,
    server::{
        http::{AppState, assets::Served, not_found},
        mailer::escape,
    },
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::{Html, IntoResponse as _},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};
use utoipa_swagger_ui::Config;

/// Swagger UI sets styles by script, as properties, which no policy concerns; neither it nor we write any into the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; report-uri /csp-reports",
);
/// Kept, but asked for each time: the names say nothing about the content.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

const SHELL: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Read when one is first asked for: half a megabyte would be hashed at each start.
static FILES: LazyLock<Vec<File>> = LazyLock::new(files);

/// A file of the page.
struct File {
    name: &'static str,
    kind: HeaderValue,
    bytes: Bytes,
    /// Swagger UI's files were packed when the server was built, and leave it so: every browser unpacks them.
    gzipped: bool,
    tag: HeaderValue,
}

impl File {
    fn new(name: &'static str, bytes: Bytes, gzipped: bool) -> Self {
        let css = name.rsplit('.').next() == Some("css");
        let kind = if css { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&bytes)));
        let tag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { name, kind: HeaderValue::from_static(kind), bytes, gzipped, tag }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
        let known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == self.tag.as_bytes());
        let body = if known { Body::empty() } else { Body::from(self.bytes.clone()) };
        let mut response = Response::new(body);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind.clone());
        headers.insert(header::CACHE_CONTROL, ASK_FIRST);
        headers.insert(header::ETAG, self.tag.clone());
        if self.gzipped {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response.extensions_mut().insert(Served);
        response
    }
}

/// The page and its files.
pub fn router() -> Router<AppState> {
    let file = async |name: Result<Path<String>, PathRejection>, request: Request| {
        let found = FILES.iter().find(|file| name.as_ref().is_ok_and(|name| file.name == name.as_str()));
        found.map_or_else(|| not_found().into_response(), |file| file.answer(request.headers()))
    };
    Router::new().route(paths::API_DOCS, get(show)).route(&[paths::API_DOCS, "/{file}"].concat(), get(file))
}

/// Ours, and of Swagger UI's many only what the page names.
fn files() -> Vec<File> {
    let config = Arc::new(Config::from(paths::OPENAPI));
    let vendored = ["swagger-ui.css", "swagger-ui-bundle.js"].into_iter().filter_map(|name| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok().flatten()?;
        let bytes = match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Some(File::new(name, bytes, file.gzpipped))
    });
    let own = [("page.css", STYLE), ("page.js", SCRIPT)]
        .map(|(name, text)| File::new(name, Bytes::from_static(text.as_bytes()), false));
    vendored.chain(own).collect()
}

async fn show(State(state): State<AppState>) -> Response<Body> {
    let site = escape(&state.settings.server.site_name);
    let page = SHELL
        .replace("{files}", paths::API_DOCS)
        .replace("{home}", paths::HOME)
        .replace("{description}", paths::OPENAPI)
        .replace("{site}", &site);
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_names_is_served_and_no_other() {
        let names: Vec<&str> = files().iter().map(|file| file.name).collect();
        let named: Vec<&str> =
            SHELL.split("{files}/").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        assert_eq!(names.len(), 4);
        assert!(names.iter().all(|name| named.contains(name)) && named.len() == names.len(), "{named:?}");
    }

    #[test]
    fn the_page_has_nothing_inline() {
        assert_eq!(SHELL.matches("<script").count(), SHELL.matches("<script defer src=").count());
        for inline in ["<style", "style=", " on"] {
            let markup: String = SHELL.split('<').filter_map(|tag| tag.split('>').next()).collect();
            assert!(!markup.contains(inline), "{inline}");
        }
    }
}
