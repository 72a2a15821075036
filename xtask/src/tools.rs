//! What a build or a test run needs and a fresh machine lacks. Everything here looks first and installs only what is
//! missing; cargo's tools go to a cache that all clones share, npm's next to the lock file that pins them.

use crate::step::{Outcome, command, printed, root, run, step};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// 0.3.11 asks for a newer Rust than `rust-toolchain.toml` has.
const CARGO_LEPTOS: &str = "0.3.10";

const SCHEMATHESIS: &str = "4.32.5";

/// Settings under which a tool builds in a third of the time: it runs for seconds, so it need not be fast itself.
const CHEAP_BUILD: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
];

/// The parts of cargo-leptos that compress the site; unoptimised they would cost minutes at every build.
const FAST_PARTS: [&str; 3] = ["brotli", "brotli-decompressor", "alloc-stdlib"];

/// Everything that `serve` and `test` install. First what waits for the network, beside which others can compile.
pub fn set_up_all() -> Outcome {
    for_lints()?;
    browser_suite()?;
    chromium().map(drop)?;
    schemathesis().map(drop)?;
    for_chaos()?;
    postgres().map(drop)?;
    for_site().map(drop)
}

/// What the site's build needs; gives the PATH to build with.
pub fn for_site() -> Outcome<std::ffi::OsString> {
    wasm_target()?;
    let leptos = cargo_tool("cargo-leptos", CARGO_LEPTOS)?;
    let bindgen = cargo_tool("wasm-bindgen-cli", &locked_version("wasm-bindgen")?)?;
    npm_packages("style")?;
    let own = [Some(root().join("style/node_modules/.bin")), leptos, bindgen];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let all = own.into_iter().flatten().chain(std::env::split_paths(&inherited));
    std::env::join_paths(all).map_err(|error| format!("PATH: {error}"))
}

/// rustfmt and clippy, which rustup's minimal profile lacks, and the target of the browser's half.
pub fn for_lints() -> Outcome {
    wasm_target()?;
    for (component, probe) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if printed(&mut command("cargo", &[probe, "--version"])).is_none() {
            step(&format!("install {component}"), || run(&mut command("rustup", &["component", "add", component])))?;
        }
    }
    Ok(())
}

/// The packages of the browser suite.
pub fn browser_suite() -> Outcome {
    npm_packages("end2end")
}

/// The browser that the suite drives: `CHROMIUM`, or Chromium without windows, which takes half the time of one that
/// hides them; the other one where only that is to be had.
pub fn chromium() -> Outcome<PathBuf> {
    const SHELL: &str = "chromium-headless-shell";
    if let Some(set) = std::env::var_os("CHROMIUM") {
        return Ok(set.into());
    }
    if let Some(found) = on_path(SHELL) {
        return Ok(found);
    }
    let installed = apt(SHELL);
    let found = on_path(SHELL).or_else(|| on_path("chromium"));
    found.ok_or_else(|| installed.err().unwrap_or_else(|| format!("apt installed {SHELL}, yet it is not on PATH")))
}

/// The program that looks at the API, in an environment of its own.
pub fn schemathesis() -> Outcome<PathBuf> {
    let home = tool_cache()?.join(format!("schemathesis-{SCHEMATHESIS}"));
    let program = home.join("bin/schemathesis");
    // Written when all is there: an environment knows its own place, so it cannot be made beside and renamed.
    let whole = home.join(".whole");
    if whole.exists() {
        return Ok(program);
    }
    let can_make = |python: &mut Command| printed(python.args(["-c", "import ensurepip, venv"])).is_some();
    if !can_make(&mut command("python3", &[])) {
        apt("python3-venv")?;
    }
    step(&format!("install schemathesis {SCHEMATHESIS}"), || {
        let _ = fs::remove_dir_all(&home);
        run(command("python3", &["-m", "venv"]).arg(&home))?;
        let package = format!("schemathesis=={SCHEMATHESIS}");
        run(&mut command(home.join("bin/pip"), &["--quiet", "--disable-pip-version-check", "install", &package]))?;
        fs::write(&whole, "").map_err(|error| format!("{}: {error}", whole.display()))
    })?;
    Ok(program)
}

/// The folder of PostgreSQL's programs.
pub fn postgres() -> Outcome<PathBuf> {
    if postgres_folder().is_none() {
        apt("postgresql")?;
    }
    postgres_folder().ok_or_else(|| "apt installed postgresql, yet there is no initdb".to_owned())
}

/// The program that watches a start.
pub fn valgrind() -> Outcome<PathBuf> {
    if on_path("valgrind").is_none() {
        apt("valgrind")?;
    }
    on_path("valgrind").ok_or_else(|| "apt installed valgrind, yet it is not on PATH".to_owned())
}

/// What the tests under faults need beside PostgreSQL: nginx in front of replicas, and a clock that can be turned.
pub fn for_chaos() -> Outcome {
    if on_path("nginx").is_none() && !Path::new("/usr/sbin/nginx").is_file() {
        apt("nginx-light")?;
    }
    let mut architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    if !architectures.any(|folder| folder.path().join("faketime/libfaketimeMT.so.1").is_file()) {
        apt("libfaketime")?;
    }
    Ok(())
}

fn postgres_folder() -> Option<PathBuf> {
    // A link on PATH leads to the folder that holds all of the programs.
    let linked = on_path("initdb").and_then(|found| fs::canonicalize(found).ok());
    let folders = linked.iter().filter_map(|found| found.parent()).map(Path::to_path_buf);
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    folders
        .chain(versions.into_iter().rev())
        .find(|folder| ["initdb", "postgres"].iter().all(|it| folder.join(it).exists()))
}

fn wasm_target() -> Outcome {
    const TARGET: &str = "wasm32-unknown-unknown";
    let folder = printed(&mut command("rustc", &["--print", "target-libdir", "--target", TARGET]));
    if folder.is_some_and(|folder| Path::new(&folder).exists()) {
        return Ok(());
    }
    step("install the wasm target", || run(&mut command("rustup", &["target", "add", TARGET])))
}

/// The folder to put on PATH for `package` at `version`, or nothing if PATH has it already.
fn cargo_tool(package: &str, version: &str) -> Outcome<Option<PathBuf>> {
    let program = if package == "wasm-bindgen-cli" { "wasm-bindgen" } else { package };
    let is_right = |path: &Path| {
        printed(Command::new(path).arg("--version")).is_some_and(|said| said.split_whitespace().nth(1) == Some(version))
    };
    if on_path(program).is_some_and(|found| is_right(&found)) {
        return Ok(None);
    }
    let home = tool_cache()?.join(format!("{package}-{version}"));
    if !is_right(&home.join("bin").join(program)) {
        step(&format!("install {package} {version} (some minutes, once a machine)"), || {
            install(package, version, &home)
        })?;
    }
    Ok(Some(home.join("bin")))
}

/// Installs beside `home` and then renames, so that what stands at `home` is whole.
fn install(package: &str, version: &str, home: &Path) -> Outcome {
    let partial = home.with_file_name(format!(".{package}-{version}.{}", std::process::id()));
    let mut cargo = command("cargo", &[]);
    cargo.envs(CHEAP_BUILD).env_remove("CARGO_TARGET_DIR");
    // cargo-leptos brings OpenSSL's source for what we do not ask it for: minutes of C, where the system has it built.
    if printed(&mut command("pkg-config", &["--exists", "openssl >= 1.1.1 openssl < 4"])).is_some() {
        cargo.env("OPENSSL_NO_VENDOR", "1");
    }
    if package == "cargo-leptos" {
        for part in FAST_PARTS {
            cargo.args(["--config", &format!("profile.release.package.{part}.opt-level=3")]);
        }
    }
    cargo.args(["install", package, "--version", &format!("={version}"), "--root"]).arg(&partial);
    if package == "cargo-leptos" {
        cargo.args(["--locked", "--features", "no_downloads"]);
    }
    let outcome = run(&mut cargo).and_then(|()| {
        // In the way may be the remains of an older try, or what another clone has just finished: equal to ours.
        let _ = fs::remove_dir_all(home);
        fs::rename(&partial, home).map_err(|error| format!("{}: {error}", home.display()))
    });
    let _ = fs::remove_dir_all(&partial);
    outcome
}

fn tool_cache() -> Outcome<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|set| !set.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let folder = cache.ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("doorward/tools");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// `npm ci` in `folder`, if its lock file is another than the one last installed.
fn npm_packages(folder: &str) -> Outcome {
    let folder = root().join(folder);
    let lock_file = folder.join("package-lock.json");
    let lock = fs::read_to_string(&lock_file).map_err(|error| format!("{}: {error}", lock_file.display()))?;
    // Inside the folder that `npm ci` empties first: a half installation has no stamp.
    let stamp = folder.join("node_modules/.doorward-installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let npm = on_path("npm").ok_or("npm is not on PATH: install Node 20 or later")?;
    step(&format!("install npm packages of {}", folder.display()), || {
        let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        run(command(npm, &quiet).current_dir(&folder))?;
        fs::write(&stamp, lock).map_err(|error| format!("{}: {error}", stamp.display()))
    })
}

/// Installs a Debian package, as root or through sudo.
fn apt(package: &str) -> Outcome {
    let is_root = printed(&mut command("id", &["-u"])).is_some_and(|id| id == "0");
    let prefix: &[&str] = if is_root { &[] } else { &["sudo"] };
    if on_path("apt-get").is_none() || (!is_root && on_path("sudo").is_none()) {
        return Err(format!(
            "`{package}` is not installed, and this needs apt-get, and root or sudo. Install it by hand."
        ));
    }
    step(&format!("install {package}"), || {
        for words in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends", package]] {
            let all = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], words].concat();
            run(&mut command(all[0], &all[1..]))?;
        }
        Ok(())
    })
}

/// The first program of that name on PATH.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn locked_version(package: &str) -> Outcome<String> {
    let file = root().join("Cargo.lock");
    let lock = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    version_in(&lock, package).map(str::to_owned).ok_or_else(|| format!("Cargo.lock has no {package}"))
}

/// The version of `package` in the text of a `Cargo.lock`.
fn version_in<'lock>(lock: &'lock str, package: &str) -> Option<&'lock str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n\n\
                        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\ndependencies = [\n \"cfg-if\",\n]\n";

    #[test]
    fn a_locked_version_is_found_by_the_whole_name() {
        assert_eq!(version_in(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(version_in(LOCK, "wasm-bindgen-macro"), Some("0.2.1"));
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(version_in(LOCK, "wasm"), None);
        assert_eq!(version_in("", "wasm-bindgen"), None);
    }
}
