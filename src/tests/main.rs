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
mod chaos;
#[path = "../../examples/account/client.rs"]
mod client;
mod compat;
mod dashboards;
mod deploy;
mod factor_pages;
mod factors;
mod front_end;
mod harness;
mod import_django;
mod key_rotation;
mod leases;
mod mail;
mod mail_delivery;
mod mail_kinds;
mod operations;
mod outbox;
mod pages;
mod password_reset;
mod postgres_connections;
mod processes;
mod resource_server;
mod rooms;
mod rotations;
mod running;
mod security_document;
mod session_memory;
mod sessions;
mod sight;
mod smtp_server;
mod stopping;
mod throttle_engine;
mod throttles;
mod timing;
mod traces;
mod turn_taking;
