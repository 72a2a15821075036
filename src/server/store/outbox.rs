//! The table `outbox`: mails that are owed to somebody.
//!
//! A row is written in the transaction that causes the mail and holds no link, code, body or address: only what the
//! mailer needs to make them when it sends. A row ends with `sent_at` or `gave_up_at`.

pub use super::mail_kind::MailKind;

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// [`NewMail::about`] of a mail whose link leads to the front end of `compat.front_end`.
pub const TO_FRONT_END: &str = "to_front_end";

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// A new random id (`entropy::random_id`); it also becomes the mail's Message-ID.
    pub id: String,
    /// What it is about.
    pub kind: MailKind,
    /// Who gets it. Nobody: the decoy of an address that has no account; it is written like any other and never sent.
    pub account: Option<AccountId>,
    /// The ticket whose secret it carries, if it carries one.
    pub ticket: Option<String>,
    /// From then on it is no longer worth sending: its secret is dead, or the news is old.
    pub give_up_at: Timestamp,
    /// What it tells beside its kind: a device and a coarse address (`Firefox on Linux, 192.0.2.7`), a time, or
    /// [`TO_FRONT_END`].
    pub about: Option<String>,
}

/// A mail that a worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The row's id.
    pub id: String,
    /// What it is about.
    pub kind: MailKind,
    /// Who gets it; nobody if it is a decoy.
    pub account: Option<AccountId>,
    /// The ticket whose secret it carries.
    pub ticket: Option<String>,
    /// When the thing happened that the mail tells of.
    pub created_at: Timestamp,
    /// From then on it is no longer worth sending.
    pub give_up_at: Timestamp,
    /// Tries, this one included: 1 or more.
    pub attempts: i64,
    /// The kind of failure of the try before.
    pub last_error: Option<String>,
    /// What it tells beside its kind.
    pub about: Option<String>,
}

/// Whom a mail goes to.
#[derive(Clone)]
pub struct Recipient {
    /// The address, as it was typed.
    pub email: String,
    /// The user name.
    pub username: String,
    /// First name, or empty.
    pub first_name: String,
}

/// Until when the two secrets of a ticket work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketTimes {
    /// The link's end.
    pub expires_at: Timestamp,
    /// The code's end.
    pub code_expires_at: Timestamp,
    /// When one of them was used.
    pub consumed_at: Option<Timestamp>,
}

impl TicketTimes {
    /// Whether the ticket's link still works.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.consumed_at.is_none() && now < self.expires_at
    }
}

/// What a mail needs to know of its ticket.
#[derive(Clone)]
pub struct MailedTicket {
    /// Until when its secrets work.
    pub times: TicketTimes,
    /// The address that it is about, as it was typed.
    pub email: Option<String>,
}

/// Adds a mail, due at once.
///
/// # Errors
/// `Taken` if the id is in use; the database's.
pub async fn insert(tx: &mut Tx, new: &NewMail, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (id, kind, account_id, ticket_id, created_at, due_at, give_up_at, attempts, about)
         VALUES ($1, $2, $3, $4, $5, $5, $6, 0, $7)",
    )
    .bind(new.id.as_str())
    .bind(new.kind.as_str())
    .bind(new.account.map(|account| account.0))
    .bind(new.ticket.as_deref())
    .bind(now.0)
    .bind(new.give_up_at.0)
    .bind(new.about.as_deref())
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the mail that has been due longest, for `holder`, until `leased_until`. A lease that ran out is taken over:
/// its holder was killed or hangs.
///
/// The conditions stand twice. The inner ones choose a row; the outer ones are checked again once the row is locked, so
/// of two workers that chose the same row on PostgreSQL the second gets none. Kinds are named because, while versions
/// are exchanged, an older server must leave a newer one's mails alone. Beyond $4: see [`claim`].
const CLAIM: &str = "
    UPDATE outbox SET leased_until = $3, lease_holder = $1, attempts = attempts + 1
    WHERE id = (SELECT id FROM outbox
                WHERE sent_at IS NULL AND gave_up_at IS NULL AND (due_at <= $2 OR due_at > $4)
                  AND (leased_until IS NULL OR leased_until <= $2 OR leased_until > $4)
                  AND kind IN ('password_reset', 'password_reset_done', 'session_theft', 'registration_attempt',
                               'email_confirmation', 'email_change', 'email_changed', 'password_changed',
                               'new_device', 'login_after_failures', 'username_changed', 'deletion_requested',
                               'username_reset', 'totp_enrolled', 'totp_removed', 'recovery_codes_made',
                               'recovery_code_used', 'passkey_added', 'passkey_removed', 'password_removed',
                               'browser_trusted', 'factor_guesses', 'passkey_cloned', 'factors_reset', 'factors_undone')
                ORDER BY due_at, id LIMIT 1)
      AND sent_at IS NULL AND gave_up_at IS NULL AND (due_at <= $2 OR due_at > $4)
      AND (leased_until IS NULL OR leased_until <= $2 OR leased_until > $4)
    RETURNING id, kind, account_id, ticket_id, created_at, give_up_at, attempts, last_error, about";

/// Takes the mail that has been due longest, if one is due; its `attempts` grow by one. What is due, or leased until,
/// after `latest` was written while the clock was ahead: it is due now, not when that hour comes again.
///
/// # Errors
/// The database's.
pub async fn claim(
    tx: &mut Tx,
    holder: &str,
    now: Timestamp,
    (leased_until, latest): (Timestamp, Timestamp),
) -> Result<Option<Claimed>, StoreError> {
    let claim = sqlx::query(CLAIM).bind(holder).bind(now.0).bind(leased_until.0).bind(latest.0);
    let row = claim.fetch_optional(tx).await?;
    row.map(|row| claimed(&row)).transpose()
}

fn claimed(row: &AnyRow) -> Result<Claimed, StoreError> {
    let kind: String = row.try_get("kind")?;
    let kind = MailKind::parse(&kind).ok_or_else(|| sqlx::Error::Decode("an unknown kind of mail".into()))?;
    Ok(Claimed {
        id: row.try_get("id")?,
        kind,
        account: row.try_get::<Option<i64>, _>("account_id")?.map(AccountId),
        ticket: row.try_get("ticket_id")?,
        created_at: Timestamp(row.try_get("created_at")?),
        give_up_at: Timestamp(row.try_get("give_up_at")?),
        attempts: row.try_get("attempts")?,
        last_error: row.try_get("last_error")?,
        about: row.try_get("about")?,
    })
}

/// The owner of `account`, whom mails go to; nobody if it is gone or disabled.
///
/// # Errors
/// The database's.
pub async fn recipient(tx: &mut Tx, account: AccountId) -> Result<Option<Recipient>, StoreError> {
    let row = sqlx::query("SELECT email, username, first_name FROM accounts WHERE id = $1 AND disabled_at IS NULL")
        .bind(account.0)
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Recipient {
        email: row.try_get("email")?,
        username: row.try_get("username")?,
        first_name: row.try_get("first_name")?,
    }))
}

/// The address of `ticket` and until when its secrets work; nothing if it is gone.
///
/// # Errors
/// The database's.
pub async fn mailed_ticket(tx: &mut Tx, ticket: &str) -> Result<Option<MailedTicket>, StoreError> {
    let row = sqlx::query("SELECT email, expires_at, code_expires_at, consumed_at FROM tickets WHERE id = $1")
        .bind(ticket)
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let times = TicketTimes {
        expires_at: Timestamp(row.try_get("expires_at")?),
        code_expires_at: Timestamp(row.try_get("code_expires_at")?),
        consumed_at: row.try_get::<Option<i64>, _>("consumed_at")?.map(Timestamp),
    };
    Ok(Some(MailedTicket { times, email: row.try_get("email")? }))
}

/// Notes that the mail went out. False if `holder` had lost it to another worker.
///
/// # Errors
/// The database's.
pub async fn mark_sent(tx: &mut Tx, id: &str, holder: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE outbox SET sent_at = $3, leased_until = NULL, lease_holder = NULL, last_error = NULL
         WHERE id = $1 AND lease_holder = $2 AND sent_at IS NULL AND gave_up_at IS NULL",
    )
    .bind(id)
    .bind(holder)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts the mail back until `due_at`. `error_kind` is a word such as `refused`, never text with an address in it.
/// False if `holder` had lost it to another worker.
///
/// # Errors
/// The database's.
pub async fn retry_at(
    tx: &mut Tx,
    id: &str,
    holder: &str,
    due_at: Timestamp,
    error_kind: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE outbox SET due_at = $3, leased_until = NULL, lease_holder = NULL, last_error = $4
         WHERE id = $1 AND lease_holder = $2 AND sent_at IS NULL AND gave_up_at IS NULL",
    )
    .bind(id)
    .bind(holder)
    .bind(due_at.0)
    .bind(error_kind)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets go of what `holder` has in hand: another may take it at once.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut Tx, holder: &str) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE outbox SET leased_until = NULL, lease_holder = NULL
         WHERE lease_holder = $1 AND sent_at IS NULL AND gave_up_at IS NULL",
    )
    .bind(holder)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Ends the mail unsent. False if `holder` had lost it to another worker.
///
/// # Errors
/// The database's.
pub async fn give_up(
    tx: &mut Tx,
    id: &str,
    holder: &str,
    now: Timestamp,
    error_kind: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE outbox SET gave_up_at = $3, leased_until = NULL, lease_holder = NULL, last_error = $4
         WHERE id = $1 AND lease_holder = $2 AND sent_at IS NULL AND gave_up_at IS NULL",
    )
    .bind(id)
    .bind(holder)
    .bind(now.0)
    .bind(error_kind)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes mails that ended before `time`, and says how many.
///
/// # Errors
/// The database's.
pub async fn delete_finished_before(tx: &mut Tx, time: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM outbox WHERE sent_at < $1 OR gave_up_at < $1").bind(time.0).execute(tx).await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_claimed() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
            assert!(CLAIM.contains(&format!("'{}'", kind.as_str())), "{kind:?}");
        }
        assert_eq!(MailKind::parse("newsletter"), None);
    }
}
