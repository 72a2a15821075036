//! Forms that stand on a page beside others post here (POST only; GET leads to their page).

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
/// Sign in with a passkey alone, on [`super::LOGIN`].
pub const PASSKEY_LOGIN: &str = "/login/passkey";
/// Show a passkey as second factor, on [`super::LOGIN_FACTOR`].
pub const FACTOR_PASSKEY: &str = "/login/factor/passkey";
/// Give up a sign-in that waits, on [`super::LOGIN_FACTOR`].
pub const START_AGAIN: &str = "/login/again";
/// Begin an authenticator app that the site demands, on [`super::LOGIN_ENROL`].
pub const ENROL_START: &str = "/login/enrol/app";
/// Another mail to confirm the address, on [`super::LOGIN_ENROL`].
pub const ENROL_RESEND: &str = "/login/enrol/resend";
/// Make the passkey that the site demands, on [`super::LOGIN_ENROL`].
pub const ENROL_PASSKEY: &str = "/login/enrol/passkey";
/// Begin an authenticator app, on [`super::ACCOUNT_FACTORS`].
pub const START_APP: &str = "/account/factors/app/start";
/// Remove the authenticator app, on [`super::ACCOUNT_FACTORS`].
pub const REMOVE_APP: &str = "/account/factors/app/remove";
/// Make new recovery codes, on [`super::ACCOUNT_FACTORS`].
pub const NEW_CODES: &str = "/account/factors/recovery-codes/new";
/// Trust a browser no more, on [`super::ACCOUNT_FACTORS`].
pub const UNTRUST: &str = "/account/factors/browsers/end";
/// Make a passkey, on [`super::ACCOUNT_FACTORS`].
pub const ADD_PASSKEY: &str = "/account/factors/passkeys";
/// Give a passkey another name, on [`super::ACCOUNT_FACTORS`].
pub const RENAME_PASSKEY: &str = "/account/factors/passkeys/rename";
/// Remove a passkey, on [`super::ACCOUNT_FACTORS`].
pub const REMOVE_PASSKEY: &str = "/account/factors/passkeys/remove";
/// Sign in with passkeys alone from now on, on [`super::ACCOUNT_SECURITY`].
pub const REMOVE_PASSWORD: &str = "/account/security/password/remove";
/// Confirm who it is before a first password is chosen, on [`super::ACCOUNT_SECURITY`].
pub const SET_PASSWORD: &str = "/account/security/password/set";
/// End one session, on [`super::ACCOUNT_SESSIONS`].
pub const END_SESSION: &str = "/account/sessions/end";
/// End all sessions but this one, on [`super::ACCOUNT_SESSIONS`].
pub const END_OTHER_SESSIONS: &str = "/account/sessions/end-others";
/// Download one's data, on [`super::ACCOUNT_PRIVACY`].
pub const EXPORT: &str = "/account/privacy/export";
/// Leave, on [`super::ACCOUNT_PRIVACY`].
pub const DELETE: &str = "/account/privacy/delete";
