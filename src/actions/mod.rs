//! Server functions: what a page may ask of the server. Their bodies say whom they ask and what becomes of the answer.
//!
//! Only `domain` and `paths` may be named here; inside a body also `server::http::render`.

mod account;
pub mod keeper;
mod password_reset;
mod session;

pub use account::{
    ChangePassword, ChangeProfile, ChangeUsername, ConfirmEmail, ConfirmEmailChange, EndOtherSessions, EndSession,
    ReportNotMe, RequestDeletion, RequestEmailChange, ResendConfirmation, TakeOver, UndoDeletion, UndoEmailChange,
    change_password, change_profile, change_username, confirm_email, confirm_email_change, end_other_sessions,
    end_session, report_not_me, request_deletion, request_email_change, resend_confirmation, take_over, undo_deletion,
    undo_email_change,
};
pub use password_reset::{ConfirmPasswordReset, RequestPasswordReset, confirm_password_reset, request_password_reset};
pub use session::{
    CurrentAccount, LogIn, LogOut, Refresh, Register, current_account, log_in, log_out, refresh, register,
};
