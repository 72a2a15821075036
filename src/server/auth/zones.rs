//! The time zones that people may choose from: the IANA names that jiff carries along.

use jiff::tz::TimeZoneDatabase;
use std::sync::LazyLock;

/// The areas of names that mean a place (IANA "Theory and pragmatics of the tz code and data"): beside them are only
/// offsets (`Etc/…`), old names of countries (`US/…`, `Brazil/…`), rules without a place (`EST5EDT`) and copies.
const AREAS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// Made once: the data is in the binary and does not change.
static ZONES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let database = TimeZoneDatabase::bundled();
    let names = database.available().map(|name| name.as_str().to_owned());
    let is_place = |name: &String| name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area));
    let mut names: Vec<String> = names.filter(is_place).chain([UTC.to_owned()]).collect();
    names.sort_unstable();
    names.dedup();
    names
});

/// The one zone that is no place.
const UTC: &str = "UTC";

/// The names of all time zones to choose from, such as `Europe/Berlin`, and `UTC`; sorted by bytes. Names that places
/// had before are among them, because browsers still report some (`Asia/Calcutta`).
#[must_use]
pub fn zones() -> &'static [String] {
    &ZONES
}

/// Whether `name` is one of [`zones`], letter by letter.
pub(super) fn is_zone(name: &str) -> bool {
    ZONES.binary_search_by(|zone| zone.as_str().cmp(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_utc_are_zones() {
        for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Asia/Calcutta", "UTC"] {
            assert!(is_zone(name), "{name}");
        }
        assert!(zones().len() > 400 && zones().is_sorted());
        assert!(zones().iter().all(|name| is_zone(name)));
    }

    #[test]
    fn offsets_rules_copies_and_made_up_names_are_none() {
        for name in [
            "",
            "utc",
            "GMT",
            "EST5EDT",
            "Etc/GMT+3",
            "Etc/UTC",
            "US/Pacific",
            "posix/Europe/Berlin",
            "right/UTC",
            "europe/berlin",
            "Europe/Berlin ",
            "Europe/",
            "Europe/Atlantis",
            "../../etc/passwd",
            "Europe/../UTC",
        ] {
            assert!(!is_zone(name), "{name}");
        }
    }
}
