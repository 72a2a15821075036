//! What other services ask about an access token (RFC 7662), if they cannot verify it by our keys.

use super::{
    caller::Anyone,
    input,
    types::{Introspection, IntrospectionRequest, Secret},
};
use crate::{
    domain::problem::{Code, FieldError, Problem},
    server::http::{
        AppState,
        media::{is_form, is_json},
    },
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;

/// The longest access token and the longest hint that are looked at, in characters.
const TOKEN_LIMIT: usize = 4096;
const HINT_LIMIT: usize = 64;

/// Ask whether an access token is good now.
///
/// Also felt: a sign-out, which a service that only verifies the signature notices when the token expires. Takes JSON, and
/// a form as in RFC 7662. If the server's setting `introspection.secret` is set, send it as the Bearer token or as the
/// password of Basic authentication.
#[utoipa::path(post, path = "/tokens/introspect", tag = "Tokens", operation_id = "introspect",
    request_body(content((IntrospectionRequest = "application/json"), (IntrospectionRequest = "application/x-www-form-urlencoded"))),
    security((), ("introspection" = [])), responses(
    (status = 200, description = "What there is to know.", body = Introspection),
    (status = 401, description = "The secret is missing or wrong."),
))]
pub(super) async fn introspect(
    State(state): State<AppState>,
    Anyone(call): Anyone,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, Response<Body>> {
    if !state.auth.may_introspect(&shown(&headers)) {
        let detail = "Send the secret of the setting introspection.secret.";
        return Err(call.refuse(Problem::new(Code::NotSignedIn, 401, detail)));
    }
    let question = question(&headers, &body).map_err(|problem| call.refuse(problem))?;
    check(&question).map_err(|problem| call.refuse(problem))?;
    let found = state.auth.introspect(question.token.expose()).await.map_err(|error| call.refuse(error))?;
    let settings = &state.settings;
    let answer = match found {
        None => Introspection::inactive(),
        Some((claims, username)) => Introspection {
            active: true,
            sub: Some(claims.account.to_string()),
            sid: Some(claims.sid),
            iss: Some(settings.server.public_url.clone()),
            aud: Some(settings.token.audience.clone()),
            iat: Some(claims.issued_at.0),
            exp: Some(claims.expires_at.0),
            jti: Some(claims.jti),
            token_type: Some("Bearer".to_owned()),
            username: Some(username),
        },
    };
    Ok(call.answer_with(StatusCode::OK, &answer))
}

fn check(question: &IntrospectionRequest) -> Result<(), Problem> {
    let token = question.token.expose();
    if token.is_empty() {
        return Err(Problem::invalid(vec![FieldError::new("token", "Send the token.")]));
    }
    let hint = question.token_type_hint.as_deref().unwrap_or_default();
    let long = input::longer_than(TOKEN_LIMIT, "token", token);
    long.or_else(|| input::longer_than(HINT_LIMIT, "token_type_hint", hint)).map_or(Ok(()), Err)
}

fn question(headers: &HeaderMap, body: &Bytes) -> Result<IntrospectionRequest, Problem> {
    if is_json(headers) {
        return input::parse(body);
    }
    if !is_form(headers) {
        let detail = "Send the request as application/json or application/x-www-form-urlencoded.";
        return Err(Problem::new(Code::UnsupportedMediaType, 415, detail));
    }
    let field =
        |name: &str| form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let token = Secret::from(field("token").unwrap_or_default().as_str());
    Ok(IntrospectionRequest { token, token_type_hint: field("token_type_hint") })
}

/// The secret that came along: as the Bearer token, or as the password of Basic authentication. Empty if none did.
fn shown(headers: &HeaderMap) -> SecretString {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, sent) = value.split_once(' ').unwrap_or_default();
    let secret = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => sent.trim().to_owned(),
        "basic" => {
            let text = STANDARD.decode(sent.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.unwrap_or_default();
            text.split_once(':').map(|(_, password)| password.to_owned()).unwrap_or_default()
        }
        _ => String::new(),
    };
    secret.into()
}

impl Introspection {
    /// The answer about whatever is not good, or not ours.
    #[must_use]
    pub const fn inactive() -> Self {
        Self {
            active: false,
            sub: None,
            sid: None,
            iss: None,
            aud: None,
            iat: None,
            exp: None,
            jti: None,
            token_type: None,
            username: None,
        }
    }
}
