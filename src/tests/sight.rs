//! What those who run the server see of it: metrics, readiness, the log. Real processes; nobody's secrets are in any of it.

use crate::{
    harness::{App, Caller, OTHER_PASSWORD, PASSWORD, Process, free_address, on_both_engines},
    processes::refusal,
};
use reqwest::Method;
use sqlx::Row as _;
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// Each line's name and labels, and its number. Fails at a line that Prometheus would not take.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut described = Vec::new();
    assert!(text.ends_with("\n# EOF\n"), "the end is marked");
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            assert!(["HELP", "TYPE", "UNIT"].contains(&what) && !rest.is_empty(), "{line}");
            described.push(name.to_owned());
            continue;
        }
        let (series, number) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let word = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        assert!(word(name) && name.starts_with("doorward_"), "{line}");
        assert!(described.iter().any(|known| name.starts_with(known.as_str())), "not described: {line}");
        for label in labels.strip_suffix('}').expect("an end").split("\",").filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(word(key) && !value.trim_end_matches('"').contains('"'), "{line}");
        }
        let number = number.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(found.insert(series.to_owned(), number).is_none(), "twice: {line}");
    }
    found
}

async fn scraped(at: &str) -> (String, BTreeMap<String, f64>) {
    let answer = Caller::new(&format!("http://{at}")).page("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let lines = parsed(&answer.text);
    (answer.text, lines)
}

#[tokio::test]
async fn the_metrics_move_with_what_people_do_and_tell_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_address().to_string();
    let variables = [
        ("DOORWARD__METRICS__ADDRESS", at.as_str()),
        ("DOORWARD__REGISTRATION__CONFIRMATION", "off"),
        ("DOORWARD__THROTTLE__LOGIN_NAME", "2/10m"),
    ];
    let server = Process::start(folder.path(), &variables).await;
    let (_, before) = scraped(&at).await;
    let mona = server.caller();
    assert_eq!(mona.register("mona").await.status, 200);
    let token = mona.refresh().await.token();
    assert_eq!(mona.account(&token).await.status, 200);
    assert_eq!(mona.account("no.such.token").await.status, 401);
    for guess in ["a wrong guess", "another wrong guess", "a third wrong guess"] {
        server.caller().log_in("mona", guess).await;
    }
    mona.page("/some/path/that/mona@example.com/typed?token=t0ken").await;
    server.caller().page("/login?next=%2Fs3cret").await;
    mona.send(mona.request(Method::from_bytes(b"BREW").unwrap(), "/login")).await;
    let (text, after) = scraped(&at).await;
    let moved = |series: &str| after.get(series).copied().unwrap_or(0.0) - before.get(series).copied().unwrap_or(0.0);
    for (series, by) in [
        ("doorward_registrations_total{outcome=\"accepted\"}", 1.0),
        ("doorward_refreshes_total{outcome=\"rotated\"}", 1.0),
        ("doorward_sign_ins_total{outcome=\"refused\"}", 2.0),
        ("doorward_sign_ins_total{outcome=\"throttled\"}", 1.0),
        ("doorward_throttled_total{limit=\"login_name\"}", 1.0),
        ("doorward_access_tokens_refused_total", 1.0),
        ("doorward_password_hash_duration_seconds_count", 3.0),
        ("doorward_requests_total{method=\"GET\",route=\"/login\",status=\"2xx\"}", 1.0),
        ("doorward_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"}", 1.0),
        ("doorward_requests_total{method=\"other\",route=\"/login\",status=\"4xx\"}", 1.0),
        ("doorward_request_duration_seconds_count{route=\"/actions/{name}\"}", 7.0),
    ] {
        assert_eq!(moved(series), by, "{series} in {text}");
    }
    for (series, least) in [
        ("doorward_connections", 1.0),
        ("doorward_database_up", 1.0),
        ("doorward_database_connections_open", 1.0),
        ("doorward_process_resident_memory_bytes", 1e6),
        ("doorward_process_open_fds", 10.0),
        ("doorward_process_start_time_seconds", 1.6e9),
    ] {
        assert!(after[series] >= least, "{series} in {text}");
    }
    assert!(text.contains(concat!("doorward_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")), "{text}");
    let held = mona.held();
    for secret in
        ["mona", "example.com", "typed", "t0ken", "s3cret", "BREW", "guess", "127.0.0.1", PASSWORD, &token, &held]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn the_metrics_are_at_their_own_address_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_address().to_string();
    let server = Process::start(folder.path(), &[("DOORWARD__METRICS__ADDRESS", &at)]).await;
    let public = server.caller().page("/metrics").await;
    assert!(public.status == 404 && !public.text.contains("doorward_requests"), "{public:?}");
    let own = Caller::new(&format!("http://{at}"));
    assert_eq!(own.page("/healthz").await.text, "ok\n");
    for path in ["/", "/login", "/readyz", "/api/v1/me", "/metrics/"] {
        assert_eq!(own.page(path).await.status, 404, "{path}");
    }
    assert_eq!(own.send(own.request(Method::POST, "/metrics")).await.status, 405);
    let said = refusal(folder.path(), &[("DOORWARD__METRICS__ADDRESS", &at)]);
    assert!(said.contains("metrics.address") && said.contains(&at), "an address that is taken: {said}");
}

#[tokio::test]
async fn mails_and_the_outbox_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_address().to_string();
    let variables = [
        ("DOORWARD__METRICS__ADDRESS", at.as_str()),
        ("DOORWARD__MAIL__TRANSPORT", "smtp"),
        ("DOORWARD__MAIL__SMTP_URL", "smtp://127.0.0.1:9"),
        ("DOORWARD__MAIL__BACKOFF", "600"),
    ];
    let server = Process::start(folder.path(), &variables).await;
    assert_eq!(server.caller().register("mona").await.status, 200);
    for _ in 0..500 {
        let (_, now) = scraped(&at).await;
        let retried = "doorward_mails_total{kind=\"email_confirmation\",outcome=\"retried\"}";
        if now.get(retried) == Some(&1.0) {
            assert_eq!(now["doorward_outbox_waiting"], 1.0);
            assert!(now["doorward_outbox_oldest_age_seconds"] >= 0.0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", scraped(&at).await.0);
}

fn lines(folder: &Path) -> Vec<serde_json::Value> {
    let log = fs::read_to_string(folder.join("log")).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[tokio::test]
async fn with_the_json_format_each_line_of_the_log_is_one_object_that_names_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &[("DOORWARD__LOG__FORMAT", "json")]).await;
    let mona = server.caller();
    let answer = mona.send(mona.request(Method::GET, "/login").header("x-request-id", "made-elsewhere-1")).await;
    assert_eq!(answer.header("x-request-id"), "made-elsewhere-1");
    mona.log_in("mona", OTHER_PASSWORD).await;
    let has_both = || lines(folder.path()).iter().filter(|line| line["message"] == "answered").count() >= 2;
    for _ in 0..1000 {
        if has_both() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lines = lines(folder.path());
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{lines:?}");
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert!(answered.len() >= 2 && answered.iter().all(|line| line["span"]["request_id"].is_string()), "{answered:?}");
    let ours = answered.iter().find(|line| line["span"]["request_id"] == "made-elsewhere-1").expect("its line");
    assert_eq!((&ours["span"]["route"], &ours["status"]), (&"/login".into(), &200.into()));
    let refused = lines.iter().find(|line| line["event"] == "login_failed").expect("the refused sign-in");
    assert!(refused["span"]["request_id"].is_string(), "{refused}");
}

async fn asked(app: &App) -> (u16, serde_json::Value) {
    let probe = app.anonymous();
    let answer = probe.send(probe.request(Method::GET, "/readyz").header("accept", "application/json")).await;
    (answer.status, answer.json())
}

on_both_engines! {
    async fn readiness_tells_programs_what_it_looked_at(engine) {
        let app = App::start_with(engine, "mail.transport = 'smtp'\nmail.smtp_url = 'smtp://127.0.0.1:9'").await;
        let (status, ready) = asked(&app).await;
        assert_eq!(status, 200);
        let checks = serde_json::json!({
            "server": "ok", "database": "ok", "migrations": "ok", "mail": "ok", "mail_oldest_seconds": null,
        });
        assert_eq!(ready, serde_json::json!({"status": "ready", "checks": checks}));
        app.signed_in("mona").await;
        app.clock.advance(90);
        let (status, late) = asked(&app).await;
        assert_eq!((status, &late["status"], &late["checks"]["mail"]), (200, &"degraded".into(), &"delayed".into()));
        assert_eq!(late["checks"]["mail_oldest_seconds"], 90);
    }

    async fn a_server_whose_migrations_are_missing_is_not_ready(engine) {
        let app = App::start(engine).await;
        let newest = app.store.write(|tx| Box::pin(async move {
            let newest: i64 = sqlx::query("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut *tx).await?.try_get(0)?;
            sqlx::query("UPDATE _sqlx_migrations SET version = version + 1 WHERE version = $1").bind(newest).execute(tx).await?;
            Ok(newest)
        })).await.unwrap();
        let (status, report) = asked(&app).await;
        assert_eq!((status, &report["checks"]["migrations"]), (503, &"missing".into()));
        let plain = app.anonymous().page("/readyz").await;
        assert!(plain.status == 503 && !plain.header("retry-after").is_empty(), "{plain:?}");
        app.store.write(move |tx| Box::pin(async move {
            sqlx::query("UPDATE _sqlx_migrations SET version = $1 WHERE version = $1 + 1").bind(newest).execute(&mut *tx).await?;
            // One of a newer version: both run while versions are exchanged.
            sqlx::query("INSERT INTO _sqlx_migrations SELECT version + 1000, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations WHERE version = $1")
                .bind(newest).execute(tx).await?;
            Ok(())
        })).await.unwrap();
        assert_eq!(asked(&app).await.0, 200);
    }
}
