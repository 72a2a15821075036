//! What comes in: JSON bodies and query parameters, with errors that name the place and never repeat the value.

use crate::{
    domain::problem::{Code, FieldError, Problem},
    server::http::{AppState, media::is_json},
};
use axum::{
    body::{Body, Bytes},
    extract::{self, FromRequest, FromRequestParts, Request, rejection::PathRejection},
    http::{header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_path_to_error::{Path, Segment};

/// Stands before the name of a query parameter where the name of a field is meant to be.
pub const PARAMETER: char = '?';
/// Entries of a page of a list, unless asked for otherwise; and the most there are.
const PAGE: usize = 25;
const LARGEST_PAGE: usize = 100;
/// The longest cursor that is looked at, in bytes.
const LONGEST_CURSOR: usize = 128;
/// The longest name of an unknown field that is said back, in characters.
const NAME_LIMIT: usize = 64;

/// A body of JSON.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            let detail = "Send the request as application/json.";
            return Err(Problem::new(Code::UnsupportedMediaType, 415, detail).into_response());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|_| cut().into_response())?;
        parse(&bytes).map(Self).map_err(|problem| problem.into_response())
    }
}

/// A body of JSON, or none: an empty body is an empty object.
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<AppState> for MaybeJson<T> {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Self::Rejection> {
        let (named, json) = (request.headers().contains_key(header::CONTENT_TYPE), is_json(request.headers()));
        let bytes = Bytes::from_request(request, state).await.map_err(|_| cut().into_response())?;
        if bytes.is_empty() && (json || !named) {
            return Ok(Self(T::default()));
        }
        if !json {
            let detail = "Send the request as application/json.";
            return Err(Problem::new(Code::UnsupportedMediaType, 415, detail).into_response());
        }
        parse(&bytes).map(Self).map_err(|problem| problem.into_response())
    }
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf {
    /// Where it begins; nothing for the first one.
    pub cursor: Option<String>,
    /// Entries, 1 to 100.
    pub limit: usize,
}

impl FromRequestParts<AppState> for PageOf {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        let mut page = Self { cursor: None, limit: PAGE };
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if ["cursor", "limit"].contains(&name.as_ref()) && seen.contains(&name) {
                return Err(wrong_parameter(&name, "Give this once.").into_response());
            }
            match name.as_ref() {
                "cursor" if value.len() > LONGEST_CURSOR => {
                    return Err(wrong_cursor().into_response());
                }
                "cursor" => page.cursor = Some(value.into_owned()),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
                    let wrong = || wrong_parameter("limit", "Give a number from 1 to 100.").into_response();
                    page.limit = limit.ok_or_else(wrong)?;
                }
                _ => {}
            }
            seen.push(name);
        }
        Ok(page)
    }
}

/// A cursor that is none.
pub fn wrong_cursor() -> Problem {
    wrong_parameter("cursor", "This is no cursor of this list.")
}

/// A query parameter that is not acceptable.
fn wrong_parameter(name: &str, message: &str) -> Problem {
    let field = format!("{PARAMETER}{name}");
    Problem {
        detail: "Please check the parameters.".to_owned(),
        ..Problem::invalid(vec![FieldError::new(&field, message)])
    }
}

/// A public name in the path. One that is no text, or that no database takes, is the name of nothing.
pub fn public_name(id: Result<extract::Path<String>, PathRejection>) -> Option<String> {
    id.ok().map(|extract::Path(id)| id).filter(|id| !id.contains('\0'))
}

/// The refusal of a text of the body that is longer than this many characters.
pub fn longer_than(limit: usize, name: &str, text: &str) -> Option<Problem> {
    let message = || format!("Use at most {limit} characters.");
    (text.chars().nth(limit).is_some()).then(|| Problem::invalid(vec![FieldError::new(name, message())]))
}

/// The connection ended in the middle of the body, or it was too large: then a layer further out says so.
fn cut() -> Problem {
    Problem::new(Code::MalformedRequest, 400, "The request ended before it was complete.")
}

/// Reads JSON. What is none is `malformed_request` (400); a value of the wrong kind is `invalid_input` (422) with its place.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: &str| Problem::new(Code::MalformedRequest, 400, detail);
    if bytes.is_empty() {
        return Err(malformed("The request has no body. Send a JSON object."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // serde reads a list into a struct as well, field by field; here only an object is meant.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let value = match first {
        Some(b'{') => serde_path_to_error::deserialize(&mut reader),
        _ => {
            return Err(match serde::de::IgnoredAny::deserialize(&mut reader).and_then(|_| reader.end()) {
                Ok(()) => wrong_kind("", "Send a JSON object."),
                Err(_) => malformed("The request is not JSON that can be read."),
            });
        }
    };
    match value {
        Ok(value) => match reader.end() {
            Ok(()) => Ok(value),
            Err(_) => Err(malformed("There is more after the JSON object.")),
        },
        Err(error) if error.inner().is_data() => {
            let place = pointer(error.path());
            let (place, message) = told(place, &error.inner().to_string());
            Err(wrong_kind(&place, &message))
        }
        Err(_) => Err(malformed("The request is not JSON that can be read.")),
    }
}

fn wrong_kind(place: &str, message: &str) -> Problem {
    Problem { detail: "Please check the fields.".to_owned(), ..Problem::invalid(vec![FieldError::new(place, message)]) }
}

/// What serde says, without the value: `invalid type: string "secret", expected …` repeats it.
fn told(place: String, said: &str) -> (String, String) {
    let quoted = || said.split('`').nth(1).unwrap_or_default().chars().take(NAME_LIMIT).collect::<String>();
    if said.starts_with("unknown field") {
        return (escape(&quoted()), "There is no such field here.".to_owned());
    }
    if said.starts_with("duplicate field") {
        return (escape(&quoted()), "This field is there twice.".to_owned());
    }
    let expected = said.rsplit_once(", expected ").map(|(_, rest)| rest.split(" at line ").next().unwrap_or(rest));
    let message = match expected {
        Some(expected) => format!("This must be {expected}."),
        None => "This is not of the kind that is meant here.".to_owned(),
    };
    (place, message)
}

fn pointer(path: &Path) -> String {
    let parts = path.iter().map(|segment| match segment {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => escape(key),
        Segment::Enum { variant } => escape(variant),
        Segment::Unknown => String::new(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// RFC 6901 section 3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::{super::types::Login, *};

    fn refused(text: &str) -> (u16, Vec<FieldError>) {
        let problem = parse::<Login>(text.as_bytes()).err().unwrap_or_else(|| panic!("taken: {text}"));
        (problem.status, problem.fields)
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in ["", " ", "{", "{\"identifier\":\"a\",}", "nul", "{} {}", "{}x", "\u{feff}{}"] {
            assert_eq!(refused(text), (400, vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused_at_the_root() {
        for text in ["null", "[]", "\"x\"", "7", "[\"mona\", \"secret\"]"] {
            let (status, fields) = refused(text);
            assert_eq!((status, fields[0].field.as_str()), (422, ""), "{text}");
        }
    }

    #[test]
    fn a_wrong_kind_names_its_place_and_never_the_value() {
        for (text, place) in [
            (r#"{"identifier": 424242}"#, "identifier"),
            (r#"{"password": ["424242"]}"#, "password"),
            (r#"{"remember": "424242"}"#, "remember"),
            (r#"{"transport": "424242"}"#, "transport"),
            (r#"{"identifier": "a", "identifier": "424242"}"#, "identifier"),
            (r#"{"a/b~c": "424242"}"#, "a~1b~0c"),
        ] {
            let (status, fields) = refused(text);
            assert_eq!((status, fields[0].field.as_str()), (422, place), "{text}");
            assert!(!fields[0].message.contains("424242"), "{}", fields[0].message);
        }
    }

    #[test]
    fn a_missing_field_is_empty() {
        let login = parse::<Login>(b"{}").unwrap();
        assert_eq!((login.identifier.as_str(), login.password.expose(), login.remember), ("", "", false));
    }
}
