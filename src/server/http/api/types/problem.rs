//! What went wrong, on the wire (RFC 9457).

use crate::domain::problem::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A failure. Programs go by `code` (or `type`, which says the same); `detail` is for people and may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiProblem {
    /// The kind of failure as a URI: `urn:doorward:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(max_length = 128, example = "urn:doorward:problem:invalid_input")]
    pub kind: String,
    /// The kind in words.
    #[schema(max_length = 128, example = "Some fields are not acceptable")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// One sentence for people.
    #[schema(max_length = 512, example = "Please check the fields marked below.")]
    pub detail: String,
    /// The kind, stable.
    #[schema(value_type = String, max_length = 64, example = "invalid_input")]
    pub code: Code,
    /// The name of this request in the server's log; also in the header `X-Request-Id`.
    #[schema(max_length = 64, example = "0f4c1a2b3c4d5e6f708192a3b4c5d6e7")]
    pub request_id: String,
    /// What is wrong with which part of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub errors: Vec<InputError>,
    /// Seconds until it makes sense to try again; also in the header `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 17)]
    pub retry_after: Option<u64>,
}

/// What is wrong with one part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputError {
    /// Where in the body: a JSON Pointer as a fragment (RFC 6901 section 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128, example = "#/password")]
    pub pointer: Option<String>,
    /// Or which parameter of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "limit")]
    pub parameter: Option<String>,
    /// What is wrong and what would be right. Never what was sent.
    #[schema(
        max_length = 512,
        example = "Use at least 10 characters. A few words that do not belong together are good."
    )]
    pub detail: String,
}
