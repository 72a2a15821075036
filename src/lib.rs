//! Doorward: accounts for a web application in one binary.
//!
//! Pages are Leptos components, rendered on the server; their forms are islands that hydrate in WASM and also work with
//! scripts off. Pages and programs are two doors to **one** [`server::auth`] service. The refresh token lives in an
//! HttpOnly cookie, the access token in the browser's memory only.
//!
//! | room | what | compiled for |
//! |---|---|---|
//! | [`domain`], [`paths`] | plain types and rules; every path once | both |
//! | [`app`], [`pages`], [`components`] | what people see | both |
//! | [`actions`] | server functions: what a page may ask of the server | both (bodies: server) |
//! | `browser` | the token in memory, refresh, tabs | browser |
//! | `server::http` | doors: router, guard, cookies, the status table | server |
//! | `server::auth` | **the service**: all policy | server |
//! | `server::store` | all SQL | server |
//! | `server::crypto`, `server::mailer` | hashing, tokens, keys; outbox and transports | server |
//!
//! Who may import whom is held by a test, `src/tests/rooms.rs`.

pub mod actions;
pub mod app;
pub mod components;
pub mod domain;
pub mod pages;
pub mod paths;

#[cfg(feature = "ssr")]
pub mod server;

#[cfg(feature = "hydrate")]
mod browser;

/// Wakes the islands of a page that came rendered from the server.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    browser::start();
    leptos::mount::hydrate_islands();
}
