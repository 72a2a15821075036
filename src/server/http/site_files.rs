//! The files that every page names: styles, script, wasm, and what starts them.
//!
//! Leptos writes what starts the islands into each page. Here it is a file: a browser fetches it once, and a page is a third
//! smaller. A page itself holds only the starter: a line that lets all scripts come after the first paint, which a slow
//! line shall have for itself, and then fetches them together. Its hash is in the policy of all pages.

use super::{assets, document::RESOURCES, headers::page_csp, ready_made::ReadyMade};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, Response, header},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use leptos::{config::LeptosOptions, prelude::*};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock};

use crate::pages::context::SiteNames;

/// The islands router takes up every form that nobody else has, and cannot show what is wrong inside an island. A form
/// that is not awake yet is the browser's to send, as with scripts off.
const SEND_AS_THE_BROWSER_DOES: &str =
    "document.addEventListener('submit',e=>e.defaultPrevented||e.stopPropagation());";

/// Goes once something was painted, or at once in a tab that nobody sees, which paints nothing. A browser that tells nothing
/// of paints goes after two seconds: a module runs when the page is read and its styles are there, so a paint is near.
const AFTER_PAINT: &str = "if(document.hidden)go();else{setTimeout(go,2e3);\
    try{new PerformanceObserver((_,o)=>{o.disconnect();go()}).observe({type:'paint',buffered:true})}catch{go()}}";

/// Where Leptos's text waits until the browser is idle, fetches the script and then the wasm, and how it is told their names.
const IDLE: &str = "idle(() => {\n\t\timport(";
const FETCHED_LATE: &str = "{module_or_path: `${root}/${pkg_path}/${wasm_output_name}.wasm`}";
const NAMES: &str = "(\"\", \"";

/// What a page says to fetch all at once: the wasm waits under a name for the script that starts it, which is the one to
/// complain if something does not come.
fn starter(start: &str, script_and_wasm: Option<[String; 2]>) -> String {
    let beside = script_and_wasm.map(|[script, wasm]| {
        format!("(self.doorward=fetch('{wasm}')).catch(()=>{{}});import('{script}').catch(()=>{{}});")
    });
    let beside = beside.unwrap_or_default();
    format!("let d;const go=()=>{{if(!d){{d=1;{beside}import('{start}')}}}};{AFTER_PAINT}")
}

/// Leptos's text so that it does not wait, takes the wasm that is on its way, and what it calls script and wasm. A text of
/// another form stays as it is, and fetches them itself.
fn at_once(text: &str) -> (String, Option<[String; 2]>) {
    let found = Some(text).filter(|text| text.contains(IDLE) && text.contains(FETCHED_LATE)).and_then(named);
    let Some(names) = found else { return (text.to_owned(), None) };
    let text = text.replace(IDLE, "(run => run())(() => {\n\t\timport(");
    (text.replace(FETCHED_LATE, "{module_or_path: self.doorward}"), Some(names))
}

/// Script and wasm by the words `("", "FOLDER", "SCRIPT", "WASM", …` in Leptos's text; only plain names go into a script.
fn named(text: &str) -> Option<[String; 2]> {
    let (_, names) = text.split_once(NAMES)?;
    let mut names = names.split('"').step_by(2);
    let (folder, script, wasm) = (names.next()?, names.next()?, names.next()?);
    let names = [format!("/{folder}/{script}.js"), format!("/{folder}/{wasm}.wasm")];
    names.iter().all(|name| name.chars().all(is_plain)).then_some(names)
}

/// Whether it can stand in a path and in a script as it is.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "._-/".contains(letter)
}

/// Where each is, and the text of the one that starts the others.
#[derive(Clone, Debug)]
pub struct SiteFiles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: SiteNames,
    /// SHA-256 in base64, as a policy names it (W3C, "Content Security Policy Level 3", 2.3.1).
    starter_hash: String,
    /// The path of the file that starts the others, and what is in it.
    start: String,
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
        let (text, script_and_wasm) = at_once(text);
        // What Leptos's side in the browser asks for, and `document` has taken off every page.
        let no_resources: String = RESOURCES.concat().iter().map(|list| format!("self.{list}=[];")).collect();
        let text = [SEND_AS_THE_BROWSER_DOES, &no_resources, &text].concat();
        // As long as the hashes that cargo-leptos puts into names.
        let hash = &URL_SAFE_NO_PAD.encode(Sha256::digest(&text))[..assets::HASH_LENGTH];
        let folder: String = options.site_pkg_dir.chars().filter(|letter| is_plain(*letter)).collect();
        let start = format!("/{folder}/start.{hash}.js");
        let starter = starter(&start, script_and_wasm);
        let starter_hash = STANDARD.encode(Sha256::digest(&starter));
        let names = SiteNames { style: assets::stylesheet(options), starter };
        Self(Arc::new(Inner { names, starter_hash, start, text, ready: OnceLock::new() }))
    }

    /// Where the styles are, and the starter.
    #[must_use]
    pub fn names(&self) -> &SiteNames {
        &self.0.names
    }

    /// The policy of a page with the starter, with or without a nonce for another inline script; `development` lets it reload.
    #[must_use]
    pub fn policy(&self, nonce: Option<&str>, development: bool) -> HeaderValue {
        page_csp(&self.0.starter_hash, nonce, development)
    }

    /// The file that starts the others, if that is what is asked for.
    pub async fn serve(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        if path != self.0.start || ![Method::GET, Method::HEAD].contains(method) {
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
    fn a_page_has_script_and_wasm_fetched_together_after_the_first_paint() {
        let options = LeptosOptions::builder().output_name("doorward").site_pkg_dir("pkg").build();
        let files = SiteFiles::new(&options);
        let (starter, start) = (&files.names().starter, &files.0.start);
        let hash = start.strip_prefix("/pkg/start.").and_then(|name| name.strip_suffix(".js"));
        assert_eq!(hash.map(str::len), Some(assets::HASH_LENGTH));
        assert_eq!(
            *starter,
            format!(
                "let d;const go=()=>{{if(!d){{d=1;(self.doorward=fetch('/pkg/doorward.wasm')).catch(()=>{{}});\
                 import('/pkg/doorward.js').catch(()=>{{}});import('{start}')}}}};{AFTER_PAINT}"
            )
        );
        let hash = STANDARD.encode(Sha256::digest(starter));
        assert!(files.policy(None, false).to_str().unwrap().contains(&format!("script-src 'self' 'sha256-{hash}' ")));
    }

    #[test]
    fn what_starts_the_islands_takes_the_wasm_that_is_on_its_way() {
        let options = LeptosOptions::builder().output_name("doorward").site_pkg_dir("pkg").build();
        let files = SiteFiles::new(&options);
        let text = &files.0.text;
        assert!(text.contains("{module_or_path: self.doorward}") && !text.contains("idle(() => {"));
        assert!(
            text.starts_with(SEND_AS_THE_BROWSER_DOES) && text.contains("navigateToPage"),
            "and the router is there"
        );
    }

    #[test]
    fn no_name_gets_out_of_its_quotes() {
        for name in ["a'b", "a</script>", "a\"b", "a b"] {
            let options = LeptosOptions::builder().output_name(name).site_pkg_dir(name).build();
            let files = SiteFiles::new(&options);
            let hash = files.0.start.rsplit('.').nth(1).unwrap();
            let folder: String = name.chars().filter(|letter| is_plain(*letter)).collect();
            assert_eq!(files.names().starter, starter(&format!("/{folder}/start.{hash}.js"), None), "{name}");
        }
    }

    #[test]
    fn a_text_of_another_form_stays_as_it_is_and_is_started_all_the_same() {
        let (text, names) = at_once("import(somewhere)");
        assert_eq!((text.as_str(), &names), ("import(somewhere)", &None));
        assert!(starter("/pkg/start.js", names).contains("{d=1;import('/pkg/start.js')}"));
    }
}
