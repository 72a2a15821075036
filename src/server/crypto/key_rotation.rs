//! New keys for old: writes the file anew, with keys that make from a time on, and without those of which nothing is left.
//!
//! How long what a key made can live is for the caller to say.

use super::{
    key_facts::{KeyFacts, KeyPurpose, KeyState},
    keys::{Keys, KeysError},
    keys_document::Document,
    keys_file::{Exclusive, KeysText, is_setting},
};
use crate::{
    domain::time::Timestamp,
    server::{entropy::Entropy, settings},
};

/// Keys of one purpose at most: each refused token and mistyped code is tried with all of them.
const MOST_KEYS: usize = 16;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// For these there will be a new key.
    pub purposes: Vec<KeyPurpose>,
    /// It makes from then on.
    pub from: Timestamp,
    /// Whether, and how long after they were replaced, keys are dropped.
    pub drop: Option<KeepFor>,
}

/// Seconds that a key is kept after another one makes in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the purposes are documented at KeyPurpose")]
pub struct KeepFor {
    pub signing: i64,
    pub refresh: i64,
    pub mail: i64,
}

impl KeepFor {
    /// From when this key may be dropped; `None` if it makes, will make, or nobody knows when it was replaced.
    #[must_use]
    pub const fn until(&self, key: &KeyFacts) -> Option<Timestamp> {
        let seconds = match key.purpose {
            KeyPurpose::Signing => self.signing,
            KeyPurpose::Refresh => self.refresh,
            KeyPurpose::Mail => self.mail,
        };
        match (key.state, key.replaced_at) {
            (KeyState::Verifies, Some(replaced)) => Some(replaced.plus(seconds)),
            _ => None,
        }
    }
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The new keys.
    pub added: Vec<KeyFacts>,
    /// Those that are gone.
    pub dropped: Vec<KeyFacts>,
    /// All that there are now, new ones too.
    pub keys: Vec<KeyFacts>,
}

/// Does it to the file of keys: all or nothing. One after the other, where two do it at once.
///
/// # Errors
/// The keys stand in the setting `keys.json`; the file cannot be read or written, or would hold too many keys.
pub fn rotate(
    settings: &settings::Keys,
    plan: &Rotation,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Rotated, KeysError> {
    if is_setting(settings) {
        return Err(KeysError::InSetting);
    }
    let unwritable = |error| KeysError::Unwritable(settings.file.clone(), error);
    // First, so that a file that is not there, or open to others, is called that.
    KeysText::read(settings)?;
    let exclusive = Exclusive::wait(&settings.file).map_err(unwritable)?;
    let text = KeysText::read(settings)?;
    let before = text.at(now)?;
    let mut document = text.document()?;
    let dropped = plan.drop.map_or_else(Vec::new, |keep| drop_old(&mut document, &before, &keep, now));
    for purpose in &plan.purposes {
        if document.list(*purpose).len() >= MOST_KEYS {
            return Err(KeysError::TooMany(purpose.as_str(), MOST_KEYS));
        }
        document.add(*purpose, Some(plan.from), entropy);
    }
    // What nobody could read again must not take the place of what everybody can.
    let after = KeysText::of(document.text(), "what would be written").at(now)?;
    if !plan.purposes.is_empty() || !dropped.is_empty() {
        exclusive.replace(&document.text(), entropy).map_err(unwritable)?;
    }
    let is_new = |key: &&KeyFacts| !before.facts().iter().any(|old| old.fingerprint == key.fingerprint);
    let added = after.facts().iter().filter(is_new).cloned().collect();
    Ok(Rotated { added, dropped, keys: after.facts().to_vec() })
}

fn drop_old(document: &mut Document, before: &Keys, keep: &KeepFor, now: Timestamp) -> Vec<KeyFacts> {
    let is_over = |key: &KeyFacts| keep.until(key).is_some_and(|until| until <= now);
    for purpose in KeyPurpose::ALL {
        // The facts of a purpose stand in the order of its list.
        let mut facts = before.facts().iter().filter(|key| key.purpose == purpose);
        document.list_mut(purpose).retain(|_| !facts.next().is_some_and(is_over));
    }
    before.facts().iter().filter(|key| is_over(key)).cloned().collect()
}

#[cfg(test)]
#[path = "key_rotation_tests.rs"]
mod tests;
