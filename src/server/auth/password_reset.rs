//! Resetting a forgotten password: asking by mail, and choosing a new one with the mailed link or code.

use super::{About, AuthError, AuthService};
use crate::{
    domain::{account::AccountId, credential::Email, problem::FieldError, time::Timestamp},
    server::{
        entropy::random_id,
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            outbox::{self, MailKind, NewMail},
            tickets::{self, NewTicket, Ticket, TicketKind},
        },
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// Seconds after which the notice that a password was changed is not worth sending any more: three days.
const NOTICE_LIFETIME: i64 = 259_200;
/// Seconds of an hour.
const HOUR: i64 = 3600;
/// The longest `uid`, `token` or `request` that is looked at, in bytes; ours are shorter.
const LONGEST: usize = 128;

/// What the asking browser keeps: with it, and only with it, the mailed code can be typed.
#[derive(Debug)]
pub struct AskedReset {
    /// 128 random bits.
    pub request: SecretString,
    /// Seconds for which it is any use.
    pub max_age: i64,
}

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

impl AuthService {
    /// Asks for a reset mail. Known and unknown addresses make the same rows, take the same time and get the same answer;
    /// older links die. Who is asked for too often (`reset.mails_per_hour`, `reset.mail_gap`) gets no further mail.
    ///
    /// # Errors
    /// `Invalid` if that is no e-mail address; `Unavailable`.
    pub async fn request_password_reset(&self, email: &str) -> Result<AskedReset, AuthError> {
        let parts = &self.parts;
        let email =
            Email::parse(email).map_err(|message| AuthError::Invalid(vec![FieldError::new("email", message)]))?;
        let found = accounts::find_by_email(&mut *parts.store.read().await?, email.key()).await?;
        let account = found.filter(StoredAccount::is_active);
        let request = random_id(parts.entropy.as_ref());
        let lives = &parts.settings.reset;
        let now = parts.clock.now();
        let pace = (lives.mails_per_hour, lives.mail_gap);
        let mut ticket = NewTicket {
            id: random_id(parts.entropy.as_ref()),
            account: account.as_ref().map(|account| account.account.id),
            kind: TicketKind::PasswordReset,
            request_digest: digest(&request),
            epoch: account.map_or(0, |account| account.security_epoch),
            expires_at: now.plus(lives.link_lifetime),
            code_expires_at: now.plus(lives.code_lifetime),
        };
        let mut mail = NewMail {
            id: random_id(parts.entropy.as_ref()),
            kind: MailKind::PasswordReset,
            account: ticket.account,
            ticket: Some(ticket.id.clone()),
            give_up_at: ticket.expires_at,
        };
        let write = parts.store.write(move |tx| {
            Box::pin(async move {
                // Of nobody, where nobody has the address: the same statements run.
                let mut whose = ticket.account.unwrap_or(AccountId(0));
                accounts::hold(tx, whose).await?;
                let (made, newest) = tickets::made_since(tx, whose, ticket.kind, now.plus(-HOUR)).await?;
                if made >= pace.0 || newest.is_some_and(|at| now.since(at) < pace.1) {
                    // Too often: nobody is mailed, and the link that was mailed last stays good. Otherwise a stranger
                    // could flood a mailbox, kill every link in it, and have five guesses at a code with each request.
                    (whose, ticket.account, mail.account) = (AccountId(0), None, None);
                }
                tickets::consume_all_for(tx, whose, ticket.kind, now).await?;
                tickets::insert(tx, &ticket, now).await?;
                outbox::insert(tx, &mail, now).await
            })
        });
        write.await?;
        parts.mail.notify_one();
        Ok(AskedReset { request: request.into(), max_age: lives.link_lifetime })
    }

    /// Sets a new password with the mailed link, or with the mailed code in the browser that asked (`request`).
    /// Every session ends, every other link dies, a notice goes out; nobody is signed in by it.
    ///
    /// # Errors
    /// `InvalidTicket`, the same for wrong, used and old ones; `Invalid` for the fields; `Busy`; `Unavailable`.
    pub async fn confirm_password_reset(&self, form: &ResetForm, request: Option<&str>) -> Result<(), AuthError> {
        let by_code = form.token.is_empty();
        if by_code && form.code.trim().is_empty() {
            let message = "Enter the code from the mail, or open the link in it.";
            return Err(AuthError::Invalid(vec![FieldError::new("code", message)]));
        }
        // What is wrong with the password alone costs no try of the code.
        let nobody = About { username: "", email: "", first_name: "", last_name: "" };
        self.new_password(&form.password, &form.password_again, nobody).await?;
        let now = self.parts.clock.now();
        let ticket = match by_code {
            true => self.ticket_by_code(&form.code, request, now).await?,
            false => self.ticket_by_link(&form.uid, &form.token, now).await?,
        };
        let account = self.owner(&ticket).await?;
        let view = &account.account;
        let about = About {
            username: &view.username,
            email: &view.email,
            first_name: &view.first_name,
            last_name: &view.last_name,
        };
        let password = match self.new_password(&form.password, &form.password_again, about).await {
            Ok(password) => password,
            Err(error) => return self.refuse_password(by_code, ticket, error).await,
        };
        let hash = self.parts.hasher.hash(password.secret().clone()).await?;
        self.write_reset(ticket, view.id, hash).await
    }

    async fn write_reset(&self, ticket: Ticket, account: AccountId, hash: String) -> Result<(), AuthError> {
        let now = self.parts.clock.now();
        let notice = NewMail {
            id: random_id(self.parts.entropy.as_ref()),
            kind: MailKind::PasswordResetDone,
            account: Some(account),
            ticket: None,
            give_up_at: now.plus(NOTICE_LIFETIME),
        };
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                // The one conditional write that decides among many who come at once.
                if !tickets::consume(tx, &ticket.id, now).await? {
                    return Ok(false);
                }
                reset(tx, account, &hash, &notice, now).await?;
                Ok(true)
            })
        });
        if !write.await? {
            return Err(AuthError::InvalidTicket);
        }
        tracing::info!(event = "password_reset", %account, "a password was reset; every session has ended");
        self.parts.mail.notify_one();
        Ok(())
    }

    async fn ticket_by_link(&self, uid: &str, token: &str, now: Timestamp) -> Result<Ticket, AuthError> {
        let account = account_of(uid).ok_or(AuthError::InvalidTicket)?;
        if token.len() > LONGEST {
            return Err(AuthError::InvalidTicket);
        }
        let mut tx = self.parts.store.read().await?;
        let open = tickets::find_open(&mut tx, account, TicketKind::PasswordReset).await?;
        open.filter(|ticket| now < ticket.expires_at && self.parts.mailed_secrets.link_matches(&ticket.id, token))
            .ok_or(AuthError::InvalidTicket)
    }

    async fn ticket_by_code(&self, code: &str, request: Option<&str>, now: Timestamp) -> Result<Ticket, AuthError> {
        let request = request.filter(|request| request.len() <= LONGEST).ok_or(AuthError::InvalidTicket)?;
        let (digest, most) = (digest(request), self.parts.settings.reset.code_tries);
        let write =
            self.parts.store.write(move |tx| Box::pin(async move { tickets::count_try(tx, &digest, most).await }));
        let ticket = write.await?.ok_or(AuthError::InvalidTicket)?;
        let matches = self.parts.mailed_secrets.code_matches(&ticket.id, code);
        if matches && now < ticket.code_expires_at { Ok(ticket) } else { Err(AuthError::InvalidTicket) }
    }

    /// The account that a ticket is for, if it is still as it was when the ticket was made.
    async fn owner(&self, ticket: &Ticket) -> Result<StoredAccount, AuthError> {
        let account = ticket.account.ok_or(AuthError::InvalidTicket)?;
        let found = accounts::find(&mut *self.parts.store.read().await?, account).await?;
        found
            .filter(|account| account.is_active() && account.security_epoch == ticket.epoch)
            .ok_or(AuthError::InvalidTicket)
    }

    async fn refuse_password(&self, by_code: bool, ticket: Ticket, error: AuthError) -> Result<(), AuthError> {
        if by_code {
            let write =
                self.parts.store.write(move |tx| Box::pin(async move { tickets::take_back_try(tx, &ticket.id).await }));
            write.await?;
        }
        Err(error)
    }
}

/// The rows of a reset that has been let through.
async fn reset(
    tx: &mut Tx,
    account: AccountId,
    hash: &str,
    notice: &NewMail,
    now: Timestamp,
) -> Result<(), StoreError> {
    accounts::set_password(tx, account, hash).await?;
    tickets::consume_all_for(tx, account, TicketKind::PasswordReset, now).await?;
    outbox::insert(tx, notice, now).await
}

/// `uid` is the decimal id in base64url, as Djoser's clients know it.
fn account_of(uid: &str) -> Option<AccountId> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(uid.get(..LONGEST).unwrap_or(uid)).ok()?;
    let id = std::str::from_utf8(&text).ok()?.parse().ok()?;
    (0 < id && id <= AccountId::MAX).then_some(AccountId(id))
}

fn digest(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}
