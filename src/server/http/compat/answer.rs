//! What leaves this door: compact JSON in Django's order of keys, or nothing at all.

use super::words::{ENROLMENT_REQUIRED, FACTOR_REQUIRED, ONE_OF_US};
use crate::{
    domain::problem::Problem,
    server::auth::{AuthError, TokenFault},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, StatusCode, header},
    response::IntoResponse as _,
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// How a client can do better.
pub const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"api\"");
/// Where errors of the form as a whole stand.
pub const WHOLE: &str = "non_field_errors";

/// An answer.
pub struct Told(Response<Body>);

impl Told {
    /// With a body.
    pub fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Self {
        Self(json(status, body))
    }

    /// Without a body and a content type.
    pub fn empty(status: StatusCode) -> Self {
        Self(status.into_response())
    }

    /// What is sent.
    pub fn response(self) -> Response<Body> {
        self.0
    }
}

/// What is wrong with which field, in the form's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<(String, Vec<String>)>);

impl Faults {
    /// One fault of one field.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(field, message);
        faults
    }

    /// Adds a fault; those of one field stand together.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        match self.0.iter_mut().find(|(name, _)| name == field) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((field.to_owned(), vec![message.into()])),
        }
    }

    /// Puts the fields into this order.
    pub fn in_order(mut self, order: &[&str]) -> Self {
        self.0.sort_by_key(|(field, _)| order.iter().position(|name| name == field));
        self
    }

    /// A refusal, if there are any.
    pub fn refuse(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::Fields(self)) }
    }
}

/// A refusal.
pub enum Refusal {
    /// 400 with the fields.
    Fields(Faults),
    /// 400 without a body.
    Empty,
    /// One sentence, perhaps with a stable name.
    Detail(StatusCode, String, Option<&'static str>),
    /// An access token that is not good, and why.
    Token(&'static str),
    /// In the words of `problem`.
    Problem(Problem),
}

#[derive(Serialize)]
struct Detail<'a> {
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<[Message; 1]>,
}

#[derive(Serialize)]
struct Message {
    token_class: &'static str,
    token_type: &'static str,
    message: &'static str,
}

/// The fields as one object, whose keys stay in order.
struct Object<'a>(&'a Faults, bool);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Faults(fields), adds_detail) = self;
        let mut map = serializer.serialize_map(None)?;
        for (field, messages) in fields {
            map.serialize_entry(field, messages)?;
        }
        if *adds_detail && let Some(first) = fields.first().and_then(|(_, messages)| messages.first()) {
            map.serialize_entry("detail", first)?;
        }
        map.end()
    }
}

impl Refusal {
    /// 401: no credentials.
    pub fn not_provided() -> Self {
        Self::unauthorized("Authentication credentials were not provided.", None)
    }

    /// 401.
    pub fn unauthorized(detail: &str, code: Option<&'static str>) -> Self {
        Self::Detail(StatusCode::UNAUTHORIZED, detail.to_owned(), code)
    }

    /// 405.
    pub fn method(method: &Method) -> Self {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"];
        // What a client has made up is not repeated.
        let name = known.into_iter().find(|name| *name == method.as_str()).unwrap_or("OTHER");
        Self::Detail(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{name}\" not allowed."), None)
    }

    /// 403.
    pub fn forbidden(detail: &str) -> Self {
        Self::Detail(StatusCode::FORBIDDEN, detail.to_owned(), None)
    }

    /// One fault of one field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Fields(Faults::one(field, message))
    }

    /// What is sent.
    pub fn response(self, adds_detail: bool) -> Response<Body> {
        let (status, mut response) = match self {
            Self::Fields(faults) => {
                (StatusCode::BAD_REQUEST, json(StatusCode::BAD_REQUEST, &Object(&faults, adds_detail)))
            }
            Self::Empty => (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST.into_response()),
            Self::Detail(status, detail, code) => {
                (status, json(status, &Detail { detail: &detail, code, messages: None }))
            }
            Self::Token(message) => {
                let messages = [Message { token_class: "AccessToken", token_type: "access", message }];
                let detail = "Given token not valid for any token type";
                let body = Detail { detail, code: Some("token_not_valid"), messages: Some(messages) };
                (StatusCode::UNAUTHORIZED, json(StatusCode::UNAUTHORIZED, &body))
            }
            Self::Problem(problem) => return problem.into_response(),
        };
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        response
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::NotSignedIn | AuthError::Superseded => Self::Token("Token is invalid"),
            AuthError::WrongCredentials => Self::unauthorized(ONE_OF_US, None),
            AuthError::FactorRequired => Self::unauthorized(FACTOR_REQUIRED, Some("factor_required")),
            AuthError::EnrolmentRequired => Self::unauthorized(ENROLMENT_REQUIRED, Some("enrolment_required")),
            error => Self::Problem(error.into()),
        }
    }
}

/// A refresh token that is not good.
impl From<TokenFault> for Refusal {
    fn from(fault: TokenFault) -> Self {
        let invalid = |detail| Self::unauthorized(detail, Some("token_not_valid"));
        match fault {
            TokenFault::Invalid => invalid("Token is invalid"),
            TokenFault::Expired => invalid("Token is expired"),
            TokenFault::WrongType => invalid("Token has wrong type"),
            TokenFault::Ended => invalid("Token is blacklisted"),
            TokenFault::NoAccount | TokenFault::Inactive => {
                Self::unauthorized("No active account found for the given token.", Some("no_active_account"))
            }
            TokenFault::Other(error) => error.into(),
        }
    }
}

fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
