//! The table `reservations`: names and addresses that nobody else may take for a while.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::Row as _;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A user name that its owner left.
    Username,
    /// An address that its owner can still go back to.
    Email,
}

impl Kept {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// Keeps `key` for `account` (or from everybody) until then.
///
/// # Errors
/// The database is away.
pub async fn keep(
    tx: &mut Tx,
    kind: Kept,
    key: &str,
    account: Option<AccountId>,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO reservations (kind, name_key, account_id, until_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, name_key) DO UPDATE SET account_id = $3, until_at = $4",
    )
    .bind(kind.as_str())
    .bind(key)
    .bind(account.map(|account| account.0))
    .bind(until.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Refuses `key` if it is kept for somebody else. Ask **after** the key was written into `accounts`: only then has
/// whoever is leaving it committed, and is the answer about what is so now.
///
/// # Errors
/// `Taken` if it is kept for another; the database is away.
pub async fn refuse_kept(
    tx: &mut Tx,
    kind: Kept,
    key: &str,
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let kept = sqlx::query(
        "SELECT 1 FROM reservations
         WHERE kind = $1 AND name_key = $2 AND until_at > $4 AND (account_id IS NULL OR account_id <> $3)",
    )
    .bind(kind.as_str())
    .bind(key)
    .bind(account.0)
    .bind(now.0)
    .fetch_optional(tx)
    .await?;
    if kept.is_some() { Err(StoreError::Taken) } else { Ok(()) }
}

/// Whether `key` is kept for somebody else than `account`, and for whom.
///
/// # Errors
/// The database is away.
pub async fn is_kept(
    tx: &mut Tx,
    kind: Kept,
    key: &str,
    account: AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match refuse_kept(tx, kind, key, account, now).await {
        Ok(()) => Ok(false),
        Err(StoreError::Taken) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Lets `key` go.
///
/// # Errors
/// The database is away.
pub async fn release(tx: &mut Tx, kind: Kept, key: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM reservations WHERE kind = $1 AND name_key = $2")
        .bind(kind.as_str())
        .bind(key)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets who may still take what is kept: of an account that is gone. Its addresses can be restored no more.
///
/// # Errors
/// The database is away.
pub async fn forget_owner(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM reservations WHERE account_id = $1 AND kind = $2")
        .bind(account.0)
        .bind(Kept::Email.as_str())
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE reservations SET account_id = NULL WHERE account_id = $1").bind(account.0).execute(tx).await?;
    Ok(())
}

/// The user names that are kept for an account, as their keys.
///
/// # Errors
/// The database is away.
pub async fn names_of(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT name_key FROM reservations WHERE account_id = $1 AND kind = $2 AND until_at > $3 ORDER BY name_key",
    )
    .bind(account.0)
    .bind(Kept::Username.as_str())
    .bind(now.0)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Deletes what is kept no more.
///
/// # Errors
/// The database is away.
pub async fn delete_over(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM reservations WHERE until_at <= $1").bind(now.0).execute(tx).await?;
    Ok(())
}
