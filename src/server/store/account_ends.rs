//! The table `accounts`: how an account ends.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::Row as _;

/// Sets when the account is to be purged and ends every session, or with nothing keeps it.
///
/// # Errors
/// The database is away.
pub async fn set_delete_at(tx: &mut Tx, id: AccountId, at: Option<Timestamp>) -> Result<(), StoreError> {
    let end = i64::from(at.is_some());
    sqlx::query("UPDATE accounts SET delete_at = $2, security_epoch = security_epoch + $3 WHERE id = $1")
        .bind(id.0)
        .bind(at.map(|at| at.0))
        .bind(end)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes up to `most` accounts whose time has come, with all that hangs on them, and answers their ids and, of those that were
/// lived in, the user-name keys.
/// An account whose earlier address can still be restored stays until then: somebody else may have asked for its end.
/// `unconfirmed_before`: accounts made before it that never confirmed their address and never signed in go too, but for
/// those that were imported.
///
/// # Errors
/// The database is away.
pub async fn purge(
    tx: &mut Tx,
    now: Timestamp,
    unconfirmed_before: Option<Timestamp>,
    most: i64,
) -> Result<Vec<(AccountId, Option<String>)>, StoreError> {
    let rows = sqlx::query(
        "DELETE FROM accounts WHERE id IN (
             SELECT id FROM accounts
             WHERE (delete_at <= $1 OR (email_verified_at IS NULL AND last_login_at IS NULL AND imported_at IS NULL
                                        AND created_at < $2))
               AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.account_id = accounts.id AND kind = 'email_undo'
                                                       AND consumed_at IS NULL AND expires_at > $1)
             LIMIT $3)
           -- Once more: PostgreSQL looks only at this after it has waited for somebody who keeps or confirms the account.
           AND (delete_at <= $1 OR (email_verified_at IS NULL AND last_login_at IS NULL AND imported_at IS NULL
                                    AND created_at < $2))
         RETURNING id, CASE WHEN last_login_at IS NULL THEN NULL ELSE username_key END AS username_key",
    )
    .bind(now.0)
    .bind(unconfirmed_before.map_or(i64::MIN, |at| at.0))
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok((AccountId(row.try_get("id")?), row.try_get("username_key")?))).collect()
}
