//! Changing the address: the new one confirms, the old one can take it back.

use super::{
    AskedReset, AuthError, AuthService, Origin, Principal,
    audit::Noted,
    throttle::Charge,
    ticket::{Issue, no_code, void_tickets},
};
use crate::{
    domain::{account::AccountId, credential::Email, history::Event, problem::FieldError, time::Timestamp},
    server::{
        crypto::Purpose,
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            factors,
            outbox::{self, MailKind, NewMail},
            reservations::{self, Kept},
            sessions,
            tickets::{self, Ticket, TicketKind},
        },
    },
};

const CHANGE: (TicketKind, Purpose) = (TicketKind::EmailChange, Purpose::EmailChange);
const UNDO: (TicketKind, Purpose) = (TicketKind::EmailUndo, Purpose::EmailUndo);

/// A change that the new address has confirmed.
struct Change {
    /// The session in which it is asked for.
    sid: String,
    ticket: Ticket,
    account: StoredAccount,
    /// The way back; none for an address that was never confirmed: it may be a stranger's.
    undo: Option<Issue>,
    kept_until: Timestamp,
    noted: Noted,
}

/// The way back that was taken.
struct Restored {
    ticket: Ticket,
    account: StoredAccount,
    reset: Issue,
    undone: FactorsUndone,
    noted: Noted,
}

/// What is written beside an address that is restored, if second factors go with the change.
pub(super) struct FactorsUndone {
    mail: NewMail,
    noted: Noted,
}

impl AuthService {
    /// Asks for another address. Nothing changes before a mail to it is answered in a session of this account. An address
    /// that has an account already gets the same answer; its owner is told.
    ///
    /// # Errors
    /// `ProofRequired`; `Invalid`; `TooMany`; `Unavailable`.
    pub async fn request_email_change(
        &self,
        principal: &Principal,
        email: &str,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        let refuse = |message: String| AuthError::Invalid(vec![FieldError::new("email", message)]);
        let email = Email::parse(email).map_err(refuse)?;
        self.parts.rules.check_email(&email).map_err(refuse)?;
        let id = principal.account.id;
        let mut tx = self.parts.store.read().await?;
        let account = accounts::find(&mut tx, id).await?.ok_or(AuthError::NotSignedIn)?;
        if account.account.email == email.as_str() {
            return Err(refuse("That is the address you have now.".to_owned()));
        }
        let now = self.parts.clock.now();
        let owner = accounts::find_by_email(&mut tx, email.key()).await?.map(|owner| owner.account.id);
        let kept = reservations::is_kept(&mut tx, Kept::Email, email.key(), id, now).await?;
        drop(tx);
        let limits = &self.parts.settings.throttle;
        let mut charges: Vec<Charge> = self.mail_charges(origin).into();
        charges.push(self.limited("mail-of", &id.to_string(), limits.mail_to));
        self.charge(&charges).await?;
        // Silently: how many mails an address gets is not for strangers to know.
        let may_be_mailed = match self.charge(&[self.limited("mail-to", email.key(), limits.mail_to)]).await {
            Ok(()) => true,
            Err(AuthError::TooMany(_)) => false,
            Err(error) => return Err(error),
        };
        let taken = kept || owner.is_some_and(|owner| owner != id);
        let address = (email.as_str().to_owned(), email.key().to_owned());
        let whose = Some((id, account.security_epoch));
        let issue = self.issue(TicketKind::EmailChange, MailKind::EmailChange, whose, Some(address)).at_any_pace();
        let issue = issue.asked(None, account.demanded_level);
        // The same rows for a free and a taken address; of the latter nobody gets to know the link or the code.
        let issue = if taken || !may_be_mailed { issue.unmailed() } else { issue };
        let told = owner.filter(|_| taken && may_be_mailed);
        let attempt = told.map(|owner| self.notice(MailKind::RegistrationAttempt, owner, None));
        let noted = self.noted(Event::EmailChangeRequested, Some(id), Some(&principal.sid), origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                issue.write(tx, now).await?;
                if let Some(attempt) = attempt {
                    outbox::insert(tx, &attempt, now).await?;
                }
                noted.write(tx, now).await
            })
        });
        write.await?;
        self.parts.mail.notify_one();
        Ok(())
    }

    /// Takes the new address, with the link or the code that was mailed to it, in a session of the account that asked.
    /// The old address, if it was confirmed, is told and can be restored for `account.undo_lifetime`.
    ///
    /// # Errors
    /// `InvalidTicket`, the same for wrong, used and old ones and for an address that was taken meanwhile; `Unavailable`.
    pub async fn confirm_email_change(
        &self,
        principal: &Principal,
        (uid, token, code): (&str, &str, &str),
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let id = principal.account.id;
        let ticket = match token.is_empty() {
            true if code.trim().is_empty() => return Err(no_code()),
            true => self.ticket_of(CHANGE, code, id).await?,
            false => self.ticket_by_link(CHANGE, uid, token).await?,
        };
        let account = self.owner(&ticket).await?;
        if ticket.account != Some(id) || ticket.epoch != account.security_epoch {
            return Err(AuthError::InvalidTicket);
        }
        let old = (account.account.email.clone(), account.email_key.clone());
        let was_confirmed = account.account.email_verified_at.is_some();
        let whose = Some((id, account.security_epoch));
        let undo = was_confirmed.then(|| {
            let undo = self.issue(TicketKind::EmailUndo, MailKind::EmailChanged, whose, Some(old));
            undo.asked(Some(ticket.asked_at), ticket.demanded_level)
        });
        let now = self.parts.clock.now();
        let change = Change {
            sid: principal.sid.clone(),
            kept_until: now.plus(self.parts.settings.account.undo_lifetime),
            noted: self.noted(Event::EmailChanged, Some(id), Some(&principal.sid), origin),
            ticket,
            account,
            undo,
        };
        let write = self.parts.store.write(move |tx| Box::pin(async move { change.write(tx, id, now).await }));
        match write.await {
            Ok(true) => {}
            Ok(false) | Err(StoreError::Taken) => return Err(AuthError::InvalidTicket),
            Err(error) => return Err(error.into()),
        }
        tracing::info!(event = "email_changed", account = %id, "an address was changed");
        self.parts.mail.notify_one();
        Ok(())
    }

    /// Puts the earlier address back, with the link that was mailed to it. Whoever changed it knew the password, so that
    /// one is void, every session ends, a wish to leave is void too, and a reset mail goes to the restored address.
    ///
    /// # Errors
    /// `InvalidTicket`; `Unavailable`.
    pub async fn undo_email_change(&self, uid: &str, token: &str, origin: &Origin) -> Result<AskedReset, AuthError> {
        let ticket = self.ticket_by_link(UNDO, uid, token).await?;
        let account = self.owner(&ticket).await?;
        let (now, id) = (self.parts.clock.now(), account.account.id);
        let whose = Some((id, account.security_epoch));
        let reset = self.issue(TicketKind::PasswordReset, MailKind::PasswordReset, whose, None);
        let restored = Restored {
            reset: reset.at_any_pace().after_next_epoch(),
            undone: self.factors_undone(id, None, origin),
            noted: self.noted(Event::EmailRestored, Some(id), None, origin),
            ticket,
            account,
        };
        let write = self.parts.store.write(move |tx| Box::pin(async move { restored.write(tx, id, now).await }));
        let asked = match write.await {
            Ok(Some(asked)) => asked,
            Ok(None) | Err(StoreError::Taken) => return Err(AuthError::InvalidTicket),
            Err(error) => return Err(error.into()),
        };
        tracing::info!(event = "email_restored", account = %id, "an earlier address was restored; every session has ended");
        self.parts.mail.notify_one();
        Ok(asked)
    }

    /// What is to be written if second factors go with a change that is undone.
    pub(super) fn factors_undone(&self, id: AccountId, sid: Option<&str>, origin: &Origin) -> FactorsUndone {
        FactorsUndone {
            mail: self.notice(MailKind::FactorsUndone, id, None),
            noted: self.noted(Event::FactorsUndone, Some(id), sid, origin),
        }
    }
}

impl Change {
    /// False if somebody else was faster, the account has moved since it was read, or the session has just ended.
    async fn write(&self, tx: &mut Tx, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        let Some((email, key)) = &self.ticket.email else { return Ok(false) };
        let old_key = &self.account.email_key;
        // Also of an address that was confirmed just now: it gets its way back.
        let unmoved = sessions::may_act_for(tx, id, &self.sid, now).await?
            && accounts::find(tx, id).await?.is_some_and(|account| account.is_reached_as(&self.account));
        if !unmoved || !tickets::consume(tx, &self.ticket.id, now).await? {
            return Ok(false);
        }
        if !accounts::set_email(tx, id, old_key, (email, key), now).await? {
            return Ok(false);
        }
        reservations::refuse_kept(tx, Kept::Email, key, id, now).await?;
        void_tickets(tx, id, now).await?;
        if let Some(undo) = &self.undo
            && key != old_key
        {
            reservations::keep(tx, Kept::Email, old_key, Some(id), self.kept_until).await?;
            undo.write_beside(tx, now).await?;
        }
        self.noted.write(tx, now).await?;
        Ok(true)
    }
}

impl Restored {
    /// None if somebody else was faster.
    async fn write(self, tx: &mut Tx, id: AccountId, now: Timestamp) -> Result<Option<AskedReset>, StoreError> {
        accounts::hold(tx, id).await?;
        let moved = accounts::find(tx, id).await?.map(|account| (account.email_key, account.security_epoch));
        if moved != Some((self.account.email_key.clone(), self.account.security_epoch)) {
            return Ok(None);
        }
        if !tickets::consume(tx, &self.ticket.id, now).await? {
            return Ok(None);
        }
        let undone = restore_address(tx, &self.account, &self.ticket, now).await?.then_some(self.undone);
        accounts::remove_password(tx, id, now).await?;
        accounts::set_delete_at(tx, id, None).await?;
        void_tickets(tx, id, now).await?;
        self.reset.write(tx, now).await?;
        if let Some(undone) = undone {
            undone.write(tx, now).await?;
        }
        self.noted.write(tx, now).await?;
        Ok(Some(self.reset.asked))
    }
}

impl FactorsUndone {
    /// Among the last writes of its transaction.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        outbox::insert(tx, &self.mail, now).await?;
        self.noted.write(tx, now).await
    }
}

/// Puts the address of an open way back into the account, which the transaction holds. Later changes go with it; the way
/// back to a still earlier address stays. Second factors that were added since the change was asked for go as well: they
/// may be those of whoever asked for it, and no reset removes them. An account that had a factor when the change was asked for
/// goes on demanding one, also if none is left: whoever has the old mailbox alone does not get in. Answers whether any went.
pub(super) async fn restore_address(
    tx: &mut Tx,
    account: &StoredAccount,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some((email, key)) = &ticket.email else { return Ok(false) };
    let id = account.account.id;
    accounts::set_email(tx, id, &account.email_key, (email, key), now).await?;
    tickets::consume_later(tx, id, TicketKind::EmailUndo, ticket.expires_at, now).await?;
    factors::delete_since(tx, id, ticket.asked_at, ticket.demanded_level).await
}
