//! Threads that hash, each with its own block of memory, and the bounded queue before them.
//!
//! Hashing fills all the memory it is given and takes tens of milliseconds: on the async threads it would hold up every
//! request, and with a fresh allocation for each hash the memory would follow the number of requests.

use allocator_api2::vec::Vec;
use argon2::Block;
use hugealloc::HugeAlloc;
use std::{
    collections::VecDeque,
    fmt, io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;
use tracing::{Dispatch, Span, dispatcher};

/// How long a thread keeps its memory without work: through a busy time, but not through a quiet night.
const REST: Duration = Duration::from_secs(10);

/// KiB that a thread at least asks for; it touches, and so takes, only those that it needs. What glibc has once got back it
/// keeps for the next time, on its heaps, unless it is larger than 32 MiB: that goes back to the system whenever it is freed.
const APART: usize = 33 * 1024;

/// How far a hashing thread stands back ("nice"; 19 is furthest): where the server's other threads keep all cores busy, it gets a
/// thirtieth. At 10 it would be a tenth, and they would wait longer beside it; at 19 a seventieth. Linux does not hold programs of
/// other services or terminals against each other so: a database on the same machine is not spared.
const POLITE: i32 = 15;

/// No hash was made: too many are waiting, or this one failed inside, which the log then says. Try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many password hashes are waiting")
    }
}

impl std::error::Error for Busy {}

/// The threads. They end when this is dropped.
pub(super) struct HashingThreads(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// What a thread hashes in: in large pages where the system gives them to whoever asks (Linux, "transparent huge pages"). A hash
/// jumps about in more memory than the processor knows the small pages of.
type Memory = Vec<Block, HugeAlloc>;

type Work = Box<dyn FnOnce(&mut [Block]) + Send>;

struct Job {
    work: Work,
    /// Its caller holds the other end, for as long as it waits.
    caller: Weak<()>,
    span: Span,
    log: Dispatch,
}

impl HashingThreads {
    /// Starts `threads` threads that take `blocks` KiB each for as long as there is work.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(threads: usize, blocks: usize, limit: usize) -> io::Result<Self> {
        let state = Mutex::new(State { jobs: VecDeque::new(), closed: false });
        let started = Self(Arc::new(Queue { state, changed: Condvar::new(), limit }));
        for number in 0..threads {
            let queue = Arc::clone(&started.0);
            thread::Builder::new().name(format!("hasher-{number}")).spawn(move || {
                give_way();
                queue.work(blocks);
            })?;
        }
        Ok(started)
    }

    /// Runs `work` on a thread of its own kind and waits for it, inside the caller's span. If the caller is dropped
    /// before its turn, `work` is not run.
    ///
    /// # Errors
    /// [`Busy`] at once if the queue is full; later if `work` panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let caller = Arc::new(());
        let job = Job {
            work: Box::new(move |memory| drop(answer.send(work(memory)))),
            caller: Arc::downgrade(&caller),
            span: Span::current(),
            log: dispatcher::get_default(Clone::clone),
        };
        self.0.push(job)?;
        let answer = answered.await;
        drop(caller);
        answer.map_err(|_| Busy)
    }

    /// How many jobs wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.0.state().jobs.len()
    }
}

impl Drop for HashingThreads {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

/// This thread takes what cores the others leave: whoever signs in waits for a hash in any case, and nobody else shall
/// wait for it. On Linux the number of a thread stands for it alone.
fn give_way() {
    let this = Some(rustix::thread::gettid());
    // A server that stands further back itself takes its hashing threads along.
    let nice = rustix::process::getpriority_process(this).unwrap_or_default().max(POLITE);
    if let Err(error) = rustix::process::setpriority_process(this, nice) {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
}

impl Queue {
    /// The state is whole between any two statements, so a lock that a panic left behind is as good as another.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), Busy> {
        let mut state = self.state();
        if state.jobs.len() >= self.limit {
            state.jobs.retain(Job::is_awaited);
        }
        if state.jobs.len() >= self.limit {
            return Err(Busy);
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self, blocks: usize) {
        let mut memory = Memory::new_in(HugeAlloc);
        while let Some(job) = self.next(&mut memory) {
            if memory.is_empty() && memory.try_reserve_exact(blocks.max(APART)).is_err() {
                // The dropped job tells its caller that we are busy.
                tracing::error!(kib = blocks, "no memory for a password hash");
                continue;
            }
            memory.resize(blocks, Block::new());
            job.run(&mut memory);
        }
    }

    /// The next job; waits for one, and gives the memory back when there is none for a while. `None` when there will
    /// be none any more.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if memory.is_empty() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.changed.wait_timeout(state, REST).unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                if waited.1.timed_out() && state.jobs.is_empty() {
                    // Whoever brings a job shall not wait for the system to take this much back.
                    drop(state);
                    *memory = Memory::new_in(HugeAlloc);
                    state = self.state();
                }
            }
        }
    }
}

impl Job {
    fn is_awaited(&self) -> bool {
        self.caller.strong_count() > 0
    }

    fn run(self, memory: &mut [Block]) {
        if !self.is_awaited() {
            return;
        }
        let Self { work, span, log, .. } = self;
        dispatcher::with_default(&log, || {
            span.in_scope(|| {
                // Memory that a panic left half filled is harmless: every hash fills it anew.
                if panic::catch_unwind(AssertUnwindSafe(|| work(memory))).is_err() {
                    tracing::error!("a password hash panicked; its thread goes on");
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::Future,
        pin::pin,
        sync::{Barrier, mpsc},
        task::{Context, Poll, Waker},
    };

    /// Puts the job into the queue, as the first poll does.
    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// A job that says when it has begun and then holds its thread until it is told to end.
    fn held() -> (impl FnOnce(&mut [Block]) + Send + 'static, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (begun, has_begun) = mpsc::channel();
        let (end, told_to_end) = mpsc::channel();
        let work = move |_: &mut [Block]| {
            begun.send(()).unwrap();
            told_to_end.recv().unwrap();
        };
        (work, has_begun, end)
    }

    #[tokio::test]
    async fn a_full_queue_answers_busy_at_once_and_takes_jobs_again_later() {
        let threads = HashingThreads::start(1, 8, 2).unwrap();
        let (work, has_begun, end) = held();
        let mut running = pin!(threads.run(work));
        assert!(poll(running.as_mut()).is_pending());
        has_begun.recv().unwrap();
        let (mut first, mut second) = (pin!(threads.run(|_| 1)), pin!(threads.run(|_| 2)));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        assert_eq!(threads.waiting(), 2);
        assert_eq!(poll(pin!(threads.run(|_| 3))), Poll::Ready(Err(Busy)));
        end.send(()).unwrap();
        assert_eq!((running.await, first.await, second.await), (Ok(()), Ok(1), Ok(2)));
        assert_eq!(threads.waiting(), 0);
        assert_eq!(threads.run(|_| 4).await, Ok(4));
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_gone_makes_room_in_a_full_queue() {
        a_job_whose_caller_has_gone_is_not_run(1).await;
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_gone_is_skipped_in_a_queue_with_room() {
        a_job_whose_caller_has_gone_is_not_run(2).await;
    }

    async fn a_job_whose_caller_has_gone_is_not_run(limit: usize) {
        let threads = HashingThreads::start(1, 8, limit).unwrap();
        let (work, has_begun, end) = held();
        let mut running = pin!(threads.run(work));
        assert!(poll(running.as_mut()).is_pending());
        has_begun.recv().unwrap();
        let (ran, was_run) = mpsc::channel();
        let mut gone = Box::pin(threads.run(move |_| ran.send(()).unwrap()));
        assert!(poll(gone.as_mut()).is_pending());
        drop(gone);
        let mut next = pin!(threads.run(|_| "next"));
        assert!(poll(next.as_mut()).is_pending());
        end.send(()).unwrap();
        assert_eq!(next.await, Ok("next"));
        assert!(was_run.recv().is_err());
    }

    #[tokio::test]
    async fn a_hashing_thread_stands_back_and_leaves_its_caller_where_it_is() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = nice();
        let threads = HashingThreads::start(1, 8, 1).unwrap();
        // These tests may themselves have been started further back.
        assert_eq!(threads.run(move |_| nice()).await, Ok(before.max(POLITE)));
        assert_eq!(nice(), before);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_hashing_thread_asks_for_large_pages() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            return;
        }
        let threads = HashingThreads::start(1, 19 * 1024, 1).unwrap();
        let is_asked = |memory: &mut [Block]| {
            let place = memory.as_ptr() as usize;
            let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let flags = maps.lines().skip_while(|line| {
                let range = line.split(' ').next().and_then(|range| range.split_once('-'));
                let [from, to] = range
                    .map_or([None; 2], |(from, to)| [from, to].map(|number| usize::from_str_radix(number, 16).ok()));
                !from.zip(to).is_some_and(|(from, to)| (from..to).contains(&place))
            });
            let flags = flags.into_iter().find(|line| line.starts_with("VmFlags:")).unwrap();
            (place % (2 << 20), flags.split(' ').any(|flag| flag == "hg"))
        };
        assert_eq!(threads.run(is_asked).await, Ok((0, true)));
    }

    #[tokio::test]
    async fn a_panic_in_a_job_does_not_lose_the_thread() {
        let threads = HashingThreads::start(1, 8, 4).unwrap();
        let first = threads.run(|_| thread::current().id()).await.unwrap();
        assert_eq!(threads.run::<()>(|_| panic!("on purpose")).await, Err(Busy));
        assert_eq!(threads.run(|_| thread::current().id()).await, Ok(first));
        assert_eq!(threads.run(|_| thread::current().name().map(str::to_owned)).await, Ok(Some("hasher-0".to_owned())));
    }

    #[tokio::test]
    async fn every_thread_has_all_of_its_own_memory_and_ends_with_the_pool() {
        let threads = HashingThreads::start(2, 9, 4).unwrap();
        let queue = Arc::downgrade(&threads.0);
        let meet = Arc::new(Barrier::new(2));
        let here = |meet: Arc<Barrier>| {
            move |memory: &mut [Block]| {
                meet.wait();
                (memory.len(), memory.as_ptr() as usize)
            }
        };
        let (one, two) = tokio::join!(threads.run(here(meet.clone())), threads.run(here(meet)));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.0, two.0), (9, 9));
        assert_ne!(one.1, two.1);
        drop(threads);
        while queue.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
