//! Points in time, as the store and the wire know them.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A point in time: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This point moved by `seconds`, which may be negative. Stays at the ends of the range instead of wrapping.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Whole seconds from `earlier` to this point; negative if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The RFC 3339 text of this point in UTC, as machines read it (`<time datetime>`).
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.utc().format(&Rfc3339).unwrap_or_default()
    }

    /// The day as people read it, for example `20 November 2026`, in UTC.
    #[must_use]
    pub fn day(self) -> String {
        let form = format_description!("[day padding:none] [month repr:long] [year]");
        self.utc().format(form).unwrap_or_default()
    }

    /// Day and minute as people read them, for example `20 November 2026, 16:03 UTC`.
    #[must_use]
    pub fn minute(self) -> String {
        let form = format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        self.utc().format(form).unwrap_or_default()
    }

    fn utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_the_same_to_people_and_machines() {
        let at = Timestamp(1_795_190_580);
        assert_eq!(at.rfc3339(), "2026-11-20T16:03:00Z");
        assert_eq!(at.day(), "20 November 2026");
        assert_eq!(at.minute(), "20 November 2026, 16:03 UTC");
    }

    #[test]
    fn a_time_out_of_range_is_no_panic() {
        assert_eq!(Timestamp(i64::MAX).plus(1), Timestamp(i64::MAX));
        assert_eq!(Timestamp(i64::MAX).day(), "1 January 1970");
    }
}
