//! What an operator may do with the keys: look at their names, and exchange them without signing anybody out.

use super::{
    StartError, World, failed,
    seals::{self, Seals},
};
use crate::{
    domain::time::Timestamp,
    server::{
        crypto::{self, KeepFor, KeyFacts, KeyPurpose, KeyState, Keys, Rotation},
        http::discovery::KEPT as KEYS_KEPT,
        settings::{Settings, THIRTY_DAYS},
        store::Store,
    },
};
use serde::Serialize;

/// Seconds beyond the life of what a key made before it may go: for clocks that differ, and a server that took up the new
/// key late.
const MARGIN: i64 = 3600;
/// The same of mail keys: the audit log lets go of its old entries by and by, and secrets of authenticator apps are sealed
/// anew by the cleaning up, every hour, or two when another server takes that over.
const MAIL_MARGIN: i64 = 2 * DAY;
const DAY: i64 = 86_400;
/// Seconds that a key is kept which must not be dropped.
const FOREVER: i64 = i64::MAX / 4;

/// A key as it is shown. Nothing of it is secret.
#[derive(Clone, Debug, Serialize)]
pub struct ShownKey {
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The `kid` of a signing key, the id of a refresh key; empty for a mail key.
    pub name: String,
    /// Its public name.
    pub fingerprint: String,
    /// Since when, or from when on, it makes (RFC 3339); none: it always did.
    pub from: Option<String>,
    /// What it does now.
    pub state: KeyState,
    /// When another key took its place, if that is known (RFC 3339).
    pub replaced_at: Option<String>,
    /// From when on `--drop-old` drops it (RFC 3339); none while it makes, and where nobody knows when it was replaced.
    pub droppable_from: Option<String>,
    /// Whether that is so now.
    pub droppable: bool,
}

/// What is to be done with the keys.
#[derive(Clone, Debug)]
pub struct KeyChange {
    /// For these there will be a new key.
    pub purposes: Vec<KeyPurpose>,
    /// Seconds from now until it makes, 0 or more.
    pub after: i64,
    /// Whether keys are dropped of which nothing can be left.
    pub drop_old: bool,
}

/// What was done with them.
#[derive(Clone, Debug, Serialize)]
pub struct ChangedKeys {
    /// The new ones.
    pub added: Vec<ShownKey>,
    /// Those that are gone.
    pub dropped: Vec<ShownKey>,
    /// All that there are now.
    pub keys: Vec<ShownKey>,
    /// What whoever did this should know.
    pub notes: Vec<String>,
}

/// All keys of these settings, by purpose.
///
/// # Errors
/// There are none, or they cannot be used.
pub fn list(settings: &Settings, world: &World) -> Result<Vec<ShownKey>, StartError> {
    let now = world.clock.now();
    let keys = Keys::load(&settings.keys, now).map_err(failed("the keys"))?;
    Ok(shown(keys.facts(), &keep_for(settings), now))
}

/// Adds keys to the file and drops old ones, without a look at the database: [`exchange`] has one. Running servers take that
/// up by themselves.
///
/// # Errors
/// The keys are not in a file, or the file cannot be read or written.
pub fn change(settings: &Settings, world: &World, change: &KeyChange) -> Result<ChangedKeys, StartError> {
    changed(settings, world, change, keep_for(settings))
}

/// As [`change`], but no mail key is dropped while a secret in the database is sealed with an older one. The cleaning up of a
/// running server seals them anew; where none has run for long, only the database can tell.
///
/// # Errors
/// As [`change`].
pub async fn exchange(settings: &Settings, world: &World, change: &KeyChange) -> Result<ChangedKeys, StartError> {
    let keep = keep_for(settings);
    let goes = |key: &ShownKey| key.purpose == KeyPurpose::Mail && key.droppable;
    if !change.drop_old || !list(settings, world)?.iter().any(goes) {
        return changed(settings, world, change, keep);
    }
    let Some(why) = still_needed(settings, world).await else { return changed(settings, world, change, keep) };
    let mut done = changed(settings, world, change, KeepFor { mail: FOREVER, ..keep })?;
    done.notes.push(why);
    Ok(done)
}

/// Why old mail keys must stay; none if they need not.
async fn still_needed(settings: &Settings, world: &World) -> Option<String> {
    let looked = async {
        let keys = Keys::load(&settings.keys, world.clock.now()).map_err(|error| error.to_string())?;
        let store = Store::open_existing(&settings.database).await.map_err(|error| error.to_string())?;
        let seals = seals::look(&store, &keys).await.map_err(|error| error.to_string());
        store.close().await;
        seals
    };
    match looked.await {
        Ok(Seals { older: 0, .. }) => None,
        Ok(Seals { older, .. }) => Some(format!(
            "Old mail keys stay: secrets of authenticator apps that are still sealed with one: {older}. A running server \
             seals them anew within the hour."
        )),
        Err(error) => Some(format!(
            "Old mail keys stay: the database cannot tell whether something is still sealed with them ({error})."
        )),
    }
}

fn changed(
    settings: &Settings,
    world: &World,
    change: &KeyChange,
    drop_after: KeepFor,
) -> Result<ChangedKeys, StartError> {
    let (now, keep) = (world.clock.now(), keep_for(settings));
    let plan = Rotation {
        purposes: change.purposes.clone(),
        from: now.plus(change.after),
        drop: change.drop_old.then_some(drop_after),
    };
    let done = crypto::rotate(&settings.keys, &plan, world.entropy.as_ref(), now).map_err(failed("the keys"))?;
    Ok(ChangedKeys {
        added: shown(&done.added, &keep, now),
        dropped: shown(&done.dropped, &keep, now),
        keys: shown(&done.keys, &keep, now),
        notes: notes(settings, change).into_iter().chain(pending(&done.keys, &done.added)).collect(),
    })
}

fn notes(settings: &Settings, change: &KeyChange) -> Vec<String> {
    let reload = seconds(settings.keys.reload);
    let mut notes = Vec::new();
    if !change.purposes.is_empty() && change.after <= reload {
        notes.push(format!(
            "A server looks at the file every {reload} s (keys.reload). With so short an --in one server may make with \
             the new key before another knows it, and that other one refuses what was made until it does."
        ));
    }
    if change.purposes.contains(&KeyPurpose::Signing) && change.after <= reload + KEYS_KEPT {
        notes.push(format!(
            "Services that verify access tokens with our published keys may keep those for {KEYS_KEPT} s. Until they ask \
             again they refuse tokens of the new key."
        ));
    }
    if change.purposes.contains(&KeyPurpose::Mail) {
        notes.push("All throttles start afresh when the new mail key begins to make.".to_owned());
    }
    notes
}

/// Keys of the same purpose that were waiting for their time already.
fn pending(all: &[KeyFacts], added: &[KeyFacts]) -> Option<String> {
    let is_new = |key: &KeyFacts| added.iter().any(|new| new.fingerprint == key.fingerprint);
    let waits = |key: &&KeyFacts| key.state == KeyState::MakesLater && !is_new(key);
    let waiting = all.iter().filter(waits).filter(|key| added.iter().any(|new| new.purpose == key.purpose)).count();
    (waiting > 0).then(|| {
        format!(
            "New keys were waiting for their time already (see doorward keys list): {waiting}. One rotation is for all \
             servers that share the file."
        )
    })
}

/// How long what the keys make can live.
fn keep_for(settings: &Settings) -> KeepFor {
    let (session, account, throttle) = (&settings.session, &settings.account, &settings.throttle);
    // A server may go on with the old key until it looks at the file, or at the clock, again.
    let late = seconds(settings.keys.reload) + MARGIN;
    // The settings' own limit: lives may have been longer yesterday.
    let longest_session = session.absolute.max(session.remembered_absolute).max(THIRTY_DAYS);
    let days = [account.keep_history, account.deletion_grace, throttle.known_device].into_iter().max().unwrap_or(0);
    let links = [account.undo_lifetime, settings.confirmation.link_lifetime, settings.reset.link_lifetime];
    let mailed = links.into_iter().max().unwrap_or(0);
    KeepFor {
        signing: settings.token.access_lifetime + seconds(settings.token.leeway) + late,
        refresh: longest_session + late,
        mail: mailed.max(days.saturating_mul(DAY)) + late + MAIL_MARGIN,
    }
}

fn seconds(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 4)
}

fn shown(facts: &[KeyFacts], keep: &KeepFor, now: Timestamp) -> Vec<ShownKey> {
    let show = |key: &KeyFacts| {
        let until = keep.until(key);
        ShownKey {
            purpose: key.purpose,
            name: key.name.clone(),
            fingerprint: key.fingerprint.clone(),
            from: key.from.map(Timestamp::rfc3339),
            state: key.state,
            replaced_at: key.replaced_at.map(Timestamp::rfc3339),
            droppable_from: until.map(Timestamp::rfc3339),
            droppable: until.is_some_and(|until| until <= now),
        }
    };
    facts.iter().map(show).collect()
}
