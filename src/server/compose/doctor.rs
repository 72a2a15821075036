//! `doorward doctor`: looks at the settings and at what they name, and says what is unsafe or broken and what to do.
//!
//! Each check is a function of its own and says one thing. Nothing is changed: the database is opened to be looked at.

mod database;
mod doors;
mod keys;
mod mail;
mod replicas;
mod seals;
mod system;

use super::World;
use crate::server::{settings::Settings, store::Store};
use serde::Serialize;
use std::net::SocketAddr;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing to do.
    Ok,
    /// It works, and is weaker or nearer to its limits than it should be.
    Warning,
    /// It is broken or unsafe.
    Failure,
}

/// One look at one thing.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at, one word of `[a-z_]`.
    pub name: &'static str,
    /// How it is.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do; none if it is well.
    pub advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, found: found.into(), advice: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    fn failure(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Failure, found: found.into(), advice: Some(advice.into()) }
    }
}

/// All checks of these settings, of a server that listens at `listens`. `offline`: the mail server is left alone.
pub async fn examine(settings: &Settings, world: &World, listens: SocketAddr, offline: bool) -> Vec<Check> {
    let mut checks = vec![
        Check::ok("settings", "The settings can be read, and none is out of its range."),
        doors::public_url(settings, listens),
        doors::cookie(settings),
        doors::proxies(settings),
        doors::throttles(settings),
        doors::introspection(settings),
        doors::compat(settings),
        doors::metrics(settings),
        system::log(settings),
        system::open_files(settings),
        system::clock(world),
        system::password_hash(settings, world).await,
        mail::transport(settings),
        mail::from(settings),
    ];
    if !offline {
        checks.extend(mail::smtp(settings).await);
    }
    let (key_checks, keys) = keys::examine(settings, world);
    checks.extend(key_checks);
    checks.extend(database::tls(settings));
    checks.extend(database::file(settings));
    checks.extend(database::space(settings));
    match Store::open_existing(&settings.database).await {
        Ok(store) => {
            checks.extend(database::examine(settings, world, &store).await);
            checks.extend(replicas::examine(settings, world, &store, keys.as_deref()).await);
            checks.extend(seals::examine(settings, world, &store).await);
            store.close().await;
        }
        Err(error) => checks.push(database::unopened(settings, &error)),
    }
    checks
}
