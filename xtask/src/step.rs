//! Running other programs: named, timed, and from the root of the repository.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

/// What a step gives back; the error is a sentence for the person at the terminal.
pub type Outcome<T = ()> = Result<T, String>;

/// The root of the repository. `cargo run` says where, so that a binary shared by two clones serves each.
pub fn root() -> &'static Path {
    static XTASK: LazyLock<PathBuf> = LazyLock::new(|| {
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
    });
    XTASK.parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |set| root().join(set))
}

/// Says what begins, does it, and says how long it took.
pub fn step<T>(name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    println!("==> {name}");
    let start = Instant::now();
    let outcome = work();
    let state = if outcome.is_ok() { "done" } else { "FAILED" };
    println!("    {name}: {state} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// A command that runs in the root of the repository.
pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs it, with its output on the terminal.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", shown(command))) }
}

/// What it prints, if it can be started and succeeds.
pub fn printed(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// How many gigabytes are free where this lies, or will lie. None if `df` cannot tell.
pub fn free_gigabytes(place: &Path) -> Option<u64> {
    let there = place.ancestors().find(|place| place.exists())?;
    let told = printed(command("df", &["--output=avail", "--block-size=1G"]).arg(there))?;
    told.lines().last()?.trim().parse().ok()
}

/// The sentence for a program that is not there.
pub fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` could not be started: {error}", shown(command))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_room_is_told_of_folders_that_are_not_there_yet() {
        assert!(free_gigabytes(&root().join("not/there/yet")).is_some());
    }
}
