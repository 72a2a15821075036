//! Building the site and the server, and starting it. For release the site is built first, by cargo-leptos, and then the
//! server with the site inside.

use crate::step::{Outcome, command, not_started, printed, root, run, step, target};
use crate::{order, profile, tools};
use std::ffi::OsStr;
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
const INPUTS: [&str; 11] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "Leptos.toml",
    "build.rs",
    "migrations",
    "public",
    "rust-toolchain.toml",
    "src",
    "style",
    "xtask/profile",
];

/// What lies among the inputs and is none: packages are pinned by their lock file, tests and benchmarks are not part
/// of the site.
const NO_INPUTS: [&str; 3] = ["style/node_modules", "src/tests", "src/benches"];

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
    // It hashes names at the first build only, and what is built later would not be the files that pages name.
    watch.env("LEPTOS_HASH_FILES", "false");
    // Of an earlier build: a server started by hand would name its files.
    let _ = fs::remove_file(binary(Profile::Dev).with_file_name("hash.txt"));
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
        match profile {
            Profile::Release => release(&path)?,
            Profile::Dev => run(command("cargo", &["leptos", "build"]).env("PATH", path))?,
        }
        fs::write(&stamp, record(profile, &inputs)).map_err(|error| format!("{}: {error}", stamp.display()))
    })
}

/// The site, and then the binary that holds it. No path of this machine is in it, and files are as old as the last commit
/// that changed one, so that the same sources may give the same bytes wherever they lie.
fn release(path: &OsStr) -> Outcome {
    frontend(path)?;
    let flags = [vec![flags()?], profile::flags()?].concat().join("\u{1f}");
    // What is told to the last link alone: with other words there, nothing else is built anew.
    run(server_build().env("CARGO_ENCODED_RUSTFLAGS", flags).arg("--").args(order::flags()?))
}

fn frontend(path: &OsStr) -> Outcome {
    let site = site_folder();
    // Files of an earlier build have other names, and would be put into the binary, too.
    if site.exists() {
        fs::remove_dir_all(&site).map_err(|error| format!("{}: {error}", site.display()))?;
    }
    let mut frontend = command("cargo", &["leptos", "build", "--release", "--precompress", "--frontend-only"]);
    run(frontend.env("PATH", path).env("CARGO_ENCODED_RUSTFLAGS", flags()?))
}

/// The build of the server for release, without its flags.
fn server_build() -> Command {
    let words = ["rustc", "--release", "--locked", "--no-default-features", "--features", "ssr", "--bin", "doorward"];
    let mut server = command("cargo", &words);
    server.env("DOORWARD_SITE", site_folder());
    // Not SOURCE_DATE_EPOCH: whatever is built from C would be built again after each commit.
    if let Some(time) = changed_at() {
        server.env("DOORWARD_SITE_TIME", time);
    }
    server
}

/// A server that counts what it does, below `folder`; gives the binary.
pub fn instrumented(folder: &Path) -> Outcome<PathBuf> {
    frontend(&tools::for_site()?)?;
    let mut server = server_build();
    profile::instrument(&mut server, flags()?);
    run(server.arg("--target-dir").arg(folder))?;
    Ok(folder.join("release/doorward"))
}

/// Where cargo-leptos puts the site, wherever cargo builds.
fn site_folder() -> PathBuf {
    root().join("target/site")
}

/// The compiler flags of a release: they write the places of this machine as if they were everybody's. In cargo's encoding.
pub fn flags() -> Outcome<String> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let rust = printed(&mut command("rustc", &["--print", "sysroot"])).map(PathBuf::from);
    let places = [(Some(root().to_owned()), "/doorward"), (cargo, "/cargo"), (rust, "/rust")];
    let flags =
        places.into_iter().filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from?.to_str()?)));
    Ok(flags.collect::<Vec<_>>().join("\u{1f}"))
}

/// When the inputs were last changed by a commit, in seconds since 1970. None outside a repository.
pub fn changed_at() -> Option<String> {
    let mut git = command("git", &["log", "-1", "--format=%ct", "--"]);
    printed(git.args(INPUTS)).filter(|time| !time.is_empty())
}

/// The server as a command. For release it has its site inside; for daily work it is pointed at the folder.
pub fn server(profile: Profile) -> Command {
    let mut server = command(binary(profile), &[]);
    if profile == Profile::Dev {
        server.env("LEPTOS_SITE_ROOT", site_folder());
        // Leptos looks for the hashes in `hash.txt` beside the binary, where cargo-leptos writes them.
        server.env("LEPTOS_HASH_FILES", "true");
        server.env("LEPTOS_ENV", "DEV");
    }
    server
}

/// The binary of that profile.
pub fn binary(profile: Profile) -> PathBuf {
    target().join(if profile == Profile::Release { "release" } else { "debug" }).join("doorward")
}

/// What a build was made from, as it was before, and what is there of it now. Both profiles write the same site folder,
/// so one record serves both.
fn record(profile: Profile, inputs: &str) -> String {
    let binary = binary(profile);
    let outputs = listing(vec![binary.with_file_name("hash.txt"), binary, site_folder()], &[]);
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
