//! A problem in the words of Django REST framework.

use super::answer::{CHALLENGE, Refusal};
use crate::domain::problem::{Code, Problem};
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};

/// The same answer with the body that DRF would give it.
pub fn told(response: Response<Body>, problem: &Problem) -> Response<Body> {
    let status = match response.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    let detail = detail(problem);
    let (mut head, _) = response.into_parts();
    let (_, body) = Refusal::Detail(status, detail, None).response(false).into_parts();
    head.status = status;
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(header::VARY, HeaderValue::from_static("Accept, origin"));
    if status == StatusCode::UNAUTHORIZED {
        head.headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
    Response::from_parts(head, body)
}

fn detail(problem: &Problem) -> String {
    match problem.code {
        Code::NotFound => "Not found.".to_owned(),
        Code::TooManyRequests => {
            let seconds = problem.retry_after.unwrap_or(1);
            let unit = if seconds == 1 { "second" } else { "seconds" };
            format!("Request was throttled. Expected available in {seconds} {unit}.")
        }
        Code::NotSignedIn => "Authentication credentials were not provided.".to_owned(),
        Code::InvalidInput => {
            problem.fields.first().map_or_else(|| problem.detail.clone(), |field| field.message.clone())
        }
        Code::MalformedRequest
        | Code::WrongCredentials
        | Code::InvalidTicket
        | Code::ProofRequired
        | Code::FactorRequired
        | Code::EnrolmentRequired
        | Code::ChallengeOver
        | Code::LastWayIn
        | Code::UnconfirmedEmail
        | Code::RegistrationClosed
        | Code::LeavingAccount
        | Code::CrossSite
        | Code::MethodNotAllowed
        | Code::UnsupportedMediaType
        | Code::TooLarge
        | Code::Unavailable
        | Code::Offline
        | Code::Internal => problem.detail.clone(),
    }
}
