//! Checks of the machine: its clock, open files, how long a hash takes; and what the log says.

use super::Check;
use crate::{
    domain::time::Timestamp,
    server::{
        compose::{World, files_beside_connections},
        crypto::PasswordHasher,
        metrics::Metrics,
        settings::{Settings, is_local_url},
    },
};
use secrecy::SecretString;
use std::time::{Duration, Instant};

/// 2026-01-01T00:00:00Z: this was written later.
const WRITTEN: Timestamp = Timestamp(1_767_225_600);
/// People notice when a sign-in takes that long.
const SLOW: Duration = Duration::from_secs(1);

pub(super) fn log(settings: &Settings) -> Check {
    let (name, filter) = ("log", settings.log.filter.as_str());
    let lower = filter.to_ascii_lowercase();
    if ["trace", "debug"].iter().any(|level| lower.contains(level)) && !is_local_url(&settings.server.public_url) {
        let advice = "Set log.filter = \"info\" when you have found what you look for.";
        return Check::warning(
            name,
            format!("The log says more than anybody reads: log.filter is {filter:?}."),
            advice,
        );
    }
    Check::ok(name, format!("The log's filter is {filter:?}."))
}

pub(super) fn open_files(settings: &Settings) -> Check {
    let (name, wanted) = ("open_files", settings.server.connections);
    let Ok((_, most)) = rlimit::Resource::NOFILE.get() else {
        return Check::ok(name, "The system does not say how many files may be open.");
    };
    let needed = u64::try_from(wanted.saturating_add(files_beside_connections(settings))).unwrap_or(u64::MAX);
    if most < needed {
        return Check::warning(
            name,
            format!(
                "At most {most} files may be open, and server.connections is {wanted}: the server will take fewer."
            ),
            format!(
                "Raise the limit to {needed} (LimitNOFILE= of systemd, ulimit -Hn), or set server.connections lower."
            ),
        );
    }
    Check::ok(name, format!("There is room for {wanted} connections among the files that may be open."))
}

pub(super) fn clock(world: &World) -> Check {
    let (name, now) = ("clock", world.clock.now());
    if now < WRITTEN {
        let advice = "Set the clock (NTP): tokens, sessions and mails all go by it.";
        return Check::failure(name, format!("This machine's clock shows {}.", now.rfc3339()), advice);
    }
    Check::ok(name, format!("This machine's clock shows {}.", now.rfc3339()))
}

pub(super) async fn password_hash(settings: &Settings, world: &World) -> Check {
    let name = "password_hash";
    let advice = "Run doorward calibrate, and set [password] to what it suggests.";
    let hasher = match PasswordHasher::start(&settings.password, world.entropy.clone(), Metrics::new()) {
        Ok(hasher) => hasher,
        Err(error) => return Check::failure(name, format!("No password can be hashed: {error}."), advice),
    };
    // The first one also fetches the memory.
    let took = async {
        hasher.hash(SecretString::from("a first password")).await?;
        let start = Instant::now();
        hasher.hash(SecretString::from("a second password")).await?;
        Ok::<_, crate::server::crypto::Busy>(start.elapsed())
    };
    match took.await {
        Ok(took) if took > SLOW => {
            let found = format!("A password hash takes {} ms: everybody waits for that to sign in.", took.as_millis());
            Check::warning(name, found, advice)
        }
        Ok(took) => Check::ok(name, format!("A password hash takes {} ms.", took.as_millis())),
        Err(error) => Check::failure(name, format!("No password can be hashed: {error}."), advice),
    }
}
