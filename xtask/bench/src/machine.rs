//! What this machine is, and what a process on it takes.

use crate::Outcome;
use std::{
    fs,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

/// How long a process that was asked to end may take, longer than `server.drain`; and how often it is looked at.
const LEAVE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(10);

/// Cores that may be used.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory in GiB, rounded.
pub fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kib_of(&text, "MemTotal:").unwrap_or_default().div_ceil(1024 * 1024)
}

/// What a process takes, as the system counts it, in MiB.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All that is resident, the mapped binary included (`VmRSS`).
    pub resident: f64,
    /// What is its own: heap and stacks (`RssAnon`).
    pub own: f64,
    /// The most that was resident since [`forget_peak`] (`VmHWM`).
    pub peak: f64,
}

/// What process `pid` takes now.
///
/// # Errors
/// There is none.
pub fn memory_of(pid: u32) -> Outcome<Memory> {
    let file = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let mib = |name| kib_of(&text, name).map(|kib| kib as f64 / 1024.0).ok_or_else(|| format!("{file} has no {name}"));
    Ok(Memory { resident: mib("VmRSS:")?, own: mib("RssAnon:")?, peak: mib("VmHWM:")? })
}

/// From now on the peak is that from now on.
pub fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

fn kib_of(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// Time that process `pid` has had on a core, in all its threads. None if it is gone.
pub fn cpu_of(pid: u32) -> Option<Duration> {
    /// Linux counts in hundredths of a second for everybody (`USER_HZ`).
    const TICK: Duration = Duration::from_millis(10);
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may hold anything, in brackets: state is the first field, user and system time 12th and 13th.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u32 = fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?;
    Some(TICK * ticks)
}

/// Asks a process to end by this signal, and waits for it. False if it is still there after twenty seconds.
pub fn ends(process: &mut Child, name: &str) -> bool {
    let _ = signal(name, &[process.id()]);
    let begun = Instant::now();
    while begun.elapsed() < LEAVE {
        if matches!(process.try_wait(), Ok(Some(_))) {
            return true;
        }
        thread::sleep(LOOK);
    }
    false
}

/// The standard library has no other signal than KILL.
pub fn signal(name: &str, processes: &[u32]) -> std::io::Result<ExitStatus> {
    let processes = processes.iter().map(u32::to_string);
    Command::new("sh").args(["-c", "kill -s \"$0\" \"$@\"", name]).args(processes).status()
}
