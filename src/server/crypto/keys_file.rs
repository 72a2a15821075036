//! The file of keys: read if it is private, made if there is none, and written anew when keys are exchanged.
//!
//! It appears, and changes, as a whole or not at all: who reads it meanwhile reads what was or what is.

use super::{
    keys::{Keys, KeysError, SETTING},
    keys_document::Document,
};
use crate::{
    domain::time::Timestamp,
    server::{
        entropy::{Entropy, random_id},
        settings,
    },
};
use rustix::fs::OFlags;
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

/// Most bytes of the file: hundreds of keys fit.
const FILE_BYTES: u64 = 65_536;

/// The text of the keys, from wherever it came. `Debug` prints the type's name.
pub struct KeysText {
    text: SecretString,
    place: String,
}

impl std::fmt::Debug for KeysText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeysText")
    }
}

impl KeysText {
    /// What `settings.json` says, or else `settings.file`.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or others than its owner may.
    pub fn read(settings: &settings::Keys) -> Result<Self, KeysError> {
        if is_setting(settings) {
            return Ok(Self { text: settings.json.clone(), place: SETTING.to_owned() });
        }
        let path = settings.file.as_path();
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => KeysError::Missing(path.to_owned()),
            _ => KeysError::Unreadable(path.to_owned(), error),
        })?;
        Ok(Self { text: read_private(file, path)?, place: format!("the keys file {}", path.display()) })
    }

    /// As [`KeysText::read`]; the file is made if there is none.
    ///
    /// # Errors
    /// As there, or it cannot be made.
    pub fn read_or_create(settings: &settings::Keys, entropy: &dyn Entropy) -> Result<Self, KeysError> {
        let path = settings.file.as_path();
        let is_there = || !matches!(File::open(path), Err(error) if error.kind() == ErrorKind::NotFound);
        if !is_setting(settings) && !is_there() {
            let made = create(path, &Document::generate(entropy).text(), entropy);
            made.map_err(|error| KeysError::Unreadable(path.to_owned(), error))?;
        }
        Self::read(settings)
    }

    /// The keys as they are at `now`.
    ///
    /// # Errors
    /// The text cannot be used; the error says where and why.
    pub fn at(&self, now: Timestamp) -> Result<Keys, KeysError> {
        self.used(|text| Keys::check(&Document::parse(text)?, now))
    }

    pub(super) fn document(&self) -> Result<Document, KeysError> {
        self.used(Document::parse)
    }

    fn used<T>(&self, make: impl FnOnce(&str) -> Result<T, String>) -> Result<T, KeysError> {
        make(self.text.expose_secret()).map_err(|fault| KeysError::Unusable(self.place.clone(), fault))
    }

    /// A text that was made and not read yet from anywhere; `place` is what errors call it.
    pub(super) fn of(text: SecretString, place: &str) -> Self {
        Self { text, place: place.to_owned() }
    }
}

/// Whether the keys stand in `keys.json` and not in a file.
pub(super) fn is_setting(settings: &settings::Keys) -> bool {
    !settings.json.expose_secret().trim().is_empty()
}

fn read_private(file: File, path: &Path) -> Result<SecretString, KeysError> {
    let unreadable = |error| KeysError::Unreadable(path.to_owned(), error);
    // Asked of the open file, so that what is checked is what is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(ErrorKind::IsADirectory.into()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeysError::OpenToOthers(path.to_owned(), mode));
    }
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok(SecretString::from(text))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Makes the file with `text`, unless somebody else has made it meanwhile: then theirs stands.
fn create(path: &Path, text: &SecretString, entropy: &dyn Entropy) -> io::Result<()> {
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let draft = draft_in(folder, entropy);
    // A hard link fails where a file is already there; a rename would replace it.
    let linked = write_private(&draft, text).and_then(|_| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return removed,
        linked => linked?,
    }
    removed?;
    File::open(folder)?.sync_all()?;
    tracing::warn!(path = %path.display(), "there was no keys file: made one; tokens of any earlier keys are void");
    Ok(())
}

fn draft_in(folder: &Path, entropy: &dyn Entropy) -> PathBuf {
    folder.join(format!(".keys-{}.new", random_id(entropy)))
}

fn write_private(path: &Path, text: &SecretString) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

/// The lock at `path`, made if it is not there and given to the owner of the keys: made by root it would keep the server's
/// own user out the next time. A link there is not followed, and what somebody else has put there is given to nobody:
/// whoever runs this may have more rights than who owns the folder.
fn lock_file(path: &Path, keys: &Metadata) -> io::Result<File> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(made) => {
            if (made.metadata()?.uid(), made.metadata()?.gid()) != (keys.uid(), keys.gid()) {
                fchown(&made, Some(keys.uid()), Some(keys.gid()))?;
            }
            Ok(made)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found =
                OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
            if found.metadata()?.is_file() { Ok(found) } else { Err(ErrorKind::InvalidInput.into()) }
        }
        Err(error) => Err(error),
    }
}

/// Nobody else writes the file anew while this is held. Whoever reads it need not ask.
pub(super) struct Exclusive {
    /// The file itself, where a link led to it: a rename must not replace the link.
    path: PathBuf,
    _lock: File,
}

impl Exclusive {
    /// Waits until nobody else writes the file of keys at `path`. The lock is a file beside it, which stays there.
    ///
    /// # Errors
    /// There is no file of keys, or nothing may be written beside it.
    pub(super) fn wait(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = folder_of(&path).join(format!(".{name}.lock"));
        let lock = lock_file(&beside, &fs::metadata(&path)?)?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// Puts `text` in the place of what is there, with the same owner and mode.
    ///
    /// # Errors
    /// It could not be written, or not be given to its owner. The file is then as it was.
    pub(super) fn replace(&self, text: &SecretString, entropy: &dyn Entropy) -> io::Result<()> {
        let folder = folder_of(&self.path);
        let draft = draft_in(folder, entropy);
        let written = self.write(&draft, text).and_then(|()| fs::rename(&draft, &self.path));
        if written.is_err() {
            // It may never have come to be; what went wrong first is what is told.
            drop(fs::remove_file(&draft));
        }
        written?;
        // It is in its place; what the disk makes of it after a power cut is all that can still go wrong.
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            tracing::warn!(%error, "the new file of keys is there, but may not survive a power cut now");
        }
        Ok(())
    }

    fn write(&self, draft: &Path, text: &SecretString) -> io::Result<()> {
        let before = fs::metadata(&self.path)?;
        let file = write_private(draft, text)?;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
            fchown(&file, Some(before.uid()), Some(before.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(before.mode() & 0o700))?;
        file.sync_all()
    }
}
