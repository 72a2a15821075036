//! The table `passkeys`, and the ceremonies that were finished.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, factor::PasskeySummary, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// A passkey as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct StoredPasskey {
    pub credential_id: String,
    pub account: AccountId,
    pub summary: PasskeySummary,
    pub record: String,
    pub sign_count: i64,
}

/// What a new passkey is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewPasskey {
    pub id: String,
    pub credential_id: String,
    pub account: AccountId,
    pub name: String,
    pub record: String,
}

/// What [`read`] reads.
const COLUMNS: &str = "id, credential_id, account_id, name, record, sign_count, created_at, last_used_at";

fn read(row: &AnyRow) -> Result<StoredPasskey, StoreError> {
    Ok(StoredPasskey {
        credential_id: row.try_get("credential_id")?,
        account: AccountId(row.try_get("account_id")?),
        summary: PasskeySummary {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            created_at: Timestamp(row.try_get("created_at")?),
            last_used_at: row.try_get::<Option<i64>, _>("last_used_at")?.map(Timestamp),
        },
        record: row.try_get("record")?,
        sign_count: row.try_get("sign_count")?,
    })
}

/// Adds a passkey.
///
/// # Errors
/// `Taken` if any account has that credential; the database is away.
pub async fn insert(tx: &mut Tx, new: &NewPasskey, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO passkeys (id, credential_id, account_id, name, record, sign_count, created_at)
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
    )
    .bind(new.id.as_str())
    .bind(new.credential_id.as_str())
    .bind(new.account.0)
    .bind(new.name.as_str())
    .bind(new.record.as_str())
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// The database is away.
pub async fn of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<StoredPasskey>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM passkeys WHERE account_id = $1 ORDER BY created_at, id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account.0).fetch_all(tx).await?;
    rows.iter().map(read).collect()
}

/// The passkey of that credential, and the handle of its account.
///
/// # Errors
/// The database is away.
pub async fn find(tx: &mut Tx, credential_id: &str) -> Result<Option<(StoredPasskey, Option<String>)>, StoreError> {
    let row = sqlx::query(
        "SELECT p.id, p.credential_id, p.account_id, p.name, p.record, p.sign_count, p.created_at, p.last_used_at,
             a.passkey_handle
         FROM passkeys p JOIN accounts a ON a.id = p.account_id WHERE p.credential_id = $1",
    )
    .bind(credential_id)
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok((read(&row)?, row.try_get("passkey_handle")?))).transpose()
}

/// Notes a use. False if the passkey is gone, or was used meanwhile so that the counter is another.
///
/// # Errors
/// The database is away.
pub async fn note_use(
    tx: &mut Tx,
    seen: &StoredPasskey,
    record: &str,
    sign_count: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE passkeys SET record = $3, sign_count = $4, last_used_at = $5 WHERE id = $1 AND sign_count = $2",
    )
    .bind(seen.summary.id.as_str())
    .bind(seen.sign_count)
    .bind(record)
    .bind(sign_count)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an account's passkey another name. False if it has none with that id.
///
/// # Errors
/// The database is away.
pub async fn rename(tx: &mut Tx, account: AccountId, id: &str, name: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE passkeys SET name = $3 WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(account.0)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes an account's passkey. False if it has none with that id.
///
/// # Errors
/// The database is away.
pub async fn delete(tx: &mut Tx, account: AccountId, id: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM passkeys WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(account.0)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes all passkeys of an account.
///
/// # Errors
/// The database is away.
pub async fn delete_of(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM passkeys WHERE account_id = $1").bind(account.0).execute(tx).await?;
    Ok(())
}

/// Finishes a ceremony. False if it was finished before, also by somebody at the same time.
///
/// # Errors
/// The database is away.
pub async fn spend(tx: &mut Tx, ceremony: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("INSERT INTO spent_ceremonies (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind(ceremony)
        .bind(expires_at.0)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a ceremony was finished.
///
/// # Errors
/// The database is away.
pub async fn is_spent(tx: &mut Tx, ceremony: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT id FROM spent_ceremonies WHERE id = $1").bind(ceremony).fetch_optional(tx).await?;
    Ok(row.is_some())
}

/// Forgets ceremonies that nobody can finish any more: they were over by then.
///
/// # Errors
/// The database is away.
pub async fn forget_spent(tx: &mut Tx, by: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM spent_ceremonies WHERE expires_at < $1").bind(by.0).execute(tx).await?;
    Ok(())
}
