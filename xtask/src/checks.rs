//! `cargo xtask test`: every check in order, quick ones first, up to the first step that fails; what runs beside it is waited for.

use crate::dist;
use crate::schemathesis::{self, Caller};
use crate::site::{self, Profile};
use crate::step::{Outcome, command, free_gigabytes, not_started, root, run as run_command, step, target};
use crate::{bench, lighthouse, tools, weigh};
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Where `playwright.config.ts` leaves its results.
const BROWSER_REPORT: &str = "end2end/test-results/report.json";

/// Gigabytes that a run from nothing should find: it fills 9, most of them in `target`.
const ROOM: u64 = 12;

/// What the checks look at.
const INPUTS: [&str; 16] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "Leptos.toml",
    "SECURITY.md",
    "build.rs",
    "clippy.toml",
    "deploy",
    "end2end",
    "migrations",
    "public",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "src",
    "style",
    "xtask",
];

/// What lies among that and is made from it.
const NO_INPUTS: [&str; 4] =
    ["end2end/node_modules", "end2end/screenshots", "end2end/test-results", "style/node_modules"];

const BROWSER_TARGET: &str = "wasm32-unknown-unknown";

/// The server and what measures and tests it, in cargo's words.
pub const ALL_CRATES: [&str; 9] = [
    "--package",
    "doorward",
    "--package",
    "doorward-bench",
    "--package",
    "xtask",
    "--no-default-features",
    "--features",
    "doorward/ssr",
];

/// A step of one check: its name, cargo's words for it, and a variable to set.
type Lint = (&'static str, &'static [&'static [&'static str]], (&'static str, &'static str));

const NO_VARIABLE: (&str, &str) = ("CARGO_TERM_PROGRESS_WHEN", "never");

/// The server and what measures it are looked at together, and rustdoc with the examples: cargo then gives what they depend on
/// the same features in all of these steps and in the tests, and compiles it once (a sixth less from nothing).
const LINTS: [Lint; 4] = [
    ("format", &[&["fmt", "--all", "--check"]], NO_VARIABLE),
    ("clippy", &[&["clippy"], &ALL_CRATES, &["--all-targets", "--", "-D", "warnings"]], NO_VARIABLE),
    (
        "rustdoc",
        &[&["doc", "--no-deps", "--no-default-features", "--features", "ssr", "--lib", "--examples"]],
        ("RUSTDOCFLAGS", "-D warnings"),
    ),
    (
        "clippy of the browser's half",
        &[&[
            "clippy",
            "--package",
            "doorward",
            "--package",
            "doorward-wasm",
            "--lib",
            "--no-default-features",
            "--features",
            "doorward/hydrate",
            "--target",
            BROWSER_TARGET,
            "--",
            "-D",
            "warnings",
        ]],
        NO_VARIABLE,
    ),
];

/// Runs all checks unless nothing has changed since they all passed, or with a filter only the tests whose name contains
/// it. Ends with the line of counts. True if nothing failed.
pub fn run(filter: Option<&str>, again: bool) -> bool {
    let start = Instant::now();
    let passed = target().join("all-passed");
    let inputs = site::listing(INPUTS.map(|input| root().join(input)).into(), &NO_INPUTS);
    let last = std::fs::read_to_string(&passed).unwrap_or_default();
    if let (None, false, Some(counts)) = (filter, again, last.strip_prefix(&inputs)) {
        println!("==> nothing has changed since every check passed; `cargo xtask test --again` runs them all the same");
        println!("{}", counts.trim());
        return true;
    }
    let count =
        counted(start, |count| if let Some(filter) = filter { tests(count, filter) } else { everything(count) });
    if filter.is_none() && count.failed == 0 {
        // Without the record everything is run once more, no worse.
        let _ = std::fs::write(&passed, format!("{inputs}\n{count}"));
    }
    count.failed == 0
}

/// Runs the tests of `src/tests/timing.rs`, one after the other: all others at once would disturb them. Ends with the
/// line of counts. True if nothing failed.
pub fn run_timed() -> bool {
    let count = counted(Instant::now(), |count| {
        step("timed tests", || {
            let mut cargo = rust_test(&["--no-default-features", "--features", "ssr", "--test", "server", "timing::"])?;
            cargo.args(["--", "--ignored", "--nocapture", "--test-threads=1"]);
            cargo_test(count, &mut cargo)
        })
    });
    count.failed == 0
}

/// Builds the server and holds it to the description of its API, and nothing else. True if nothing failed.
pub fn run_api() -> bool {
    // With the examples it has the features that the tests have, and little is built anew.
    let words = ["build", "--no-default-features", "--features", "ssr", "--bin", "doorward", "--examples"];
    let count = counted(Instant::now(), |count| {
        step("build the server", || run_command(&mut command("cargo", &words)))?;
        api(count)
    });
    count.failed == 0
}

/// Does what is counted and says the counts.
fn counted(start: Instant, work: impl FnOnce(&mut Count) -> Outcome) -> Count {
    let mut count = Count::default();
    if let Err(problem) = work(&mut count) {
        eprintln!("error: {problem}");
        // Whatever stopped the run is a failure, also where it could not be counted.
        count.failed = count.failed.max(1);
    }
    println!("==> all steps took {:.0} s", start.elapsed().as_secs_f64());
    println!("{count}");
    count
}

/// Says so where a first run will not find the room it takes: on a full disk, programs fail in ways that do not say why.
fn look_at_room() {
    if target().join(BROWSER_TARGET).exists() {
        return;
    }
    if let Some(free) = free_gigabytes(&target()).filter(|free| *free < ROOM) {
        println!("==> only {free} GB are free at {}; a run from nothing should find {ROOM}", target().display());
    }
}

fn everything(count: &mut Count) -> Outcome {
    look_at_room();
    tools::for_lints()?;
    // Linting often has work for one core only: what the rest needs is fetched and built beside it.
    std::thread::scope(|scope| {
        let set_up = scope.spawn(tools::set_up_all);
        lints(count)?;
        set_up.join().unwrap_or_else(|_| Err("installing what is missing panicked".to_owned()))
    })?;
    count.one("types of the browser suite", || run_command(&mut in_end2end("tsc", &[])))?;
    // The longest part of the site is its last crate, for which the compiler has one core: the other compiles the tests. They
    // run when both are there, for hashing threads stand back from a compiler, and so would whoever waits for a hash.
    std::thread::scope(|scope| {
        let compiled = scope.spawn(|| step("compile the Rust tests", compile_rust_tests));
        let built = count.one("site", || site::build(Profile::Release));
        let compiled = compiled.join().unwrap_or_else(|_| Err("compiling the Rust tests panicked".to_owned()));
        match (built, compiled) {
            (Err(built), Err(compiled)) => Err(format!("{built}; {compiled}")),
            (built, compiled) => built.and(compiled),
        }
    })?;
    step("Rust tests", || rust_tests(count, ""))?;
    api(count)?;
    count.one("the binary alone", dist::alone)?;
    step("browser suite", || browser_tests(count, ""))?;
    count.one("weight", weigh::run)?;
    count.one("Lighthouse", lighthouse::run)?;
    count.one("benchmark, its shape", bench::shape)
}

fn lints(count: &mut Count) -> Outcome {
    for (name, words, (variable, value)) in LINTS {
        count.one(name, || run_command(command("cargo", &words.concat()).env(variable, value)))?;
    }
    Ok(())
}

/// The server it looks at is what the Rust tests have built.
fn api(count: &mut Count) -> Outcome {
    count.one("Schemathesis, without sign-in", || schemathesis::run(Caller::Anonymous))?;
    count.one("Schemathesis, signed in", || schemathesis::run(Caller::SignedIn))
}

fn tests(count: &mut Count, filter: &str) -> Outcome {
    step("Rust tests", || rust_tests(count, filter))?;
    tools::browser_suite()?;
    // The long build of the site is for nothing if no browser test has such a name.
    let listed = in_end2end("playwright", &["test", "--list", "--grep", filter]).output();
    if !listed.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    site::build(Profile::Release)?;
    step("browser suite", || browser_tests(count, filter))
}

/// For those who have something else to do meanwhile.
fn compile_rust_tests() -> Outcome {
    run_command(command("nice", &["-n", "19", "cargo", "test", "--no-run"]).args(ALL_CRATES))
}

fn rust_tests(count: &mut Count, filter: &str) -> Outcome {
    cargo_test(count, rust_test(&ALL_CRATES)?.arg(filter))
}

/// `cargo test` with these words, and the programs that the tests start.
fn rust_test(words: &[&str]) -> Outcome<Command> {
    tools::for_chaos()?;
    let mut cargo = command("cargo", &["test", "--no-fail-fast"]);
    cargo.args(words).env("DOORWARD_TEST_PG_BIN", tools::postgres()?);
    Ok(cargo)
}

/// Runs `cargo test`, shows what it prints, and adds up its result lines.
fn cargo_test(count: &mut Count, cargo: &mut Command) -> Outcome {
    let mut child = cargo.stdout(Stdio::piped()).spawn().map_err(|error| not_started(cargo, &error))?;
    let mut seen = Count::default();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(|error| format!("cargo test: {error}"))?;
        println!("{line}");
        seen.add(&result_line(&line).unwrap_or_default());
    }
    let status = child.wait().map_err(|error| format!("cargo test: {error}"))?;
    count.settle(seen, status.success(), "a Rust test failed, or the tests do not compile")
}

fn browser_tests(count: &mut Count, filter: &str) -> Outcome {
    let chromium = tools::chromium()?;
    let report = root().join(BROWSER_REPORT);
    let _ = std::fs::remove_file(&report);
    let outcome = run_command(in_end2end("playwright", &["test", "--grep", filter]).env("CHROMIUM", chromium));
    let seen = std::fs::read_to_string(&report).ok().and_then(|json| browser_report(&json)).unwrap_or_default();
    count.settle(seen, outcome.is_ok(), "a browser test failed, or the suite did not run")
}

/// A program from the packages of the browser suite.
fn in_end2end(program: &str, words: &[&str]) -> Command {
    let folder = root().join("end2end");
    let mut command = command(folder.join("node_modules/.bin").join(program), words);
    command.current_dir(folder);
    command
}

/// How many checks and tests came out which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Count {
    fn add(&mut self, more: &Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }

    /// A step that is one check.
    fn one(&mut self, name: &str, check: impl FnOnce() -> Outcome) -> Outcome {
        let outcome = step(name, check);
        self.add(&Self { passed: outcome.is_ok().into(), failed: outcome.is_err().into(), skipped: 0 });
        outcome
    }

    /// Takes over what a run of many tests counted; a run that fails without a failed test counts as one.
    fn settle(&mut self, mut seen: Self, ended_well: bool, problem: &str) -> Outcome {
        if !ended_well {
            seen.failed = seen.failed.max(1);
        }
        self.add(&seen);
        if seen.failed == 0 { Ok(()) } else { Err(problem.to_owned()) }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

/// The counts of a line like `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`.
fn result_line(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let of = |word: &str| counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok());
    Some(Count { passed: of("passed")?, failed: of("failed")?, skipped: of("ignored")? })
}

/// The counts of Playwright's JSON report. A test that passed only at a second try is not a pass.
fn browser_report(json: &str) -> Option<Count> {
    let (_, stats) = json.rsplit_once("\"stats\"")?;
    let of = |name: &str| {
        let (_, value) = stats.split_once(&format!("\"{name}\":"))?;
        value.trim_start().split(|next: char| !next.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    Some(Count { passed: of("expected")?, failed: of("unexpected")? + of("flaky")?, skipped: of("skipped")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_line_of_cargo_test_is_counted() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.52s";
        assert_eq!(result_line(line), Some(Count { passed: 12, failed: 2, skipped: 1 }));
        let line = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(result_line(line), Some(Count { passed: 3, failed: 0, skipped: 0 }));
    }

    #[test]
    fn other_lines_of_cargo_test_are_not_counted() {
        for line in
            ["running 3 tests", "test a_reset_ends_every_session ... ok", "test result: ok", "9 passed; 9 failed"]
        {
            assert_eq!(result_line(line), None, "{line}");
        }
    }

    #[test]
    fn a_report_of_playwright_is_counted_and_a_flaky_test_is_a_failure() {
        let json = r#"{ "suites": [{ "title": "\"stats\" and \"expected\": 7" }],
            "stats": { "startTime": "2026-01-01", "duration": 12.5, "expected": 41, "skipped": 2, "unexpected": 1, "flaky": 1 } }"#;
        assert_eq!(browser_report(json), Some(Count { passed: 41, failed: 2, skipped: 2 }));
        assert_eq!(browser_report("{}"), None);
    }

    #[test]
    fn the_closing_line_names_skips_only_if_there_are_any() {
        assert_eq!(Count { passed: 7, failed: 0, skipped: 0 }.to_string(), "7 passed, 0 failed");
        assert_eq!(Count { passed: 7, failed: 1, skipped: 2 }.to_string(), "7 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_run_that_fails_without_a_failed_test_is_one_failure() {
        let mut count = Count::default();
        assert!(count.settle(Count { passed: 3, failed: 0, skipped: 0 }, false, "it does not compile").is_err());
        assert_eq!(count, Count { passed: 3, failed: 1, skipped: 0 });
    }
}
