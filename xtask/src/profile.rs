//! What a server does most, as release builds are told it: the compiler makes that fast and the rest small, and the linker
//! lays what a start needs side by side, then what answers need.
//!
//! `cargo xtask profile` measures it anew; builds go by what was measured last, which lies in `xtask/profile`. It knows
//! functions by their names, and these depend on the compiler and on all packages: with others than it was made with, a
//! build does without, for what no name fits would become larger, not smaller.

use crate::serving::Server;
use crate::step::{Outcome, command, printed, root, run, step, target};
use crate::{bench, site, visit};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How often each place of each function was passed, in LLVM's format, packed to a sixth.
const COUNTS: &str = "xtask/profile/doorward.profdata.gz";
/// The names of functions in the order in which they are to lie in the binary.
const ORDER: &str = "xtask/profile/doorward.order";
/// The compiler and the packages that both were made with.
const MADE_WITH: &str = "xtask/profile/made-with";
/// Names of functions of pages grow with the page; what a start needs has none so long.
const LONGEST_NAME: usize = 2_000;
/// The host where rustc brings its own linker, LLD, which takes an order. Others need not.
const ORDERED: &str = "x86_64-unknown-linux-gnu";
/// A server that has started still does things once: it cleans up, looks at its keys.
const SETTLED: Duration = Duration::from_secs(3);

/// The compiler flags of a server that is built by it. None where nothing was measured, or with others.
pub fn flags() -> Outcome<Vec<String>> {
    let (packed, order) = (root().join(COUNTS), root().join(ORDER));
    if !packed.exists() || fs::read_to_string(root().join(MADE_WITH)).ok() != Some(made_with()?) {
        println!("    without a profile: `cargo xtask profile` makes one for this compiler and these packages");
        return Ok(Vec::new());
    }
    let counts = target().join("doorward.profdata");
    unpack(&packed, &counts)?;
    let mut flags = vec![format!("-Cprofile-use={}", counts.display())];
    if order.exists() && host().as_deref() == Some(ORDERED) {
        flags.push(format!("-Clink-arg=-Wl,--symbol-ordering-file={}", order.display()));
        flags.push("-Clink-arg=-Wl,--no-warn-symbol-ordering".to_owned());
    }
    Ok(flags)
}

/// Unless it is there as it is: cargo builds anew what was built by a file that is younger.
fn unpack(packed: &Path, counts: &Path) -> Outcome {
    let unpacked = command("gzip", &["-dc"]).arg(packed).output();
    let unpacked = unpacked.map_err(|error| format!("gzip: {error}"))?;
    if !unpacked.status.success() {
        return Err(format!("{} cannot be unpacked", packed.display()));
    }
    if fs::read(counts).is_ok_and(|there| there == unpacked.stdout) {
        return Ok(());
    }
    // Whoever builds beside this sees the old file or the new one.
    let new = counts.with_extension(std::process::id().to_string());
    let written = fs::create_dir_all(target()).and_then(|()| fs::write(&new, unpacked.stdout));
    written.and_then(|()| fs::rename(&new, counts)).map_err(|error| format!("{}: {error}", counts.display()))
}

/// What names depend on.
fn made_with() -> Outcome<String> {
    let compiler = printed(&mut command("rustc", &["-vV"])).ok_or("rustc does not say which it is")?;
    let packages = printed(&mut command("sha256sum", &["Cargo.lock"])).ok_or("sha256sum cannot read Cargo.lock")?;
    Ok(format!("{compiler}\n{packages}\n"))
}

/// Measures: an instrumented server is started, and then asked by the benchmark, on both engines.
pub fn renew() -> Outcome {
    let tool = llvm_profdata()?;
    let folder = target().join("profile");
    let [start, load] = ["start", "load"].map(|name| folder.join(name));
    for place in [&start, &load] {
        let _ = fs::remove_dir_all(place);
        fs::create_dir_all(place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    let binary = step("build a server that counts", || site::instrumented(&folder))?;
    step("count a start", || {
        let mut server = command(&binary, &[]);
        let server = Server::start({
            server.env("LLVM_PROFILE_FILE", files(&start));
            server
        })?;
        thread::sleep(SETTLED);
        visit::text(server.address, "/healthz")?;
        server.end()
    })?;
    step("count the benchmark", || bench::train(&binary, &files(&load)))?;
    let [started, all] = ["start.profdata", "doorward.profdata"].map(|name| folder.join(name));
    merge(&tool, &[&start], &started)?;
    merge(&tool, &[&start, &load], &all)?;
    run(command("gzip", &["--no-name", "--force", "-9"]).arg("--keep").arg(&all))?;
    let names = [covered(&tool, &started)?, covered(&tool, &all)?].concat();
    let packed = fs::read(folder.join("doorward.profdata.gz")).map_err(|error| format!("{COUNTS}: {error}"))?;
    for (file, bytes) in [(COUNTS, packed), (ORDER, ordered(&names).into()), (MADE_WITH, made_with()?.into())] {
        fs::write(root().join(file), bytes).map_err(|error| format!("{file}: {error}"))?;
    }
    println!("{COUNTS} and {ORDER} are new; the next release build goes by them");
    Ok(())
}

/// One file a process, named by the runtime of the instrumentation.
fn files(folder: &Path) -> PathBuf {
    folder.join("%m-%p.profraw")
}

/// With the functions that nobody called: the compiler must know it of them, to make them small.
fn merge(tool: &Path, from: &[&Path], into: &Path) -> Outcome {
    run(command(tool, &["merge"]).args(from).arg("--output").arg(into))
}

/// The functions that were called, one a line; one that only its file knows has that before it.
fn covered(tool: &Path, counts: &Path) -> Outcome<String> {
    let names = printed(command(tool, &["show", "--covered"]).arg(counts));
    names.map(|names| names + "\n").ok_or_else(|| format!("{} cannot be read", counts.display()))
}

/// As the linker takes them: without files, each where it comes first.
fn ordered(names: &str) -> String {
    let names = names.lines().filter_map(|line| line.rsplit(';').next());
    let mut seen = HashSet::new();
    let kept = names.filter(|name| !name.is_empty() && name.len() < LONGEST_NAME && seen.insert(*name));
    kept.map(|name| [name, "\n"].concat()).collect()
}

fn host() -> Option<String> {
    printed(&mut command("rustc", &["--print", "host-tuple"]))
}

/// The tool of the compiler's own LLVM: others may write what it cannot read.
fn llvm_profdata() -> Outcome<PathBuf> {
    let places = printed(&mut command("rustc", &["--print", "sysroot"])).zip(host());
    let (sysroot, host) = places.ok_or("rustc does not say where it is")?;
    let tool = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/llvm-profdata");
    if !tool.exists() {
        step("install llvm-tools", || run(&mut command("rustup", &["component", "add", "llvm-tools"])))?;
    }
    Ok(tool)
}

/// A command whose build counts.
pub fn instrument(build: &mut Command, flags: String) {
    build.env("CARGO_ENCODED_RUSTFLAGS", [flags, "-Cprofile-generate".to_owned()].join("\u{1f}"));
    // Macros and build scripts count, too, and nobody asks for that.
    build.env("LLVM_PROFILE_FILE", "/dev/null");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_where_they_come_first_and_without_their_files() {
        let long = "x".repeat(LONGEST_NAME);
        let names = format!("a-cgu.0;one\ntwo\n\n{long}\none\nb-cgu.0;three\n");
        assert_eq!(ordered(&names), "one\ntwo\nthree\n");
    }

    #[test]
    fn what_was_measured_is_there_and_names_no_place_of_a_machine() {
        let folder = std::env::temp_dir().join(format!("doorward-profile-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        unpack(&root().join(COUNTS), &folder.join("counts")).unwrap();
        for file in [folder.join("counts"), root().join(ORDER)] {
            let bytes = fs::read(&file).unwrap();
            assert!(bytes.len() > 100_000, "{}", file.display());
            let text = String::from_utf8_lossy(&bytes);
            for place in ["/root/", "/home/", "/work/"] {
                assert!(!text.contains(place), "{}: {place}", file.display());
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
