//! The table `accounts`.

pub use super::account_ends::{purge, set_delete_at};

use super::{StoreError, Tx};
use crate::domain::{
    account::{Account, AccountId},
    factor::AssuranceLevel,
    time::Timestamp,
};
use sqlx::{Row as _, any::AnyRow};

/// Seconds after a new password from which on browsers are known that sign in with it.
const KNOWN_AFTER: i64 = 1;

/// An account as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct StoredAccount {
    pub account: Account,
    pub email_key: String,
    pub username_key: String,
    pub password_hash: Option<String>,
    pub security_epoch: i64,
    pub known_since: Timestamp,
    pub disabled_at: Option<Timestamp>,
    pub admin_since: Option<Timestamp>,
    pub demanded_level: AssuranceLevel,
}

impl StoredAccount {
    /// Whether its owner may sign in and stay signed in.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Whether it is still the account that it was: with the same epoch, and mail for it at the same address, as sure as then.
    #[must_use]
    pub fn is_reached_as(&self, before: &Self) -> bool {
        let of = |account: &Self| (account.security_epoch, account.account.email_verified_at);
        of(self) == of(before) && self.email_key == before.email_key
    }

    /// Whether the password was last set, or made void, at this time.
    #[must_use]
    pub fn password_was_set(&self, at: Timestamp) -> bool {
        self.known_since == at.plus(KNOWN_AFTER)
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
    /// None: only a reset leads in.
    pub password_hash: Option<String>,
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
    .bind(new.password_hash.as_deref())
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
/// (SQLite has one writer anyway and no `FOR UPDATE`; this is the same on both.) False if there is no such account.
///
/// # Errors
/// The database is away.
pub async fn hold(tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
    let held = sqlx::query("UPDATE accounts SET id = id WHERE id = $1").bind(id.0).execute(tx).await?;
    Ok(held.rows_affected() == 1)
}

/// Notes a sign-in, and holds the account's row as [`hold`] does. False if its epoch is another one by now, or if a password
/// was shown and the account has none any more.
///
/// # Errors
/// The database is away.
pub async fn set_last_login(
    tx: &mut Tx,
    id: AccountId,
    (epoch, by_password): (i64, bool),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "UPDATE accounts SET last_login_at = $3
         WHERE id = $1 AND security_epoch = $2 AND ($4 = 0 OR password_hash IS NOT NULL)",
    );
    let noted = noted.bind(id.0).bind(epoch).bind(now.0).bind(i64::from(by_password));
    Ok(noted.execute(tx).await?.rows_affected() == 1)
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

/// Sets a new password and, with the epoch, ends every session. No browser is known any more.
///
/// # Errors
/// The database is away.
pub async fn set_password(tx: &mut Tx, id: AccountId, hash: &str, now: Timestamp) -> Result<(), StoreError> {
    replace_password(tx, id, Some(hash), now).await
}

async fn replace_password(tx: &mut Tx, id: AccountId, hash: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE accounts SET password_hash = $2, security_epoch = security_epoch + 1, known_since = $3 WHERE id = $1",
    )
    .bind(id.0)
    .bind(hash)
    // Whoever signed in within this second knew the old one.
    .bind(now.plus(KNOWN_AFTER).0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes an account's password away; its sessions go on. False if it had none.
///
/// # Errors
/// The database is away.
pub async fn forget_password(tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE accounts SET password_hash = NULL WHERE id = $1 AND password_hash IS NOT NULL")
        .bind(id.0)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the password away and ends every session: only a reset by mail leads in again.
///
/// # Errors
/// The database is away.
pub async fn remove_password(tx: &mut Tx, id: AccountId, now: Timestamp) -> Result<(), StoreError> {
    replace_password(tx, id, None, now).await
}

/// The number that sessions of this account must carry to live.
///
/// # Errors
/// The database is away.
pub async fn epoch(tx: &mut Tx, id: AccountId) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT security_epoch FROM accounts WHERE id = $1").bind(id.0).fetch_one(tx).await?;
    Ok(row.try_get(0)?)
}

/// Notes that mail to this address arrives at its owner. False if the account has another address by now.
///
/// # Errors
/// The database is away.
pub async fn confirm_email(tx: &mut Tx, id: AccountId, email_key: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE accounts SET email_verified_at = COALESCE(email_verified_at, $3) WHERE id = $1 AND email_key = $2",
    )
    .bind(id.0)
    .bind(email_key)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Exchanges the address for another one that is confirmed. False if it is not `old_key` any more.
///
/// # Errors
/// `Taken` if another account has the address; the database is away.
pub async fn set_email(
    tx: &mut Tx,
    id: AccountId,
    old_key: &str,
    (email, key): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE accounts SET email = $3, email_key = $4, email_verified_at = $5 WHERE id = $1 AND email_key = $2",
    )
    .bind(id.0)
    .bind(old_key)
    .bind(email)
    .bind(key)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes the user name.
///
/// # Errors
/// `Taken` if another account has it; the database is away.
pub async fn set_username(tx: &mut Tx, id: AccountId, username: &str, key: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET username = $2, username_key = $3 WHERE id = $1")
        .bind(id.0)
        .bind(username)
        .bind(key)
        .execute(tx)
        .await?;
    Ok(())
}

/// Changes names and time zone.
///
/// # Errors
/// The database is away.
pub async fn set_profile(
    tx: &mut Tx,
    id: AccountId,
    first_name: &str,
    last_name: &str,
    time_zone: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET first_name = $2, last_name = $3, time_zone = $4 WHERE id = $1")
        .bind(id.0)
        .bind(first_name)
        .bind(last_name)
        .bind(time_zone)
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

/// Makes an account an administrator's from then on, or with nothing anybody's, and ends every session.
///
/// # Errors
/// The database is away.
pub async fn set_admin(tx: &mut Tx, id: AccountId, since: Option<Timestamp>) -> Result<(), StoreError> {
    sqlx::query("UPDATE accounts SET admin_since = $2, security_epoch = security_epoch + 1 WHERE id = $1")
        .bind(id.0)
        .bind(since.map(|at| at.0))
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
            email_verified_at: row.try_get::<Option<i64>, _>("email_verified_at")?.map(Timestamp),
            time_zone: row.try_get("time_zone")?,
            delete_at: row.try_get::<Option<i64>, _>("delete_at")?.map(Timestamp),
        },
        email_key: row.try_get("email_key")?,
        username_key: row.try_get("username_key")?,
        password_hash: row.try_get("password_hash")?,
        security_epoch: row.try_get("security_epoch")?,
        known_since: Timestamp(row.try_get("known_since")?),
        disabled_at: row.try_get::<Option<i64>, _>("disabled_at")?.map(Timestamp),
        admin_since: row.try_get::<Option<i64>, _>("admin_since")?.map(Timestamp),
        demanded_level: level(row.try_get("demanded_level")?)?,
    })
}

/// A level as it is stored.
pub(super) fn level(number: i64) -> Result<AssuranceLevel, StoreError> {
    Ok(AssuranceLevel::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))?)
}
