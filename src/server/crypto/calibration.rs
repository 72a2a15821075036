//! How long password hashes take on this machine, with all hashing threads at work at once, as at a busy time.

use super::password_hasher::{FLOORS, HasherError, SALT_BYTES, TAG_BYTES, compute, thread_count};
use crate::server::settings;
use argon2::{Block, Params};
use secrecy::SecretString;
use serde::Serialize;
use std::{
    io,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// Memory in KiB that is tried, beside the least: doubled, and doubled again.
const MEMORY: [u32; 7] = [19_456, 38_912, 47_104, 65_536, 94_208, 131_072, 262_144];
/// Passes that are tried at most: memory costs an attacker more than time does.
const MOST_PASSES: u32 = 4;
/// Hashes that each thread makes while it is measured, after one that fetches the memory.
const HASHES: u32 = 2;
/// Hashes one after the other that a measure takes.
pub const HASHES_MEASURED: f64 = 1.0 + HASHES as f64;

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// `password.argon2_memory`, in KiB.
    pub memory: u32,
    /// `password.argon2_passes`.
    pub passes: u32,
    /// `password.argon2_lanes`.
    pub lanes: u32,
}

impl Cost {
    /// Memory that is written in all, in KiB: what a guess costs whoever guesses.
    #[must_use]
    pub fn work(&self) -> u64 {
        u64::from(self.memory).saturating_mul(u64::from(self.passes))
    }

    fn is_enough(&self) -> bool {
        FLOORS.iter().any(|(memory, passes)| self.memory >= *memory && self.passes >= *passes)
    }
}

/// How long it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    /// Of which hashes.
    pub cost: Cost,
    /// Threads that hashed at once: as many as `password.threads` and `password.memory_limit` give at that cost.
    pub threads: usize,
    /// Milliseconds for one hash.
    pub milliseconds: f64,
    /// Hashes per second that all threads made together.
    pub per_second: f64,
}

/// What is worth trying within the settings' memory, the cheapest first: never less than the least that is taken.
#[must_use]
pub fn steps(settings: &settings::Password) -> Vec<Cost> {
    let lanes = settings.argon2_lanes;
    let limit = settings.memory_limit.saturating_mul(1024);
    let least = FLOORS.iter().map(|(memory, passes)| (*memory, *passes));
    let above = MEMORY.iter().flat_map(|memory| (1..=MOST_PASSES).map(|passes| (*memory, passes)));
    let mut steps: Vec<Cost> = least.chain(above).map(|(memory, passes)| Cost { memory, passes, lanes }).collect();
    steps.retain(|step| step.is_enough() && usize::try_from(step.memory).is_ok_and(|memory| memory <= limit));
    steps.sort_by_key(|step| (step.work(), step.memory));
    steps.dedup();
    steps
}

/// Hashes with `cost` on all threads at once, and takes the time.
///
/// # Errors
/// The parameters cannot be, or the system gives no thread or not the memory.
pub fn measure(settings: &settings::Password, cost: Cost) -> Result<Measured, HasherError> {
    let impossible = |error| HasherError::Parameters(format!("the Argon2 parameters cannot be: {error}"));
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(TAG_BYTES)).map_err(impossible)?;
    let threads = thread_count(&settings::Password { argon2_memory: cost.memory, ..settings.clone() });
    let start = Barrier::new(threads);
    let times = thread::scope(|scope| {
        let start = &start;
        let params = &params;
        let hashers: Vec<_> = (0..threads).map(|_| scope.spawn(move || time_one(params, start))).collect();
        let times = hashers.into_iter().map(|hasher| hasher.join().unwrap_or_else(|_| Err(out_of_memory())));
        times.collect::<Result<Vec<Duration>, io::Error>>()
    });
    let times = times.map_err(HasherError::System)?;
    let longest = times.iter().max().copied().unwrap_or_default().as_secs_f64().max(f64::MIN_POSITIVE);
    let mean = times.iter().sum::<Duration>().as_secs_f64() / as_f64(threads);
    Ok(Measured {
        cost,
        threads,
        milliseconds: mean * 1000.0 / f64::from(HASHES),
        per_second: f64::from(HASHES) * as_f64(threads) / longest,
    })
}

/// The time for [`HASHES`] on one of the threads, from when all of them are ready.
fn time_one(params: &Params, start: &Barrier) -> io::Result<Duration> {
    let mut memory = Vec::new();
    let reserved = memory.try_reserve_exact(params.block_count());
    if reserved.is_ok() {
        memory.resize(params.block_count(), Block::new());
    }
    let password = SecretString::from("a password to measure with");
    let hash = |memory: &mut [Block]| {
        let mut tag = [0; TAG_BYTES];
        compute(params, &password, &[7; SALT_BYTES], &mut tag, memory)
    };
    let fetched = reserved.is_ok() && hash(&mut memory).is_ok();
    // Also without memory: the others wait here for everybody.
    start.wait();
    if !fetched {
        return Err(out_of_memory());
    }
    let begun = Instant::now();
    for _ in 0..HASHES {
        hash(&mut memory).map_err(io::Error::other)?;
    }
    Ok(begun.elapsed())
}

fn out_of_memory() -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::settings::Settings;

    #[test]
    fn what_is_tried_is_never_weaker_than_the_least_and_fits_the_memory() {
        let settings = Settings::from_toml("password.memory_limit = 64").unwrap().password;
        let tried = steps(&settings);
        assert!(
            FLOORS
                .iter()
                .all(|(memory, passes)| { tried.iter().any(|step| (step.memory, step.passes) == (*memory, *passes)) })
        );
        assert!(tried.iter().all(|step| step.is_enough() && step.memory <= 65_536), "{tried:?}");
        assert!(tried.windows(2).all(|pair| pair[0].work() <= pair[1].work()), "the cheapest first");
        let more = Settings::from_toml("").unwrap().password;
        assert!(steps(&more).len() > tried.len());
    }

    #[test]
    fn a_measure_says_how_many_threads_the_memory_had_room_for() {
        let settings = Settings::from_toml("password.memory_limit = 40\npassword.threads = 8").unwrap().password;
        let measured = measure(&settings, Cost { memory: 19_456, passes: 2, lanes: 1 }).unwrap();
        assert_eq!(measured.threads, 2);
        assert!(measured.milliseconds > 0.0 && measured.per_second > 0.0);
    }
}
