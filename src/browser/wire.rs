//! Requests to our server functions. Small on purpose: Leptos's own client can't carry the token and weighs more.

use super::{device, json::FromJson};
use crate::domain::{problem::Problem, renewal};
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Response};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn fetch(path: &str, options: &JsValue) -> Result<JsValue, JsValue>;
}

/// What came back. Status 0: nothing did.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    body: JsValue,
    retry_after: Option<u64>,
}

/// Posts a form's `body` (text or `URLSearchParams`) to `path`; `authorization` is the value of that header.
pub(super) async fn post(
    path: &str,
    authorization: Option<&str>,
    body: &JsValue,
    cancel: Option<&AbortController>,
) -> Answer {
    let headers = Object::new();
    set(&headers, "accept", &"application/json".into());
    set(&headers, "content-type", &"application/x-www-form-urlencoded".into());
    if let Some(authorization) = authorization {
        set(&headers, "authorization", &authorization.into());
    }
    let options = Object::new();
    set(&options, "method", &"POST".into());
    set(&options, "headers", &headers);
    set(&options, "body", body);
    // None of our functions redirects a script, so a redirect is somebody else's: a hotel's portal.
    set(&options, "redirect", &"error".into());
    if let Some(cancel) = cancel {
        set(&options, "signal", &cancel.signal());
    }
    answer(path, &options).await.unwrap_or(Answer { status: 0, body: JsValue::UNDEFINED, retry_after: None })
}

async fn answer(path: &str, options: &JsValue) -> Option<Answer> {
    let response: Response = fetch(path, options).await.ok()?.unchecked_into();
    let retry_after = response.headers().get("retry-after").ok().flatten().and_then(|value| seconds(&value));
    // What is not JSON is not ours.
    let body = JsFuture::from(response.json().ok()?).await.unwrap_or(JsValue::UNDEFINED);
    Some(Answer { status: response.status(), body, retry_after })
}

fn set(object: &Object, name: &str, value: &JsValue) {
    _ = Reflect::set(object, &name.into(), value);
}

/// A `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3).
fn seconds(value: &str) -> Option<u64> {
    value.parse().ok().or_else(|| renewal::seconds_left(device::now(), js_sys::Date::parse(value)))
}

impl Answer {
    /// The value that the server sent.
    ///
    /// # Errors
    /// The problem that it sent instead, or one by the status where what came is not ours.
    pub(super) fn read<T: FromJson>(&self) -> Result<T, Problem> {
        if (200..300).contains(&self.status) {
            T::from_json(&self.body).ok_or_else(|| renewal::unreadable(0))
        } else {
            Err(self.problem())
        }
    }

    /// The problem of an answer that is none.
    pub(super) fn problem(&self) -> Problem {
        let mut problem = Problem::from_json(&self.body).unwrap_or_else(|| renewal::unreadable(self.status));
        problem.status = self.status;
        problem.retry_after = problem.retry_after.or(self.retry_after);
        problem
    }
}
