//! The table `throttles`: how often something was tried lately, one row a subject, for all replicas.
//!
//! A generic cell rate algorithm (ITU-T I.371) in milliseconds. `arrives_at` is the theoretical arrival time: when the
//! subject counts as rested. A try passes if `arrives_at` is at most `(count - 1) * every` ahead of now, and moves it
//! on by an interval, from now or from where it was, whichever is later.
//!
//! The interval is `every`. Where `slowest` is more than that, the try after the first `count` in a row costs
//! `2 * every`, the next one `4 * every`, and so on up to `slowest`. In a row means: without an hour's rest between, by
//! [`ROW_ENDS`]. Whoever always tries as early as possible waits as follows, here for 5 in 5 minutes and `slowest` 15
//! minutes: five at once, then before each further one 60, 120, 240, 480, 900, 900 … seconds. Whoever waits longer
//! than needed, by up to `(count - 1) * every`, waits that much less the next time; on the whole the pace is the same.

use super::{StoreError, Tx};
use crate::domain::time::Timestamp;
use sqlx::Row as _;

/// Milliseconds of rest, from `arrives_at` on, after which tries are no longer in a row: an hour.
pub const ROW_ENDS: i64 = 3_600_000;

/// One limit on one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The row's name: a keyed hash of what is tried, and by whom or at what.
    pub name: String,
    /// The setting that it comes from, for those who count refusals; it is not stored.
    pub setting: &'static str,
    /// How many pass at once; 0 means that nothing is limited.
    pub count: i64,
    /// Milliseconds until one more may pass, 1 or more.
    pub every: i64,
    /// Milliseconds of the longest interval; no more than `every` for a limit that keeps its pace.
    pub slowest: i64,
}

impl Charge {
    /// Whether nothing is limited.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.count <= 0
    }

    /// Milliseconds that `arrives_at` may be ahead of now.
    const fn tolerance(&self) -> i64 {
        self.every.saturating_mul(self.count.saturating_sub(1))
    }

    /// How often the interval doubles before it is `slowest`. A shift by less than that stays below `slowest`, so the
    /// statement's shifts cannot overflow.
    const fn doublings(&self) -> i64 {
        let (mut interval, mut doublings) = (if self.every < 1 { 1 } else { self.every }, 0);
        while interval < self.slowest {
            interval = interval.saturating_mul(2);
            doublings += 1;
        }
        doublings
    }
}

/// What became of charges.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Charged {
    /// All were counted.
    All,
    /// None was counted: the names that refuse, at least one, and the milliseconds (1 or more) until each lets one pass.
    None(Vec<(String, i64)>),
}

/// Milliseconds since 1970.
const fn millis(at: Timestamp) -> i64 {
    at.0.saturating_mul(1000)
}

/// The charges that limit something, by name: all transactions lock rows in one order, so they never lock each other.
fn in_order(charges: &[Charge]) -> Vec<&Charge> {
    let mut ordered: Vec<&Charge> = charges.iter().filter(|charge| !charge.is_off()).collect();
    ordered.sort_by(|one, other| one.name.cmp(&other.name));
    ordered
}

/// The interval of try number `hits` in a row, as SQL: $3 `every`, $4 `count`, $5 doublings, $6 `slowest`.
fn interval(hits: &str) -> String {
    format!(
        "CASE WHEN {hits} - $4 >= $5 THEN $6
              WHEN {hits} > $4 THEN $3 << CAST({hits} - $4 AS INTEGER)
              ELSE $3 END"
    )
}

macro_rules! bound {
    ($sql:expr, $charge:expr, $now:expr) => {
        sqlx::query(sqlx::AssertSqlSafe($sql))
            .bind($charge.name.as_str())
            .bind(millis($now))
            .bind($charge.every)
            .bind($charge.count)
            .bind($charge.doublings())
            .bind($charge.slowest.max($charge.every))
    };
}

/// Counts one try on each of the charges, or on none of them. Those that are off count nothing.
///
/// # Errors
/// The database is away.
pub async fn charge(tx: &mut Tx, charges: &[Charge], now: Timestamp) -> Result<Charged, StoreError> {
    Ok(charge_in_a_row(tx, charges, now).await?.0)
}

/// As [`charge`]. Answers also the most tries in a row that one of the charges has seen with this one: of tries at the same
/// time, each is another number.
///
/// # Errors
/// The database is away.
pub async fn charge_in_a_row(tx: &mut Tx, charges: &[Charge], now: Timestamp) -> Result<(Charged, i64), StoreError> {
    let charges = in_order(charges);
    let mut most = 0;
    for (at, charge) in charges.iter().enumerate() {
        if let Some(hits) = admit(tx, charge, now).await? {
            most = most.max(hits);
            continue;
        }
        for counted in charges.iter().take(at) {
            take_back(tx, counted, now).await?;
        }
        let mut refusals = Vec::new();
        for (place, asked) in charges.iter().enumerate() {
            bring_near(tx, asked, now).await?;
            let wait = wait(tx, asked, now).await?;
            // Somebody may have forgotten the row meanwhile; the answer stays no, and the next try will pass.
            let wait = if place == at { wait.max(1) } else { wait };
            if wait > 0 {
                refusals.push((asked.name.clone(), wait));
            }
        }
        return Ok((Charged::None(refusals), 0));
    }
    Ok((Charged::All, most))
}

/// One statement decides and counts, so that of tries at the same time no more pass than of tries one by one. The number of
/// tries in a row, if it passes.
async fn admit(tx: &mut Tx, charge: &Charge, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let hits = format!("(CASE WHEN throttles.arrives_at <= $2 - {ROW_ENDS} THEN 1 ELSE throttles.hits + 1 END)");
    let sql = format!(
        "INSERT INTO throttles (name, arrives_at, hits) VALUES ($1, $2 + $3, 1)
         ON CONFLICT (name) DO UPDATE SET
             arrives_at = CASE WHEN throttles.arrives_at > $2 THEN throttles.arrives_at ELSE $2 END + {},
             hits = {hits}
         WHERE throttles.arrives_at - $2 <= $7
         RETURNING hits",
        interval(&hits)
    );
    let row = bound!(sql, charge, now).bind(charge.tolerance()).fetch_optional(tx).await?;
    row.map(|row| Ok(row.try_get("hits")?)).transpose()
}

/// `arrives_at` cannot lie further ahead than the tolerance and one interval, unless the clock was set back since: then
/// nobody shall wait for the hour to come again. Nobody gets through earlier by it than without the jump.
async fn bring_near(tx: &mut Tx, charge: &Charge, now: Timestamp) -> Result<(), StoreError> {
    let furthest = format!("$2 + $7 + {}", interval("hits"));
    let sql = format!("UPDATE throttles SET arrives_at = {furthest} WHERE name = $1 AND arrives_at > {furthest}");
    bound!(sql, charge, now).bind(charge.tolerance()).execute(tx).await?;
    Ok(())
}

/// Milliseconds until the charge's next try would pass; 0 or less if it would now.
async fn wait(tx: &mut Tx, charge: &Charge, now: Timestamp) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT arrives_at FROM throttles WHERE name = $1")
        .bind(charge.name.as_str())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(0) };
    let arrives_at: i64 = row.try_get("arrives_at")?;
    Ok(arrives_at.saturating_sub(millis(now)).saturating_sub(charge.tolerance()))
}

async fn take_back(tx: &mut Tx, charge: &Charge, now: Timestamp) -> Result<(), StoreError> {
    let interval = interval("hits");
    let sql = format!(
        "UPDATE throttles SET
             arrives_at = CASE WHEN arrives_at - ({interval}) > $2 THEN arrives_at - ({interval})
                               WHEN arrives_at > $2 THEN $2
                               ELSE arrives_at END,
             hits = hits - 1
         WHERE name = $1 AND hits > 0"
    );
    bound!(sql, charge, now).execute(tx).await?;
    Ok(())
}

/// Takes the newest try back on each of the charges, and what it cost; never more than there is.
///
/// # Errors
/// The database is away.
pub async fn give_back(tx: &mut Tx, charges: &[Charge], now: Timestamp) -> Result<(), StoreError> {
    for charge in in_order(charges) {
        take_back(tx, charge, now).await?;
    }
    Ok(())
}

/// Forgets all tries on the charges. Answers the most tries in a row that one of them had seen.
///
/// # Errors
/// The database is away.
pub async fn forget(tx: &mut Tx, charges: &[Charge]) -> Result<i64, StoreError> {
    let mut most = 0;
    for charge in in_order(charges) {
        let row = sqlx::query("DELETE FROM throttles WHERE name = $1 RETURNING hits")
            .bind(charge.name.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = row {
            most = most.max(row.try_get("hits")?);
        }
    }
    Ok(most)
}

/// As [`give_back`] of the ones and [`forget`] of the others, in the one order in which rows are locked.
///
/// # Errors
/// The database is away.
pub async fn settle(
    tx: &mut Tx,
    given_back: &[Charge],
    forgotten: &[Charge],
    now: Timestamp,
) -> Result<i64, StoreError> {
    let mut most = 0;
    let all = [given_back, forgotten].concat();
    for charge in in_order(&all) {
        if given_back.contains(charge) {
            take_back(tx, charge, now).await?;
        } else {
            most = most.max(forget(tx, std::slice::from_ref(charge)).await?);
        }
    }
    Ok(most)
}

/// Deletes the rows of subjects that count as rested since before `before`, which lies at least an hour back
/// ([`ROW_ENDS`]): nothing depends on them any more.
///
/// # Errors
/// The database is away.
pub async fn delete_full(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM throttles WHERE arrives_at < $1").bind(millis(before)).execute(tx).await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_doubles_until_it_is_the_slowest() {
        let charge = |every, slowest| Charge { name: String::new(), setting: "login", count: 5, every, slowest };
        for (every, slowest, doublings) in [
            (60_000, 900_000, 4),
            (60_000, 960_000, 4),
            (60_000, 60_000, 0),
            (60_000, 0, 0),
            (1, i64::MAX, 63),
            (0, 2, 1),
        ] {
            assert_eq!(charge(every, slowest).doublings(), doublings, "{every} {slowest}");
        }
    }
}
