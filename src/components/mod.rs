//! Presentation only: what a field, a card, an alert look like. Texts, links and problems come in as props.
//!
//! May import `domain`. No actions, no paths, no fetching. Only `told` runs in the browser; the components are rendered on
//! the server and woken by the islands of `pages`, so they add nothing to the WASM.

mod alert;
mod button;
mod field;
mod icon;
mod layout;
mod password;

pub use alert::{Notice, ProblemAlert, told};
pub use button::SubmitButton;
pub use field::{CheckBox, Choice, Field};
pub use icon::Mark;
pub use layout::{Card, Page, Panel};
pub use password::PasswordField;
