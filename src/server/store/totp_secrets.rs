//! The table `totp_secrets`: authenticator apps, the one that is in use and the one that waits for its first code.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, factor::TotpSummary, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// An authenticator app as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct StoredTotp {
    pub id: String,
    pub account: AccountId,
    pub sealed: String,
    pub expires_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub last_step: i64,
    pub last_used_at: Option<Timestamp>,
}

impl StoredTotp {
    /// What its owner sees of it; nothing while it waits.
    #[must_use]
    pub fn summary(&self) -> Option<TotpSummary> {
        self.confirmed_at.map(|confirmed_at| TotpSummary { confirmed_at, last_used_at: self.last_used_at })
    }
}

/// What [`read`] reads.
const COLUMNS: &str = "id, account_id, sealed, expires_at, confirmed_at, last_step, last_used_at";

fn read(row: &AnyRow) -> Result<StoredTotp, StoreError> {
    Ok(StoredTotp {
        id: row.try_get("id")?,
        account: AccountId(row.try_get("account_id")?),
        sealed: row.try_get("sealed")?,
        expires_at: Timestamp(row.try_get("expires_at")?),
        confirmed_at: row.try_get::<Option<i64>, _>("confirmed_at")?.map(Timestamp),
        last_step: row.try_get("last_step")?,
        last_used_at: row.try_get::<Option<i64>, _>("last_used_at")?.map(Timestamp),
    })
}

/// Lets a new secret wait for its first code, in place of one that waits.
///
/// # Errors
/// The database is away.
pub async fn insert(
    tx: &mut Tx,
    id: &str,
    account: AccountId,
    sealed: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    delete_waiting(tx, account).await?;
    sqlx::query(
        "INSERT INTO totp_secrets (id, account_id, sealed, created_at, expires_at, last_step)
         VALUES ($1, $2, $3, $4, $5, 0)",
    )
    .bind(id)
    .bind(account.0)
    .bind(sealed)
    .bind(now.0)
    .bind(expires_at.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// The app that an account uses.
///
/// # Errors
/// The database is away.
pub async fn confirmed(tx: &mut Tx, account: AccountId) -> Result<Option<StoredTotp>, StoreError> {
    find_where("confirmed_at IS NOT NULL", tx, account).await
}

/// The app that waits for its first code, also if it has waited too long.
///
/// # Errors
/// The database is away.
pub async fn waiting(tx: &mut Tx, account: AccountId) -> Result<Option<StoredTotp>, StoreError> {
    find_where("confirmed_at IS NULL", tx, account).await
}

async fn find_where(
    condition: &'static str,
    tx: &mut Tx,
    account: AccountId,
) -> Result<Option<StoredTotp>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM totp_secrets WHERE account_id = $1 AND {condition}");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account.0).fetch_optional(tx).await?;
    row.map(|row| read(&row)).transpose()
}

/// Takes the code of a step. False if that step, or a later one, was taken before: also by somebody at the same time.
///
/// # Errors
/// The database is away.
pub async fn take_step(tx: &mut Tx, id: &str, step: i64, now: Timestamp) -> Result<bool, StoreError> {
    let done =
        sqlx::query("UPDATE totp_secrets SET last_step = $2, last_used_at = $3 WHERE id = $1 AND last_step < $2")
            .bind(id)
            .bind(step)
            .bind(now.0)
            .execute(tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts the app that waits into the place of the one in use, if there is one, with another seal. False if it does not wait
/// any more: then nothing changes.
///
/// # Errors
/// The database is away.
pub async fn confirm(
    tx: &mut Tx,
    id: &str,
    account: AccountId,
    sealed: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const WAITS: &str = "account_id = $2 AND confirmed_at IS NULL AND expires_at > $3";
    let delete = format!(
        "DELETE FROM totp_secrets WHERE account_id = $2 AND confirmed_at IS NOT NULL
                                    AND EXISTS (SELECT 1 FROM totp_secrets WHERE id = $1 AND {WAITS})"
    );
    sqlx::query(sqlx::AssertSqlSafe(delete)).bind(id).bind(account.0).bind(now.0).execute(&mut *tx).await?;
    let done = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE totp_secrets SET confirmed_at = $3, sealed = $4 WHERE id = $1 AND {WAITS}"
    )))
    .bind(id)
    .bind(account.0)
    .bind(now.0)
    .bind(sealed)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the app of an account that waits for its first code, if there is one.
///
/// # Errors
/// The database is away.
pub async fn delete_waiting(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM totp_secrets WHERE account_id = $1 AND confirmed_at IS NULL")
        .bind(account.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes an account's apps, waiting ones too.
///
/// # Errors
/// The database is away.
pub async fn delete_of(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM totp_secrets WHERE account_id = $1").bind(account.0).execute(tx).await?;
    Ok(())
}

/// At most `most` apps in use whose id comes after `after`, by id: to look through all of them. Those that wait are sealed
/// for whoever has begun them, and wait for minutes only.
///
/// # Errors
/// The database is away.
pub async fn after(tx: &mut Tx, after: &str, most: i64) -> Result<Vec<StoredTotp>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM totp_secrets WHERE id > $1 AND confirmed_at IS NOT NULL ORDER BY id LIMIT $2");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after).bind(most).fetch_all(tx).await?;
    rows.iter().map(read).collect()
}

/// Puts another seal in the place of one, if it is still there.
///
/// # Errors
/// The database is away.
pub async fn reseal(tx: &mut Tx, id: &str, old: &str, new: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE totp_secrets SET sealed = $3 WHERE id = $1 AND sealed = $2")
        .bind(id)
        .bind(old)
        .bind(new)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes apps that have waited too long.
///
/// # Errors
/// The database is away.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM totp_secrets WHERE confirmed_at IS NULL AND expires_at <= $1")
        .bind(now.0)
        .execute(tx)
        .await?;
    Ok(())
}
