//! What this process has changed and when, so that nobody goes on with what was read before: not in time, but as the
//! numbers of a count that goes up.

use crate::domain::account::AccountId;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

/// Accounts share this many places. Two that share one only make each other be read once more.
const PLACES: usize = 1024;

/// What a write is to those who remember what they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It may change everybody's.
    Change,
    /// It changes what is remembered of this account, at most.
    ChangeOf(AccountId),
    /// It changes nothing of that.
    Aside,
    /// As `Aside`, in a single statement.
    Statement,
}

/// The changes that this process has made to what may be remembered. Clones share them.
#[derive(Clone, Debug)]
pub struct Changes(Arc<Numbers>);

#[derive(Debug)]
struct Numbers {
    /// How many there were.
    count: AtomicU64,
    /// The last of everybody's.
    of_all: AtomicU64,
    /// The last of each place.
    of_some: Box<[AtomicU64]>,
}

impl Default for Changes {
    fn default() -> Self {
        let of_some = std::iter::repeat_with(AtomicU64::default).take(PLACES).collect();
        Self(Arc::new(Numbers { count: AtomicU64::default(), of_all: AtomicU64::default(), of_some }))
    }
}

impl Changes {
    /// How many there were until now. Ask for it before reading what is to be remembered.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.load(SeqCst)
    }

    /// Whether what was read of this account, its sessions included, when there had been that many changes, is not older
    /// than any change of this process whose writer has been told.
    #[must_use]
    pub fn none_since(&self, count: u64, account: AccountId) -> bool {
        self.0.of_all.load(SeqCst) <= count && self.place(account).load(SeqCst) <= count
    }

    /// Counts one when this is dropped, if `kind` is one that counts: before the writer is told, and after the commit.
    pub(super) fn counted(&self, kind: Kind) -> Option<Counted> {
        let account = match kind {
            Kind::Change => None,
            Kind::ChangeOf(account) => Some(account),
            Kind::Aside | Kind::Statement => return None,
        };
        Some(Counted { changes: self.clone(), account })
    }

    /// Ids are random: their last bits spread them.
    #[expect(clippy::indexing_slicing, reason = "a remainder of its length")]
    fn place(&self, account: AccountId) -> &AtomicU64 {
        let places = &self.0.of_some;
        &places[usize::try_from(account.0.unsigned_abs()).unwrap_or(0) % places.len()]
    }
}

/// Counts when it is dropped.
pub(super) struct Counted {
    changes: Changes,
    account: Option<AccountId>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let numbers = &self.changes.0;
        // Whoever has asked for the count before this has perhaps read the old state, and is refused by the number below.
        let number = numbers.count.fetch_add(1, SeqCst) + 1;
        let last = self.account.map_or(&numbers.of_all, |account| self.changes.place(account));
        last.fetch_max(number, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONA: AccountId = AccountId(7);
    const LISA: AccountId = AccountId(8);

    #[test]
    fn a_change_of_one_account_makes_only_what_was_read_of_it_old() {
        let changes = Changes::default();
        let before = changes.count();
        drop(changes.counted(Kind::ChangeOf(MONA)));
        assert!(!changes.none_since(before, MONA));
        assert!(changes.none_since(before, LISA));
        assert!(changes.none_since(changes.count(), MONA), "read anew");
    }

    #[test]
    fn a_change_of_anything_makes_all_old() {
        let changes = Changes::default();
        let before = changes.count();
        drop(changes.counted(Kind::Change));
        assert!(!changes.none_since(before, MONA) && !changes.none_since(before, LISA));
    }

    #[test]
    fn what_is_written_aside_makes_nothing_old() {
        let changes = Changes::default();
        let before = changes.count();
        assert!(changes.counted(Kind::Aside).is_none() && changes.counted(Kind::Statement).is_none());
        assert!(changes.none_since(before, MONA));
    }

    #[test]
    fn a_change_counts_once_it_is_made_not_while_it_is_on_its_way() {
        let changes = Changes::default();
        let before = changes.count();
        let counted = changes.counted(Kind::ChangeOf(MONA));
        assert!(changes.none_since(before, MONA));
        drop(counted);
        assert!(!changes.none_since(before, MONA));
    }

    #[test]
    fn every_id_has_a_place() {
        let changes = Changes::default();
        for id in [0, 1, -1, i64::MIN, i64::MAX, AccountId::MAX] {
            assert!(changes.none_since(0, AccountId(id)));
        }
    }
}
