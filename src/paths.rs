//! Every path once, and the builders of links for mails and redirects.

pub mod forms;
mod notice;

pub use notice::Notice;

/// What this is; for those signed in, the way to the dashboard.
pub const HOME: &str = "/";
/// Make an account.
pub const REGISTER: &str = "/register";
/// Sign in.
pub const LOGIN: &str = "/login";
/// Show the second factor that a sign-in, or a session from before, waits for.
pub const LOGIN_FACTOR: &str = "/login/factor";
/// Set up the second factor that this site demands, before the session opens.
pub const LOGIN_ENROL: &str = "/login/enrol";
/// The pages of who is not signed in yet; nobody is sent there who is.
pub const LOGIN_PAGES: [&str; 4] = [LOGIN, LOGIN_FACTOR, LOGIN_ENROL, REGISTER];
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
/// What signing in takes beside a password: authenticator app, passkeys, recovery codes, trusted browsers.
pub const ACCOUNT_FACTORS: &str = "/account/factors";
/// Set up an authenticator app.
pub const ACCOUNT_FACTORS_APP: &str = "/account/factors/app";
/// New recovery codes, for as long as they are shown.
pub const ACCOUNT_RECOVERY_CODES: &str = "/account/factors/recovery-codes";
/// The same as a file.
pub const RECOVERY_CODES_FILE: &str = "/account/factors/recovery-codes.txt";
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

/// The server functions that begin a ceremony with a passkey, and those that end it.
pub mod ceremonies {
    /// Begins signing in with a passkey alone.
    pub const START_LOG_IN: &str = "/actions/start_passkey_log_in";
    /// Signs in with a passkey alone.
    pub const LOG_IN: &str = "/actions/log_in_with_passkey";
    /// Begins the second factor of a sign-in that waits.
    pub const START_FACTOR: &str = "/actions/start_challenge_passkey";
    /// Shows it.
    pub const FACTOR: &str = "/actions/answer_challenge_with_passkey";
    /// Begins a proof in a session. It is sent with the form that asks for it.
    pub const START_PROOF: &str = "/actions/start_proof_passkey";
    /// Begins a new passkey.
    pub const START_ADD: &str = "/actions/start_passkey";
    /// Keeps it.
    pub const ADD: &str = "/actions/add_passkey";
    /// Begins the passkey that the site demands.
    pub const START_ENROL: &str = "/actions/start_passkey_to_enrol";
    /// Keeps it.
    pub const ENROL: &str = "/actions/add_passkey_to_enrol";
    /// Gives a passkey another name.
    pub const RENAME: &str = "/actions/rename_passkey";
    /// Removes a passkey.
    pub const REMOVE: &str = "/actions/remove_passkey";
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
/// Where password managers learn where passkeys are made and kept.
pub const PASSKEY_ENDPOINTS: &str = "/.well-known/passkey-endpoints";
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

/// The page that shows what is lacking to a session from before, and leads to `next` afterwards. `next` as above.
#[must_use]
pub fn factor_then(next: &str) -> String {
    format!("{LOGIN_FACTOR}?next={next}")
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
        && !path.split('?').next().is_some_and(|page| page == LOGOUT || LOGIN_PAGES.contains(&page))
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
            "/login/factor?next=/login/enrol",
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
}
