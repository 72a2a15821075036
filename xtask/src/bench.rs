//! `cargo xtask bench`: Doorward beside what the machine can do, both measured in one run by the crate in `xtask/bench`.

use crate::checks::ALL_CRATES;
use crate::site::{self, Profile};
use crate::step::{Outcome, command, root, run as run_command, step, target};
use crate::tools;
use std::path::{Path, PathBuf};

/// A run on a quiet machine that was kept: what rows there are, and what they aim at.
const BASELINE: &str = "xtask/bench/baseline.json";
/// Where a run leaves its figures.
const REPORT: &str = "bench.json";

/// Builds for release and measures, with what else the command line says (`--quick`, `--only TEXT`, `--peer django`).
pub fn run(words: &[&str]) -> Outcome {
    site::build(Profile::Release)?;
    measure(Profile::Release, words)
}

/// A short run that says nothing of speed: every row must come out as in the baseline. The benchmark itself is the one
/// that its tests have almost built.
pub fn shape() -> Outcome {
    let baseline = root().join(BASELINE).display().to_string();
    measure(Profile::Dev, &["--quick", "--same-shape-as", &baseline])
}

/// A short run against another binary, which writes what it counts to these files.
pub fn train(binary: &Path, counted: &Path) -> Outcome {
    let (postgres, bench) = (tools::postgres()?, build(Profile::Dev)?);
    let mut bench = command(bench, &["--quick"]);
    bench.arg("--binary").arg(binary).arg("--postgres").arg(postgres);
    run_command(bench.env("LLVM_PROFILE_FILE", counted))
}

/// Measures the release build by a benchmark of this profile.
fn measure(profile: Profile, words: &[&str]) -> Outcome {
    let postgres = tools::postgres()?;
    let bench = step("build the benchmark", || build(profile))?;
    let report = target().join(REPORT);
    let mut bench = command(bench, words);
    bench.arg("--binary").arg(site::binary(Profile::Release));
    bench.arg("--postgres").arg(postgres);
    run_command(bench.arg("--out").arg(&report))?;
    println!("the figures stand in {}; {BASELINE} has those of a quiet machine", report.display());
    Ok(())
}

/// For release in a folder of its own, for the server's build has other flags; otherwise as the tests are built: most of
/// it is compiled already.
fn build(profile: Profile) -> Outcome<PathBuf> {
    let mut cargo = command("cargo", &["build", "--locked", "--bin", "doorward-bench"]);
    if profile == Profile::Release {
        let folder = target().join("bench");
        cargo
            .args(["--package", "doorward-bench", "--release"])
            .arg("--target-dir")
            .arg(&folder)
            .env("CARGO_ENCODED_RUSTFLAGS", site::flags()?);
        run_command(&mut cargo)?;
        return Ok(folder.join("release/doorward-bench"));
    }
    // With all that the tests are built with: alone it would have other features, and be built anew.
    run_command(cargo.args(ALL_CRATES).arg("--examples"))?;
    Ok(site::binary(profile).with_file_name("doorward-bench"))
}
