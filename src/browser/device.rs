//! The browser's own clock, chance, timers, storage and address. Here alone they are ambient.

use crate::paths;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Window};

/// Milliseconds since 1970 by the browser's clock, which goes on while the machine sleeps.
pub(super) fn now() -> f64 {
    js_sys::Date::now()
}

/// A number from 0 to 1, to spread things in time; not for secrets.
pub(super) fn chance() -> f64 {
    js_sys::Math::random()
}

/// The window, unless this runs where there is none.
pub(super) fn window() -> Option<Window> {
    web_sys::window()
}

/// Calls `f` in `wait` milliseconds; the answer stops it.
pub(super) fn after(wait: f64, f: &Function) -> i32 {
    // Truncation is fine: waits are minutes.
    let wait = wait as i32;
    window().and_then(|window| window.set_timeout_with_callback_and_timeout_and_arguments_0(f, wait).ok()).unwrap_or(0)
}

/// Waits so many milliseconds.
pub(super) async fn sleep(wait: f64) {
    let over = Promise::new(&mut |resolve, _| {
        after(wait, &resolve);
    });
    drop(JsFuture::from(over).await);
}

/// Stops what `after` started.
pub(super) fn stop(timer: i32) {
    if let Some(window) = window() {
        window.clear_timeout_with_handle(timer);
    }
}

/// Something to stop a request with, which stops it by itself after `wait` milliseconds.
pub(super) fn deadline(wait: f64) -> Option<AbortController> {
    let controller = AbortController::new().ok()?;
    let aborting = controller.clone();
    after(wait, Closure::once_into_js(move || aborting.abort()).unchecked_ref());
    Some(controller)
}

/// Whether somebody may be looking at this page.
pub(super) fn is_visible() -> bool {
    window().and_then(|window| window.document()).is_some_and(|document| !document.hidden())
}

/// The path of this page.
pub(super) fn here() -> String {
    window().and_then(|window| window.location().pathname().ok()).unwrap_or_default()
}

/// The decoded value of `name` in this page's query.
pub(super) fn query(name: &str) -> Option<String> {
    let search = window()?.location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Goes to a path of ours with a fresh document. Anything else leads to the dashboard.
pub(super) fn go(path: &str) {
    if let Some(window) = window() {
        _ = window.location().assign(own(path));
    }
}

/// Like `go`, but the way back does not lead here.
pub(super) fn go_for_good(path: &str) {
    if let Some(window) = window() {
        _ = window.location().replace(own(path));
    }
}

/// Asks for this page again.
pub(super) fn reload() {
    if let Some(window) = window() {
        _ = window.location().reload();
    }
}

/// Puts `text` in place of everything the page shows.
pub(super) fn cover(text: &str) {
    if let Some(body) = window().and_then(|window| window.document()).and_then(|document| document.body()) {
        body.set_text_content(Some(text));
    }
}

/// Whether there is a mark called `name`, which every tab sees.
pub(super) fn has_mark(name: &str) -> bool {
    storage().is_some_and(|storage| matches!(storage.get_item(name), Ok(Some(_))))
}

/// Sets or takes away that mark. A browser that stores nothing goes without.
pub(super) fn set_mark(name: &str, on: bool) {
    if let Some(storage) = storage() {
        _ = if on { storage.set_item(name, "1") } else { storage.remove_item(name) };
    }
}

fn storage() -> Option<web_sys::Storage> {
    window()?.local_storage().ok()?
}

/// `own_path` refuses the login pages, since nobody should be sent there after signing in; here they are fine.
fn own(path: &str) -> &str {
    let page = path.split('?').next().unwrap_or_default();
    if paths::LOGIN_PAGES.contains(&page) { path } else { paths::own_path(Some(path)) }
}
