//! The tables `audit_events` and `audit_chain`: what happened, in an order that nobody can change unseen.
//!
//! Each event's seal is made by a key that is not in this database, over the event and the seal before it.

use super::{StoreError, Tx};
use crate::domain::{account::AccountId, history::Event, time::Timestamp};
use sqlx::{Row as _, any::AnyRow};

/// Seals a text: a MAC with a key that the store does not know.
pub type Seal<'a> = &'a (dyn Fn(&str) -> String + Send + Sync);
/// Digests a text (SHA-256).
pub type Digest = fn(&str) -> String;

/// An event to be noted.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewEvent {
    pub event: Event,
    pub account: Option<AccountId>,
    pub sid: Option<String>,
    pub device_label: String,
    pub ip: String,
    /// Random.
    pub salt: String,
}

/// Entries that [`trim`] deletes at most: others wait for it.
const TRIM: i64 = 10_000;

/// What of an event is personal, as one text whose digest is sealed: account, session, device, address, salt.
pub(super) fn personal(account: Option<i64>, texts: [&str; 4]) -> String {
    let account = account.map_or_else(String::new, |account| account.to_string());
    // Lengths before the texts: no two events have the same one.
    [account.as_str()].iter().chain(&texts).map(|part| format!("{}:{part}", part.len())).collect()
}

/// What is sealed: the place in the chain, the event, and the seal before.
pub(super) fn sealed_text(seq: i64, happened_at: Timestamp, kind: &str, personal_digest: &str, before: &str) -> String {
    format!("{seq}|{}|{kind}|{personal_digest}|{before}", happened_at.0)
}

/// Adds an event to the end of the chain. Let it be the last write of its transaction: others wait for its end.
///
/// # Errors
/// The database is away.
pub async fn append(
    tx: &mut Tx,
    new: &NewEvent,
    seal: Seal<'_>,
    digest: Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    let end = sqlx::query("UPDATE audit_chain SET last_seq = last_seq + 1 WHERE id = 1 RETURNING last_seq, last_seal");
    let end = end.fetch_one(&mut *tx).await?;
    let (seq, before): (i64, String) = (end.try_get("last_seq")?, end.try_get("last_seal")?);
    let texts = [new.sid.as_deref().unwrap_or_default(), &new.device_label, &new.ip, &new.salt];
    let personal_digest = digest(&personal(new.account.map(|account| account.0), texts));
    let sealed = seal(&sealed_text(seq, now, new.event.as_str(), &personal_digest, &before));
    sqlx::query(
        "INSERT INTO audit_events (seq, happened_at, kind, account_id, sid, device_label, ip, salt, personal_digest, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(seq)
    .bind(now.0)
    .bind(new.event.as_str())
    .bind(new.account.map(|account| account.0))
    .bind(new.sid.as_deref())
    .bind(new.device_label.as_str())
    .bind(new.ip.as_str())
    .bind(new.salt.as_str())
    .bind(personal_digest.as_str())
    .bind(sealed.as_str())
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE audit_chain SET last_seal = $1 WHERE id = 1").bind(sealed.as_str()).execute(tx).await?;
    Ok(())
}

/// An event as its account's owner may read it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct StoredEvent {
    pub seq: i64,
    pub happened_at: Timestamp,
    pub event: Event,
    pub sid: Option<String>,
    pub device_label: String,
    pub ip: String,
}

/// None for a kind that a newer version notes: while versions are exchanged, or after going back.
fn read(row: &AnyRow) -> Result<Option<StoredEvent>, StoreError> {
    let kind: String = row.try_get("kind")?;
    let text = |name| row.try_get::<Option<String>, _>(name).map(Option::unwrap_or_default);
    let Some(event) = Event::parse(&kind) else { return Ok(None) };
    Ok(Some(StoredEvent {
        seq: row.try_get("seq")?,
        happened_at: Timestamp(row.try_get("happened_at")?),
        event,
        sid: row.try_get("sid")?,
        device_label: text("device_label")?,
        ip: text("ip")?,
    }))
}

/// The newest `most` events of an account with a number below `before`, newest first.
///
/// # Errors
/// The database is away.
pub async fn of_account(
    tx: &mut Tx,
    account: AccountId,
    before: i64,
    most: i64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, happened_at, kind, sid, device_label, ip FROM audit_events
         WHERE account_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
    )
    .bind(account.0)
    .bind(before)
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().filter_map(|row| read(row).transpose()).collect()
}

/// Erases all that is personal in the events of an account, and answers how many there were. The chain stays whole.
///
/// An event that is noted afterwards is not erased: let the last one of an account be of nobody.
///
/// # Errors
/// The database is away.
pub async fn erase(tx: &mut Tx, account: AccountId) -> Result<u64, StoreError> {
    let erase = sqlx::query(
        "UPDATE audit_events SET account_id = NULL, sid = NULL, device_label = NULL, ip = NULL, salt = NULL
         WHERE account_id = $1",
    );
    Ok(erase.bind(account.0).execute(tx).await?.rows_affected())
}

/// As [`erase`], of events between these times whose account is gone: they were noted by somebody who had read it before.
///
/// # Errors
/// The database is away.
pub async fn erase_orphans(tx: &mut Tx, since: Timestamp, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE audit_events SET account_id = NULL, sid = NULL, device_label = NULL, ip = NULL, salt = NULL
         WHERE happened_at >= $1 AND happened_at < $2 AND account_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = audit_events.account_id)",
    )
    .bind(since.0)
    .bind(until.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Lets go of entries from before `before`, at most 10 000, and answers how many. Only the beginning of the chain goes:
/// an older entry behind a newer one (clocks are set back) stays until its turn.
///
/// Let it be the last write of its transaction, as [`append`].
///
/// # Errors
/// The database is away.
pub async fn trim(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    // A write, for its lock: whoever else trims or appends waits.
    let first = sqlx::query("UPDATE audit_chain SET first_seq = first_seq WHERE id = 1 RETURNING first_seq");
    let first: i64 = first.fetch_one(&mut *tx).await?.try_get("first_seq")?;
    let kept = sqlx::query(
        "SELECT seq FROM audit_events WHERE seq >= $1 AND seq < $2 AND happened_at >= $3 ORDER BY seq LIMIT 1",
    );
    let end = first.saturating_add(TRIM);
    let kept = kept.bind(first).bind(end).bind(before.0).fetch_optional(&mut *tx).await?;
    let kept = kept.map_or(Ok(end), |row| row.try_get("seq"))?;
    let last = sqlx::query("SELECT seq, seal FROM audit_events WHERE seq >= $1 AND seq < $2 ORDER BY seq DESC LIMIT 1");
    let Some(last) = last.bind(first).bind(kept).fetch_optional(&mut *tx).await? else { return Ok(0) };
    let (seq, seal): (i64, String) = (last.try_get("seq")?, last.try_get("seal")?);
    let deleted = sqlx::query("DELETE FROM audit_events WHERE seq >= $1 AND seq <= $2");
    let deleted = deleted.bind(first).bind(seq).execute(&mut *tx).await?.rows_affected();
    sqlx::query("UPDATE audit_chain SET first_seq = $1, before_first_seal = $2 WHERE id = 1")
        .bind(seq.saturating_add(1))
        .bind(seal)
        .execute(tx)
        .await?;
    Ok(deleted)
}
