//! Doorward's own commands, run as `cargo xtask …`. This file only reads the command line.
//!
//! `step` runs and times things, `tools` installs what is missing, `site` builds and starts Doorward, `profile` measures
//! what release builds are optimised for and `order` how their functions are to lie, `serving` starts a server for the time
//! of a check, `bench` measures speed, `checks` is the test run, `chaos` is the proof under faults, `weigh` measures a first
//! visit by means of `visit`, `lighthouse` lets Lighthouse look at the pages, `dist` makes what is shipped, `schemathesis`
//! holds the API to its description.

mod bench;
mod chaos;
mod checks;
mod dist;
mod lighthouse;
mod order;
mod profile;
mod schemathesis;
mod serving;
mod site;
mod step;
mod tools;
mod visit;
mod weigh;

use site::Profile;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask serve [--dev]   install what is missing, build, and serve http://localhost:3000
cargo xtask build           what serve builds, without serving it
cargo xtask watch           `cargo leptos watch` with the tools it needs: builds and reloads on every change
cargo xtask test [FILTER]   every check; with FILTER only the tests whose name contains it
cargo xtask test --again    every check, also when nothing has changed since all of them passed
cargo xtask test --timing   only what needs a quiet machine: whether the time of an answer tells who has an account
cargo xtask test --api      only whether the API keeps to its description, by Schemathesis
cargo xtask chaos [NAME]    the proof under faults, in full (forty minutes): what was tried, and what was lost
cargo xtask bench [WORDS]   speed and memory beside what the machine can do; --quick, --only TEXT, --peer django
cargo xtask weigh           bytes of a first visit to the login page, against xtask/budget.txt
cargo xtask lighthouse      what Lighthouse says of three pages, against xtask/budget.txt
cargo xtask profile         counts what a server does most; release builds go by it (up to an hour)
cargo xtask order           only how the functions of the release binary are to lie, by a start that is watched
cargo xtask dist            the one binary, with its site inside, and an archive of it in target/dist
cargo xtask setup           only install what is missing";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["serve"] => site::serve(Profile::Release),
        ["serve", "--dev"] => site::serve(Profile::Dev),
        ["build"] => site::build(Profile::Release),
        ["watch"] => site::watch(),
        ["test"] => return verdict(checks::run(None, false)),
        ["test", "--again"] => return verdict(checks::run(None, true)),
        ["test", "--timing"] => return verdict(checks::run_timed()),
        ["test", "--api"] => return verdict(checks::run_api()),
        ["test", filter] if !filter.starts_with('-') => return verdict(checks::run(Some(filter), true)),
        ["chaos"] => return verdict(chaos::run(None)),
        ["chaos", scenario] if !scenario.starts_with('-') => return verdict(chaos::run(Some(scenario))),
        ["weigh"] => site::build(Profile::Release).and_then(|()| weigh::run()),
        ["lighthouse"] => site::build(Profile::Release).and_then(|()| lighthouse::run()),
        ["bench", words @ ..] => bench::run(words),
        ["profile"] => profile::renew(),
        ["order"] => order::renew(),
        ["dist"] => dist::run_all(),
        ["setup"] => tools::set_up_all(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The test run has said everything itself; its last line is the count.
fn verdict(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
