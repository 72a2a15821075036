//! The door of the server functions. Leptos runs them; this file sees to it that only well-formed calls come in, and
//! that a problem leaves with its own status and media type.

use super::{AppState, media::is_form, problem::PROBLEM_JSON, render::Call};
use crate::domain::problem::{Code, Problem};
use axum::{
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderValue, Method, Request, Response, StatusCode, header},
    response::IntoResponse as _,
};
use leptos::prelude::provide_context;

/// The largest answer of a server function that is looked into, in bytes; ours are far smaller.
const ANSWER_LIMIT: usize = 1 << 20;

/// Answers a request to a server function's path.
pub async fn answer(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    run(&state, request).await.unwrap_or_else(|problem| problem.into_response())
}

/// Runs the server function of the request's path.
///
/// # Errors
/// The problem that it, or the frame before it, answered; cookies of the answer are in the `Ok` and lost in the `Err`
/// only where the function never ran.
pub async fn run(state: &AppState, mut request: Request<Body>) -> Result<Response<Body>, Problem> {
    let path = request.uri().path();
    if !leptos::server_fn::axum::server_fn_paths().any(|(known, _)| known == path) {
        return Err(super::not_found());
    }
    if request.method() != Method::POST {
        let mut response = Problem::new(Code::MethodNotAllowed, 405, "Only POST is taken here.").into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    if !is_form(request.headers()) {
        let detail = "Send the fields as application/x-www-form-urlencoded.";
        return Err(Problem::new(Code::UnsupportedMediaType, 415, detail));
    }
    // Leptos would redirect a browser's form to its Referer and write the error into that URL.
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request.headers_mut().remove(header::REFERER);
    let (parts, body) = request.into_parts();
    let typed = match to_bytes(body, state.settings.server.body_limit).await {
        Ok(typed) => typed,
        Err(_) => return Err(Problem::new(Code::TooLarge, 413, "That is more than a form can hold.")),
    };
    let call = Call::of(state, &parts).with_form(&typed);
    let context = call.clone();
    let request = Request::from_parts(parts, Body::from(typed));
    let response = leptos_axum::handle_server_fns_with_context(move || provide_context(context.clone()), request).await;
    let mut response = with_own_status(response.into_response()).await;
    call.put_headers(response.headers_mut());
    Ok(response)
}

/// Leptos answers 500 to every error of a server function; the problem in the body knows better.
async fn with_own_status(response: Response<Body>) -> Response<Body> {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    let problem = serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| {
        tracing::error!("a server function answered neither a value nor a problem");
        Problem::new(Code::Internal, 500, "Something went wrong on our side. Please try again in a moment.")
    });
    let mut answer = problem.into_response();
    for (name, value) in &parts.headers {
        if !answer.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    debug_assert!(answer.headers().get(header::CONTENT_TYPE).is_some_and(|media| media == PROBLEM_JSON));
    answer
}
