//! Tokens, how they travel, and what is asked about them.

use super::{AccountView, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the refresh token travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "cookie", example = "cookie")]
pub enum Transport {
    /// In an `HttpOnly` cookie: for browsers.
    #[default]
    Cookie,
    /// In the body: for programs that keep it themselves. No cookie is set.
    Body,
}

/// What a sign-in or a refresh gives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// For `Authorization: Bearer`. A JWT (RFC 9068) that other services verify by `/.well-known/jwks.json`.
    #[schema(value_type = String, max_length = 4096, example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.e30.c2ln")]
    pub access_token: Secret,
    /// Always `Bearer`.
    #[schema(max_length = 6, example = "Bearer")]
    pub token_type: String,
    /// Seconds until the access token expires.
    #[schema(minimum = 1, maximum = 900, example = 600)]
    pub expires_in: i64,
    /// When it expires.
    #[schema(format = DateTime, max_length = 32, example = "2026-11-20T16:10:00Z")]
    pub expires_at: String,
    /// The next refresh token, if it travels in the body; the one before is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 64, example = "AVd0SU9mZ2hQb2tqTkRsUmZ3AahqkT1yJvU0oOa1bH8uPcQ")]
    pub refresh_token: Option<Secret>,
}

/// What comes after a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The account is there and signed in: `tokens` are for it.
    SignedIn,
    /// The address must be confirmed first, with the mail that was sent to it.
    ConfirmEmail,
    /// Sign in now.
    SignIn,
}

/// What became of a registration. By the settings of the server the answer may be the same for an address that has an
/// account already; its owner is told by mail then.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// What comes next.
    pub next: Next,
    /// For whoever is signed in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// The account, for whoever is signed in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountView>,
    /// What the mailed code works with, if it travels in the body; a cookie otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
    pub request_token: Option<Secret>,
}

/// A mail is on its way, if there is somebody to mail to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    /// Seconds for which the mailed link works, at most.
    #[schema(minimum = 0, maximum = 86_400, example = 1800)]
    pub expires_in: i64,
    /// What the mailed code works with, if it travels in the body; a cookie otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
    pub request_token: Option<Secret>,
}

/// The question about a token (RFC 7662 section 2.1); also taken as a form.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IntrospectionRequest {
    /// The access token.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1, max_length = 4096, example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.e30.c2ln")]
    pub token: Secret,
    /// What kind of token it is thought to be. Nothing depends on it: access tokens alone are known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "access_token")]
    pub token_type_hint: Option<String>,
}

/// The answer about a token (RFC 7662 section 2.2). Of one that is not active, for whatever reason, nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Introspection {
    /// Whether it is good now: made by us, in time, and its session lives.
    #[schema(example = true)]
    pub active: bool,
    /// Whose it is: the account's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 16, example = "2761549837210045")]
    pub sub: Option<String>,
    /// The session it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "tR7yq0jD3sXkz8hVYt2nAg")]
    pub sid: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255, example = "http://localhost:3000")]
    pub iss: Option<String>,
    /// For whom it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255, example = "http://localhost:3000")]
    pub aud: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1_795_190_400)]
    pub iat: Option<i64>,
    /// When it expires, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1_795_191_000)]
    pub exp: Option<i64>,
    /// Its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "m0jD3sXkz8hVYt2nAgtR7y")]
    pub jti: Option<String>,
    /// Always `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 6, example = "Bearer")]
    pub token_type: Option<String>,
    /// The user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 32, example = "mona")]
    pub username: Option<String>,
}
