//! What this process remembers of callers and visitors: whoever comes often costs a look into memory, not a read.
//!
//! Nothing is remembered past the next change that this process makes to the account or to what may concern all, nor past
//! a change of keys: a sign-out, a new password or a new name is felt by the very next call. What another replica or a
//! command of the operator's changes is felt after `session.memory` milliseconds at most. A caller who asks again in the last
//! quarter of that time is read again meanwhile: who asks all the time seldom waits for the database. Visitors, who come for a
//! page now and then, are not.

use crate::server::{
    auth::Principal,
    crypto::{Claims, Sealing},
    store::{Changes, sessions::Session},
};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Callers, and visitors, that are remembered at most, about 4 MB each.
const MOST: usize = 4096;

/// The callers of one process by their access tokens, of which only digests are kept, and the visitors of pages by the
/// secret names of their sessions. Bounded.
pub(super) struct SessionMemory {
    callers: Cache<[u8; 32], Arc<Remembered>>,
    visitors: Cache<String, Arc<Known>>,
    lasts: Duration,
    changes: Changes,
}

/// A caller as it was read. The time still decides whether the token and the session are good.
pub(super) struct Remembered {
    pub(super) claims: Claims,
    pub(super) known: Known,
    is_read_again: AtomicBool,
}

impl Remembered {
    pub(super) fn new(claims: Claims, known: Known) -> Self {
        Self { claims, known, is_read_again: AtomicBool::new(false) }
    }
}

/// A session as it was read, and whose it is. A refresh since then has made newer tokens: all that a page is shown for are
/// good all the same.
pub(super) struct Known {
    pub(super) session: Session,
    pub(super) principal: Arc<Principal>,
    reading: Reading,
}

impl Known {
    pub(super) fn new(session: Session, principal: Principal, reading: Reading) -> Self {
        Self { session, principal: Arc::new(principal), reading }
    }
}

/// When something was read, and with what keys.
#[derive(Clone)]
pub(super) struct Reading {
    changes: u64,
    sealing: Weak<Sealing>,
    at: Instant,
}

impl SessionMemory {
    /// An empty one that remembers for `milliseconds`, and nothing past one of these changes; with 0, nothing.
    pub(super) fn new(milliseconds: u64, changes: Changes) -> Self {
        let lasts = Duration::from_millis(milliseconds);
        Self { callers: Cache::new(MOST), visitors: Cache::new(MOST), lasts, changes }
    }

    /// A reading that begins now: ask for it before anything else.
    pub(super) fn begin(&self, sealing: &Arc<Sealing>) -> Reading {
        Reading { changes: self.changes.count(), sealing: Arc::downgrade(sealing), at: Instant::now() }
    }

    /// Whether a reading that has just begun would find what was found then.
    fn holds(&self, known: &Known, now: &Reading) -> bool {
        let before = &known.reading;
        self.changes.none_since(before.changes, known.session.account)
            && before.sealing.ptr_eq(&now.sealing)
            && now.at.duration_since(before.at) < self.lasts
    }

    /// The caller with that token, if a reading that has just begun would find what was found before.
    pub(super) fn caller(&self, access_token: &str, now: &Reading) -> Option<Arc<Remembered>> {
        self.callers.get(&digest(access_token)).filter(|found| self.holds(&found.known, now))
    }

    /// Whether it is time to read this caller again, while what is remembered still answers. Says so once.
    pub(super) fn is_due(&self, found: &Remembered, now: &Reading) -> bool {
        now.at.duration_since(found.known.reading.at) >= self.lasts / 4 * 3 && !found.is_read_again.swap(true, Relaxed)
    }

    /// How long anything is remembered.
    pub(super) const fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Keeps what was read of the caller with that token, unless what is kept was read later.
    pub(super) fn keep_caller(&self, access_token: &str, found: Remembered) -> Arc<Remembered> {
        let found = Arc::new(found);
        let digest = digest(access_token);
        let is_older = |kept: Arc<Remembered>| kept.known.reading.at > found.known.reading.at;
        if !self.lasts.is_zero() && !self.callers.get(&digest).is_some_and(is_older) {
            self.callers.insert(digest, Arc::clone(&found));
        }
        found
    }

    /// The visitor with the session of that secret name, as [`SessionMemory::caller`].
    pub(super) fn visitor(&self, rid: &str, now: &Reading) -> Option<Arc<Known>> {
        self.visitors.get(rid).filter(|known| self.holds(known, now))
    }

    /// Keeps what was read of the visitor with that session.
    pub(super) fn keep_visitor(&self, rid: String, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        if !self.lasts.is_zero() {
            self.visitors.insert(rid, Arc::clone(&known));
        }
        known
    }
}

fn digest(access_token: &str) -> [u8; 32] {
    Sha256::digest(access_token.as_bytes()).into()
}
