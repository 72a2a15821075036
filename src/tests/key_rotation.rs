//! Keys are exchanged while people are signed in: nobody notices, at one server or at two.

use crate::harness::{App, Caller, OTHER_PASSWORD, START, on_both_engines};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    paths,
    server::{
        auth::Outcome,
        compose::{
            Application, KeyWatch, World,
            keys::{self, ChangedKeys, KeyChange},
        },
        crypto::KeyPurpose,
        entropy::SystemEntropy,
        settings::{DEFAULTS, Settings},
        store::{
            Store,
            replicas::{self, Replica},
        },
    },
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::instrument::WithSubscriber as _;

const ALL: [KeyPurpose; 3] = [KeyPurpose::Signing, KeyPurpose::Refresh, KeyPurpose::Mail];

fn world(app: &App) -> World {
    World { clock: app.clock.clone(), entropy: Arc::new(SystemEntropy) }
}

fn rotate(app: &App, purposes: &[KeyPurpose], after: i64, drop_old: bool) -> ChangedKeys {
    let change = KeyChange { purposes: purposes.to_vec(), after, drop_old };
    keys::change(&app.settings, &world(app), &change).unwrap()
}

/// The key that an access token says it was signed with.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// The id of the key that a refresh token was made with.
fn refresh_key(caller: &Caller) -> u8 {
    URL_SAFE_NO_PAD.decode(caller.held()).unwrap()[0]
}

async fn published(caller: &Caller) -> Vec<String> {
    let keys = caller.page(paths::JWKS).await.json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Another server on the database of `app`, with a copy of its keys and its clock.
struct Second {
    base: String,
    settings: Settings,
    key_watch: KeyWatch,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
    _stops: DropGuard,
}

impl Second {
    async fn beside(app: &App) -> Self {
        let mut settings = app.settings.clone();
        settings.keys.file = app.folder.path().join("second.json");
        fs::copy(&app.settings.keys.file, &settings.keys.file).unwrap();
        let mut leptos = leptos::config::get_config_from_str(DEFAULTS).unwrap();
        leptos.site_addr = ([127, 0, 0, 1], 0).into();
        leptos.site_root = app.folder.path().join("site").display().to_string().into();
        let application = Application::build(settings.clone(), leptos, world(app)).await.unwrap();
        let base = format!("http://{}", application.address().unwrap());
        let (key_watch, stop) = (application.key_watch(), CancellationToken::new());
        let running = tokio::spawn(application.run(stop.clone()));
        let _stops = stop.clone().drop_guard();
        Self { base, settings, key_watch, stop, running, _stops }
    }

    /// This caller's browser, at this server.
    fn twin(&self, caller: &Caller) -> Caller {
        let twin = Caller::new(&self.base);
        twin.set_cookie("__Host-doorward", Some(&caller.held()));
        twin
    }

    fn copy_keys(&self, app: &App) {
        fs::copy(&app.settings.keys.file, &self.settings.keys.file).unwrap();
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + 'static {
        let log = self.clone();
        tracing_subscriber::fmt().json().with_writer(move || log.clone()).finish()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines_with(&self, word: &str) -> usize {
        self.text().lines().filter(|line| line.contains(word)).count()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn alter(store: &Store, sql: &'static str) {
    let altered = store.write(move |tx| {
        Box::pin(async move {
            sqlx::raw_sql(sql).execute(tx).await?;
            Ok(())
        })
    });
    altered.await.unwrap();
}

/// The signs of life in the database, once `enough` of them are as they should be.
async fn signs_of_life(store: &Store, enough: impl Fn(&[Replica]) -> bool) -> Vec<Replica> {
    for _ in 0..400 {
        let found = replicas::list(&mut store.read().await.unwrap()).await.unwrap();
        if enough(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the signs of life did not become what they should be");
}

on_both_engines! {
    async fn two_servers_agree_through_a_rotation_and_nobody_is_signed_out(engine) {
        let app = App::start(engine).await;
        let second = Second::beside(&app).await;
        let mona = app.anonymous();
        let old_token = mona.register("mona").await.token();
        let old_key = kid(&old_token);
        let done = rotate(&app, &ALL, 60, false);
        let new_key = done.added.iter().find(|key| key.purpose == KeyPurpose::Signing).unwrap().name.clone();
        app.key_watch.look().await;
        second.copy_keys(&app);
        second.key_watch.look().await;
        assert_eq!(kid(&mona.refresh().await.token()), old_key, "its time has not come");
        for base in [&app.base, &second.base] {
            let mut kids = published(&Caller::new(base)).await;
            kids.sort();
            let mut both = vec![old_key.clone(), new_key.clone()];
            both.sort();
            assert_eq!(kids, both, "services can know the new key before it signs");
        }
        app.clock.advance(60);
        app.key_watch.look().await;
        let refreshed = mona.refresh().await;
        assert_eq!((refreshed.status, kid(&refreshed.token()), refresh_key(&mona)), (200, new_key.clone(), 2));
        let there = second.twin(&mona);
        assert_eq!(there.account(&refreshed.token()).await.status, 200, "it verifies before it makes");
        let late = there.refresh().await;
        assert_eq!((late.status, kid(&late.token()), refresh_key(&there)), (200, old_key, 1), "it has not looked yet");
        assert_eq!(mona.account(&late.token()).await.status, 200);
        assert_eq!(mona.account(&old_token).await.status, 200, "what the old key made lives on");
        mona.set_cookie("__Host-doorward", Some(&there.held()));
        assert_eq!(mona.refresh().await.status, 200);
        second.key_watch.look().await;
        let back = second.twin(&mona);
        assert_eq!(kid(&back.refresh().await.token()), new_key);
    }

    async fn old_keys_are_dropped_when_what_they_made_has_ended_and_the_session_goes_on(engine) {
        let app = App::start(engine).await;
        let mona = app.anonymous();
        let old_token = mona.register("mona").await.token();
        rotate(&app, &ALL, 0, false);
        app.key_watch.look().await;
        let none: [KeyPurpose; 0] = [];
        assert!(rotate(&app, &none, 0, true).dropped.is_empty(), "an access token lives yet");
        app.clock.advance(86_000);
        let dropped = rotate(&app, &none, 0, true).dropped;
        assert_eq!(dropped.iter().map(|key| key.purpose).collect::<Vec<_>>(), [KeyPurpose::Signing]);
        assert_eq!(dropped[0].name, kid(&old_token));
        app.key_watch.look().await;
        assert!(!published(&mona).await.contains(&kid(&old_token)));
        assert_eq!(mona.account(&old_token).await.status, 401);
        assert_eq!(mona.refresh().await.status, 200, "a refresh token of the old key is good for as long as a session");
        let longest = app.settings.session.remembered_absolute;
        app.clock.advance(longest);
        let dropped = rotate(&app, &none, 0, true).dropped;
        assert_eq!(dropped.iter().map(|key| key.purpose).collect::<Vec<_>>(), [KeyPurpose::Refresh]);
    }

    async fn a_reset_link_and_the_seals_of_the_history_outlive_their_mail_key(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (link, _) = app.reset_mail("mona").await;
        let before = app.auth.verify_audit(&[]).await.unwrap();
        rotate(&app, &[KeyPurpose::Mail], 0, false);
        app.key_watch.look().await;
        let query = link.split_once('?').unwrap().1;
        let mut form: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        form.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        let done = app.anonymous().action("confirm_password_reset", &form).await;
        assert_eq!(done.status, 200, "{}", done.text);
        let after = app.auth.verify_audit(&[]).await.unwrap();
        assert_eq!((after.outcome(), after.key_gone), (Outcome::Whole, 0));
        let name = |seal: &str| seal.split('.').next().unwrap().to_owned();
        assert!(after.entries > before.entries && name(&after.last_seal) != name(&before.last_seal));
    }

    async fn a_broken_file_changes_nothing_and_the_known_times_still_count(engine) {
        let app = App::start(engine).await;
        let mona = app.anonymous();
        let old_key = kid(&mona.register("mona").await.token());
        rotate(&app, &[KeyPurpose::Signing], 60, false);
        app.key_watch.look().await;
        let good = fs::read(&app.settings.keys.file).unwrap();
        fs::write(&app.settings.keys.file, "{").unwrap();
        app.key_watch.look().await;
        assert_eq!(kid(&mona.refresh().await.token()), old_key);
        fs::remove_file(&app.settings.keys.file).unwrap();
        app.clock.advance(60);
        app.key_watch.look().await;
        let new_key = kid(&mona.refresh().await.token());
        assert_ne!(new_key, old_key, "the time of the new key has come all the same");
        assert!(!app.settings.keys.file.exists(), "a running server makes no keys");
        fs::write(&app.settings.keys.file, good).unwrap();
        fs::set_permissions(&app.settings.keys.file, fs::Permissions::from_mode(0o600)).unwrap();
        rotate(&app, &[KeyPurpose::Signing], 0, false);
        app.key_watch.look().await;
        let newest = kid(&mona.refresh().await.token());
        assert!(newest != old_key && newest != new_key, "once it is whole again it is taken up");
    }

    async fn what_is_wrong_with_the_file_and_what_changed_is_logged_once(engine) {
        let app = App::start(engine).await;
        let log = Log::default();
        let good = fs::read_to_string(&app.settings.keys.file).unwrap();
        for text in ["{", "{", &good, &good, "{"] {
            fs::write(&app.settings.keys.file, text).unwrap();
            app.key_watch.look().with_subscriber(log.subscriber()).await;
        }
        assert_eq!(log.lines_with("keys_unusable"), 2, "it was well meanwhile: {}", log.text());
        assert_eq!(log.lines_with("keys_changed"), 0, "{}", log.text());
        fs::write(&app.settings.keys.file, &good).unwrap();
        let added = rotate(&app, &[KeyPurpose::Signing], 0, false).added;
        for _ in 0..2 {
            app.key_watch.look().with_subscriber(log.subscriber()).await;
        }
        assert_eq!(log.lines_with("keys_changed"), 1, "{}", log.text());
        assert!(log.text().contains(&added[0].fingerprint));
        let secrets = fs::read_to_string(&app.settings.keys.file).unwrap();
        assert!(secrets.split('"').filter(|word| word.len() == 43).all(|secret| !log.text().contains(secret)));
    }

    async fn servers_leave_signs_of_life_with_the_names_of_their_keys_and_take_them_back(engine) {
        let app = App::start_with(engine, "replica.heartbeat = 5").await;
        let second = Second::beside(&app).await;
        let both = signs_of_life(&app.store, |found| found.len() == 2).await;
        assert_eq!(both[0].keys, both[1].keys);
        assert!(both.iter().all(|replica| replica.version == env!("CARGO_PKG_VERSION")));
        let secret = fs::read_to_string(&app.settings.keys.file).unwrap();
        let secrets: Vec<_> = secret.split('"').filter(|word| word.len() == 43).collect();
        assert!(secrets.len() == 3 && secrets.iter().all(|secret| !both[0].keys.contains(secret)));
        rotate(&app, &ALL, 60, false);
        app.key_watch.look().await;
        let changed = signs_of_life(&app.store, |found| found[0].keys != found[1].keys).await;
        let longer = changed.iter().find(|replica| replica.keys != both[0].keys).unwrap();
        assert_eq!(longer.keys.split(',').count(), 6);
        second.stop.cancel();
        second.running.await.unwrap().unwrap();
        signs_of_life(&app.store, |found| found.len() == 1).await;
        let silent = Replica { id: "silent".to_owned(), seen_at: START.plus(-90_000), ..both[0].clone() };
        app.store.write(move |tx| Box::pin(async move { replicas::sign(tx, &silent).await })).await.unwrap();
        signs_of_life(&app.store, |found| found.iter().all(|replica| replica.id != "silent")).await;
    }

    async fn a_sign_of_life_that_could_not_be_left_is_left_later(engine) {
        let app = App::start_with(engine, "replica.heartbeat = 5").await;
        signs_of_life(&app.store, |found| found.len() == 1).await;
        alter(&app.store, "ALTER TABLE replicas RENAME TO away").await;
        let second = Second::beside(&app).await;
        assert_eq!(Caller::new(&second.base).page("/healthz").await.status, 200);
        alter(&app.store, "ALTER TABLE away RENAME TO replicas").await;
        signs_of_life(&app.store, |found| found.len() == 2).await;
    }
}
