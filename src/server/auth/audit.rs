//! What is noted of what happens: the history of an account, and the audit log behind it.

use super::{AuthError, AuthService, Origin};
use crate::{
    domain::{account::AccountId, history::Event, time::Timestamp},
    server::{
        crypto::{self, AuditSeals},
        entropy::random_id,
        store::{
            StoreError, Tx,
            audit::{self, NewEvent},
        },
    },
};

/// An event that is about to be noted.
#[derive(Clone)]
pub(super) struct Noted {
    new: NewEvent,
    seals: AuditSeals,
}

impl AuthService {
    /// An event, ready to be written by the transaction that causes it. `account` is nobody for an identifier that
    /// nobody has; `sid` is the session that it happened in, or opened.
    pub(super) fn noted(&self, event: Event, account: Option<AccountId>, sid: Option<&str>, origin: &Origin) -> Noted {
        Noted {
            new: NewEvent {
                event,
                account,
                sid: sid.map(str::to_owned),
                device_label: origin.device_label.clone(),
                ip: origin.ip.clone(),
                salt: random_id(self.parts.entropy.as_ref()),
            },
            seals: self.keyed().audit_seals.clone(),
        }
    }

    /// Notes an event that changes nothing else.
    pub(super) async fn note(&self, noted: Noted) -> Result<(), AuthError> {
        let now = self.parts.clock.now();
        Ok(self.parts.store.write_aside(move |tx| Box::pin(async move { noted.write(tx, now).await })).await?)
    }
}

impl Noted {
    /// Writes the event; the last write of its transaction.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        audit::append(tx, &self.new, &|text| self.seals.seal(text), crypto::sha256_text, now).await
    }
}
