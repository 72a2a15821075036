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
    /// The session is over.
    Refuse,
}

/// Decides by the row, whose state is what counts at `now`. `reuse_window` is in seconds.
#[must_use]
pub fn decide(session: &Session, presented: i64, now: Timestamp, reuse_window: i64) -> Decision {
    if session.is_open(now) && presented > session.counter {
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
