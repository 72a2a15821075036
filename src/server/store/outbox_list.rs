//! The table `outbox` as an operator looks at it, and puts mails back into it.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// Where a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// It is to be sent.
    Waiting,
    /// It went out.
    Sent,
    /// It never will.
    GivenUp,
}

impl MailState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::GivenUp => "given_up",
        }
    }
}

/// A mail as it is stored. There is no address in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct StoredMail {
    pub id: String,
    /// A name of `outbox::MailKind`, or a newer version's.
    pub kind: String,
    pub account: Option<AccountId>,
    pub ticket: Option<String>,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
    pub give_up_at: Timestamp,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub sent_at: Option<Timestamp>,
    pub gave_up_at: Option<Timestamp>,
    pub leased_until: Option<Timestamp>,
}

impl StoredMail {
    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> MailState {
        match (self.sent_at, self.gave_up_at) {
            (Some(_), _) => MailState::Sent,
            (None, Some(_)) => MailState::GivenUp,
            (None, None) => MailState::Waiting,
        }
    }

    /// Whether a server is at it now.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.leased_until.is_some_and(|until| now < until)
    }
}

const COLUMNS: &str = "id, kind, account_id, ticket_id, created_at, due_at, give_up_at, attempts, last_error, sent_at,
    gave_up_at, leased_until";

fn read(row: &AnyRow) -> Result<StoredMail, StoreError> {
    let time = |name| row.try_get::<Option<i64>, _>(name).map(|seconds| seconds.map(Timestamp));
    Ok(StoredMail {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        account: row.try_get::<Option<i64>, _>("account_id")?.map(AccountId),
        ticket: row.try_get("ticket_id")?,
        created_at: Timestamp(row.try_get("created_at")?),
        due_at: Timestamp(row.try_get("due_at")?),
        give_up_at: Timestamp(row.try_get("give_up_at")?),
        attempts: row.try_get("attempts")?,
        last_error: row.try_get("last_error")?,
        sent_at: time("sent_at")?,
        gave_up_at: time("gave_up_at")?,
        leased_until: time("leased_until")?,
    })
}

/// The newest `most` mails in that state, or in any; decoys are none.
///
/// # Errors
/// The database is away.
pub async fn list(tx: &mut Tx, state: Option<MailState>, most: i64) -> Result<Vec<StoredMail>, StoreError> {
    let condition = match state {
        None => "1 = 1",
        Some(MailState::Waiting) => "sent_at IS NULL AND gave_up_at IS NULL",
        Some(MailState::Sent) => "sent_at IS NOT NULL",
        Some(MailState::GivenUp) => "sent_at IS NULL AND gave_up_at IS NOT NULL",
    };
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM outbox WHERE account_id IS NOT NULL AND {condition}
         ORDER BY created_at DESC, id LIMIT $1"
    )))
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(read).collect()
}

/// The mail of that id, a decoy too.
///
/// # Errors
/// The database is away.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<StoredMail>, StoreError> {
    let found = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM outbox WHERE id = $1")));
    found.bind(id).fetch_optional(tx).await?.map(|row| read(&row)).transpose()
}

/// Makes a mail due at once, as if it had never been tried. False if a server is at it just now.
///
/// # Errors
/// The database is away.
pub async fn make_due(tx: &mut Tx, id: &str, give_up_at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE outbox SET due_at = $2, give_up_at = $3, attempts = 0, sent_at = NULL, gave_up_at = NULL,
                           last_error = NULL, leased_until = NULL, lease_holder = NULL
         WHERE id = $1 AND (leased_until IS NULL OR leased_until <= $2)",
    )
    .bind(id)
    .bind(now.0)
    .bind(give_up_at.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many mails wait, and since when the oldest of them does.
///
/// # Errors
/// The database's.
pub async fn backlog(tx: &mut Tx) -> Result<(i64, Option<Timestamp>), StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS waiting, MIN(created_at) AS oldest FROM outbox
         WHERE sent_at IS NULL AND gave_up_at IS NULL",
    )
    .fetch_one(tx)
    .await?;
    Ok((row.try_get("waiting")?, row.try_get::<Option<i64>, _>("oldest")?.map(Timestamp)))
}
