//! Checking the audit log: whether it is still what was written, and if not, from where on.
//!
//! The chain shows every change in the middle. What it cannot show by itself is an end that was cut off together with
//! the note of it, or a database that was put back: for that somebody keeps the last seal elsewhere and compares.

use super::{AuthError, AuthService};
use crate::{
    domain::time::Timestamp,
    server::{
        crypto::{self, AuditSeals, Sealed},
        store::{
            Store, Tx,
            audit_links::{self, Chain, Link, Personal},
        },
    },
};
use std::{fmt, str::FromStr};

/// Entries that are read at once.
const BATCH: i64 = 1000;

/// An entry that was noted down outside: its number and its seal, written `SEQ:SEAL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEntry {
    /// Its number.
    pub seq: i64,
    /// The seal it had.
    pub seal: String,
}

impl FromStr for KnownEntry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seq, seal) =
            text.trim().split_once(':').ok_or("it is written NUMBER:SEAL, as `audit verify` prints it")?;
        let seq = seq.parse().map_err(|_| "there must be a number before the colon")?;
        Ok(Self { seq, seal: seal.to_owned() })
    }
}

impl fmt::Display for KnownEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.seal)
    }
}

/// What is wrong with the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The row that says where the chain begins and ends is gone.
    NoEnds,
    /// There should be an entry of this number.
    Missing,
    /// There should be none of this number.
    Stray,
    /// The seal is not over this entry and the seal before.
    Seal,
    /// The personal columns are not those that were sealed.
    Personal,
    /// The last entry has another seal than was noted with it.
    End,
    /// The entry that was noted down outside is not there, or has another seal.
    Known,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEnds => "the row that says where the log begins and ends is gone",
            Self::Missing => "the entry is missing",
            Self::Stray => "there is an entry outside the log's bounds",
            Self::Seal => "the entry, its place or the seal before it was changed",
            Self::Personal => "whom it is about, the device or the address was changed",
            Self::End => "the last seal is not the one that was noted with it",
            Self::Known => "the entry that you know is not there, or has another seal",
        })
    }
}

/// Where the chain is broken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// At which number.
    pub seq: i64,
}

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was checked and is whole.
    Whole,
    /// Something was changed.
    Broken,
    /// Nothing is wrong with what could be checked, but not all of it could.
    Unsure,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that were read, up to the fault if there is one.
    pub entries: u64,
    /// Those of them that are erased of what was personal.
    pub erased: u64,
    /// Those of them that were made with a key that is gone, so that only their place could be checked.
    pub key_gone: u64,
    /// The first of these.
    pub first_key_gone: Option<i64>,
    /// The number of the oldest entry that is kept.
    pub first_seq: i64,
    /// When that was.
    pub first_at: Option<Timestamp>,
    /// The number of the newest entry; one less than the first if there is none.
    pub last_seq: i64,
    /// The newest one's seal, to be noted down outside; empty as long as nothing was ever written.
    pub last_seal: String,
    /// The entries that were noted down outside and are older than what is kept: they cannot be compared any more.
    pub too_old: Vec<i64>,
    /// What is wrong first.
    pub fault: Option<Fault>,
}

impl AuditReport {
    /// What it comes to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.fault {
            Some(_) => Outcome::Broken,
            None if self.key_gone > 0 || !self.too_old.is_empty() => Outcome::Unsure,
            None => Outcome::Whole,
        }
    }
}

impl AuthService {
    /// Checks the audit log, and whether the `known` entries are still in it.
    ///
    /// # Errors
    /// `Unavailable`. A broken log is no error: the report says so.
    pub async fn verify_audit(&self, known: &[KnownEntry]) -> Result<AuditReport, AuthError> {
        verify_audit(&self.parts.store, &self.keyed().audit_seals, known).await
    }
}

/// As [`AuthService::verify_audit`], for a command that has a database and keys and no service.
///
/// # Errors
/// `Unavailable`, and `Broken` for rows that cannot be read.
pub async fn verify_audit(store: &Store, seals: &AuditSeals, known: &[KnownEntry]) -> Result<AuditReport, AuthError> {
    // One view of it all: meanwhile others append and trim.
    let mut tx = store.snapshot().await?;
    let Some(chain) = audit_links::chain(&mut tx).await? else {
        let fault = Some(Fault { kind: FaultKind::NoEnds, seq: 0 });
        return Ok(AuditReport { fault, ..AuditReport::default() });
    };
    let mut walk = Walk::new(&chain, seals, known);
    let fault = walk.until_the_end(&mut tx).await?;
    Ok(AuditReport { fault, ..walk.report })
}

/// A walk along the chain.
struct Walk<'a> {
    chain: &'a Chain,
    seals: &'a AuditSeals,
    known: &'a [KnownEntry],
    /// The number that comes next, and the seal before it.
    next: i64,
    before: String,
    report: AuditReport,
}

impl<'a> Walk<'a> {
    fn new(chain: &'a Chain, seals: &'a AuditSeals, known: &'a [KnownEntry]) -> Self {
        let report = AuditReport {
            first_seq: chain.first_seq,
            last_seq: chain.last_seq,
            last_seal: chain.last_seal.clone(),
            ..AuditReport::default()
        };
        Self { chain, seals, known, next: chain.first_seq, before: chain.before_first_seal.clone(), report }
    }

    async fn until_the_end(&mut self, tx: &mut Tx) -> Result<Option<Fault>, AuthError> {
        let stray = audit_links::stray(tx, self.chain).await?.map(|seq| Fault { kind: FaultKind::Stray, seq });
        if let Some(fault) = stray.filter(|fault| fault.seq < self.chain.first_seq) {
            return Ok(Some(fault));
        }
        if let Err(fault) = self.as_known_at(self.chain.first_seq.saturating_sub(1), &self.chain.before_first_seal) {
            return Ok(Some(fault));
        }
        loop {
            let links = audit_links::links(tx, self.next, self.chain.last_seq, BATCH).await?;
            if links.is_empty() {
                break;
            }
            if let Some(fault) = links.iter().find_map(|link| self.step(link).err()) {
                return Ok(Some(fault));
            }
        }
        Ok(self.at_the_end().err().or(stray).or_else(|| self.beyond().err()))
    }

    fn step(&mut self, link: &Link) -> Result<(), Fault> {
        let fault = |kind| Err(Fault { kind, seq: link.seq });
        if link.seq != self.next {
            return Err(Fault { kind: FaultKind::Missing, seq: self.next });
        }
        self.report.entries += 1;
        self.report.first_at = self.report.first_at.or(Some(link.happened_at));
        match &link.personal {
            Personal::Erased => self.report.erased += 1,
            Personal::Kept(text) if crypto::sha256_text(text) == link.personal_digest => {}
            Personal::Kept(_) | Personal::Torn => return fault(FaultKind::Personal),
        }
        match self.seals.check(&link.sealed_text(&self.before), &link.seal) {
            Sealed::Whole => {}
            Sealed::Broken => return fault(FaultKind::Seal),
            Sealed::KeyGone => {
                self.report.key_gone += 1;
                self.report.first_key_gone = self.report.first_key_gone.or(Some(link.seq));
            }
        }
        self.as_known_at(link.seq, &link.seal)?;
        self.next = link.seq.saturating_add(1);
        self.before.clone_from(&link.seal);
        Ok(())
    }

    /// Whether the seal at this number is the one that is known of it, if one is.
    fn as_known_at(&self, seq: i64, seal: &str) -> Result<(), Fault> {
        let other = self.known.iter().any(|known| known.seq == seq && known.seal != seal);
        if other { Err(Fault { kind: FaultKind::Known, seq }) } else { Ok(()) }
    }

    fn at_the_end(&self) -> Result<(), Fault> {
        let seq = self.chain.last_seq;
        if self.next != seq.saturating_add(1) {
            return Err(Fault { kind: FaultKind::Missing, seq: self.next });
        }
        if self.before != self.chain.last_seal {
            return Err(Fault { kind: FaultKind::End, seq });
        }
        Ok(())
    }

    /// The known entries that were not met: behind the end they were cut off, before the beginning they were let go.
    fn beyond(&mut self) -> Result<(), Fault> {
        if let Some(cut) = self.known.iter().find(|known| known.seq > self.chain.last_seq) {
            return Err(Fault { kind: FaultKind::Known, seq: cut.seq });
        }
        let old = self.known.iter().map(|known| known.seq).filter(|seq| seq.saturating_add(1) < self.chain.first_seq);
        self.report.too_old = old.collect();
        Ok(())
    }
}
