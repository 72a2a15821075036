//! What only the browser can do: keep the access token in memory, renew it, and keep the tabs of one person together.
//!
//! | file | what |
//! |---|---|
//! | `token` | the token in memory, its timer, and the generation that tells an answer that came too late |
//! | `refresh` | renewing it: one exchange at a time in this tab, one tab at a time by `locks` |
//! | `session` | asking with the token, signing in and out |
//! | `tabs` | what other tabs say, and which page to leave for which |
//! | `passkey` | the browser's half of a WebAuthn ceremony |
//! | `wire`, `json`, `device` | fetch and reading its answers; clock, chance, timers, storage, the address |
//!
//! The rules themselves (when to renew, what an answer means) are plain functions in `domain::renewal`, tested natively.
//! It may import `actions`, `domain` and `paths`.
//!
//! The token is never in storage, in the document, in a message to another tab or in an event.
//! A token is renewed before its end only where somebody asked with it since it was made **and** the page is visible;
//! so a forgotten tab never keeps a session alive. Everybody else renews on demand.

mod device;
mod json;
mod locks;
mod passkey;
mod refresh;
mod session;
mod tabs;
mod token;
mod wire;

use crate::actions::keeper::{self, Keeper};

/// Offers the keeper to the pages, listens to the other tabs, and finishes a sign-out that the server missed.
/// Call it before any island wakes.
pub fn start() {
    keeper::install(Keeper {
        adopt: session::adopt,
        send: |path, form| Box::pin(session::send(path, form)),
        account: || Box::pin(session::account()),
        sign_out: || Box::pin(session::sign_out()),
        passkey: |form, autofill| Box::pin(passkey::fill(form, autofill)),
        go: device::go,
    });
    tabs::listen();
    if session::sign_out_is_pending() {
        tabs::signed_out();
    }
}
