//! What a browser fetches on its first visit to a page: plain HTTP, and the links in the answer.

use crate::step::Outcome;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Bytes of a whole answer to a browser that takes brotli: status line, headers and body.
pub fn transferred(server: SocketAddr, path: &str) -> Outcome<usize> {
    fetch(server, path, "1.1", "br").map(|answer| answer.len())
}

/// The text of an answer. HTTP/1.0 has no chunks and no compression that would have to be undone.
pub fn text(server: SocketAddr, path: &str) -> Outcome<String> {
    let answer = fetch(server, path, "1.0", "identity")?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn fetch(server: SocketAddr, path: &str, version: &str, encoding: &str) -> Outcome<Vec<u8>> {
    let host = format!("localhost:{}", server.port());
    let request = format!(
        "GET {path} HTTP/{version}\r\nHost: {host}\r\nAccept: text/html,*/*\r\nAccept-Encoding: {encoding}\r\n\
         Connection: close\r\n\r\n"
    );
    let exchange = || {
        let mut stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map(|_| answer)
    };
    let answer = exchange().map_err(|error: std::io::Error| format!("GET {path}: {error}"))?;
    let status = answer.split(|byte| *byte == b'\r').next().map(String::from_utf8_lossy).unwrap_or_default();
    if status.contains(" 200 ") { Ok(answer) } else { Err(format!("GET {path}: answered `{status}`")) }
}

/// Every path that a first visit to `page` fetches: the page, what it links to, and what its scripts load and import.
pub fn fetched(server: SocketAddr, page: &str) -> Outcome<BTreeSet<String>> {
    let html = text(server, page)?;
    let mut paths: BTreeSet<String> = linked(&html).into_iter().chain(named(&html)).collect();
    let is_script = |path: &str| path.ends_with(".js");
    let mut unread: Vec<String> = paths.iter().filter(|path| is_script(path)).cloned().collect();
    while let Some(script) = unread.pop() {
        let text = text(server, &script)?;
        for path in imported(&text, &script) {
            if paths.insert(path.clone()) && is_script(&path) {
                unread.push(path);
            }
        }
    }
    paths.insert(page.to_owned());
    Ok(paths)
}

/// The paths that a browser fetches for this HTML by itself: styles, scripts, preloads, icons, images. A page that
/// names no icon is asked for `/favicon.ico`.
fn linked(html: &str) -> BTreeSet<String> {
    const FETCHED: [&str; 5] = ["stylesheet", "modulepreload", "preload", "icon", "manifest"];
    let mut has_icon = false;
    let mut paths = BTreeSet::new();
    for tag in html.split('<').filter_map(|rest| rest.split('>').next()) {
        let name = tag.split_whitespace().next().unwrap_or_default();
        let path = match name {
            "link" => {
                let kinds = attribute(tag, "rel").unwrap_or_default();
                has_icon |= kinds.split(' ').any(|kind| kind == "icon");
                attribute(tag, "href").filter(|_| kinds.split(' ').any(|kind| FETCHED.contains(&kind)))
            }
            "script" | "img" => attribute(tag, "src"),
            _ => None,
        };
        paths.extend(path.filter(|path| path.starts_with('/')).map(str::to_owned));
    }
    if !has_icon {
        paths.insert("/favicon.ico".to_owned());
    }
    paths
}

/// What the script in the page fetches and imports; no link announces it.
fn named(html: &str) -> BTreeSet<String> {
    let calls = ["fetch('", "import('"].into_iter().flat_map(|call| html.split(call).skip(1));
    calls.filter_map(|rest| rest.split('\'').next()).map(str::to_owned).collect()
}

/// The modules that a module at `path` imports from beside itself.
fn imported(script: &str, path: &str) -> BTreeSet<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = BTreeSet::new();
    for quote in ['"', '\''] {
        for (at, start) in script.match_indices(&format!("{quote}./")) {
            let before = script[..at].trim_end();
            let name = script[at + start.len()..].split(quote).next().unwrap_or_default();
            if before.ends_with("from") || before.ends_with("import") {
                found.insert(format!("{folder}/{name}"));
            }
        }
    }
    found
}

fn attribute<'tag>(tag: &'tag str, name: &str) -> Option<&'tag str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn everything_that_a_browser_fetches_is_collected_once() {
        let html = r#"<html><head><link rel="stylesheet" id="leptos" href="/pkg/a.css"><link href="/pkg/a.js" rel="modulepreload">
            <link rel="preload" href="/pkg/a.wasm" as="fetch" crossorigin=""><link rel="shortcut icon" href="/icon.svg">
            <script type="module" src="/pkg/a.js"></script></head><body><img alt="" src="/logo.svg"></body></html>"#;
        assert_eq!(linked(html), set(&["/icon.svg", "/logo.svg", "/pkg/a.css", "/pkg/a.js", "/pkg/a.wasm"]));
    }

    #[test]
    fn what_is_only_followed_or_lies_elsewhere_is_not_collected() {
        let html = r#"<link rel="canonical" href="/login"><a href="/register">Register</a><link rel="icon" href="data:,">
            <script src="https://elsewhere.test/x.js"></script>"#;
        assert_eq!(linked(html), set(&[]));
    }

    #[test]
    fn a_page_without_an_icon_is_asked_for_the_usual_one() {
        assert_eq!(linked("<p>Hello</p>"), set(&["/favicon.ico"]));
    }

    #[test]
    fn files_that_only_the_pages_script_names_are_found() {
        let html = "<script type=\"module\">go(fetch('/pkg/a.wasm'));import('/pkg/a.js');import(b)</script>";
        assert_eq!(named(html), set(&["/pkg/a.js", "/pkg/a.wasm"]));
    }

    #[test]
    fn imports_of_a_script_are_found_beside_it() {
        let script =
            r#"import { a } from './snippets/x/inline0.js';import"./y.js";import * as z from "env"; load("./no.js")"#;
        assert_eq!(imported(script, "/pkg/a.js"), set(&["/pkg/snippets/x/inline0.js", "/pkg/y.js"]));
    }
}
