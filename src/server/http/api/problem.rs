//! A problem in the words of the API: RFC 9457, with the name of the request and pointers into its body.

use super::{
    input::PARAMETER,
    types::{ApiProblem, InputError},
};
use crate::{
    domain::problem::{Code, FieldError, Problem},
    server::http::request_id::RequestId,
};
use axum::{
    body::Body,
    http::{Response, header},
};

/// What the `type` of every problem begins with.
const KIND: &str = "urn:doorward:problem:";

/// The same answer with the API's body.
pub fn told(mut response: Response<Body>, problem: Problem, id: Option<RequestId>) -> Response<Body> {
    let problem = Problem { status: response.status().as_u16(), ..problem };
    let body = words(problem, id.map(|RequestId(id)| id.to_string()).unwrap_or_default());
    *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

/// A problem of the request of that name, as the API tells it.
pub(super) fn words(problem: Problem, request_id: String) -> ApiProblem {
    ApiProblem {
        kind: [KIND, name(problem.code)].concat(),
        title: title(problem.code).to_owned(),
        status: problem.status,
        detail: problem.detail,
        code: problem.code,
        request_id,
        errors: problem.fields.iter().map(error).collect(),
        retry_after: problem.retry_after,
    }
}

fn error(field: &FieldError) -> InputError {
    let (pointer, parameter) = match field.field.strip_prefix(PARAMETER) {
        Some(parameter) => (None, Some(parameter.to_owned())),
        None if field.field.is_empty() => (Some("#".to_owned()), None),
        None => (Some(["#/", &field.field].concat()), None),
    };
    InputError { pointer, parameter, detail: field.message.clone() }
}

/// The stable name of a kind of failure: as in JSON.
const fn name(code: Code) -> &'static str {
    match code {
        Code::InvalidInput => "invalid_input",
        Code::MalformedRequest => "malformed_request",
        Code::WrongCredentials => "wrong_credentials",
        Code::NotSignedIn => "not_signed_in",
        Code::InvalidTicket => "invalid_ticket",
        Code::ProofRequired => "proof_required",
        Code::FactorRequired => "factor_required",
        Code::EnrolmentRequired => "enrolment_required",
        Code::ChallengeOver => "challenge_over",
        Code::LastWayIn => "last_way_in",
        Code::UnconfirmedEmail => "unconfirmed_email",
        Code::RegistrationClosed => "registration_closed",
        Code::LeavingAccount => "leaving_account",
        Code::CrossSite => "cross_site",
        Code::NotFound => "not_found",
        Code::MethodNotAllowed => "method_not_allowed",
        Code::UnsupportedMediaType => "unsupported_media_type",
        Code::TooLarge => "too_large",
        Code::TooManyRequests => "too_many_requests",
        Code::Unavailable => "unavailable",
        Code::Offline => "offline",
        Code::Internal => "internal",
    }
}

const fn title(code: Code) -> &'static str {
    match code {
        Code::InvalidInput => "Some fields are not acceptable",
        Code::MalformedRequest => "The request cannot be read",
        Code::WrongCredentials => "Name or password is wrong",
        Code::NotSignedIn => "No valid token came with the request",
        Code::InvalidTicket => "The link or code is not valid",
        Code::ProofRequired => "Who is there must be shown again first",
        Code::FactorRequired => "A second factor must be shown",
        Code::EnrolmentRequired => "A second factor must be enrolled first",
        Code::ChallengeOver => "The sign-in is over",
        Code::LastWayIn => "It is the last way in",
        Code::UnconfirmedEmail => "The address must be confirmed first",
        Code::RegistrationClosed => "No new accounts are taken",
        Code::LeavingAccount => "The account is about to be deleted",
        Code::CrossSite => "The request came from another site",
        Code::NotFound => "There is nothing here",
        Code::MethodNotAllowed => "The method is not taken here",
        Code::UnsupportedMediaType => "The media type is not taken here",
        Code::TooLarge => "The request is too large",
        Code::TooManyRequests => "Tried too often",
        Code::Unavailable => "The server is busy or its database away",
        Code::Offline => "The server cannot be reached",
        Code::Internal => "Something went wrong inside the server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_kind_is_the_one_it_has_in_json() {
        for code in [Code::InvalidInput, Code::NotSignedIn, Code::MethodNotAllowed, Code::Internal, Code::CrossSite] {
            assert_eq!(serde_json::to_value(code).unwrap(), name(code));
        }
    }
}
