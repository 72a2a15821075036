//! The API: a second door to the same service. Each handler reads, calls, and answers; paths mirror the files.

mod accounts;
mod caller;
pub mod docs;
mod email;
mod enrolment;
mod factors;
mod input;
mod me;
mod password;
pub mod problem;
mod second_factor;
mod sessions;
mod tokens;
pub mod types;

use super::AppState;
use crate::paths;
use axum::{Json, Router, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of the API, with its description.
pub fn router() -> Router<AppState> {
    let (router, description) = described();
    let description: serde_json::Value = serde_json::to_value(&description).unwrap_or_default();
    router.route(paths::OPENAPI, get(move || async move { Json(description.clone()) }))
}

/// The description of the API, as it is served.
#[must_use]
pub fn description() -> OpenApi {
    described().1
}

fn described() -> (Router<AppState>, OpenApi) {
    let routes = OpenApiRouter::new()
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::confirm))
        .routes(routes!(accounts::take_over))
        .routes(routes!(accounts::resend))
        .routes(routes!(sessions::log_in, sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::refresh))
        .routes(routes!(sessions::log_out))
        .routes(routes!(second_factor::prove))
        .routes(routes!(second_factor::start_proof))
        .routes(routes!(second_factor::answer))
        .routes(routes!(second_factor::start_answer))
        .routes(routes!(second_factor::log_in))
        .routes(routes!(second_factor::start_log_in))
        .routes(routes!(enrolment::start_totp))
        .routes(routes!(enrolment::confirm_totp))
        .routes(routes!(enrolment::start_passkey))
        .routes(routes!(enrolment::add_passkey))
        .routes(routes!(enrolment::resend_confirmation))
        .routes(routes!(sessions::report_not_me))
        .routes(routes!(me::read, me::change, me::leave))
        .routes(routes!(me::change_username))
        .routes(routes!(me::history))
        .routes(routes!(me::export))
        .routes(routes!(me::restore))
        .routes(routes!(factors::list))
        .routes(routes!(factors::start_totp, factors::remove_totp))
        .routes(routes!(factors::confirm_totp))
        .routes(routes!(factors::make_recovery_codes))
        .routes(routes!(factors::start_passkey))
        .routes(routes!(factors::add_passkey))
        .routes(routes!(factors::rename_passkey, factors::remove_passkey))
        .routes(routes!(factors::untrust_browser))
        .routes(routes!(password::change))
        .routes(routes!(password::remove))
        .routes(routes!(password::request))
        .routes(routes!(password::confirm))
        .routes(routes!(email::request))
        .routes(routes!(email::confirm))
        .routes(routes!(email::undo))
        .routes(routes!(tokens::introspect));
    let (router, mut description) = OpenApiRouter::new().nest(paths::API, routes).split_for_parts();
    docs::complete(&mut description);
    (router, description)
}
