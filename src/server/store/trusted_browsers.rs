//! The table `trusted_browsers`: where the second factor is not asked for.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, factor::TrustedBrowser, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// What a new entry is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewTrustedBrowser {
    pub id: String,
    pub account: AccountId,
    pub secret_digest: String,
    pub device_label: String,
    pub ip: String,
    pub expires_at: Timestamp,
}

fn read(row: &AnyRow) -> Result<TrustedBrowser, StoreError> {
    Ok(TrustedBrowser {
        id: row.try_get("id")?,
        device_label: row.try_get("device_label")?,
        ip: row.try_get("ip")?,
        created_at: Timestamp(row.try_get("created_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
        last_used_at: Timestamp(row.try_get("last_used_at")?),
    })
}

/// Trusts a browser.
///
/// # Errors
/// The database is away.
pub async fn insert(tx: &mut Tx, new: &NewTrustedBrowser, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO trusted_browsers (id, account_id, secret_digest, device_label, ip, created_at, expires_at,
                                       last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $6)",
    )
    .bind(new.id.as_str())
    .bind(new.account.0)
    .bind(new.secret_digest.as_str())
    .bind(new.device_label.as_str())
    .bind(new.ip.as_str())
    .bind(now.0)
    .bind(new.expires_at.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// The digest of the secret that an account's trusted browser keeps, as long as it is trusted.
///
/// # Errors
/// The database is away.
pub async fn digest_of(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let row =
        sqlx::query("SELECT secret_digest FROM trusted_browsers WHERE id = $1 AND account_id = $2 AND expires_at > $3")
            .bind(id)
            .bind(account.0)
            .bind(now.0)
            .fetch_optional(tx)
            .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Notes a sign-in without a second factor. False if the browser is not trusted any more.
///
/// # Errors
/// The database is away.
pub async fn note_use(tx: &mut Tx, account: AccountId, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE trusted_browsers SET last_used_at = $3 WHERE id = $1 AND account_id = $2 AND expires_at > $3",
    )
    .bind(id)
    .bind(account.0)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The trusted browsers of an account, the one used last first.
///
/// # Errors
/// The database is away.
pub async fn of_account(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<Vec<TrustedBrowser>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, device_label, ip, created_at, expires_at, last_used_at FROM trusted_browsers
         WHERE account_id = $1 AND expires_at > $2 ORDER BY last_used_at DESC, id LIMIT 1000",
    )
    .bind(account.0)
    .bind(now.0)
    .fetch_all(tx)
    .await?;
    rows.iter().map(read).collect()
}

/// Trusts a browser no more. False if the account has none with that id.
///
/// # Errors
/// The database is away.
pub async fn delete(tx: &mut Tx, account: AccountId, id: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM trusted_browsers WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(account.0)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Trusts no browser of an account any more, and answers how many there were.
///
/// # Errors
/// The database is away.
pub async fn delete_of(tx: &mut Tx, account: AccountId) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM trusted_browsers WHERE account_id = $1").bind(account.0).execute(tx).await?;
    Ok(done.rows_affected())
}

/// Deletes entries whose time is over.
///
/// # Errors
/// The database is away.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM trusted_browsers WHERE expires_at <= $1").bind(now.0).execute(tx).await?;
    Ok(())
}
