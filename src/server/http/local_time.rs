//! Times as people read them where they live.

use crate::{domain::time::Timestamp, server::auth};
use jiff::{
    fmt::strtime,
    tz::{TimeZone, TimeZoneDatabase},
};
use std::sync::Arc;

/// Day, full name of the month, year, hours and minutes, and the zone's own abbreviation.
const FORM: &str = "%-d %B %Y, %H:%M %Z";

/// Writes a time.
pub type Formatter = Arc<dyn Fn(Timestamp) -> String + Send + Sync>;

/// The names of the time zones to choose from, sorted.
#[must_use]
pub fn zones() -> Vec<String> {
    auth::zones().to_vec()
}

/// Writes times such as `20 November 2026, 17:03 CET`, or `… +03` where the zone has no abbreviation. A `zone` that is
/// none, an empty one included, is UTC. A time that no calendar holds is written as [`Timestamp::minute`] does.
#[must_use]
pub fn formatter(zone: &str) -> Formatter {
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap_or(TimeZone::UTC);
    Arc::new(move |at: Timestamp| local(at, &zone).unwrap_or_else(|| at.minute()))
}

fn local(at: Timestamp, zone: &TimeZone) -> Option<String> {
    let moment = jiff::Timestamp::from_second(at.0).ok()?;
    strtime::format(FORM, &moment.to_zoned(zone.clone())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(zone: &str, at: i64) -> String {
        formatter(zone)(Timestamp(at))
    }

    #[test]
    fn a_time_is_written_as_it_is_where_people_live() {
        let at = 1_795_190_580;
        for (zone, text) in [
            ("Europe/Berlin", "20 November 2026, 17:03 CET"),
            ("America/New_York", "20 November 2026, 11:03 EST"),
            ("Europe/Istanbul", "20 November 2026, 19:03 +03"),
            ("Asia/Kathmandu", "20 November 2026, 21:48 +0545"),
            ("Pacific/Auckland", "21 November 2026, 05:03 NZDT"),
            ("UTC", "20 November 2026, 16:03 UTC"),
        ] {
            assert_eq!(written(zone, at), text);
        }
        assert_eq!(written("Europe/Berlin", 0), "1 January 1970, 01:00 CET");
    }

    #[test]
    fn summer_time_comes_and_goes() {
        // 2026-03-29 and 2026-10-25, 01:00 UTC.
        let (forward, back) = (1_774_746_000, 1_792_890_000);
        assert_eq!(written("Europe/Berlin", forward - 60), "29 March 2026, 01:59 CET");
        assert_eq!(written("Europe/Berlin", forward), "29 March 2026, 03:00 CEST");
        assert_eq!(written("Europe/Berlin", back - 60), "25 October 2026, 02:59 CEST");
        assert_eq!(written("Europe/Berlin", back), "25 October 2026, 02:00 CET");
        assert_eq!(written("Europe/London", forward), "29 March 2026, 02:00 BST");
    }

    #[test]
    fn an_unknown_zone_is_utc() {
        for zone in ["", "Mars/Olympus", "../../etc/passwd", "\0", "Europe"] {
            assert_eq!(written(zone, 1_795_190_580), "20 November 2026, 16:03 UTC", "{zone:?}");
        }
    }

    #[test]
    fn every_zone_writes_every_time() {
        for zone in zones() {
            for at in [i64::MIN, -400_000_000_000, -1, 4_102_444_800, 253_402_207_200, 253_402_300_799, i64::MAX] {
                assert!(!written(&zone, at).is_empty(), "{zone} {at}");
            }
        }
        assert_eq!(written("Europe/Berlin", i64::MAX), "1 January 1970, 00:00 UTC");
    }
}
