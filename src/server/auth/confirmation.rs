//! Confirming the address of an account: that mail to it arrives at whoever registered.
//!
//! Somebody may have registered with another person's address and wait for that person to confirm it ("pre-hijacking").
//! So the mailed link alone confirms only in the browser that registered or is signed in; anywhere else the password
//! must be typed as well, or replaced by a new one, which ends every session there was.

use super::{
    AskedReset, AuthError, AuthService, KnownDevicesCookie, NewPasswordForm, Origin, Principal,
    ticket::{Issue, no_code, was_asked_with},
};
use crate::{
    domain::{account::AccountId, history::Event, problem::FieldError},
    server::{
        crypto::Purpose,
        settings::Confirm,
        store::{
            accounts::{self, StoredAccount},
            outbox::MailKind,
            tickets::{self, Ticket, TicketKind},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

pub(super) const CONFIRMATION: (TicketKind, Purpose) = (TicketKind::EmailConfirmation, Purpose::EmailConfirmation);

impl AuthService {
    /// Whether nobody signs in before the address is confirmed.
    pub(super) fn requires_confirmation(&self) -> bool {
        self.parts.settings.registration.confirmation == Confirm::Required
    }

    /// The ticket and the mail that confirm an address, or the decoy of nobody's. None if this site does not ask.
    pub(super) fn confirmation(
        &self,
        account: Option<(AccountId, i64)>,
        email: Option<(String, String)>,
    ) -> Option<Issue> {
        let asked = self.parts.settings.registration.confirmation != Confirm::Off;
        asked.then(|| self.issue(TicketKind::EmailConfirmation, MailKind::EmailConfirmation, account, email))
    }

    /// Mails another link and code to who is signed in; not more often than the settings say.
    ///
    /// # Errors
    /// `TooMany`; `Unavailable`.
    pub async fn resend_confirmation(&self, principal: &Principal, origin: &Origin) -> Result<(), AuthError> {
        if principal.account.email_verified_at.is_some() {
            return Ok(());
        }
        self.charge(&self.mail_charges(origin)).await?;
        let found = accounts::find(&mut *self.parts.store.read().await?, principal.account.id).await?;
        let account = found.ok_or(AuthError::NotSignedIn)?;
        self.ask_to_confirm(&account).await?;
        Ok(())
    }

    /// Mails link and code for an account's address, at the pace of the settings, to who has shown the password.
    pub(super) async fn ask_to_confirm(&self, account: &StoredAccount) -> Result<AskedReset, AuthError> {
        let issue = self.confirmation_of(account).rebinding();
        let now = self.parts.clock.now();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                issue.write(tx, now).await?;
                Ok(issue.asked)
            })
        });
        let asked = write.await?;
        self.parts.mail.notify_one();
        Ok(asked)
    }

    /// The ticket and the mail that confirm an account's address.
    pub(super) fn confirmation_of(&self, account: &StoredAccount) -> Issue {
        let whose = Some((account.account.id, account.security_epoch));
        let email = Some((account.account.email.clone(), account.email_key.clone()));
        self.issue(TicketKind::EmailConfirmation, MailKind::EmailConfirmation, whose, email)
    }

    /// Whether this link is foreign to the browser that opened it: it is good, and neither is somebody signed in to its
    /// account here (`visitor`), nor was the account made here (`request`). A link that is not good is nobody's.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn is_foreign_link(
        &self,
        uid: &str,
        token: &str,
        (visitor, request): (Option<&Principal>, Option<&str>),
    ) -> Result<bool, AuthError> {
        match self.ticket_by_link(CONFIRMATION, uid, token).await {
            Ok(ticket) => Ok(!is_own(&ticket, visitor, request)),
            Err(AuthError::InvalidTicket) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Confirms the address with the mailed link (`uid`, `token`) or `code`. Elsewhere than in the browser that registered
    /// or is signed in, `password` must be the account's.
    ///
    /// # Errors
    /// `InvalidTicket`, the same for wrong, used and old ones; `Invalid` for the password; `TooMany`; `Unavailable`.
    pub async fn confirm_email(
        &self,
        (uid, token, code): (&str, &str, &str),
        password: &SecretString,
        (visitor, request): (Option<&Principal>, Option<&str>),
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let ticket = match (token.is_empty(), visitor) {
            (true, _) if code.trim().is_empty() => return Err(no_code()),
            (true, Some(visitor)) => self.ticket_of(CONFIRMATION, code, visitor.account.id).await?,
            (true, None) => self.ticket_by_code(CONFIRMATION, code, request).await?,
            (false, _) => self.ticket_by_link(CONFIRMATION, uid, token).await?,
        };
        let account = self.owner(&ticket).await?;
        if !token.is_empty() && !is_own(&ticket, visitor, request) {
            self.confirm_with_password(&account, password, origin).await?;
        }
        self.write_confirmation(ticket, account, origin).await
    }

    async fn confirm_with_password(
        &self,
        account: &StoredAccount,
        typed: &SecretString,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let wrong = |message: &str| FieldError::new("password", message);
        if typed.expose_secret().is_empty() {
            let message = "Enter the password of this account, or choose a new one below.";
            return Err(AuthError::Invalid(vec![wrong(message)]));
        }
        let wrong = wrong("That is not the password of this account. You can choose a new one below.");
        self.prove((account.account.id, None), account.password_hash.clone(), typed, wrong, origin).await
    }

    /// Uses `ticket` up: the address that it is about is confirmed, if the account still has it.
    pub(super) async fn write_confirmation(
        &self,
        ticket: Ticket,
        account: StoredAccount,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let (now, id) = (self.parts.clock.now(), account.account.id);
        let (_, email_key) = ticket.email.clone().ok_or(AuthError::InvalidTicket)?;
        let noted = self.noted(Event::EmailConfirmed, Some(id), None, origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                // The account may have another address by now; this mail went to the one before.
                let confirmed = tickets::consume(tx, &ticket.id, now).await?
                    && accounts::confirm_email(tx, id, &email_key, now).await?;
                if confirmed {
                    noted.write(tx, now).await?;
                }
                Ok(confirmed)
            })
        });
        if !write.await? {
            return Err(AuthError::InvalidTicket);
        }
        tracing::info!(event = "email_confirmed", account = %id, "an address was confirmed");
        Ok(())
    }

    /// Confirms the address with the mailed link and replaces a password that somebody else has set: every session ends,
    /// whatever was asked for before is void, and nobody is signed in by it.
    ///
    /// # Errors
    /// As [`AuthService::confirm_email`].
    pub async fn take_over(
        &self,
        uid: &str,
        token: &str,
        form: &NewPasswordForm,
        origin: &Origin,
    ) -> Result<Option<KnownDevicesCookie>, AuthError> {
        let ticket = self.ticket_by_link(CONFIRMATION, uid, token).await?;
        let account = self.owner(&ticket).await?;
        if ticket.email.as_ref().is_none_or(|(_, key)| *key != account.email_key) {
            return Err(AuthError::InvalidTicket);
        }
        let password = self.password_for(&account, &form.password, &form.password_again).await?;
        let id = ticket.account;
        let noted = [Event::EmailConfirmed, Event::PasswordReset].map(|event| self.noted(event, id, None, origin));
        self.grant_password(ticket, account, password, noted.into(), origin).await
    }
}

fn is_own(ticket: &Ticket, visitor: Option<&Principal>, request: Option<&str>) -> bool {
    visitor.is_some_and(|visitor| ticket.account == Some(visitor.account.id)) || was_asked_with(ticket, request)
}
