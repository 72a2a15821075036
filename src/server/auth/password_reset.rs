//! Resetting a forgotten password: asking by mail, and choosing a new one with the mailed link or code.

use super::{
    About, AskedReset, AuthError, AuthService, KnownDevicesCookie, LinkTo, Origin,
    audit::Noted,
    throttle::{self, Charge},
    ticket::{no_code, void_tickets},
};
use crate::{
    domain::{
        credential::{Email, NewPassword},
        factor::AssuranceLevel,
        history::Event,
        problem::FieldError,
        time::Timestamp,
    },
    server::{
        crypto::Purpose,
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            outbox::{self, MailKind, NewMail},
            tickets::{self, Ticket, TicketKind},
        },
    },
};
use secrecy::SecretString;

pub(super) const RESET: (TicketKind, Purpose) = (TicketKind::PasswordReset, Purpose::PasswordReset);

/// What the form for a new password holds, as it came.
#[derive(Debug)]
#[expect(missing_docs, reason = "the form's own fields")]
pub struct ResetForm {
    pub uid: String,
    pub token: String,
    pub code: String,
    pub password: SecretString,
    pub password_again: SecretString,
}

/// A new password typed twice.
#[derive(Debug)]
#[expect(missing_docs, reason = "the form's own fields")]
pub struct NewPasswordForm {
    pub password: SecretString,
    pub password_again: SecretString,
}

/// A password that is let through, and the mailed proof that lets it.
pub(super) struct Granted {
    pub(super) ticket: Ticket,
    pub(super) account: StoredAccount,
    pub(super) hash: String,
    pub(super) notice: NewMail,
    pub(super) noted: Vec<Noted>,
    pub(super) throttled: Vec<Charge>,
}

impl AuthService {
    /// Asks for a reset mail. Known and unknown addresses make the same rows, take the same time and get the same answer;
    /// older links die. Who is asked for too often (`reset.mails_per_hour`, `reset.mail_gap`) gets no further mail.
    ///
    /// # Errors
    /// `Invalid` if that is no e-mail address; `TooMany` from one network address; `Unavailable`.
    pub async fn request_password_reset(&self, email: &str, origin: &Origin) -> Result<AskedReset, AuthError> {
        self.ask_for_reset(email, LinkTo::OwnPages, origin).await
    }

    /// As [`AuthService::request_password_reset`], with a link that leads there.
    pub(super) async fn ask_for_reset(
        &self,
        email: &str,
        link_to: LinkTo,
        origin: &Origin,
    ) -> Result<AskedReset, AuthError> {
        let parts = &self.parts;
        let email =
            Email::parse(email).map_err(|message| AuthError::Invalid(vec![FieldError::new("email", message)]))?;
        self.charge(&self.mail_charges(origin)).await?;
        let found = accounts::find_by_email(&mut *parts.store.read().await?, email.key()).await?;
        let account = found.filter(StoredAccount::is_active);
        let whose = account.as_ref().map(|account| (account.account.id, account.security_epoch));
        let issue = self.issue(TicketKind::PasswordReset, MailKind::PasswordReset, whose, None).leading(link_to);
        let noted = self.noted(Event::PasswordResetRequested, whose.map(|(id, _)| id), None, origin);
        let now = parts.clock.now();
        let write = parts.store.write(move |tx| {
            Box::pin(async move {
                issue.write(tx, now).await?;
                noted.write(tx, now).await?;
                Ok(issue.asked)
            })
        });
        let asked = write.await?;
        parts.mail.notify_one();
        Ok(asked)
    }

    /// Sets a new password with the mailed link, or with the mailed code in the browser that asked (`request`).
    /// Every session ends, every other link dies, the address counts as confirmed, a notice goes out; nobody is signed
    /// in by it.
    ///
    /// # Errors
    /// `InvalidTicket`, the same for wrong, used and old ones; `Invalid` for the fields; `Busy`; `Unavailable`.
    pub async fn confirm_password_reset(
        &self,
        form: &ResetForm,
        request: Option<&str>,
        origin: &Origin,
    ) -> Result<Option<KnownDevicesCookie>, AuthError> {
        let by_code = form.token.is_empty();
        if by_code && form.code.trim().is_empty() {
            return Err(no_code());
        }
        self.charge(&[self.password_charge(origin)]).await?;
        // What is wrong with the password alone costs no try of the code.
        let nobody = About { username: "", email: "", first_name: "", last_name: "" };
        self.new_password(&form.password, &form.password_again, nobody).await?;
        let ticket = match by_code {
            true => self.ticket_by_code(RESET, &form.code, request).await?,
            false => self.ticket_by_link(RESET, &form.uid, &form.token).await?,
        };
        let account = self.owner(&ticket).await?;
        if account.security_epoch != ticket.epoch {
            return Err(AuthError::InvalidTicket);
        }
        let password = match self.password_for(&account, &form.password, &form.password_again).await {
            Ok(password) => password,
            Err(error) => return self.refuse_password(by_code, ticket, error).await,
        };
        let noted = vec![self.noted(Event::PasswordReset, ticket.account, None, origin)];
        self.grant_password(ticket, account, password, noted, origin).await
    }

    /// A new password typed twice, if it is good enough for this account.
    ///
    /// # Errors
    /// `Invalid`; `Busy`.
    pub(super) async fn password_for(
        &self,
        account: &StoredAccount,
        typed: &SecretString,
        again: &SecretString,
    ) -> Result<NewPassword, AuthError> {
        let view = &account.account;
        let about = About {
            username: &view.username,
            email: &view.email,
            first_name: &view.first_name,
            last_name: &view.last_name,
        };
        self.new_password(typed, again, about).await
    }

    /// Uses `ticket` up and sets the password: mail to the account's address has shown whose it is, so this browser is
    /// known from now on and no other one.
    ///
    /// # Errors
    /// `InvalidTicket` if somebody else was faster; `Busy`; `Unavailable`.
    pub(super) async fn grant_password(
        &self,
        ticket: Ticket,
        account: StoredAccount,
        password: NewPassword,
        noted: Vec<Noted>,
        origin: &Origin,
    ) -> Result<Option<KnownDevicesCookie>, AuthError> {
        let hash = self.parts.hasher.hash(password.secret().clone()).await?;
        let notice = self.notice(MailKind::PasswordResetDone, account.account.id, None);
        let throttled = [self.name_charges(&account), self.proof_charges(account.account.id, None)].concat();
        let (now, id) = (self.parts.clock.now(), account.account.id);
        let by_factor = account.demanded_level > AssuranceLevel::One;
        let granted = Granted { ticket, account, hash, notice, noted, throttled: throttled.clone() };
        let write = self.parts.store.write(move |tx| Box::pin(async move { granted.write(tx, now).await }));
        if !write.await? {
            return Err(AuthError::InvalidTicket);
        }
        self.unblock(&throttled);
        tracing::info!(event = "password_reset", account = %id, "a password was reset; every session has ended");
        self.parts.mail.notify_one();
        // Known since the password changed, which is a second from now. Whoever reads the mail of an account that has a factor
        // has shown too little: guesses at its codes from here count with those of strangers.
        Ok((!by_factor).then(|| self.known_devices_with(origin, id, now.plus(1))))
    }

    async fn refuse_password<T>(&self, by_code: bool, ticket: Ticket, error: AuthError) -> Result<T, AuthError> {
        if by_code {
            let write =
                self.parts.store.write(move |tx| Box::pin(async move { tickets::take_back_try(tx, &ticket.id).await }));
            write.await?;
        }
        Err(error)
    }
}

impl Granted {
    /// The one conditional write decides among many who come at once; false for all others.
    async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        let account = &self.account;
        let id = account.account.id;
        // Accounts before tickets, as everywhere: no two transactions wait for each other.
        accounts::hold(tx, id).await?;
        if !tickets::consume(tx, &self.ticket.id, now).await? {
            return Ok(false);
        }
        accounts::set_password(tx, id, &self.hash, now).await?;
        if self.ticket.was_mailed() {
            accounts::confirm_email(tx, id, &account.email_key, now).await?;
        }
        void_tickets(tx, id, now).await?;
        outbox::insert(tx, &self.notice, now).await?;
        throttle::forget(tx, &self.throttled).await?;
        for noted in &self.noted {
            noted.write(tx, now).await?;
        }
        Ok(true)
    }
}
