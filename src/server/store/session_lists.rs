//! What is read of an account's sessions together: for their list, for an export, and to know a device again.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, session::SessionSummary, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// The sessions of an account that are alive, the one used last first.
///
/// # Errors
/// The database is away.
pub async fn alive_of(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<Vec<SessionSummary>, StoreError> {
    let rows = sqlx::query(
        "SELECT s.sid, s.device_label, s.ip, s.created_at, s.minted_at
         FROM sessions s JOIN accounts a ON a.id = s.account_id AND a.security_epoch = s.epoch
         WHERE s.account_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND s.minted_at + s.idle_seconds > $2
         ORDER BY s.minted_at DESC, s.created_at DESC, s.sid",
    )
    .bind(account.0)
    .bind(now.0)
    .fetch_all(tx)
    .await?;
    rows.iter().map(summary).collect()
}

/// A session that is alive, as an operator sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct OpenSession {
    pub summary: SessionSummary,
    pub account: AccountId,
    pub username: String,
    /// Its absolute end.
    pub expires_at: Timestamp,
}

/// At most `most` sessions that are alive, of that account or of all, the one used last first.
///
/// # Errors
/// The database is away.
pub async fn open(
    tx: &mut Tx,
    account: Option<AccountId>,
    now: Timestamp,
    most: i64,
) -> Result<Vec<OpenSession>, StoreError> {
    let rows = sqlx::query(
        "SELECT s.sid, s.device_label, s.ip, s.created_at, s.minted_at, s.expires_at, s.account_id, a.username
         FROM sessions s JOIN accounts a ON a.id = s.account_id AND a.security_epoch = s.epoch
         WHERE ($1 = 0 OR s.account_id = $1) AND a.disabled_at IS NULL AND s.revoked_at IS NULL AND s.expires_at > $2
           AND s.minted_at + s.idle_seconds > $2
         ORDER BY s.minted_at DESC, s.created_at DESC, s.sid LIMIT $3",
    )
    .bind(account.map_or(0, |account| account.0))
    .bind(now.0)
    .bind(most)
    .fetch_all(tx)
    .await?;
    let open = |row: &AnyRow| {
        Ok(OpenSession {
            summary: summary(row)?,
            account: AccountId(row.try_get("account_id")?),
            username: row.try_get("username")?,
            expires_at: Timestamp(row.try_get("expires_at")?),
        })
    };
    rows.iter().map(open).collect()
}

/// A session as an export tells it, ended or not.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct ExportedSession {
    pub summary: SessionSummary,
    pub user_agent: String,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub revoked_why: Option<String>,
}

/// All sessions of an account that are still stored, the newest first.
///
/// # Errors
/// The database is away.
pub async fn all_of(tx: &mut Tx, account: AccountId, most: i64) -> Result<Vec<ExportedSession>, StoreError> {
    let rows = sqlx::query(
        "SELECT sid, device_label, ip, created_at, minted_at, user_agent, expires_at, revoked_at, revoked_why
         FROM sessions WHERE account_id = $1 ORDER BY created_at DESC, sid LIMIT $2",
    )
    .bind(account.0)
    .bind(most)
    .fetch_all(tx)
    .await?;
    let exported = |row: &AnyRow| {
        Ok(ExportedSession {
            summary: summary(row)?,
            user_agent: row.try_get("user_agent")?,
            expires_at: Timestamp(row.try_get("expires_at")?),
            revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(Timestamp),
            revoked_why: row.try_get("revoked_why")?,
        })
    };
    rows.iter().map(exported).collect()
}

fn summary(row: &AnyRow) -> Result<SessionSummary, StoreError> {
    Ok(SessionSummary {
        sid: row.try_get("sid")?,
        device_label: row.try_get("device_label")?,
        ip: row.try_get("ip")?,
        created_at: Timestamp(row.try_get("created_at")?),
        last_used_at: Timestamp(row.try_get("minted_at")?),
        is_this: false,
    })
}

/// What an account's sessions tell of a device that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// It had a session before, from whatever device.
    pub any: bool,
    /// It had one from such a device at that address.
    pub alike: bool,
    /// How many of them nobody has ended; some may have run out.
    pub open: i64,
}

impl Before {
    /// Whether a device comes that is new to an account that others have used: its owner may want to know.
    #[must_use]
    pub const fn is_new_device(&self) -> bool {
        self.any && !self.alike
    }
}

/// What an account's sessions tell of such a device at that address.
///
/// # Errors
/// The database is away.
pub async fn before(tx: &mut Tx, account: AccountId, device_label: &str, ip: &str) -> Result<Before, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS sessions, COUNT(CASE WHEN device_label = $2 AND ip = $3 THEN 1 END) AS alike,
                COUNT(CASE WHEN revoked_at IS NULL THEN 1 END) AS unended
         FROM sessions WHERE account_id = $1",
    )
    .bind(account.0)
    .bind(device_label)
    .bind(ip)
    .fetch_one(tx)
    .await?;
    let number = |name| row.try_get::<i64, _>(name);
    Ok(Before { any: number("sessions")? > 0, alike: number("alike")? > 0, open: number("unended")? })
}
