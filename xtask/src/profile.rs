//! What a server does most, as release builds are told it: the compiler makes that fast and the rest small.
//!
//! `cargo xtask profile` measures it anew; builds go by what was measured last, which lies in `xtask/profile`. It knows
//! functions by their names, and these depend on the compiler and on all packages: with others than it was made with, a
//! build does without, for what no name fits would become larger, not smaller.

use crate::serving::Server;
use crate::step::{Outcome, command, printed, root, run, step, target};
use crate::{bench, order, site, visit};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How often each place of each function was passed, in LLVM's format, packed to a sixth.
const COUNTS: &str = "xtask/profile/doorward.profdata.gz";
/// The compiler and the packages that these, and the order of functions, were made with.
const MADE_WITH: &str = "xtask/profile/made-with";
/// A server that has started still does things once: it cleans up, looks at its keys.
const SETTLED: Duration = Duration::from_secs(3);

/// The compiler flags of a server that is built by it. None where nothing was measured, or with others.
pub fn flags() -> Outcome<Vec<String>> {
    if !fits()? {
        println!("    without a profile: `cargo xtask profile` makes one for this compiler and these packages");
        return Ok(Vec::new());
    }
    Ok(vec![format!("-Cprofile-use={}", unpacked()?.display())])
}

/// Whether what was measured is of this compiler and these packages.
pub fn fits() -> Outcome<bool> {
    Ok(root().join(COUNTS).exists() && fs::read_to_string(root().join(MADE_WITH)).ok() == Some(made_with()?))
}

/// The functions that were called, one a line; one that only its file knows has that before it.
pub fn called() -> Outcome<String> {
    let (tool, counts) = (llvm_profdata()?, unpacked()?);
    let names = printed(command(tool, &["show", "--covered"]).arg(&counts));
    names.ok_or_else(|| format!("{} cannot be read", counts.display()))
}

/// The counts as the compiler takes them.
fn unpacked() -> Outcome<PathBuf> {
    let counts = target().join("doorward.profdata");
    unpack(&root().join(COUNTS), &counts)?;
    Ok(counts)
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
    let all = folder.join("doorward.profdata");
    merge(&tool, &[&start, &load], &all)?;
    run(command("gzip", &["--no-name", "--force", "-9"]).arg("--keep").arg(&all))?;
    let packed = fs::read(folder.join("doorward.profdata.gz")).map_err(|error| format!("{COUNTS}: {error}"))?;
    for (file, bytes) in [(COUNTS, packed), (MADE_WITH, made_with()?.into())] {
        fs::write(root().join(file), bytes).map_err(|error| format!("{file}: {error}"))?;
    }
    println!("{COUNTS} is new; release builds go by it");
    order::renew()
}

/// One file a process, named by the runtime of the instrumentation.
fn files(folder: &Path) -> PathBuf {
    folder.join("%m-%p.profraw")
}

/// With the functions that nobody called: the compiler must know it of them, to make them small.
fn merge(tool: &Path, from: &[&Path], into: &Path) -> Outcome {
    run(command(tool, &["merge"]).args(from).arg("--output").arg(into))
}

/// The host that builds are for.
pub fn host() -> Option<String> {
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
    fn what_was_measured_is_there_and_names_no_place_of_a_machine() {
        let folder = std::env::temp_dir().join(format!("doorward-profile-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        unpack(&root().join(COUNTS), &folder.join("counts")).unwrap();
        for file in [folder.join("counts"), root().join(order::ORDER)] {
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
