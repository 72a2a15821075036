//! Checks of the keys: whether there are any, whether others can get at them, how old they are.

use super::Check;
use crate::{
    domain::time::Timestamp,
    server::{
        compose::World,
        crypto::{KeyFacts, KeyPurpose, KeyState, Keys},
        settings::Settings,
    },
};
use secrecy::ExposeSecret as _;
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Days after which a signing key is old.
const OLD: i64 = 400;
const DAY: i64 = 86_400;

/// The checks, and the keys if they can be used.
pub(super) fn examine(settings: &Settings, world: &World) -> (Vec<Check>, Option<Vec<KeyFacts>>) {
    let name = "keys";
    let in_file = settings.keys.json.expose_secret().trim().is_empty();
    let path = settings.keys.file.as_path();
    if in_file && is_nowhere(path) {
        let advice =
            "The server makes one at its first start. If there was one, restore it: else everybody signs in again.";
        return (vec![Check::warning(name, format!("There is no keys file {}.", path.display()), advice)], None);
    }
    let now = world.clock.now();
    let keys = match Keys::load(&settings.keys, now) {
        Ok(keys) => keys,
        Err(error) => {
            let advice = "Until then the server does not start.";
            return (vec![Check::failure(name, sentence(&error.to_string()), advice)], None);
        }
    };
    let mut checks = vec![ages(&keys, in_file.then(|| written_at(path)).flatten(), now)];
    if in_file {
        checks.extend(owner(path));
        checks.push(folder("keys_folder", path, "the keys"));
    }
    (checks, Some(keys.facts().to_vec()))
}

/// Whether there is no such file, as far as this user may see.
pub(super) fn is_nowhere(path: &Path) -> bool {
    matches!(fs::metadata(path), Err(error) if error.kind() == ErrorKind::NotFound)
}

fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn written_at(path: &Path) -> Option<Timestamp> {
    fs::metadata(path).ok().map(|file| Timestamp(file.mtime()))
}

/// How many there are, and since when those make that do. A key without `from` is as old as the file, or older.
fn ages(keys: &Keys, written_at: Option<Timestamp>, now: Timestamp) -> Check {
    let name = "keys";
    let makers: Vec<_> = keys.facts().iter().filter(|key| key.state == KeyState::Makes).collect();
    if let Some(early) = makers.iter().find(|key| key.from.is_some_and(|from| from > now)) {
        return Check::warning(
            name,
            format!("No {} key is good yet: the time of each is still to come.", early.purpose.as_str()),
            "See whether this machine's clock is right, and the \"from\" in the file.",
        );
    }
    let signing = makers.iter().find(|key| key.purpose == KeyPurpose::Signing);
    let since = signing.and_then(|key| key.from).or(written_at);
    let coming = keys.facts().iter().filter(|key| key.state == KeyState::MakesLater).count();
    let mut found = format!("There are {} keys.", keys.facts().len());
    if let Some(since) = since {
        found.push_str(&format!(" The one that signs is in use since {} at the latest.", since.rfc3339()));
    }
    if coming > 0 {
        found.push_str(&format!(" {coming} will make later."));
    }
    match since {
        Some(since) if now.since(since) > OLD * DAY => {
            Check::warning(name, found, "Exchange it: doorward keys rotate signs nobody out.")
        }
        _ => Check::ok(name, found),
    }
}

fn owner(path: &Path) -> Option<Check> {
    let file = fs::metadata(path).ok()?;
    let (name, own) = ("keys_file", rustix::process::geteuid().as_raw());
    if file.uid() == own {
        let mode = file.mode() & 0o7777;
        return Some(Check::ok(name, format!("{} is yours alone (mode {mode:04o}).", path.display())));
    }
    let found = format!("{} belongs to user {}, and you are user {own}.", path.display(), file.uid());
    Some(Check::warning(name, found, "Run this as the server's user, or give the file to it."))
}

/// Whether others may exchange what lies in the folder of `path`.
pub(super) fn folder(name: &'static str, path: &Path, what: &str) -> Check {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let shown = folder.display();
    let mode = match fs::metadata(&folder) {
        Ok(folder) => folder.mode() & 0o7777,
        Err(error) => return Check::failure(name, format!("The folder {shown} cannot be read: {error}."), "Make it."),
    };
    // With the sticky bit others may add files, and not exchange these.
    let sticky = mode & 0o1000 != 0;
    let advice = format!("chmod 700 {shown}");
    if mode & 0o002 != 0 && !sticky {
        let found = format!("Everybody on this machine may exchange {what}: the folder {shown} has mode {mode:04o}.");
        return Check::failure(name, found, advice);
    }
    if mode & 0o020 != 0 && !sticky {
        let found = format!("A group may exchange {what}: the folder {shown} has mode {mode:04o}.");
        return Check::warning(name, found, advice);
    }
    Check::ok(name, format!("Nobody else may exchange {what} (folder {shown}, mode {mode:04o})."))
}
