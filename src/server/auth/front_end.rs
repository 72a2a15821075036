//! What the front ends of Django ask by mail: links that lead to their own pages, activation, and user names anew.
//!
//! Such a front end asks from nowhere: no cookie binds the browser that asked to the mail. So there are no codes to
//! type, and a link alone confirms an address only where the settings say so.

use super::{
    AuthError, AuthService, Origin, RegistrationForm, confirmation::CONFIRMATION, register::Manner, ticket::account_of,
};
use crate::{
    domain::{account::AccountId, credential::Email, problem::FieldError},
    server::{
        crypto::Purpose,
        entropy::random_account_id,
        settings::{Confirm, Enumeration},
        store::{
            accounts::{self, StoredAccount},
            outbox::MailKind,
            tickets::{self, TicketKind},
        },
    },
};

const USERNAME: (TicketKind, Purpose) = (TicketKind::UsernameReset, Purpose::UsernameReset);

/// Where the links of a mail lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkTo {
    /// To our own pages.
    #[default]
    OwnPages,
    /// To the front end of `compat.front_end`, where that and the path are set; to our own pages otherwise.
    FrontEnd,
}

/// What is wrong with a link that a front end sends back.
#[derive(Debug)]
pub enum LinkFault {
    /// `uid` is nobody's.
    Uid,
    /// `token` is wrong, used or too old.
    Token,
    /// There is nothing left to do: the account is active.
    Stale,
    /// Anything else.
    Other(AuthError),
}

impl From<AuthError> for LinkFault {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::InvalidTicket => Self::Token,
            error => Self::Other(error),
        }
    }
}

impl AuthService {
    /// Makes an account that nobody is signed in to by it. By `compat.enumeration` an address that has an account is
    /// answered as if it had none (with an id that is nobody's), and its owner gets a mail, or it is `Invalid` (`email`).
    ///
    /// # Errors
    /// As [`AuthService::register`].
    pub async fn register_elsewhere(&self, form: RegistrationForm, origin: &Origin) -> Result<AccountId, AuthError> {
        let manner = Manner { sign_in: false, tells_email: !self.is_quiet(), links: LinkTo::FrontEnd };
        let taking = self.take_registration(form, manner, origin, None).await?;
        Ok(taking.map_or_else(|| random_account_id(self.parts.entropy.as_ref()), |taking| taking.id))
    }

    /// Mails the way to a new password; the link leads to the front end.
    ///
    /// # Errors
    /// As [`AuthService::request_password_reset`].
    pub async fn request_password_reset_elsewhere(&self, email: &str, origin: &Origin) -> Result<(), AuthError> {
        self.ask_for_reset(email, LinkTo::FrontEnd, origin).await.map(drop)
    }

    /// Whether `uid` is that of an account: what Djoser's clients are told apart from a wrong token. Where a form must not
    /// tell who has an account, any that could be one counts as known: the id that a registration was answered with
    /// would tell it otherwise.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn knows_uid(&self, uid: &str) -> Result<bool, AuthError> {
        let Some(id) = account_of(uid) else { return Ok(false) };
        let found = accounts::find(&mut *self.parts.store.read().await?, id).await?;
        Ok(found.is_some() || self.is_quiet())
    }

    /// Confirms the address with the mailed link alone, where `compat.activation_path` says that links do so.
    ///
    /// # Errors
    /// [`LinkFault`].
    pub async fn activate(&self, uid: &str, token: &str, origin: &Origin) -> Result<(), LinkFault> {
        if self.parts.settings.compat.activation_path.is_empty() {
            return Err(LinkFault::Token);
        }
        if !self.knows_uid(uid).await? {
            return Err(LinkFault::Uid);
        }
        let ticket = match self.ticket_by_link(CONFIRMATION, uid, token).await {
            Err(AuthError::InvalidTicket) if self.was_activated(uid, token).await? => return Err(LinkFault::Stale),
            ticket => ticket?,
        };
        let account = self.owner(&ticket).await?;
        Ok(self.write_confirmation(ticket, account, origin).await?)
    }

    /// Whether that link was this account's once, and the account is confirmed. Nobody else learns that it is.
    async fn was_activated(&self, uid: &str, token: &str) -> Result<bool, AuthError> {
        let (Some(id), (kind, purpose)) = (account_of(uid), CONFIRMATION) else { return Ok(false) };
        let mut tx = self.parts.store.read().await?;
        let account = accounts::find(&mut tx, id).await?;
        let used = tickets::find_used(&mut tx, id, kind).await?;
        let keyed = self.keyed();
        let secrets = &keyed.mailed_secrets;
        let is_confirmed = account.is_some_and(|account| account.account.email_verified_at.is_some());
        Ok(is_confirmed && used.iter().any(|ticket| secrets.link_matches(purpose, &ticket.id, token)))
    }

    /// Mails the activation again, if the address is that of an account which waits for it. The answer tells nothing.
    ///
    /// # Errors
    /// `Invalid`; `TooMany`; `Unavailable`; `NotFound` where this site asks nobody to confirm.
    pub async fn resend_activation(&self, email: &str, origin: &Origin) -> Result<(), AuthError> {
        if self.parts.settings.registration.confirmation == Confirm::Off {
            return Err(AuthError::NotFound);
        }
        let (email, account) = self.asked_for(email, origin).await?;
        let waiting = account.filter(|account| account.account.email_verified_at.is_none());
        self.mail_link((TicketKind::EmailConfirmation, MailKind::EmailConfirmation), &email, waiting).await
    }

    /// Mails the way to another user name. The answer tells nothing.
    ///
    /// # Errors
    /// `Invalid`; `TooMany`; `Unavailable`.
    pub async fn request_username_reset(&self, email: &str, origin: &Origin) -> Result<(), AuthError> {
        let (email, account) = self.asked_for(email, origin).await?;
        let staying = account.filter(|account| account.account.delete_at.is_none());
        self.mail_link((TicketKind::UsernameReset, MailKind::UsernameReset), &email, staying).await
    }

    /// Takes another user name with the mailed link.
    ///
    /// # Errors
    /// [`LinkFault`]; `Other(Invalid)` with the field `username`.
    pub async fn confirm_username_reset(
        &self,
        uid: &str,
        token: &str,
        username: &str,
        origin: &Origin,
    ) -> Result<(), LinkFault> {
        if !self.knows_uid(uid).await? {
            return Err(LinkFault::Uid);
        }
        let ticket = self.ticket_by_link(USERNAME, uid, token).await?;
        let account = self.owner(&ticket).await?;
        if account.security_epoch != ticket.epoch {
            return Err(LinkFault::Token);
        }
        let whose = (account.account.id, account.account.username.as_str());
        Ok(self.rename(whose, username, (None, Some(ticket)), origin).await?)
    }

    /// Whether this door must not tell who has an account.
    fn is_quiet(&self) -> bool {
        self.parts.settings.compat.enumeration == Enumeration::Quiet
    }

    /// The address that somebody asks a mail for, and its account.
    async fn asked_for(&self, email: &str, origin: &Origin) -> Result<(Email, Option<StoredAccount>), AuthError> {
        let refuse = |message| AuthError::Invalid(vec![FieldError::new("email", message)]);
        let email = Email::parse(email).map_err(refuse)?;
        self.charge(&self.mail_charges(origin)).await?;
        let found = accounts::find_by_email(&mut *self.parts.store.read().await?, email.key()).await?;
        Ok((email, found.filter(StoredAccount::is_active)))
    }

    /// Mails a link to the front end, at the pace of its kind. The same rows are written for nobody.
    async fn mail_link(
        &self,
        (kind, mail): (TicketKind, MailKind),
        asked: &Email,
        account: Option<StoredAccount>,
    ) -> Result<(), AuthError> {
        let whose = account.as_ref().map(|account| (account.account.id, account.security_epoch));
        let address = account.map(|account| (account.account.email, account.email_key));
        let email = address.filter(|_| mail.goes_to_ticket());
        let issue = self.issue(kind, mail, whose, email).leading(LinkTo::FrontEnd);
        let now = self.parts.clock.now();
        // A confirmation may wait for its answer in a browser: that one's link and code stay good.
        let pace = self.limited("mail-to", asked.key(), self.parts.settings.throttle.mail_to);
        let repeats = kind == TicketKind::EmailConfirmation;
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                if repeats { issue.write_or_repeat(tx, &pace, now).await } else { issue.write(tx, now).await }
            })
        });
        write.await?;
        self.parts.mail.notify_one();
        Ok(())
    }
}
