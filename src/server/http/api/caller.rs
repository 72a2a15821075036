//! Who calls, and how the answer carries tokens.

use super::{
    input::longer_than,
    types::{Asked, Secret, Tokens, Transport},
};
use crate::{
    domain::{
        grant::Grant,
        problem::{FieldError, Problem},
    },
    server::{
        auth::{AskedReset, AuthError, Opened, Principal},
        http::{AppState, cookies::Kind, render::Call},
    },
};
use axum::{
    Json,
    body::Body,
    extract::FromRequestParts,
    http::{Response, StatusCode, request::Parts},
    response::IntoResponse as _,
};
use secrecy::SecretString;
use serde::Serialize;
use std::{convert::Infallible, sync::Arc};

/// The longest refresh token that is looked at, in characters.
const TOKEN_LIMIT: usize = 64;

/// A call by anybody.
pub struct Anyone(pub Call);

impl FromRequestParts<AppState> for Anyone {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(Call::of(state, parts)))
    }
}

/// A call with an access token.
pub struct Caller {
    /// The call.
    pub call: Call,
    /// Who it is.
    pub principal: Arc<Principal>,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let Leaver { call, principal } = Leaver::from_request_parts(parts, state).await?;
        if principal.account.delete_at.is_some() {
            return Err(Problem::from(AuthError::Leaving).into_response());
        }
        Ok(Self { call, principal })
    }
}

/// As [`Caller`], also where the account is on its way out.
pub struct Leaver {
    /// The call.
    pub call: Call,
    /// Who it is.
    pub principal: Arc<Principal>,
}

impl FromRequestParts<AppState> for Leaver {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let call = Call::of(state, parts);
        match call.principal_by_token().await {
            Ok(principal) => Ok(Self { call, principal }),
            Err(problem) => Err(problem.into_response()),
        }
    }
}

/// The session's refresh token, as it came: in the body, or else in the cookie.
pub struct Held {
    token: Option<SecretString>,
    /// How the next one travels.
    pub transport: Transport,
}

impl Held {
    /// That of `call`; `sent` is what the body holds.
    ///
    /// # Errors
    /// 422 if the body holds one that is empty or longer than any of ours.
    pub fn of(call: &Call, sent: Option<Secret>) -> Result<Self, Problem> {
        let Some(token) = sent else {
            let token = call.held().map(|held| held.to_owned().into());
            return Ok(Self { token, transport: Transport::Cookie });
        };
        if token.expose().is_empty() {
            let missing = FieldError::new("refresh_token", "Send the token, or leave this field out.");
            return Err(Problem::invalid(vec![missing]));
        }
        match longer_than(TOKEN_LIMIT, "refresh_token", token.expose()) {
            Some(problem) => Err(problem),
            None => Ok(Self { token: Some(token.into()), transport: Transport::Body }),
        }
    }

    /// The cookie of a caller whose tokens will travel in one; nothing for a program.
    pub fn beside(call: &Call, transport: Transport) -> Self {
        let cookie = call.held().filter(|_| transport == Transport::Cookie);
        Self { token: cookie.map(|held| held.to_owned().into()), transport }
    }

    /// The token, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(secrecy::ExposeSecret::expose_secret)
    }
}

impl Tokens {
    fn of(grant: Grant, refresh_token: Option<Secret>) -> Self {
        Self {
            access_token: Secret::from(SecretString::from(grant.access_token)),
            token_type: grant.token_type,
            expires_in: grant.expires_in,
            expires_at: grant.expires_at.rfc3339(),
            refresh_token,
        }
    }
}

impl Call {
    /// The tokens of a session for the body of the answer; the refresh token goes there or into the cookie, never both.
    pub(super) fn tokens(&self, opened: Opened, transport: Transport) -> Tokens {
        let grant = opened.grant.clone();
        match transport {
            Transport::Body => Tokens::of(grant, Some(opened.cookie.token.into())),
            Transport::Cookie => {
                self.adopt(opened);
                self.forget_grant();
                Tokens::of(grant, None)
            }
        }
    }

    /// What a mailed code will be good with, for the body of the answer or in the cookie.
    pub(super) fn asked(&self, asked: &AskedReset, transport: Transport) -> Asked {
        let request_token = match transport {
            Transport::Body => Some(asked.request.clone().into()),
            Transport::Cookie => {
                self.keep_request(asked);
                None
            }
        };
        Asked { expires_in: asked.max_age, request_token }
    }

    /// An answer with a body.
    pub(super) fn answer_with<T: Serialize>(&self, status: StatusCode, body: &T) -> Response<Body> {
        self.finished((status, Json(body)).into_response())
    }

    /// An answer without one.
    pub(super) fn answer_empty(&self, status: StatusCode) -> Response<Body> {
        self.finished(status.into_response())
    }

    /// A refusal, with what it does to cookies.
    pub(super) fn refuse(&self, error: impl Into<Problem>) -> Response<Body> {
        self.finished(error.into().into_response())
    }

    /// The refusal of a refresh token: a session that has ended takes its cookie along.
    pub(super) fn refuse_token(&self, held: &Held, error: AuthError) -> Response<Body> {
        let ended = matches!(error, AuthError::NotSignedIn);
        if ended && held.transport == Transport::Cookie && held.token().is_some() {
            self.clear(&[Kind::Session]);
        }
        self.refuse(error)
    }

    fn finished(&self, mut response: Response<Body>) -> Response<Body> {
        self.put_headers(response.headers_mut());
        response
    }
}
