//! The table `replicas`: signs of life of the servers on this database, by their own clocks.

use super::{StoreError, Tx};
use crate::domain::time::Timestamp;
use sqlx::Row as _;

/// A server as it last showed itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct Replica {
    pub id: String,
    pub version: String,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    pub keys: String,
}

/// Notes that this server lives, as of its `seen_at`.
///
/// # Errors
/// The database is away.
pub async fn sign(tx: &mut Tx, replica: &Replica) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO replicas (id, version, started_at, seen_at, keys) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, keys = excluded.keys",
    )
    .bind(replica.id.as_str())
    .bind(replica.version.as_str())
    .bind(replica.started_at.0)
    .bind(replica.seen_at.0)
    .bind(replica.keys.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

/// All servers of which there is a sign of life, those that started first in front.
///
/// # Errors
/// The database is away.
pub async fn list(tx: &mut Tx) -> Result<Vec<Replica>, StoreError> {
    let rows = sqlx::query("SELECT id, version, started_at, seen_at, keys FROM replicas ORDER BY started_at, id");
    let read = |row: &sqlx::any::AnyRow| {
        Ok(Replica {
            id: row.try_get("id")?,
            version: row.try_get("version")?,
            started_at: Timestamp(row.try_get("started_at")?),
            seen_at: Timestamp(row.try_get("seen_at")?),
            keys: row.try_get("keys")?,
        })
    };
    rows.fetch_all(tx).await?.iter().map(read).collect()
}

/// This server has stopped.
///
/// # Errors
/// The database is away.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM replicas WHERE id = $1").bind(id).execute(tx).await?;
    Ok(())
}

/// Forgets servers that were silent since before `before`: they were killed, and have other ids now. Answers how many.
///
/// # Errors
/// The database is away.
pub async fn delete_silent(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let deleted = sqlx::query("DELETE FROM replicas WHERE seen_at < $1").bind(before.0).execute(tx).await?;
    Ok(deleted.rows_affected())
}
