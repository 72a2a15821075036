//! How often something may be tried: the value of the settings under `[throttle]`.

use serde::{Deserialize, Deserializer, de::Error as _};

/// Milliseconds of the shortest and of the longest time that a limit may speak of: one second, 400 days.
const TIMES: std::ops::RangeInclusive<i64> = 1000..=400 * 86_400_000;
/// The most that may be let through at once.
const MOST: i64 = 1_000_000;

/// `count` at once, and from then on one every `every` milliseconds; or no limit at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many pass at once; 0 means that there is no limit.
    pub count: i64,
    /// Milliseconds until one more may pass: the whole time divided by `count`, at least 1.
    pub every: i64,
}

impl Limit {
    /// No limit.
    pub const OFF: Self = Self { count: 0, every: 1 };

    /// Whether nothing is limited.
    #[must_use]
    pub const fn is_off(self) -> bool {
        self.count == 0
    }

    /// Asks a generic cell rate algorithm (ITU-T I.371) whether a try at `now` passes, where `arrives_at` is what it
    /// answered last time, or anything up to `now` at first; both in milliseconds. In any window of `t` milliseconds at
    /// most `count + t / every` pass. The table `throttles` does the same in SQL.
    ///
    /// # Errors
    /// The try does not pass: milliseconds, 1 or more, until one would.
    pub const fn pass(self, arrives_at: i64, now: i64) -> Result<i64, i64> {
        if self.is_off() {
            return Ok(arrives_at);
        }
        let early = arrives_at.saturating_sub(now).saturating_sub(self.every.saturating_mul(self.count - 1));
        match early {
            1.. => Err(early),
            _ if arrives_at > now => Ok(arrives_at.saturating_add(self.every)),
            _ => Ok(now.saturating_add(self.every)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        let wrong = || format!("{text:?} must be \"off\" or count/time, such as \"5/1m\" or \"100/30d\"");
        let (count, time) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse::<i64>().map_err(|_| wrong())?;
        // Days are no unit of a `SignedDuration`: they are not always of one length. Here they are.
        let (hours, time) = match time.trim().strip_suffix('d') {
            Some(days) => (24, format!("{days}h")),
            None => (1, time.trim().to_owned()),
        };
        let time = time.parse::<jiff::SignedDuration>().map_err(|_| wrong())?;
        let time = i64::try_from(time.as_millis()).ok().and_then(|time| time.checked_mul(hours)).ok_or_else(wrong)?;
        if !(1..=MOST).contains(&count) || !TIMES.contains(&time) {
            return Err(format!("{text:?} must be 1 to {MOST} in 1s to 400d"));
        }
        Ok(Self { count, every: (time / count).max(1) })
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn a_limit_is_a_count_and_a_time() {
        assert_eq!(Limit::parse("5/5m"), Ok(Limit { count: 5, every: 60_000 }));
        assert_eq!(Limit::parse("100/1h"), Ok(Limit { count: 100, every: 36_000 }));
        assert_eq!(Limit::parse("50/30d"), Ok(Limit { count: 50, every: 51_840_000 }));
        assert_eq!(Limit::parse("off"), Ok(Limit::OFF));
    }

    #[test]
    fn what_is_no_limit_is_refused_with_its_text() {
        for wrong in ["", "5", "/", "0/1m", "-1/1m", "5/0s", "5/401d", "5/1x", "x/1m", "5/d", "on", "5/1m/2"] {
            assert!(Limit::parse(wrong).is_err_and(|why| why.contains(&format!("{wrong:?}"))), "{wrong}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_taken_and_what_lies_beyond_is_not() {
        assert_eq!(Limit::parse("1/1s"), Ok(Limit { count: 1, every: 1000 }));
        assert_eq!(Limit::parse("1/400d"), Ok(Limit { count: 1, every: 400 * 86_400_000 }));
        assert_eq!(Limit::parse("1000000/1s"), Ok(Limit { count: 1_000_000, every: 1 }));
        assert_eq!(Limit::parse(" 5 / 1h30m "), Ok(Limit { count: 5, every: 1_080_000 }));
        for wrong in ["1000001/1h", "5/999ms", "5/9601h", "5/-1m", "99999999999999999999/1m", "5/99999999999999999d"] {
            assert!(Limit::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_limit_lets_everything_pass() {
        assert!((0..1000).all(|_| Limit::OFF.pass(0, 0) == Ok(0)));
    }

    #[test]
    fn a_limit_lets_its_count_pass_at_once_and_then_one_each_interval() {
        let limit = Limit { count: 3, every: 20 };
        let mut arrives_at = 0;
        for _ in 0..3 {
            arrives_at = limit.pass(arrives_at, 1000).unwrap_or_else(|wait| panic!("refused for {wait}"));
        }
        assert_eq!(limit.pass(arrives_at, 1000), Err(20));
        assert_eq!(limit.pass(arrives_at, 1019), Err(1));
        arrives_at = limit.pass(arrives_at, 1020).unwrap_or_else(|wait| panic!("refused for {wait}"));
        assert_eq!(limit.pass(arrives_at, 1020), Err(20));
        assert_eq!(limit.pass(i64::MAX, i64::MIN), Err(i64::MAX - 40), "no overflow");
    }

    proptest! {
        #[test]
        fn no_window_sees_more_than_the_count_and_one_each_interval(
            count in 1..8_i64,
            every in 1..50_i64,
            steps in vec(prop_oneof![4 => Just(0), 4 => 0..60_i64, 1 => 0..2000_i64], 1..200),
        ) {
            let limit = Limit { count, every };
            let (mut now, mut arrives_at, mut passed) = (0, 0, Vec::new());
            for step in steps {
                now += step;
                match limit.pass(arrives_at, now) {
                    Ok(next) => {
                        arrives_at = next;
                        passed.push(now);
                    }
                    Err(wait) => {
                        prop_assert!(wait >= 1 && wait <= every, "{}", wait);
                        prop_assert!(limit.pass(arrives_at, now + wait).is_ok());
                        prop_assert_eq!(limit.pass(arrives_at, now + wait - 1), Err(1));
                    }
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let seen = i64::try_from(last - first).unwrap_or(i64::MAX) + 1;
                    prop_assert!(seen <= count + (to - from) / every, "{} from {} to {}", seen, from, to);
                }
            }
        }
    }
}
