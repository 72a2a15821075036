//! The table `sessions`: one row a session, one write a refresh.

pub use super::session_ends::{delete_ended, revoke, revoke_beyond, revoke_others, revoke_public};

use super::{
    StoreError, Tx,
    accounts::{self, StoredAccount},
};
use crate::domain::{
    account::AccountId,
    factor::{AssuranceLevel, SignInMethod},
    time::Timestamp,
};
use sqlx::{Row as _, any::AnyRow};

/// Whether a session is of an account that is active and has not ended it.
macro_rules! of_its_account {
    () => {
        "EXISTS (SELECT 1 FROM accounts WHERE accounts.id = sessions.account_id AND accounts.disabled_at IS NULL
                                          AND accounts.security_epoch = sessions.epoch
                                          AND accounts.demanded_level <= sessions.assurance_level)"
    };
}
pub(super) use of_its_account;

/// A session as it is stored, with what of its account decides whether it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct Session {
    pub sid: String,
    pub account: AccountId,
    pub counter: i64,
    pub parent: i64,
    pub minted_at: Timestamp,
    pub expires_at: Timestamp,
    pub idle_seconds: i64,
    pub remembered: bool,
    pub authenticated_at: Timestamp,
    pub stepped_up_at: Option<Timestamp>,
    pub stepped_up_from: Option<i64>,
    pub stepped_up_to: Option<i64>,
    pub revoked_at: Option<Timestamp>,
    /// The account is active and its epoch is still this session's.
    pub current: bool,
    /// What the session has shown, and what its account demands by now.
    pub level: AssuranceLevel,
    pub demanded_level: AssuranceLevel,
}

impl Session {
    /// Whether this session may be used at `now`: open, inside its idle life, and with all that its account demands.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.is_open(now) && now < self.minted_at.plus(self.idle_seconds)
    }

    /// Whether this session could be used at `now`, and has not shown what its account demands by now.
    #[must_use]
    pub fn lacks_factor(&self, now: Timestamp) -> bool {
        self.level < self.demanded_level && Self { demanded_level: self.level, ..self.clone() }.is_alive(now)
    }

    /// Whether a token with that counter is the newest one or the one before.
    #[must_use]
    pub fn is_held_by(&self, counter: u64) -> bool {
        counter == self.counter.unsigned_abs() || counter == self.parent.unsigned_abs()
    }

    /// As [`Session::is_alive`] but for the idle life, which a restored row no longer knows.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.current && self.revoked_at.is_none() && now < self.expires_at && self.level >= self.demanded_level
    }
}

/// What a new session is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration documents every column once")]
pub struct NewSession {
    pub rid: String,
    pub sid: String,
    pub account: AccountId,
    pub expires_at: Timestamp,
    pub idle_seconds: i64,
    pub remembered: bool,
    pub epoch: i64,
    pub device_label: String,
    pub user_agent: String,
    pub ip: String,
    pub method: SignInMethod,
}

/// The session of a row that has the columns listed in each `SELECT` and `RETURNING` below.
pub(super) fn read(row: &AnyRow) -> Result<Session, StoreError> {
    let time = |name| row.try_get::<Option<i64>, _>(name).map(|seconds| seconds.map(Timestamp));
    Ok(Session {
        sid: row.try_get("sid")?,
        account: AccountId(row.try_get("account_id")?),
        counter: row.try_get("counter")?,
        parent: row.try_get("parent")?,
        minted_at: Timestamp(row.try_get("minted_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
        idle_seconds: row.try_get("idle_seconds")?,
        remembered: row.try_get::<i64, _>("remembered")? != 0,
        authenticated_at: Timestamp(row.try_get("authenticated_at")?),
        stepped_up_at: time("stepped_up_at")?,
        stepped_up_from: row.try_get("stepped_up_from")?,
        stepped_up_to: row.try_get("stepped_up_to")?,
        revoked_at: time("revoked_at")?,
        current: row.try_get::<i64, _>("is_current")? != 0,
        level: accounts::level(row.try_get("assurance_level")?)?,
        demanded_level: accounts::level(row.try_get("demanded_level")?)?,
    })
}

/// Adds a session whose first token has counter 1 and is its own parent.
///
/// # Errors
/// The database is away.
pub async fn insert(tx: &mut Tx, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sessions (rid, sid, account_id, counter, parent, minted_at, created_at, expires_at, idle_seconds,
                               remembered, epoch, authenticated_at, assurance_level, methods, device_label, user_agent, ip)
         VALUES ($1, $2, $3, 1, 1, $4, $4, $5, $6, $7, $8, $14, $12, $13, $9, $10, $11)",
    )
    .bind(new.rid.as_str())
    .bind(new.sid.as_str())
    .bind(new.account.0)
    .bind(now.0)
    .bind(new.expires_at.0)
    .bind(new.idle_seconds)
    .bind(i64::from(new.remembered))
    .bind(new.epoch)
    .bind(new.device_label.as_str())
    .bind(new.user_agent.as_str())
    .bind(new.ip.as_str())
    .bind(i64::from(new.method.level()))
    .bind(new.method.as_str())
    .bind(if new.method.is_proof() { now.0 } else { 0 })
    .execute(tx)
    .await?;
    Ok(())
}

/// The refresh of the common case: the newest token was presented and makes the next one. One write, by primary key.
///
/// None if anything else is the case; [`find`] then tells what.
///
/// # Errors
/// The database is away.
pub(super) async fn rotate(
    tx: &mut Tx,
    rid: &str,
    presented: i64,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query(concat!(
        "UPDATE sessions SET parent = counter, counter = counter + 1, minted_at = $3
         WHERE rid = $1 AND counter = $2 AND revoked_at IS NULL AND expires_at > $3 AND minted_at + idle_seconds > $3
           AND ",
        of_its_account!(),
        " RETURNING sid, account_id, counter, parent, minted_at, expires_at, idle_seconds, remembered, authenticated_at,
                   stepped_up_at, stepped_up_from, stepped_up_to, revoked_at, 1 AS is_current, assurance_level,
                   assurance_level AS demanded_level",
    ))
    .bind(rid)
    .bind(presented)
    .bind(now.0)
    .fetch_optional(tx)
    .await?;
    row.map(|row| read(&row)).transpose()
}

/// Makes a token beside one that nobody is known to have got. False if row or account have moved since they were read.
///
/// # Errors
/// The database is away.
pub async fn fork(tx: &mut Tx, rid: &str, seen: &Session, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sessions SET counter = counter + 1, minted_at = $4
         WHERE rid = $1 AND counter = $2 AND parent = $3 AND revoked_at IS NULL AND ",
        of_its_account!()
    ))
    .bind(rid)
    .bind(seen.counter)
    .bind(seen.parent)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Catches up with a token from after the backup that this database was restored from.
/// False if row or account have moved since they were read.
///
/// # Errors
/// The database is away.
pub async fn catch_up(
    tx: &mut Tx,
    rid: &str,
    seen: &Session,
    presented: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sessions SET parent = $4, counter = $4 + 1, minted_at = $5
         WHERE rid = $1 AND counter = $2 AND parent = $3 AND revoked_at IS NULL AND ",
        of_its_account!()
    ))
    .bind(rid)
    .bind(seen.counter)
    .bind(seen.parent)
    .bind(presented)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Holds a session's row until the transaction ends. False if it has moved since it was read.
///
/// # Errors
/// The database is away.
pub async fn stands(tx: &mut Tx, rid: &str, seen: &Session) -> Result<bool, StoreError> {
    let held = sqlx::query(
        "UPDATE sessions SET rid = rid WHERE rid = $1 AND counter = $2 AND parent = $3 AND revoked_at IS NULL",
    )
    .bind(rid)
    .bind(seen.counter)
    .bind(seen.parent)
    .execute(tx)
    .await?;
    Ok(held.rows_affected() == 1)
}

/// Holds the row of the session with that public name until the transaction ends. False if it has ended, or has not shown
/// what its account demands by now.
///
/// # Errors
/// The database is away.
pub async fn may_act(tx: &mut Tx, sid: &str, now: Timestamp) -> Result<bool, StoreError> {
    let held = sqlx::query(concat!(
        "UPDATE sessions SET sid = sid WHERE sid = $1 AND revoked_at IS NULL AND expires_at > $2 AND ",
        of_its_account!()
    ))
    .bind(sid)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(held.rows_affected() == 1)
}

/// Holds an account and then a session of it, whose public name is `sid`, until the transaction ends. False as [`may_act`]: what
/// the session asked for is not done.
///
/// # Errors
/// The database is away.
pub async fn may_act_for(tx: &mut Tx, id: AccountId, sid: &str, now: Timestamp) -> Result<bool, StoreError> {
    Ok(accounts::hold(tx, id).await? && may_act(tx, sid, now).await?)
}

/// Makes token `made` now, with a proof of that time, and takes no older one any more. False if the row has moved since it
/// was read.
///
/// # Errors
/// The database is away.
pub async fn step_up(
    tx: &mut Tx,
    rid: &str,
    seen: &Session,
    made: i64,
    (now, proven): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sessions SET parent = $5, counter = $5, minted_at = $4, authenticated_at = $6, stepped_up_at = $4,
                             stepped_up_from = parent, stepped_up_to = $5
         WHERE rid = $1 AND counter = $2 AND parent = $3 AND revoked_at IS NULL",
    )
    .bind(rid)
    .bind(seen.counter)
    .bind(seen.parent)
    .bind(now.0)
    .bind(made)
    .bind(proven.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes what a session has shown beside, unless it has shown as much before. False if it has ended.
///
/// # Errors
/// The database is away.
pub async fn raise(tx: &mut Tx, sid: &str, method: SignInMethod) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sessions SET methods = CASE WHEN assurance_level < $2 THEN $3 ELSE methods END,
                             assurance_level = CASE WHEN assurance_level < $2 THEN $2 ELSE assurance_level END
         WHERE sid = $1 AND revoked_at IS NULL",
    )
    .bind(sid)
    .bind(i64::from(method.level()))
    .bind(method.as_str())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes a fresh proof in a session whose step-up made token `counter` already: nothing else changes.
///
/// # Errors
/// The database is away.
pub async fn prove_again(tx: &mut Tx, rid: &str, counter: i64, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET authenticated_at = $3 WHERE rid = $1 AND counter = $2 AND revoked_at IS NULL")
        .bind(rid)
        .bind(counter)
        .bind(now.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// A session and its account by the secret name, alive or not.
///
/// # Errors
/// The database is away.
pub async fn find(tx: &mut Tx, rid: &str) -> Result<Option<(Session, StoredAccount)>, StoreError> {
    let row = sqlx::query(
        "SELECT s.sid, s.account_id, s.counter, s.parent, s.minted_at, s.expires_at, s.idle_seconds, s.remembered,
                s.authenticated_at, s.stepped_up_at, s.stepped_up_from, s.stepped_up_to, s.revoked_at,
                CASE WHEN a.disabled_at IS NULL AND a.security_epoch = s.epoch THEN 1 ELSE 0 END AS is_current,
                a.id, a.email, a.username, a.first_name, a.last_name, a.created_at, a.last_login_at, a.password_hash,
                a.security_epoch, a.disabled_at, a.email_verified_at, a.time_zone, a.delete_at,
                a.email_key, a.username_key, a.known_since, a.admin_since, a.demanded_level, s.assurance_level
         FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.rid = $1",
    )
    .bind(rid)
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok((read(&row)?, accounts::read(&row)?))).transpose()
}

/// A session and its account by the public name, alive or not.
///
/// # Errors
/// The database is away.
pub async fn find_public(tx: &mut Tx, sid: &str) -> Result<Option<(Session, StoredAccount)>, StoreError> {
    match rid_of(tx, sid).await? {
        Some(rid) => find(tx, &rid).await,
        None => Ok(None),
    }
}

/// The secret name of the session with that public one.
///
/// # Errors
/// The database is away.
pub async fn rid_of(tx: &mut Tx, sid: &str) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT rid FROM sessions WHERE sid = $1").bind(sid).fetch_optional(tx).await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Notes that a session is in use without making a token. False if it has ended.
///
/// # Errors
/// The database is away.
pub async fn touch(tx: &mut Tx, rid: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sessions SET minted_at = CASE WHEN minted_at < $2 THEN $2 ELSE minted_at END
         WHERE rid = $1 AND revoked_at IS NULL AND ",
        of_its_account!()
    ))
    .bind(rid)
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a session along into the account's present epoch, in which all others have ended.
///
/// # Errors
/// The database is away.
pub async fn follow_epoch(tx: &mut Tx, rid: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sessions SET epoch = (SELECT security_epoch FROM accounts WHERE accounts.id = sessions.account_id)
         WHERE rid = $1",
    )
    .bind(rid)
    .execute(tx)
    .await?;
    Ok(())
}
