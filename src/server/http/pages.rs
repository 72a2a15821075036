//! Pages: who may see which, decided before anything is rendered, and their forms with scripts off.

use super::{
    AppState, actions,
    cookies::Kind,
    problem::{PROBLEM_JSON, status},
    render::{Call, Page, page},
};
use crate::{
    actions::{ConfirmPasswordReset, LogIn, LogOut, Register, RequestPasswordReset},
    domain::{
        grant::Done,
        problem::{Code, Problem},
    },
    pages::context::{MailedLink, Posted},
    paths,
    server::auth::Visit,
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::IntoResponse as _,
};
use leptos::server_fn::ServerFn as _;
use secrecy::ExposeSecret as _;

/// The largest answer of a server function, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// The longest part of a mailed link that is taken into a cookie, in bytes; ours are shorter.
const LINK_PART_LIMIT: usize = 128;

/// Pages with a form, and the server function that each posts to.
const FORMS: [(&str, &str); 5] = [
    (paths::REGISTER, Register::PATH),
    (paths::LOGIN, LogIn::PATH),
    (paths::LOGOUT, LogOut::PATH),
    (paths::RESET_PASSWORD, RequestPasswordReset::PATH),
    (paths::RESET_CONFIRMATION, ConfirmPasswordReset::PATH),
];

/// Answers `GET` of a page.
pub async fn show(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let call = Call::of(&state, &parts);
    let visit = match state.auth.visit(call.held()).await {
        Ok(visit) => visit,
        Err(error) => return failure(&state, Request::from_parts(parts, body), error.into()).await,
    };
    let mut response = match elsewhere(&state, &parts, visit.as_ref()) {
        Some(response) => response,
        None => {
            let link = mailed_link(&state, &parts);
            let visitor = visit.as_ref().map(|visit| visit.principal.account.clone());
            let context = Page { visitor, link, ..Page::default() };
            renew(&state, &call, &parts, visit.as_ref()).await;
            page(&state, Request::from_parts(parts, body), context).await
        }
    };
    call.put_headers(response.headers_mut());
    response
}

/// Where this visitor belongs, if not here.
fn elsewhere(state: &AppState, parts: &Parts, visit: Option<&Visit>) -> Option<Response<Body>> {
    let path = parts.uri.path();
    match (path, visit.is_some()) {
        (paths::DASHBOARD, false) => Some(see_other(&paths::login_then(path))),
        (paths::LOGIN | paths::REGISTER, true) => {
            Some(see_other(paths::own_path(query(&parts.uri, "next").as_deref())))
        }
        (paths::RESET_CONFIRMATION, _) => keep_link(state, &parts.uri),
        _ => None,
    }
}

/// A visitor whose scripts do not refresh the cookie would lose the session by mere reading: a top-level document
/// renews it once the token is old. Prefetches and background loads, whose answers may be thrown away, do not.
async fn renew(state: &AppState, call: &Call, parts: &Parts, visit: Option<&Visit>) {
    let Some(visit) = visit else { return };
    let is = |name: &str, wanted: &str| parts.headers.get(name).is_some_and(|value| value == wanted);
    let top_level = is("sec-fetch-dest", "document") && !parts.headers.contains_key("sec-purpose");
    let age = state.clock.now().since(visit.minted_at);
    // Half the idle life: a session of a day would else be over before a token of a day is old.
    let old = age >= state.settings.session.page_rotation.min(visit.idle_seconds / 2);
    if parts.method == Method::GET
        && top_level
        && old
        && let Err(problem) = call.refresh().await
    {
        tracing::info!(code = ?problem.code, "a page could not renew its visitor's cookie");
    }
}

/// Takes `uid` and `token` out of the address bar: into a cookie, and back to the page without a query.
/// Nothing is consumed by it; the form does that.
fn keep_link(state: &AppState, uri: &Uri) -> Option<Response<Body>> {
    let (uid, token) = (query(uri, "uid")?, query(uri, "token")?);
    let plain = |part: &str| {
        part.len() <= LINK_PART_LIMIT && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let mut response = see_other(paths::RESET_CONFIRMATION);
    let cookie = match plain(&uid) && plain(&token) {
        true => state.cookies.link(&uid, &token),
        // Not one of ours: the form will say so when it is sent.
        false => state.cookies.link("x", "x"),
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Some(response)
}

fn mailed_link(state: &AppState, parts: &Parts) -> Option<MailedLink> {
    if parts.uri.path() != paths::RESET_CONFIRMATION {
        return None;
    }
    let kept = state.cookies.read(&parts.headers, Kind::Link)?;
    let (uid, token) = kept.expose_secret().split_once('.')?;
    Some(MailedLink { uid: uid.to_owned(), token: token.to_owned() })
}

/// Answers `POST` of a page: what its form does with scripts off, by the same server function.
pub async fn submit(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some((_, action)) = FORMS.iter().find(|(page, _)| *page == parts.uri.path()) else {
        return not_allowed().into_response();
    };
    if !actions::is_form(&parts.headers) {
        let detail = "Send the fields as application/x-www-form-urlencoded.";
        return Problem::new(Code::MalformedRequest, 415, detail).into_response();
    }
    let typed = match to_bytes(body, state.settings.server.body_limit).await {
        Ok(typed) => typed,
        Err(_) => return Problem::new(Code::TooLarge, 413, "That is more than a form can hold.").into_response(),
    };
    let mut call = Request::from_parts(parts.clone(), Body::from(typed.clone()));
    *call.uri_mut() = Uri::from_static(action);
    let answer = match actions::run(&state, call).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    };
    finish(&state, parts, &typed, answer).await
}

/// Turns a server function's answer into a page: onwards, or the same form with what is wrong and what was typed.
async fn finish(state: &AppState, parts: Parts, typed: &Bytes, answer: Response<Body>) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    let mut response = if head.status.is_success() {
        let done = serde_json::from_slice::<Done>(&bytes).ok();
        see_other(done.as_ref().map_or(paths::HOME, |done| &done.next))
    } else {
        let problem = serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| {
            Problem::new(Code::Internal, 500, "Something went wrong on our side. Please try again in a moment.")
        });
        show_again(state, parts, typed, problem).await
    };
    copy(&head.headers, response.headers_mut());
    response
}

async fn show_again(state: &AppState, parts: Parts, typed: &Bytes, problem: Problem) -> Response<Body> {
    let values: Vec<(String, String)> = form_urlencoded::parse(typed).into_owned().collect();
    let value = |name: &str| values.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    let link = value("uid").zip(value("token")).filter(|(_, token)| !token.is_empty());
    let context = Page {
        visitor: None,
        link: link.map(|(uid, token)| MailedLink { uid, token }),
        status: Some(status(&problem)),
        failure: (parts.uri.path() == paths::LOGOUT).then(|| problem.clone()),
        posted: Posted {
            problem: Some(problem),
            values: values.into_iter().filter(|(name, _)| may_be_shown_again(name)).collect(),
        },
    };
    let mut request = Request::from_parts(parts, Body::empty());
    *request.method_mut() = Method::GET;
    page(state, request, context).await
}

/// What was typed is kept, passwords aside. (The mailed link's secret has its own way into the form.)
fn may_be_shown_again(field: &str) -> bool {
    ["identifier", "remember", "next", "email", "username", "first_name", "last_name", "code"].contains(&field)
}

/// A page that says that something failed, with the problem's status.
pub async fn failure(state: &AppState, request: Request<Body>, problem: Problem) -> Response<Body> {
    let retry_after = problem.retry_after;
    let context = Page { status: Some(status(&problem)), failure: Some(problem), ..Page::default() };
    let mut response = page(state, request, context).await;
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Middleware: a person who gets a problem gets it as a page, whoever in the house has refused the request.
pub async fn for_people(State(state): State<AppState>, request: Request<Body>, next: Next) -> Response<Body> {
    if !accepts_html(request.headers()) || request.uri().path().starts_with(paths::ACTIONS) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let (head, body) = next.run(Request::from_parts(parts.clone(), body)).await.into_parts();
    if head.headers.get(header::CONTENT_TYPE).is_none_or(|media| media != PROBLEM_JSON) {
        return Response::from_parts(head, body);
    }
    let bytes = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    let mut request = Request::from_parts(parts, Body::empty());
    *request.method_mut() = Method::GET;
    let mut response = failure(&state, request, problem).await;
    copy(&head.headers, response.headers_mut());
    response
}

/// Answers everything that nobody else does: a file of the site, or "not found" in the form that was asked for.
pub async fn missing(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    if let Some(file) = super::assets::serve_asset(state.site_root(), &request).await {
        return file;
    }
    let asks_for_a_page = accepts_html(request.headers());
    if !asks_for_a_page || ![Method::GET, Method::HEAD].contains(request.method()) {
        return super::not_found().into_response();
    }
    let (parts, body) = request.into_parts();
    let call = Call::of(&state, &parts);
    let visitor = state.auth.visit(call.held()).await.ok().flatten().map(|visit| visit.principal.account);
    let context = Page { visitor, status: Some(StatusCode::NOT_FOUND), ..Page::default() };
    page(&state, Request::from_parts(parts, body), context).await
}

/// Whether the caller would rather have a page than JSON.
#[must_use]
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// The problem of a method that a path does not take.
#[must_use]
pub fn not_allowed() -> Problem {
    Problem::new(Code::MalformedRequest, 405, "This address does not take that method.")
}

/// 303 to a path of ours.
#[must_use]
pub fn see_other(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static(paths::HOME));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Cookies and the time to wait belong to the answer whatever form it takes.
fn copy(from: &HeaderMap, to: &mut HeaderMap) {
    let clear_site_data = header::HeaderName::from_static("clear-site-data");
    for name in [header::SET_COOKIE, header::RETRY_AFTER, header::WWW_AUTHENTICATE, header::ALLOW, clear_site_data] {
        if from.contains_key(&name) {
            to.remove(&name);
        }
        for value in from.get_all(&name) {
            to.append(&name, value.clone());
        }
    }
}
