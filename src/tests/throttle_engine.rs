//! The throttles as they lie in the database: how many pass, how long the others wait, and what the table tells.

use crate::harness::{App, Engine, START, on_both_engines};
use doorward::{
    domain::time::Timestamp,
    server::{
        settings_limit::Limit,
        store::{
            Store,
            throttles::{self, Charge, Charged},
        },
    },
};
use futures::future::join_all;
use proptest::{
    collection::vec,
    prelude::{Just, prop_oneof},
    test_runner::{Config, TestCaseError, TestRunner},
};
use sqlx::Row as _;
use std::cell::Cell;

fn limited(name: &str, count: i64, every: i64) -> Charge {
    Charge { name: name.into(), setting: "login", count, every, slowest: every }
}

/// "5/5m", up to 15 minutes: the sign-ins of one name.
fn slowing(name: &str) -> Charge {
    Charge { slowest: 900_000, ..limited(name, 5, 60_000) }
}

async fn charged(store: &Store, charges: &[Charge], now: Timestamp) -> Charged {
    let charges = charges.to_vec();
    store.write(move |tx| Box::pin(async move { throttles::charge(tx, &charges, now).await })).await.unwrap()
}

/// Milliseconds to wait, 0 if the try passed.
async fn wait(store: &Store, charge: &Charge, now: Timestamp) -> i64 {
    match charged(store, std::slice::from_ref(charge), now).await {
        Charged::All => 0,
        Charged::None(waits) => {
            assert_eq!(waits.len(), 1);
            assert_eq!(waits[0].0, charge.name);
            waits[0].1
        }
    }
}

async fn passes(store: &Store, charge: &Charge, now: Timestamp) {
    assert_eq!(wait(store, charge, now).await, 0, "at {}", now.since(START));
}

async fn give_back(store: &Store, charge: &Charge, now: Timestamp) {
    let charge = [charge.clone()];
    store.write(move |tx| Box::pin(async move { throttles::give_back(tx, &charge, now).await })).await.unwrap();
}

async fn forget(store: &Store, charges: &[Charge]) -> i64 {
    let charges = charges.to_vec();
    store.write(move |tx| Box::pin(async move { throttles::forget(tx, &charges).await })).await.unwrap()
}

/// The row of that name: when it counts as rested, in milliseconds after the start, and its tries in a row.
async fn row(store: &Store, name: &str) -> Option<(i64, i64)> {
    let row = sqlx::query("SELECT arrives_at, hits FROM throttles WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut *store.read().await.unwrap())
        .await
        .unwrap()?;
    Some((row.get::<i64, _>("arrives_at") - START.0 * 1000, row.get("hits")))
}

on_both_engines! {
    async fn the_count_passes_at_once_and_then_one_each_interval(engine) {
        let app = App::start(engine).await;
        let charge = limited("a", 3, 20_000);
        for _ in 0..3 {
            passes(&app.store, &charge, START).await;
        }
        assert_eq!(wait(&app.store, &charge, START).await, 20_000);
        assert_eq!(wait(&app.store, &charge, START.plus(19)).await, 1000, "a refusal costs nothing");
        passes(&app.store, &charge, START.plus(20)).await;
        assert_eq!(wait(&app.store, &charge, START.plus(20)).await, 20_000);
        // Rested since 80 seconds after the start: the whole count is there again.
        for _ in 0..3 {
            passes(&app.store, &charge, START.plus(80)).await;
        }
        assert_eq!(wait(&app.store, &charge, START.plus(80)).await, 20_000);
        passes(&app.store, &limited("b", 3, 20_000), START.plus(80)).await;
    }

    async fn a_limit_that_slows_down_doubles_its_waits_up_to_the_slowest(engine) {
        let app = App::start(engine).await;
        let (charge, mut now) = (slowing("a"), START);
        for _ in 0..5 {
            passes(&app.store, &charge, now).await;
        }
        for expected in [60, 120, 240, 480, 900, 900, 900] {
            assert_eq!(wait(&app.store, &charge, now).await, expected * 1000);
            assert_eq!(wait(&app.store, &charge, now.plus(expected - 1)).await, 1000);
            now = now.plus(expected);
            passes(&app.store, &charge, now).await;
        }
        assert_eq!(row(&app.store, "a").await.unwrap().1, 12);
    }

    async fn an_hour_of_rest_ends_the_row(engine) {
        let app = App::start(engine).await;
        let charge = slowing("a");
        let mut now = START;
        for step in [0, 0, 0, 0, 0, 60, 120, 240, 480] {
            now = now.plus(step);
            passes(&app.store, &charge, now).await;
        }
        let (rested, hits) = row(&app.store, "a").await.unwrap();
        assert_eq!((rested % 1000, hits), (0, 9));
        // A second less than an hour after it counts as rested, the next try is still the tenth.
        let almost = START.plus(rested / 1000 + 3599);
        passes(&app.store, &charge, almost).await;
        assert_eq!(wait(&app.store, &charge, almost).await, 660_000, "15 minutes, less the 4 that it had in reserve");
        let (rested, hits) = row(&app.store, "a").await.unwrap();
        assert_eq!(hits, 10);
        let later = START.plus(rested / 1000 + 3600);
        for _ in 0..5 {
            passes(&app.store, &charge, later).await;
        }
        assert_eq!(wait(&app.store, &charge, later).await, 60_000);
        assert_eq!(row(&app.store, "a").await.unwrap().1, 5);
    }

    async fn ages_of_tries_overflow_nothing(engine) {
        let app = App::start(engine).await;
        for (name, every, slowest) in [("a", 1000, 86_400_000), ("b", 1, 86_400_000), ("c", 34_560_000_000, 86_400_000)] {
            let charge = Charge { slowest, ..limited(name, 1, every) };
            let mut now = START;
            let mut last = 0;
            for _ in 0..80 {
                passes(&app.store, &charge, now).await;
                last = wait(&app.store, &charge, now).await;
                assert!((1..=slowest.max(every)).contains(&last), "{name}: {last}");
                now = now.plus((last + 999) / 1000);
            }
            assert_eq!(last, slowest.max(every));
        }
    }

    async fn parallel_tries_pass_as_often_as_the_limit_says(engine) {
        let app = App::start(engine).await;
        for charge in [limited("a", 7, 60_000), slowing("b"), limited("c", 1, 1000)] {
            let tries = (0..50).map(|_| charged(&app.store, std::slice::from_ref(&charge), START));
            let passed = join_all(tries).await.into_iter().filter(|charged| *charged == Charged::All).count();
            assert_eq!(i64::try_from(passed).unwrap(), charge.count);
        }
    }

    async fn parallel_tries_have_each_another_number(engine) {
        let app = App::start(engine).await;
        let charges = [limited("a", 12, 60_000), limited("b", 100, 60_000)];
        let tries = (0..20).map(|_| {
            let charges = charges.to_vec();
            app.store.write(move |tx| {
                Box::pin(async move { Ok(throttles::charge_in_a_row(tx, &charges, START).await?.1) })
            })
        });
        let mut numbers: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        numbers.sort_unstable();
        let expected: Vec<i64> = [0; 8].into_iter().chain(1..=12).collect();
        assert_eq!(numbers, expected, "those that were refused have none");
    }

    async fn parallel_tries_on_several_limits_in_any_order_neither_stop_each_other_nor_pass_too_often(engine) {
        let app = App::start(engine).await;
        let (few, many) = (limited("b", 5, 60_000), limited("a", 40, 60_000));
        let tries = (0..50).map(|number| {
            let mut charges = vec![few.clone(), many.clone()];
            if number % 2 == 0 {
                charges.reverse();
            }
            let store = app.store.clone();
            async move { charged(&store, &charges, START).await }
        });
        let passed = join_all(tries).await.into_iter().filter(|charged| *charged == Charged::All).count();
        assert_eq!(passed, 5);
        assert_eq!(row(&app.store, "a").await, Some((300_000, 5)), "what was refused was given back");
    }

    async fn a_refusal_by_one_limit_leaves_the_others_as_they_were(engine) {
        let app = App::start(engine).await;
        // Charges are asked in the order of their names, however they are given.
        let (first, full, last) = (slowing("a"), limited("b", 1, 90_000), slowing("c"));
        for _ in 0..5 {
            assert_eq!(charged(&app.store, &[first.clone(), last.clone()], START).await, Charged::All);
        }
        passes(&app.store, &full, START).await;
        assert_eq!(row(&app.store, "a").await, Some((300_000, 5)));
        let all = [last.clone(), full.clone(), first.clone()];
        let later = START.plus(80);
        assert_eq!(charged(&app.store, &all, later).await, Charged::None(vec![("b".into(), 10_000)]));
        assert_eq!(row(&app.store, "a").await, Some((300_000, 5)));
        assert_eq!(row(&app.store, "c").await, Some((300_000, 5)));
        assert_eq!(charged(&app.store, &all, later.plus(10)).await, Charged::All);
        assert_eq!(row(&app.store, "a").await, Some((420_000, 6)), "the sixth costs two minutes");
        let Charged::None(waits) = charged(&app.store, &all, later.plus(10)).await else { panic!("all passed") };
        assert_eq!(waits, [("a".into(), 90_000), ("b".into(), 90_000), ("c".into(), 90_000)], "every wait is told");
    }

    async fn a_limit_that_is_off_is_not_in_the_table(engine) {
        let app = App::start(engine).await;
        for _ in 0..10 {
            assert_eq!(charged(&app.store, &[limited("a", 0, 1)], START).await, Charged::All);
        }
        assert_eq!(row(&app.store, "a").await, None);
    }

    async fn what_is_given_back_is_what_it_cost_and_never_more_than_there_is(engine) {
        let app = App::start(engine).await;
        let charge = slowing("a");
        give_back(&app.store, &charge, START).await;
        assert_eq!(row(&app.store, "a").await, None);
        let mut seen = Vec::new();
        let mut now = START;
        for step in [0, 0, 0, 0, 0, 60, 120, 240, 480, 900, 900] {
            now = now.plus(step);
            passes(&app.store, &charge, now).await;
            seen.push(row(&app.store, "a").await);
        }
        while let Some(state) = seen.pop() {
            assert_eq!(row(&app.store, "a").await, state);
            give_back(&app.store, &charge, START).await;
        }
        assert_eq!(row(&app.store, "a").await, Some((0, 0)));
        give_back(&app.store, &charge, START.plus(9)).await;
        assert_eq!(row(&app.store, "a").await, Some((0, 0)), "nothing is left to give");
        for _ in 0..5 {
            passes(&app.store, &charge, START).await;
        }
        assert_eq!(wait(&app.store, &charge, START).await, 60_000);
        give_back(&app.store, &charge, START.plus(290)).await;
        assert_eq!(row(&app.store, "a").await, Some((290_000, 4)), "rested, not more than rested");
    }

    async fn what_is_forgotten_begins_anew_and_tells_how_many_tries_there_were(engine) {
        let app = App::start(engine).await;
        let (one, other) = (limited("a", 5, 60_000), limited("b", 5, 60_000));
        for _ in 0..5 {
            passes(&app.store, &one, START).await;
        }
        passes(&app.store, &other, START).await;
        assert_eq!(forget(&app.store, &[other, limited("c", 1, 1), one.clone(), limited("off", 0, 1)]).await, 5);
        assert_eq!(forget(&app.store, std::slice::from_ref(&one)).await, 0);
        for _ in 0..5 {
            passes(&app.store, &one, START).await;
        }
        assert_eq!(wait(&app.store, &one, START).await, 60_000);
    }

    async fn a_restart_forgets_nothing_and_two_processes_count_together(engine) {
        let app = App::start(engine).await;
        let charge = limited("a", 4, 60_000);
        for _ in 0..2 {
            passes(&app.store, &charge, START).await;
        }
        let app = app.restarted().await;
        let other = Store::open(&app.settings.database).await.unwrap();
        let tries = (0..20).map(|number| {
            let (store, charge) = (if number % 2 == 0 { &app.store } else { &other }, [charge.clone()]);
            async move { charged(store, &charge, START).await }
        });
        let passed = join_all(tries).await.into_iter().filter(|charged| *charged == Charged::All).count();
        assert_eq!(passed, 2);
        assert_eq!(wait(&other, &charge, START).await, 60_000);
        forget(&other, std::slice::from_ref(&charge)).await;
        passes(&app.store, &charge, START).await;
    }

    async fn only_what_has_rested_since_long_is_deleted(engine) {
        let app = App::start(engine).await;
        passes(&app.store, &limited("a", 1, 60_000), START).await;
        passes(&app.store, &limited("b", 1, 61_000), START).await;
        let before = START.plus(61);
        let write = app.store.write(move |tx| Box::pin(async move { throttles::delete_full(tx, before).await }));
        assert_eq!(write.await.unwrap(), 1);
        assert_eq!(row(&app.store, "a").await, None);
        assert_eq!(row(&app.store, "b").await, Some((61_000, 1)));
    }

    async fn a_clock_that_is_set_back_lets_nobody_through_too_early_and_nobody_waits_for_its_return(engine) {
        let app = App::start(engine).await;
        let charge = limited("a", 2, 60_000);
        for _ in 0..2 {
            passes(&app.store, &charge, START).await;
        }
        assert_eq!(wait(&app.store, &charge, START.plus(-3600)).await, 60_000, "as long as without the jump");
        assert_eq!(wait(&app.store, &charge, START.plus(-3541)).await, 1000);
        passes(&app.store, &charge, START.plus(-3540)).await;
    }
}

/// Any tries at any times: the table answers as the algorithm does that is written down in `settings_limit`.
fn against_the_model(engine: Engine) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::start(engine));
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let step = prop_oneof![3 => Just(0), 3 => 0..30_i64, 1 => 0..7200_i64, 1 => -20..0_i64];
    let names = Cell::new(0);
    let result = runner.run(&(1..5_i64, 1..40_000_i64, vec(step, 1..40)), |(count, every, steps)| {
        names.set(names.get() + 1);
        let (limit, charge) = (Limit { count, every }, limited(&names.get().to_string(), count, every));
        let (mut arrives_at, mut now) = (0, START);
        for step in steps {
            now = now.plus(step);
            // Further ahead it is only when the clock was set back.
            arrives_at = arrives_at.min(now.0 * 1000 + count * every);
            let expected = match limit.pass(arrives_at, now.0 * 1000) {
                Ok(next) => {
                    arrives_at = next;
                    0
                }
                Err(wait) => wait,
            };
            let got = runtime.block_on(wait(&app.store, &charge, now));
            if got != expected {
                return Err(TestCaseError::fail(format!("{got} instead of {expected} at {}", now.since(START))));
            }
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn any_tries_are_answered_as_the_model_says_on_sqlite() {
    against_the_model(Engine::Sqlite);
}

#[test]
fn any_tries_are_answered_as_the_model_says_on_postgres() {
    against_the_model(Engine::Postgres);
}
