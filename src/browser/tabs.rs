//! What the tabs of one browser tell each other, and which page to leave for which.
//!
//! A message says only that somebody signed in or out. Where there is no BroadcastChannel, a tab finds out by its next 401.

use super::{device, session, token};
use crate::paths::{self, Notice, is_personal};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, Event, EventTarget, MessageEvent, PageTransitionEvent};

/// Somebody signed in in this browser.
pub(super) const SIGNED_IN: &str = "signed-in";
/// Somebody signed out.
pub(super) const SIGNED_OUT: &str = "signed-out";

thread_local! {
    static CHANNEL: Option<BroadcastChannel> = BroadcastChannel::new("doorward").ok();
}

/// Tells the other tabs.
pub(super) fn tell(message: &str) {
    CHANNEL.with(|channel| {
        if let Some(channel) = channel {
            _ = channel.post_message(&JsValue::from_str(message));
        }
    });
}

/// Hears the other tabs, a page coming back from the back/forward cache, and the network coming back.
pub(super) fn listen() {
    CHANNEL.with(|channel| {
        if let Some(channel) = channel {
            on(channel, "message", |event| {
                match event.unchecked_into::<MessageEvent>().data().as_string().as_deref() {
                    Some(SIGNED_IN) => signed_in(),
                    Some(SIGNED_OUT) => signed_out(),
                    _ => {}
                }
            });
        }
    });
    if let Some(window) = device::window() {
        on(&window, "pageshow", |event| {
            // It may show what was private before a sign-out, or a typed password: never as it was.
            if event.unchecked_into::<PageTransitionEvent>().persisted() {
                token::forget();
                device::cover("");
                device::reload();
            }
        });
        on(&window, "online", |_| {
            if session::sign_out_is_pending() {
                signed_out();
            }
        });
    }
}

/// The session is over in this browser: a page that needs one gives way to the login page, which leads back.
pub(super) fn expired() {
    let here = device::here();
    if is_personal(&here) {
        device::go_for_good(&paths::login_then(&here));
    }
}

/// Somebody signed out, here before this page was loaded or in another tab. First the server must know: as long as the
/// cookie lives, the login page would lead back to where we come from.
pub(super) fn signed_out() {
    token::forget();
    let here = device::here();
    if is_personal(&here) {
        device::cover("Signing out\u{2026}");
    }
    spawn_local(async move {
        match session::settle_in_turn().await {
            Ok(()) if is_personal(&here) => device::go_for_good(&paths::login_with(Notice::SignedOut)),
            Ok(()) if here == paths::HOME => device::reload(),
            Err(problem) if is_personal(&here) => device::cover(&problem.detail),
            _ => {}
        }
    });
}

/// Somebody signed in in another tab, maybe somebody else than before.
fn signed_in() {
    token::forget();
    let here = device::here();
    if paths::LOGIN_PAGES.contains(&here.as_str()) {
        device::go_for_good(paths::own_path(device::query("next").as_deref()));
    } else if here == paths::HOME || is_personal(&here) {
        device::reload();
    }
}

fn on(target: &EventTarget, name: &str, f: impl Fn(Event) + 'static) {
    let f = Closure::<dyn Fn(Event)>::new(f);
    _ = target.add_event_listener_with_callback(name, f.as_ref().unchecked_ref());
    // It listens as long as the page lives.
    f.forget();
}
