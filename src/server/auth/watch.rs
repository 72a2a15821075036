//! Watching over an account: where one is signed in, ending that, and "this wasn't me".

use super::{
    AskedReset, AuthError, AuthService, Origin, Principal,
    audit::Noted,
    email_change::{FactorsUndone, restore_address},
    named,
    step_up::LOOKS,
    ticket::{Issue, void_tickets},
};
use crate::{
    domain::{history::Event, session::SessionSummary, time::Timestamp},
    server::store::{
        StoreError, Tx,
        accounts::{self, StoredAccount},
        outbox::MailKind,
        session_lists, sessions,
        tickets::{self, Ticket, TicketKind},
    },
};

impl AuthService {
    /// The sessions of the caller's account that are alive, the one used last first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn sessions(&self, principal: &Principal) -> Result<Vec<SessionSummary>, AuthError> {
        let now = self.parts.clock.now();
        let mut tx = self.parts.store.read().await?;
        let mut all = session_lists::alive_of(&mut tx, principal.account.id, now).await?;
        for session in &mut all {
            session.is_this = session.sid == principal.sid;
        }
        Ok(all)
    }

    /// Ends one session of the caller's account, at once.
    ///
    /// # Errors
    /// `ProofRequired`; `NotFound` if it is none of this account's, or has ended; `NotSignedIn` if the caller's own just did;
    /// `Unavailable`.
    pub async fn end_session(&self, principal: &Principal, sid: &str, origin: &Origin) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        let (now, id, sid) = (self.parts.clock.now(), principal.account.id, named(sid)?);
        let (own, noted) =
            (principal.sid.clone(), self.noted(Event::SessionEnded, Some(id), Some(&principal.sid), origin));
        let write = self.parts.store.write_of(Some(id), move |tx| {
            Box::pin(async move {
                if !sessions::may_act_for(tx, id, &own, now).await? {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                if !sessions::revoke_public(tx, id, &sid, "ended_by_owner", now).await? {
                    return Ok(Err(AuthError::NotFound));
                }
                noted.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        tracing::info!(event = "session_ended", account = %id, "a session was ended by its owner");
        Ok(())
    }

    /// Ends all sessions of the caller's account but this one, at once.
    ///
    /// # Errors
    /// `ProofRequired`; `NotSignedIn` if this one has just ended; `Unavailable`.
    pub async fn end_other_sessions(&self, principal: &Principal, origin: &Origin) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        let (now, id, sid) = (self.parts.clock.now(), principal.account.id, principal.sid.clone());
        let noted = self.noted(Event::OtherSessionsEnded, Some(id), Some(&sid), origin);
        let write = self.parts.store.write_of(Some(id), move |tx| {
            Box::pin(async move {
                if !sessions::may_act_for(tx, id, &sid, now).await? {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                sessions::revoke_others(tx, id, &sid, "ended_by_owner", now).await?;
                noted.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        tracing::info!(event = "other_sessions_ended", account = %id, "all other sessions were ended by their owner");
        Ok(())
    }

    /// "This wasn't me": ends every session, this one too, and mails the way to a new password. The old password is void
    /// from now on, unless the address was never confirmed: then nobody knows that such a mail arrives. A wish to leave is
    /// void, too, and an earlier address that can still be restored is: the present one may be the intruder's, as may be the
    /// second factors that were added since.
    ///
    /// # Errors
    /// `NotSignedIn` if the session has just ended; `Busy`; `Unavailable`.
    pub async fn report_not_me(&self, principal: &Principal, origin: &Origin) -> Result<AskedReset, AuthError> {
        let (now, id) = (self.parts.clock.now(), principal.account.id);
        for _ in 0..LOOKS {
            let report = self.report(principal, origin, now).await?;
            let write = self.parts.store.write(move |tx| Box::pin(async move { report.write(tx, now).await }));
            // None: an intruder's change of the address came in between, and the way back from it is not in the report yet.
            if let Some(asked) = write.await?? {
                tracing::warn!(event = "not_me", account = %id, "an owner reported foreign use; every session has ended");
                self.parts.mail.notify_one();
                return Ok(asked);
            }
        }
        Err(AuthError::Busy)
    }

    /// What there is to do, as the account is now.
    async fn report(&self, principal: &Principal, origin: &Origin, now: Timestamp) -> Result<Report, AuthError> {
        let id = principal.account.id;
        let mut tx = self.parts.store.read().await?;
        let account = accounts::find(&mut tx, id).await?.ok_or(AuthError::NotSignedIn)?;
        let undos = tickets::find_open(&mut tx, id, TicketKind::EmailUndo).await?;
        drop(tx);
        let earliest = undos.into_iter().rev().find(|ticket| now < ticket.expires_at);
        let whose = Some((id, account.security_epoch));
        let reset = self.issue(TicketKind::PasswordReset, MailKind::PasswordReset, whose, None);
        Ok(Report {
            sid: principal.sid.clone(),
            reset: reset.at_any_pace().after_next_epoch(),
            undone: self.factors_undone(id, Some(&principal.sid), origin),
            noted: self.noted(Event::NotMe, Some(id), Some(&principal.sid), origin),
            account,
            earliest,
        })
    }
}

/// Foreign use that an owner reports.
struct Report {
    /// The session in which it is reported.
    sid: String,
    account: StoredAccount,
    /// The way back to the earliest address that there still is.
    earliest: Option<Ticket>,
    reset: Issue,
    undone: FactorsUndone,
    noted: Noted,
}

impl Report {
    /// None if the account has moved since it was read.
    async fn write(self, tx: &mut Tx, now: Timestamp) -> Result<Result<Option<AskedReset>, AuthError>, StoreError> {
        let id = self.account.account.id;
        if !sessions::may_act_for(tx, id, &self.sid, now).await? {
            return Ok(Err(AuthError::NotSignedIn));
        }
        if !accounts::find(tx, id).await?.is_some_and(|account| account.is_reached_as(&self.account)) {
            return Ok(Ok(None));
        }
        let factors_gone = match &self.earliest {
            Some(ticket) => restore_address(tx, &self.account, ticket, now).await?,
            None => false,
        };
        match self.account.account.email_verified_at {
            Some(_) => accounts::remove_password(tx, id, now).await?,
            None => accounts::end_sessions(tx, id).await?,
        }
        accounts::set_delete_at(tx, id, None).await?;
        void_tickets(tx, id, now).await?;
        self.reset.write(tx, now).await?;
        if factors_gone {
            self.undone.write(tx, now).await?;
        }
        self.noted.write(tx, now).await?;
        Ok(Ok(Some(self.reset.asked)))
    }
}
