//! Taking one's data along, and leaving: a grace in which signing in offers to stay, then the end of the data.

use super::{AuthError, AuthService, Origin, Principal, ticket::void_tickets};
use crate::{
    domain::{account::Account, factor::Factors, history::Event, time::Timestamp},
    server::store::{
        StoreError, Tx, accounts, audit,
        outbox::{self, MailKind},
        reservations::{self, Kept},
        session_lists::{self, ExportedSession},
        sessions, throttles,
    },
};
use serde_json::{Value, json};

/// Seconds of an hour.
const HOUR: i64 = 3600;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Accounts that one transaction deletes: sign-ins wait for it.
const PURGED_TOGETHER: i64 = 50;
/// Seconds in which something may still be noted of an account that was read before it was purged.
const LATE: i64 = 2 * DAY;
/// Lines of history and sessions in an export, newest first; the settings bound them in time.
const MOST_ROWS: i64 = 100_000;

impl AuthService {
    /// Everything that is kept about the caller's account, but for secrets and their digests, as JSON with RFC 3339 times.
    ///
    /// # Errors
    /// `ProofRequired`; `TooMany`; `Unavailable`.
    pub async fn export(&self, principal: &Principal, origin: &Origin) -> Result<Value, AuthError> {
        self.must_be_fresh(principal)?;
        self.charge(&[self.profile_charge(principal.account.id)]).await?;
        let (now, id) = (self.parts.clock.now(), principal.account.id);
        self.note(self.noted(Event::Exported, Some(id), Some(&principal.sid), origin)).await?;
        let mut tx = self.parts.store.read().await?;
        let sessions = session_lists::all_of(&mut tx, id, MOST_ROWS).await?;
        let events = audit::of_account(&mut tx, id, i64::MAX, MOST_ROWS).await?;
        let names = reservations::names_of(&mut tx, id, now).await?;
        drop(tx);
        let factors = self.factors(principal).await?;
        tracing::info!(event = "exported", account = %id, "an account's data was downloaded");
        Ok(json!({
            "format": "doorward-export-1",
            "site": self.parts.settings.server.public_url,
            "exported_at": now.rfc3339(),
            "account": account_of(&principal.account),
            "reserved_usernames": names,
            "factors": factors_of(&factors),
            "sessions": sessions.iter().map(session_of).collect::<Vec<_>>(),
            "history": events.iter().map(|event| json!({
                "event": event.event.as_str(),
                "happened_at": event.happened_at.rfc3339(),
                "session": event.sid,
                "device": event.device_label,
                "ip": event.ip,
            })).collect::<Vec<_>>(),
        }))
    }

    /// Asks for the account to be deleted after the grace of the settings. Every session ends; a mail says until when the
    /// account can be kept, and so does the answer.
    ///
    /// # Errors
    /// `ProofRequired`; `NotSignedIn` if the session has just ended; `Unavailable`.
    pub async fn request_deletion(&self, principal: &Principal, origin: &Origin) -> Result<Timestamp, AuthError> {
        self.must_be_fresh(principal)?;
        let (now, id) = (self.parts.clock.now(), principal.account.id);
        let at = now.plus(self.parts.settings.account.deletion_grace.saturating_mul(DAY));
        let mail = self.notice(MailKind::DeletionRequested, id, Some(at.0.to_string()));
        let noted = self.noted(Event::DeletionRequested, Some(id), Some(&principal.sid), origin);
        let sid = principal.sid.clone();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                if !sessions::may_act_for(tx, id, &sid, now).await? {
                    return Ok(false);
                }
                accounts::set_delete_at(tx, id, Some(at)).await?;
                void_tickets(tx, id, now).await?;
                outbox::insert(tx, &mail, now).await?;
                noted.write(tx, now).await?;
                Ok(true)
            })
        });
        if !write.await? {
            return Err(AuthError::NotSignedIn);
        }
        tracing::info!(event = "deletion_requested", account = %id, "an owner asked for deletion; every session has ended");
        self.parts.mail.notify_one();
        Ok(at)
    }

    /// Keeps an account that was to be deleted. Who is signed in to it has shown the password after the wish.
    ///
    /// # Errors
    /// `NotSignedIn` if it is gone, or the session has just ended; `Unavailable`.
    pub async fn undo_deletion(&self, principal: &Principal, origin: &Origin) -> Result<(), AuthError> {
        if principal.account.delete_at.is_none() {
            return Ok(());
        }
        let (now, id) = (self.parts.clock.now(), principal.account.id);
        let noted = self.noted(Event::DeletionUndone, Some(id), Some(&principal.sid), origin);
        let sid = principal.sid.clone();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let may = sessions::may_act_for(tx, id, &sid, now).await?;
                if may {
                    accounts::set_delete_at(tx, id, None).await?;
                    noted.write(tx, now).await?;
                }
                Ok(may)
            })
        });
        if !write.await? {
            return Err(AuthError::NotSignedIn);
        }
        tracing::info!(event = "deletion_undone", account = %id, "an account is kept after all");
        Ok(())
    }

    /// Deletes the accounts whose time has come: what hangs on them goes along, their history keeps nothing personal, and
    /// their user names stay reserved for a while, so that nobody is taken for who has just left.
    pub(super) async fn purge(&self) -> Result<usize, AuthError> {
        let mut all = 0;
        loop {
            let gone = self.purge_some().await?;
            all += gone;
            // Others write in between.
            if gone < usize::try_from(PURGED_TOGETHER).unwrap_or(usize::MAX) {
                return Ok(all);
            }
        }
    }

    async fn purge_some(&self) -> Result<usize, AuthError> {
        let settings = &self.parts.settings;
        let now = self.parts.clock.now();
        let unconfirmed = self.requires_confirmation().then(|| now.plus(-settings.registration.keep_unconfirmed * DAY));
        let kept_until = now.plus(settings.account.keep_name.saturating_mul(DAY));
        let purged = self.noted(Event::Purged, None, None, &Origin::default());
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let gone = accounts::purge(tx, now, unconfirmed, PURGED_TOGETHER).await?;
                for (id, username_key) in &gone {
                    reservations::forget_owner(tx, *id).await?;
                    if let Some(key) = username_key {
                        reservations::keep(tx, Kept::Username, key, None, kept_until).await?;
                    }
                    audit::erase(tx, *id).await?;
                    purged.write(tx, now).await?;
                }
                Ok(gone.len())
            })
        });
        Ok(write.await?)
    }

    /// Lets go what is kept no longer by the settings: history, reservations, throttles.
    pub(super) async fn let_go(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let history = now.plus(-self.parts.settings.account.keep_history * DAY);
        reservations::delete_over(tx, now).await?;
        throttles::delete_full(tx, now.plus(-DAY)).await?;
        // What is being done now may still be noted.
        audit::erase_orphans(tx, now.plus(-LATE), now.plus(-HOUR)).await?;
        audit::trim(tx, history).await?;
        Ok(())
    }
}

fn session_of(session: &ExportedSession) -> Value {
    json!({
        "id": session.summary.sid,
        "device": session.summary.device_label,
        "user_agent": session.user_agent,
        "ip": session.summary.ip,
        "created_at": session.summary.created_at.rfc3339(),
        "last_used_at": session.summary.last_used_at.rfc3339(),
        "expires_at": session.expires_at.rfc3339(),
        "ended_at": session.revoked_at.map(Timestamp::rfc3339),
        "ended_why": session.revoked_why,
    })
}

/// What there is, but for secrets, public keys and digests.
fn factors_of(factors: &Factors) -> Value {
    let used = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "has_password": factors.has_password,
        "authenticator_app": factors.totp.map(|totp| json!({
            "confirmed_at": totp.confirmed_at.rfc3339(),
            "last_used_at": used(totp.last_used_at),
        })),
        "passkeys": factors.passkeys.iter().map(|passkey| json!({
            "name": passkey.name,
            "created_at": passkey.created_at.rfc3339(),
            "last_used_at": used(passkey.last_used_at),
        })).collect::<Vec<_>>(),
        "recovery_codes_left": factors.recovery_codes_left,
        "trusted_browsers": factors.trusted_browsers.iter().map(|browser| json!({
            "device": browser.device_label,
            "ip": browser.ip,
            "created_at": browser.created_at.rfc3339(),
            "expires_at": browser.expires_at.rfc3339(),
            "last_used_at": browser.last_used_at.rfc3339(),
        })).collect::<Vec<_>>(),
    })
}

fn account_of(account: &Account) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "id": account.id,
        "username": account.username,
        "email": account.email,
        "email_verified_at": time(account.email_verified_at),
        "first_name": account.first_name,
        "last_name": account.last_name,
        "time_zone": account.time_zone,
        "created_at": account.created_at.rfc3339(),
        "last_login_at": time(account.last_login_at),
        "delete_at": time(account.delete_at),
    })
}
