//! From an outbox row to a message: makes the secret, fills the words, builds the headers by types.

use super::{
    links::Links,
    templates::{self, Event, FactorEvent, Greeting, Lived, Mailed, Words},
};
use crate::{
    domain::{account::AccountId, time::Timestamp},
    paths,
    server::{
        crypto::{Keyring, Purpose},
        settings::{Settings, SettingsError},
        store::outbox::{self, MailKind, MailedTicket, Recipient},
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use secrecy::ExposeSecret as _;
use std::time::{Duration, SystemTime};

/// Makes mails. It knows the site's name, its public URL and the sender from the settings, never from a request.
#[derive(Clone)]
pub struct Composer {
    site: String,
    links: Links,
    from: Mailbox,
    keyring: Keyring,
}

/// What a mail is made from.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// The outbox id.
    pub id: &'a str,
    /// What it is about.
    pub kind: MailKind,
    /// Whose account it is about.
    pub account: AccountId,
    /// The owner of that account, who gets it unless it [goes to the ticket's address](MailKind::goes_to_ticket).
    pub recipient: &'a Recipient,
    /// The ticket's id and what is known of it, if the mail carries its secrets.
    pub ticket: Option<(&'a str, &'a MailedTicket)>,
    /// When the thing happened that it tells of.
    pub happened_at: Timestamp,
    /// What it tells beside its kind; people may have written it.
    pub about: Option<&'a str>,
}

/// A mail, ready to be sent. It holds secrets and addresses, and has no `Debug` for that reason.
pub struct Mail {
    pub(super) id: String,
    pub(super) kind: MailKind,
    pub(super) subject: String,
    pub(super) to: String,
    pub(super) at: Timestamp,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) message: Message,
}

/// Why a mail cannot be made; trying again would not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComposeError {
    /// The address, the account's or the ticket's, is none that mail can go to.
    Address,
    /// The kind carries a secret, and there is no ticket that still has one.
    Ticket,
    /// The message could not be put together.
    Message,
}

impl ComposeError {
    /// A word for the log and for `outbox.last_error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Ticket => "ticket",
            Self::Message => "message",
        }
    }
}

impl std::fmt::Display for ComposeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Address => "the address is none that mail can go to",
            Self::Ticket => "there is no ticket with a living secret",
            Self::Message => "the message could not be put together",
        })
    }
}

impl std::error::Error for ComposeError {}

impl Composer {
    /// A composer for the site that `settings` describe.
    ///
    /// # Errors
    /// `mail.from` is no address.
    pub fn new(settings: &Settings, keyring: Keyring) -> Result<Self, SettingsError> {
        let from = settings.mail.from.parse::<Mailbox>().map_err(|error| {
            SettingsError(format!("mail.from = {:?}: {error}; write `Name <name@host>`", settings.mail.from))
        })?;
        let server = &settings.server;
        Ok(Self { site: server.site_name.clone(), links: Links::new(settings), from, keyring })
    }

    /// Makes the mail of `letter`. Made twice it holds the same secrets and the same Message-ID, so that a double (a
    /// server killed between sending and noting it) can be recognised and breaks nothing.
    ///
    /// # Errors
    /// See [`ComposeError`]; none of them passes with time.
    pub fn compose(&self, letter: &Letter<'_>, now: Timestamp) -> Result<Mail, ComposeError> {
        let to = address(letter.email().ok_or(ComposeError::Address)?)?;
        let words = self.words(letter, now)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(words.subject.clone())
            .date(system_time(now))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            // RFC 3834: holiday notes and lists must not answer.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(words.text.clone(), words.html.clone()))
            .map_err(|_| ComposeError::Message)?;
        Ok(Mail {
            id: letter.id.to_owned(),
            kind: letter.kind,
            subject: words.subject,
            to: to.to_string(),
            at: now,
            text: words.text,
            html: words.html,
            message,
        })
    }

    fn words(&self, letter: &Letter<'_>, now: Timestamp) -> Result<Words, ComposeError> {
        let Recipient { email, username, first_name } = letter.recipient;
        let greeting = Greeting { site: &self.site, name: if first_name.is_empty() { username } else { first_name } };
        let (at, about) = (letter.happened_at, letter.about.unwrap_or_default());
        let page = |path: &str| self.links.page(path);
        let (login, reset) = (page(paths::LOGIN), page(paths::RESET_PASSWORD));
        let mailed = self.mailed(letter, now);
        let event = |reset_page| Event { at, about, not_me_page: page(paths::ACCOUNT_NOT_ME), reset_page };
        let factor = |reset_page| FactorEvent { event: event(reset_page), factors_page: page(paths::ACCOUNT_FACTORS) };
        Ok(match letter.kind {
            MailKind::PasswordReset => templates::password_reset(&greeting, mailed?),
            MailKind::PasswordResetDone => templates::password_reset_done(&greeting, at, reset),
            MailKind::SessionTheft => templates::session_theft(&greeting, at, reset),
            MailKind::RegistrationAttempt => templates::registration_attempt(&greeting, at, login, reset),
            MailKind::EmailConfirmation => templates::email_confirmation(&greeting, mailed?),
            MailKind::EmailChange => templates::email_change(&greeting, mailed?, username),
            MailKind::EmailChanged => templates::email_changed(&greeting, at, mailed?, email),
            MailKind::PasswordChanged => templates::password_changed(&greeting, at, about, reset),
            MailKind::NewDevice => templates::new_device(&greeting, event(reset)),
            MailKind::LoginAfterFailures => templates::login_after_failures(&greeting, event(reset)),
            MailKind::UsernameChanged => {
                templates::username_changed(&greeting, username, event(reset), page(paths::ACCOUNT))
            }
            MailKind::TotpEnrolled => templates::totp_enrolled(&greeting, &factor(reset)),
            MailKind::TotpRemoved => templates::totp_removed(&greeting, &factor(reset)),
            MailKind::RecoveryCodesMade => templates::recovery_codes_made(&greeting, &factor(reset)),
            MailKind::RecoveryCodeUsed => templates::recovery_code_used(&greeting, &factor(reset)),
            MailKind::PasskeyAdded => templates::passkey_added(&greeting, &factor(reset)),
            MailKind::PasskeyRemoved => templates::passkey_removed(&greeting, &factor(reset)),
            MailKind::PasswordRemoved => templates::password_removed(&greeting, &factor(reset)),
            MailKind::BrowserTrusted => templates::browser_trusted(&greeting, &factor(reset)),
            MailKind::FactorGuesses => templates::factor_guesses(&greeting, &factor(reset)),
            MailKind::PasskeyCloned => templates::passkey_cloned(&greeting, &factor(reset)),
            MailKind::FactorsReset => templates::factors_reset(&greeting, &factor(reset)),
            MailKind::FactorsUndone => templates::factors_undone(&greeting, &factor(reset)),
            MailKind::DeletionRequested => templates::deletion_requested(&greeting, at, about, login, reset),
            MailKind::UsernameReset => {
                // We have no page of our own for this link: whoever is signed in needs none.
                let link = self.links.leads_away(letter.kind).then_some(mailed).transpose()?;
                templates::username_reset(&greeting, username, link, page(paths::ACCOUNT))
            }
        })
    }

    /// The link, and the code if there is one that still works.
    fn mailed(&self, letter: &Letter<'_>, now: Timestamp) -> Result<Mailed, ComposeError> {
        let (purpose, page, has_code) = secrets_of(letter.kind).ok_or(ComposeError::Ticket)?;
        let (id, times) = letter.ticket.map(|(id, ticket)| (id, ticket.times)).ok_or(ComposeError::Ticket)?;
        if !times.is_alive(now) {
            return Err(ComposeError::Ticket);
        }
        let uid = BASE64_URL_SAFE_NO_PAD.encode(letter.account.to_string());
        let token = self.keyring.current().mailed_secrets.link_token(purpose, id);
        let (elsewhere, token) = (letter.about == Some(outbox::TO_FRONT_END), token.expose_secret());
        let away = if elsewhere { self.links.away(letter.kind, &uid, token) } else { None };
        let username = away.is_some().then(|| letter.recipient.username.clone());
        let link = Lived {
            value: away.unwrap_or_else(|| paths::mailed_link(&self.links.page(""), page, &uid, token)),
            left: times.expires_at.since(now),
            until: times.expires_at,
        };
        // A code works in the browser that asked us for it. A front end asks without one.
        let code = (has_code && !elsewhere && now < times.code_expires_at).then(|| Lived {
            value: self.keyring.current().mailed_secrets.code(purpose, id).expose_secret().to_owned(),
            left: times.code_expires_at.since(now),
            until: times.code_expires_at,
        });
        Ok(Mailed { link, code, username })
    }
}

/// What the secrets of a kind of mail are for, the page of its link, and whether there is a code beside the link;
/// nothing for kinds without a secret.
const fn secrets_of(kind: MailKind) -> Option<(Purpose, &'static str, bool)> {
    match kind {
        MailKind::PasswordReset => Some((Purpose::PasswordReset, paths::RESET_CONFIRMATION, true)),
        MailKind::EmailConfirmation => Some((Purpose::EmailConfirmation, paths::CONFIRM_EMAIL, true)),
        MailKind::EmailChange => Some((Purpose::EmailChange, paths::CONFIRM_EMAIL_CHANGE, true)),
        // A code is typed by who asked. Whoever undoes a change did not ask for it.
        MailKind::EmailChanged => Some((Purpose::EmailUndo, paths::UNDO_EMAIL_CHANGE, false)),
        MailKind::UsernameReset => Some((Purpose::UsernameReset, paths::ACCOUNT, false)),
        MailKind::PasswordResetDone
        | MailKind::SessionTheft
        | MailKind::RegistrationAttempt
        | MailKind::PasswordChanged
        | MailKind::NewDevice
        | MailKind::LoginAfterFailures
        | MailKind::UsernameChanged
        | MailKind::DeletionRequested
        | MailKind::TotpEnrolled
        | MailKind::TotpRemoved
        | MailKind::RecoveryCodesMade
        | MailKind::RecoveryCodeUsed
        | MailKind::PasskeyAdded
        | MailKind::PasskeyRemoved
        | MailKind::PasswordRemoved
        | MailKind::BrowserTrusted
        | MailKind::FactorGuesses
        | MailKind::PasskeyCloned
        | MailKind::FactorsReset
        | MailKind::FactorsUndone => None,
    }
}

impl<'a> Letter<'a> {
    /// The address it goes to; nothing if that is the ticket's and there is none.
    pub(super) fn email(&self) -> Option<&'a str> {
        if self.kind.goes_to_ticket() {
            self.ticket.and_then(|(_, ticket)| ticket.email.as_deref())
        } else {
            Some(&self.recipient.email)
        }
    }
}

impl Mail {
    /// Its subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The text part.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTML part.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The whole message as it travels (RFC 5322).
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.message.formatted()
    }
}

/// The address with its domain as DNS knows it, so that only a local part beyond ASCII needs an SMTPUTF8 server.
fn address(typed: &str) -> Result<Address, ComposeError> {
    let (local, domain) = typed.rsplit_once('@').ok_or(ComposeError::Address)?;
    let domain = if domain.starts_with('[') {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).map_err(|_| ComposeError::Address)?
    };
    Address::new(local, domain).map_err(|_| ComposeError::Address)
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.0).unwrap_or(0))
}
