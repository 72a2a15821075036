//! What an operator does with mails: look which wait, went out or were given up, and have them sent again.

use super::{AuthError, AuthService, proof::NOTICE_LIFETIME};
use crate::{
    domain::time::Timestamp,
    server::store::{
        StoreError, Tx, outbox,
        outbox_list::{self, MailState, StoredMail},
    },
};
use std::fmt;

/// Which mails are to be sent again.
#[derive(Clone, Debug)]
pub enum Which {
    /// Those of these ids.
    These(Vec<String>),
    /// All that were given up.
    GivenUp,
}

/// What became of the wish to send a mail again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// It is due now.
    Due,
    /// There is none of that id.
    NoSuchMail,
    /// It went out; whoever wants it twice must say so.
    Sent,
    /// A server is at it just now.
    BeingSent,
    /// It is a decoy, or its account is gone or disabled.
    Nobodys,
    /// The link in it would not work any more.
    DeadSecret,
}

impl Resend {
    /// Its name, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::NoSuchMail => "no_such_mail",
            Self::Sent => "sent",
            Self::BeingSent => "being_sent",
            Self::Nobodys => "nobodys",
            Self::DeadSecret => "dead_secret",
        }
    }
}

impl fmt::Display for Resend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Due => "is due now, as if it had never been tried",
            Self::NoSuchMail => "there is no such mail",
            Self::Sent => "went out before; --again sends it twice",
            Self::BeingSent => "a server is sending it just now",
            Self::Nobodys => "goes to nobody: its account is gone or disabled, or never was",
            Self::DeadSecret => {
                "its link was used, replaced or is too old; `doorward user reset-link` makes a new one to hand over, and on \
                 the site its owner can ask for another mail"
            }
        })
    }
}

/// A mail and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resent {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub outcome: Resend,
}

impl AuthService {
    /// The newest `most` mails in that state, or in any.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn mails(&self, state: Option<MailState>, most: i64) -> Result<Vec<StoredMail>, AuthError> {
        Ok(outbox_list::list(&mut *self.parts.store.read().await?, state, most).await?)
    }

    /// Makes mails due at once, as if they had never been tried. One that went out only `again`.
    ///
    /// # Errors
    /// `Unavailable`; those before it are done then.
    pub async fn resend_mails(&self, which: Which, again: bool) -> Result<Vec<Resent>, AuthError> {
        let ids = match which {
            Which::These(ids) => ids,
            Which::GivenUp => {
                let all = self.mails(Some(MailState::GivenUp), i64::MAX).await?;
                all.into_iter().map(|mail| mail.id).collect()
            }
        };
        let mut resent = Vec::with_capacity(ids.len());
        for id in ids {
            let (now, name) = (self.parts.clock.now(), id.clone());
            let write = self.parts.store.write(move |tx| Box::pin(async move { resend(tx, &name, again, now).await }));
            resent.push(Resent { id, outcome: write.await? });
        }
        self.parts.mail.notify_one();
        Ok(resent)
    }
}

async fn resend(tx: &mut Tx, id: &str, again: bool, now: Timestamp) -> Result<Resend, StoreError> {
    let Some(mail) = outbox_list::find(tx, id).await? else { return Ok(Resend::NoSuchMail) };
    if mail.state() == MailState::Sent && !again {
        return Ok(Resend::Sent);
    }
    let recipient = match mail.account {
        Some(account) => outbox::recipient(tx, account).await?,
        None => None,
    };
    if recipient.is_none() {
        return Ok(Resend::Nobodys);
    }
    let give_up_at = match &mail.ticket {
        None => now.plus(NOTICE_LIFETIME),
        Some(ticket) => match outbox::mailed_ticket(tx, ticket).await? {
            Some(ticket) if ticket.times.is_alive(now) => ticket.times.expires_at,
            _ => return Ok(Resend::DeadSecret),
        },
    };
    let made = outbox_list::make_due(tx, id, give_up_at, now).await?;
    Ok(if made { Resend::Due } else { Resend::BeingSent })
}
