//! Schemathesis, which reads the description of the API and looks whether the server keeps to it: without sign-in, and as
//! somebody who is signed in. How, stands in `end2end/schemathesis`.

use crate::serving::Server;
use crate::step::{Outcome, command, root, run as run_command, target};
use crate::tools;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Nobody that the server knows.
    Anonymous,
    /// Somebody with an access token.
    SignedIn,
}

/// The limits that are lifted: thousands of requests come from one address.
const THROTTLES: [&str; 18] = [
    "LOGIN_NAME",
    "LOGIN_NAME_TOTAL",
    "LOGIN_FAILURES",
    "LOGIN_FAILURES_TOTAL",
    "LOGIN",
    "REGISTER",
    "MAIL",
    "MAIL_TOTAL",
    "MAIL_TO",
    "PROOF",
    "PROOF_ACCOUNT",
    "PASSWORD",
    "USERNAME",
    "REFRESH",
    "PROFILE",
    "FACTOR",
    "FACTOR_TOTAL",
    "CEREMONY",
];

/// Lets it look at the server that the Rust tests have built.
pub fn run(caller: Caller) -> Outcome {
    let program = tools::schemathesis()?;
    let mut binary = command(target().join("debug/doorward"), &[]);
    for limit in THROTTLES {
        binary.env(format!("DOORWARD__THROTTLE__{limit}"), "off");
    }
    let server = Server::start(binary)?;
    // What it keeps of a run lies where it works, and would steer the next one.
    let folder = target().join("schemathesis");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let home = root().join("end2end/schemathesis");
    let mut schemathesis = Command::new(program);
    schemathesis.arg("--config-file").arg(home.join("schemathesis.toml")).args(words(server.address));
    schemathesis.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
    if caller == Caller::SignedIn {
        schemathesis.env("SCHEMATHESIS_HOOKS", home.join("hooks.py")).env("DOORWARD_API", api(server.address));
    }
    run_command(&mut schemathesis)
}

fn api(server: SocketAddr) -> String {
    format!("http://localhost:{}/api/v1", server.port())
}

/// One worker only: Python 3.11, which Debian has, mixes up the parsing of its own source in two threads at once
/// (<https://github.com/python/cpython/issues/106905>), and Schemathesis parses source in each of its workers.
fn words(server: SocketAddr) -> [String; 4] {
    let description = format!("{}/openapi.json", api(server));
    ["run", &description, "--workers", "1"].map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_limit_is_left_on() {
        let settings = fs::read_to_string(root().join("Leptos.toml")).unwrap();
        let named = settings.split("DOORWARD__THROTTLE__").skip(1);
        // Days and seconds, not limits.
        let others = ["KNOWN_DEVICE", "LOGIN_SLOWEST"];
        let named = named.filter_map(|rest| rest.split_whitespace().next()).filter(|name| !others.contains(name));
        assert_eq!(named.collect::<BTreeSet<_>>(), THROTTLES.into());
    }

    #[test]
    fn it_reads_the_description_of_the_server_it_is_given() {
        let words = words(([127, 0, 0, 1], 4711).into());
        assert_eq!(words[1], "http://localhost:4711/api/v1/openapi.json");
    }
}
