//! What a page may ask of the browser's side: the keeper of the token in memory.
//!
//! The server installs none, so the same component renders there and acts here. It is one value of the whole program and
//! not a Leptos context: islands hydrate one by one, each below whatever owner happens to be current then, and an owner
//! that is gone takes its contexts along; nor is there an owner in what runs after an `await`.

use crate::domain::{account::Account, grant::Grant, problem::Problem};
use leptos::web_sys::{FormData, HtmlFormElement};
use std::{future::Future, pin::Pin, sync::OnceLock};

/// A future in the browser: one thread, no `Send`.
pub type Local<T> = Pin<Box<dyn Future<Output = T>>>;

/// The keeper of the access token in this tab.
#[derive(Clone, Copy)]
pub struct Keeper {
    /// Take a fresh grant into memory and tell the other tabs that somebody signed in.
    pub adopt: fn(Grant),
    /// Send what a form holds to the server function at this path (its `PATH`), take the grant if the answer has one, and
    /// tell where to go now. Much lighter than the function's own client, and the token never gets into a page.
    pub send: fn(String, FormData) -> Local<Result<String, Problem>>,
    /// The account of who is signed in, asked with the access token; refreshes it when it must. Where the session turns
    /// out to be over, a personal page gives way to the login page, which leads back to it.
    pub account: fn() -> Local<Result<Account, Problem>>,
    /// Sign out on the server; clear memory and the other tabs whatever the server says.
    /// An error tells that the server was not reached: this browser is cleared, and the keeper asks again later.
    pub sign_out: fn() -> Local<Result<(), Problem>>,
    /// Fill a form for passkeys (`pages::passkey_form`) with what the browser's passkey answers: at once, or, if the second
    /// is true, once somebody chooses one among what the browser fills in for a user name.
    pub passkey: fn(HtmlFormElement, bool) -> Local<Result<(), Problem>>,
    /// Go to a path of ours with a fresh document.
    pub go: fn(&str),
}

static KEEPER: OnceLock<Keeper> = OnceLock::new();

/// Make `keeper` the one there is; the first one stays. Called by `browser::start` and nowhere else.
pub fn install(keeper: Keeper) {
    _ = KEEPER.set(keeper);
}

/// The keeper, in the browser; none while the server renders.
#[must_use]
pub fn keeper() -> Option<Keeper> {
    KEEPER.get().copied()
}
