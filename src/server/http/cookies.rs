//! Our cookies: their names, and their attributes in one function.

use crate::server::{
    auth::{AskedReset, Challenged, KnownDevicesCookie, RefreshCookie, ShownCodes, TrustCookie},
    settings::{self, SameSite},
};
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, time::Duration};
use secrecy::{ExposeSecret as _, SecretString};

/// Seconds the mailed link is kept out of the address bar and in a cookie.
const LINK_LIFE: i64 = 1800;

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The refresh token.
    Session,
    /// What the browser that asked for a reset keeps, so that the mailed code works in it.
    Request,
    /// The mailed link that was opened, until its form is sent.
    Link,
    /// What the browser that registered keeps until its address is confirmed.
    Confirming,
    /// The accounts that signed in here before.
    Devices,
    /// A sign-in that waits for its second factor.
    Challenge,
    /// The accounts that ask for no second factor here.
    Trusted,
    /// New recovery codes, sealed, as long as they are shown.
    Codes,
}

/// Reads and writes our cookies.
#[derive(Clone, Debug)]
pub struct Cookies {
    settings: settings::Cookie,
}

impl Cookies {
    /// By these settings.
    #[must_use]
    pub const fn new(settings: settings::Cookie) -> Self {
        Self { settings }
    }

    /// The value that the request carries, if it is there once. Twice is a sign of somebody planting cookies: then none.
    #[must_use]
    pub fn read(&self, headers: &HeaderMap, kind: Kind) -> Option<SecretString> {
        let is_it = |name: &str| name.strip_prefix(&self.settings.name) == Some(suffix(kind));
        let mut first = None;
        for value in headers.get_all(header::COOKIE) {
            // Cookies of others on this host may hold any byte; they must not hide ours.
            let text = String::from_utf8_lossy(value.as_bytes());
            for cookie in Cookie::split_parse(&*text).filter_map(Result::ok).filter(|cookie| is_it(cookie.name())) {
                if first.replace(cookie.value().to_owned()).is_some() {
                    return None;
                }
            }
        }
        first.map(SecretString::from)
    }

    /// Keeps a refresh token.
    #[must_use]
    pub fn session(&self, cookie: &RefreshCookie) -> HeaderValue {
        self.write(Kind::Session, cookie.token.expose_secret(), cookie.max_age)
    }

    /// Keeps what binds a mailed code to this browser.
    #[must_use]
    pub fn request(&self, asked: &AskedReset) -> HeaderValue {
        self.write(Kind::Request, asked.request.expose_secret(), Some(asked.max_age))
    }

    /// Keeps what binds a confirmation to the browser that registered.
    #[must_use]
    pub fn confirming(&self, asked: &AskedReset) -> HeaderValue {
        self.write(Kind::Confirming, asked.request.expose_secret(), Some(asked.max_age))
    }

    /// Keeps the accounts that signed in here.
    #[must_use]
    pub fn devices(&self, devices: &KnownDevicesCookie) -> HeaderValue {
        self.write(Kind::Devices, devices.value.expose_secret(), Some(devices.max_age))
    }

    /// Keeps the name of a sign-in that waits.
    #[must_use]
    pub fn challenge(&self, challenged: &Challenged) -> HeaderValue {
        self.write(Kind::Challenge, challenged.token.expose_secret(), Some(challenged.max_age))
    }

    /// Keeps the accounts that ask for no second factor here.
    #[must_use]
    pub fn trusted(&self, trusted: &TrustCookie) -> HeaderValue {
        self.write(Kind::Trusted, trusted.value.expose_secret(), Some(trusted.max_age))
    }

    /// Keeps new recovery codes as long as they are shown.
    #[must_use]
    pub fn codes(&self, codes: &ShownCodes) -> HeaderValue {
        self.write(Kind::Codes, codes.value.expose_secret(), Some(codes.max_age))
    }

    /// Keeps a mailed link to `page`.
    #[must_use]
    pub fn link(&self, page: &str, uid: &str, token: &str) -> HeaderValue {
        self.write(Kind::Link, &[page.trim_start_matches('/'), uid, token].join("."), Some(LINK_LIFE))
    }

    /// Whether an answer with these headers sets, or removes, the refresh token.
    #[must_use]
    pub fn sets_session(&self, answer: &HeaderMap) -> bool {
        self.new_session(answer).is_some()
    }

    /// A request's headers as its next one would have them: with the refresh token that the answer sets.
    #[must_use]
    pub fn after(&self, mut request: HeaderMap, answer: &HeaderMap) -> HeaderMap {
        let Some(new) = self.new_session(answer) else { return request };
        let own = [self.name(Kind::Session).as_str(), "="].concat();
        let texts: Vec<String> = request
            .get_all(header::COOKIE)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let others =
            texts.iter().flat_map(|text| text.split(';')).map(str::trim).filter(|pair| !pair.starts_with(&own));
        let line = others.chain([new.as_str()]).collect::<Vec<_>>().join("; ");
        if let Ok(line) = HeaderValue::from_str(&line) {
            request.insert(header::COOKIE, line);
        }
        request
    }

    /// Name and value of the refresh token's cookie that an answer sets.
    fn new_session(&self, answer: &HeaderMap) -> Option<String> {
        let own = [self.name(Kind::Session).as_str(), "="].concat();
        let mut set = answer.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let cookie = set.find(|cookie| cookie.starts_with(&own))?;
        cookie.split(';').next().map(str::to_owned)
    }

    /// Removes a cookie.
    #[must_use]
    pub fn clear(&self, kind: Kind) -> HeaderValue {
        self.write(kind, "", Some(0))
    }

    fn name(&self, kind: Kind) -> String {
        [&self.settings.name, suffix(kind)].concat()
    }

    /// The one place where attributes are decided: `HttpOnly`, `Path=/`, no `Domain` (RFC 6265bis, `__Host-`).
    fn write(&self, kind: Kind, value: &str, max_age: Option<i64>) -> HeaderValue {
        let same_site = match self.settings.same_site {
            SameSite::Lax => cookie::SameSite::Lax,
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::None => cookie::SameSite::None,
        };
        let mut built = Cookie::build((self.name(kind), value))
            .path("/")
            .http_only(true)
            .secure(self.settings.secure)
            .same_site(same_site)
            .build();
        built.set_max_age(max_age.map(Duration::seconds));
        // Names and values are ours and plain; a value that no header takes would only be an empty cookie.
        HeaderValue::from_str(&built.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// What stands behind the name of the session's cookie in the names of the others.
const fn suffix(kind: Kind) -> &'static str {
    match kind {
        Kind::Session => "",
        Kind::Request => "-request",
        Kind::Link => "-link",
        Kind::Confirming => "-confirming",
        Kind::Devices => "-devices",
        Kind::Challenge => "-challenge",
        Kind::Trusted => "-trusted",
        Kind::Codes => "-codes",
    }
}
