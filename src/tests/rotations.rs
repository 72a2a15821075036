//! Refreshes that come at the same time: on PostgreSQL they are one statement, and nobody may notice it.

use crate::harness::{App, Caller, Engine, new_database, on_both_engines, run};
use doorward::server::store::StoreError;
use futures::future::{Either, join_all, select};
use sqlx::Connection as _;
use std::{net::SocketAddr, pin::pin, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Whose refreshes they are; each has three browsers.
const NAMES: [&str; 4] = ["mona", "lisa", "gio", "conda"];

/// Several people in several browsers.
async fn callers(app: &App) -> Vec<Caller> {
    let mut callers = Vec::new();
    for name in NAMES {
        callers.push(app.signed_in(name).await);
        for _ in 0..2 {
            callers.push(app.signed_in_again(name).await);
        }
    }
    callers
}

/// The statuses of one refresh of each, all at once.
async fn all_refresh(callers: &[Caller]) -> Vec<u16> {
    join_all(callers.iter().map(async |caller| caller.refresh().await.status)).await
}

on_both_engines! {
    async fn of_many_refreshes_at_once_each_makes_the_next_token_of_its_own_session(engine) {
        let app = App::start(engine).await;
        let callers = callers(&app).await;
        for _ in 0..10 {
            assert_eq!(all_refresh(&callers).await, [200; 12]);
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM sessions WHERE counter = 11 AND parent = 10").await, 12);
        for (at, name) in NAMES.into_iter().flat_map(|name| [name; 3]).enumerate() {
            let account = callers[at].account(&callers[at].refresh().await.token()).await;
            assert_eq!(account.json()["username"], name);
        }
    }

    async fn one_token_presented_many_times_at_once_makes_one_successor(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let others: Vec<Caller> = (0..8).map(|_| mona.twin()).collect();
        assert_eq!(all_refresh(&others).await, [200; 8]);
        let held: Vec<String> = others.iter().map(Caller::held).collect();
        assert!(held.iter().all(|token| *token == held[0]), "all hold the same successor");
        assert_eq!(app.number("SELECT counter FROM sessions").await, 2);
    }

    async fn who_may_not_refresh_is_refused_in_the_same_company(engine) {
        let app = App::start(engine).await;
        let callers = callers(&app).await;
        let stolen = callers[1].twin();
        for _ in 0..2 {
            callers[1].refresh().await;
        }
        assert_eq!(callers[4].twin().action("log_out", &[]).await.status, 200);
        app.alter("UPDATE accounts SET disabled_at = 1 WHERE username = 'conda'".into()).await;
        let all: Vec<Caller> = callers.into_iter().chain([stolen]).collect();
        assert_eq!(all_refresh(&all).await[9..], [401; 4], "a disabled account's, and a token from before");
        let again = all_refresh(&all).await;
        assert_eq!(again[..9], [200, 401, 200, 200, 401, 200, 200, 200, 200], "the stolen session, and the one signed out");
    }
}

/// Runs `act` while a transaction holds the rows that this changes, which is rolled back then.
async fn while_held<T>(app: &App, change: String, act: impl Future<Output = T>) -> T {
    let (begun, has_begun) = oneshot::channel();
    let (end, has_ended) = oneshot::channel::<()>();
    let holding = app.store.write::<(), _>(move |tx| {
        Box::pin(async move {
            sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&mut *tx).await?;
            let _ = begun.send(());
            let _ = has_ended.await;
            Err(StoreError::NotKept)
        })
    });
    let acting = async {
        has_begun.await.unwrap();
        let done = act.await;
        let _ = end.send(());
        done
    };
    futures::join!(holding, acting).1
}

#[test]
fn a_session_that_somebody_holds_keeps_nobody_elses_refresh_waiting() {
    run(async {
        let app = App::start(Engine::Postgres).await;
        let callers = callers(&app).await;
        let (held, free) = callers.split_first().unwrap();
        let sid = app.sid(held).await;
        let change = format!("UPDATE sessions SET counter = counter WHERE sid = '{sid}'");
        let mut waiting = pin!(held.refresh());
        while_held(&app, change, async {
            for _ in 0..3 {
                match select(pin!(all_refresh(free)), &mut waiting).await {
                    Either::Left((statuses, _)) => assert_eq!(statuses, [200; 11]),
                    Either::Right((early, _)) => panic!("a row that is held was written: {}", early.text),
                }
            }
        })
        .await;
        assert_eq!(waiting.await.status, 200, "it gets its token once the row is free");
    });
}

// Of two that each hold a row and wait for the other's, PostgreSQL refuses the one that looks for a circle first when there is
// one: each looks once, a second after its wait began.
#[test]
fn who_changes_many_sessions_one_after_the_other_amid_their_refreshes_waits_in_no_circle() {
    run(async {
        let app = App::start(Engine::Postgres).await;
        let callers = callers(&app).await;
        let first = app.sid(&callers[0]).await;
        for _ in 0..2 {
            let (begun, has_begun) = oneshot::channel();
            let change = |place| {
                let change = format!("UPDATE sessions SET device_label = 'x' WHERE sid {place} '{first}'");
                sqlx::raw_sql(sqlx::AssertSqlSafe(change))
            };
            let (one, others) = (change("="), change("<>"));
            let changing = app.store.write(move |tx| {
                Box::pin(async move {
                    one.execute(&mut *tx).await?;
                    // All others refresh now, together with the one that is held.
                    let _ = begun.send(());
                    tokio::time::sleep(Duration::from_millis(1300)).await;
                    others.execute(&mut *tx).await?;
                    Ok(())
                })
            });
            let refreshing = async {
                has_begun.await.unwrap();
                all_refresh(&callers).await
            };
            let (changed, statuses) = futures::join!(changing, refreshing);
            assert!(changed.is_ok(), "{changed:?}");
            assert_eq!(statuses, [200; 12]);
        }
        assert_eq!(app.store.faults(), 0);
    });
}

/// Passes bytes on between its port and PostgreSQL, until all lines that are open then fall silent: no word, no end. Gives the port.
async fn line_that_falls_silent(target: SocketAddr, silence: CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            // Lines that are opened later are those to the server that took over.
            let silence = if silence.is_cancelled() { CancellationToken::new() } else { silence.clone() };
            tokio::spawn(async move {
                let mut far = TcpStream::connect(target).await.unwrap();
                let passing = tokio::io::copy_bidirectional(&mut near, &mut far);
                if silence.run_until_cancelled(passing).await.is_none() {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    port
}

/// Whether a statement of this database waits for a lock.
async fn someone_waits(tx: &mut sqlx::AnyConnection) -> bool {
    let waiting =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    sqlx::query_scalar::<_, i64>(waiting).fetch_one(tx).await.unwrap() > 0
}

#[test]
fn a_line_that_falls_silent_amid_refreshes_stops_none_but_those_that_it_swallowed() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Url::parse(&new_database(Engine::Postgres, &folder).await).unwrap();
        let straight = database.to_string();
        let target = database.socket_addrs(|| None).unwrap()[0];
        let silence = CancellationToken::new();
        let port = line_that_falls_silent(target, silence.clone()).await;
        database.set_host(Some("127.0.0.1")).unwrap();
        database.set_port(Some(port)).unwrap();
        let app = App::start_on(database.into(), "").await;
        let callers = callers(&app).await;
        // A statement that waits for a lock is under way for certain: it is the one that is never answered.
        let mut holder = sqlx::AnyConnection::connect(&straight).await.unwrap();
        let mut lock = holder.begin().await.unwrap();
        sqlx::raw_sql("LOCK TABLE sessions IN EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
        let cut = async {
            while !someone_waits(&mut lock).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            silence.cancel();
            lock.rollback().await.unwrap();
        };
        let (statuses, ()) = futures::join!(all_refresh(&callers), cut);
        assert!(statuses.contains(&503) && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
        assert_eq!(all_refresh(&callers).await, [200; 12], "with the tokens that they have");
    });
}
