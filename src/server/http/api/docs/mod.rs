//! The description of the API, completed with what holds for every operation, and the page that shows it.

mod complete;
mod links;
mod page;
mod refusals;

pub use complete::complete;
pub use page::router;
