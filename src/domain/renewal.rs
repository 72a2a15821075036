//! When an access token in the browser is renewed, and what an answer of the server means for it.
//!
//! Pure rules; all times are milliseconds of the browser's own clock, which may differ from the server's. So a life is
//! counted from when the grant was **asked for**, never from the server's `expires_at`. A clock that is set back makes a
//! dead token look alive: the server answers 401, and that is renewed once. A clock set ahead renews early.

use super::problem::{Code, Problem};

/// A token is renewed this long before it expires, unless its life is short.
const LEAD: f64 = 60_000.0;
/// At most this much earlier still, so that the tabs of one person do not all ask at once.
const SPREAD: f64 = 15_000.0;
/// A token with less than this left (a tenth of its life, if that is shorter) may die on its way to the server.
const SLACK: f64 = 5_000.0;
/// A timer is never set shorter than this.
const SHORTEST_WAIT: f64 = 1_000.0;

/// The life of one access token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Life {
    from: f64,
    until: f64,
}

/// What the timer does when it fires, which after a sleep may be hours late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wake {
    /// The token is dead: forget it. Whoever wants one asks then.
    Forget,
    /// Nobody needs it now. It stays while it lives and is not renewed.
    Leave,
    /// Too early: wait this many milliseconds more.
    Wait(f64),
    /// Renew it.
    Renew,
}

/// What the status of an answer to a request with an access token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the answer.
    Answer,
    /// The token was refused for the first time: renew it once and ask once more.
    Renew,
    /// A fresh token was refused too: the session is over in this browser.
    Over,
    /// A failure to show. Too many requests, a fault of the server and no network are **not** a sign-out.
    Tell,
}

impl Life {
    /// The life of a token that was asked for at `asked_at` and lives `expires_in` seconds.
    #[must_use]
    pub fn new(asked_at: f64, expires_in: i64) -> Self {
        let seconds = i32::try_from(expires_in.max(0)).unwrap_or(i32::MAX);
        Self { from: asked_at, until: asked_at + f64::from(seconds) * 1000.0 }
    }

    /// Whether a request sent at `now` arrives with a living token. A clock that was set to before the token's own
    /// beginning can't be trusted: then it is not.
    #[must_use]
    pub fn is_usable(self, now: f64) -> bool {
        now >= self.from && now + SLACK.min(self.length() / 10.0) < self.until
    }

    /// When to renew it: 60 s before its end, or half of a life shorter than 2 min; `jitter` (0 to 1) up to 15 s, or an
    /// eighth of it, earlier.
    #[must_use]
    pub fn renew_at(self, jitter: f64) -> f64 {
        let lead = LEAD.min(self.length() / 2.0) + SPREAD.min(self.length() / 8.0) * jitter.clamp(0.0, 1.0);
        self.until - lead
    }

    /// What the timer set for `renew_at` does at `now`. `used`: somebody asked with this token since it was made;
    /// `visible`: somebody may be looking.
    #[must_use]
    pub fn wake(self, now: f64, renew_at: f64, used: bool, visible: bool) -> Wake {
        if now < self.from || now >= self.until {
            Wake::Forget
        } else if now < renew_at {
            Wake::Wait(wait(now, renew_at))
        } else if used && visible {
            Wake::Renew
        } else {
            Wake::Leave
        }
    }

    fn length(self) -> f64 {
        self.until - self.from
    }
}

/// Milliseconds from `now` to `at` for a timer.
#[must_use]
pub fn wait(now: f64, at: f64) -> f64 {
    (at - now).max(SHORTEST_WAIT)
}

/// What `status` means; `renewed` says whether the token was already renewed for this request. 0 is no network.
#[must_use]
pub fn verdict(status: u16, renewed: bool) -> Verdict {
    match status {
        200..=299 => Verdict::Answer,
        401 if renewed => Verdict::Over,
        401 => Verdict::Renew,
        _ => Verdict::Tell,
    }
}

/// Whether the server took note of a sign-out. If it did not (no network, throttled, a fault), it is asked again.
#[must_use]
pub fn settles_sign_out(status: u16) -> bool {
    !matches!(status, 0 | 429 | 500..)
}

/// Seconds until `at`, at least 1: what a `Retry-After` that still runs says now (RFC 9110, 10.2.3).
#[must_use]
pub fn seconds_left(now: f64, at: f64) -> Option<u64> {
    // `as` saturates, which is right for a time that far away.
    (now < at).then(|| ((at - now) / 1000.0).ceil() as u64)
}

/// The problem of an answer with `status` whose body is not ours: a proxy's page, a hotel's portal. 0 is no network.
#[must_use]
pub fn unreadable(status: u16) -> Problem {
    let (code, detail) = match status {
        401 => (Code::NotSignedIn, "Please sign in."),
        413 => (Code::TooLarge, "That was too much at once."),
        429 => (Code::TooManyRequests, "Too many tries. Please wait a moment and try again."),
        502..=504 => (Code::Unavailable, "The server is busy. Please try again in a moment."),
        400..=499 => (Code::MalformedRequest, "The server did not accept this. Reload the page and try again."),
        500.. => (Code::Internal, "Something went wrong on our side. Please try again in a moment."),
        _ => {
            let detail = "We could not reach the server. Check your connection and try again; you are still signed in if you were.";
            return Problem::new(Code::Offline, 0, detail);
        }
    };
    Problem::new(code, status, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: i64 = 600;

    #[test]
    fn a_token_is_renewed_a_minute_before_its_end_and_never_all_tabs_at_once() {
        let life = Life::new(1_000.0, TEN_MINUTES);
        assert_eq!(life.renew_at(0.0), 1_000.0 + 540_000.0);
        assert_eq!(life.renew_at(1.0), 1_000.0 + 525_000.0);
        assert_eq!(life.renew_at(7.0), life.renew_at(1.0));
    }

    #[test]
    fn a_short_life_is_renewed_at_about_its_half_and_there_is_no_jump_between_short_and_long() {
        assert_eq!(Life::new(0.0, 10).renew_at(0.0), 5_000.0);
        assert_eq!(Life::new(0.0, 10).renew_at(1.0), 3_750.0);
        let gap = Life::new(0.0, 121).renew_at(0.5) - Life::new(0.0, 119).renew_at(0.5);
        assert!(gap > 0.0 && gap < 2_000.0, "{gap}");
        for seconds in [1, 2, 30, 119, 120, 121, 600, 900] {
            let life = Life::new(0.0, seconds);
            for jitter in [0.0, 0.5, 1.0] {
                assert!(life.is_usable(life.renew_at(jitter)), "{seconds} s is renewed while it is alive");
            }
        }
    }

    #[test]
    fn a_token_about_to_die_is_not_sent() {
        let life = Life::new(0.0, TEN_MINUTES);
        assert!(life.is_usable(594_000.0));
        assert!(!life.is_usable(595_000.0));
        assert!(!life.is_usable(700_000.0));
        assert!(Life::new(0.0, 1).is_usable(800.0));
        assert!(!Life::new(0.0, 0).is_usable(0.0));
        assert!(!Life::new(0.0, -5).is_usable(0.0));
    }

    #[test]
    fn a_clock_set_back_to_before_the_token_does_not_keep_it_alive() {
        assert!(!Life::new(1_000_000.0, TEN_MINUTES).is_usable(999_000.0));
        assert_eq!(Life::new(1_000_000.0, TEN_MINUTES).wake(0.0, 1_540_000.0, true, true), Wake::Forget);
    }

    #[test]
    fn a_timer_that_fires_hours_late_renews_nothing() {
        let life = Life::new(0.0, TEN_MINUTES);
        assert_eq!(life.wake(3_600_000.0, 540_000.0, true, true), Wake::Forget);
    }

    #[test]
    fn a_token_nobody_uses_or_looks_at_is_left_to_lapse() {
        let life = Life::new(0.0, TEN_MINUTES);
        assert_eq!(life.wake(541_000.0, 540_000.0, true, true), Wake::Renew);
        assert_eq!(life.wake(541_000.0, 540_000.0, false, true), Wake::Leave);
        assert_eq!(life.wake(541_000.0, 540_000.0, true, false), Wake::Leave);
    }

    #[test]
    fn a_timer_that_fires_early_waits_on_and_never_spins() {
        let life = Life::new(0.0, TEN_MINUTES);
        assert_eq!(life.wake(530_000.0, 540_000.0, true, true), Wake::Wait(10_000.0));
        assert_eq!(life.wake(539_999.0, 540_000.0, true, true), Wake::Wait(1_000.0));
    }

    #[test]
    fn only_a_second_refusal_ends_the_session() {
        assert_eq!(verdict(200, false), Verdict::Answer);
        assert_eq!(verdict(401, false), Verdict::Renew);
        assert_eq!(verdict(401, true), Verdict::Over);
        for status in [0, 302, 400, 403, 429, 500, 502, 503, 504, 599] {
            assert_eq!(verdict(status, false), Verdict::Tell, "{status}");
            assert_eq!(verdict(status, true), Verdict::Tell, "{status}");
        }
    }

    #[test]
    fn a_sign_out_is_repeated_until_the_server_took_note() {
        assert!([200, 204, 400, 401, 403].into_iter().all(settles_sign_out));
        assert!(![0, 429, 500, 502, 503, 504].into_iter().any(settles_sign_out));
    }

    #[test]
    fn what_is_left_of_a_pause_is_told_in_whole_seconds_rounded_up() {
        assert_eq!(seconds_left(0.0, 1.0), Some(1));
        assert_eq!(seconds_left(0.0, 30_000.0), Some(30));
        assert_eq!(seconds_left(500.0, 30_000.0), Some(30));
        assert_eq!(seconds_left(30_000.0, 30_000.0), None);
        assert_eq!(seconds_left(0.0, f64::NEG_INFINITY), None);
    }

    #[test]
    fn a_page_of_some_proxy_becomes_a_problem_of_ours() {
        assert_eq!(unreadable(502).code, Code::Unavailable);
        assert_eq!(unreadable(429).code, Code::TooManyRequests);
        assert_eq!(unreadable(418).status, 418);
        assert_eq!(unreadable(200).code, Code::Offline, "a portal answers 200 with a page of its own");
        assert_eq!(unreadable(0).status, 0);
    }
}
