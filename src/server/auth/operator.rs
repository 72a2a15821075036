//! What an operator does with accounts: look at, disable, promote, let in again. Each change is noted in the audit
//! log by the transaction that makes it, as done by "operator".

use super::{AuthError, AuthService, Origin, ticket::void_tickets};
use crate::{
    domain::{
        account::{Account, AccountId},
        credential::LoginIdentifier,
        factor::AssuranceLevel,
        history::Event,
        problem::FieldError,
        time::Timestamp,
    },
    server::{
        crypto::Purpose,
        entropy::random_id,
        store::{
            StoreError, Tx,
            account_list::{self, Only},
            accounts::{self, StoredAccount},
            session_lists::{self, OpenSession},
            sessions,
            tickets::{self, NOT_MAILED, NewTicket, TicketKind},
        },
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// Why an operator's wish is not done.
#[derive(Debug)]
pub enum OperatorError {
    /// Nobody is called that.
    NoSuchUser,
    /// It is the number of one account and the name of another.
    Ambiguous,
    /// There is no such session of that account, or it has ended.
    NoSuchSession,
    /// The account is disabled.
    Disabled,
    /// Fields are not acceptable.
    Invalid(Vec<FieldError>),
    /// It could not be done.
    Failed(AuthError),
}

impl OperatorError {
    /// Whether it was refused, and would be again: nothing failed.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

impl std::fmt::Display for OperatorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuchUser => f.write_str("there is no account with that user name, e-mail address or number"),
            Self::Ambiguous => f.write_str(
                "that is the number of one account and the user name of another; say the e-mail address instead",
            ),
            Self::NoSuchSession => f.write_str("there is no such session of that account, or it has ended"),
            Self::Disabled => f.write_str("the account is disabled; enable it first"),
            Self::Invalid(errors) => {
                let said: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect();
                f.write_str(&said.join("\n"))
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OperatorError {}

impl From<AuthError> for OperatorError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid(errors) => Self::Invalid(errors),
            error => Self::Failed(error),
        }
    }
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        AuthError::from(error).into()
    }
}

/// The halves of a link that lets its holder choose a new password, once.
#[derive(Debug)]
pub struct IssuedLink {
    /// Whose it is.
    pub uid: String,
    /// The secret.
    pub token: SecretString,
    /// From then on it is useless.
    pub expires_at: Timestamp,
}

/// What became of a wish.
#[derive(Debug)]
pub struct Done<T> {
    /// Whose account it was about.
    pub account: Account,
    /// What was done.
    pub what: T,
}

/// What kind of password an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordKind {
    /// None: only a reset leads in.
    None,
    /// One of ours.
    Set,
    /// One as another system wrote it, until its owner signs in.
    Imported,
}

/// An account as an operator sees it.
#[derive(Debug)]
pub struct UserReport {
    /// What its owner sees, too.
    pub account: Account,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is an administrator's.
    pub admin_since: Option<Timestamp>,
    /// What password it has.
    pub password: PasswordKind,
    /// Whether it has a second factor or a passkey, so that the password alone does not sign in.
    pub has_factors: bool,
    /// Sessions that are alive.
    pub sessions: usize,
}

/// Who did it, as the audit log says.
pub(super) fn operator() -> Origin {
    Origin { device_label: "operator".to_owned(), ..Origin::default() }
}

impl AuthService {
    /// The account that an operator means by a user name, an e-mail address or an account's number.
    ///
    /// # Errors
    /// `NoSuchUser`; `Ambiguous`; `Failed`.
    pub async fn user(&self, who: &str) -> Result<StoredAccount, OperatorError> {
        let mut tx = self.parts.store.read().await?;
        let named = match LoginIdentifier::parse(who) {
            Ok(LoginIdentifier::Email(key)) => accounts::find_by_email(&mut tx, &key).await?,
            Ok(LoginIdentifier::Username(key)) => accounts::find_by_username(&mut tx, &key).await?,
            Ok(LoginIdentifier::Unknown) | Err(_) => None,
        };
        let numbered = match who.trim().parse() {
            Ok(id) => accounts::find(&mut tx, AccountId(id)).await?,
            Err(_) => None,
        };
        match (named, numbered) {
            (Some(named), Some(numbered)) if named.account.id != numbered.account.id => Err(OperatorError::Ambiguous),
            (Some(found), _) | (None, Some(found)) => Ok(found),
            (None, None) => Err(OperatorError::NoSuchUser),
        }
    }

    /// What there is to know of an account, but for secrets.
    ///
    /// # Errors
    /// As [`AuthService::user`].
    pub async fn show_user(&self, who: &str) -> Result<UserReport, OperatorError> {
        let found = self.user(who).await?;
        let (now, id) = (self.parts.clock.now(), found.account.id);
        let open = session_lists::open(&mut *self.parts.store.read().await?, Some(id), now, i64::MAX).await?;
        Ok(report(found, open.len()))
    }

    /// At most `most` accounts, the newest first; their sessions are not counted.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn list_users(&self, only: Only, most: i64) -> Result<Vec<UserReport>, OperatorError> {
        let found = account_list::list(&mut *self.parts.store.read().await?, only, most).await?;
        Ok(found.into_iter().map(|account| report(account, 0)).collect())
    }

    /// Disables an account, which ends its sessions, links and codes at once, or enables it again. False if it was so
    /// already.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_disabled(&self, account: AccountId, disabled: bool) -> Result<bool, AuthError> {
        let event = if disabled { Event::Disabled } else { Event::Enabled };
        let (now, noted) = (self.parts.clock.now(), self.noted(event, Some(account), None, &operator()));
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let Some(found) = held(tx, account).await? else { return Ok(false) };
                if found.disabled_at.is_some() == disabled {
                    return Ok(false);
                }
                accounts::set_disabled(tx, account, disabled.then_some(now)).await?;
                if disabled {
                    void_tickets(tx, account, now).await?;
                }
                noted.write(tx, now).await?;
                Ok(true)
            })
        });
        Ok(write.await?)
    }

    /// Makes an account an administrator's, or not one any more; its sessions end, as others shall have other lives.
    /// False if it was so already.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_admin(&self, account: AccountId, admin: bool) -> Result<bool, AuthError> {
        let event = if admin { Event::Promoted } else { Event::Demoted };
        let (now, noted) = (self.parts.clock.now(), self.noted(event, Some(account), None, &operator()));
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let Some(found) = held(tx, account).await? else { return Ok(false) };
                if found.admin_since.is_some() == admin {
                    return Ok(false);
                }
                accounts::set_admin(tx, account, admin.then_some(now)).await?;
                noted.write(tx, now).await?;
                Ok(true)
            })
        });
        Ok(write.await?)
    }

    /// Makes a link to choose a new password, to be handed over by other ways than mail; earlier ones die.
    ///
    /// # Errors
    /// As [`AuthService::user`]; `Disabled`.
    pub async fn make_reset_link(&self, who: &str) -> Result<Done<IssuedLink>, OperatorError> {
        let account = self.user(who).await?.account;
        let (id, now, service) = (account.id, self.parts.clock.now(), self.clone());
        let noted = self.noted(Event::ResetLinkIssued, Some(id), None, &operator());
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                match held(tx, id).await? {
                    None => Ok(Err(OperatorError::NoSuchUser)),
                    Some(found) if !found.is_active() => Ok(Err(OperatorError::Disabled)),
                    Some(found) => {
                        let link = service.issue_link(tx, (id, found.security_epoch), now).await?;
                        noted.write(tx, now).await?;
                        Ok(Ok(link))
                    }
                }
            })
        });
        Ok(Done { account, what: write.await?? })
    }

    pub(super) async fn issue_link(
        &self,
        tx: &mut Tx,
        (id, epoch): (AccountId, i64),
        now: Timestamp,
    ) -> Result<IssuedLink, StoreError> {
        let entropy = self.parts.entropy.as_ref();
        let expires_at = now.plus(self.parts.settings.reset.link_lifetime);
        let ticket = NewTicket {
            id: random_id(entropy),
            account: Some(id),
            kind: TicketKind::PasswordReset,
            // Of no browser: there is no code to be typed.
            request_digest: random_id(entropy),
            epoch,
            expires_at,
            code_expires_at: NOT_MAILED,
            email: None,
            asked_at: None,
            demanded_level: AssuranceLevel::One,
        };
        tickets::consume_all_for(tx, id, ticket.kind, now).await?;
        tickets::insert(tx, &ticket, now).await?;
        let token = self.keyed().mailed_secrets.link_token(Purpose::PasswordReset, &ticket.id);
        Ok(IssuedLink { uid: BASE64_URL_SAFE_NO_PAD.encode(id.to_string()), token, expires_at })
    }

    /// At most `most` sessions that are alive, of that account or of all, the one used last first.
    ///
    /// # Errors
    /// As [`AuthService::user`].
    pub async fn open_sessions(&self, who: Option<&str>, most: i64) -> Result<Vec<OpenSession>, OperatorError> {
        let account = match who {
            Some(who) => Some(self.user(who).await?.account.id),
            None => None,
        };
        let now = self.parts.clock.now();
        Ok(session_lists::open(&mut *self.parts.store.read().await?, account, now, most).await?)
    }

    /// Ends one session of an account, or all, at once; answers how many were alive.
    ///
    /// # Errors
    /// As [`AuthService::user`]; `NoSuchSession`.
    pub async fn end_sessions(&self, who: &str, sid: Option<&str>) -> Result<Done<usize>, OperatorError> {
        let account = self.user(who).await?.account;
        let (id, now, sid) = (account.id, self.parts.clock.now(), sid.map(str::to_owned));
        let event = if sid.is_some() { Event::SessionEnded } else { Event::AllSessionsEnded };
        let noted = self.noted(event, Some(id), sid.as_deref(), &operator());
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                let open = session_lists::open(tx, Some(id), now, i64::MAX).await?;
                let ended = match &sid {
                    Some(sid) if !open.iter().any(|session| session.summary.sid == *sid) => 0,
                    Some(sid) => usize::from(sessions::revoke_public(tx, id, sid, "ended_by_operator", now).await?),
                    None => {
                        accounts::end_sessions(tx, id).await?;
                        open.len()
                    }
                };
                if sid.is_none() || ended > 0 {
                    noted.write(tx, now).await?;
                }
                Ok((sid.is_none() || ended > 0).then_some(ended))
            })
        });
        Ok(Done { account, what: write.await?.ok_or(OperatorError::NoSuchSession)? })
    }
}

/// The account as it is now, and stays until the transaction ends.
pub(super) async fn held(tx: &mut Tx, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
    accounts::hold(tx, id).await?;
    accounts::find(tx, id).await
}

fn report(found: StoredAccount, sessions: usize) -> UserReport {
    let password = match found.password_hash.as_deref() {
        None => PasswordKind::None,
        Some(hash) if hash.starts_with("$argon2") => PasswordKind::Set,
        Some(_) => PasswordKind::Imported,
    };
    let StoredAccount { account, disabled_at, admin_since, demanded_level, .. } = found;
    let has_factors = demanded_level > AssuranceLevel::One;
    UserReport { account, disabled_at, admin_since, password, has_factors, sessions }
}
