//! Files that only their owner may read, and that are never seen half-written.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Whether `id` can be a file's name as it is: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
pub(super) fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Writes `bytes` to `folder/id.extension`, mode 0600, over what is there; makes the folder, mode 0700, if need be.
pub(super) fn write_private(folder: &Path, id: &str, extension: &str, bytes: &[u8]) -> io::Result<()> {
    if !is_plain(id) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is no outbox id"));
    }
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let unfinished = folder.join(format!(".{id}.unfinished"));
    // One that a kill left behind may have another mode.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(format!("{id}.{extension}")))
}
