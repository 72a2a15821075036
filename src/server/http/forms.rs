//! Every form once: where it posts to, the server function behind it, and the page that it stands on.

use crate::{
    actions::{
        AnswerChallenge, ChangePassword, ChangeProfile, ChangeUsername, ConfirmApp, ConfirmAppToEnrol, ConfirmEmail,
        ConfirmEmailChange, ConfirmPasswordReset, EndOtherSessions, EndSession, LogIn, LogOut, MakeRecoveryCodes,
        ProveIt, PutCodesAway, Register, RemoveApp, RemovePassword, ReportNotMe, RequestDeletion, RequestEmailChange,
        RequestPasswordReset, ResendConfirmation, ResendToEnrol, StartAgain, StartApp, StartAppToEnrol, TakeOver,
        UndoDeletion, UndoEmailChange, UntrustBrowser,
    },
    paths::{self, ceremonies, forms},
};
use leptos::server_fn::ServerFn as _;

/// A form that works with scripts off.
pub struct Form {
    /// Where it posts to.
    pub path: &'static str,
    /// The path of its server function; of a download, none runs.
    pub function: &'static str,
    /// The page it stands on, and that shows what is wrong with it.
    pub page: &'static str,
    /// Whether it asks for the password again when the last proof is too old.
    pub takes_proof: bool,
}

impl Form {
    const fn own(page: &'static str, function: &'static str) -> Self {
        Self { path: page, function, page, takes_proof: false }
    }

    const fn on(page: &'static str, path: &'static str, function: &'static str) -> Self {
        Self { path, function, page, takes_proof: false }
    }

    const fn guarded(page: &'static str, path: &'static str, function: &'static str) -> Self {
        Self { path, function, page, takes_proof: true }
    }
}

/// All forms.
pub const ALL: [Form; 39] = [
    Form::own(paths::REGISTER, Register::PATH),
    Form::own(paths::LOGIN, LogIn::PATH),
    Form::own(paths::LOGOUT, LogOut::PATH),
    Form::own(paths::RESET_PASSWORD, RequestPasswordReset::PATH),
    Form::own(paths::RESET_CONFIRMATION, ConfirmPasswordReset::PATH),
    Form::own(paths::CONFIRM_EMAIL, ConfirmEmail::PATH),
    Form::own(paths::CONFIRM_EMAIL_CHANGE, ConfirmEmailChange::PATH),
    Form::own(paths::UNDO_EMAIL_CHANGE, UndoEmailChange::PATH),
    Form::own(paths::ACCOUNT_NOT_ME, ReportNotMe::PATH),
    Form::own(paths::ACCOUNT_RESTORE, UndoDeletion::PATH),
    Form::on(paths::CONFIRM_EMAIL, forms::TAKE_OVER, TakeOver::PATH),
    Form::on(paths::CONFIRM_EMAIL, forms::RESEND_CONFIRMATION, ResendConfirmation::PATH),
    Form::on(paths::ACCOUNT, forms::PROFILE, ChangeProfile::PATH),
    Form::guarded(paths::ACCOUNT, forms::USERNAME, ChangeUsername::PATH),
    Form::on(paths::ACCOUNT_SECURITY, forms::PASSWORD, ChangePassword::PATH),
    Form::guarded(paths::ACCOUNT_SECURITY, forms::EMAIL, RequestEmailChange::PATH),
    Form::guarded(paths::ACCOUNT_SESSIONS, forms::END_SESSION, EndSession::PATH),
    Form::guarded(paths::ACCOUNT_SESSIONS, forms::END_OTHER_SESSIONS, EndOtherSessions::PATH),
    Form::guarded(paths::ACCOUNT_PRIVACY, forms::DELETE, RequestDeletion::PATH),
    Form::guarded(paths::ACCOUNT_PRIVACY, forms::EXPORT, ""),
    Form::own(paths::LOGIN_FACTOR, AnswerChallenge::PATH),
    Form::on(paths::LOGIN_FACTOR, forms::START_AGAIN, StartAgain::PATH),
    Form::own(paths::LOGIN_ENROL, ConfirmAppToEnrol::PATH),
    Form::on(paths::LOGIN_ENROL, forms::ENROL_START, StartAppToEnrol::PATH),
    Form::on(paths::LOGIN_ENROL, forms::ENROL_RESEND, ResendToEnrol::PATH),
    Form::guarded(paths::ACCOUNT_FACTORS_APP, paths::ACCOUNT_FACTORS_APP, ConfirmApp::PATH),
    Form::guarded(paths::ACCOUNT_FACTORS, forms::START_APP, StartApp::PATH),
    Form::guarded(paths::ACCOUNT_FACTORS, forms::REMOVE_APP, RemoveApp::PATH),
    Form::guarded(paths::ACCOUNT_FACTORS, forms::NEW_CODES, MakeRecoveryCodes::PATH),
    Form::own(paths::ACCOUNT_RECOVERY_CODES, PutCodesAway::PATH),
    Form::guarded(paths::ACCOUNT_FACTORS, forms::UNTRUST, UntrustBrowser::PATH),
    Form::guarded(paths::ACCOUNT_SECURITY, forms::REMOVE_PASSWORD, RemovePassword::PATH),
    Form::guarded(paths::ACCOUNT_SECURITY, forms::SET_PASSWORD, ProveIt::PATH),
    Form::on(paths::LOGIN, forms::PASSKEY_LOGIN, ceremonies::LOG_IN),
    Form::on(paths::LOGIN_FACTOR, forms::FACTOR_PASSKEY, ceremonies::FACTOR),
    Form::on(paths::LOGIN_ENROL, forms::ENROL_PASSKEY, ceremonies::ENROL),
    Form::guarded(paths::ACCOUNT_FACTORS, forms::ADD_PASSKEY, ceremonies::ADD),
    Form::on(paths::ACCOUNT_FACTORS, forms::RENAME_PASSKEY, ceremonies::RENAME),
    Form::guarded(paths::ACCOUNT_FACTORS, forms::REMOVE_PASSKEY, ceremonies::REMOVE),
];

/// The form that posts to `path`.
#[must_use]
pub fn of(path: &str) -> Option<&'static Form> {
    // A constant of its own place in memory: what it answers lives as long as the program.
    static FORMS: [Form; 39] = ALL;
    FORMS.iter().find(|form| form.path == path)
}
