//! Server functions: what a page may ask of the server. Their bodies say whom they ask and what becomes of the answer.
//!
//! Only `domain` and `paths` may be named here; inside a body also `server::http::render`.

mod account;
mod factors;
pub mod keeper;
mod passkeys;
mod password_reset;
mod session;

pub use account::{
    ChangePassword, ChangeProfile, ChangeUsername, ConfirmEmail, ConfirmEmailChange, EndOtherSessions, EndSession,
    ReportNotMe, RequestDeletion, RequestEmailChange, ResendConfirmation, TakeOver, UndoDeletion, UndoEmailChange,
    change_password, change_profile, change_username, confirm_email, confirm_email_change, end_other_sessions,
    end_session, report_not_me, request_deletion, request_email_change, resend_confirmation, take_over, undo_deletion,
    undo_email_change,
};
pub use factors::{
    AnswerChallenge, ConfirmApp, ConfirmAppToEnrol, MakeRecoveryCodes, ProveIt, PutCodesAway, RemoveApp,
    RemovePassword, ResendToEnrol, StartAgain, StartApp, StartAppToEnrol, UntrustBrowser, answer_challenge,
    confirm_app, confirm_app_to_enrol, make_recovery_codes, prove_it, put_codes_away, remove_app, remove_password,
    resend_to_enrol, start_again, start_app, start_app_to_enrol, untrust_browser,
};
pub use passkeys::{
    add_passkey, add_passkey_to_enrol, answer_challenge_with_passkey, log_in_with_passkey, remove_passkey,
    rename_passkey, start_challenge_passkey, start_passkey, start_passkey_log_in, start_passkey_to_enrol,
    start_proof_passkey,
};
pub use password_reset::{ConfirmPasswordReset, RequestPasswordReset, confirm_password_reset, request_password_reset};
pub use session::{
    CurrentAccount, LogIn, LogOut, Refresh, Register, current_account, log_in, log_out, refresh, register,
};
