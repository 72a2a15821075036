//! `cargo xtask dist`: the one binary, and an archive of it with what an operator needs beside it.

use crate::serving::Server;
use crate::site::{self, Profile};
use crate::step::{Outcome, command, printed, run, step, target};
use crate::visit;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What goes into the archive beside the binary.
const BESIDE: [&str; 6] = ["CHANGELOG.md", "LICENSE", "Leptos.toml", "README.md", "SECURITY.md", "deploy"];

/// Builds, tries the binary alone, packs it, and says how large it is and what its bytes add up to.
pub fn run_all() -> Outcome {
    site::build(Profile::Release)?;
    step("the binary alone", alone)?;
    step("pack", pack)
}

/// Starts a copy of the binary in an empty folder, with a settings file and nothing else, and visits a page with all that
/// it loads.
pub fn alone() -> Outcome {
    let folder = std::env::temp_dir().join(format!("doorward-alone-{}", std::process::id()));
    let outcome = fresh(&folder).and_then(|()| visit_alone(&folder));
    let _ = fs::remove_dir_all(&folder);
    outcome
}

fn visit_alone(folder: &Path) -> Outcome {
    let (binary, settings) = (folder.join("doorward"), folder.join("settings.toml"));
    copy(&site::binary(Profile::Release), &binary)?;
    write(&settings, "[server]\nsite_name = \"Alone\"\n")?;
    let mut command = command(&binary, &["--settings", "settings.toml", "serve"]);
    let server = Server::start({
        command.current_dir(folder);
        command
    })?;
    let html = visit::text(server.address, "/login")?;
    if !html.contains("Alone") {
        return Err("the page does not show what the settings file says".to_owned());
    }
    let paths = visit::fetched(server.address, "/login")?;
    for kind in [".css", ".js", ".wasm", ".svg"] {
        if !paths.iter().any(|path| path.ends_with(kind)) {
            return Err(format!("the page names no file that ends in {kind}"));
        }
    }
    for path in &paths {
        let (plain, packed) = (visit::text(server.address, path)?.len(), visit::transferred(server.address, path)?);
        println!("    {path}: {plain} bytes, {packed} with headers as brotli");
    }
    Ok(())
}

fn pack() -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    let host = printed(&mut command("rustc", &["--print", "host-tuple"])).ok_or("rustc does not name its host")?;
    let name = format!("doorward-{version}-{host}");
    let out = target().join("dist");
    let folder = out.join(&name);
    fresh(&folder)?;
    copy(&site::binary(Profile::Release), &folder.join("doorward"))?;
    copy(&site::binary(Profile::Release), &out.join("doorward"))?;
    for name in BESIDE {
        run(command("cp", &["--recursive", name]).arg(&folder))?;
    }
    // Everything that differs from machine to machine is left out of the archive.
    let time = site::changed_at().unwrap_or_else(|| "0".to_owned());
    let archive = format!("{name}.tar");
    let mut tar =
        command("tar", &["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=go=rX,u+rw,a-s"]);
    run(tar.arg(format!("--mtime=@{time}")).args(["-cf", &archive, &name]).current_dir(&out))?;
    run(command("gzip", &["--no-name", "--force", "-9", &archive]).current_dir(&out))?;
    for file in ["doorward".to_owned(), format!("{archive}.gz")] {
        let path = out.join(&file);
        let size = fs::metadata(&path).map_err(|error| format!("{file}: {error}"))?.len();
        let sum = printed(command("sha256sum", &[&file]).current_dir(&out)).unwrap_or_default();
        println!(
            "    {}: {:.1} MB, SHA-256 {}",
            path.display(),
            size as f64 / 1e6,
            sum.split(' ').next().unwrap_or("?")
        );
    }
    Ok(())
}

fn fresh(folder: &Path) -> Outcome {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy(from: &Path, to: &PathBuf) -> Outcome {
    let copied = fs::copy(from, to).and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(0o755)));
    copied.map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::root;

    #[test]
    fn everything_that_goes_beside_the_binary_is_there() {
        for name in BESIDE {
            assert!(root().join(name).exists(), "{name}");
        }
    }
}
