//! What the tables of factors mean for an account: the assurance that it demands, and the handle of its passkeys.

use super::{StoreError, Tx, passkeys, recovery_codes, totp_secrets, trusted_browsers};
use crate::domain::{account::AccountId, factor::AssuranceLevel, time::Timestamp};
use sqlx::Row as _;

/// Brings `accounts.demanded_level` into line with the factors that an account has: 2 with an authenticator app or a
/// passkey, else 1, and then its recovery codes and trusted browsers go, too. Answers whether it has any. After each factor
/// that is added or removed, in its transaction.
///
/// # Errors
/// The database is away.
pub async fn settle(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "UPDATE accounts SET demanded_level = CASE
             WHEN EXISTS (SELECT 1 FROM totp_secrets WHERE account_id = $1 AND confirmed_at IS NOT NULL) THEN 2
             WHEN EXISTS (SELECT 1 FROM passkeys WHERE account_id = $1) THEN 2
             ELSE 1 END
         WHERE id = $1 RETURNING demanded_level",
    )
    .bind(account.0)
    .fetch_one(&mut *tx)
    .await?;
    let any = row.try_get::<i64, _>(0)? == 2;
    if !any {
        recovery_codes::delete_of(tx, account).await?;
        trusted_browsers::delete_of(tx, account).await?;
    }
    Ok(any)
}

/// Whether an account has an authenticator app or a passkey.
///
/// # Errors
/// The database is away.
pub async fn any(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    Ok(totp_secrets::confirmed(tx, account).await?.is_some() || !passkeys::of_account(tx, account).await?.is_empty())
}

/// Removes all factors of an account, and with them its recovery codes and trusted browsers; it demands none any more. False
/// if it had none and demanded none.
///
/// # Errors
/// The database is away.
pub async fn delete_of(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let demanding = sqlx::query("SELECT id FROM accounts WHERE id = $1 AND demanded_level = 2").bind(account.0);
    let demanded = demanding.fetch_optional(&mut *tx).await?.is_some();
    totp_secrets::delete_of(tx, account).await?;
    passkeys::delete_of(tx, account).await?;
    settle(tx, account).await?;
    Ok(demanded)
}

/// Removes the factors that were added since then, and recovery codes and trusted browsers made since then. An app that
/// waits for its first code goes as well: its secret may be known to whoever began that. An account that demanded `level`
/// before goes on doing so, even if nothing but recovery codes, or nothing at all, is left. Answers whether any factors went.
///
/// # Errors
/// The database is away.
pub async fn delete_since(
    tx: &mut Tx,
    account: AccountId,
    since: Timestamp,
    level: AssuranceLevel,
) -> Result<bool, StoreError> {
    let mut factors = 0;
    totp_secrets::delete_waiting(tx, account).await?;
    for (at, table) in [
        ("confirmed_at", "totp_secrets"),
        ("created_at", "passkeys"),
        ("created_at", "recovery_codes"),
        ("created_at", "trusted_browsers"),
    ] {
        let sql = format!("DELETE FROM {table} WHERE account_id = $1 AND {at} >= $2");
        let gone = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account.0).bind(since.0).execute(&mut *tx).await?;
        if ["totp_secrets", "passkeys"].contains(&table) {
            factors += gone.rows_affected();
        }
    }
    if level == AssuranceLevel::One {
        settle(tx, account).await?;
    }
    Ok(factors > 0)
}

/// What passkeys call an account: `new` if it had no name before.
///
/// # Errors
/// The database is away.
pub async fn handle(tx: &mut Tx, account: AccountId, new: &str) -> Result<String, StoreError> {
    let row = sqlx::query(
        "UPDATE accounts SET passkey_handle = COALESCE(passkey_handle, $2) WHERE id = $1 RETURNING passkey_handle",
    )
    .bind(account.0)
    .bind(new)
    .fetch_one(tx)
    .await?;
    Ok(row.try_get(0)?)
}
