//! The files of the site: script, wasm, styles, icons. Only kinds that are listed here, only by plain names.

use super::{embedded::Embedded, problem::BUSY_RETRY};
use crate::domain::problem::{Code, Problem};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use leptos::config::LeptosOptions;
use std::{io, path::Path};
use tower_http::services::{
    ServeDir,
    fs::{Backend, DefaultServeDirFallback},
};

/// The media type of a script.
pub(super) const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// What may leave the server as a file, and as what.
const KINDS: [(&str, HeaderValue); 9] = [
    ("js", SCRIPT),
    ("wasm", HeaderValue::from_static("application/wasm")),
    ("css", HeaderValue::from_static("text/css; charset=utf-8")),
    ("ico", HeaderValue::from_static("image/x-icon")),
    ("svg", HeaderValue::from_static("image/svg+xml; charset=utf-8")),
    ("png", HeaderValue::from_static("image/png")),
    ("txt", HeaderValue::from_static("text/plain; charset=utf-8")),
    ("webmanifest", HeaderValue::from_static("application/manifest+json; charset=utf-8")),
    ("woff2", HeaderValue::from_static("font/woff2")),
];

/// A name with its own hash in it never means anything else.
pub(super) const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Icons are asked for on every page, and who changes one can wait.
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// Kept, but asked for each time.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// cargo-leptos puts 22 characters of base64url into a name; nothing people call a file by comes near.
pub(super) const HASH_LENGTH: usize = 22;

/// The `site_root` that means the site in the binary. No folder has an empty name.
pub const EMBEDDED: &str = "";

/// In the extensions of an answer that is a file; the access log wants to know.
#[derive(Clone, Copy, Debug)]
pub struct Served;

/// The file below `site_root` that `request` asks for: 200, or 304 if the client has it already. `None` if there is no
/// such file, if it is none that may leave the server, or if the request is neither GET nor HEAD.
///
/// Does not keep `request`, so the caller can answer it some other way after `None`.
pub fn serve_asset<B>(
    site_root: &Path,
    request: &Request<B>,
) -> impl Future<Output = Option<Response>> + Send + 'static + use<B> {
    let path = request.uri().path();
    let wanted = kind(path).and_then(|kind| {
        let is_icon = [".svg", ".ico", ".png"].iter().any(|end| path.ends_with(end));
        let cache = if is_hashed(path) {
            FOR_EVER
        } else if is_icon {
            FOR_A_DAY
        } else {
            ASK_FIRST
        };
        Some((kind, cache, folder(site_root), question(request)?))
    });
    async move {
        let (kind, cache, folder, question) = wanted?;
        let found = match folder {
            Folder::Disk(mut folder) => folder.try_call(question).await,
            Folder::Binary(mut folder) => folder.try_call(question).await,
        };
        let found = match found {
            Ok(response) => response,
            Err(error) if is_no_such_file(&error) => return None,
            Err(error) => {
                // Not 404: what is there shall not be taken for gone, and nobody keeps this answer.
                tracing::warn!(%error, "a file of the site could not be read");
                return Some(unreadable().into_response());
            }
        };
        match found.status() {
            StatusCode::OK | StatusCode::NOT_MODIFIED => {}
            StatusCode::NOT_FOUND => return None,
            status => {
                tracing::warn!(status = status.as_u16(), "a file of the site could not be read");
                return None;
            }
        }
        let mut response = found.map(Body::new);
        dress(response.headers_mut(), kind, cache);
        response.extensions_mut().insert(Served);
        Some(response)
    }
}

/// There is none by that name, none can be, or it is not for everybody.
fn is_no_such_file(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | PermissionDenied | NotADirectory | InvalidFilename | InvalidInput)
}

fn unreadable() -> Problem {
    let detail = "This file cannot be read at the moment. Please try again in a few seconds.";
    Problem { retry_after: Some(BUSY_RETRY), ..Problem::new(Code::Unavailable, 503, detail) }
}

/// The path of the site's stylesheet, with its hash where the build gave it one. For pages that Leptos does not render;
/// the others ask `leptos_meta`, which finds it in the same way. Reads the hash file: call it once.
#[must_use]
pub fn stylesheet(leptos: &LeptosOptions) -> String {
    let hash = if leptos.hash_files { css_hash(&leptos.hash_file) } else { None };
    let hash = hash.map(|hash| format!(".{hash}")).unwrap_or_default();
    format!("/{}/{}{hash}.css", leptos.site_pkg_dir, leptos.output_name)
}

/// cargo-leptos writes the file beside the binary; a line of it is `css: HASH`.
fn css_hash(hash_file: &str) -> Option<String> {
    let beside = std::env::current_exe().ok()?.parent()?.join(hash_file);
    let lines = std::fs::read_to_string(beside).ok()?;
    let hash = lines.lines().find_map(|line| line.trim().strip_prefix("css:"))?;
    Some(hash.trim().to_owned())
}

/// Where the files are.
enum Folder {
    Disk(ServeDir),
    Binary(ServeDir<DefaultServeDirFallback, Embedded>),
}

/// [`EMBEDDED`] is the site in the binary, everything else a folder.
fn folder(site_root: &Path) -> Folder {
    if site_root == Path::new(EMBEDDED) {
        Folder::Binary(dressed(ServeDir::with_backend("/", Embedded)))
    } else {
        Folder::Disk(dressed(ServeDir::new(site_root)))
    }
}

fn dressed<B: Backend>(folder: ServeDir<DefaultServeDirFallback, B>) -> ServeDir<DefaultServeDirFallback, B> {
    folder
        .append_index_html_on_directories(false)
        .redirect_to_trailing_slash(false)
        .precompressed_br()
        .precompressed_gzip()
}

/// Whether the last part of the name before its kind is a hash, as in `name.HASH.js`.
fn is_hashed(path: &str) -> bool {
    let is_hash = |part: &str| {
        part.len() == HASH_LENGTH && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let mut parts = path.rsplit('/').next().unwrap_or_default().rsplit('.').skip(1);
    parts.next().is_some_and(is_hash) && parts.next().is_some()
}

/// The kind of the file at `path`, if the path is plain and the kind is one of ours. A plain path has no escapes, and no
/// part of it is empty or begins with a dot.
fn kind(path: &str) -> Option<HeaderValue> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    let path = path.strip_prefix('/').filter(|path| path.split('/').all(is_name))?;
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    KINDS.iter().find(|(known, _)| *known == extension).map(|(_, kind)| kind.clone())
}

/// The request as the folder gets it: only what decides which bytes to send.
fn question<B>(request: &Request<B>) -> Option<Request<Body>> {
    let method = request.method();
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    let mut question = Request::new(Body::empty());
    *question.method_mut() = method.clone();
    *question.uri_mut() = request.uri().path().parse().ok()?;
    for name in [header::ACCEPT_ENCODING, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
        for value in request.headers().get_all(&name) {
            question.headers_mut().append(&name, value.clone());
        }
    }
    Some(question)
}

fn dress(headers: &mut HeaderMap, kind: HeaderValue, cache: HeaderValue) {
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.remove(header::ACCEPT_RANGES);
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use std::{fs, path::PathBuf};

    const HASHED: &str = "/pkg/doorward.8WFQSJ3FLxx6mTO5oGXp-w.js";

    fn site() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("site");
        fs::create_dir_all(root.join("pkg/.git")).unwrap();
        fs::create_dir_all(root.join("folder.js")).unwrap();
        for (name, text) in [
            (&HASHED[1..], "plain"),
            ("pkg/doorward.8WFQSJ3FLxx6mTO5oGXp-w.js.br", "brotli"),
            ("pkg/doorward.8WFQSJ3FLxx6mTO5oGXp-w.js.gz", "gzip"),
            ("pkg/doorward.wasm", "wasm"),
            ("pkg/doorward.js.map", "map"),
            ("pkg/.git/config.txt", "dot"),
            (".env", "env"),
            ("doorward.db", "db"),
            ("index.html", "html"),
            ("robots.txt", "robots"),
            ("favicon.svg", "icon"),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        fs::write(folder.path().join("outside.txt"), "outside").unwrap();
        (folder, root)
    }

    async fn get(root: &Path, path: &str, headers: &[(&str, &str)]) -> Option<(HeaderMap, String)> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = serve_asset(root, &request.body(()).unwrap()).await?;
        let (parts, body) = response.into_parts();
        Some((parts.headers, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn a_file_goes_out_in_the_best_form_the_client_takes() {
        let (_folder, root) = site();
        for (accepts, text, encoding) in [
            ("gzip, deflate, br, zstd", "brotli", Some("br")),
            ("gzip", "gzip", Some("gzip")),
            ("identity", "plain", None),
            ("br;q=0, gzip;q=0.5", "gzip", Some("gzip")),
        ] {
            let (headers, body) = get(&root, HASHED, &[("accept-encoding", accepts)]).await.unwrap();
            assert_eq!(body, text, "{accepts}");
            assert_eq!(headers.get("content-encoding").map(|value| value.to_str().unwrap()), encoding);
            assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
            assert_eq!(headers["vary"], "accept-encoding");
        }
    }

    #[tokio::test]
    async fn only_a_hashed_name_is_kept_for_ever() {
        let (_folder, root) = site();
        assert_eq!(get(&root, HASHED, &[]).await.unwrap().0["cache-control"], FOR_EVER);
        let (wasm, _) = get(&root, "/pkg/doorward.wasm", &[]).await.unwrap();
        assert_eq!((&wasm["cache-control"], wasm["content-type"].as_bytes()), (&ASK_FIRST, &b"application/wasm"[..]));
        assert_eq!(get(&root, "/robots.txt?x=../y", &[]).await.unwrap().0["cache-control"], ASK_FIRST);
        assert_eq!(get(&root, "/favicon.svg", &[]).await.unwrap().0["cache-control"], FOR_A_DAY);
        assert!(
            !is_hashed("/pkg/8WFQSJ3FLxx6mTO5oGXp-w.js") && !is_hashed("/pkg/snippets-8WFQSJ3FLxx6mTO5oGXp-w/a.js")
        );
    }

    #[tokio::test]
    async fn a_file_the_client_has_is_not_sent_again() {
        let (_folder, root) = site();
        let (headers, _) = get(&root, "/robots.txt", &[]).await.unwrap();
        let since = headers["last-modified"].to_str().unwrap();
        let request = Request::get("/robots.txt").header("if-modified-since", since).body(()).unwrap();
        let response = serve_asset(&root, &request).await.unwrap();
        assert_eq!(response.status(), 304);
        assert_eq!(response.headers()["cache-control"], ASK_FIRST);
    }

    #[tokio::test]
    async fn nothing_else_leaves_the_folder() {
        let (_folder, root) = site();
        for path in [
            "/",
            "/pkg",
            "/pkg/",
            "/index.html",
            "/.env",
            "/doorward.db",
            "/pkg/doorward.js.map",
            "/pkg/.git/config.txt",
            "/folder.js",
            "/../outside.txt",
            "/pkg/../../outside.txt",
            "/%2e%2e/outside.txt",
            "/..%2foutside.txt",
            "/pkg/%2e%2e/robots.txt",
            "//robots.txt",
            "/pkg//doorward.wasm",
            "/robots.txt/",
            "/robots.txt%00",
            "/robots.TXT",
            "/missing.txt",
            "/pkg/doorward.8WFQSJ3FLxx6mTO5oGXp-w.js.br",
            "/./robots.txt",
            "/robots.txt/x.txt",
        ] {
            assert!(get(&root, path, &[]).await.is_none(), "{path}");
        }
        let long = format!("/{}.txt", "a".repeat(5000));
        assert!(get(&root, &long, &[]).await.is_none(), "a name too long for the file system");
    }

    #[tokio::test]
    async fn head_tells_the_length_and_other_methods_are_not_ours() {
        let (_folder, root) = site();
        let head = serve_asset(&root, &Request::head("/robots.txt").body(()).unwrap()).await.unwrap();
        assert_eq!(head.headers()["content-length"], "6");
        assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
        assert!(serve_asset(&root, &Request::post("/robots.txt").body(()).unwrap()).await.is_none());
    }

    #[test]
    fn the_stylesheet_is_where_the_build_put_it() {
        let mut leptos = LeptosOptions::builder().output_name("doorward").site_pkg_dir("pkg").build();
        leptos.hash_files = false;
        assert_eq!(stylesheet(&leptos), "/pkg/doorward.css");
        leptos.hash_files = true;
        leptos.hash_file = "no-such-file.txt".into();
        assert_eq!(stylesheet(&leptos), "/pkg/doorward.css");
    }
}
