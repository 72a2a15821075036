//! The download of one's data: a file, not a page, and so no server function.

use super::{AppState, form_again, forms, media, pages, render::Call};
use crate::{
    domain::problem::{Code, Problem},
    paths,
};
use axum::{
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderValue, Request, Response, header},
    response::IntoResponse as _,
};

/// Answers the form with a JSON file, or its page with what is wrong.
pub async fn download(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(form) = forms::of(paths::forms::EXPORT) else { return super::not_found().into_response() };
    if !media::is_form(&parts.headers) {
        let detail = "Send the fields as application/x-www-form-urlencoded.";
        return Problem::new(Code::UnsupportedMediaType, 415, detail).into_response();
    }
    let typed = match to_bytes(body, state.settings.server.body_limit).await {
        Ok(typed) => typed,
        Err(_) => return Problem::new(Code::TooLarge, 413, "That is more than a form can hold.").into_response(),
    };
    let call = Call::of(&state, &parts).with_form(&typed);
    let mut response = match call.export().await {
        Ok(file) => attachment(file),
        Err(problem) if problem.code == Code::NotSignedIn => pages::see_other(&paths::login_then(form.page)),
        Err(problem) => form_again::show_again(&state, parts, form, &typed, problem).await,
    };
    call.put_headers(response.headers_mut());
    response
}

fn attachment(file: serde_json::Value) -> Response<Body> {
    let mut response = axum::Json(file).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"account.json\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
