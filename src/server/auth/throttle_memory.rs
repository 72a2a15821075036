//! What this process remembers of throttles: refusals, so that a flood does not reach the database, and refreshes.

use crate::{
    domain::time::Timestamp,
    server::{settings_limit::Limit, store::throttles::Charge},
};
use quick_cache::sync::Cache;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// Milliseconds that a refusal is remembered at most. That long this process goes on refusing a name that another one
/// has let go.
const REMEMBERED: i64 = 3000;
/// Refused names that are remembered at most, about 1 MB.
const REFUSALS: usize = 10_000;
/// Sessions whose refreshes are counted at most, about 10 MB; one that is crowded out starts afresh.
const SESSIONS: usize = 100_000;

/// A refusal, in milliseconds since 1970.
#[derive(Clone, Copy)]
struct Refusal {
    at: i64,
    /// When a try may pass, as the database said.
    until: i64,
}

/// The memory of one process. Bounded; it only ever refuses, and what it does not know it lets pass to the database.
pub(super) struct ThrottleMemory {
    refusals: Cache<String, Refusal>,
    /// When each session counts as rested; its refreshes' GCRA.
    refreshes: Cache<String, Arc<AtomicI64>>,
}

impl ThrottleMemory {
    pub(super) fn new() -> Self {
        Self { refusals: Cache::new(REFUSALS), refreshes: Cache::new(SESSIONS) }
    }

    /// Notes that the database refused these names, and for how many milliseconds.
    pub(super) fn remember(&self, waits: Vec<(String, i64)>, now: Timestamp) {
        let at = millis(now);
        for (name, wait) in waits {
            self.refusals.insert(name, Refusal { at, until: at.saturating_add(wait) });
        }
    }

    /// Milliseconds until all of the charges may pass, if one of them was refused just now, and the setting that says so.
    pub(super) fn refused(&self, charges: &[Charge], now: Timestamp) -> Option<(i64, &'static str)> {
        let now = millis(now);
        let waits = charges.iter().filter_map(|charge| {
            let refusal = self.refusals.get(&charge.name)?;
            // A clock that was set back must not make the memory longer than it is.
            let fresh = (0..REMEMBERED).contains(&now.saturating_sub(refusal.at));
            (fresh && now < refusal.until).then(|| (refusal.until.saturating_sub(now), charge.setting))
        });
        waits.max()
    }

    /// Forgets refusals.
    pub(super) fn unblock(&self, charges: &[Charge]) {
        for charge in charges {
            self.refusals.remove(&charge.name);
        }
    }

    /// Counts a refresh of the session.
    ///
    /// # Errors
    /// It is one too many: milliseconds until one may pass.
    pub(super) fn refresh(&self, limit: Limit, rid: &str, now: Timestamp) -> Result<(), i64> {
        if limit.is_off() {
            return Ok(());
        }
        let now = millis(now);
        let rested = self.refreshes.get_or_insert_with(rid, || Ok::<_, Infallible>(Arc::new(AtomicI64::new(now))));
        let rested = match rested {
            Ok(rested) => rested,
            Err(never) => match never {},
        };
        // It cannot lie further ahead than that, unless the clock was set back: then nobody shall wait for its return.
        let furthest = now.saturating_add(limit.every.saturating_mul(limit.count));
        let next = |arrives_at: i64| limit.pass(arrives_at.min(furthest), now);
        let counted = rested.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |arrives_at| {
            Some(next(arrives_at).unwrap_or_else(|_| arrives_at.min(furthest)))
        });
        let before = counted.unwrap_or_else(|before| before);
        next(before).map(drop)
    }
}

const fn millis(at: Timestamp) -> i64 {
    at.0.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_190_400);

    fn charge(name: &str) -> Charge {
        Charge { name: name.to_owned(), setting: "login", count: 1, every: 1000, slowest: 1000 }
    }

    #[test]
    fn a_refusal_is_remembered_for_seconds_and_tells_the_whole_wait() {
        let memory = ThrottleMemory::new();
        assert_eq!(memory.refused(&[charge("a")], NOW), None);
        memory.remember(vec![("a".into(), 60_000), ("b".into(), 90_000)], NOW);
        assert_eq!(memory.refused(&[charge("a")], NOW), Some((60_000, "login")));
        assert_eq!(memory.refused(&[charge("c"), charge("a"), charge("b")], NOW.plus(2)), Some((88_000, "login")));
        assert_eq!(memory.refused(&[charge("c")], NOW), None);
        assert_eq!(memory.refused(&[charge("a")], NOW.plus(3)), None, "the database is asked again");
        assert_eq!(memory.refused(&[charge("a")], NOW.plus(-1)), None, "also by a clock that was set back");
    }

    #[test]
    fn a_refusal_is_never_remembered_for_longer_than_it_is_one() {
        let memory = ThrottleMemory::new();
        memory.remember(vec![("a".into(), 1000)], NOW);
        assert_eq!(memory.refused(&[charge("a")], NOW), Some((1000, "login")));
        assert_eq!(memory.refused(&[charge("a")], NOW.plus(1)), None);
    }

    #[test]
    fn what_is_unblocked_is_forgotten_and_nothing_else() {
        let memory = ThrottleMemory::new();
        memory.remember(vec![("a".into(), 60_000), ("b".into(), 60_000)], NOW);
        memory.unblock(&[charge("a"), charge("c")]);
        assert_eq!(memory.refused(&[charge("a")], NOW), None);
        assert_eq!(memory.refused(&[charge("b")], NOW), Some((60_000, "login")));
    }

    #[test]
    fn a_flood_of_refused_names_does_not_fill_the_memory() {
        let memory = ThrottleMemory::new();
        memory.remember((0..50_000).map(|number| (number.to_string(), 60_000)).collect(), NOW);
        assert!(memory.refusals.len() <= REFUSALS, "{}", memory.refusals.len());
    }

    #[test]
    fn a_session_refreshes_at_its_own_pace() {
        let (memory, limit) = (ThrottleMemory::new(), Limit { count: 3, every: 20_000 });
        for _ in 0..3 {
            assert_eq!(memory.refresh(limit, "a", NOW), Ok(()));
        }
        assert_eq!(memory.refresh(limit, "a", NOW), Err(20_000));
        assert_eq!(memory.refresh(limit, "b", NOW), Ok(()));
        assert_eq!(memory.refresh(limit, "a", NOW.plus(19)), Err(1000));
        assert_eq!(memory.refresh(limit, "a", NOW.plus(20)), Ok(()));
        assert_eq!(memory.refresh(limit, "a", NOW.plus(20)), Err(20_000));
        assert!((0..1000).all(|_| memory.refresh(Limit::OFF, "a", NOW).is_ok()));
    }

    #[test]
    fn parallel_refreshes_pass_as_often_as_those_one_by_one() {
        let (memory, limit) = (ThrottleMemory::new(), Limit { count: 60, every: 1000 });
        let passed = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..50).filter(|_| memory.refresh(limit, "a", NOW).is_ok()).count()))
                .collect();
            callers.into_iter().filter_map(|caller| caller.join().ok()).sum::<usize>()
        });
        assert_eq!(passed, 60);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_no_session_up_for_longer_than_its_limit() {
        let (memory, limit) = (ThrottleMemory::new(), Limit { count: 3, every: 20_000 });
        assert_eq!(memory.refresh(limit, "a", NOW.plus(86_400)), Ok(()));
        assert_eq!(memory.refresh(limit, "a", NOW), Err(20_000));
        assert_eq!(memory.refresh(limit, "a", NOW.plus(20)), Ok(()));
    }
}
