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

/// One's account: its profile.
pub const ACCOUNT: &str = "/account";
/// Password, address, and what guards the sign-in.
pub const ACCOUNT_SECURITY: &str = "/account/security";
/// Where one is signed in.
pub const ACCOUNT_SESSIONS: &str = "/account/sessions";
/// What happened to the account.
pub const ACCOUNT_HISTORY: &str = "/account/history";
/// One's data: take it along, or leave.
pub const ACCOUNT_PRIVACY: &str = "/account/privacy";
/// "This wasn't me": end every session and choose a new password.
pub const ACCOUNT_NOT_ME: &str = "/account/not-me";
/// An account that is about to be deleted can be kept here.
pub const ACCOUNT_RESTORE: &str = "/account/restore";
/// Confirm the address of an account, with the mailed link or code.
pub const CONFIRM_EMAIL: &str = "/confirm-email";
/// Confirm the new address of an account, with the mailed link or code.
pub const CONFIRM_EMAIL_CHANGE: &str = "/confirm-email-change";
/// Go back to the earlier address, with the mailed link.
pub const UNDO_EMAIL_CHANGE: &str = "/undo-email-change";

/// Forms that stand on a page beside others post here (POST only; GET leads to their page).
pub mod forms {
    /// Names and time zone, on [`super::ACCOUNT`].
    pub const PROFILE: &str = "/account/profile";
    /// The user name, on [`super::ACCOUNT`].
    pub const USERNAME: &str = "/account/username";
    /// A new password, on [`super::ACCOUNT_SECURITY`].
    pub const PASSWORD: &str = "/account/security/password";
    /// A new address, on [`super::ACCOUNT_SECURITY`].
    pub const EMAIL: &str = "/account/security/email";
    /// Another mail to confirm the address, on [`super::CONFIRM_EMAIL`].
    pub const RESEND_CONFIRMATION: &str = "/confirm-email/resend";
    /// Someone else's password is replaced while the address is confirmed, on [`super::CONFIRM_EMAIL`].
    pub const TAKE_OVER: &str = "/confirm-email/new-password";
    /// End one session, on [`super::ACCOUNT_SESSIONS`].
    pub const END_SESSION: &str = "/account/sessions/end";
    /// End all sessions but this one, on [`super::ACCOUNT_SESSIONS`].
    pub const END_OTHER_SESSIONS: &str = "/account/sessions/end-others";
    /// Download one's data, on [`super::ACCOUNT_PRIVACY`].
    pub const EXPORT: &str = "/account/privacy/export";
    /// Leave, on [`super::ACCOUNT_PRIVACY`].
    pub const DELETE: &str = "/account/privacy/delete";
}

/// Mails of a server in development; one page per mail below it.
pub const MAILBOX: &str = "/dev/mailbox";
/// The public keys that verify our access tokens (RFC 7517).
pub const JWKS: &str = "/.well-known/jwks.json";
/// What a service that takes our access tokens needs to know, in the forms of OpenID Connect Discovery and RFC 8414.
pub const METADATA: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
/// What every path of the API begins with.
pub const API: &str = "/api/v1";
/// The description of the API (OpenAPI 3.1).
pub const OPENAPI: &str = "/api/v1/openapi.json";
/// Where another service asks about an access token (RFC 7662).
pub const INTROSPECT: &str = "/api/v1/tokens/introspect";
/// The API to read and to try, for people.
pub const API_DOCS: &str = "/api/docs";
/// What every path of the door for the front ends of Django begins with.
pub const COMPAT: [&str; 4] = ["/auth", "/api/auth", "/api/token", "/api/profile"];
/// One more of them.
pub const COMPAT_INDEX: &str = "/api/";
/// Where password managers send a person to change a password.
pub const CHANGE_PASSWORD: &str = "/.well-known/change-password";
/// Where browsers report what the content security policy stopped.
pub const CSP_REPORTS: &str = "/csp-reports";
/// The server is alive.
pub const HEALTH: &str = "/healthz";
/// The server can do its work: its database answers, its mails leave.
pub const READY: &str = "/readyz";
/// Counters for those who run the server; at `metrics.address` only.
pub const METRICS: &str = "/metrics";

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
    /// The address is confirmed.
    EmailConfirmed,
    /// The address is confirmed, and the password is a new one: sign in with it.
    TakenOver,
    /// A mail to confirm the address is on its way.
    ConfirmationSent,
    /// The profile was changed.
    ProfileSaved,
    /// The user name was changed.
    UsernameChanged,
    /// The password was changed; other sessions have ended.
    PasswordChanged,
    /// A mail to the new address is on its way.
    EmailChangeSent,
    /// The address was changed.
    EmailChanged,
    /// A session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OtherSessionsEnded,
    /// The account will be deleted.
    DeletionRequested,
    /// The account stays.
    DeletionUndone,
}

impl Notice {
    /// All notices.
    pub const ALL: [Self; 15] = [
        Self::PasswordReset,
        Self::Registered,
        Self::SignedOut,
        Self::EmailConfirmed,
        Self::TakenOver,
        Self::ConfirmationSent,
        Self::ProfileSaved,
        Self::UsernameChanged,
        Self::PasswordChanged,
        Self::EmailChangeSent,
        Self::EmailChanged,
        Self::SessionEnded,
        Self::OtherSessionsEnded,
        Self::DeletionRequested,
        Self::DeletionUndone,
    ];

    /// Its name in a URL's query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::Registered => "registered",
            Self::SignedOut => "signed-out",
            Self::EmailConfirmed => "email-confirmed",
            Self::TakenOver => "taken-over",
            Self::ConfirmationSent => "confirmation-sent",
            Self::ProfileSaved => "profile-saved",
            Self::UsernameChanged => "username-changed",
            Self::PasswordChanged => "password-changed",
            Self::EmailChangeSent => "email-change-sent",
            Self::EmailChanged => "email-changed",
            Self::SessionEnded => "session-ended",
            Self::OtherSessionsEnded => "other-sessions-ended",
            Self::DeletionRequested => "deletion-requested",
            Self::DeletionUndone => "deletion-undone",
        }
    }

    /// What it says.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::PasswordReset => "Your password is changed. Sign in with the new one.",
            Self::Registered => "Thank you. You can sign in now.",
            Self::SignedOut => "You are signed out.",
            Self::EmailConfirmed => "Thank you. Your e-mail address is confirmed.",
            Self::TakenOver => "Your address is confirmed and the password is yours. Sign in with it.",
            Self::ConfirmationSent => "A mail is on its way, unless one went out a moment ago.",
            Self::ProfileSaved => "Your profile is saved.",
            Self::UsernameChanged => "Your user name is changed. Sign in with the new one from now on.",
            Self::PasswordChanged => "Your password is changed. You are signed out everywhere else.",
            Self::EmailChangeSent => "A mail is on its way to the new address. Nothing changes before it is answered.",
            Self::EmailChanged => "Your e-mail address is changed.",
            Self::SessionEnded => "That session has ended.",
            Self::OtherSessionsEnded => "All other sessions have ended.",
            Self::DeletionRequested => "Your account will be deleted. Until then you can keep it: sign in.",
            Self::DeletionUndone => "Welcome back. Your account stays.",
        }
    }

    /// The notice of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }
}

/// The login page that shows `notice`.
#[must_use]
pub fn login_with(notice: Notice) -> String {
    format!("{LOGIN}?notice={}", notice.name())
}

/// `page`, a path of ours without a query, showing `notice`.
#[must_use]
pub fn with(page: &str, notice: Notice) -> String {
    format!("{page}?notice={}", notice.name())
}

/// Whether a page is for those only who are signed in.
#[must_use]
pub fn needs_account(path: &str) -> bool {
    path == DASHBOARD || path == CONFIRM_EMAIL_CHANGE || path.starts_with(ACCOUNT)
}

/// Whether a page shows what only its owner may see, so that it gives way when the session ends.
#[must_use]
pub fn is_personal(path: &str) -> bool {
    needs_account(path) || path == CONFIRM_EMAIL
}

/// The older lines of the history, before the one with this number.
#[must_use]
pub fn history_before(seq: i64) -> String {
    format!("{ACCOUNT_HISTORY}?before={seq}")
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

/// The link that a mail carries to `page`. Both values are base64url and need no escaping.
#[must_use]
pub fn mailed_link(public_url: &str, page: &str, uid: &str, token: &str) -> String {
    format!("{public_url}{page}?uid={uid}&token={token}")
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
        for notice in Notice::ALL {
            assert_eq!(Notice::parse(notice.name()), Some(notice));
        }
        assert_eq!(Notice::parse("<b>hello"), None);
    }
}
