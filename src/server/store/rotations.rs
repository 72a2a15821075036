//! Refreshes on PostgreSQL: those that wait at the same time are one statement and one commit.
//!
//! A statement for one row costs PostgreSQL, and the way to it, far more than the row does. On SQLite the writing task
//! commits together whatever has queued, so none of this is needed there.

use super::{
    Store, StoreError, Tx,
    changes::Kind,
    sessions::{self, Session, of_its_account},
    writer::Writer,
};
use crate::domain::time::Timestamp;
use sqlx::{Any, AnyPool, Row as _, pool::PoolConnection};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
    time::timeout,
};

/// Rows of one statement at most: more would only make the first ones wait. There is one statement at a time: what comes while
/// it is committed makes the next one worth its price.
const TOGETHER: usize = 64;
/// Statements that the task runs before it lets others have the connection. A pool asks each one that is given back
/// whether it still lives, which is a round trip.
const TURN: usize = 64;

/// How long a statement may take. A line that was cut without a word never answers, and a slow disk or a locked table shall not
/// make refreshes pile up: a caller who is refused comes again with the same token, which is good whatever became of the statement.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the task that runs these statements. Clones lead to the same one.
#[derive(Clone)]
pub(super) struct Rotations(Arc<Shared>);

struct Shared {
    pool: AnyPool,
    /// Of the pool's connections, those that may be taken by tokens that are asked for alone.
    alone: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Asked>,
    running: bool,
}

/// A token that shall be exchanged for the next one.
struct Asked {
    rid: String,
    presented: i64,
    now: Timestamp,
    answer: oneshot::Sender<Result<Option<Session>, StoreError>>,
}

impl fmt::Debug for Rotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rotations")
    }
}

impl Store {
    /// The refresh of the common case: the newest token was presented and makes the next one. It goes on to its end even if
    /// the caller stops waiting, and [`Store::changes`] does not count it.
    ///
    /// None if anything else is the case; [`sessions::find`] then tells what.
    ///
    /// # Errors
    /// No connection came free in time, or the database is away or does not answer in time.
    pub async fn rotate(&self, rid: String, presented: i64, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.faults.count(match &self.writer {
            Writer::Queue(queue) => {
                let rotated = queue.run(Kind::Statement, move |tx| {
                    Box::pin(async move { sessions::rotate(tx, &rid, presented, now).await })
                });
                rotated.await
            }
            Writer::Pool(rotations) => rotations.run(rid, presented, now).await,
        })
    }
}

impl Rotations {
    /// On `pool`, which has so many `connections`: about half of them are left to others.
    pub(super) fn new(pool: AnyPool, connections: u32) -> Self {
        let alone = Semaphore::new(usize::try_from(connections / 2).unwrap_or(usize::MAX).max(1));
        Self(Arc::new(Shared { pool, alone, state: Mutex::default() }))
    }

    async fn run(&self, rid: String, presented: i64, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.push(Asked { rid, presented, now, answer });
        answered.await.unwrap_or(Err(StoreError::NotKept))
    }

    fn push(&self, asked: Asked) {
        let mut state = self.state();
        state.waiting.push(asked);
        if !std::mem::replace(&mut state.running, true) {
            tokio::spawn(self.clone().work_off());
        }
    }

    async fn work_off(self) {
        let _running = Running(&self);
        while self.turn().await {}
    }

    /// Exchanges what waits, on one connection. False once nothing does; then this task ends.
    async fn turn(&self) -> bool {
        let mut connection = match self.0.pool.acquire().await {
            Ok(connection) => connection,
            Err(error) => {
                self.refuse_all(error);
                return false;
            }
        };
        for _ in 0..TURN {
            let asked = self.next();
            if asked.is_empty() {
                return false;
            }
            let goes_on = self.exchange(&mut connection, asked).await;
            if !goes_on {
                // Whatever went wrong may be the connection's fault: the pool looks at it before anybody gets it.
                break;
            }
        }
        true
    }

    /// Exchanges these. Answers whether the connection can go on.
    async fn exchange(&self, connection: &mut PoolConnection<Any>, mut asked: Vec<Asked>) -> bool {
        let Ok(exchanged) = timeout(PATIENCE, rotate_together(connection, &asked)).await else {
            tracing::error!(many = asked.len(), "the database did not answer: refreshes are refused");
            // Given back, it would be asked whether it lives, for as long as it is silent.
            connection.close_on_drop();
            asked.into_iter().for_each(|one| drop(one.answer.send(Err(StoreError::NotKept))));
            return false;
        };
        let goes_on = exchanged.is_ok();
        let exchanged = exchanged.unwrap_or_else(|error| {
            tracing::warn!(%error, many = asked.len(), "refreshes failed together: each is tried alone");
            Vec::new()
        });
        for (rid, session) in exchanged {
            let made = |one: &Asked| one.rid == rid && one.presented == session.parent;
            if let Some(at) = asked.iter().position(made) {
                // The caller may have gone; the statement stands all the same.
                drop(asked.swap_remove(at).answer.send(Ok(Some(session))));
            }
        }
        // Not the newest token, a row that somebody else holds or has just written, or a statement that failed: each asks alone.
        for one in asked {
            tokio::spawn(self.clone().exchange_alone(one));
        }
        goes_on
    }

    async fn exchange_alone(self, asked: Asked) {
        let Asked { rid, presented, now, answer } = asked;
        let rotated = async {
            let _seat = self.0.alone.acquire().await;
            let mut connection = self.0.pool.acquire().await?;
            let rotated = timeout(PATIENCE, sessions::rotate(&mut connection, &rid, presented, now)).await;
            rotated.unwrap_or_else(|_| {
                connection.close_on_drop();
                Err(StoreError::NotKept)
            })
        };
        drop(answer.send(rotated.await));
    }

    /// No connection was to be had in time: who has waited behind that shall not wait once more.
    fn refuse_all(&self, error: sqlx::Error) {
        let mut error = Some(error);
        for one in std::mem::take(&mut self.state().waiting) {
            let error = error.take().unwrap_or(sqlx::Error::PoolTimedOut);
            drop(one.answer.send(Err(error.into())));
        }
    }

    fn next(&self) -> Vec<Asked> {
        let waiting = &mut self.state().waiting;
        let many = waiting.len().min(TOGETHER);
        waiting.drain(..many).collect()
    }

    /// The state is whole between any two statements, so a lock that a panic left behind is as good as another.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As [`sessions::rotate`], of many. Gives those that were exchanged, by their secret names.
///
/// It never waits for a row that somebody else holds, but leaves it out: who holds several rows in another order, such as
/// the end of all sessions of an account, would otherwise wait for this statement while it waits for them.
///
/// Written so that PostgreSQL has one plan for it: `LATERAL` makes it look each row up by primary key, what is held is updated in its
/// place, and the inner `SELECT`s hide how many there are, for which it would else make a plan each time, and plan for longer than it
/// works. A row that was written between the statement's snapshot and its lock is left out, too: its new place is not seen.
async fn rotate_together(tx: &mut Tx, asked: &[Asked]) -> Result<Vec<(String, Session)>, StoreError> {
    let column = |text: &dyn Fn(&Asked) -> String| asked.iter().map(text).collect::<Vec<_>>().join(" ");
    let rows = sqlx::query(concat!(
        "UPDATE sessions SET parent = counter, counter = counter + 1, minted_at = $3
         WHERE ctid = ANY (ARRAY (
             SELECT held.place
             FROM unnest(string_to_array((SELECT CAST($1 AS TEXT)), ' '),
                         CAST(string_to_array((SELECT CAST($2 AS TEXT)), ' ') AS BIGINT[])) AS asked (rid, counter)
             CROSS JOIN LATERAL (
                 SELECT sessions.ctid AS place FROM sessions
                 WHERE rid = asked.rid AND counter = asked.counter AND revoked_at IS NULL AND expires_at > $3
                   AND minted_at + idle_seconds > $3 AND ",
        of_its_account!(),
        "        FOR UPDATE OF sessions SKIP LOCKED) AS held))
         RETURNING rid, sid, account_id, counter, parent, minted_at, expires_at, idle_seconds, remembered, authenticated_at,
                   stepped_up_at, stepped_up_from, stepped_up_to, revoked_at, 1 AS is_current, assurance_level,
                   assurance_level AS demanded_level",
    ))
    .bind(column(&|one| one.rid.clone()))
    .bind(column(&|one| one.presented.to_string()))
    .bind(asked.iter().map(|one| one.now.0).max())
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("rid")?, sessions::read(row)?))).collect()
}

/// The task runs as long as there is one, also if a statement in it panics.
struct Running<'a>(&'a Rotations);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running = false;
        // What came between the last look and this one waits for nobody else.
        if !state.waiting.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            state.running = true;
            runtime.spawn(self.0.clone().work_off());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use sqlx::any::AnyPoolOptions;
    use tokio::time::Instant;

    /// Nobody listens at this port.
    const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/none";

    // In paused time: what is measured are the waits that the pool was asked for.
    #[tokio::test(start_paused = true)]
    async fn where_no_connection_is_to_be_had_all_who_wait_are_refused_after_one_wait() {
        const WAIT: Duration = Duration::from_secs(3);
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new().max_connections(2).acquire_timeout(WAIT).connect_lazy(NOWHERE).unwrap();
        let rotations = Rotations::new(pool, 2);
        let begun = Instant::now();
        let refused = join_all((0..8).map(|_| rotations.run("name".into(), 1, Timestamp(0)))).await;
        assert!(refused.iter().all(|refused| matches!(refused, Err(StoreError::Unavailable(_)))), "{refused:?}");
        assert!(begun.elapsed() < WAIT * 2, "{:?}", begun.elapsed());
        assert!(!rotations.state().running);
    }
}
