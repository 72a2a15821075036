//! What the system knows of this process. Where there is no `/proc` there is nothing.

use std::fs;

/// Ticks of a second in `/proc/self/stat`: Linux shows them so on every machine that this runs on.
const TICKS: u64 = 100;

/// This process, now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    /// Seconds since 1970 at its start.
    pub(super) started_at: Option<u64>,
    /// Bytes of its memory that are in the machine's.
    pub(super) resident_bytes: Option<u64>,
    /// Its open files, sockets included.
    pub(super) open_files: Option<u64>,
}

impl Process {
    pub(super) fn now() -> Self {
        Self { started_at: started_at(), resident_bytes: resident_bytes(), open_files: open_files() }
    }
}

fn started_at() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets and may hold blanks; the start is the 22nd.
    let after_name = stat.rsplit_once(')')?.1;
    let ticks: u64 = after_name.split_whitespace().nth(19)?.parse().ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot.saturating_add(ticks / TICKS))
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1024))
}

fn open_files() -> Option<u64> {
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the folder that is being read.
    u64::try_from(files.saturating_sub(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_start_memory_and_files() {
        let process = Process::now();
        assert!(process.started_at.is_some_and(|at| at > 1_600_000_000), "{process:?}");
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{process:?}");
        let before = process.open_files.unwrap();
        let _files: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        assert!(Process::now().open_files.unwrap() > before, "tests beside this one may close some, but not so many");
    }
}
