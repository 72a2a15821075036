//! `cargo xtask lighthouse`: what Lighthouse says of the pages, on a telephone and on a desk, and whether that is within
//! the budget. Which pages, and how they are looked at, stands in `end2end/lighthouse`.

use crate::serving::Server;
use crate::site::{self, Profile};
use crate::step::{Outcome, command, root, run as run_command};
use crate::tools;
use std::net::SocketAddr;

/// Looks at the release build with a server of its own, prints the table, and fails outside the budget.
pub fn run() -> Outcome {
    tools::browser_suite()?;
    let chromium = tools::chromium()?;
    let server = Server::start(site::server(Profile::Release))?;
    let mut node = command("node", &["lighthouse/run.mjs", &origin(server.address)]);
    run_command(node.current_dir(root().join("end2end")).env("CHROMIUM", chromium))
        .map_err(|_| "a page is outside the budget of xtask/budget.txt, or could not be measured".to_owned())
}

/// The name counts: browsers take the secure cookies of a plain connection from `localhost` only.
fn origin(server: SocketAddr) -> String {
    format!("http://localhost:{}", server.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_to_a_name_that_it_trusts() {
        assert_eq!(origin(([127, 0, 0, 1], 4711).into()), "http://localhost:4711");
    }
}
