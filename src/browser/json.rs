//! Reading our own types from what the browser parsed. A JSON reader in the WASM would be a fifth of its weight.
//!
//! The names are those that serde writes. A field that is added to a type and not read here does not compile.

use crate::domain::{
    account::{Account, AccountId},
    factor::Ceremony,
    grant::{Done, Grant},
    problem::{Code, FieldError, Problem},
    time::Timestamp,
};
use js_sys::{Array, Reflect};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error},
};
use wasm_bindgen::{JsCast, JsValue};

/// A type that comes as JSON.
pub(super) trait FromJson: Sized {
    /// The value, unless something is missing or of another type.
    fn from_json(json: &JsValue) -> Option<Self>;
}

impl FromJson for Account {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            id: AccountId(integer(json, "id")?),
            username: text(json, "username")?,
            email: text(json, "email")?,
            first_name: text(json, "first_name")?,
            last_name: text(json, "last_name")?,
            created_at: Timestamp(integer(json, "created_at")?),
            last_login_at: integer(json, "last_login_at").map(Timestamp),
            email_verified_at: integer(json, "email_verified_at").map(Timestamp),
            time_zone: text(json, "time_zone")?,
            delete_at: integer(json, "delete_at").map(Timestamp),
        })
    }
}

impl FromJson for Grant {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            access_token: text(json, "access_token")?,
            token_type: text(json, "token_type")?,
            expires_in: integer(json, "expires_in")?,
            expires_at: Timestamp(integer(json, "expires_at")?),
        })
    }
}

impl FromJson for Done {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { next: text(json, "next")?, grant: Grant::from_json(&get(json, "grant")) })
    }
}

impl FromJson for Ceremony {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { ceremony: text(json, "ceremony")?, options: text(json, "options")? })
    }
}

impl FromJson for Problem {
    fn from_json(json: &JsValue) -> Option<Self> {
        let fields = get(json, "fields").dyn_into::<Array>().unwrap_or_default();
        Some(Self {
            code: code(&text(json, "code")?)?,
            status: u16::try_from(integer(json, "status")?).ok()?,
            detail: text(json, "detail")?,
            fields: fields.iter().filter_map(|field| FieldError::from_json(&field)).collect(),
            retry_after: integer(json, "retry_after").and_then(|seconds| u64::try_from(seconds).ok()),
        })
    }
}

impl FromJson for FieldError {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { field: text(json, "field")?, message: text(json, "message")? })
    }
}

fn code(name: &str) -> Option<Code> {
    let name: Result<_, Error> = Code::deserialize(name.into_deserializer());
    name.ok()
}

fn get(json: &JsValue, name: &str) -> JsValue {
    // `get` throws on what is no object at all.
    Reflect::get(json, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text(json: &JsValue, name: &str) -> Option<String> {
    get(json, name).as_string()
}

fn integer(json: &JsValue, name: &str) -> Option<i64> {
    // Ours are below 2^53, so a JSON number holds them exactly.
    get(json, name).as_f64().map(|number| number as i64)
}
