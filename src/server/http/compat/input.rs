//! What comes in: JSON, a form or a multipart form, read as DRF's serializers read it.

use super::answer::{Faults, Refusal, WHOLE};
use crate::domain::problem::{Code, Problem};
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest as _, Multipart, Request},
    http::{StatusCode, header},
};
use secrecy::SecretString;
use serde_json::{Map, Value};

/// The media type of JSON.
pub const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";
/// What is taken.
pub const MEDIA: [&str; 3] = [JSON, FORM, MULTIPART];

/// The longest media type that is said back, in characters.
const MEDIA_LIMIT: usize = 64;

const REQUIRED: &str = "This field is required.";
const NULL: &str = "This field may not be null.";
const BLANK: &str = "This field may not be blank.";
const NO_TEXT: &str = "Not a valid string.";

/// The fields of a body. Those that nobody asks for are not looked at.
#[derive(Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Those of a request.
    ///
    /// # Errors
    /// Another media type, or a body that is not of its own.
    pub async fn of(request: Request) -> Result<Self, Refusal> {
        let named = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = named.unwrap_or_default().to_owned();
        let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == MULTIPART {
            return multipart(request).await;
        }
        let bytes = to_bytes(request.into_body(), usize::MAX).await.map_err(|_| cut())?;
        match kind.as_str() {
            _ if bytes.is_empty() => Ok(Self::default()),
            JSON => object(&bytes),
            FORM => Ok(Self(
                form_urlencoded::parse(&bytes)
                    .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                    .collect(),
            )),
            _ => {
                let media: String = media.chars().filter(|c| !c.is_control()).take(MEDIA_LIMIT).collect();
                let detail = format!("Unsupported media type \"{media}\" in request.");
                Err(Refusal::Detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail, None))
            }
        }
    }

    /// Whether the field is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that must be there, trimmed.
    pub fn text(&self, name: &str, faults: &mut Faults) -> Option<String> {
        let text = self.read(name, faults)?.trim().to_owned();
        if text.is_empty() {
            faults.add(name, BLANK);
            return None;
        }
        Some(text)
    }

    /// A text that may be missing or empty, trimmed.
    pub fn text_or_none(&self, name: &str, faults: &mut Faults) -> String {
        if !self.has(name) {
            return String::new();
        }
        self.read(name, faults).map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    /// A password that must be there, as it is: not trimmed.
    pub fn password(&self, name: &str, faults: &mut Faults) -> Option<SecretString> {
        let text = self.read(name, faults)?;
        if text.is_empty() {
            faults.add(name, BLANK);
            return None;
        }
        Some(text.into())
    }

    fn read(&self, name: &str, faults: &mut Faults) -> Option<String> {
        let fault = match self.0.get(name) {
            Some(Value::String(text)) if text.contains('\0') => "Null characters are not allowed.",
            Some(Value::String(text)) => return Some(text.clone()),
            Some(Value::Number(number)) => return Some(number.to_string()),
            Some(Value::Null) => NULL,
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => NO_TEXT,
            None => REQUIRED,
        };
        faults.add(name, fault);
        None
    }
}

/// The connection ended in the middle of the body, or it was too large: then a layer further out says so.
fn cut() -> Refusal {
    Refusal::Problem(Problem::new(Code::MalformedRequest, 400, "The request ended before it was complete."))
}

fn malformed(detail: String) -> Refusal {
    Refusal::Detail(StatusCode::BAD_REQUEST, detail, None)
}

fn object(bytes: &Bytes) -> Result<Fields, Refusal> {
    // serde_json's own message may quote what it met.
    let value = serde_json::from_slice::<Value>(bytes)
        .map_err(|error| malformed(format!("JSON parse error - line {} column {}", error.line(), error.column())))?;
    let kind = match value {
        Value::Object(fields) => return Ok(Fields(fields)),
        Value::Null => return Err(Refusal::field(WHOLE, "No data provided")),
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
    };
    Err(Refusal::field(WHOLE, format!("Invalid data. Expected a dictionary, but got {kind}.")))
}

async fn multipart(request: Request) -> Result<Fields, Refusal> {
    let wrong = |_| malformed("Multipart form parse error - the parts cannot be read".to_owned());
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| wrong(()))?;
    let mut fields = Map::new();
    while let Some(part) = parts.next_field().await.map_err(|_| wrong(()))? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let is_file = part.file_name().is_some();
        let text = part.text().await.map_err(|_| wrong(()))?;
        // A file is no text, whatever it holds.
        let value = if is_file { Value::Bool(true) } else { Value::String(text) };
        fields.insert(name, value);
    }
    Ok(Fields(fields))
}
