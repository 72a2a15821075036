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
use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    routing::get,
};
use std::sync::LazyLock;
use utoipa::openapi::OpenApi;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter},
    routes,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The description as it is served. Written when it is first asked for: most servers never are.
static DESCRIPTION: LazyLock<Bytes> =
    LazyLock::new(|| serde_json::to_vec(&description()).map(Bytes::from).unwrap_or_default());

/// The routes of the API, with its description.
pub fn router() -> Router<AppState> {
    let mut router = Router::new();
    each(|(_, described, methods)| {
        for path in described.paths.keys() {
            // In full: a nested router would cost each request two layers and a second address.
            let path = [paths::API, path].concat();
            router = std::mem::take(&mut router).route(&path, methods.clone());
        }
    });
    let served = get(async || ([(header::CONTENT_TYPE, JSON)], DESCRIPTION.clone()));
    router.route(paths::OPENAPI, served)
}

/// The description of the API, as it is served.
#[must_use]
pub fn description() -> OpenApi {
    let mut router = OpenApiRouter::new();
    each(|routes| router = std::mem::take(&mut router).routes(routes));
    let mut description = OpenApiRouter::new().nest(paths::API, router).into_openapi();
    docs::complete(&mut description);
    description
}

/// One after the other, for what each is described with takes more memory than all that answers.
fn each(mut take: impl FnMut(UtoipaMethodRouter<AppState>)) {
    take(routes!(accounts::register));
    take(routes!(accounts::confirm));
    take(routes!(accounts::take_over));
    take(routes!(accounts::resend));
    take(routes!(sessions::log_in, sessions::list, sessions::end_others));
    take(routes!(sessions::end));
    take(routes!(sessions::refresh));
    take(routes!(sessions::log_out));
    take(routes!(second_factor::prove));
    take(routes!(second_factor::start_proof));
    take(routes!(second_factor::answer));
    take(routes!(second_factor::start_answer));
    take(routes!(second_factor::log_in));
    take(routes!(second_factor::start_log_in));
    take(routes!(enrolment::start_totp));
    take(routes!(enrolment::confirm_totp));
    take(routes!(enrolment::start_passkey));
    take(routes!(enrolment::add_passkey));
    take(routes!(enrolment::resend_confirmation));
    take(routes!(sessions::report_not_me));
    take(routes!(me::read, me::change, me::leave));
    take(routes!(me::change_username));
    take(routes!(me::history));
    take(routes!(me::export));
    take(routes!(me::restore));
    take(routes!(factors::list));
    take(routes!(factors::start_totp, factors::remove_totp));
    take(routes!(factors::confirm_totp));
    take(routes!(factors::make_recovery_codes));
    take(routes!(factors::start_passkey));
    take(routes!(factors::add_passkey));
    take(routes!(factors::rename_passkey, factors::remove_passkey));
    take(routes!(factors::untrust_browser));
    take(routes!(password::change));
    take(routes!(password::remove));
    take(routes!(password::request));
    take(routes!(password::confirm));
    take(routes!(email::request));
    take(routes!(email::confirm));
    take(routes!(email::undo));
    take(routes!(tokens::introspect));
}
