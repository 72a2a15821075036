//! Second factors: what they promise, and every way around them that was looked for.

mod around;
pub mod authenticator;
mod challenge;
mod passkey_people;
mod passkey_refusals;
mod passkeys;
mod policy;
mod races;
mod recovery_codes;
mod totp;
mod trusted;

use crate::harness::{
    App,
    factors::{Protected, STEP},
};

/// Six digits that are no code of that app now.
fn wrong_code(app: &App, who: &Protected) -> String {
    let right: Vec<_> = (-3..=3).map(|steps| who.secret.code_at(app.now().plus(steps * STEP))).collect();
    let mut all = (0..10).map(|number| format!("{number:06}"));
    all.find(|code| !right.contains(code)).unwrap()
}
