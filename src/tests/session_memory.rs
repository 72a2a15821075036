//! What a server remembers of callers and visitors: never longer than it may, and nothing that it has changed itself.

use crate::harness::{App, Caller, PASSWORD, on_both_engines};
use doorward::{
    domain::{account::AccountId, time::Timestamp},
    server::{auth::Origin, store::StoreError},
};
use reqwest::Method;
use std::time::{Duration, Instant};

/// `GET /api/v1/me` with this token: its status.
async fn me(app: &App, token: &str) -> u16 {
    let anybody = app.anonymous();
    anybody.send(anybody.request(Method::GET, "/api/v1/me").bearer_auth(token)).await.status
}

async fn id_of(app: &App, caller: &Caller) -> AccountId {
    let (anybody, token) = (app.anonymous(), caller.refresh().await.token());
    let seen = anybody.send(anybody.request(Method::GET, "/api/v1/me").bearer_auth(&token)).await;
    AccountId(seen.json()["id"].as_i64().unwrap())
}

on_both_engines! {
    async fn what_this_server_changes_is_felt_by_the_very_next_call(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        for name in ["Mona", "Lisa", "Gioconda"] {
            let changed = mona.action("change_profile", &[("first_name", name), ("last_name", ""), ("time_zone", "UTC")]).await;
            assert_eq!(changed.status, 200);
            assert!(mona.page("/account").await.text.contains(name));
            let anybody = app.anonymous();
            let seen = anybody.send(anybody.request(Method::GET, "/api/v1/me").bearer_auth(&token)).await;
            assert_eq!(seen.json()["first_name"], name);
        }
        assert_eq!(mona.page("/dashboard").await.status, 200);
        let twin = mona.twin();
        assert_eq!((me(&app, &token).await, mona.action("log_out", &[]).await.status), (200, 200));
        assert_eq!((me(&app, &token).await, twin.page("/dashboard").await.status), (401, 303));
    }

    async fn what_another_server_changes_is_felt_within_a_second(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (200, 200));
        app.replica().await.log_out(Some(&mona.held()), &Origin::default()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(app.settings.session.memory)).await;
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (401, 303));
    }

    async fn who_asks_all_the_time_feels_it_within_a_second_too(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        let (memory, replica) = (Duration::from_millis(app.settings.session.memory), app.replica().await);
        let begun = Instant::now();
        while begun.elapsed() < memory * 3 / 2 {
            assert_eq!(me(&app, &token).await, 200);
            tokio::time::sleep(memory / 50).await;
        }
        replica.log_out(Some(&mona.held()), &Origin::default()).await.unwrap();
        let ended = Instant::now();
        while ended.elapsed() < memory {
            me(&app, &token).await;
            tokio::time::sleep(memory / 50).await;
        }
        assert_eq!(me(&app, &token).await, 401);
    }

    async fn who_asks_again_is_read_again_before_it_is_forgotten(engine) {
        let app = App::start(engine).await;
        let (memory, replica) = (Duration::from_millis(app.settings.session.memory), app.replica().await);
        for attempt in 0..10 {
            let mona = app.signed_in(&format!("mona{attempt}")).await;
            let token = mona.refresh().await.token();
            let asked = Instant::now();
            assert_eq!(me(&app, &token).await, 200);
            let (read, changes) = (Instant::now(), app.store.changes().count());
            tokio::time::sleep(memory * 4 / 5).await;
            assert_eq!(me(&app, &token).await, 200);
            // On a busy machine it comes too late, and is a reading like the first; so it is after a change.
            let is_remembered = asked.elapsed() < memory && app.store.changes().count() == changes;
            tokio::time::sleep(memory / 10).await;
            replica.log_out(Some(&mona.held()), &Origin::default()).await.unwrap();
            tokio::time::sleep(memory.saturating_sub(read.elapsed())).await;
            // What was read first is over.
            if is_remembered && me(&app, &token).await == 200 {
                return;
            }
        }
        panic!("nobody was read again");
    }

    async fn a_server_that_shall_remember_nothing_feels_it_at_once(engine) {
        let app = App::start_with(engine, "session.memory = 0").await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (200, 200));
        app.replica().await.log_out(Some(&mona.held()), &Origin::default()).await.unwrap();
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (401, 303));
    }

    async fn a_remembered_caller_still_grows_old(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (200, 200));
        app.clock.advance(606);
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (401, 200), "the token is over");
        app.clock.advance(86_400);
        assert_eq!(mona.page("/dashboard").await.status, 303, "the session is over");
    }

    async fn a_remembered_visitor_is_shown_pages_with_a_newer_token(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for _ in 0..5 {
            assert_eq!(mona.page("/dashboard").await.status, 200);
            assert_eq!(mona.refresh().await.status, 200);
        }
    }

    async fn a_password_changed_elsewhere_in_this_server_ends_what_is_remembered(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let other = app.anonymous();
        assert_eq!(other.log_in("mona", PASSWORD).await.status, 200);
        let token = other.refresh().await.token();
        assert_eq!((me(&app, &token).await, other.page("/dashboard").await.status), (200, 200));
        let fields = [("current_password", PASSWORD), ("password", "seven quiet lanterns"), ("password_again", "seven quiet lanterns")];
        assert_eq!(mona.action("change_password", &fields).await.status, 200);
        assert_eq!((me(&app, &token).await, other.page("/dashboard").await.status), (401, 303));
    }

    async fn only_what_may_be_remembered_counts_as_a_change(engine) {
        let app = App::start(engine).await;
        let store = &app.store;
        let before = store.changes().count();
        for _ in 0..100 {
            store.write_aside(|_| Box::pin(async { Ok(()) })).await.unwrap();
            assert!(store.rotate("no such session".into(), 1, Timestamp(0)).await.unwrap().is_none());
        }
        // The application writes as well, now and then.
        assert!(store.changes().count() - before < 100);
        let before = store.changes().count();
        store.write(|_| Box::pin(async { Ok(()) })).await.unwrap();
        assert!(store.changes().count() > before);
        let before = store.changes().count();
        store.write::<(), _>(|_| Box::pin(async { Err(StoreError::NotKept) })).await.unwrap_err();
        assert!(store.changes().count() > before, "a commit whose answer is lost may have been kept");
    }

    async fn who_signs_in_or_fails_to_makes_nobody_else_forgotten(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.signed_in("lisa").await;
        // One of them may share Lisa's place among the changes, by chance.
        let others = [id_of(&app, &mona).await, id_of(&app, &app.signed_in("gina").await).await];
        let (changes, anybody) = (app.store.changes(), app.anonymous());
        let mut undisturbed = 0;
        // The application changes things itself, now and then.
        for _ in 0..3 {
            let before = changes.count();
            assert_eq!(anybody.log_in("lisa", "not the password").await.status, 401);
            let lisa = app.signed_in_again("lisa").await;
            assert_eq!(lisa.action("end_other_sessions", &[]).await.status, 200);
            assert!(changes.count() > before);
            undisturbed += others.iter().filter(|other| changes.none_since(before, **other)).count();
        }
        assert!(undisturbed > 0);
        let before = changes.count();
        assert_eq!(mona.action("end_other_sessions", &[]).await.status, 200);
        assert!(!changes.none_since(before, others[0]));
    }

    async fn who_signs_in_where_somebody_was_signed_in_ends_what_is_remembered_of_both(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        app.signed_in("lisa").await;
        assert_eq!((me(&app, &token).await, mona.page("/dashboard").await.status), (200, 200));
        assert_eq!(mona.log_in("lisa", PASSWORD).await.status, 200);
        assert_eq!(me(&app, &token).await, 401);
        assert_eq!(mona.page("/dashboard").await.status, 200, "as Lisa now");
    }
}
