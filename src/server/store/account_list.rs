//! The table `accounts` as an operator lists it.

use super::{
    StoreError, Tx,
    accounts::{self, StoredAccount},
};

/// Which accounts are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Those of administrators.
    pub admins: bool,
    /// Those that are disabled.
    pub disabled: bool,
}

/// At most `most` of these accounts, the newest first.
///
/// # Errors
/// The database is away.
pub async fn list(tx: &mut Tx, only: Only, most: i64) -> Result<Vec<StoredAccount>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM accounts WHERE ($1 = 0 OR admin_since IS NOT NULL) AND ($2 = 0 OR disabled_at IS NOT NULL)
         ORDER BY created_at DESC, id LIMIT $3",
    )
    .bind(i64::from(only.admins))
    .bind(i64::from(only.disabled))
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(accounts::read).collect()
}
