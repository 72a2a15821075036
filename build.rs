//! Puts the built site into the binary, if `DOORWARD_SITE` names its folder (`cargo xtask` does). Without it the server
//! reads the files from disk, as `cargo leptos` leaves them. `DOORWARD_SITE_TIME` says when they last changed, in seconds since
//! 1970.
//!
//! cargo-leptos gives each file a hash of its own, which Leptos reads from a file beside the binary. In here the three
//! that belong together get one name, made of their three hashes, so that no such file is needed.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// What the server sends as a file; the same list as in `src/server/http/assets.rs`.
const KINDS: [&str; 9] = ["js", "wasm", "css", "ico", "svg", "png", "txt", "webmanifest", "woff2"];
/// How the files are called before their hash.
const OUTPUT: &str = "doorward";
/// Letters of each file's hash in the common name: 22 in all, as cargo-leptos's own have.
const PARTS: [(&str, usize); 3] = [("js", 8), ("wasm", 7), ("css", 7)];

fn main() -> Result<(), Box<dyn Error>> {
    for variable in ["DOORWARD_SITE", "DOORWARD_SITE_TIME"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("site.rs");
    let text = match env::var_os("DOORWARD_SITE") {
        Some(site) => embedded(&fs::canonicalize(site)?)?,
        None => table(None, &[])?,
    };
    // Written anew only if it says something else: otherwise everything that reads it would be compiled again.
    if fs::read_to_string(&out).ok().as_deref() != Some(&text) {
        fs::write(out, text)?;
    }
    Ok(())
}

fn embedded(site: &Path) -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", site.display());
    let mut files = Vec::new();
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(site)?.to_str().filter(|name| is_sent(name)) {
                files.push((format!("/{name}"), path.clone()));
            }
        }
    }
    files.sort();
    let mut common = OUTPUT.to_owned() + ".";
    let mut hashed = Vec::new();
    for (kind, letters) in PARTS {
        let hash = hash(&files, kind).ok_or_else(|| format!("DOORWARD_SITE: no pkg/{OUTPUT}.HASH.{kind} is there"))?;
        common.push_str(hash.get(..letters).ok_or("a hash is shorter than those of cargo-leptos")?);
        hashed.push(format!("/pkg/{OUTPUT}.{hash}.{kind}"));
    }
    for (name, _) in &mut files {
        for ((kind, _), old) in PARTS.iter().zip(&hashed) {
            *name = name.replace(old.as_str(), &format!("/pkg/{common}.{kind}"));
        }
    }
    files.sort();
    table(Some(&common), &files)
}

/// The hash in the name of the file of that kind.
fn hash(files: &[(String, PathBuf)], kind: &str) -> Option<String> {
    let start = format!("/pkg/{OUTPUT}.");
    let end = format!(".{kind}");
    files.iter().find_map(|(name, _)| name.strip_prefix(&start)?.strip_suffix(&end).map(str::to_owned))
}

/// Whether a file of that name is sent: as it is, or compressed in place of the one that is named without `.br` or `.gz`.
fn is_sent(name: &str) -> bool {
    let plain = name.strip_suffix(".br").or(name.strip_suffix(".gz")).unwrap_or(name);
    // Types for those who write TypeScript, maps and the like stay here.
    !plain.contains(".d.") && plain.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind))
}

fn table(common: Option<&str>, files: &[(String, PathBuf)]) -> Result<String, Box<dyn Error>> {
    let time = env::var("DOORWARD_SITE_TIME").ok().and_then(|time| time.parse::<u64>().ok());
    let mut text = format!(
        "const COMMON_NAME: Option<&str> = {common:?};\nconst CHANGED_AT: Option<u64> = {time:?};\n\
         static FILES: [(&str, &[u8]); {}] = [\n",
        files.len()
    );
    for (name, path) in files {
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(text, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    text.push_str("];\n");
    Ok(text)
}
