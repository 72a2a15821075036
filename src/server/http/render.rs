//! Leptos's glue: what a server function may use of its request, and a page rendered with what it needs to know.

pub use crate::server::auth::{LoginForm, RegistrationForm, ResetForm};

use super::{AppState, client::Client, cookies::Kind, headers::page_csp};
use crate::{
    app::shell,
    domain::{
        account::Account,
        grant::{Done, Grant},
        problem::Problem,
    },
    pages::context::{MailedLink, Posted, ShortestPassword, SiteName, Status, Visitor},
    paths::{self, Notice},
    server::auth::{AuthError, Opened, Registered},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, header, request},
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// W3C "Clear Site Data": not among `http`'s own names.
const CLEAR_SITE_DATA: header::HeaderName = header::HeaderName::from_static("clear-site-data");

/// The request a server function runs in: whom it may ask, who asks, and the cookies of the answer.
#[derive(Clone)]
pub struct Call {
    state: AppState,
    client: Client,
    held: Option<SecretString>,
    request: Option<SecretString>,
    bearer: Option<SecretString>,
    answer: Arc<Mutex<AnswerHeaders>>,
}

/// What a call adds to the headers of its answer.
#[derive(Default)]
struct AnswerHeaders {
    cookies: Vec<HeaderValue>,
    clear_site: bool,
}

impl Call {
    /// The call that is being answered.
    #[must_use]
    pub fn current() -> Self {
        expect_context::<Self>()
    }

    /// The call of a request.
    #[must_use]
    pub fn of(state: &AppState, parts: &request::Parts) -> Self {
        Self {
            client: Client::of(parts),
            held: state.cookies.read(&parts.headers, Kind::Session),
            request: state.cookies.read(&parts.headers, Kind::Request),
            bearer: bearer(&parts.headers),
            state: state.clone(),
            answer: Arc::default(),
        }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::register`].
    pub async fn register(&self, form: RegistrationForm) -> Result<Done, Problem> {
        match self.state.auth.register(form, &self.client.origin(), self.held()).await? {
            Registered::SignedIn(opened) => Ok(self.hand_over(opened, paths::DASHBOARD.to_owned())),
            Registered::GoAndSignIn => Ok(Done { next: paths::login_with(Notice::Registered), grant: None }),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::log_in`].
    pub async fn log_in(&self, form: LoginForm) -> Result<Done, Problem> {
        let opened = self.state.auth.log_in(&form, &self.client.origin(), self.held()).await?;
        Ok(self.hand_over(opened, paths::own_path(form.next.as_deref()).to_owned()))
    }

    /// Ends the session. While the database is away the cookie stays: whoever holds it can still end the session later.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::log_out`].
    pub async fn log_out(&self) -> Result<Done, Problem> {
        self.state.auth.log_out(self.held()).await?;
        self.set_cookie(self.state.cookies.clear(Kind::Session));
        self.answer().clear_site = true;
        Ok(Done { next: paths::login_with(Notice::SignedOut), grant: None })
    }

    /// Exchanges the refresh token.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::refresh`].
    pub async fn refresh(&self) -> Result<Grant, Problem> {
        match self.state.auth.refresh(self.held()).await {
            Ok(opened) => {
                self.set_cookie(self.state.cookies.session(&opened.cookie));
                Ok(opened.grant)
            }
            Err(error) => {
                if matches!(error, AuthError::NotSignedIn) && self.held.is_some() {
                    self.set_cookie(self.state.cookies.clear(Kind::Session));
                }
                Err(error.into())
            }
        }
    }

    /// The account of the access token.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::authenticate`].
    pub async fn account(&self) -> Result<Account, Problem> {
        let token = self.bearer.as_ref().ok_or(AuthError::NotSignedIn)?;
        Ok(self.state.auth.authenticate(token.expose_secret()).await?.account)
    }

    /// Asks for a reset mail.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::request_password_reset`].
    pub async fn request_password_reset(&self, email: &str) -> Result<Done, Problem> {
        let asked = self.state.auth.request_password_reset(email).await?;
        self.set_cookie(self.state.cookies.request(&asked));
        self.set_cookie(self.state.cookies.clear(Kind::Link));
        Ok(Done { next: paths::RESET_CONFIRMATION.to_owned(), grant: None })
    }

    /// Chooses a new password.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::confirm_password_reset`].
    pub async fn confirm_password_reset(&self, form: ResetForm) -> Result<Done, Problem> {
        let request = self.request.as_ref().map(|request| request.expose_secret());
        self.state.auth.confirm_password_reset(&form, request).await?;
        for kind in [Kind::Session, Kind::Request, Kind::Link] {
            self.set_cookie(self.state.cookies.clear(kind));
        }
        Ok(Done { next: paths::login_with(Notice::PasswordReset), grant: None })
    }

    /// Adds the cookies of this call to the answer, and after a sign-out that the browser forgets what it has kept.
    pub fn put_headers(&self, headers: &mut HeaderMap) {
        let mut answer = self.answer();
        for cookie in answer.cookies.drain(..) {
            headers.append(header::SET_COOKIE, cookie);
        }
        if std::mem::take(&mut answer.clear_site) {
            headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
        }
    }

    /// The refresh token that came with the call.
    #[must_use]
    pub fn held(&self) -> Option<&str> {
        self.held.as_ref().map(|held| held.expose_secret())
    }

    fn hand_over(&self, opened: Opened, next: String) -> Done {
        self.set_cookie(self.state.cookies.session(&opened.cookie));
        Done { next, grant: Some(opened.grant) }
    }

    fn set_cookie(&self, cookie: HeaderValue) {
        self.answer().cookies.push(cookie);
    }

    fn answer(&self) -> MutexGuard<'_, AnswerHeaders> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of `Authorization: Bearer`, if that header is there once and is of that form.
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim().to_owned().into())
}

/// What a page is rendered with.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Who is signed in.
    pub visitor: Option<Account>,
    /// What the page's form was posted with.
    pub posted: Posted,
    /// The mailed link that led here.
    pub link: Option<MailedLink>,
    /// A failure that takes the place of the page.
    pub failure: Option<Problem>,
    /// Not 200.
    pub status: Option<axum::http::StatusCode>,
}

/// Marks an answer that holds a secret, so that nobody compresses it.
#[derive(Clone, Copy, Debug)]
pub struct Secret;

/// Renders the page of the request's path.
pub async fn page(state: &AppState, request: Request<Body>, page: Page) -> Response<Body> {
    let (status, secret) = (page.status, page.link.is_some() || !page.posted.value("code").is_empty());
    let options = state.leptos.clone();
    let site_name = state.settings.server.site_name.clone();
    let development = state.development;
    let shortest = ShortestPassword(state.settings.password.min_length);
    let context = move || {
        provide_context(Visitor(page.visitor.clone()));
        provide_context(SiteName(site_name.clone()));
        provide_context(shortest);
        provide_context(page.posted.clone());
        if let Some(link) = &page.link {
            provide_context(link.clone());
        }
        if let Some(failure) = &page.failure {
            provide_context(failure.clone());
        }
        if let Some(status) = page.status {
            provide_context(Status(status.as_u16()));
        }
        if let Some((answer, nonce)) = use_context::<ResponseOptions>().zip(leptos::nonce::use_nonce()) {
            answer.insert_header(header::CONTENT_SECURITY_POLICY, page_csp(&nonce, development));
        }
    };
    let mut response =
        leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request).await;
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    if secret {
        response.extensions_mut().insert(Secret);
    }
    response
}
