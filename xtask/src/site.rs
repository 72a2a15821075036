//! Building the site with cargo-leptos, and starting the server on what was built.

use crate::step::{Outcome, command, not_started, root, run, step, target};
use crate::tools;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// How the site is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Optimised and compressed: what people get, and what the browser suite and the scales look at.
    Release,
    /// Quick to build.
    Dev,
}

/// What a build reads.
const INPUTS: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "Leptos.toml", "rust-toolchain.toml", "src", "style", "public", "migrations"];

/// What lies among the inputs and is none: packages are pinned by their lock file, tests are not part of the site.
const NO_INPUTS: [&str; 2] = ["style/node_modules", "src/tests"];

/// Builds, and becomes the server, so that signals reach it.
pub fn serve(profile: Profile) -> Outcome {
    build(profile)?;
    println!("==> serve; stop with Ctrl-C");
    let url = std::env::var("DOORWARD__SERVER__PUBLIC_URL");
    println!("{}", url.as_deref().unwrap_or("http://localhost:3000"));
    let mut server = server(profile);
    let error = server.exec();
    Err(not_started(&server, &error))
}

/// Installs what is missing and becomes `cargo leptos watch`.
pub fn watch() -> Outcome {
    let mut watch = command("cargo", &["leptos", "watch"]);
    let error = watch.env("PATH", tools::for_site()?).exec();
    Err(not_started(&watch, &error))
}

/// Installs what is missing and builds, unless everything stands as the last build of this profile left it.
pub fn build(profile: Profile) -> Outcome {
    let name = if profile == Profile::Release { "build the site (release)" } else { "build the site (dev)" };
    let path = tools::for_site()?;
    step(name, || {
        let stamp = target().join("site-built");
        let inputs = listing(INPUTS.map(|input| root().join(input)).into(), &NO_INPUTS);
        if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == record(profile, &inputs)) {
            println!("    nothing has changed");
            return Ok(());
        }
        let words: &[&str] = if profile == Profile::Release { &["--release", "--precompress"] } else { &[] };
        run(command("cargo", &["leptos", "build"]).args(words).env("PATH", path))?;
        fs::write(&stamp, record(profile, &inputs)).map_err(|error| format!("{}: {error}", stamp.display()))
    })
}

/// The server as a command, pointed at the site that was built.
pub fn server(profile: Profile) -> Command {
    let mut server = command(binary(profile), &[]);
    server.env("LEPTOS_SITE_ROOT", root().join("target/site"));
    // Leptos looks for the hashes in `hash.txt` beside the binary, where cargo-leptos writes them.
    server.env("LEPTOS_HASH_FILES", "true");
    server.env("LEPTOS_ENV", if profile == Profile::Release { "PROD" } else { "DEV" });
    server
}

/// The file that says under which names the hashed assets are.
pub fn hashes() -> PathBuf {
    binary(Profile::Release).with_file_name("hash.txt")
}

fn binary(profile: Profile) -> PathBuf {
    target().join(if profile == Profile::Release { "release" } else { "debug" }).join("doorward")
}

/// What a build was made from, as it was before, and what is there of it now. Both profiles write the same site folder,
/// so one record serves both.
fn record(profile: Profile, inputs: &str) -> String {
    let binary = binary(profile);
    let outputs = listing(vec![binary.with_file_name("hash.txt"), binary, root().join("target/site")], &[]);
    format!("{inputs}\n{outputs}")
}

/// One line a file: path, length, time of change. What is `left_out` is not looked into.
pub fn listing(mut open: Vec<PathBuf>, left_out: &[&str]) -> String {
    let mut lines = Vec::new();
    while let Some(path) = open.pop() {
        if left_out.iter().any(|none| path == root().join(none)) {
            continue;
        }
        if path.is_dir() {
            open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else {
            lines.push(line(&path));
        }
    }
    lines.sort();
    lines.join("\n")
}

fn line(path: &Path) -> String {
    let about = fs::metadata(path).ok();
    let length = about.as_ref().map(fs::Metadata::len);
    let changed = about.and_then(|about| about.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    format!("{} {length:?} {changed:?}", path.display())
}
