//! The development mailbox: mails as files that the pages at `/dev/mailbox` show. It outlives a restart.

use super::{Mail, files};
use crate::{domain::time::Timestamp, server::settings};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Mails that are kept; older ones make room.
const KEPT: usize = 200;

/// The mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    folder: PathBuf,
}

/// A mail as the mailbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMail {
    /// The outbox id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// The address it went to.
    pub to: String,
    /// When it was sent.
    pub at: Timestamp,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl Mailbox {
    /// The mailbox in `folder`, which is made with the first mail.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The mailbox beside the folder of the folder transport.
    #[must_use]
    pub fn beside(settings: &settings::Mail) -> Self {
        Self::new(settings.folder.parent().unwrap_or_else(|| Path::new("")).join("mailbox"))
    }

    /// Keeps a mail; one with the same id is replaced. Blocks on the disk.
    ///
    /// # Errors
    /// The disk's; an id that is none.
    pub fn put(&self, mail: &Mail) -> io::Result<()> {
        let kept = KeptMail {
            id: mail.id.clone(),
            subject: mail.subject.clone(),
            to: mail.to.clone(),
            at: mail.at,
            text: mail.text.clone(),
            html: mail.html.clone(),
        };
        files::write_private(&self.folder, &mail.id, "json", &serde_json::to_vec(&kept)?)?;
        for (_, old) in self.newest_first()?.into_iter().skip(KEPT) {
            gone_is_fine(fs::remove_file(self.path(&old.id)))?;
        }
        Ok(())
    }

    /// All mails, the newest first. Blocks on the disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn list(&self) -> io::Result<Vec<KeptMail>> {
        Ok(self.newest_first()?.into_iter().map(|(_, mail)| mail).collect())
    }

    /// The mail of that outbox id; none if there is none, or if `id` can be no id. Blocks on the disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn find(&self, id: &str) -> io::Result<Option<KeptMail>> {
        if !files::is_plain(id) {
            return Ok(None);
        }
        read(&self.path(id))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn newest_first(&self) -> io::Result<Vec<(SystemTime, KeptMail)>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut mails = Vec::new();
        for entry in entries {
            let path = entry?.path();
            // A file that belongs to somebody else, or was deleted meanwhile, is not our mail.
            let ours = path.extension() == Some(OsStr::new("json"));
            if let Some(mail) = if ours { read(&path)? } else { None }
                && path.file_stem() == Some(OsStr::new(&mail.id))
                && let Ok(written) = fs::metadata(&path).and_then(|metadata| metadata.modified())
            {
                mails.push((written, mail));
            }
        }
        // Several mails of one second stand in the order they were written in.
        mails.sort_by(|(a_written, a), (b_written, b)| (b.at, b_written).cmp(&(a.at, a_written)));
        Ok(mails)
    }
}

fn read(path: &Path) -> io::Result<Option<KeptMail>> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
