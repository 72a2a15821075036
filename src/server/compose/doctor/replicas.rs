//! Checks of the servers on this database: who lives, which version, whether all have our keys and our time.

use super::{Check, database::unanswered};
use crate::{
    domain::time::Timestamp,
    server::{
        compose::{
            World,
            heartbeat::{Difference, difference, is_live},
        },
        crypto::KeyFacts,
        settings::Settings,
        store::{
            Store, StoreError,
            replicas::{self, Replica},
        },
    },
};

/// Seconds that another server's clock may be ahead without a word.
const SAME_TIME: i64 = 2;

/// `keys` are those of these settings, if they can be used.
pub(super) async fn examine(
    settings: &Settings,
    world: &World,
    store: &Store,
    keys: Option<&[KeyFacts]>,
) -> Vec<Check> {
    match live(settings, world, store).await {
        // There are no such tables yet, which another check says.
        Ok(None) => Vec::new(),
        Ok(Some(live)) => {
            let now = world.clock.now();
            let mut checks = vec![versions(&live), times(settings, &live, now)];
            checks.extend(keys.map(|keys| same_keys(&live, keys)));
            checks
        }
        Err(error) => vec![unanswered("replicas", &error)],
    }
}

async fn live(settings: &Settings, world: &World, store: &Store) -> Result<Option<Vec<Replica>>, StoreError> {
    if !store.own_migrations().await?.pending.is_empty() {
        return Ok(None);
    }
    let mut all = replicas::list(&mut *store.read().await?).await?;
    let now = world.clock.now();
    all.retain(|replica| is_live(replica, settings.replica.heartbeat, now));
    Ok(Some(all))
}

fn versions(live: &[Replica]) -> Check {
    let name = "replicas";
    if live.is_empty() {
        return Check::ok(name, "No server runs on this database.");
    }
    let show = |replica: &Replica| {
        format!("{} (version {}, since {})", short(replica), replica.version, replica.started_at.rfc3339())
    };
    let found =
        format!("{} run on this database: {}.", live.len(), live.iter().map(show).collect::<Vec<_>>().join(", "));
    let same = live.windows(2).all(|pair| matches!(pair, [one, two] if one.version == two.version));
    if same {
        return Check::ok(name, found);
    }
    Check::warning(name, found, "Bring all to one version when the exchange is done.")
}

/// The beginning of an id: enough to tell servers apart, and in the log of each.
fn short(replica: &Replica) -> &str {
    replica.id.get(..8).unwrap_or(&replica.id)
}

fn times(settings: &Settings, live: &[Replica], now: Timestamp) -> Check {
    let name = "replica_clocks";
    let ahead = live.iter().max_by_key(|replica| replica.seen_at);
    let Some(ahead) = ahead.filter(|replica| replica.seen_at.since(now) > SAME_TIME) else {
        return Check::ok(name, "No server's clock is ahead of this machine's.");
    };
    let by = ahead.seen_at.since(now);
    let found = format!("The clock of server {} is at least {by} s ahead of this machine's.", short(ahead));
    let leeway = i64::try_from(settings.token.leeway).unwrap_or(SAME_TIME);
    let advice = "Set the clocks of all by NTP.";
    if by > leeway { Check::failure(name, found, advice) } else { Check::warning(name, found, advice) }
}

fn same_keys(live: &[Replica], keys: &[KeyFacts]) -> Check {
    let name = "replica_keys";
    let compared: Vec<_> = live.iter().map(|replica| (replica, difference(keys, &replica.keys))).collect();
    let of = |replicas: &[&Replica]| replicas.iter().map(|replica| short(replica)).collect::<Vec<_>>().join(", ");
    let differ: Vec<_> =
        compared.iter().filter(|(_, how)| *how == Difference::Other).map(|(replica, _)| *replica).collect();
    if !differ.is_empty() {
        return Check::failure(
            name,
            format!("Other keys than these settings name are in use at server {}.", of(&differ)),
            "Give all servers the same keys file: what one makes the other refuses, and people are signed out. Right \
             after doorward keys rotate wait for keys.reload and replica.heartbeat.",
        );
    }
    let late: Vec<_> = compared
        .iter()
        .filter_map(|(replica, how)| match how {
            Difference::NotYet(from) => Some((*replica, *from)),
            Difference::None | Difference::Other => None,
        })
        .collect();
    if let Some(from) = late.iter().map(|(_, from)| *from).min() {
        let replicas: Vec<_> = late.iter().map(|(replica, _)| *replica).collect();
        return Check::warning(
            name,
            format!("Server {} does not know the new keys yet, which make from {} on.", of(&replicas), from.rfc3339()),
            "It takes them up within keys.reload if it reads the same file; otherwise copy the file there before then.",
        );
    }
    Check::ok(name, "No server runs with other keys.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::compose::doctor::Outcome;

    fn replica(version: &str, seen_at: i64) -> Replica {
        Replica {
            id: "abcdefghij".to_owned(),
            version: version.to_owned(),
            started_at: Timestamp(0),
            seen_at: Timestamp(seen_at),
            keys: String::new(),
        }
    }

    #[test]
    fn two_versions_and_a_clock_that_is_ahead_are_found() {
        assert_eq!(versions(&[replica("1", 0), replica("1", 0)]).outcome, Outcome::Ok);
        assert_eq!(versions(&[replica("1", 0), replica("2", 0)]).outcome, Outcome::Warning);
        let settings = Settings::from_toml("token.leeway = 5").unwrap();
        for (seen_at, outcome) in
            [(90, Outcome::Ok), (102, Outcome::Ok), (104, Outcome::Warning), (106, Outcome::Failure)]
        {
            assert_eq!(times(&settings, &[replica("1", seen_at)], Timestamp(100)).outcome, outcome, "{seen_at}");
        }
    }
}
