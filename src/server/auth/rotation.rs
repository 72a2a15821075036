//! The decision table of a refresh (`tokens.md`), as a function of what is stored and what was presented.

use crate::{domain::time::Timestamp, server::store::sessions::Session};

/// Seconds after a step-up in which the tokens that were good just before it are refused without being taken for theft.
const STEP_UP_MERCY: i64 = 60;

/// What a presented refresh token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The newest token: the next one is made.
    Rotate,
    /// Its successor was minted a moment ago: two tabs, a retry, a lost answer. That successor is made again.
    Repeat,
    /// Its successor was minted long ago: the answer was lost, or somebody else holds it. A second successor is made,
    /// and whoever comes with the skipped one is found out.
    Fork,
    /// A token that was never handed out by this database: it was restored from a backup. It catches up.
    CatchUp,
    /// A skipped or older token: two hold this session. It ends.
    Theft,
    /// An older tab, just after a step-up: no token, but no theft either.
    RefuseSoftly,
    /// The account has a second factor by now, which this session has not shown.
    AskFactor,
    /// The session is over.
    Refuse,
}

/// Decides by the row, whose state is what counts at `now`. `reuse_window` is in seconds.
#[must_use]
pub fn decide(session: &Session, presented: i64, now: Timestamp, reuse_window: i64) -> Decision {
    if session.lacks_factor(now) {
        Decision::AskFactor
    } else if session.is_open(now) && presented > session.counter {
        Decision::CatchUp
    } else if !session.is_alive(now) {
        Decision::Refuse
    } else if presented == session.counter {
        Decision::Rotate
    } else if presented == session.parent {
        if now.since(session.minted_at) <= reuse_window { Decision::Repeat } else { Decision::Fork }
    } else if is_just_before_step_up(session, presented, now) {
        Decision::RefuseSoftly
    } else {
        Decision::Theft
    }
}

/// The newest token and its parent were good until the step-up. As long as nobody has used what it made, its answer may
/// have been lost: then the mercy goes on, and the password can be given again.
fn is_just_before_step_up(session: &Session, presented: i64, now: Timestamp) -> bool {
    let range = session.stepped_up_from.zip(session.stepped_up_to);
    let was_good = range.is_some_and(|(from, made)| from <= presented && presented < made);
    let unused = session.stepped_up_to == Some(session.counter) && session.counter == session.parent;
    was_good && (unused || session.stepped_up_at.is_some_and(|at| now.since(at) <= STEP_UP_MERCY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{account::AccountId, factor::AssuranceLevel};

    fn session(level: AssuranceLevel, demanded_level: AssuranceLevel) -> Session {
        Session {
            sid: "name".into(),
            account: AccountId(7),
            counter: 5,
            parent: 4,
            minted_at: Timestamp(1000),
            expires_at: Timestamp(9000),
            idle_seconds: 500,
            remembered: false,
            authenticated_at: Timestamp(1000),
            stepped_up_at: None,
            stepped_up_from: None,
            stepped_up_to: None,
            revoked_at: None,
            current: true,
            level,
            demanded_level,
        }
    }

    #[test]
    fn a_session_that_lacks_a_factor_is_asked_for_it_whatever_it_shows() {
        let lacking = session(AssuranceLevel::One, AssuranceLevel::Two);
        for presented in 0..9 {
            assert_eq!(decide(&lacking, presented, Timestamp(1010), 10), Decision::AskFactor, "{presented}");
        }
        let revoked = Session { revoked_at: Some(Timestamp(1005)), ..lacking.clone() };
        let moved = Session { current: false, ..lacking.clone() };
        for (over, at) in [(&lacking, 1500), (&lacking, 9000), (&revoked, 1010), (&moved, 1010)] {
            for presented in 0..9 {
                assert_eq!(decide(over, presented, Timestamp(at), 10), Decision::Refuse, "{presented} at {at}");
            }
        }
    }

    #[test]
    fn a_session_that_has_shown_enough_goes_on_as_ever() {
        for (level, demanded) in [
            (AssuranceLevel::One, AssuranceLevel::One),
            (AssuranceLevel::Two, AssuranceLevel::One),
            (AssuranceLevel::Two, AssuranceLevel::Two),
        ] {
            let enough = session(level, demanded);
            let of = |presented| decide(&enough, presented, Timestamp(1010), 10);
            assert_eq!(
                [3, 4, 5, 6].map(of),
                [Decision::Theft, Decision::Repeat, Decision::Rotate, Decision::CatchUp],
                "{level:?} {demanded:?}"
            );
        }
    }
}
