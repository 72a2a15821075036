//! A typed client of the API: the server's own request and answer types, and a thin layer over reqwest.
//!
//! It keeps the refresh token itself (`"transport": "body"`), so it sends no cookies. One `Client` is one session at most.

use doorward::server::http::api::types::{
    AccountView, ApiProblem, Asked, ChallengeView, Confirmation, DeletionView, EmailChange, FactorAnswer, HistoryPage,
    Introspection, IntrospectionRequest, Login, MailedLink, NewUsername, PasswordChange, PasswordReset,
    PasswordResetRequest, ProfileChange, RefreshToken, Registered, Registration, Secret, SessionPage, SessionProof,
    TakeOver, TicketProof, Tokens, Transport,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

/// Why a call did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The server said no, and why.
    Refused(Box<ApiProblem>),
    /// The server was not reached, or what came back is not its own: a proxy's page, for example.
    Unreadable(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(problem) => f.write_str(&problem.detail),
            Self::Unreadable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// A client, and the session that it holds.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    tokens: Option<Tokens>,
}

impl Client {
    /// A client of the server at `base` (scheme, host, port), signed in nowhere.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::new();
        Self { http, base: [base.trim_end_matches('/'), "/api/v1"].concat(), tokens: None }
    }

    /// The tokens of the session it holds.
    #[must_use]
    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Makes an account; holds its session where the server signs new accounts in.
    pub async fn register(&mut self, mut form: Registration) -> Result<Registered, Failure> {
        form.transport = Transport::Body;
        let registered: Registered = self.answered(self.plain(Method::POST, "/accounts").json(&form)).await?;
        self.tokens.clone_from(&registered.tokens);
        Ok(registered)
    }

    /// Signs in, or says what the sign-in waits for: the password of an account with a second factor opens nothing alone.
    pub async fn log_in(
        &mut self,
        identifier: &str,
        password: &str,
        remember: bool,
    ) -> Result<Option<ChallengeView>, Failure> {
        let (identifier, password) = (identifier.to_owned(), password.into());
        let form = Login { identifier, password, remember, transport: Transport::Body };
        let (status, text) = self.sent(self.plain(Method::POST, "/sessions").json(&form)).await?;
        if status == StatusCode::ACCEPTED {
            return Ok(Some(read(&text)?));
        }
        self.tokens = Some(read(&text)?);
        Ok(None)
    }

    /// Shows the second factor that a sign-in waits for.
    pub async fn show_factor(&mut self, mut form: FactorAnswer) -> Result<(), Failure> {
        form.transport = Transport::Body;
        self.tokens = Some(self.answered(self.plain(Method::POST, "/sessions/factor").json(&form)).await?);
        Ok(())
    }

    /// Exchanges the refresh token. When the server says that the session is over, it is forgotten here as well; when it was
    /// not reached, the same token is good for the next try.
    pub async fn refresh(&mut self) -> Result<(), Failure> {
        let form = RefreshToken { refresh_token: self.refresh_token() };
        let answer = self.answered(self.plain(Method::POST, "/sessions/refresh").json(&form)).await;
        if matches!(&answer, Err(Failure::Refused(problem)) if problem.status == StatusCode::UNAUTHORIZED.as_u16()) {
            self.tokens = None;
        }
        self.tokens = Some(answer?);
        Ok(())
    }

    /// Signs out.
    pub async fn log_out(&mut self) -> Result<(), Failure> {
        let form = RefreshToken { refresh_token: self.refresh_token() };
        self.empty(self.plain(Method::POST, "/sessions/log-out").json(&form)).await?;
        self.tokens = None;
        Ok(())
    }

    /// Gives the password once more, for what is sensitive.
    pub async fn prove(&mut self, current_password: &str) -> Result<(), Failure> {
        let form = SessionProof {
            current_password: current_password.into(),
            refresh_token: self.refresh_token(),
            ..SessionProof::default()
        };
        self.tokens = Some(self.answered(self.plain(Method::POST, "/sessions/proof").json(&form)).await?);
        Ok(())
    }

    /// A page of one's sessions.
    pub async fn sessions(&self, cursor: Option<&str>, limit: usize) -> Result<SessionPage, Failure> {
        self.answered(page(self.own(Method::GET, "/sessions"), cursor, limit)).await
    }

    /// Ends one session.
    pub async fn end_session(&self, id: &str) -> Result<(), Failure> {
        self.empty(self.own(Method::DELETE, &["/sessions/", id].concat())).await
    }

    /// Ends all sessions but this one.
    pub async fn end_other_sessions(&self) -> Result<(), Failure> {
        self.empty(self.own(Method::DELETE, "/sessions")).await
    }

    /// One's account.
    pub async fn me(&self) -> Result<AccountView, Failure> {
        self.answered(self.own(Method::GET, "/me")).await
    }

    /// Changes names and time zone; what is `None` stays.
    pub async fn change_profile(&self, form: &ProfileChange) -> Result<AccountView, Failure> {
        self.answered(self.own(Method::PATCH, "/me").json(form)).await
    }

    /// Changes the user name.
    pub async fn change_username(&self, username: &str) -> Result<AccountView, Failure> {
        let form = NewUsername { username: username.to_owned() };
        self.answered(self.own(Method::PUT, "/me/username").json(&form)).await
    }

    /// Changes the password; the session goes on with new tokens.
    pub async fn change_password(&mut self, current: &str, new: &str) -> Result<(), Failure> {
        let refresh_token = self.refresh_token();
        let form = PasswordChange { current_password: current.into(), password: new.into(), refresh_token };
        self.tokens = Some(self.answered(self.plain(Method::PUT, "/me/password").json(&form)).await?);
        Ok(())
    }

    /// A page of what happened to the account.
    pub async fn history(&self, cursor: Option<&str>, limit: usize) -> Result<HistoryPage, Failure> {
        self.answered(page(self.own(Method::GET, "/me/history"), cursor, limit)).await
    }

    /// One's data.
    pub async fn export(&self) -> Result<serde_json::Value, Failure> {
        self.answered(self.own(Method::GET, "/me/export")).await
    }

    /// Asks for the account to be deleted. The session ends.
    pub async fn leave(&mut self) -> Result<DeletionView, Failure> {
        let left = self.answered(self.own(Method::DELETE, "/me")).await?;
        self.tokens = None;
        Ok(left)
    }

    /// Stays after all.
    pub async fn restore(&self) -> Result<AccountView, Failure> {
        self.answered(self.own(Method::POST, "/me/restore")).await
    }

    /// Reports foreign use. Every session ends.
    pub async fn report_not_me(&mut self) -> Result<Asked, Failure> {
        let asked = self.answered(self.own(Method::POST, "/me/not-me")).await?;
        self.tokens = None;
        Ok(asked)
    }

    /// Confirms the address; with the session, if there is one.
    pub async fn confirm(&self, form: &Confirmation) -> Result<(), Failure> {
        self.empty(self.own(Method::POST, "/confirmations").json(form)).await
    }

    /// Confirms the address and replaces a password that somebody else has set.
    pub async fn take_over(&self, form: &TakeOver) -> Result<(), Failure> {
        self.empty(self.plain(Method::POST, "/confirmations/take-over").json(form)).await
    }

    /// Has the mail to confirm the address sent again.
    pub async fn resend_confirmation(&self) -> Result<Asked, Failure> {
        self.answered(self.own(Method::POST, "/me/confirmation")).await
    }

    /// Asks for another address.
    pub async fn request_email_change(&self, email: &str) -> Result<Asked, Failure> {
        let form = EmailChange { email: email.to_owned() };
        self.answered(self.own(Method::POST, "/me/email-change").json(&form)).await
    }

    /// Takes the other address.
    pub async fn confirm_email_change(&self, form: &TicketProof) -> Result<AccountView, Failure> {
        self.answered(self.own(Method::POST, "/me/email-change/confirm").json(form)).await
    }

    /// Goes back to the earlier address.
    pub async fn undo_email_change(&self, uid: &str, token: &str) -> Result<Asked, Failure> {
        let form = MailedLink { uid: uid.to_owned(), token: token.into(), transport: Transport::Body };
        self.answered(self.plain(Method::POST, "/email-changes/undo").json(&form)).await
    }

    /// Asks for a mail that leads to a new password.
    pub async fn request_password_reset(&self, email: &str) -> Result<Asked, Failure> {
        let form = PasswordResetRequest { email: email.to_owned(), transport: Transport::Body };
        self.answered(self.plain(Method::POST, "/password-resets").json(&form)).await
    }

    /// Chooses a new password with what was mailed.
    pub async fn confirm_password_reset(&self, form: &PasswordReset) -> Result<(), Failure> {
        self.empty(self.plain(Method::POST, "/password-resets/confirm").json(form)).await
    }

    /// Asks about an access token, as another service does.
    pub async fn introspect(&self, token: &str, secret: Option<&str>) -> Result<Introspection, Failure> {
        let form = IntrospectionRequest { token: token.into(), token_type_hint: None };
        let request = self.plain(Method::POST, "/tokens/introspect").json(&form);
        self.answered(match secret {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        })
        .await
    }

    fn refresh_token(&self) -> Option<Secret> {
        self.tokens.as_ref()?.refresh_token.clone()
    }

    fn plain(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, [self.base.as_str(), path].concat())
    }

    /// With the access token, if there is one.
    fn own(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.plain(method, path);
        match &self.tokens {
            Some(tokens) => request.bearer_auth(tokens.access_token.expose()),
            None => request,
        }
    }

    async fn answered<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let (_, text) = self.sent(request).await?;
        read(&text)
    }

    async fn empty(&self, request: RequestBuilder) -> Result<(), Failure> {
        self.sent(request).await.map(drop)
    }

    async fn sent(&self, request: RequestBuilder) -> Result<(StatusCode, String), Failure> {
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if status.is_success() {
            return Ok((status, text));
        }
        match serde_json::from_str(&text) {
            Ok(problem) => Err(Failure::Refused(Box::new(problem))),
            Err(_) => Err(Failure::Unreadable(format!("the answer is {status} and no problem of the API"))),
        }
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Unreadable(error.to_string()))
}

fn page<T: Serialize>(request: RequestBuilder, cursor: Option<T>, limit: usize) -> RequestBuilder {
    let request = request.query(&[("limit", limit)]);
    match cursor {
        Some(cursor) => request.query(&[("cursor", cursor)]),
        None => request,
    }
}
