//! A caller: a browser or a program, with its own cookies.

use super::PASSWORD;
use reqwest::{Method, RequestBuilder, header};
use std::{collections::BTreeMap, sync::Mutex};

/// A caller of the application. Cookies are kept by hand, so that tests see and forge them.
pub struct Caller {
    client: reqwest::Client,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// One header as text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `code` of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The names of the fields that a problem complains about.
    pub fn fields(&self) -> Vec<String> {
        let json = self.json();
        let fields = json["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().map(|field| field["field"].as_str().unwrap().to_owned()).collect()
    }

    /// The JSON pointers, or parameters, that a problem of the API complains about.
    pub fn pointers(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        let name =
            |error: &serde_json::Value| error["pointer"].as_str().or(error["parameter"].as_str()).map(str::to_owned);
        errors.iter().map(|error| name(error).unwrap()).collect()
    }

    /// The access token of a grant or of a form's answer.
    pub fn token(&self) -> String {
        let json = self.json();
        let grant = if json["grant"].is_object() { &json["grant"] } else { &json };
        grant["access_token"].as_str().expect("an access token").to_owned()
    }
}

impl Caller {
    pub fn new(base: &str) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { client, base: base.to_owned(), cookies: Mutex::default() }
    }

    /// The server that it speaks to: `http://` and an address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A caller with the same cookies: a second tab, a thief.
    pub fn twin(&self) -> Self {
        let twin = Self::new(&self.base);
        *twin.cookies.lock().unwrap() = self.cookies.lock().unwrap().clone();
        twin
    }

    /// The value of a cookie, or nothing.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// The refresh token it holds.
    pub fn held(&self) -> String {
        self.cookie("__Host-doorward").expect("a session cookie")
    }

    /// Puts a cookie, or with nothing takes it away.
    pub fn set_cookie(&self, name: &str, value: Option<&str>) {
        let mut cookies = self.cookies.lock().unwrap();
        match value {
            Some(value) => drop(cookies.insert(name.to_owned(), value.to_owned())),
            None => drop(cookies.remove(name)),
        }
    }

    /// A request that is not sent yet, with the cookies.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies.lock().unwrap();
        let line = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = self.client.request(method, format!("{}{path}", self.base));
        if line.is_empty() { request } else { request.header(header::COOKIE, line) }
    }

    /// Sends a request and keeps the cookies of its answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// As [`Caller::send`], of a server that may go away meanwhile.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(line.to_str().unwrap().to_owned()).unwrap();
            let gone = cookie.max_age().is_some_and(|age| age.is_zero());
            self.set_cookie(cookie.name(), (!gone).then(|| cookie.value()));
        }
        Ok(Answer { status, headers, text: response.text().await? })
    }

    /// Sends a request whose answer need not be text: its status and encoding.
    pub async fn client_send(&self, request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.expect("an answer");
        let encoding = response.headers().get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap());
        (response.status().as_u16(), encoding.to_owned())
    }

    /// A page, as a browser asks for it.
    pub async fn page(&self, path: &str) -> Answer {
        self.send(self.navigation(Method::GET, path)).await
    }

    /// A form of a page, sent with scripts off.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.navigation(Method::POST, path).form(fields)).await
    }

    /// A server function, as the page's own script calls it.
    pub async fn action(&self, name: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, &format!("/actions/{name}"));
        self.send(request.header("sec-fetch-site", "same-origin").form(fields)).await
    }

    /// As [`Caller::action`], of a server that may go away meanwhile.
    pub async fn try_action(&self, name: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let request = self.request(Method::POST, &format!("/actions/{name}"));
        self.try_send(request.header("sec-fetch-site", "same-origin").form(fields)).await
    }

    /// The API, as a program calls it: with the cookies it holds, a token and a JSON body if there are any.
    pub async fn api(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<serde_json::Value>,
    ) -> Answer {
        let mut request = self.request(method, &format!("/api/v1{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        self.send(if let Some(body) = body { request.json(&body) } else { request }).await
    }

    /// A POST to the API without a token.
    pub async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        self.api(Method::POST, path, None, Some(body)).await
    }

    /// A GET of the API.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.api(Method::GET, path, Some(token), None).await
    }

    /// The account of an access token.
    pub async fn account(&self, token: &str) -> Answer {
        let request = self.request(Method::POST, "/actions/current_account").bearer_auth(token);
        self.send(request.header("sec-fetch-site", "same-origin").form(&[("", ""); 0])).await
    }

    /// Registers `name` at `name@example.com`.
    pub async fn register(&self, name: &str) -> Answer {
        let email = format!("{name}@example.com");
        let fields =
            [("email", email.as_str()), ("username", name), ("password", PASSWORD), ("password_again", PASSWORD)];
        self.action("register", &fields).await
    }

    /// Signs in.
    pub async fn log_in(&self, identifier: &str, password: &str) -> Answer {
        self.action("log_in", &[("identifier", identifier), ("password", password)]).await
    }

    /// Refreshes with the cookie it holds.
    pub async fn refresh(&self) -> Answer {
        self.action("refresh", &[]).await
    }

    fn navigation(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }
}
