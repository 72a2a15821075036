//! What is looked at when somebody asks, and all of it as text.

use super::process::Process;
use prometheus_client::{
    encoding::text,
    metrics::{counter::ConstCounter, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};

/// What the rest of the server sees of itself now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sight {
    /// Password hashes that wait for a thread.
    pub hashes_waiting: usize,
    /// The database's connections.
    pub pool: Pool,
    /// Times that the database was away when it was needed.
    pub database_faults: u64,
    /// Mails that wait; nothing if the database does not answer.
    pub outbox: Option<Outbox>,
}

/// The database's connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    /// That there may be.
    pub most: u32,
    /// That there are.
    pub open: u32,
    /// That nobody uses now.
    pub idle: u32,
}

/// Mails that wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outbox {
    /// How many.
    pub waiting: i64,
    /// Seconds that the oldest has waited; 0 if none waits.
    pub oldest_age: i64,
}

pub(super) fn text(counters: &Registry, sight: &Sight) -> String {
    let mut seen = Registry::with_prefix("doorward");
    process(&mut seen);
    look(&mut seen, sight);
    let mut page = String::new();
    let written = text::encode_registry(&mut page, counters)
        .and_then(|()| text::encode_registry(&mut page, &seen))
        .and_then(|()| text::encode_eof(&mut page));
    if written.is_err() {
        tracing::error!("the metrics could not be written down");
    }
    page
}

fn process(seen: &mut Registry) {
    let process = Process::now();
    seen.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    if let Some(at) = process.started_at {
        let gauge = ConstGauge::new(whole(at));
        seen.register_with_unit("process_start_time", "Start, in seconds since 1970", Unit::Seconds, gauge);
    }
    if let Some(bytes) = process.resident_bytes {
        let gauge = ConstGauge::new(whole(bytes));
        seen.register_with_unit("process_resident_memory", "Memory in use", Unit::Bytes, gauge);
    }
    if let Some(files) = process.open_files {
        seen.register("process_open_fds", "Open files, sockets included", ConstGauge::new(whole(files)));
    }
}

fn look(seen: &mut Registry, sight: &Sight) {
    let waiting = ConstGauge::new(i64::try_from(sight.hashes_waiting).unwrap_or(i64::MAX));
    seen.register("password_hashes_waiting", "Password hashes that wait for a thread", waiting);
    let Pool { most, open, idle } = sight.pool;
    let connections = |count: u32| ConstGauge::new(i64::from(count));
    seen.register("database_connections_max", "Connections that there may be", connections(most));
    seen.register("database_connections_open", "Connections that there are", connections(open));
    seen.register("database_connections_idle", "Connections that nobody uses", connections(idle));
    let in_use = connections(open.saturating_sub(idle));
    seen.register("database_connections_in_use", "Connections that are used", in_use);
    let up = i64::from(sight.outbox.is_some());
    seen.register("database_up", "Whether the database answers", ConstGauge::new(up));
    let faults = ConstCounter::new(sight.database_faults);
    seen.register("database_errors", "Times that the database was away when it was needed", faults);
    if let Some(Outbox { waiting, oldest_age }) = sight.outbox {
        seen.register("outbox_waiting", "Mails that wait to be sent", ConstGauge::new(waiting));
        let age = ConstGauge::new(oldest_age);
        seen.register_with_unit("outbox_oldest_age", "How long the oldest mail has waited", Unit::Seconds, age);
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::metrics::{FactorKind, Metrics, Refresh};

    #[test]
    fn what_was_counted_is_in_the_text_and_what_could_not_be_seen_is_not() {
        let metrics = Metrics::new();
        metrics.refresh(Refresh::Rotated);
        metrics.factor(FactorKind::Passkey, true);
        metrics.factor(FactorKind::Totp, false);
        let text = metrics.text(&Sight::default());
        assert!(text.contains("doorward_refreshes_total{outcome=\"rotated\"} 1\n"), "{text}");
        assert!(text.contains("doorward_refreshes_total{outcome=\"theft\"} 0\n"), "{text}");
        for (kind, outcome, count) in
            [("passkey", "taken", 1), ("passkey", "refused", 0), ("totp", "refused", 1), ("recovery_code", "taken", 0)]
        {
            let line = format!("doorward_factors_total{{kind=\"{kind}\",outcome=\"{outcome}\"}} {count}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
        assert!(text.contains("doorward_database_up 0\n") && !text.contains("doorward_outbox_waiting"), "{text}");
        assert!(text.ends_with("# EOF\n"));
        let outbox = Some(Outbox { waiting: 3, oldest_age: 61 });
        let text = metrics.text(&Sight { outbox, ..Sight::default() });
        for line in ["doorward_database_up 1", "doorward_outbox_waiting 3", "doorward_outbox_oldest_age_seconds 61"] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
