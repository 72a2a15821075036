//! Plain types and rules. They compile for the server and for the browser and import nothing of ours.

pub mod account;
pub mod credential;
pub mod factor;
pub mod grant;
pub mod history;
pub mod problem;
pub mod renewal;
pub mod session;
pub mod time;
