//! Work that one server does for all: on one database, with two applications.

use crate::harness::{App, START, on_both_engines};
use doorward::{
    domain::time::Timestamp,
    server::{
        compose::{Application, World},
        entropy::SystemEntropy,
        settings::DEFAULTS,
        store::leases,
    },
};
use sqlx::Row as _;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Another server on the same database, with the same keys and clock.
async fn replica(app: &App) -> Application {
    let mut leptos = leptos::config::get_config_from_str(DEFAULTS).unwrap();
    leptos.site_addr = ([127, 0, 0, 1], 0).into();
    let world = World { clock: app.clock.clone(), entropy: Arc::new(SystemEntropy) };
    Application::build(app.settings.clone(), leptos, world).await.unwrap()
}

async fn holders(app: &App) -> Vec<(String, i64)> {
    let mut tx = app.store.read().await.unwrap();
    let rows =
        sqlx::query("SELECT holder, until_at FROM leases WHERE name = 'clean_up'").fetch_all(&mut *tx).await.unwrap();
    rows.iter().map(|row| (row.get("holder"), row.get("until_at"))).collect()
}

/// Waits until somebody has the work, and says who.
async fn holder(app: &App) -> String {
    for _ in 0..500 {
        if let Some((holder, _)) = holders(app).await.pop() {
            return holder;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody cleans up");
}

async fn take(app: &App, name: &'static str, holder: &'static str, now: i64, until: i64) -> bool {
    let (now, until) = (START.plus(now), START.plus(until));
    let write = app.store.write(move |tx| Box::pin(async move { leases::take(tx, name, holder, now, until).await }));
    write.await.unwrap()
}

on_both_engines! {
    async fn a_lease_is_one_holders_until_it_ends_or_is_released(engine) {
        let app = App::start(engine).await;
        assert!(take(&app, "work", "one", 0, 100).await);
        assert!(!take(&app, "work", "two", 99, 200).await, "it is one's");
        assert!(take(&app, "other work", "two", 0, 100).await, "other work is other work");
        assert!(take(&app, "work", "one", 50, 150).await, "one keeps it for longer");
        assert!(!take(&app, "work", "two", 149, 300).await);
        assert!(take(&app, "work", "two", 150, 300).await, "its time has run out");
        assert!(!take(&app, "work", "one", 151, 300).await);
        let release = app.store.write(|tx| Box::pin(async move { leases::release_all(tx, "two").await }));
        assert_eq!(release.await.unwrap(), 2);
        assert!(take(&app, "work", "one", 152, 300).await);
    }

    async fn of_many_who_take_a_lease_at_once_one_gets_it(engine) {
        let app = App::start(engine).await;
        let names: Vec<String> = (0..16).map(|number| number.to_string()).collect();
        let takes = names.iter().cloned().map(|name| app.store.write(move |tx| {
            Box::pin(async move { leases::take(tx, "work", &name, START, Timestamp(START.0 + 60)).await })
        }));
        let taken = futures::future::join_all(takes).await;
        assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    }

    async fn of_two_servers_one_cleans_up_and_the_other_takes_over(engine) {
        let app = App::start(engine).await;
        let first = holder(&app).await;
        let second = replica(&app).await;
        let auth = second.auth();
        assert_eq!(auth.clean_up_for_all("second").await.unwrap(), None, "the first one does it");
        assert_eq!(holder(&app).await, first);
        // The first one was killed: nobody lets go, and its time runs out.
        app.clock.advance(7200);
        assert!(auth.clean_up_for_all("second").await.unwrap().is_some());
        assert_eq!(holder(&app).await, "second");
        assert_eq!(app.auth.clean_up_for_all(&first).await.unwrap(), None);
        auth.let_go_of_work("second").await.unwrap();
        assert!(app.auth.clean_up_for_all(&first).await.unwrap().is_some());
        let stop = CancellationToken::new();
        stop.cancel();
        second.run(stop).await.unwrap();
        assert_eq!(holder(&app).await, first, "the second one lets go of what is its own, and of nothing else");
    }

    async fn a_server_that_stops_lets_go_of_its_work(engine) {
        let app = App::start(engine).await;
        let first = holder(&app).await;
        let app = app.restarted().await;
        let second = holder(&app).await;
        assert_ne!(first, second, "no time has passed: the one before has let go");
    }
}
