//! The files that every page names: styles, script, wasm, and what starts them.
//!
//! Leptos writes what starts the islands into each page. Here it is a file: a browser fetches it once, a page is a third
//! smaller, and no page needs an inline script.

use super::{assets, document::RESOURCES, ready_made::ReadyMade};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, Response, header},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use leptos::{config::LeptosOptions, prelude::*};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock};

use crate::pages::context::SiteNames;

/// The islands router takes up every form that nobody else has, and cannot show what is wrong inside an island. A form
/// that is not awake yet is the browser's to send, as with scripts off.
const SEND_AS_THE_BROWSER_DOES: &str =
    "document.addEventListener('submit',e=>e.defaultPrevented||e.stopPropagation());";

/// Calls `c` once something was painted, or at once in a tab that nobody sees, which paints nothing.
const AFTER_PAINT: &str = "const afterPaint=c=>{let d;const go=()=>{d||(d=1,c())};if(document.hidden)return go();\
    try{new PerformanceObserver((_,o)=>{o.disconnect();go()}).observe({type:'paint',buffered:true})}catch{go()}};";

/// Where Leptos's text waits until the browser is idle, and fetches the script and then the wasm.
const IDLE: &str = "idle(() => {\n\t\timport(";
const FETCHED_LATE: &str = "{module_or_path: `${root}/${pkg_path}/${wasm_output_name}.wasm`}";

/// Leptos's text so that it waits for the first paint, which a slow line shall have for itself, and then fetches both
/// together. A text of another form stays as it is.
fn after_the_first_paint(text: &str) -> String {
    if !text.contains(IDLE) || !text.contains(FETCHED_LATE) {
        return text.to_owned();
    }
    let both = "afterPaint(() => {const wasm = fetch(`${root}/${pkg_path}/${wasm_output_name}.wasm`);import(";
    text.replace(IDLE, both).replace(FETCHED_LATE, "{module_or_path: wasm}")
}

/// Where each is, and the text of the one that starts the others.
#[derive(Clone, Debug)]
pub struct SiteFiles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: SiteNames,
    text: String,
    ready: OnceLock<ReadyMade>,
}

impl SiteFiles {
    /// Those that the build has made. Reads the hash file, where the names need one: call it once.
    #[must_use]
    pub fn new(options: &LeptosOptions) -> Self {
        let leptos = options.clone();
        let owner = Owner::new();
        let html =
            owner.with(|| view! { <HydrationScripts options=leptos islands=true islands_router=true /> }.to_html());
        let script = html.split_once("<script").and_then(|(_, rest)| rest.split_once('>')).map(|(_, text)| text);
        let text = script.and_then(|script| script.split_once("</script>")).map(|(text, _)| text).unwrap_or_default();
        // What Leptos's side in the browser asks for, and `document` has taken off every page.
        let no_resources: String = RESOURCES.concat().iter().map(|list| format!("self.{list}=[];")).collect();
        let text = [SEND_AS_THE_BROWSER_DOES, &no_resources, AFTER_PAINT, &after_the_first_paint(text)].concat();
        // As long as the hashes that cargo-leptos puts into names.
        let hash = &URL_SAFE_NO_PAD.encode(Sha256::digest(&text))[..assets::HASH_LENGTH];
        let start = format!("/{}/start.{hash}.js", options.site_pkg_dir);
        let names = SiteNames { style: assets::stylesheet(options), start };
        Self(Arc::new(Inner { names, text, ready: OnceLock::new() }))
    }

    /// Where they are.
    #[must_use]
    pub fn names(&self) -> &SiteNames {
        &self.0.names
    }

    /// The file that starts the others, if that is what is asked for.
    pub async fn serve(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        if path != self.0.names.start || ![Method::GET, Method::HEAD].contains(method) {
            return None;
        }
        if self.0.ready.get().is_none() {
            let inner = Arc::clone(&self.0);
            let make = move || {
                inner.ready.get_or_init(|| ReadyMade::new(Bytes::from(inner.text.clone())));
            };
            tokio::task::spawn_blocking(make).await.ok()?;
        }
        let mut answer = self.0.ready.get()?.answer(headers, assets::SCRIPT);
        answer.headers_mut().insert(header::CACHE_CONTROL, assets::FOR_EVER);
        answer.extensions_mut().insert(assets::Served);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_and_wasm_are_fetched_together_after_the_first_paint() {
        let options = LeptosOptions::builder().output_name("doorward").site_pkg_dir("pkg").build();
        let files = SiteFiles::new(&options);
        let text = &files.0.text;
        assert!(text.contains("afterPaint(() => {const wasm = fetch(") && text.contains("{module_or_path: wasm}"));
        assert!(
            text.starts_with(SEND_AS_THE_BROWSER_DOES) && text.contains("navigateToPage"),
            "and the router is there"
        );
        let name = files.names().start.strip_prefix("/pkg/start.").and_then(|name| name.strip_suffix(".js"));
        assert_eq!(name.map(str::len), Some(assets::HASH_LENGTH));
    }
}
