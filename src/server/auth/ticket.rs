//! Mailed secrets: asking for one at a measured pace, and finding its ticket again by the link or by the typed code.

use super::{AuthError, AuthService, LinkTo};
use crate::{
    domain::{account::AccountId, factor::AssuranceLevel, problem::FieldError, time::Timestamp},
    server::{
        crypto::Purpose,
        entropy::random_id,
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            challenges,
            outbox::{self, MailKind, NewMail},
            throttles::{self, Charge, Charged},
            tickets::{self, NewTicket, Ticket, TicketKind},
            totp_secrets, trusted_browsers,
        },
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Seconds of an hour.
const HOUR: i64 = 3600;
/// The longest `uid`, `token` or `request` that is looked at, in bytes; ours are shorter.
const LONGEST: usize = 128;
/// Nobody's account: what unknown addresses are written for.
const NOBODY: AccountId = AccountId(0);

/// What the asking browser keeps: with it, and only with it, the mailed code can be typed.
#[derive(Debug)]
pub struct AskedReset {
    /// 128 random bits.
    pub request: SecretString,
    /// Seconds for which it is any use.
    pub max_age: i64,
}

/// How long the secrets of a ticket live, and how often one may be asked for.
#[derive(Clone, Copy)]
pub(super) struct Lives {
    link: i64,
    code: i64,
    tries: i64,
    /// Mails an hour, and seconds between two; none where the ticket must go out whatever went before.
    pace: Option<(i64, i64)>,
}

/// A ticket and its mail, ready to be written.
pub(super) struct Issue {
    ticket: NewTicket,
    mail: NewMail,
    pace: Option<(i64, i64)>,
    /// Whether the browser that asks takes the open ticket over where the pace allows no new one.
    rebinds: bool,
    pub(super) asked: AskedReset,
}

impl AuthService {
    /// The lives that the settings give tickets of this kind.
    pub(super) fn lives(&self, kind: TicketKind) -> Lives {
        let settings = &self.parts.settings;
        let (reset, confirmation) = (&settings.reset, &settings.confirmation);
        match kind {
            TicketKind::PasswordReset => Lives {
                link: reset.link_lifetime,
                code: reset.code_lifetime,
                tries: reset.code_tries,
                pace: Some((reset.mails_per_hour, reset.mail_gap)),
            },
            TicketKind::EmailConfirmation | TicketKind::EmailChange => Lives {
                link: confirmation.link_lifetime,
                code: confirmation.code_lifetime,
                tries: confirmation.code_tries,
                pace: Some((confirmation.mails_per_hour, confirmation.mail_gap)),
            },
            TicketKind::UsernameReset => Lives { code: 0, tries: 0, ..self.lives(TicketKind::PasswordReset) },
            TicketKind::EmailUndo => Lives { link: settings.account.undo_lifetime, code: 0, tries: 0, pace: None },
        }
    }

    /// A ticket for `account` (id and epoch), or the decoy of nobody's. `email` is the address that it is about.
    pub(super) fn issue(
        &self,
        kind: TicketKind,
        mail: MailKind,
        account: Option<(AccountId, i64)>,
        email: Option<(String, String)>,
    ) -> Issue {
        let entropy = self.parts.entropy.as_ref();
        let (now, lives, request) = (self.parts.clock.now(), self.lives(kind), random_id(entropy));
        let ticket = NewTicket {
            id: random_id(entropy),
            account: account.map(|(id, _)| id),
            kind,
            request_digest: digest(&request),
            epoch: account.map_or(0, |(_, epoch)| epoch),
            expires_at: now.plus(lives.link),
            code_expires_at: now.plus(lives.code),
            email,
            asked_at: None,
            demanded_level: AssuranceLevel::One,
        };
        let mail = NewMail {
            id: random_id(entropy),
            kind: mail,
            account: ticket.account,
            ticket: Some(ticket.id.clone()),
            give_up_at: ticket.expires_at,
            about: None,
        };
        let asked = AskedReset { request: request.into(), max_age: lives.link };
        Issue { ticket, mail, pace: lives.pace, rebinds: false, asked }
    }

    /// The open ticket that a mailed link is of.
    pub(super) async fn ticket_by_link(
        &self,
        (kind, purpose): (TicketKind, Purpose),
        uid: &str,
        token: &str,
    ) -> Result<Ticket, AuthError> {
        let account = account_of(uid).ok_or(AuthError::InvalidTicket)?;
        if token.len() > LONGEST {
            return Err(AuthError::InvalidTicket);
        }
        let now = self.parts.clock.now();
        let open = tickets::find_open(&mut *self.parts.store.read().await?, account, kind).await?;
        let keyed = self.keyed();
        let secrets = &keyed.mailed_secrets;
        let found =
            open.into_iter().find(|ticket| now < ticket.expires_at && secrets.link_matches(purpose, &ticket.id, token));
        found.ok_or(AuthError::InvalidTicket)
    }

    /// The open ticket that was asked for with `request`, if `code` is its code. Counts a try.
    pub(super) async fn ticket_by_code(
        &self,
        kinds: (TicketKind, Purpose),
        code: &str,
        request: Option<&str>,
    ) -> Result<Ticket, AuthError> {
        let request = request.filter(|request| request.len() <= LONGEST).ok_or(AuthError::InvalidTicket)?;
        self.ticket_by_digest(kinds, code, digest(request)).await
    }

    /// The open ticket of the account that is signed in, if `code` is its code. Counts a try.
    pub(super) async fn ticket_of(
        &self,
        kinds: (TicketKind, Purpose),
        code: &str,
        account: AccountId,
    ) -> Result<Ticket, AuthError> {
        let open = tickets::find_open(&mut *self.parts.store.read().await?, account, kinds.0).await?;
        let newest = open.into_iter().next().ok_or(AuthError::InvalidTicket)?;
        self.ticket_by_digest(kinds, code, newest.request_digest).await
    }

    async fn ticket_by_digest(
        &self,
        (kind, purpose): (TicketKind, Purpose),
        code: &str,
        digest: String,
    ) -> Result<Ticket, AuthError> {
        let (now, most) = (self.parts.clock.now(), self.lives(kind).tries);
        let write = self
            .parts
            .store
            .write(move |tx| Box::pin(async move { tickets::count_try(tx, kind, &digest, most).await }));
        let ticket = write.await?.ok_or(AuthError::InvalidTicket)?;
        let matches = self.keyed().mailed_secrets.code_matches(purpose, &ticket.id, code);
        if matches && now < ticket.code_expires_at { Ok(ticket) } else { Err(AuthError::InvalidTicket) }
    }

    /// The account that a ticket is for.
    pub(super) async fn owner(&self, ticket: &Ticket) -> Result<StoredAccount, AuthError> {
        let account = ticket.account.ok_or(AuthError::InvalidTicket)?;
        let found = accounts::find(&mut *self.parts.store.read().await?, account).await?;
        found.filter(StoredAccount::is_active).ok_or(AuthError::InvalidTicket)
    }
}

impl Issue {
    /// The same, whatever went before: something has just made every older ticket useless.
    pub(super) fn at_any_pace(mut self) -> Self {
        self.pace = None;
        self
    }

    /// Asked for then (none: now), of an account that demanded so much.
    pub(super) fn asked(mut self, at: Option<Timestamp>, level: AssuranceLevel) -> Self {
        (self.ticket.asked_at, self.ticket.demanded_level) = (at, level);
        self
    }

    /// Without its mail: the rows are there, and nobody gets to know the secrets.
    pub(super) fn unmailed(mut self) -> Self {
        self.mail.account = None;
        self
    }

    /// For somebody who has shown the password: where the pace allows no new mail, the code of the last one works in the
    /// browser that asks now.
    pub(super) fn rebinding(mut self) -> Self {
        self.rebinds = true;
        self
    }

    /// With a link that leads there.
    pub(super) fn leading(mut self, to: LinkTo) -> Self {
        self.mail.about = (to == LinkTo::FrontEnd).then(|| outbox::TO_FRONT_END.to_owned());
        self
    }

    /// For the account's next epoch, which the same transaction begins.
    pub(super) fn after_next_epoch(mut self) -> Self {
        self.ticket.epoch = self.ticket.epoch.saturating_add(1);
        self
    }

    /// Writes ticket and mail, and ends older tickets of the kind. If one was asked for too often, what is written is
    /// nobody's: a stranger could otherwise flood a mailbox, kill every link in it, and have new guesses at a code with
    /// each request. The link that was mailed last stays good then.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let (mut ticket, mut mail) = (self.ticket.clone(), self.mail.clone());
        // Of nobody, where nobody has the address: the same statements run.
        let mut whose = ticket.account.unwrap_or(NOBODY);
        accounts::hold(tx, whose).await?;
        if let Some((per_hour, gap)) = self.pace {
            let (made, newest) = tickets::made_since(tx, whose, ticket.kind, now.plus(-HOUR)).await?;
            if made >= per_hour || newest.is_some_and(|at| now.since(at) < gap) {
                if self.rebinds {
                    return tickets::rebind(tx, whose, ticket.kind, &ticket.request_digest).await;
                }
                (whose, ticket.account, mail.account) = (NOBODY, None, None);
            }
        }
        tickets::consume_all_for(tx, whose, ticket.kind, now).await?;
        self.add(tx, &ticket, &mail, now).await
    }

    /// As [`Issue::write`]; while the link that was mailed last is good, that one is mailed again: it stays bound to the
    /// browser that asked for it. `pace` says how often.
    pub(super) async fn write_or_repeat(&self, tx: &mut Tx, pace: &Charge, now: Timestamp) -> Result<(), StoreError> {
        let whose = self.ticket.account.unwrap_or(NOBODY);
        accounts::hold(tx, whose).await?;
        if throttles::charge(tx, std::slice::from_ref(pace), now).await? != Charged::All {
            return Ok(());
        }
        let open = tickets::find_open(tx, whose, self.ticket.kind).await?;
        match open.into_iter().find(|open| now < open.expires_at) {
            Some(open) => {
                let mail = NewMail { ticket: Some(open.id), give_up_at: open.expires_at, ..self.mail.clone() };
                outbox::insert(tx, &mail, now).await
            }
            None => self.write(tx, now).await,
        }
    }

    /// Writes ticket and mail beside older ones of the kind, which stay good.
    pub(super) async fn write_beside(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        self.add(tx, &self.ticket, &self.mail, now).await
    }

    async fn add(&self, tx: &mut Tx, ticket: &NewTicket, mail: &NewMail, now: Timestamp) -> Result<(), StoreError> {
        tickets::insert(tx, ticket, now).await?;
        outbox::insert(tx, mail, now).await
    }
}

/// Ends what was mailed for an account but for the links that restore an address: those are their owner's way back.
pub(super) async fn void_tickets(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let kinds =
        [TicketKind::PasswordReset, TicketKind::EmailConfirmation, TicketKind::EmailChange, TicketKind::UsernameReset];
    for kind in kinds {
        tickets::consume_all_for(tx, account, kind, now).await?;
    }
    // What was begun or granted with the password before is void with it.
    challenges::consume_of(tx, account, now).await?;
    trusted_browsers::delete_of(tx, account).await?;
    totp_secrets::delete_waiting(tx, account).await?;
    Ok(())
}

/// Whether the browser that holds `request` is the one that asked for this ticket.
pub(super) fn was_asked_with(ticket: &Ticket, request: Option<&str>) -> bool {
    let request = request.filter(|request| request.len() <= LONGEST).map(digest);
    request.is_some_and(|request| request.as_bytes().ct_eq(ticket.request_digest.as_bytes()).into())
}

/// Neither link nor code was given.
pub(super) fn no_code() -> AuthError {
    let message = "Enter the code from the mail, or open the link in it.";
    AuthError::Invalid(vec![FieldError::new("code", message)])
}

/// `uid` is the decimal id in base64url, as Djoser's clients know it.
pub(super) fn account_of(uid: &str) -> Option<AccountId> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(uid.get(..LONGEST).unwrap_or(uid)).ok()?;
    let id = std::str::from_utf8(&text).ok()?.parse().ok()?;
    (0 < id && id <= AccountId::MAX).then_some(AccountId(id))
}

pub(super) fn digest(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}
