//! Takes up new keys while the server runs: looks at the file again and again, and at the clock, for keys whose time comes.
//!
//! A text that cannot be used changes nothing: the keys that are known stay, and their times go on to count.

use super::{StartError, World, failed};
use crate::{
    domain::time::Timestamp,
    server::{
        clock::Clock,
        crypto::{KeyFacts, KeyState, Keyring, KeysText, Sealing},
        settings::Settings,
    },
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Watches the keys and exchanges them. Clones watch together.
#[derive(Clone)]
pub struct KeyWatch {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    keyring: Keyring,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    /// The last text that could be used.
    text: KeysText,
    /// What was last wrong, so that it is said once.
    fault: Option<String>,
}

impl fmt::Debug for KeyWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyWatch")
    }
}

impl KeyWatch {
    /// With the keys that there are; the file is made if there is none.
    pub(super) fn open(settings: &Arc<Settings>, world: &World) -> Result<Self, StartError> {
        let text = KeysText::read_or_create(&settings.keys, world.entropy.as_ref()).map_err(failed("the keys"))?;
        let keys = text.at(world.clock.now()).map_err(failed("the keys"))?;
        let keyring = Keyring::new(Sealing::new(&keys, settings).map_err(failed("the keys"))?);
        let seen = Arc::new(Mutex::new(Seen { text, fault: None }));
        Ok(Self { settings: settings.clone(), clock: world.clock.clone(), keyring, seen })
    }

    /// The ring whose keys are exchanged.
    pub(super) fn keyring(&self) -> Keyring {
        self.keyring.clone()
    }

    /// Looks every `keys.reload` seconds, and when the time of a key has come, until it is aborted.
    pub(super) async fn run(self) {
        loop {
            let now = self.clock.now();
            let next = self.keyring.current().facts.iter().filter_map(|key| key.from).filter(|from| *from > now).min();
            let next = next.map_or(u64::MAX, |from| u64::try_from(from.since(now)).unwrap_or(0));
            tokio::time::sleep(Duration::from_secs(next.min(self.settings.keys.reload).max(1))).await;
            self.look().await;
        }
    }

    /// Looks now. When this returns, the keys of the file, if they can be used, are those of the server.
    pub async fn look(&self) {
        let mut seen = self.seen.lock().await;
        let now = self.clock.now();
        let settings = self.settings.keys.clone();
        // The file may lie on a disk that has gone to sleep, or beyond a network.
        let read = tokio::task::spawn_blocking(move || KeysText::read(&settings)).await;
        let read = read.map_err(|error| error.to_string()).and_then(|text| text.map_err(|error| error.to_string()));
        match read.and_then(|text| self.take_up(&text, now).map(|()| text)) {
            Ok(text) => *seen = Seen { text, fault: None },
            Err(fault) => {
                if seen.fault.as_ref() != Some(&fault) {
                    tracing::error!(
                        event = "keys_unusable",
                        fault,
                        "the new keys cannot be used; those from before stay"
                    );
                    seen.fault = Some(fault);
                }
                // Was taken up before, and cannot fail but for what was said.
                drop(self.take_up(&seen.text, now));
            }
        }
    }

    /// Makes the keys of `text`, as they are at `now`, those of the server, if they are not.
    fn take_up(&self, text: &KeysText, now: Timestamp) -> Result<(), String> {
        let keys = text.at(now).map_err(|error| error.to_string())?;
        if keys.facts() == self.keyring.current().facts {
            return Ok(());
        }
        let sealing = Sealing::new(&keys, &self.settings).map_err(|error| error.to_string())?;
        let (count, makes) = (keys.facts().len(), makers(keys.facts()));
        tracing::info!(event = "keys_changed", keys = count, makes, "the keys have changed, or others of them make");
        self.keyring.replace(sealing);
        Ok(())
    }
}

/// The public names of the keys that make.
fn makers(facts: &[KeyFacts]) -> String {
    let makes = facts.iter().filter(|key| key.state == KeyState::Makes);
    makes.map(|key| key.fingerprint.as_str()).collect::<Vec<_>>().join(",")
}
