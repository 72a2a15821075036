//! Secrets of authenticator apps are sealed with mail keys: no key is dropped that one of them needs, and the doctor counts
//! those that no key opens.

use super::{json_of, run_in};
use crate::{
    harness::{App, Engine, on_both_engines, run},
    operations::factors::with_totp,
};
use doorward::server::{
    clock::Clock as _,
    compose::{
        World,
        keys::{self, ChangedKeys, KeyChange},
        seals::{self, Seals},
    },
    crypto::{KeyPurpose, Keys},
    entropy::SystemEntropy,
};
use secrecy::ExposeSecret as _;
use std::{fs, sync::Arc};

/// Seconds after which a mail key that was replaced is not needed for anything but seals.
const LONG: i64 = 20 * 366 * 86_400;

fn world(app: &App) -> World {
    World { clock: app.clock.clone(), entropy: Arc::new(SystemEntropy) }
}

async fn drop_old(app: &App) -> ChangedKeys {
    let change = KeyChange { purposes: Vec::new(), after: 0, drop_old: true };
    keys::exchange(&app.settings, &world(app), &change).await.unwrap()
}

async fn seals(app: &App) -> Seals {
    let keys = Keys::load(&app.settings.keys, app.clock.now()).unwrap();
    seals::look(&app.store, &keys).await.unwrap()
}

/// The doctor's check of the seals.
fn check(app: &App) -> serde_json::Value {
    let keys = app.settings.keys.file.display().to_string();
    let variables =
        [("DOORWARD__DATABASE__URL", app.settings.database.url.expose_secret()), ("DOORWARD__KEYS__FILE", &keys)];
    let (answer, _) = json_of(&run_in(app.folder.path(), &variables, &["doctor", "--json", "--offline"]));
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "seals").unwrap_or_else(|| panic!("{answer}")).clone()
}

on_both_engines! {
    async fn no_mail_key_is_dropped_while_a_secret_is_sealed_with_it(engine) {
        let app = App::start(engine).await;
        let device = with_totp(&app, &app.signed_in("mona").await).await;
        let change = KeyChange { purposes: vec![KeyPurpose::Mail], after: 0, drop_old: false };
        keys::change(&app.settings, &world(&app), &change).unwrap();
        app.clock.advance(LONG);
        app.key_watch.look().await;
        assert_eq!(seals(&app).await, Seals { all: 1, older: 1, lost: 0 });
        let kept = drop_old(&app).await;
        assert!(kept.dropped.is_empty(), "{:?}", kept.dropped);
        assert!(kept.notes.iter().any(|note| note.contains("Old mail keys stay") && note.contains("one: 1.")), "{:?}", kept.notes);
        app.answer(&app.challenged("mona").await, &device.code(&app)).await.unwrap();
        app.auth.clean_up().await.unwrap();
        assert_eq!(seals(&app).await, Seals { all: 1, older: 0, lost: 0 });
        let dropped = drop_old(&app).await.dropped;
        assert_eq!(dropped.iter().map(|key| key.purpose).collect::<Vec<_>>(), [KeyPurpose::Mail]);
        app.key_watch.look().await;
        assert_eq!(seals(&app).await, Seals { all: 1, older: 0, lost: 0 });
        app.clock.advance(30);
        app.answer(&app.challenged("mona").await, &device.code(&app)).await.unwrap();
    }

    async fn the_doctor_counts_secrets_that_no_key_opens(engine) {
        let app = App::start(engine).await;
        assert_eq!(check(&app)["outcome"], "ok");
        with_totp(&app, &app.signed_in("mona").await).await;
        assert_eq!(check(&app)["found"], "All 1 secrets of authenticator apps can be opened.");
        // A folder of somebody who did not take the keys along.
        fs::remove_file(&app.settings.keys.file).unwrap();
        Keys::load_or_create(&app.settings.keys, &SystemEntropy, app.clock.now()).unwrap();
        let found = check(&app);
        assert_eq!(found["outcome"], "warning", "{found}");
        assert!(found["found"].as_str().unwrap().starts_with("1 of 1 "), "{found}");
        assert!(found["advice"].as_str().unwrap().contains("keys.json"), "{found}");
    }
}

#[test]
fn where_the_database_cannot_be_asked_old_mail_keys_stay() {
    run(async {
        let mut app = App::start(Engine::Sqlite).await;
        let change = KeyChange { purposes: KeyPurpose::ALL.to_vec(), after: 0, drop_old: false };
        keys::change(&app.settings, &world(&app), &change).unwrap();
        app.clock.advance(LONG);
        let there = app.settings.database.url.clone();
        app.settings.database.url = format!("sqlite:{}", app.folder.path().join("away.db").display()).into();
        let kept = drop_old(&app).await;
        assert!(kept.dropped.iter().all(|key| key.purpose != KeyPurpose::Mail) && kept.dropped.len() == 2, "{kept:?}");
        assert!(kept.notes.iter().any(|note| note.contains("the database cannot tell")), "{:?}", kept.notes);
        app.settings.database.url = there;
        assert_eq!(drop_old(&app).await.dropped.len(), 1, "nothing is sealed with it");
    });
}
