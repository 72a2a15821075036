//! The door for the front ends of Django: what Djoser and SimpleJWT speak, by the same service.
//!
//! One table of routes, each with and without the slash at its end. As in Django REST framework, who calls is found out
//! before the method is looked at. No cookie is read or set here.

mod answer;
mod caller;
mod input;
mod names;
pub mod problem;
mod recovery;
mod tokens;
mod users;
mod words;

use super::{AppState, client::Client};
use crate::server::auth::{Origin, Principal};
use answer::{Refusal, Told};
use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderValue, Method, Response, StatusCode, header},
    routing::any,
};
use input::Fields;
use serde::Serialize;

/// Whom a route lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callers {
    /// Everybody; nobody is asked.
    All,
    /// Everybody with POST, the signed in with all other methods; a token that comes along must be good.
    AllWithPost,
    /// The signed in.
    SignedIn,
}

/// What a route does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Root,
    Index,
    Register,
    Me,
    ById,
    Activate,
    ResendActivation,
    SetPassword,
    ResetPassword,
    ConfirmPassword,
    SetUsername,
    ResetUsername,
    ConfirmUsername,
    Create(Dialect),
    Refresh(Dialect),
    Verify,
    LogOut,
    TokenLogIn,
    TokenLogOut,
    RegisterNamed,
    NamedUser,
    Profile,
}

/// Whose client it is, where their answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Djoser as it comes.
    Djoser,
    /// A refresh always answers both tokens.
    Both,
    /// As `Both`, and the tokens hold the user name.
    Named,
}

/// A route.
#[derive(Clone, Copy, Debug)]
struct Route {
    path: &'static str,
    /// What OPTIONS calls it.
    name: &'static str,
    /// `Allow`; the order is Django's.
    allow: &'static str,
    callers: Callers,
    act: Act,
}

const POST: &str = "POST, OPTIONS";
const GET: &str = "GET, HEAD, OPTIONS";
const COLLECTION: &str = "GET, POST, HEAD, OPTIONS";
const ITEM: &str = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS";

const fn route(path: &'static str, name: &'static str, allow: &'static str, callers: Callers, act: Act) -> Route {
    Route { path, name, allow, callers, act }
}

/// All of them, without their last slash.
const ROUTES: [Route; 26] = [
    route("/auth", "Api Root", GET, Callers::SignedIn, Act::Root),
    route("/auth/users", "User List", COLLECTION, Callers::AllWithPost, Act::Register),
    route("/auth/users/me", "Me", ITEM, Callers::SignedIn, Act::Me),
    route("/auth/users/{id}", "User Instance", ITEM, Callers::SignedIn, Act::ById),
    route("/auth/users/activation", "Activation", POST, Callers::AllWithPost, Act::Activate),
    route("/auth/users/resend_activation", "Resend activation", POST, Callers::AllWithPost, Act::ResendActivation),
    route("/auth/users/set_password", "Set password", POST, Callers::SignedIn, Act::SetPassword),
    route("/auth/users/reset_password", "Reset password", POST, Callers::AllWithPost, Act::ResetPassword),
    route(
        "/auth/users/reset_password_confirm",
        "Reset password confirm",
        POST,
        Callers::AllWithPost,
        Act::ConfirmPassword,
    ),
    route("/auth/users/set_username", "Set username", POST, Callers::SignedIn, Act::SetUsername),
    route("/auth/users/reset_username", "Reset username", POST, Callers::AllWithPost, Act::ResetUsername),
    route(
        "/auth/users/reset_username_confirm",
        "Reset username confirm",
        POST,
        Callers::AllWithPost,
        Act::ConfirmUsername,
    ),
    route("/auth/jwt/create", "Token Obtain Pair", POST, Callers::All, Act::Create(Dialect::Djoser)),
    route("/auth/jwt/refresh", "Token Refresh", POST, Callers::All, Act::Refresh(Dialect::Djoser)),
    route("/auth/jwt/verify", "Token Verify", POST, Callers::All, Act::Verify),
    route("/auth/logout", "Logout", POST, Callers::All, Act::LogOut),
    route("/auth/token/login", "Token Create", POST, Callers::All, Act::TokenLogIn),
    route("/auth/token/logout", "Token Destroy", POST, Callers::SignedIn, Act::TokenLogOut),
    route("/api/auth/register", "Register", POST, Callers::AllWithPost, Act::RegisterNamed),
    route("/api/auth/login", "Token Obtain Pair", POST, Callers::All, Act::Create(Dialect::Both)),
    route("/api/auth/token/refresh", "Token Refresh", POST, Callers::All, Act::Refresh(Dialect::Both)),
    route("/api/auth/user", "User Detail", GET, Callers::SignedIn, Act::NamedUser),
    route("/api/token", "Token Obtain Pair", POST, Callers::All, Act::Create(Dialect::Named)),
    route("/api/token/refresh", "Token Refresh", POST, Callers::All, Act::Refresh(Dialect::Named)),
    route("/api/profile", "Profile", GET, Callers::SignedIn, Act::Profile),
    // One that is never matched by its path: only the slash makes it.
    route("/api", "Get Routes", GET, Callers::All, Act::Index),
];

/// All its routes.
pub fn router() -> Router<AppState> {
    let mut routes = Router::new();
    for route in ROUTES {
        let answer = move |State(state), params, request| answer(route, state, params, request);
        if !matches!(route.act, Act::Index) {
            routes = routes.route(route.path, any(answer));
        }
        routes = routes.route(&[route.path, "/"].concat(), any(answer));
    }
    routes
}

/// A call, once it is known who calls.
struct Ask {
    state: AppState,
    origin: Origin,
    principal: Option<Principal>,
    method: Method,
    id: Option<String>,
    fields: Fields,
}

impl Ask {
    /// Who calls.
    fn principal(&self) -> Result<&Principal, Refusal> {
        self.principal.as_ref().ok_or_else(Refusal::not_provided)
    }
}

async fn answer(
    route: Route,
    state: AppState,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response<Body> {
    let (is_head, adds_detail) = (request.method() == Method::HEAD, state.settings.compat.add_detail);
    // A name that is no text is the name of nobody.
    let told = ask(route, state, params.as_ref().ok(), request).await;
    let mut response = told.map_or_else(|refusal| refusal.response(adds_detail), Told::response);
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(route.allow));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, origin"));
    if is_head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn ask(route: Route, state: AppState, params: Option<&RawPathParams>, request: Request) -> Result<Told, Refusal> {
    let (parts, body) = request.into_parts();
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let principal = match route.callers {
        Callers::All => None,
        Callers::AllWithPost | Callers::SignedIn => caller::of(&state, &parts.headers).await?,
    };
    let open = route.callers == Callers::All || (route.callers == Callers::AllWithPost && method == Method::POST);
    if principal.is_none() && !open {
        return Err(Refusal::not_provided());
    }
    if method == Method::OPTIONS {
        return Ok(Told::json(StatusCode::OK, &Described::of(route)));
    }
    if !route.allow.split(", ").any(|allowed| allowed == method.as_str()) {
        return Err(Refusal::method(&parts.method));
    }
    let reads = method != Method::GET && !matches!(route.act, Act::TokenLogOut);
    let origin = Client::of(&parts).origin();
    let fields = if reads { Fields::of(Request::from_parts(parts, body)).await? } else { Fields::default() };
    let mut params = params.into_iter().flatten();
    let id = params.find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
    act(route.act, &Ask { state, origin, principal, method, id, fields }).await
}

async fn act(act: Act, ask: &Ask) -> Result<Told, Refusal> {
    match act {
        Act::Root => users::root(ask),
        Act::Index => Ok(Told::json(StatusCode::OK, &["/api/token", "/api/token/refresh"])),
        Act::Register if ask.method == Method::GET => users::list(ask),
        Act::Register => users::register(ask).await,
        Act::Me => users::me(ask).await,
        Act::ById => users::by_id(ask).await,
        Act::SetPassword => users::set_password(ask).await,
        Act::SetUsername => users::set_username(ask).await,
        Act::Activate => recovery::activate(ask).await,
        Act::ResendActivation => recovery::resend_activation(ask).await,
        Act::ResetPassword => recovery::reset_password(ask).await,
        Act::ConfirmPassword => recovery::confirm_password(ask).await,
        Act::ResetUsername => recovery::reset_username(ask).await,
        Act::ConfirmUsername => recovery::confirm_username(ask).await,
        Act::Create(dialect) => tokens::create(ask, dialect).await,
        Act::Refresh(dialect) => tokens::refresh(ask, dialect).await,
        Act::Verify => tokens::verify(ask).await,
        Act::LogOut => tokens::log_out(ask).await,
        Act::TokenLogIn => tokens::log_in_for_long(ask).await,
        Act::TokenLogOut => tokens::end(ask).await,
        Act::RegisterNamed => names::register(ask).await,
        Act::NamedUser => names::user(ask),
        Act::Profile => names::profile(ask),
    }
}

/// What OPTIONS answers.
#[derive(Serialize)]
struct Described {
    name: &'static str,
    description: &'static str,
    renders: [&'static str; 1],
    parses: [&'static str; 3],
}

impl Described {
    const fn of(route: Route) -> Self {
        Self { name: route.name, description: "", renders: [input::JSON], parses: input::MEDIA }
    }
}
