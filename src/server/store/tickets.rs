//! The table `tickets`: the stored half of a mailed secret. The other half is made with a key that is not in the database.

use super::{StoreError, Tx, accounts};
use crate::domain::{account::AccountId, factor::AssuranceLevel, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// What a ticket is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketKind {
    /// Choosing a new password.
    PasswordReset,
    /// Showing that mail to the account's address arrives.
    EmailConfirmation,
    /// Taking a new address, once mail to it arrives.
    EmailChange,
    /// Going back to the address before.
    EmailUndo,
    /// Choosing another user name.
    UsernameReset,
}

impl TicketKind {
    /// Its name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::EmailConfirmation => "email_confirmation",
            Self::EmailChange => "email_change",
            Self::EmailUndo => "email_undo",
            Self::UsernameReset => "username_reset",
        }
    }
}

/// A ticket as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct Ticket {
    pub id: String,
    pub account: Option<AccountId>,
    pub epoch: i64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub code_expires_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
    /// As it was typed, and its key.
    pub email: Option<(String, String)>,
    pub request_digest: String,
    pub asked_at: Timestamp,
    pub demanded_level: AssuranceLevel,
}

impl Ticket {
    /// Whether a mail carried its secrets. A link that an operator hands over has no code, and shows nothing of mail.
    #[must_use]
    pub fn was_mailed(&self) -> bool {
        self.code_expires_at > NOT_MAILED
    }
}

/// [`NewTicket::code_expires_at`] of a ticket that no mail carries.
pub const NOT_MAILED: Timestamp = Timestamp(0);

/// What a new ticket is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewTicket {
    pub id: String,
    pub account: Option<AccountId>,
    pub kind: TicketKind,
    pub request_digest: String,
    pub epoch: i64,
    pub expires_at: Timestamp,
    pub code_expires_at: Timestamp,
    /// As it was typed, and its key.
    pub email: Option<(String, String)>,
    /// If it was before the ticket is made.
    pub asked_at: Option<Timestamp>,
    pub demanded_level: AssuranceLevel,
}

/// What [`read`] reads.
const COLUMNS: &str = "id, account_id, epoch, created_at, expires_at, code_expires_at, consumed_at, email, email_key,
    request_digest, COALESCE(asked_at, created_at) AS was_asked_at, demanded_level";

fn read(row: &AnyRow) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        id: row.try_get("id")?,
        account: row.try_get::<Option<i64>, _>("account_id")?.map(AccountId),
        epoch: row.try_get("epoch")?,
        created_at: Timestamp(row.try_get("created_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
        code_expires_at: Timestamp(row.try_get("code_expires_at")?),
        consumed_at: row.try_get::<Option<i64>, _>("consumed_at")?.map(Timestamp),
        email: row.try_get::<Option<String>, _>("email")?.zip(row.try_get("email_key")?),
        request_digest: row.try_get("request_digest")?,
        asked_at: Timestamp(row.try_get("was_asked_at")?),
        demanded_level: accounts::level(row.try_get("demanded_level")?)?,
    })
}

/// Adds a ticket.
///
/// # Errors
/// The database is away.
pub async fn insert(tx: &mut Tx, new: &NewTicket, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tickets (id, account_id, kind, request_digest, epoch, code_tries, created_at, expires_at,
                              code_expires_at, email, email_key, asked_at, demanded_level)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(new.id.as_str())
    .bind(new.account.map(|account| account.0))
    .bind(new.kind.as_str())
    .bind(new.request_digest.as_str())
    .bind(new.epoch)
    .bind(now.0)
    .bind(new.expires_at.0)
    .bind(new.code_expires_at.0)
    .bind(new.email.as_ref().map(|(email, _)| email.as_str()))
    .bind(new.email.as_ref().map(|(_, key)| key.as_str()))
    .bind(new.asked_at.map(|at| at.0))
    .bind(i64::from(new.demanded_level))
    .execute(tx)
    .await?;
    Ok(())
}

/// How many tickets of an account were made after `since`, and when the newest of them was.
///
/// # Errors
/// The database is away.
pub async fn made_since(
    tx: &mut Tx,
    account: AccountId,
    kind: TicketKind,
    since: Timestamp,
) -> Result<(i64, Option<Timestamp>), StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS made, MAX(created_at) AS newest FROM tickets
         WHERE account_id = $1 AND kind = $2 AND created_at > $3",
    )
    .bind(account.0)
    .bind(kind.as_str())
    .bind(since.0)
    .fetch_one(tx)
    .await?;
    Ok((row.try_get("made")?, row.try_get::<Option<i64>, _>("newest")?.map(Timestamp)))
}

/// The tickets of an account that nobody has consumed, newest first: one, where asking for a new one ends the older, and
/// of those that restore an address one a change. Many changes must not hide the first one's.
///
/// # Errors
/// The database is away.
pub async fn find_open(tx: &mut Tx, account: AccountId, kind: TicketKind) -> Result<Vec<Ticket>, StoreError> {
    find_where("consumed_at IS NULL", tx, account, kind).await
}

/// The tickets of an account that were used, or ended by something else, newest first.
///
/// # Errors
/// The database is away.
pub async fn find_used(tx: &mut Tx, account: AccountId, kind: TicketKind) -> Result<Vec<Ticket>, StoreError> {
    find_where("consumed_at IS NOT NULL", tx, account, kind).await
}

async fn find_where(
    condition: &'static str,
    tx: &mut Tx,
    account: AccountId,
    kind: TicketKind,
) -> Result<Vec<Ticket>, StoreError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM tickets
         WHERE account_id = $1 AND kind = $2 AND {condition} ORDER BY created_at DESC, id LIMIT 1000"
    )))
    .bind(account.0)
    .bind(kind.as_str())
    .fetch_all(tx)
    .await?;
    rows.iter().map(read).collect()
}

/// Counts one try at the typed code of the ticket that was asked for with this secret, and answers the ticket.
/// None if there is no such ticket or its tries are used up. Counting first makes parallel guesses count.
///
/// # Errors
/// The database is away.
pub async fn count_try(
    tx: &mut Tx,
    kind: TicketKind,
    request_digest: &str,
    most: i64,
) -> Result<Option<Ticket>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE tickets SET code_tries = code_tries + 1
         WHERE request_digest = $1 AND code_tries < $2 AND consumed_at IS NULL AND kind = $3
         RETURNING {COLUMNS}"
    )))
    .bind(request_digest)
    .bind(most)
    .bind(kind.as_str())
    .fetch_optional(tx)
    .await?;
    row.map(|row| read(&row)).transpose()
}

/// Lets the codes of an account's open tickets work in another browser: the one that holds this secret.
///
/// # Errors
/// The database is away.
pub async fn rebind(tx: &mut Tx, account: AccountId, kind: TicketKind, request_digest: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tickets SET request_digest = $3 WHERE id = (
             SELECT id FROM tickets WHERE account_id = $1 AND kind = $2 AND consumed_at IS NULL
             ORDER BY created_at DESC, id LIMIT 1)",
    )
    .bind(account.0)
    .bind(kind.as_str())
    .bind(request_digest)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes a counted try back: the code was right, only the new password was not.
///
/// # Errors
/// The database is away.
pub async fn take_back_try(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE tickets SET code_tries = code_tries - 1 WHERE id = $1 AND code_tries > 0")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Uses a ticket up. False if somebody else did first, or its time is over.
///
/// # Errors
/// The database is away.
pub async fn consume(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done =
        sqlx::query("UPDATE tickets SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2")
            .bind(id)
            .bind(now.0)
            .execute(tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every ticket of an account: older links die when a newer one is asked for or one has worked.
///
/// # Errors
/// The database is away.
pub async fn consume_all_for(
    tx: &mut Tx,
    account: AccountId,
    kind: TicketKind,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE tickets SET consumed_at = $3 WHERE account_id = $1 AND kind = $2 AND consumed_at IS NULL")
        .bind(account.0)
        .bind(kind.as_str())
        .bind(now.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Ends the tickets of a kind that were made after the one which expires at `expires_at`: kinds live equally long.
///
/// # Errors
/// The database is away.
pub async fn consume_later(
    tx: &mut Tx,
    account: AccountId,
    kind: TicketKind,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tickets SET consumed_at = $4
         WHERE account_id = $1 AND kind = $2 AND expires_at >= $3 AND consumed_at IS NULL",
    )
    .bind(account.0)
    .bind(kind.as_str())
    .bind(expires_at.0)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes tickets that died before `long_ago`.
///
/// # Errors
/// The database is away.
pub async fn delete_dead(tx: &mut Tx, long_ago: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM tickets WHERE expires_at < $1").bind(long_ago.0).execute(tx).await?;
    Ok(done.rows_affected())
}
