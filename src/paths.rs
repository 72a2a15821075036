//! Every path once, and the builders of links for mails and redirects.

/// What this is; for those signed in, the way to the dashboard.
pub const HOME: &str = "/";
/// Make an account.
pub const REGISTER: &str = "/register";
/// Sign in.
pub const LOGIN: &str = "/login";
/// Sign out (POST only).
pub const LOGOUT: &str = "/logout";
/// Ask for a reset mail.
pub const RESET_PASSWORD: &str = "/reset-password";
/// Choose a new password, with the mailed link or code.
pub const RESET_CONFIRMATION: &str = "/reset-confirmation";
/// The account of who is signed in.
pub const DASHBOARD: &str = "/dashboard";

/// Mails of a server in development; one page per mail below it.
pub const MAILBOX: &str = "/dev/mailbox";
/// The public keys that verify our access tokens (RFC 7517).
pub const JWKS: &str = "/.well-known/jwks.json";
/// Where password managers send a person to change a password.
pub const CHANGE_PASSWORD: &str = "/.well-known/change-password";
/// Where browsers report what the content security policy stopped.
pub const CSP_REPORTS: &str = "/csp-reports";
/// The server is alive.
pub const HEALTH: &str = "/healthz";
/// The server can do its work: its database answers, its mails leave.
pub const READY: &str = "/readyz";

/// What every server function's path begins with.
pub const ACTIONS: &str = "/actions";

/// The longest `next` that is taken, in bytes.
const NEXT_LIMIT: usize = 512;

/// What a page may be asked to say after a redirect. Only these; free text from a URL is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The password was reset; sign in with the new one.
    PasswordReset,
    /// The account was made (or the address already had one): sign in.
    Registered,
    /// Signed out.
    SignedOut,
}

impl Notice {
    /// Its name in a URL's query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::Registered => "registered",
            Self::SignedOut => "signed-out",
        }
    }

    /// The notice of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::PasswordReset, Self::Registered, Self::SignedOut].into_iter().find(|notice| notice.name() == name)
    }
}

/// The login page that shows `notice`.
#[must_use]
pub fn login_with(notice: Notice) -> String {
    format!("{LOGIN}?notice={}", notice.name())
}

/// The login page that leads to `next` afterwards. `next` is a path of ours without a query.
#[must_use]
pub fn login_then(next: &str) -> String {
    format!("{LOGIN}?next={next}")
}

/// The page of one mail in the development mailbox.
#[must_use]
pub fn mailbox_mail(id: &str) -> String {
    format!("{MAILBOX}/{id}")
}

/// The link that a reset mail carries. Both values are base64url and need no escaping.
#[must_use]
pub fn reset_link(public_url: &str, uid: &str, token: &str) -> String {
    format!("{public_url}{RESET_CONFIRMATION}?uid={uid}&token={token}")
}

/// `next` if it is a path of our own that is safe to redirect to, else the dashboard.
///
/// Allowed: one leading slash, then only characters that no browser turns into another host or scheme.
/// Backslashes, control characters, `//`, `/\` and anything that does not begin with `/` are not.
#[must_use]
pub fn own_path(next: Option<&str>) -> &str {
    next.filter(|path| is_own(path)).unwrap_or(DASHBOARD)
}

fn is_own(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~?&=%+".contains(&byte);
    path.len() <= NEXT_LIMIT
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(plain)
        && !path.to_ascii_lowercase().contains("%2f%2f")
        && !path.split(['?', '&']).next().is_some_and(|p| p.split('/').any(|part| part == ".." || part == "."))
        && ![LOGIN, LOGOUT, REGISTER].iter().any(|page| path.split('?').next() == Some(page))
        && !path.starts_with(ACTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_on_our_own_origin() {
        let hostile = [
            "https://evil.test",
            "//evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "javascript:alert(1)",
            "data:text/html,x",
            "dashboard",
            "",
            " /dashboard",
            "/%0d%0aSet-Cookie:x=y\r\n",
            "///evil.test",
            "/..//evil.test",
            "/%2f%2fevil.test",
            "/actions/log_out",
            "/login?next=/login",
            "/dash\u{0}board",
            "/@evil.test:x",
            "/é",
        ];
        for next in hostile {
            assert_eq!(own_path(Some(next)), DASHBOARD, "{next:?}");
        }
        assert_eq!(own_path(Some(&format!("/{}", "a".repeat(NEXT_LIMIT)))), DASHBOARD);
    }

    #[test]
    fn next_keeps_a_path_of_ours() {
        for next in ["/", "/dashboard", "/account/sessions?page=2", "/a-b_c~d.e"] {
            assert_eq!(own_path(Some(next)), next);
        }
        assert_eq!(own_path(None), DASHBOARD);
    }

    #[test]
    fn every_notice_is_found_by_its_name() {
        for notice in [Notice::PasswordReset, Notice::Registered, Notice::SignedOut] {
            assert_eq!(Notice::parse(notice.name()), Some(notice));
        }
        assert_eq!(Notice::parse("<b>hello"), None);
    }
}
