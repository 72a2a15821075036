//! What is asked of Doorward.

use crate::{
    Outcome,
    load::{self, Script, expect},
};
use axum::body::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, header};
use serde::Deserialize;
use std::net::SocketAddr;

const PASSWORD: &str = "a calm violet harbour 47";

/// What a page is asked with: uncompressed, as the bare route answers; or as a browser asks.
pub const IDENTITY: &str = "identity";
/// As a browser asks.
pub const BROTLI: &str = "br";

/// `GET` of a path.
pub fn get(server: SocketAddr, path: &str) -> Request<Full<Bytes>> {
    built(Request::get(path).header(header::HOST, host(server)), Bytes::new())
}

/// `GET` of a page, in a session if there is a cookie.
pub fn page(server: SocketAddr, path: &str, encoding: &str, cookie: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::get(path).header(header::HOST, host(server));
    request = request.header(header::ACCEPT, "text/html").header(header::ACCEPT_ENCODING, encoding);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    built(request, Bytes::new())
}

/// `GET /api/v1/me` with a token.
pub fn me(server: SocketAddr, token: &str) -> Request<Full<Bytes>> {
    let request = Request::get("/api/v1/me").header(header::HOST, host(server));
    built(request.header(header::AUTHORIZATION, format!("Bearer {token}")), Bytes::new())
}

/// `POST` of JSON.
pub fn post(server: SocketAddr, path: &str, body: String) -> Request<Full<Bytes>> {
    let request = Request::post(path).header(header::HOST, host(server));
    built(request.header(header::CONTENT_TYPE, "application/json"), body.into())
}

fn built(request: hyper::http::request::Builder, body: Bytes) -> Request<Full<Bytes>> {
    // Every part is a constant of this file or came in an answer; a request that cannot be built is answered 404.
    request.body(Full::new(body)).unwrap_or_default()
}

fn host(server: SocketAddr) -> String {
    format!("localhost:{}", server.port())
}

/// A session of an account of its own.
#[derive(Clone)]
pub struct Session {
    name: String,
    /// The access token.
    pub access: String,
    refresh: String,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    #[serde(default)]
    refresh_token: String,
}

#[derive(Deserialize)]
struct Registered {
    tokens: Tokens,
}

/// Registers so many accounts, each with its session.
///
/// # Errors
/// One is refused.
pub fn register(server: SocketAddr, names: impl Iterator<Item = String>) -> Outcome<Vec<Session>> {
    let one = |name: String| {
        let body = format!(
            r#"{{"email":"{name}@example.com","username":"{name}","password":"{PASSWORD}","transport":"body"}}"#
        );
        let answer = load::once(server, post(server, "/api/v1/accounts", body))?;
        expect(&answer, &[StatusCode::CREATED])?;
        let tokens = parsed::<Registered>(&answer)?.tokens;
        Ok(Session { name, access: tokens.access_token, refresh: tokens.refresh_token })
    };
    names.map(one).collect()
}

/// The cookie of a new session, as a browser sends it.
///
/// # Errors
/// The sign-in is refused.
pub fn cookie(server: SocketAddr, session: &Session) -> Outcome<String> {
    let answer = load::once(server, post(server, "/api/v1/sessions", log_in_body(&session.name, "cookie")))?;
    expect(&answer, &[StatusCode::CREATED, StatusCode::OK])?;
    let set = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).collect();
    Ok(cookies.join("; "))
}

/// A new session of that account.
///
/// # Errors
/// The sign-in is refused.
pub fn log_in(server: SocketAddr, session: &Session) -> Outcome<Session> {
    let answer = load::once(server, post(server, "/api/v1/sessions", log_in_body(&session.name, "body")))?;
    expect(&answer, &[StatusCode::CREATED, StatusCode::OK])?;
    let tokens = parsed::<Tokens>(&answer)?;
    Ok(Session { name: session.name.clone(), access: tokens.access_token, refresh: tokens.refresh_token })
}

fn log_in_body(name: &str, transport: &str) -> String {
    format!(r#"{{"identifier":"{name}","password":"{PASSWORD}","transport":"{transport}"}}"#)
}

fn parsed<'a, T: Deserialize<'a>>(answer: &'a Response<Bytes>) -> Outcome<T> {
    serde_json::from_slice(answer.body()).map_err(|error| format!("an answer of Doorward: {error}"))
}

/// Signs in again and again. `busy` is fine where more ask than may wait.
pub struct SignIn {
    /// Where.
    pub server: SocketAddr,
    /// Who.
    pub session: Session,
    /// Whether 503 is an answer, too.
    pub may_be_busy: bool,
}

impl Script for SignIn {
    fn ask(&mut self) -> Request<Full<Bytes>> {
        post(self.server, "/api/v1/sessions", log_in_body(&self.session.name, "body"))
    }

    fn take(&mut self, answer: &Response<Bytes>) -> Outcome {
        if self.may_be_busy && answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            return Ok(());
        }
        expect(answer, &[StatusCode::CREATED, StatusCode::OK])
    }
}

/// Refreshes its sessions in turn, each with the token of its last answer.
pub struct Rotate {
    /// Where.
    pub server: SocketAddr,
    /// Its sessions; nobody else refreshes them.
    pub sessions: Vec<Session>,
    /// Which is next.
    pub at: usize,
}

impl Script for Rotate {
    fn ask(&mut self) -> Request<Full<Bytes>> {
        self.at = (self.at + 1) % self.sessions.len();
        let body = format!(r#"{{"refresh_token":"{}"}}"#, self.sessions[self.at].refresh);
        post(self.server, "/api/v1/sessions/refresh", body)
    }

    fn take(&mut self, answer: &Response<Bytes>) -> Outcome {
        expect(answer, &[StatusCode::OK])?;
        self.sessions[self.at].refresh = parsed::<Tokens>(answer)?.refresh_token;
        Ok(())
    }
}
