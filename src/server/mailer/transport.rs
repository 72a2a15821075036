//! Where mails go.

use super::{Mail, Mailbox, Smtp, files};
use crate::server::settings::{MailTransport, Settings, SettingsError};
use secrecy::ExposeSecret as _;
use std::{io, path::PathBuf, time::Duration};

/// A way to send mails.
#[derive(Clone)]
pub enum Transport {
    /// To an SMTP server.
    Smtp(Box<Smtp>),
    /// Into a folder, one `.eml` file a mail, mode 0600; named by the outbox id, so that a double replaces it.
    Folder(PathBuf),
    /// To nobody: the log says that there was a mail, without its address or its secrets.
    Log,
    /// Into the development mailbox.
    Mailbox(Mailbox),
}

/// Why a mail did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError {
    /// A word for the log and for `outbox.last_error`: `refused`, `timeout`, `tls`, `login`, `deferred`, `rejected`,
    /// `broken` or `disk`. Never the server's text, which may hold an address.
    pub kind: &'static str,
    /// Whether trying again is of no use.
    pub permanent: bool,
}

impl SendError {
    pub(super) const fn passing(kind: &'static str) -> Self {
        Self { kind, permanent: false }
    }

    pub(super) const fn permanent(kind: &'static str) -> Self {
        Self { kind, permanent: true }
    }
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the mail was not sent: {}", self.kind)
    }
}

impl std::error::Error for SendError {}

impl Transport {
    /// The transport that the settings choose.
    ///
    /// # Errors
    /// `mail.transport` is unset (the check of the settings has replaced that on localhost), or `mail.smtp_url` is wrong.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let mail = &settings.mail;
        Ok(match mail.transport {
            MailTransport::Smtp => Self::Smtp(Box::new(Smtp::new(
                mail.smtp_url.expose_secret(),
                &settings.server.public_url,
                Duration::from_secs(mail.timeout),
                None,
            )?)),
            MailTransport::Folder => Self::Folder(mail.folder.clone()),
            MailTransport::Log => Self::Log,
            MailTransport::Mailbox => Self::Mailbox(Mailbox::beside(mail)),
            MailTransport::Unset => {
                return Err(SettingsError("mail.transport is not set; choose smtp, folder or log".to_owned()));
            }
        })
    }

    /// Sends `mail`; done means that it is out of our hands.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, mail: Mail) -> Result<(), SendError> {
        match self {
            Self::Smtp(smtp) => smtp.send(&mail).await,
            Self::Folder(folder) => {
                let folder = folder.clone();
                on_disk(move || files::write_private(&folder, &mail.id, "eml", &mail.bytes())).await
            }
            Self::Log => {
                tracing::info!(outbox = %mail.id, kind = mail.kind.as_str(), "a mail ends here: mail.transport is \"log\"");
                Ok(())
            }
            Self::Mailbox(mailbox) => {
                let mailbox = mailbox.clone();
                on_disk(move || mailbox.put(&mail)).await
            }
        }
    }
}

async fn on_disk(write: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), SendError> {
    let written = tokio::task::spawn_blocking(write).await.map_err(io::Error::other).flatten();
    written.map_err(|error| {
        tracing::error!(%error, "a mail could not be written");
        SendError::passing("disk")
    })
}
