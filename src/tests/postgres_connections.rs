//! The connections to PostgreSQL: sealed as the settings say, and what people notice of a database that goes and comes.

use crate::{
    harness::{Answer, App, Caller, Cluster, free_address},
    processes::refusal,
};
use futures::future::join_all;
use sqlx::{Connection as _, Row as _};
use std::time::{Duration, Instant};

async fn opened(text: &str) -> Result<(), String> {
    let settings = doorward::server::settings::Settings::from_toml(text).map_err(|error| error.to_string())?;
    let store = doorward::server::store::Store::open(&settings.database).await.map_err(|error| error.to_string())?;
    store.read().await.map_err(|error| error.to_string())?;
    store.close().await;
    Ok(())
}

/// A key and its own certificate for this name.
fn certificate(name: &str) -> (String, String) {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn sealed_cluster(server: &(String, String), client: &str) -> Cluster {
    let files = [("server.pem", server.0.as_str()), ("key.pem", &server.1), ("clients.pem", client)];
    let settings = "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'key.pem'\nssl_ca_file = 'clients.pem'\n";
    let doors = "hostssl postgres all all trust\nhostssl template1 all all cert\n";
    Cluster::start_with(&files, settings, doors)
}

#[tokio::test]
async fn tls_is_as_strict_as_the_setting_says() {
    let (server, other, client) = (certificate("localhost"), certificate("localhost"), certificate("doorward"));
    let cluster = sealed_cluster(&server, &client.0);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (file("right.pem", &server.0), file("wrong.pem", &other.0));
    let (shown, key) = (file("client.pem", &client.0), file("client-key.pem", &client.1));
    let at = |host: &str, tls: &str| format!("database.url = '{}'\ndatabase.tls = '{tls}'", cluster.url_by(host));
    let root = |path: &str| format!("\ndatabase.tls_root = '{path}'");
    for fine in [
        at("localhost", "verify-full") + &root(&right),
        at("127.0.0.1", "verify-ca") + &root(&right),
        at("localhost", "require"),
        at("localhost", "prefer"),
        at("localhost", ""),
    ] {
        opened(&fine).await.unwrap_or_else(|error| panic!("{fine}: {error}"));
    }
    for (refused, why) in [
        (at("localhost", "verify-full") + &root(&wrong), "another root"),
        (at("localhost", "verify-full"), "the public roots only"),
        (at("127.0.0.1", "verify-full") + &root(&right), "another name"),
        (at("localhost", "verify-ca") + &root(&wrong), "another root, whatever the name"),
        (at("localhost", "disable"), "a server that takes TLS only"),
        (at("localhost", "verify-full") + &root("/nowhere.pem"), "no such file"),
    ] {
        let said = opened(&refused).await.expect_err(why);
        assert!(said.contains("PostgreSQL at") || said.contains("/nowhere.pem"), "{why}: {said}");
    }
    // The URL's own word holds where no setting says another.
    let in_url = format!("database.url = '{}?sslmode=disable'", cluster.url_by("localhost"));
    assert!(opened(&in_url).await.is_err());
    opened(&format!("{in_url}\ndatabase.tls = 'require'")).await.unwrap();
    // A database that asks for a certificate of ours.
    let asks = at("localhost", "verify-full").replace("/postgres'", "/template1'") + &root(&right);
    assert!(opened(&asks).await.is_err());
    let shows = format!("{asks}\ndatabase.tls_certificate = '{shown}'\ndatabase.tls_key = '{key}'");
    opened(&shows).await.unwrap();
}

#[tokio::test]
async fn a_start_without_the_database_says_where_it_was_looked_for_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_address().port();
    let url = format!("postgres://doorward:s3cret-word@127.0.0.1:{port}/accounts");
    let timeout = ("DOORWARD__DATABASE__ACQUIRE_TIMEOUT", "1");
    for url in [url, "postgres://doorward:s3cret-word@127.0.0.1:port/accounts".to_owned()] {
        let said = refusal(folder.path(), &[("DOORWARD__DATABASE__URL", &url), timeout]);
        let place =
            if url.contains(&port.to_string()) { format!("127.0.0.1:{port}") } else { "database.url".to_owned() };
        assert!(said.contains(&place) && !said.contains("s3cret-word"), "{said}");
    }
}

async fn show(app: &App, what: &'static str) -> String {
    let mut tx = app.store.read().await.unwrap();
    sqlx::query(what).fetch_one(&mut *tx).await.unwrap().try_get(0).unwrap()
}

#[tokio::test]
async fn connections_say_who_they_are_and_hold_their_limits() {
    let cluster = Cluster::start();
    let extra = "database.statement_timeout = 7\ndatabase.min_connections = 2\ndatabase.connections = 3";
    let app = App::start_on(cluster.url(), extra).await;
    assert_eq!(show(&app, "SHOW statement_timeout").await, "7s");
    assert_eq!(show(&app, "SHOW idle_in_transaction_session_timeout").await, "7s");
    assert_eq!(show(&app, "SHOW application_name").await, "doorward");
    for _ in 0..200 {
        if app.store.pool().open >= 2 {
            assert_eq!(app.store.pool().most, 3);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", app.store.pool());
}

/// A connection of somebody else that holds the table of sessions.
async fn holder(cluster: &Cluster) -> sqlx::AnyConnection {
    sqlx::any::install_default_drivers();
    let mut holder = sqlx::AnyConnection::connect(&cluster.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").execute(&mut holder).await.unwrap();
    holder
}

fn is_turned_away(answer: &Answer) -> bool {
    answer.status == 503 && answer.header("retry-after").parse::<u64>().is_ok()
}

#[tokio::test]
async fn a_request_that_gets_no_connection_in_time_is_503_and_those_that_have_one_go_on() {
    let cluster = Cluster::start();
    let extra = "database.connections = 2\ndatabase.acquire_timeout = 1\nregistration.confirmation = 'off'";
    let app = App::start_on(cluster.url(), extra).await;
    let mona = app.signed_in("mona").await;
    let token = mona.refresh().await.token();
    let mut holder = holder(&cluster).await;
    let (first, second) = (mona.twin(), mona.twin());
    let stuck = async { futures::join!(first.account(&token), second.account(&token)) };
    let others = async {
        while app.store.pool().idle > 0 || app.store.pool().open < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let third = mona.account(&token).await;
        let page = mona.page("/healthz").await;
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
        (third, page)
    };
    let ((one, two), (third, page)) = futures::join!(stuck, others);
    assert!(is_turned_away(&third), "{third:?}");
    assert_eq!((one.status, two.status, page.status), (200, 200, 200));
    assert!(app.store.faults() >= 1);
    assert_eq!(mona.account(&token).await.status, 200);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cut_and_answered_503() {
    let cluster = Cluster::start();
    let extra = "database.statement_timeout = 1\nregistration.confirmation = 'off'";
    let app = App::start_on(cluster.url(), extra).await;
    let mona = app.signed_in("mona").await;
    let token = mona.refresh().await.token();
    let mut holder = holder(&cluster).await;
    let (read, write) = futures::join!(mona.account(&token), async { mona.twin().refresh().await });
    assert!(is_turned_away(&read) && is_turned_away(&write), "{read:?} {write:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!((mona.account(&token).await.status, mona.refresh().await.status), (200, 200));
}

/// Answers of people who ask all the time, each with when it was asked and how it came out.
async fn traffic(people: &[(Caller, String)], until: impl Fn() -> bool) -> Vec<(Instant, Answer)> {
    let one = async |(caller, token): &(Caller, String)| {
        let mut answers = Vec::new();
        while !until() {
            let asked = Instant::now();
            answers.push((asked, caller.account(token).await));
            let asked = Instant::now();
            answers.push((asked, caller.refresh().await));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        answers
    };
    join_all(people.iter().map(one)).await.into_iter().flatten().collect()
}

async fn restarted_under_traffic(mode: &str) {
    let cluster = Cluster::start();
    let extra = "database.connections = 8\nregistration.confirmation = 'off'\nmail.poll = 1";
    let app = App::start_on(cluster.url(), extra).await;
    let mut people = Vec::new();
    for number in 0..8 {
        let caller = app.signed_in(&format!("person{number}")).await;
        let token = caller.refresh().await.token();
        people.push((caller, token));
    }
    let back = tokio::sync::OnceCell::new();
    let over = || back.get().is_some_and(|back: &Instant| back.elapsed() > Duration::from_secs(6));
    let restart = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        tokio::task::block_in_place(|| cluster.control(&format!("restart -m {mode}")));
        back.set(Instant::now()).unwrap();
    };
    let (answers, ()) = futures::join!(traffic(&people, over), restart);
    let failed: Vec<_> = answers.iter().filter(|(_, answer)| answer.status != 200).collect();
    for (_, answer) in &failed {
        assert!(is_turned_away(answer), "neither done nor turned away: {answer:?}");
    }
    let back = *back.get().unwrap();
    let late = failed.iter().filter(|(asked, _)| *asked > back + Duration::from_secs(3)).count();
    let last = failed.iter().map(|(asked, _)| asked.saturating_duration_since(back)).max();
    let told = format!(
        "{mode}: {} answers, {} turned away, the last asked {last:?} after it was back",
        answers.len(),
        failed.len()
    );
    assert_eq!(late, 0, "all is well again without anybody doing anything; {told}");
    // Those in the middle of something, once for each of the eight, and a second time where that was a moment too early.
    assert!(failed.len() <= 16, "{told}");
    for (caller, _) in &people {
        assert_eq!(caller.refresh().await.status, 200, "nobody was signed out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_restart_of_the_database_costs_a_few_503_and_nobody_their_session() {
    restarted_under_traffic("fast").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immediate_restart_of_the_database_costs_a_few_503_and_nobody_their_session() {
    restarted_under_traffic("immediate").await;
}

#[tokio::test]
async fn connections_that_died_while_nobody_asked_cost_nobody_anything() {
    let cluster = Cluster::start();
    let extra = "database.connections = 6\ndatabase.min_connections = 6\nregistration.confirmation = 'off'";
    let app = App::start_on(cluster.url(), extra).await;
    let mona = app.signed_in("mona").await;
    let token = mona.refresh().await.token();
    while app.store.pool().open < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cluster.control("restart -m fast");
    let tabs: Vec<Caller> = (0..6).map(|_| mona.twin()).collect();
    let answers = join_all(tabs.iter().map(|tab| tab.account(&token))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 6]);
}

#[tokio::test]
async fn while_the_database_is_away_the_server_lives_but_is_not_ready() {
    let cluster = Cluster::start();
    let app = App::start_on(cluster.url(), "database.acquire_timeout = 1").await;
    let probe = app.anonymous();
    assert_eq!(probe.page("/readyz").await.text, "ready\n");
    cluster.control("stop -m fast");
    let away = probe.page("/readyz").await;
    assert!(is_turned_away(&away), "{away:?}");
    assert_eq!(probe.page("/healthz").await.text, "ok\n");
    let json = probe.send(probe.request(reqwest::Method::GET, "/readyz").header("accept", "application/json")).await;
    assert!(is_turned_away(&json), "{json:?}");
    assert_eq!(json.json()["status"], "unready");
    assert_eq!(json.json()["checks"]["database"], "away");
    cluster.control("start");
    assert_eq!(probe.page("/readyz").await.text, "ready\n");
}
