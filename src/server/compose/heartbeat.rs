//! Leaves a sign of life of this server in the database, for the others and for `doorward doctor`.

use super::World;
use crate::{
    domain::time::Timestamp,
    server::{
        crypto::{KeyFacts, KeyState, Keyring},
        entropy::random_id,
        settings::Settings,
        store::{
            Store, StoreError,
            replicas::{self, Replica},
        },
    },
};
use std::{collections::BTreeSet, time::Duration};
use tokio::{task::JoinHandle, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Seconds after which a server that was silent is forgotten.
const FORGOTTEN_AFTER: i64 = 86_400;
/// Heartbeats after which a silent server no longer counts as live.
const LIVE_BEATS: i64 = 3;
/// What the goodbye may take: the database may be away, and a server that is told to stop has to.
const GOODBYE: Duration = Duration::from_secs(2);
/// Looks in a row that another server may have other keys while keys are exchanged: each takes the file up by itself.
const PATIENCE: u32 = 3;

/// Signs of life, until they are stopped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Heartbeat {
    pub(super) fn start(settings: &Settings, store: &Store, keyring: &Keyring, world: &World) -> Self {
        let stop = CancellationToken::new();
        let beats = Beats {
            id: random_id(world.entropy.as_ref()),
            started_at: world.clock.now(),
            every: settings.replica.heartbeat,
            store: store.clone(),
            keyring: keyring.clone(),
            world: world.clone(),
        };
        Self { task: tokio::spawn(beats.run(stop.clone())), stop }
    }

    /// Says goodbye: the row goes. For as long as the database is open.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(GOODBYE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

struct Beats {
    id: String,
    started_at: Timestamp,
    every: u64,
    store: Store,
    keyring: Keyring,
    world: World,
}

impl Beats {
    async fn run(self, stop: CancellationToken) {
        tracing::info!(server = %self.id, "what this server is called in doorward doctor");
        let mut ticks = tokio::time::interval(Duration::from_secs(self.every));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // At the start what others have is known; later a server may be about to look at the file.
        let mut differing = PATIENCE;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // Requests and the mailer say that the database is away; this is one more of many.
            match self.beat().await {
                Ok(others) => differing = self.compare(&others, differing),
                Err(error) => tracing::debug!(%error, "no sign of life could be left"),
            }
        }
        let id = self.id;
        if let Err(error) = self.store.write_aside(|tx| Box::pin(async move { replicas::delete(tx, &id).await })).await
        {
            tracing::debug!(%error, "the sign of life stays behind");
        }
    }

    /// Signs, forgets who was silent for long, and answers who else is there.
    async fn beat(&self) -> Result<Vec<Replica>, StoreError> {
        let now = self.world.clock.now();
        let own = Replica {
            id: self.id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            seen_at: now,
            keys: self.keyring.current().fingerprints(),
        };
        let beat = self.store.write_aside(move |tx| {
            Box::pin(async move {
                replicas::sign(tx, &own).await?;
                replicas::delete_silent(tx, now.plus(-FORGOTTEN_AFTER)).await?;
                replicas::list(tx).await
            })
        });
        beat.await
    }

    /// Says once if a live server has had other keys for longer than an exchange of keys takes: its visitors are signed out
    /// here, and ours there. `before` is for how many looks in a row that was so; answers the same of now.
    fn compare(&self, all: &[Replica], before: u32) -> u32 {
        let now = self.world.clock.now();
        let facts = &self.keyring.current().facts;
        let others = all.iter().filter(|other| other.id != self.id && is_live(other, self.every, now));
        let differ: Vec<_> = others.filter(|other| difference(facts, &other.keys) == Difference::Other).collect();
        if differ.is_empty() {
            return 0;
        }
        if before == PATIENCE {
            tracing::warn!(
                event = "keys_differ",
                servers = differ.len(),
                "another server on this database has other keys: what one signs the other refuses, and people are signed \
                 out; give all servers the same keys file (doorward doctor shows who has which)"
            );
        }
        before.saturating_add(1)
    }
}

/// Whether a server has shown itself lately.
pub(super) fn is_live(replica: &Replica, heartbeat: u64, now: Timestamp) -> bool {
    let within = i64::try_from(heartbeat).unwrap_or(i64::MAX).saturating_mul(LIVE_BEATS);
    now.since(replica.seen_at) <= within
}

/// How the keys of another server compare with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The same.
    None,
    /// It lacks only keys with which nobody makes before this time.
    NotYet(Timestamp),
    /// One has keys that the other lacks.
    Other,
}

pub(super) fn difference(ours: &[KeyFacts], theirs: &str) -> Difference {
    let theirs: BTreeSet<&str> = theirs.split(',').filter(|name| !name.is_empty()).collect();
    let known: BTreeSet<&str> = ours.iter().map(|key| key.fingerprint.as_str()).collect();
    let lacks = || ours.iter().filter(|key| !theirs.contains(key.fingerprint.as_str()));
    let first = lacks().filter_map(|key| key.from).min();
    match first {
        _ if !theirs.is_subset(&known) => Difference::Other,
        _ if lacks().any(|key| key.state != KeyState::MakesLater) => Difference::Other,
        Some(from) => Difference::NotYet(from),
        None => Difference::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::crypto::KeyPurpose;

    fn key(name: &str, state: KeyState, from: Option<i64>) -> KeyFacts {
        KeyFacts {
            purpose: KeyPurpose::Signing,
            name: String::new(),
            fingerprint: name.to_owned(),
            from: from.map(Timestamp),
            state,
            replaced_at: None,
        }
    }

    #[test]
    fn a_server_that_lacks_a_key_of_later_is_late_and_any_other_difference_is_one() {
        let ours = [
            key("a", KeyState::Makes, None),
            key("b", KeyState::Verifies, Some(5)),
            key("c", KeyState::MakesLater, Some(70)),
            key("d", KeyState::MakesLater, Some(60)),
        ];
        for (theirs, expected) in [
            ("a,b,c,d", Difference::None),
            ("a,b,d", Difference::NotYet(Timestamp(70))),
            ("a,b", Difference::NotYet(Timestamp(60))),
            ("a,c,d", Difference::Other),
            ("b,c,d", Difference::Other),
            ("a,b,c,d,e", Difference::Other),
            ("", Difference::Other),
        ] {
            assert_eq!(difference(&ours, theirs), expected, "{theirs}");
        }
    }

    #[test]
    fn a_server_lives_for_three_heartbeats() {
        let replica = |seen_at| Replica {
            id: String::new(),
            version: String::new(),
            started_at: Timestamp(0),
            seen_at: Timestamp(seen_at),
            keys: String::new(),
        };
        assert!(is_live(&replica(55), 15, Timestamp(100)) && !is_live(&replica(54), 15, Timestamp(100)));
        assert!(is_live(&replica(200), 15, Timestamp(100)), "its clock is ahead");
    }
}
