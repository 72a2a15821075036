//! The table `challenges`: sign-ins that wait for a factor.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, factor::Wants, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// A sign-in that waits.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct Challenge {
    pub id: String,
    pub account: AccountId,
    pub wants: Wants,
    pub epoch: i64,
    pub remembered: bool,
    pub next: String,
    pub tries: i64,
    pub expires_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
}

/// What a new one is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewChallenge {
    pub id: String,
    pub account: AccountId,
    pub wants: Wants,
    pub epoch: i64,
    pub remembered: bool,
    pub next: String,
    pub expires_at: Timestamp,
}

fn read(row: &AnyRow) -> Result<Challenge, StoreError> {
    let wants: String = row.try_get("wants")?;
    let unknown = || sqlx::Error::Decode("a challenge wants something unknown".into());
    Ok(Challenge {
        id: row.try_get("id")?,
        account: AccountId(row.try_get("account_id")?),
        wants: Wants::parse(&wants).ok_or_else(unknown)?,
        epoch: row.try_get("epoch")?,
        remembered: row.try_get::<i64, _>("remembered")? != 0,
        next: row.try_get("next")?,
        tries: row.try_get("tries")?,
        expires_at: Timestamp(row.try_get("expires_at")?),
        consumed_at: row.try_get::<Option<i64>, _>("consumed_at")?.map(Timestamp),
    })
}

/// Lets a sign-in wait.
///
/// # Errors
/// The database is away.
pub async fn insert(tx: &mut Tx, new: &NewChallenge, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO challenges (id, account_id, wants, epoch, remembered, next, tries, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
    )
    .bind(new.id.as_str())
    .bind(new.account.0)
    .bind(new.wants.as_str())
    .bind(new.epoch)
    .bind(i64::from(new.remembered))
    .bind(new.next.as_str())
    .bind(now.0)
    .bind(new.expires_at.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// The sign-in with that id, also if it is over.
///
/// # Errors
/// The database is away.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Challenge>, StoreError> {
    let row = sqlx::query(
        "SELECT id, account_id, wants, epoch, remembered, next, tries, expires_at, consumed_at
         FROM challenges WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    row.map(|row| read(&row)).transpose()
}

/// Counts a guess. None if there were `most` already, also together with others at the same time, or it is over; else how
/// many there are now.
///
/// # Errors
/// The database is away.
pub async fn count_try(tx: &mut Tx, id: &str, most: i64, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query(
        "UPDATE challenges SET tries = tries + 1
         WHERE id = $1 AND tries < $2 AND consumed_at IS NULL AND expires_at > $3 RETURNING tries",
    )
    .bind(id)
    .bind(most)
    .bind(now.0)
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Takes a guess back that was none: the server was too busy to judge it.
///
/// # Errors
/// The database is away.
pub async fn take_back_try(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE challenges SET tries = tries - 1 WHERE id = $1 AND tries > 0").bind(id).execute(tx).await?;
    Ok(())
}

/// Ends a sign-in that waits. False if it was over already, also by somebody at the same time.
///
/// # Errors
/// The database is away.
pub async fn consume(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done =
        sqlx::query("UPDATE challenges SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2")
            .bind(id)
            .bind(now.0)
            .execute(tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sign-ins of an account that wait.
///
/// # Errors
/// The database is away.
pub async fn consume_of(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE challenges SET consumed_at = $2 WHERE account_id = $1 AND consumed_at IS NULL")
        .bind(account.0)
        .bind(now.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes those that are over.
///
/// # Errors
/// The database is away.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM challenges WHERE expires_at <= $1").bind(now.0).execute(tx).await?;
    Ok(())
}
