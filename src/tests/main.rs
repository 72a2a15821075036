//! Doorward's tests of the server: through its doors, on both engines, with real databases and real mail.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected ends there"
)]

mod account;
mod api;
mod api_description;
mod attacks;
mod audit;
mod cases;
#[path = "../../examples/account/client.rs"]
mod client;
mod compat;
mod front_end;
mod harness;
mod import_django;
mod mail;
mod mail_delivery;
mod mail_kinds;
mod outbox;
mod pages;
mod password_reset;
mod processes;
mod resource_server;
mod rooms;
mod security_document;
mod sessions;
mod smtp_server;
mod throttle_engine;
mod throttles;
mod timing;
mod turn_taking;
