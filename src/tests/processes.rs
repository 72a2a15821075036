//! The binary itself, as an operator runs it: first start, refusals, kill -9, several processes, its log.

use crate::{
    harness::{Answer, Caller, Engine, OTHER_PASSWORD, PASSWORD, Process, command, link_in, new_database},
    smtp_server::{Fault, SmtpServer, Tls},
};
use futures::future::join_all;
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};
use tempfile::TempDir;

/// What it says when it does not start.
pub(crate) fn refusal(folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = command(folder, variables).env("LEPTOS_SITE_ADDR", "127.0.0.1:0").output().unwrap();
    assert!(!output.status.success(), "{variables:?} started");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn with_nothing_set_it_makes_database_and_keys_that_only_its_user_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &[]).await;
    assert_eq!(server.caller().page("/healthz").await.status, 200);
    for file in ["data/doorward.db", "data/keys.json"] {
        assert_eq!(mode(&folder.path().join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&folder.path().join("data")), 0o700);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("http://localhost:3000/dev/mailbox"), "the log says where mails are: {log}");
}

#[tokio::test]
async fn a_limit_that_is_off_is_warned_of_where_the_site_is_on_the_web() {
    for (url, warned) in [("https://example.com", true), ("http://localhost:3000", false)] {
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("DOORWARD__SERVER__PUBLIC_URL", url),
            ("DOORWARD__MAIL__TRANSPORT", "log"),
            ("DOORWARD__THROTTLE__LOGIN_NAME", "off"),
        ];
        let _server = Process::start(folder.path(), &variables).await;
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log.contains("throttle.login_name is \"off\""), warned, "{log}");
        assert!(!log.contains("throttle.login_slowest") && !log.contains("throttle.mail"), "{log}");
    }
}

#[tokio::test]
async fn unsafe_and_broken_settings_stop_it_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[("DOORWARD__SERVER__PUBLIC_URL", "http://example.com")], "https"),
        (&[("DOORWARD__SERVER__PUBLIC_URL", "https://example.com")], "mail"),
        (
            &[
                ("DOORWARD__COOKIE__SAME_SITE", "None"),
                ("DOORWARD__COOKIE__SECURE", "false"),
                ("DOORWARD__COOKIE__NAME", "x"),
            ],
            "Secure",
        ),
        (&[("DOORWARD__COOKIE__SECURE", "false")], "cookie.secure"),
        (&[("DOORWARD__SERVER__PUBLIC_ULR", "http://localhost:3000")], "public_ulr"),
        (&[("DOORWARD__TOKEN__ACCESS_LIFETIME", "901")], "access_lifetime"),
        (&[("DOORWARD__PASSWORD__ARGON2_MEMORY", "1024")], "argon2_memory"),
        (&[("DOORWARD__DATABASE__URL", "mysql://x")], "database.url"),
        (
            &[(
                "DOORWARD__KEYS__JSON",
                r#"{"version":1,"signing":[{"kid":"a","seed":"c2hvcnQ"}],"refresh":[],"mail":[]}"#,
            )],
            "key",
        ),
    ];
    for (variables, reason) in cases {
        let said = refusal(at, variables);
        assert!(said.to_lowercase().contains(&reason.to_lowercase()), "{variables:?}: {said}");
    }
    drop(Process::start(at, &[]).await);
    fs::set_permissions(at.join("data/keys.json"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refusal(at, &[]).contains("keys.json"), "keys that others can read");
}

async fn register(caller: &Caller) -> Answer {
    let answer = caller.register("mona").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

async fn kill_in_a_loop_of_refreshes(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let database = new_database(engine, &folder).await;
    let variables = [("DOORWARD__DATABASE__URL", database.as_str())];
    let mut server = Process::start(folder.path(), &variables).await;
    let mona = server.caller();
    register(&mona).await;
    let (mut held, mut token) = (mona.held(), None);
    for round in 0..8_u64 {
        let browser = server.caller();
        browser.set_cookie("__Host-doorward", Some(&held));
        // The kill comes somewhere between the write and the answer, or before, or after: each round elsewhere.
        let killed = async {
            tokio::time::sleep(Duration::from_micros(700 * round)).await;
            server.kill();
        };
        let refresh = async {
            let request =
                browser.request(reqwest::Method::POST, "/actions/refresh").header("sec-fetch-site", "same-origin");
            request.form(&[("", ""); 0]).send().await
        };
        let (answer, ()) = futures::join!(refresh, killed);
        if let Some(cookie) = answer.ok().and_then(|answer| answer.headers().get("set-cookie").cloned()) {
            let text = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            held = text.split_once('=').unwrap().1.to_owned();
        }
        server = Process::start(folder.path(), &variables).await;
        let again = server.caller();
        again.set_cookie("__Host-doorward", Some(&held));
        let refreshed = again.refresh().await;
        assert_eq!(refreshed.status, 200, "round {round}");
        held = again.held();
        token = Some(refreshed.token());
    }
    server.kill();
    let server = Process::start(folder.path(), &variables).await;
    let account = server.caller().account(&token.unwrap()).await;
    assert_eq!(account.status, 200, "an access token outlives the process, too");
}

#[tokio::test]
async fn a_mail_owed_at_a_kill_arrives_when_smtp_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let smtp = SmtpServer::start(Fault::None, Tls::None).await;
    let address = smtp.address();
    drop(smtp);
    let url = format!("smtp://{address}");
    let variables = [
        ("DOORWARD__MAIL__TRANSPORT", "smtp"),
        ("DOORWARD__MAIL__SMTP_URL", url.as_str()),
        ("DOORWARD__MAIL__TIMEOUT", "2"),
        ("DOORWARD__MAIL__LEASE", "10"),
        ("DOORWARD__MAIL__BACKOFF", "1"),
        ("DOORWARD__MAIL__POLL", "1"),
    ];
    let mut server = Process::start(folder.path(), &variables).await;
    let mona = server.caller();
    register(&mona).await;
    assert_eq!(mona.action("request_password_reset", &[("email", "mona@example.com")]).await.status, 200);
    server.kill();
    let smtp = SmtpServer::start_at(address, Fault::None, Tls::None).await;
    let _server = Process::start(folder.path(), &variables).await;
    for _ in 0..400 {
        if !smtp.arrived().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the mail was lost: {}", fs::read_to_string(folder.path().join("log")).unwrap());
}

#[tokio::test]
async fn a_kill_at_any_moment_signs_nobody_out_on_sqlite() {
    kill_in_a_loop_of_refreshes(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_kill_at_any_moment_signs_nobody_out_on_postgres() {
    kill_in_a_loop_of_refreshes(Engine::Postgres).await;
}

#[tokio::test]
async fn fifty_refreshes_at_two_processes_are_one_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let database = new_database(Engine::Postgres, &folder).await;
    let variables = [("DOORWARD__DATABASE__URL", database.as_str())];
    let (one, two) = (Process::start(folder.path(), &variables).await, Process::start(folder.path(), &variables).await);
    let mona = one.caller();
    register(&mona).await;
    let tabs: Vec<Caller> = (0..50)
        .map(|number| {
            let tab = if number % 2 == 0 { one.caller() } else { two.caller() };
            tab.set_cookie("__Host-doorward", Some(&mona.held()));
            tab
        })
        .collect();
    let answers = join_all(tabs.iter().map(Caller::refresh)).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(tabs.iter().all(|tab| tab.held() == tabs[0].held() && tab.held() != mona.held()));
    let token = answers[1].token();
    assert_eq!(tabs[0].account(&token).await.status, 200, "a token of one is good at the other");
    tabs[0].action("log_out", &[]).await;
    assert_eq!(tabs[1].account(&token).await.status, 401, "a sign-out at one is felt at the other at once");
}

/// The statements that changed rows, of the log's lines since `mark`.
fn writes_since(folder: &TempDir, mark: usize) -> Vec<String> {
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let lines = log.lines().skip(mark).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let rows = |line: &serde_json::Value| line["rows_affected"].as_u64().max(line["rows_returned"].as_u64());
    let changing = |line: &serde_json::Value| {
        let text = line["summary"].as_str().unwrap_or_default();
        ["INSERT ", "UPDATE ", "DELETE "].iter().any(|word| text.starts_with(word))
    };
    let changed = lines.filter(move |line| changing(line) && rows(line) > Some(0));
    changed.map(|line| line["summary"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_refresh_is_one_write_and_a_repeated_one_none() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("DOORWARD__LOG__FILTER", "sqlx::query=debug"),
        ("DOORWARD__LOG__FORMAT", "json"),
        // No mail is on its way meanwhile, and no sign of life.
        ("DOORWARD__REGISTRATION__CONFIRMATION", "off"),
        ("DOORWARD__REPLICA__HEARTBEAT", "300"),
    ];
    let server = Process::start(folder.path(), &variables).await;
    let mona = server.caller();
    register(&mona).await;
    let second_tab = mona.twin();
    let lines = || fs::read_to_string(folder.path().join("log")).unwrap().lines().count();
    let mark = lines();
    assert!(
        writes_since(&folder, 0).iter().any(|write| write.starts_with("INSERT INTO sessions")),
        "writes are in the log"
    );
    assert_eq!(mona.refresh().await.status, 200);
    let writes = writes_since(&folder, mark);
    assert!(writes.len() == 1 && writes[0].starts_with("UPDATE sessions"), "{writes:?}");
    let mark = lines();
    assert_eq!(second_tab.refresh().await.status, 200);
    assert_eq!(writes_since(&folder, mark), Vec::<String>::new(), "the repeated one changes no row");
}

#[tokio::test]
async fn no_secret_reaches_the_log_even_when_it_says_everything() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("DOORWARD__LOG__FILTER", "trace"),
        ("DOORWARD__LOG__FORMAT", "json"),
        ("DOORWARD__REGISTRATION__CONFIRMATION", "off"),
    ];
    let server = Process::start(folder.path(), &variables).await;
    let mona = server.caller();
    let mut secrets = vec![PASSWORD.to_owned(), OTHER_PASSWORD.to_owned(), register(&mona).await.token()];
    secrets.push(mona.held());
    secrets.push(mona.refresh().await.token());
    secrets.push(mona.held());
    mona.log_in("mona", "a wrong and secret guess").await;
    secrets.push("a wrong and secret guess".to_owned());
    mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
    secrets.push(mona.cookie("__Host-doorward-request").unwrap());
    let mail = loop {
        let list = mona.page("/dev/mailbox").await.text;
        if let Some(at) = list.find("/dev/mailbox/") {
            let path = list[at..].split('"').next().unwrap().to_owned();
            break mona.page(&path).await.text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let link = link_in(&mail.replace("&amp;", "&").replace("http://localhost:3000", &server.base), &server.base);
    let link = link.split(['"', '<']).next().unwrap().to_owned();
    let fields: Vec<(&str, &str)> =
        link.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    secrets.push(fields[1].1.to_owned());
    mona.page(&link).await;
    let form = [fields[0], fields[1], ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
    assert_eq!(mona.action("confirm_password_reset", &form).await.status, 200);
    // The line of the last answer may wait for a moment.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.lines().count() > 50, "it does say everything");
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        for spelling in [secret.clone(), secret.replace(' ', "+"), secret.replace(' ', "%20")] {
            let found = log.lines().find(|line| line.contains(&spelling));
            assert!(found.is_none(), "{spelling} is in {found:?}");
        }
    }
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not JSON: {line}");
    }
    assert!(!log.contains("mona@example.com") && !log.contains("mona%40example.com"), "nor an address");
}
