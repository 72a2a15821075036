//! Server functions: what a page may ask of the server. Their bodies say whom they ask and what becomes of the answer.
//!
//! Only `domain` and `paths` may be named here; inside a body also `server::http::render`.

pub mod keeper;
mod password_reset;
mod session;

pub use password_reset::{ConfirmPasswordReset, RequestPasswordReset, confirm_password_reset, request_password_reset};
pub use session::{
    CurrentAccount, LogIn, LogOut, Refresh, Register, current_account, log_in, log_out, refresh, register,
};
