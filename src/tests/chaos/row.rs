//! What a scenario leaves behind: how much was tried, what was lost, and the chance that chose the moments.

use crate::harness::Engine;
use doorward::server::entropy::{Entropy as _, SystemEntropy};
use serde::Serialize;
use std::{
    io::Write as _,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Losses that a row quotes; the rest is counted.
const QUOTED: usize = 5;

/// How long a scenario takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Seconds: a test among others.
    Short,
    /// Minutes: what the table is made of.
    Full,
}

impl Size {
    /// One number for each form.
    pub const fn of<T: Copy>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }

    /// Rounds: as [`Size::of`], unless `DOORWARD_CHAOS_ROUNDS` says less for the long form.
    pub fn rounds(self, short: u32, full: u32) -> u32 {
        let named = std::env::var("DOORWARD_CHAOS_ROUNDS").ok().and_then(|rounds| rounds.parse::<u32>().ok());
        self.of(short, named.map_or(full, |named| named.clamp(1, full)))
    }
}

/// A line of the table.
#[derive(Debug, Serialize)]
pub struct Row {
    pub what: &'static str,
    pub engine: String,
    pub rounds: u32,
    pub tried: u64,
    pub lost: u64,
    pub seconds: u64,
    pub seed: u64,
    pub notes: String,
}

impl Row {
    pub fn new(what: &'static str, engine: Engine, rounds: u32, tally: Tally, seed: u64, seconds: u64) -> Self {
        let (tried, losses) = (tally.tried.into_inner(), tally.losses.into_inner().unwrap());
        let mut notes = tally.notes.into_inner().unwrap();
        notes.extend(losses.iter().take(QUOTED).map(|loss| format!("LOST {loss}")));
        let (lost, notes) = (u64::try_from(losses.len()).unwrap(), notes.join("; "));
        Self { what, engine: format!("{engine:?}").to_lowercase(), rounds, tried, lost, seconds, seed, notes }
    }

    /// Says it, if it is of the long form, and appends it to the file that `DOORWARD_CHAOS_REPORT` names.
    pub fn report(&self, size: Size) {
        let line = serde_json::to_string(self).unwrap();
        if size == Size::Full {
            say(&line);
        }
        if let Some(path) = std::env::var_os("DOORWARD_CHAOS_REPORT") {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            writeln!(file, "{line}").unwrap();
        }
    }
}

#[expect(clippy::print_stdout, reason = "the row is what the scenario is run for")]
fn say(line: &str) {
    println!("{line}");
}

/// Counts what is tried and keeps what is lost; many tasks share one.
#[derive(Debug, Default)]
pub struct Tally {
    tried: AtomicU64,
    losses: Mutex<Vec<String>>,
    notes: Mutex<Vec<String>>,
}

impl Tally {
    /// One thing was tried: it was kept, or lost in this way.
    pub fn expect(&self, kept: bool, loss: impl FnOnce() -> String) {
        self.tried.fetch_add(1, Ordering::Relaxed);
        if !kept {
            let loss: String = loss().chars().take(300).collect();
            self.losses.lock().unwrap().push(loss);
        }
    }

    /// As [`Tally::expect`], of what says itself how it was lost.
    pub fn count(&self, what: &str, outcome: Result<(), String>) {
        self.expect(outcome.is_ok(), || format!("{what}: {}", outcome.as_ref().err().map_or("", String::as_str)));
    }

    /// Whether something was lost so far.
    pub fn has_lost(&self) -> bool {
        !self.losses.lock().unwrap().is_empty()
    }

    /// Something to know beside the counts.
    pub fn note(&self, text: impl Into<String>) {
        self.notes.lock().unwrap().push(text.into());
    }
}

/// Chooses the moments: the same ones for the same seed (splitmix64, by Sebastiano Vigna).
#[derive(Clone, Debug)]
pub struct Chance(u64);

static SEED: LazyLock<u64> = LazyLock::new(|| {
    let named = std::env::var("DOORWARD_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    named.unwrap_or_else(|| {
        let mut bytes = [0; 4];
        SystemEntropy.fill(&mut bytes);
        u32::from_le_bytes(bytes).into()
    })
});

impl Chance {
    pub fn new() -> Self {
        Self(*SEED)
    }

    /// What this run began with.
    pub fn seed() -> u64 {
        *SEED
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A moment before `longest` has passed.
    pub fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(longest.as_micros()).unwrap()))
    }
}
