//! `doorward calibrate`: which password hashes this machine can afford.

use super::{StartError, failed};
use crate::server::{
    crypto::{self, Cost, Measured},
    settings::Settings,
};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What would take longer than that in all is not tried: whoever asked waits.
const LONGEST: Duration = Duration::from_secs(17);
/// What takes that many times the target is far from it, and what costs more is farther.
const FAR: f64 = 2.0;

/// What was measured, and what follows from it.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Milliseconds that a hash may take.
    pub target_ms: u32,
    /// What was measured, the cheapest first.
    pub measured: Vec<Measured>,
    /// What is set now.
    pub current: Cost,
    /// The strongest that stays under the target; if none does, the quickest that is strong enough.
    pub suggested: Cost,
    /// Whether the suggestion stays under the target.
    pub within_target: bool,
    /// The suggestion as lines for the settings file.
    pub toml: String,
}

/// Measures on all hashing threads of these settings. Takes up to twenty seconds, and all processors.
///
/// # Errors
/// The system gives no threads or no memory.
pub fn calibrate(settings: &Settings, target_ms: u32) -> Result<Calibration, StartError> {
    let password = &settings.password;
    let current = Cost { memory: password.argon2_memory, passes: password.argon2_passes, lanes: password.argon2_lanes };
    let mut steps = crypto::steps(password);
    if !steps.contains(&current) {
        steps.push(current);
        steps.sort_by_key(Cost::work);
    }
    let least = steps.first().map_or(0, Cost::work);
    let (begun, target) = (Instant::now(), f64::from(target_ms));
    let mut measured: Vec<Measured> = Vec::new();
    for step in steps {
        // Twice, so that one disturbance does not end it.
        let is_far = measured.iter().rev().take(2).filter(|one| one.milliseconds > target * FAR).count() == 2;
        let is_late = measured.last().is_some_and(|last| begun.elapsed() + time_for(step, last) > LONGEST);
        // What is set now is measured in any case, so that it can be compared, and so is the least that is taken.
        if step != current && step.work() > least && (is_far || is_late) {
            continue;
        }
        measured.push(crypto::measure(password, step).map_err(failed("the hashes could not be measured"))?);
    }
    let within = measured.iter().filter(|one| one.milliseconds <= target);
    let strongest = within.max_by_key(|one| (one.cost.work(), one.cost.memory));
    let quickest = || measured.iter().min_by(|one, two| one.milliseconds.total_cmp(&two.milliseconds));
    let suggested = strongest.or_else(quickest).map_or(current, |one| one.cost);
    let within_target = strongest.is_some();
    let toml = toml(suggested);
    Ok(Calibration { target_ms, measured, current, suggested, within_target, toml })
}

/// How long it will take to measure `cost`, going by another: time follows the work.
fn time_for(cost: Cost, other: &Measured) -> Duration {
    let ratio = Duration::from_millis(cost.work()).div_duration_f64(Duration::from_millis(other.cost.work().max(1)));
    Duration::try_from_secs_f64(crypto::HASHES_MEASURED * other.milliseconds / 1000.0 * ratio).unwrap_or(Duration::MAX)
}

fn toml(cost: Cost) -> String {
    let Cost { memory, passes, lanes } = cost;
    format!("[password]\nargon2_memory = {memory}\nargon2_passes = {passes}\nargon2_lanes = {lanes}\n")
}
