//! Sessions: opening, refreshing, proving, ending, and their list.

use super::{
    caller::{Anyone, Caller, Held, Leaver},
    input::{Json, MaybeJson, PageOf, longer_than, public_name, wrong_cursor},
    types::{ChallengeView, Login, RefreshToken, SessionPage, SessionView, Tokens, Transport},
};
use crate::{
    domain::session::SessionSummary,
    server::{
        auth::{AuthError, LoginForm},
        http::cookies::Kind,
    },
};
use axum::{
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::{Response, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::cmp::Reverse;

/// The longest name and password that are looked at, in characters: as in the description.
const IDENTIFIER_LIMIT: usize = 254;
pub(super) const PASSWORD_LIMIT: usize = 1024;

/// Sign in.
///
/// The access token is in the body. The refresh token travels in a cookie, or with `"transport": "body"` in the body. Every
/// cause of refusal is answered alike. Where a second factor is wanted, nobody is signed in yet: the answer is 202, and
/// `challenge` names the sign-in that waits for it.
#[utoipa::path(post, path = "/sessions", tag = "Sessions", operation_id = "log_in", request_body = Login, responses(
    (status = 200, description = "Signed in. An account that is about to be deleted is, too: it can be kept (`POST /me/restore`).", body = Tokens),
    (status = 202, description = "The password is right. A second factor is to be shown, or enrolled, before anybody is signed in. No cookie is set.", body = ChallengeView),
    (status = 401, description = "Name or password is wrong, or the account may not sign in."),
))]
pub(super) async fn log_in(Anyone(call): Anyone, Json(form): Json<Login>) -> Result<Response<Body>, Response<Body>> {
    let long = longer_than(IDENTIFIER_LIMIT, "identifier", &form.identifier);
    if let Some(problem) = long.or_else(|| longer_than(PASSWORD_LIMIT, "password", form.password.expose())) {
        return Err(call.refuse(problem));
    }
    let typed =
        LoginForm { identifier: form.identifier, password: form.password.into(), remember: form.remember, next: None };
    let held = call.held().filter(|_| form.transport == Transport::Cookie);
    let outcome = call.state().auth.log_in(&typed, &call.origin(), held).await;
    call.answer_log_in(outcome.map_err(|error| call.refuse_login(error))?, form.transport).await
}

/// Exchange the refresh token for the next one and an access token.
///
/// In the body or in the cookie; the next one travels the same way. Send each only once; if an answer was lost, send the
/// same again. A token older than that means that two hold the session: it ends, and its owner is told.
#[utoipa::path(post, path = "/sessions/refresh", tag = "Sessions", operation_id = "refresh", request_body = Option<RefreshToken>,
    security(("cookie" = []), ()), responses(
    (status = 200, description = "The next tokens.", body = Tokens),
    (status = 401, description = "The session is over."),
))]
pub(super) async fn refresh(
    Anyone(call): Anyone,
    MaybeJson(form): MaybeJson<RefreshToken>,
) -> Result<Response<Body>, Response<Body>> {
    let held = Held::of(&call, form.refresh_token).map_err(|problem| call.refuse(problem))?;
    match call.state().auth.refresh(held.token(), &call.origin()).await {
        Ok(opened) => Ok(call.answer_with(StatusCode::OK, &call.tokens(opened, held.transport))),
        Err(error) => Err(call.refuse_token(&held, error)),
    }
}

/// Sign out.
///
/// Ends the session of the refresh token in the body or in the cookie. Doing it twice is no error.
#[utoipa::path(post, path = "/sessions/log-out", tag = "Sessions", operation_id = "log_out", request_body = Option<RefreshToken>,
    security(("cookie" = []), ()), responses((status = 204, description = "The session has ended.")))]
pub(super) async fn log_out(
    Anyone(call): Anyone,
    MaybeJson(form): MaybeJson<RefreshToken>,
) -> Result<Response<Body>, Response<Body>> {
    let held = Held::of(&call, form.refresh_token).map_err(|problem| call.refuse(problem))?;
    call.state().auth.log_out(held.token(), &call.origin()).await.map_err(|error| call.refuse(error))?;
    if held.transport == Transport::Cookie {
        call.clear_with_site();
    }
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Where one is signed in.
#[utoipa::path(get, path = "/sessions", tag = "Sessions", operation_id = "list_sessions", security(("bearer" = [])), params(
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 128),
    ("limit" = Option<u32>, Query, description = "Entries of a page.", minimum = 1, maximum = 100, example = 25),
), responses((status = 200, description = "Live sessions, the one used last first.", body = SessionPage)))]
pub(super) async fn list(Caller { call, principal }: Caller, page: PageOf) -> Result<Response<Body>, Response<Body>> {
    let after = page.cursor.as_deref().map(|text| Place::parse(text).ok_or_else(wrong_cursor)).transpose();
    let after = after.map_err(|problem| call.refuse(problem))?;
    let all = call.state().auth.sessions(&principal).await.map_err(|error| call.refuse(error))?;
    let rest: Vec<_> = all.iter().filter(|one| after.as_ref().is_none_or(|after| Place::of(one) > *after)).collect();
    let shown = rest.get(..page.limit).unwrap_or(&rest);
    let next = if rest.len() > shown.len() { shown.last() } else { None };
    let body = SessionPage {
        items: shown.iter().map(|session| SessionView::from(*session)).collect(),
        next_cursor: next.map(|last| Place::of(last).text()),
    };
    Ok(call.answer_with(StatusCode::OK, &body))
}

/// End one session, at once.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "Sessions", operation_id = "end_session", security(("bearer" = [])), params(
    ("id" = String, Path, description = "Its public name, or `current`.", min_length = 1, max_length = 64, example = "current"),
), responses((status = 204, description = "It has ended."), (status = 404, description = "There is no such session of this account.")))]
pub(super) async fn end(
    Leaver { call, principal }: Leaver,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Response<Body>> {
    let auth = &call.state().auth;
    let id = public_name(id).ok_or_else(|| call.refuse(AuthError::NotFound))?;
    if id == "current" || id == principal.sid {
        auth.end_this_session(&principal, &call.origin()).await.map_err(|error| call.refuse(error))?;
        call.clear_kept(&[Kind::Session]);
        return Ok(call.answer_empty(StatusCode::NO_CONTENT));
    }
    if principal.account.delete_at.is_some() {
        return Err(call.refuse(AuthError::Leaving));
    }
    auth.end_session(&principal, &id, &call.origin()).await.map_err(|error| call.refuse(error))?;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// End all sessions but this one, at once.
#[utoipa::path(delete, path = "/sessions", tag = "Sessions", operation_id = "end_other_sessions", security(("bearer" = [])),
    responses((status = 204, description = "They have ended.")))]
pub(super) async fn end_others(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let ended = call.state().auth.end_other_sessions(&principal, &call.origin()).await;
    ended.map_err(|error| call.refuse(error))?;
    Ok(call.answer_empty(StatusCode::NO_CONTENT))
}

/// Report foreign use.
///
/// Ends every session, this one too, makes the password void and mails the way to a new one.
#[utoipa::path(post, path = "/me/not-me", tag = "Sessions", operation_id = "report_not_me", security(("bearer" = [])),
    responses((status = 202, description = "A mail with the way to a new password is on its way.", body = super::types::Asked)))]
pub(super) async fn report_not_me(Leaver { call, principal }: Leaver) -> Result<Response<Body>, Response<Body>> {
    let reported = call.state().auth.report_not_me(&principal, &call.origin()).await;
    let asked = reported.map_err(|error| call.refuse(error))?;
    call.clear_kept(&[Kind::Session, Kind::Link]);
    let transport = if call.has_cookies() { Transport::Cookie } else { Transport::Body };
    Ok(call.answer_with(StatusCode::ACCEPTED, &call.asked(&asked, transport)))
}

/// A session's place in the list, as it is sorted. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(Reverse<i64>, Reverse<i64>, String);

impl Place {
    fn of(session: &SessionSummary) -> Self {
        Self(Reverse(session.last_used_at.0), Reverse(session.created_at.0), session.sid.clone())
    }

    fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}.{}", self.0.0, self.1.0, self.2))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.splitn(3, '.');
        let used = parts.next()?.parse().ok()?;
        let created = parts.next()?.parse().ok()?;
        Some(Self(Reverse(used), Reverse(created), parts.next()?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        let place = Place(Reverse(1_795_190_400), Reverse(1_795_190_300), "tR7yq0jD3sXkz8hVYt2nAg".to_owned());
        assert_eq!(Place::parse(&place.text()), Some(place));
        for text in ["", "x", "MTIz", "\u{e4}", "!!!!"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
