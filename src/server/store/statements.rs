//! Single statements on PostgreSQL that come all the time: a few tasks keep a connection as long as some wait.
//!
//! A pool asks each connection that is given back whether it still lives: for a statement of one round trip that is a
//! second one. Here it is one for many.

use super::{StoreError, Tx};
use futures::future::BoxFuture;
use sqlx::{Any, AnyPool, pool::PoolConnection};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{runtime::Handle, sync::oneshot};

/// Statements that a task runs before it lets others have the connection.
const TURN: usize = 64;

/// The way to the tasks. Clones lead to the same ones.
#[derive(Clone)]
pub(super) struct Statements(Arc<Shared>);

struct Shared {
    pool: AnyPool,
    most: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    tasks: u32,
}

/// Runs on a connection, or is told why there is none. Answers whether the connection can go on.
type Job = Box<dyn for<'c> FnOnce(Result<&'c mut Tx, StoreError>) -> BoxFuture<'c, bool> + Send>;

impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Statements")
    }
}

impl Statements {
    /// On `pool`, which has so many `connections`: half of them are left to others.
    pub(super) fn new(pool: AnyPool, connections: u32) -> Self {
        Self(Arc::new(Shared { pool, most: (connections / 2).max(1), state: Mutex::default() }))
    }

    /// Runs one statement. It runs to its end even if the caller stops waiting.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Tx) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = match connection {
                    Ok(connection) => work(connection).await,
                    Err(error) => Err(error),
                };
                let goes_on = result.is_ok();
                // The caller may have gone; the statement stands all the same.
                drop(answer.send(result));
                goes_on
            })
        });
        self.push(job);
        answered.await.unwrap_or(Err(StoreError::NotKept))
    }

    fn push(&self, job: Job) {
        let mut state = self.state();
        state.waiting.push_back(job);
        if state.tasks < self.0.most {
            state.tasks += 1;
            tokio::spawn(self.clone().work_off());
        }
    }

    async fn work_off(self) {
        let _counted = Task(&self);
        while self.turn().await {}
    }

    /// Runs what waits, on one connection. False once nothing does; then this task is not counted any more.
    async fn turn(&self) -> bool {
        let mut connection: Option<PoolConnection<Any>> = None;
        for _ in 0..TURN {
            let Some(job) = self.next() else { return false };
            if connection.is_none() {
                match self.0.pool.acquire().await {
                    Ok(acquired) => connection = Some(acquired),
                    Err(error) => {
                        job(Err(error.into())).await;
                        self.refuse_all().await;
                        continue;
                    }
                }
            }
            let Some(held) = connection.as_mut() else { continue };
            if !job(Ok(&mut **held)).await {
                // Whatever went wrong may be the connection's fault: the pool looks at it before anybody gets it.
                connection = None;
            }
        }
        true
    }

    /// No connection was to be had in time: who has waited behind that shall not wait once more, one after the other.
    async fn refuse_all(&self) {
        let waiting = std::mem::take(&mut self.state().waiting);
        for job in waiting {
            job(Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut))).await;
        }
    }

    fn next(&self) -> Option<Job> {
        self.state().waiting.pop_front()
    }

    /// The state is whole between any two statements, so a lock that a panic left behind is as good as another.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that is counted, also if a statement in it panics.
struct Task<'a>(&'a Statements);

impl Drop for Task<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.tasks -= 1;
        // What came between the last look and this one waits for nobody else.
        if !state.waiting.is_empty()
            && state.tasks < self.0.0.most
            && let Ok(runtime) = Handle::try_current()
        {
            state.tasks += 1;
            runtime.spawn(self.0.clone().work_off());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use sqlx::any::AnyPoolOptions;
    use std::time::Duration;
    use tokio::time::Instant;

    /// Nobody listens at this port.
    const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/none";

    // In paused time: what is measured are the waits that the pool was asked for.
    #[tokio::test(start_paused = true)]
    async fn where_no_connection_is_to_be_had_all_who_wait_are_refused_after_one_wait() {
        const PATIENCE: Duration = Duration::from_secs(3);
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new().max_connections(2).acquire_timeout(PATIENCE).connect_lazy(NOWHERE).unwrap();
        let statements = Statements::new(pool, 2);
        let begun = Instant::now();
        let refused = join_all((0..8).map(|_| statements.run(|_| Box::pin(async { Ok(()) })))).await;
        assert!(refused.iter().all(|refused| matches!(refused, Err(StoreError::Unavailable(_)))), "{refused:?}");
        assert!(begun.elapsed() < PATIENCE * 2, "{:?}", begun.elapsed());
        assert_eq!(statements.state().tasks, 0);
    }
}
