//! One task that makes all writes of an SQLite database and commits together what has queued meanwhile.
//!
//! SQLite takes one writer at a time, and a commit waits for the disk. One task without lock waits that shares the
//! wait among all who queued made 3–4 times the writes of a pool (measured, `design.md` 3).

use super::{Changes, StoreError, Tx, changes::Kind, rotations::Rotations};
use futures::{FutureExt as _, future::BoxFuture};
use sqlx::AnyPool;
use std::panic::AssertUnwindSafe;
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait before senders wait too.
const QUEUE: usize = 1024;
/// Jobs committed together at most: more would only make the first ones wait.
const BATCH: usize = 64;

/// How this engine writes.
#[derive(Clone, Debug)]
pub(super) enum Writer {
    /// SQLite: through the one task.
    Queue(Queue),
    /// PostgreSQL: each write on a connection of the pool, refreshes together.
    Pool(Rotations),
}

/// The way to the writing task.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    jobs: mpsc::Sender<Job>,
    pool: AnyPool,
}

struct Job {
    kind: Kind,
    work: Work,
}

type Work = Box<dyn for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Ran> + Send>;

/// A job that ran inside the open transaction.
struct Ran {
    keep: bool,
    /// Tells the caller, once it is known whether the transaction was kept.
    tell: Box<dyn FnOnce(bool) + Send>,
}

impl Writer {
    /// Starts the task; it counts what it changes in `changes`.
    pub(super) fn queue(pool: AnyPool, changes: Changes) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(work_off(pool.clone(), waiting, changes));
        Self::Queue(Queue { jobs, pool })
    }

    pub(super) async fn close(&self) {
        if let Self::Queue(queue) = self {
            queue.pool.close().await;
        }
    }
}

impl Queue {
    pub(super) async fn run<T, F>(&self, kind: Kind, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |tx| {
            Box::pin(async move {
                let result = work(tx).await;
                let keep = result.is_ok();
                let tell = Box::new(move |kept: bool| {
                    // The caller may have gone; the work stands all the same.
                    drop(answer.send(if keep && !kept { Err(StoreError::NotKept) } else { result }));
                });
                Ran { keep, tell }
            })
        });
        self.jobs.send(Job { kind, work }).await.map_err(|_| StoreError::NotKept)?;
        answered.await.unwrap_or(Err(StoreError::NotKept))
    }
}

async fn work_off(pool: AnyPool, mut waiting: mpsc::Receiver<Job>, changes: Changes) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        // A panic in one job must not end all writing: its batch is lost, its callers are told by the dropped channel.
        let done = AssertUnwindSafe(commit_together(&pool, batch.drain(..), &changes)).catch_unwind().await;
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "writes were not kept"),
            Err(_) => tracing::error!("a write panicked; its transaction was not kept"),
        }
        batch.clear();
    }
}

async fn commit_together(
    pool: &AnyPool,
    jobs: impl ExactSizeIterator<Item = Job> + Send,
    changes: &Changes,
) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    let done = commit_on(&mut connection, jobs, changes).await;
    if done.is_err() {
        // On a full disk SQLite itself ends the transaction; the driver would believe for ever that it is open, and
        // refuse every later one.
        connection.close_on_drop();
    }
    done
}

async fn commit_on(
    connection: &mut Tx,
    jobs: impl ExactSizeIterator<Item = Job> + Send,
    changes: &Changes,
) -> Result<(), StoreError> {
    let alone = jobs.len() == 1;
    // Immediate: a transaction that reads first and writes later would meet "database is locked".
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    let mut tells = Vec::with_capacity(jobs.len());
    let (mut keep_any, mut counted) = (false, Vec::new());
    for Job { kind, work } in jobs {
        // One statement is undone by itself if it fails.
        let apart = !alone && kind != Kind::Statement;
        if apart {
            sqlx::raw_sql("SAVEPOINT job").execute(&mut *transaction).await?;
        }
        let ran = work(&mut transaction).await;
        keep_any |= ran.keep;
        counted.extend(changes.counted(kind));
        if apart {
            let end = if ran.keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
            sqlx::raw_sql(end).execute(&mut *transaction).await?;
        }
        tells.push(ran.tell);
    }
    let end = if keep_any { transaction.commit().await } else { transaction.rollback().await };
    let kept = end.is_ok();
    // Before anybody is told: whoever knows of a change never reads what was remembered from before.
    drop(counted);
    tells.into_iter().for_each(|tell| tell(kept));
    Ok(end?)
}
