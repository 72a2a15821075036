//! A check of what is sealed in the database: whether the keys that there are open it.

use super::{Check, database::unanswered};
use crate::server::{
    compose::{
        World,
        seals::{self, Seals},
    },
    crypto::Keys,
    settings::Settings,
    store::Store,
};

/// None where another check has said already that there are no keys, or that the tables are of another version.
pub(super) async fn examine(settings: &Settings, world: &World, store: &Store) -> Option<Check> {
    let gap = store.own_migrations().await.ok()?;
    if !gap.fit() || !gap.pending.is_empty() {
        return None;
    }
    let keys = Keys::load(&settings.keys, world.clock.now()).ok()?;
    Some(match seals::look(store, &keys).await {
        Ok(seals) => check(seals),
        Err(error) => unanswered("seals", &error),
    })
}

fn check(Seals { all, older, lost }: Seals) -> Check {
    let name = "seals";
    if lost > 0 {
        let found = format!("{lost} of {all} secrets of authenticator apps cannot be opened with these keys.");
        let advice = "Put the mail key that has sealed them back into the keys (from a copy of keys.json). If there is none, \
                      their owners need a recovery code, a passkey, or doorward user factors --reset.";
        return Check::warning(name, found, advice);
    }
    let mut found = format!("All {all} secrets of authenticator apps can be opened.");
    if older > 0 {
        found.push_str(&format!(
            " {older} are sealed with an older key; a running server seals them anew within the hour."
        ));
    }
    Check::ok(name, found)
}
