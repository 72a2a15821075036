//! The table `accounts`, for accounts that come from another system with their numbers, dates and hashes.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::Row as _;

/// An account as it was elsewhere.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct ImportedAccount {
    pub id: AccountId,
    pub email: String,
    pub email_key: String,
    pub username: String,
    pub username_key: String,
    pub first_name: String,
    pub last_name: String,
    pub password_hash: Option<String>,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
    pub email_verified_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
}

/// Adds it. False, and nothing is done, if its number, address or name is in use.
///
/// # Errors
/// The database is away.
pub async fn insert(tx: &mut Tx, account: &ImportedAccount, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO accounts (id, email, email_key, username, username_key, first_name, last_name, password_hash,
                               security_epoch, created_at, last_login_at, email_verified_at, disabled_at, imported_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13)
         ON CONFLICT DO NOTHING",
    )
    .bind(account.id.0)
    .bind(account.email.as_str())
    .bind(account.email_key.as_str())
    .bind(account.username.as_str())
    .bind(account.username_key.as_str())
    .bind(account.first_name.as_str())
    .bind(account.last_name.as_str())
    .bind(account.password_hash.as_deref())
    .bind(account.created_at.0)
    .bind(account.last_login_at.map(|at| at.0))
    .bind(account.email_verified_at.map(|at| at.0))
    .bind(account.disabled_at.map(|at| at.0))
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the tables are those of this version: a look at a database that an older one left cannot tell what would fit.
///
/// # Errors
/// `Broken` if they are not; the database is away.
pub async fn check_tables(tx: &mut Tx) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT COUNT(imported_at) FROM accounts WHERE id < 0").fetch_one(tx).await?;
    row.try_get::<i64, _>(0)?;
    Ok(())
}
