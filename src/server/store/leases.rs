//! The table `leases`: work that one server does for all.

use super::{StoreError, Tx};
use crate::domain::time::Timestamp;

/// Takes the work called `name` for `holder` until `until`, if nobody else has it now; whoever has it already keeps it
/// for longer. Whether it is theirs.
///
/// # Errors
/// The database's.
pub async fn take(tx: &mut Tx, name: &str, holder: &str, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO leases (name, holder, until_at) VALUES ($1, $2, $4)
         ON CONFLICT (name) DO UPDATE SET holder = $2, until_at = $4
         WHERE leases.holder = $2 OR leases.until_at <= $3",
    )
    .bind(name)
    .bind(holder)
    .bind(now.0)
    .bind(until.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets go of all work that `holder` has, so that another takes it at once.
///
/// # Errors
/// The database's.
pub async fn release_all(tx: &mut Tx, holder: &str) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM leases WHERE holder = $1").bind(holder).execute(tx).await?;
    Ok(done.rows_affected())
}
