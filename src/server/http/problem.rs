//! The one status table: what each refusal of the service is to the caller, and how a problem leaves the server.

use crate::{
    domain::problem::{Code, Problem},
    server::auth::AuthError,
};
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};

/// RFC 9457's media type.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds that a caller is asked to wait when the server is busy or its database away.
pub(super) const BUSY_RETRY: u64 = 2;

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid(fields) => Self::invalid(fields),
            AuthError::WrongCredentials => {
                Self::new(Code::WrongCredentials, 401, "That name and password do not match. Check both and try again.")
            }
            AuthError::NotSignedIn | AuthError::Superseded => {
                Self::new(Code::NotSignedIn, 401, "You are not signed in, or your session has ended. Please sign in.")
            }
            AuthError::InvalidTicket => Self::new(
                Code::InvalidTicket,
                422,
                "This link or code is not valid. It may have been used already or be too old. Ask for a new mail.",
            ),
            AuthError::ProofRequired => Self::new(Code::ProofRequired, 403, "Please confirm again that it is you."),
            AuthError::FactorRequired => {
                Self::new(Code::FactorRequired, 401, "Please confirm with your second step that it is you.")
            }
            AuthError::EnrolmentRequired => Self::new(
                Code::EnrolmentRequired,
                403,
                "This site asks for a second step, and this account has none yet.",
            ),
            AuthError::ChallengeOver => Self::new(
                Code::ChallengeOver,
                401,
                "This sign-in took too long, or too many codes were wrong. Please sign in again.",
            ),
            AuthError::LastWayIn => Self::new(
                Code::LastWayIn,
                409,
                "Without it you could not sign in any more, or not as this site asks. Add another way first.",
            ),
            AuthError::UnconfirmedEmail => {
                Self::new(Code::UnconfirmedEmail, 403, "Please confirm your e-mail address first.")
            }
            AuthError::TooMany(seconds) => Self {
                retry_after: Some(seconds.max(1).unsigned_abs()),
                ..Self::new(Code::TooManyRequests, 429, "That was tried too often.")
            },
            AuthError::RegistrationClosed => {
                Self::new(Code::RegistrationClosed, 403, "This site takes no new accounts at the moment.")
            }
            AuthError::NotFound => super::not_found(),
            AuthError::Leaving => Self::new(
                Code::LeavingAccount,
                403,
                "This account is about to be deleted. Keep it first if you want to change something.",
            ),
            AuthError::Busy => unavailable("We are very busy at the moment. Please try again in a few seconds."),
            AuthError::Unavailable(_) => {
                tracing::error!(%error, "the database is not available");
                unavailable("We cannot reach our database at the moment. Please try again in a few seconds.")
            }
            AuthError::Broken(_) | AuthError::Signing => {
                tracing::error!(%error, "a request failed inside the server");
                Self::new(Code::Internal, 500, "Something went wrong on our side. Please try again in a moment.")
            }
        }
    }
}

fn unavailable(detail: &str) -> Problem {
    Problem { retry_after: Some(BUSY_RETRY), ..Problem::new(Code::Unavailable, 503, detail) }
}

/// The status of a problem; a number that is none is 500.
#[must_use]
pub fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status(&self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // RFC 9110 section 15.5.2: every 401 says how one could do better.
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For the doors that tell it in other words.
        response.extensions_mut().insert(self);
        response
    }
}
