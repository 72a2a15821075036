//! Everything that runs on the server. The arrows between its rooms are in `src/tests/rooms.rs`.

pub mod auth;
pub mod clock;
pub mod compose;
pub mod crypto;
pub mod entropy;
pub mod http;
pub mod mailer;
pub mod metrics;
pub mod settings;
mod settings_checks;
mod settings_doors;
pub mod settings_factors;
pub mod settings_limit;
mod settings_lists;
mod settings_operations;
pub mod store;
