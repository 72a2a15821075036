//! How rows of `sessions` end.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::Row as _;

/// Ends a session. Answers whose it was and its public name; nothing if it had ended before.
///
/// # Errors
/// The database is away.
pub async fn revoke(
    tx: &mut Tx,
    rid: &str,
    why: &str,
    now: Timestamp,
) -> Result<Option<(AccountId, String)>, StoreError> {
    let row = sqlx::query(
        "UPDATE sessions SET revoked_at = $3, revoked_why = $2 WHERE rid = $1 AND revoked_at IS NULL
         RETURNING account_id, sid",
    )
    .bind(rid)
    .bind(why)
    .bind(now.0)
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok((AccountId(row.try_get("account_id")?), row.try_get("sid")?))).transpose()
}

/// Ends the live sessions of an account that have been unused longest, all but `keep` of them. `newest` always stays.
///
/// # Errors
/// The database is away.
pub async fn revoke_beyond(
    tx: &mut Tx,
    account: AccountId,
    newest: &str,
    keep: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sessions SET revoked_at = $3, revoked_why = 'too_many'
         WHERE revoked_at IS NULL AND account_id = $1 AND rid <> $4 AND rid NOT IN (
             SELECT rid FROM sessions WHERE account_id = $1 AND rid <> $4 AND revoked_at IS NULL AND expires_at > $3
             ORDER BY minted_at DESC, created_at DESC, rid LIMIT $2)",
    )
    .bind(account.0)
    .bind(keep.saturating_sub(1))
    .bind(now.0)
    .bind(newest)
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends the session of that public name, if it is this account's and has not ended.
///
/// # Errors
/// The database is away.
pub async fn revoke_public(
    tx: &mut Tx,
    account: AccountId,
    sid: &str,
    why: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sessions SET revoked_at = $4, revoked_why = $3
         WHERE sid = $1 AND account_id = $2 AND revoked_at IS NULL",
    )
    .bind(sid)
    .bind(account.0)
    .bind(why)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of an account but the one of that public name.
///
/// # Errors
/// The database is away.
pub async fn revoke_others(
    tx: &mut Tx,
    account: AccountId,
    but_sid: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sessions SET revoked_at = $4, revoked_why = $3
         WHERE account_id = $1 AND sid <> $2 AND revoked_at IS NULL",
    )
    .bind(account.0)
    .bind(but_sid)
    .bind(why)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes what ended before `long_ago`: expired or revoked, nobody can use it any more.
///
/// # Errors
/// The database is away.
pub async fn delete_ended(tx: &mut Tx, long_ago: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM sessions WHERE expires_at < $1 OR revoked_at < $1")
        .bind(long_ago.0)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}
