//! What the service's charges promise, on a real database.

use super::*;
use crate::server::{
    clock::ManualClock,
    compose::{Application, World},
    entropy::SystemEntropy,
    settings::{DEFAULTS, Settings},
};
use std::{slice::from_ref, sync::Arc};
use tempfile::TempDir;

const START: Timestamp = Timestamp(1_795_190_400);
const LIMIT: Limit = Limit { count: 3, every: 20_000 };

struct Running {
    auth: AuthService,
    clock: Arc<ManualClock>,
    _application: Application,
    _folder: TempDir,
}

async fn start(extra: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let own = format!("database.url = 'sqlite:{at}/db'\nkeys.file = '{at}/keys.json'\nmail.folder = '{at}/mail'\n");
    let settings = Settings::from_toml(&(own + extra)).unwrap();
    let mut leptos = leptos::config::get_config_from_str(DEFAULTS).unwrap();
    leptos.site_addr = ([127, 0, 0, 1], 0).into();
    let clock = Arc::new(ManualClock::new(START));
    let world = World { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
    let application = Application::build(settings, leptos, world).await.unwrap();
    Running { auth: application.auth(), clock, _application: application, _folder: folder }
}

fn wait(charged: Result<(), AuthError>) -> i64 {
    match charged {
        Ok(()) => 0,
        Err(AuthError::TooMany(seconds)) => seconds,
        Err(error) => panic!("{error}"),
    }
}

/// Deletes rows behind the service's back, as another process does.
async fn forget_elsewhere(auth: &AuthService, charges: &[Charge]) -> i64 {
    let charges = charges.to_vec();
    auth.parts.store.write(move |tx| Box::pin(async move { forget(tx, &charges).await })).await.unwrap()
}

#[tokio::test]
async fn a_refusal_counts_nothing_and_tells_the_longest_wait() {
    let world = start("").await;
    let auth = &world.auth;
    let (name, address) = (auth.limited("name", "mona", LIMIT), auth.limited("address", "192.0.2.1", LIMIT));
    let slow = auth.limited("slow", "mona", Limit { count: 1, every: 90_500 });
    auth.charge(from_ref(&slow)).await.unwrap();
    for _ in 0..3 {
        auth.charge(from_ref(&name)).await.unwrap();
    }
    assert_eq!(wait(auth.charge(&[address.clone(), name.clone(), slow.clone()]).await), 91, "90.5 seconds, rounded up");
    assert_eq!(wait(auth.charge(&[name.clone(), address.clone()]).await), 20);
    for _ in 0..3 {
        auth.charge(from_ref(&address)).await.unwrap();
    }
    assert_eq!(wait(auth.charge(from_ref(&address)).await), 20);
    assert_eq!(forget_elsewhere(auth, &[name, address]).await, 3, "no refused try was counted");
}

#[tokio::test]
async fn a_limit_that_is_off_asks_nothing_of_the_database() {
    let world = start("").await;
    let (auth, off) = (&world.auth, world.auth.limited("name", "mona", Limit::OFF));
    auth.parts.store.close().await;
    for _ in 0..100 {
        auth.charge(&[off.clone(), off.clone()]).await.unwrap();
        auth.charge(&[]).await.unwrap();
    }
    auth.refund(&[off]).await;
}

#[tokio::test]
async fn a_throttle_that_cannot_be_asked_lets_nobody_through() {
    let world = start("").await;
    let charge = world.auth.limited("name", "mona", LIMIT);
    world.auth.charge(from_ref(&charge)).await.unwrap();
    world.auth.parts.store.close().await;
    let answer = world.auth.charge(from_ref(&charge)).await;
    assert!(matches!(answer, Err(AuthError::Unavailable(_))), "{answer:?}");
    world.auth.refund(&[charge]).await;
}

#[tokio::test]
async fn a_refusal_is_remembered_without_the_database_until_it_is_unblocked_or_seconds_old() {
    let world = start("").await;
    let (auth, charge) = (&world.auth, [world.auth.limited("name", "mona", LIMIT)]);
    for _ in 0..3 {
        auth.charge(&charge).await.unwrap();
    }
    assert_eq!(wait(auth.charge(&charge).await), 20);
    assert_eq!(forget_elsewhere(auth, &charge).await, 3);
    world.clock.advance(2);
    assert_eq!(wait(auth.charge(&charge).await), 18, "the database knows nothing of it any more");
    world.clock.advance(1);
    auth.charge(&charge).await.unwrap();
    for _ in 0..2 {
        auth.charge(&charge).await.unwrap();
    }
    assert_eq!(wait(auth.charge(&charge).await), 20);
    forget_elsewhere(auth, &charge).await;
    auth.unblock(&charge);
    auth.charge(&charge).await.unwrap();
}

#[tokio::test]
async fn a_try_that_was_none_is_given_back() {
    let world = start("").await;
    let (auth, charge) = (&world.auth, [world.auth.slowing("name", "mona", LIMIT, 900)]);
    for _ in 0..3 {
        auth.charge(&charge).await.unwrap();
    }
    for _ in 0..5 {
        assert_eq!(wait(auth.charge(&charge).await), 20);
        auth.refund(&charge).await;
        auth.charge(&charge).await.unwrap();
    }
    assert_eq!(forget_elsewhere(auth, &charge).await, 3);
}

#[tokio::test]
async fn each_scope_subject_and_limit_has_a_row_of_its_own() {
    let world = start("").await;
    let auth = &world.auth;
    let charges = [
        auth.limited("name", "mona", LIMIT),
        auth.limited("name", "lisa", LIMIT),
        auth.limited("address", "mona", LIMIT),
        auth.limited("name", "mona", Limit { count: 4, ..LIMIT }),
        auth.slowing("name", "mona", LIMIT, 900),
    ];
    for (at, one) in charges.iter().enumerate() {
        assert!(charges.iter().skip(at + 1).all(|other| other.name != one.name), "{at}");
        assert_eq!(one.name.len(), 43);
    }
    assert_eq!(auth.limited("name", "mona", LIMIT), charges[0]);
}

#[tokio::test]
async fn a_session_refreshes_as_often_as_the_setting_says_without_a_write() {
    let world = start("throttle.refresh = '2/1m'").await;
    world.auth.parts.store.close().await;
    assert_eq!([0; 3].map(|_| wait(world.auth.charge_refresh("rid"))), [0, 0, 30]);
    assert_eq!(wait(world.auth.charge_refresh("other")), 0);
    world.clock.advance(30);
    assert_eq!([0; 2].map(|_| wait(world.auth.charge_refresh("rid"))), [0, 30]);
    let free = start("throttle.refresh = 'off'").await;
    assert!((0..500).all(|_| free.auth.charge_refresh("rid").is_ok()));
}

#[test]
fn what_is_counted_as_throttled_is_a_setting() {
    let settings: toml::Table = crate::server::settings::DEFAULTS.parse().unwrap();
    let settings = settings["throttle"].as_table().unwrap();
    let files = ["proof", "profile", "step_up", "register", "log_in", "email_change", "front_end"];
    let text = |name: &&str| {
        let path = format!("{}/src/server/auth/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let mut scopes = 0;
    for text in files.iter().map(text) {
        for call in ["self.limited(\"", "self.slowing(\""] {
            for scope in text.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                scopes += 1;
                let setting = setting_of(scope.to_owned().leak());
                assert!(settings.contains_key(setting), "{scope} is counted as throttle.{setting}");
            }
        }
    }
    assert!(scopes > 15, "the limits are where they were: {scopes}");
}
