//! The site inside the binary: what `build.rs` put there. `ServeDir` reads it as it reads a folder.

use futures::future::{Ready, ready};
use std::{
    fmt,
    io::{self, Cursor, ErrorKind, SeekFrom},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File, Metadata};

include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// The name that script, wasm and stylesheet go by, without their kind: `doorward.` and 22 letters that change with each
/// of them. None if this binary has no site in it.
#[must_use]
pub const fn name() -> Option<&'static str> {
    COMMON_NAME
}

/// The files in the binary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Embedded;

/// One of them, opened.
pub(super) struct EmbeddedFile(Cursor<&'static [u8]>);

/// What is known of one.
pub(super) struct About(u64);

fn find(path: &Path) -> io::Result<&'static [u8]> {
    let path = path.to_str().unwrap_or_default();
    let at = FILES.binary_search_by(|(name, _)| (*name).cmp(path)).map_err(|_| io::Error::from(ErrorKind::NotFound))?;
    FILES.get(at).map(|(_, bytes)| *bytes).ok_or_else(|| ErrorKind::NotFound.into())
}

impl Backend for Embedded {
    type File = EmbeddedFile;
    type Metadata = About;
    type OpenFuture = Ready<io::Result<EmbeddedFile>>;
    type MetadataFuture = Ready<io::Result<About>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        ready(find(&path).map(|bytes| EmbeddedFile(Cursor::new(bytes))))
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        ready(find(&path).map(|bytes| About(bytes.len() as u64)))
    }
}

impl Metadata for About {
    fn is_dir(&self) -> bool {
        false
    }

    /// When the sources of this binary were last changed; the same for all.
    fn modified(&self) -> io::Result<SystemTime> {
        let at = CHANGED_AT.ok_or_else(|| io::Error::from(ErrorKind::Unsupported))?;
        Ok(UNIX_EPOCH + Duration::from_secs(at))
    }

    fn len(&self) -> u64 {
        self.0
    }
}

impl File for EmbeddedFile {
    type Metadata = About;
    type MetadataFuture<'a> = Ready<io::Result<About>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(About(self.0.get_ref().len() as u64)))
    }
}

impl AsyncRead for EmbeddedFile {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncSeek for EmbeddedFile {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(context)
    }
}

impl fmt::Debug for EmbeddedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmbeddedFile")
    }
}
