//! Pages: who may see which, decided before anything is rendered, and their forms with scripts off.

use super::{
    AppState, actions,
    cookies::Kind,
    document::{Page, page},
    doors::Door,
    form_again::show_again,
    forms::{self, Form},
    layers::Inward,
    media,
    problem::{PROBLEM_JSON, status},
    render::Call,
};
use crate::{
    domain::{
        factor::{Waiting, Wants},
        grant::Done,
        problem::{Code, Problem},
    },
    pages::context::{AccountFacts, MailedLink},
    paths::{self, Notice},
    server::auth::{AuthError, Visit},
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts},
    response::IntoResponse as _,
};
use secrecy::ExposeSecret as _;

/// The largest answer of a server function, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// The longest part of a mailed link that is taken into a cookie, in bytes; ours are shorter.
const LINK_PART_LIMIT: usize = 128;
/// The pages that mailed links lead to.
const LINKED: [&str; 4] =
    [paths::RESET_CONFIRMATION, paths::CONFIRM_EMAIL, paths::CONFIRM_EMAIL_CHANGE, paths::UNDO_EMAIL_CHANGE];

/// Answers `GET` of a page.
pub async fn show(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let call = Call::of(&state, &parts);
    let visit = match state.auth.visit(call.held()).await {
        Ok(visit) => visit,
        Err(error) => return failure(&state, Request::from_parts(parts, body), error.into()).await,
    };
    let waiting = match waiting(&call, parts.uri.path(), visit.as_ref()).await {
        Ok(waiting) => waiting,
        Err(error) => return failure(&state, Request::from_parts(parts, body), error.into()).await,
    };
    let mut response = match elsewhere(&call, &parts, visit.as_ref(), waiting.as_ref()) {
        Some(response) => response,
        None => {
            let link = mailed_link(&state, &parts);
            let path = parts.uri.path().to_owned();
            let before = query(&parts.uri, "before").and_then(|before| before.parse().ok());
            match facts(&call, &path, before, visit.as_ref(), waiting, link).await {
                Ok(context) => {
                    renew(&state, &call, &parts, visit.as_ref()).await;
                    page(&state, Request::from_parts(parts, body), context).await
                }
                Err(problem) => failure(&state, Request::from_parts(parts, body), problem).await,
            }
        }
    };
    call.put_headers(response.headers_mut());
    response
}

/// Answers `GET` of the address of a form that stands on another page.
pub async fn lead_to_page(uri: Uri) -> Response<Body> {
    forms::of(uri.path()).map_or_else(|| not_allowed().into_response(), |form| see_other(form.page))
}

/// What waits for a factor, as far as the page at `path` cares: its own page, or one that is for those who are signed in.
pub(super) async fn waiting(call: &Call, path: &str, visit: Option<&Visit>) -> Result<Option<Waiting>, AuthError> {
    let auth = &call.state().auth;
    match path {
        paths::LOGIN_FACTOR | paths::LOGIN_ENROL => auth.waiting(call.challenge(), call.held()).await,
        _ if visit.is_none() && (path == paths::LOGIN || paths::needs_account(path)) => {
            auth.waiting(None, call.held()).await
        }
        _ => Ok(None),
    }
}

/// What a page shows, for this visitor.
pub(super) async fn facts(
    call: &Call,
    path: &str,
    before: Option<i64>,
    visit: Option<&Visit>,
    waiting: Option<Waiting>,
    link: Option<MailedLink>,
) -> Result<Page, Problem> {
    let principal = visit.map(|visit| &visit.principal);
    let facts = match (principal, &waiting) {
        (_, Some(waiting)) => call.facts_of_waiting(waiting).await?,
        (Some(principal), None) => call.facts(path, before, principal).await?,
        (None, None) => {
            AccountFacts { offers_passkeys: call.state().auth.offers_passkeys(), ..AccountFacts::default() }
        }
    };
    let own_link = match &link {
        Some(link) if path == paths::CONFIRM_EMAIL => call.is_own_link(link, principal).await?,
        _ => true,
    };
    // Whose sign-in waits is nobody yet, whoever else is signed in here.
    let visitor = principal.filter(|_| waiting.is_none()).map(|principal| principal.account.clone());
    Ok(Page { visitor, waiting, link, facts, own_link, ..Page::default() })
}

/// Where this visitor belongs, if not here.
fn elsewhere(call: &Call, parts: &Parts, visit: Option<&Visit>, waiting: Option<&Waiting>) -> Option<Response<Body>> {
    let path = parts.uri.path();
    if LINKED.contains(&path)
        && let Some(response) = keep_link(call.state(), &parts.uri)
    {
        return Some(response);
    }
    let account = visit.map(|visit| &visit.principal.account);
    let next = query(&parts.uri, "next");
    let next = paths::own_path(next.as_deref());
    match (path, account) {
        (paths::LOGIN_FACTOR | paths::LOGIN_ENROL, _) => match (waiting.map(|waiting| waiting.wants), path) {
            (Some(Wants::Factor), paths::LOGIN_ENROL) => Some(see_other(paths::LOGIN_FACTOR)),
            (Some(Wants::Enrolment), paths::LOGIN_FACTOR) => Some(see_other(paths::LOGIN_ENROL)),
            (Some(_), _) => None,
            (None, _) if account.is_some() => Some(see_other(next)),
            (None, _) if call.challenge().is_some() => {
                call.clear(&[Kind::Challenge]);
                Some(see_other(&paths::login_with(Notice::SignInOver)))
            }
            (None, _) => Some(see_other(paths::LOGIN)),
        },
        (paths::LOGIN, None) if waiting.is_some() => Some(see_other(&paths::factor_then(next))),
        (_, None) if paths::needs_account(path) && waiting.is_some() => Some(see_other(&paths::factor_then(path))),
        (_, None) if paths::needs_account(path) => Some(see_other(&paths::login_then(path))),
        (paths::ACCOUNT_RESTORE, Some(account)) if account.delete_at.is_none() => Some(see_other(paths::ACCOUNT)),
        (paths::ACCOUNT_RESTORE | paths::ACCOUNT_NOT_ME, Some(_)) => None,
        (_, Some(account)) if account.delete_at.is_some() && paths::needs_account(path) => {
            Some(see_other(paths::ACCOUNT_RESTORE))
        }
        (paths::LOGIN | paths::REGISTER, Some(_)) => Some(see_other(next)),
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
    let mut response = see_other(uri.path());
    let cookie = match plain(&uid) && plain(&token) {
        true => state.cookies.link(uri.path(), &uid, &token),
        // Not one of ours: the form will say so when it is sent.
        false => state.cookies.link(uri.path(), "x", "x"),
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Some(response)
}

/// The link that was opened, if it leads to this page.
fn mailed_link(state: &AppState, parts: &Parts) -> Option<MailedLink> {
    let path = parts.uri.path();
    if !LINKED.contains(&path) {
        return None;
    }
    let kept = state.cookies.read(&parts.headers, Kind::Link)?;
    let (page, rest) = kept.expose_secret().split_once('.')?;
    let (uid, token) = rest.split_once('.').filter(|_| page == path.trim_start_matches('/'))?;
    Some(MailedLink { uid: uid.to_owned(), token: token.to_owned() })
}

/// Answers `POST` of a form: what it does with scripts off, by the same server function.
pub async fn submit(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(form) = forms::of(parts.uri.path()) else {
        return not_allowed().into_response();
    };
    if !media::is_form(&parts.headers) {
        let detail = "Send the fields as application/x-www-form-urlencoded.";
        return Problem::new(Code::UnsupportedMediaType, 415, detail).into_response();
    }
    let typed = match to_bytes(body, state.settings.server.body_limit).await {
        Ok(typed) => typed,
        Err(_) => return Problem::new(Code::TooLarge, 413, "That is more than a form can hold.").into_response(),
    };
    let mut call = Request::from_parts(parts.clone(), Body::from(typed.clone()));
    *call.uri_mut() = Uri::from_static(form.function);
    let answer = match actions::run(&state, call).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    };
    finish(&state, parts, form, &typed, answer).await
}

/// Turns a server function's answer into a page: onwards, or the same form with what is wrong and what was typed.
async fn finish(state: &AppState, parts: Parts, form: &Form, typed: &Bytes, answer: Response<Body>) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    let mut response = if head.status.is_success() {
        let done = serde_json::from_slice::<Done>(&bytes).ok();
        let mut response = see_other(done.as_ref().map_or(paths::HOME, |done| &done.next));
        keep_alive(state, &parts, &head.headers, &mut response).await;
        response
    } else {
        let problem = serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| {
            Problem::new(Code::Internal, 500, "Something went wrong on our side. Please try again in a moment.")
        });
        if let Some(place) = place_of(&problem, form) {
            let mut response = see_other(&place);
            copy(&head.headers, response.headers_mut());
            return response;
        }
        // The password may have been right and the rest not: then the page is for the session as it is now.
        let mut parts = parts;
        parts.headers = state.cookies.after(parts.headers, &head.headers);
        show_again(state, parts, form, typed, problem).await
    };
    copy(&head.headers, response.headers_mut());
    response
}

/// Where somebody belongs whose form was refused because of who, or how far, they are.
fn place_of(problem: &Problem, form: &Form) -> Option<String> {
    let waits = [paths::LOGIN_FACTOR, paths::LOGIN_ENROL].contains(&form.page);
    match problem.code {
        Code::NotSignedIn if paths::needs_account(form.page) => Some(paths::login_then(form.page)),
        Code::ChallengeOver if waits => Some(paths::login_with(Notice::SignInOver)),
        Code::EnrolmentRequired if waits => Some(paths::LOGIN_ENROL.to_owned()),
        Code::FactorRequired if waits => Some(paths::LOGIN_FACTOR.to_owned()),
        _ => None,
    }
}

/// A form that was sent without scripts renews the session as a script would have. The answer of a POST is not thrown
/// away as that of a prefetch is.
async fn keep_alive(state: &AppState, parts: &Parts, answered: &HeaderMap, response: &mut Response<Body>) {
    let call = Call::of(state, parts);
    if call.held().is_some() && !state.cookies.sets_session(answered) && call.refresh().await.is_ok() {
        call.put_headers(response.headers_mut());
    }
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
pub async fn for_people<N: Inward>(State(state): State<AppState>, request: Request<Body>, next: N) -> Response<Body> {
    let path = request.uri().path();
    let is_a_persons =
        accepts_html(request.headers()) && !path.starts_with(paths::ACTIONS) && Door::of(path) == Door::Pages;
    let (parts, body) = request.into_parts();
    let kept = is_a_persons.then(|| parts.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(parts) = kept else { return response };
    let (head, body) = response.into_parts();
    if head.headers.get(header::CONTENT_TYPE).is_none_or(|media| media != PROBLEM_JSON) {
        return Response::from_parts(head, body);
    }
    let bytes = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    let mut request = Request::from_parts(parts, Body::empty());
    *request.method_mut() = Method::GET;
    // In a box: a future is as large as the largest thing it may wait for, and is copied on its way.
    let mut response = Box::pin(failure(&state, request, problem)).await;
    copy(&head.headers, response.headers_mut());
    response
}

/// Answers everything that nobody else does: a file of the site, or "not found" in the form that was asked for.
pub async fn missing(State(state): State<AppState>, request: Request<Body>) -> Response<Body> {
    let files = &state.site_files;
    if let Some(file) = files.serve(request.method(), request.uri().path(), request.headers()).await {
        return file;
    }
    if let Some(file) = super::assets::serve_asset(state.site_root(), &request).await {
        return file;
    }
    let asks_for_a_page = accepts_html(request.headers()) && Door::of(request.uri().path()) == Door::Pages;
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
    Problem::new(Code::MethodNotAllowed, 405, "This address does not take that method.")
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
