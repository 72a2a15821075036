//! Doorward's half in the browser as one WASM file, for cargo-leptos: what the library exports, and nothing else.

pub use doorward::hydrate;
