//! What any operation may refuse, and in which words: problems as the server really tells them.

use super::complete::{has_parameter, header, headers_of_all};
use crate::{
    domain::problem::{Code, FieldError, Problem},
    server::{
        auth::AuthError,
        http::{api::problem, guard, not_found},
    },
};
use std::collections::BTreeMap;
use utoipa::openapi::{
    Content, Ref, RefOr, Response,
    example::Example,
    path::{Operation, ParameterIn},
};

/// The name of a request in the examples.
const REQUEST_ID: &str = "0f4c1a2b3c4d5e6f708192a3b4c5d6e7";
/// Seconds to wait in the examples.
const WAIT: i64 = 17;

/// A refusal: its status, its name among the components, when it comes, and the problems it may tell.
struct Refusal {
    status: &'static str,
    name: &'static str,
    when: &'static str,
    problems: Vec<Problem>,
}

fn all() -> Vec<Refusal> {
    let refusal = |status, name, when, problems| Refusal { status, name, when, problems };
    let new = |code, status, detail: &str| Problem::new(code, status, detail);
    let short = "Use at least 10 characters. A few words that do not belong together are good.";
    let wrong_body = Problem {
        detail: "Please check the fields.".to_owned(),
        ..Problem::invalid(vec![FieldError::new("password", short)])
    };
    let json = "The request is not JSON that can be read.";
    let slow = "The request took too long. Please try again.";
    let large = "The request is too large: at most 65536 bytes are taken.";
    let media = "Send the request as application/json.";
    let broken = "Something went wrong on our side. Please try again in a moment.";
    vec![
        refusal("400", "Malformed", "The request cannot be read.", vec![new(Code::MalformedRequest, 400, json)]),
        refusal(
            "401",
            "NotSignedIn",
            "No valid access token came along.",
            vec![AuthError::NotSignedIn.into(), AuthError::FactorRequired.into()],
        ),
        refusal(
            "403",
            "Forbidden",
            "Not from another site, not by an account that is about to be deleted, not before somebody has shown again who \
             is there, not before the address is confirmed or a second factor is enrolled, or not while no new accounts are \
             taken: `code` says which.",
            vec![
                new(Code::CrossSite, 403, guard::DETAIL),
                AuthError::Leaving.into(),
                AuthError::ProofRequired.into(),
                AuthError::UnconfirmedEmail.into(),
                AuthError::EnrolmentRequired.into(),
                AuthError::RegistrationClosed.into(),
            ],
        ),
        refusal("404", "NotFound", "There is nothing of that name.", vec![not_found()]),
        refusal("408", "TooSlow", "The request took too long.", vec![new(Code::Unavailable, 408, slow)]),
        refusal("409", "LastWayIn", "It is the last way in.", vec![AuthError::LastWayIn.into()]),
        refusal("413", "TooLarge", "The body is too large.", vec![new(Code::TooLarge, 413, large)]),
        refusal(
            "415",
            "UnsupportedMediaType",
            "The body is not of a kind that is taken here.",
            vec![new(Code::UnsupportedMediaType, 415, media)],
        ),
        refusal(
            "422",
            "Invalid",
            "A field, a parameter, or a mailed link or code is not acceptable: `errors` says where and why.",
            vec![wrong_body, AuthError::InvalidTicket.into()],
        ),
        refusal("429", "TooManyRequests", "Tried too often.", vec![AuthError::TooMany(WAIT).into()]),
        refusal("500", "Internal", "Something went wrong in the server.", vec![new(Code::Internal, 500, broken)]),
        refusal("503", "Unavailable", "The server is busy.", vec![AuthError::Busy.into()]),
    ]
}

/// The refusals as components, by name.
pub(super) fn shared() -> BTreeMap<String, RefOr<Response>> {
    all().into_iter().map(|refusal| (refusal.name.to_owned(), RefOr::T(refusal.response()))).collect()
}

/// Adds to an operation what it may refuse. What its handler has named itself keeps its words and gets the body. Where no
/// token is asked for, 401 speaks of a password.
pub(super) fn add(operation: &mut Operation, path: &str, is_safe: bool) {
    let schemes = serde_json::to_string(&operation.security).unwrap_or_default();
    let (bearer, body) = (schemes.contains("\"bearer\""), operation.request_body.is_some());
    let (query, named) = (has_parameter(operation, &ParameterIn::Query), path.contains('{'));
    let responses = &mut operation.responses.responses;
    for mut refusal in all() {
        if refusal.status == "401" && ["/sessions/factor", "/sessions/enrolment"].iter().any(|part| path.contains(part))
        {
            refusal.problems = vec![AuthError::ChallengeOver.into()];
        } else if refusal.status == "401" && schemes == "null" {
            refusal.problems = vec![AuthError::WrongCredentials.into()];
        }
        if let Some(RefOr::T(own)) = responses.get_mut(refusal.status) {
            let said = std::mem::replace(own, refusal.response()).description;
            own.description = said;
            continue;
        }
        let possible = match refusal.status {
            "400" | "413" | "415" => body,
            "401" => bearer,
            "403" => !is_safe || bearer,
            "404" => named,
            // Their handlers say so.
            "409" => false,
            "422" => body || query,
            _ => true,
        };
        if possible {
            responses.insert(refusal.status.to_owned(), Ref::from_response_name(refusal.name).into());
        }
    }
}

impl Refusal {
    fn response(self) -> Response {
        let mut headers = headers_of_all();
        if ["429", "503"].contains(&self.status) {
            let wait = header("Seconds until it makes sense to try again.", 10, "17");
            headers.insert("Retry-After".to_owned(), RefOr::T(wait));
        }
        if self.status == "401" {
            let way = header("How one could do better.", 64, "Bearer");
            headers.insert("WWW-Authenticate".to_owned(), RefOr::T(way));
        }
        let mut content = Content::new(Some(Ref::from_schema_name("ApiProblem")));
        let examples = self.problems.into_iter().map(|problem| {
            let told = serde_json::to_value(problem::words(problem, REQUEST_ID.to_owned())).unwrap_or_default();
            let name = told["code"].as_str().unwrap_or_default().to_owned();
            (name, RefOr::T(Example::builder().value(Some(told)).build()))
        });
        content.examples = examples.collect();
        let media = crate::server::http::problem::PROBLEM_JSON;
        let mut response = Response::builder().description(self.when).content(media, content).build();
        response.headers = headers;
        response
    }
}
