//! The audit log as a chain, for those who check it: its ends, and its entries as they were sealed.

use super::{
    StoreError, Tx,
    audit::{personal, sealed_text},
};
use crate::domain::time::Timestamp;
use sqlx::{Row as _, any::AnyRow};

/// Where the chain begins and ends, as the log itself has it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct Chain {
    pub first_seq: i64,
    pub before_first_seal: String,
    pub last_seq: i64,
    pub last_seal: String,
}

/// An entry of the chain.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct Link {
    pub seq: i64,
    pub happened_at: Timestamp,
    /// As it stands there; nobody promises that it is a kind that there is.
    pub kind: String,
    pub personal: Personal,
    pub personal_digest: String,
    pub seal: String,
}

/// What is left of an entry's personal columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Personal {
    /// They are there: the text that was digested.
    Kept(String),
    /// None of them is.
    Erased,
    /// Some are, without the salt: nobody can tell whose they were.
    Torn,
}

impl Link {
    /// What its seal is over, if the entry before has the seal `before`.
    #[must_use]
    pub fn sealed_text(&self, before: &str) -> String {
        sealed_text(self.seq, self.happened_at, &self.kind, &self.personal_digest, before)
    }
}

/// The ends of the chain; nothing if somebody has deleted them.
///
/// # Errors
/// The database is away.
pub async fn chain(tx: &mut Tx) -> Result<Option<Chain>, StoreError> {
    let row = sqlx::query("SELECT first_seq, before_first_seal, last_seq, last_seal FROM audit_chain WHERE id = 1");
    let Some(row) = row.fetch_optional(tx).await? else { return Ok(None) };
    Ok(Some(Chain {
        first_seq: row.try_get("first_seq")?,
        before_first_seal: row.try_get("before_first_seal")?,
        last_seq: row.try_get("last_seq")?,
        last_seal: row.try_get("last_seal")?,
    }))
}

/// The first `most` entries from number `from` to number `to`, in their order.
///
/// # Errors
/// The database is away.
pub async fn links(tx: &mut Tx, from: i64, to: i64, most: i64) -> Result<Vec<Link>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, happened_at, kind, account_id, sid, device_label, ip, salt, personal_digest, seal
         FROM audit_events WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3",
    );
    rows.bind(from).bind(to).bind(most).fetch_all(tx).await?.iter().map(read).collect()
}

/// The number of an entry that stands outside the chain: before its first, or else behind its last one.
///
/// # Errors
/// The database is away.
pub async fn stray(tx: &mut Tx, chain: &Chain) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query("SELECT seq FROM audit_events WHERE seq < $1 OR seq > $2 ORDER BY seq LIMIT 1");
    let row = row.bind(chain.first_seq).bind(chain.last_seq).fetch_optional(tx).await?;
    Ok(row.map(|row| row.try_get("seq")).transpose()?)
}

fn read(row: &AnyRow) -> Result<Link, StoreError> {
    let account: Option<i64> = row.try_get("account_id")?;
    let text = |name| row.try_get::<Option<String>, _>(name);
    let texts = [text("sid")?, text("device_label")?, text("ip")?];
    let personal = match text("salt")? {
        Some(salt) => {
            let [sid, device_label, ip] = texts.map(Option::unwrap_or_default);
            Personal::Kept(personal(account, [&sid, &device_label, &ip, &salt]))
        }
        None if account.is_none() && texts.iter().all(Option::is_none) => Personal::Erased,
        None => Personal::Torn,
    };
    Ok(Link {
        seq: row.try_get("seq")?,
        happened_at: Timestamp(row.try_get("happened_at")?),
        kind: row.try_get("kind")?,
        personal,
        personal_digest: row.try_get("personal_digest")?,
        seal: row.try_get("seal")?,
    })
}
