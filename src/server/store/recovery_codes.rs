//! The table `recovery_codes`: ten an account, as hashes.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::Row as _;

/// Puts new codes, by their first letter and hash, into the place of all older ones.
///
/// # Errors
/// The database is away.
pub async fn replace(
    tx: &mut Tx,
    account: AccountId,
    codes: &[(String, String)],
    now: Timestamp,
) -> Result<(), StoreError> {
    delete_of(tx, account).await?;
    for (slot, hash) in codes {
        sqlx::query("INSERT INTO recovery_codes (account_id, slot, code_hash, created_at) VALUES ($1, $2, $3, $4)")
            .bind(account.0)
            .bind(slot.as_str())
            .bind(hash.as_str())
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// How many codes of an account are left.
///
/// # Errors
/// The database is away.
pub async fn count_left(tx: &mut Tx, account: AccountId) -> Result<usize, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) AS codes FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL")
        .bind(account.0)
        .fetch_one(tx)
        .await?;
    Ok(usize::try_from(row.try_get::<i64, _>("codes")?).unwrap_or_default())
}

/// The hash of the code that begins with this letter, if it is not used.
///
/// # Errors
/// The database is away.
pub async fn hash_of(tx: &mut Tx, account: AccountId, slot: &str) -> Result<Option<String>, StoreError> {
    let row =
        sqlx::query("SELECT code_hash FROM recovery_codes WHERE account_id = $1 AND slot = $2 AND used_at IS NULL")
            .bind(account.0)
            .bind(slot)
            .fetch_optional(tx)
            .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Uses up the code with this hash. False if it was used before, also by somebody at the same time, or is gone.
///
/// # Errors
/// The database is away.
pub async fn consume(tx: &mut Tx, account: AccountId, hash: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE recovery_codes SET used_at = $3 WHERE account_id = $1 AND code_hash = $2 AND used_at IS NULL",
    )
    .bind(account.0)
    .bind(hash)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes all codes of an account.
///
/// # Errors
/// The database is away.
pub async fn delete_of(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM recovery_codes WHERE account_id = $1").bind(account.0).execute(tx).await?;
    Ok(())
}
