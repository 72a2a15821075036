//! What a server function may use of its request: whom it may ask, who asks, and the cookies of the answer.

pub use crate::server::auth::{LoginForm, RegistrationForm, ResetForm};

use super::{
    AppState,
    client::{self, Client},
    cookies::Kind,
    given_proof::GivenProof,
};
use crate::{
    domain::{
        account::Account,
        grant::{Done, Grant},
        problem::Problem,
    },
    paths::{self, Notice},
    server::auth::{AskedReset, AuthError, KnownDevicesCookie, LoggedIn, Opened, Origin, Principal, Registered},
    server::settings::Confirm,
};
use axum::http::{HeaderMap, HeaderValue, header, request};
use leptos::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// W3C "Clear Site Data": not among `http`'s own names.
const CLEAR_SITE_DATA: header::HeaderName = header::HeaderName::from_static("clear-site-data");

/// The request a server function runs in: whom it may ask, who asks, and the cookies of the answer.
#[derive(Clone)]
pub struct Call {
    state: AppState,
    ip: IpAddr,
    user_agent: Option<HeaderValue>,
    known_devices: Option<SecretString>,
    held: Option<SecretString>,
    request: Option<SecretString>,
    confirming: Option<SecretString>,
    challenge: Option<SecretString>,
    trusted: Option<SecretString>,
    codes: Option<SecretString>,
    bearer: Option<SecretString>,
    given: GivenProof,
    answer: Arc<Mutex<AnswerHeaders>>,
}

/// What a call adds to the headers of its answer.
#[derive(Default)]
struct AnswerHeaders {
    cookies: Vec<HeaderValue>,
    clear_site: bool,
    grant: Option<Grant>,
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
        // Programs send none, and then there is nothing to look for.
        let has_cookies = parts.headers.contains_key(header::COOKIE);
        let cookie = |kind| has_cookies.then(|| state.cookies.read(&parts.headers, kind)).flatten();
        Self {
            ip: client::ip(&parts.extensions),
            user_agent: parts.headers.get(header::USER_AGENT).cloned(),
            known_devices: cookie(Kind::Devices),
            confirming: cookie(Kind::Confirming),
            held: cookie(Kind::Session),
            request: cookie(Kind::Request),
            challenge: cookie(Kind::Challenge),
            trusted: cookie(Kind::Trusted),
            codes: cookie(Kind::Codes),
            bearer: bearer(&parts.headers),
            given: GivenProof::default(),
            state: state.clone(),
            answer: Arc::default(),
        }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::register`].
    pub async fn register(&self, form: RegistrationForm) -> Result<Done, Problem> {
        match self.state.auth.register(form, &self.origin(), self.held()).await? {
            Registered::SignedIn(opened) => Ok(self.hand_over(opened, paths::DASHBOARD.to_owned())),
            Registered::GoAndSignIn => Ok(Done { next: paths::login_with(Notice::Registered), grant: None }),
            Registered::ConfirmFirst(asked) => Ok(self.confirm_first(&asked)),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::log_in`].
    pub async fn log_in(&self, form: LoginForm) -> Result<Done, Problem> {
        let answer = self.state.auth.log_in(&form, &self.origin(), self.held()).await;
        Ok(match answer.map_err(|error| self.told_of_confirmation(error))? {
            LoggedIn::Opened(opened) => self.signed_in(opened, paths::own_path(form.next.as_deref()).to_owned()),
            LoggedIn::Challenged(challenged) => self.challenged(&challenged),
            LoggedIn::Leaving(opened) => self.signed_in(opened, paths::ACCOUNT_RESTORE.to_owned()),
        })
    }

    /// Ends the session. While the database is away the cookie stays: whoever holds it can still end the session later.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::log_out`].
    pub async fn log_out(&self) -> Result<Done, Problem> {
        self.state.auth.log_out(self.held(), &self.origin()).await?;
        self.clear_with_site();
        Ok(Done { next: paths::login_with(Notice::SignedOut), grant: None })
    }

    /// Exchanges the refresh token.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::refresh`].
    pub async fn refresh(&self) -> Result<Grant, Problem> {
        match self.state.auth.refresh(self.held(), &self.origin()).await {
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
        Ok(self.principal_by_token().await?.account.clone())
    }

    /// Who asks, by the access token.
    pub(super) async fn principal_by_token(&self) -> Result<Arc<Principal>, Problem> {
        let token = self.bearer.as_ref().ok_or(AuthError::NotSignedIn)?;
        Ok(self.state.auth.authenticate(token.expose_secret()).await?)
    }

    /// Asks for a reset mail.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::request_password_reset`].
    pub async fn request_password_reset(&self, email: &str) -> Result<Done, Problem> {
        let asked = self.state.auth.request_password_reset(email, &self.origin()).await?;
        self.keep_request(&asked);
        self.clear(&[Kind::Link]);
        Ok(Done { next: paths::RESET_CONFIRMATION.to_owned(), grant: None })
    }

    /// Chooses a new password.
    ///
    /// # Errors
    /// As [`crate::server::auth::AuthService::confirm_password_reset`].
    pub async fn confirm_password_reset(&self, form: ResetForm) -> Result<Done, Problem> {
        let request = self.request.as_ref().map(|request| request.expose_secret());
        let devices = self.state.auth.confirm_password_reset(&form, request, &self.origin()).await;
        self.after_recovery(devices.map_err(|error| self.not_that_link(error))?).await;
        self.clear(&[Kind::Request, Kind::Link]);
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

    /// Whom it may ask.
    pub(super) fn state(&self) -> &AppState {
        &self.state
    }

    /// Where it came from.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            known_devices: self.known_devices.as_ref().map(|devices| devices.expose_secret().to_owned()),
            trusted: self.trusted.as_ref().map(|trusted| trusted.expose_secret().to_owned()),
            ..Client::new(self.ip, self.user_agent.as_ref()).origin()
        }
    }

    /// What the browser that registered keeps until its address is confirmed.
    pub(super) fn confirming(&self) -> Option<&str> {
        self.confirming.as_ref().map(|confirming| confirming.expose_secret())
    }

    /// The sign-in that waits for its second factor in this browser.
    pub(super) fn challenge(&self) -> Option<&str> {
        self.challenge.as_ref().map(|challenge| challenge.expose_secret())
    }

    /// New recovery codes that this browser shows.
    pub(super) fn codes(&self) -> Option<&str> {
        self.codes.as_ref().map(|codes| codes.expose_secret())
    }

    /// The proof that the form holds.
    pub(super) const fn given(&self) -> &GivenProof {
        &self.given
    }

    /// The same call of a form that holds this.
    pub(super) fn with_form(self, typed: &[u8]) -> Self {
        Self { given: GivenProof::read(typed), ..self }
    }

    /// What the browser that asked for a reset keeps, so that the mailed code works in it.
    pub(super) fn requested(&self) -> Option<&str> {
        self.request.as_ref().map(|request| request.expose_secret())
    }

    /// Keeps what binds a confirmation to the browser that registered.
    pub(super) fn keep_confirming(&self, asked: &AskedReset) {
        self.set_cookie(self.state.cookies.confirming(asked));
    }

    /// Whether any cookie of ours came with the call: programs have none, and need none removed.
    pub(super) fn has_cookies(&self) -> bool {
        let of_sign_in = [&self.known_devices, &self.held, &self.challenge, &self.trusted];
        let of_mails = [&self.request, &self.confirming, &self.codes];
        of_sign_in.iter().chain(&of_mails).any(|cookie| cookie.is_some())
    }

    /// Signs this browser out: the cookie goes, and what it has kept of the site.
    pub(super) fn clear_with_site(&self) {
        self.clear(&[Kind::Session]);
        for (cookie, kind) in [(&self.challenge, Kind::Challenge), (&self.codes, Kind::Codes)] {
            if cookie.is_some() {
                self.clear(&[kind]);
            }
        }
        self.answer().clear_site = true;
    }

    /// Puts a session's new tokens into the answer.
    pub(super) fn adopt(&self, opened: Opened) {
        self.set_cookie(self.state.cookies.session(&opened.cookie));
        if let Some(devices) = &opened.known_devices {
            self.set_cookie(self.state.cookies.devices(devices));
        }
        self.answer().grant = Some(opened.grant);
    }

    /// Takes them out again: the session has just ended.
    pub(super) fn forget_grant(&self) {
        self.answer().grant = None;
    }

    /// The answer of a form that did what was asked.
    pub(super) fn done(&self, next: String) -> Done {
        Done { next, grant: self.answer().grant.take() }
    }

    /// Removes cookies.
    pub(super) fn clear(&self, kinds: &[Kind]) {
        for kind in kinds {
            self.set_cookie(self.state.cookies.clear(*kind));
        }
    }

    /// Keeps what binds a mailed reset code to this browser.
    pub(super) fn keep_request(&self, asked: &AskedReset) {
        self.set_cookie(self.state.cookies.request(asked));
    }

    pub(super) fn hand_over(&self, opened: Opened, next: String) -> Done {
        self.adopt(opened);
        self.done(next)
    }

    /// Where addresses must be confirmed first, every refused sign-in says so: nobody learns by it which ones wait.
    pub(super) fn told_of_confirmation(&self, error: AuthError) -> Problem {
        let wrong = matches!(error, AuthError::WrongCredentials);
        let problem = Problem::from(error);
        if wrong && self.state.settings.registration.confirmation == Confirm::Required {
            let hint = " If you have not confirmed your e-mail address yet, open the link in our mail first.";
            return Problem { detail: [&problem.detail, hint].concat(), ..problem };
        }
        problem
    }

    /// A password was set by mail: this browser may be known by that, and whoever was signed in here is not any more.
    pub(super) async fn after_recovery(&self, devices: Option<KnownDevicesCookie>) {
        if let Some(devices) = devices {
            self.set_cookie(self.state.cookies.devices(&devices));
        }
        // If the database is away the session lives on unseen; its cookie goes all the same.
        _ = self.state.auth.log_out(self.held(), &self.origin()).await;
        self.clear(&[Kind::Session]);
    }

    /// A link that is worth nothing is forgotten, so that its page asks for the code again.
    pub(super) fn not_that_link(&self, error: AuthError) -> AuthError {
        if matches!(error, AuthError::InvalidTicket) {
            self.clear(&[Kind::Link]);
        }
        error
    }

    fn confirm_first(&self, asked: &AskedReset) -> Done {
        self.keep_confirming(asked);
        self.clear(&[Kind::Link]);
        self.done(paths::CONFIRM_EMAIL.to_owned())
    }

    pub(super) fn set_cookie(&self, cookie: HeaderValue) {
        let mut answer = self.answer();
        // A cookie that is set twice is set as it was last.
        let name = |cookie: &HeaderValue| cookie.as_bytes().split(|byte| *byte == b'=').next().map(<[u8]>::to_vec);
        answer.cookies.retain(|earlier| name(earlier) != name(&cookie));
        answer.cookies.push(cookie);
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
