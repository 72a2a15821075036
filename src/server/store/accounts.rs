//! The table `accounts`.

use super::{StoreError, Tx};
use crate::domain::{
    account::{Account, AccountId},
    time::Timestamp,
};
use sqlx::{Row as _, any::AnyRow};

/// An account as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct StoredAccount {
    pub account: Account,
    pub password_hash: Option<String>,
    pub security_epoch: i64,
    pub disabled_at: Option<Timestamp>,
}

impl StoredAccount {
    /// Whether its owner may sign in and stay signed in.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }
}

/// What a new account is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewAccount {
    pub id: AccountId,
    pub email: String,
    pub email_key: String,
    pub username: String,
    pub username_key: String,
    pub first_name: String,
    pub last_name: String,
    pub password_hash: String,
}

/// Which of an account's unique keys are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenKeys {
    /// Somebody has the address.
    pub email: Option<AccountId>,
    /// Somebody has the name.
    pub username: bool,
}

/// Adds an account.
///
/// # Errors
/// `Taken` if the id, the address or the name is in use; see [`taken_keys`].
pub async fn insert(tx: &mut Tx, new: &NewAccount, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO accounts (id, email, email_key, username, username_key, first_name, last_name, password_hash,
                               security_epoch, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
    )
    .bind(new.id.0)
    .bind(new.email.as_str())
    .bind(new.email_key.as_str())
    .bind(new.username.as_str())
    .bind(new.username_key.as_str())
    .bind(new.first_name.as_str())
    .bind(new.last_name.as_str())
    .bind(new.password_hash.as_str())
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of these keys are in use. Asked after `Taken`: SQLite does not name the constraint.
///
/// # Errors
/// The database is away.
pub async fn taken_keys(tx: &mut Tx, email_key: &str, username_key: &str) -> Result<TakenKeys, StoreError> {
    let email = sqlx::query("SELECT id FROM accounts WHERE email_key = $1").bind(email_key).fetch_optional(&mut *tx);
    let email = email.await?.map(|row| row.try_get(0).map(AccountId)).transpose()?;
    let name = sqlx::query("SELECT id FROM accounts WHERE username_key = $1").bind(username_key).fetch_optional(tx);
    Ok(TakenKeys { email, username: name.await?.is_some() })
}

/// The account with that e-mail key.
///
/// # Errors
/// The database is away.
pub async fn find_by_email(tx: &mut Tx, key: &str) -> Result<Option<StoredAccount>, StoreError> {
    let row = sqlx::query("SELECT * FROM accounts WHERE email_key = $1").bind(key).fetch_optional(tx).await?;
    row.map(|row| read(&row)).transpose()
}

/// The account with that user-name key.
///
/// # Errors
/// The database is away.
pub async fn find_by_username(tx: &mut Tx, key: &str) -> Result<Option<StoredAccount>, StoreError> {
    let row = sqlx::query("SELECT * FROM accounts WHERE username_key = $1").bind(key).fetch_optional(tx).await?;
    row.map(|row| read(&row)).transpose()
}

/// The account with that id.
///
/// # Errors
/// The database is away.
pub async fn find(tx: &mut Tx, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
    let row = sqlx::query("SELECT * FROM accounts WHERE id = $1").bind(id.0).fetch_optional(tx).await?;
    row.map(|row| read(&row)).transpose()
}

/// Holds an account's row until the transaction ends, so that what is counted about it cannot change meanwhile.
/// (SQLite has one writer anyway and no `FOR UPDATE`; this is the same on both.)
///
/// # Errors
/// The database is away.
pub async fn hold(tx: &mut Tx, id: AccountId) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET id = id WHERE id = $1").bind(id.0).execute(tx).await?;
    Ok(())
}

/// Notes a sign-in.
///
/// # Errors
/// The database is away.
pub async fn set_last_login(tx: &mut Tx, id: AccountId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET last_login_at = $2 WHERE id = $1").bind(id.0).bind(now.0).execute(tx).await?;
    Ok(())
}

/// Replaces a password's hash by another of the same password, if it has not changed meanwhile.
///
/// # Errors
/// The database is away.
pub async fn rehash(tx: &mut Tx, id: AccountId, old: &str, new: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
        .bind(id.0)
        .bind(old)
        .bind(new)
        .execute(tx)
        .await?;
    Ok(())
}

/// Sets a new password and, with the epoch, ends every session.
///
/// # Errors
/// The database is away.
pub async fn set_password(tx: &mut Tx, id: AccountId, hash: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET password_hash = $2, security_epoch = security_epoch + 1 WHERE id = $1")
        .bind(id.0)
        .bind(hash)
        .execute(tx)
        .await?;
    Ok(())
}

/// Disables an account and ends every session, or enables it again.
///
/// # Errors
/// The database is away.
pub async fn set_disabled(tx: &mut Tx, id: AccountId, at: Option<Timestamp>) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET disabled_at = $2, security_epoch = security_epoch + 1 WHERE id = $1")
        .bind(id.0)
        .bind(at.map(|at| at.0))
        .execute(tx)
        .await?;
    Ok(())
}

/// Ends every session of an account.
///
/// # Errors
/// The database is away.
pub async fn end_sessions(tx: &mut Tx, id: AccountId) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET security_epoch = security_epoch + 1 WHERE id = $1").bind(id.0).execute(tx).await?;
    Ok(())
}

/// Reads the account's columns of a row that has them under their own names.
pub(super) fn read(row: &AnyRow) -> Result<StoredAccount, StoreError> {
    Ok(StoredAccount {
        account: Account {
            id: AccountId(row.try_get("id")?),
            username: row.try_get("username")?,
            email: row.try_get("email")?,
            first_name: row.try_get("first_name")?,
            last_name: row.try_get("last_name")?,
            created_at: Timestamp(row.try_get("created_at")?),
            last_login_at: row.try_get::<Option<i64>, _>("last_login_at")?.map(Timestamp),
        },
        password_hash: row.try_get("password_hash")?,
        security_epoch: row.try_get("security_epoch")?,
        disabled_at: row.try_get::<Option<i64>, _>("disabled_at")?.map(Timestamp),
    })
}
