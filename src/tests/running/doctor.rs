//! `doorward doctor`, run as an operator runs it.

use super::{json_of, run_in, said};
use crate::{
    harness::{Engine, Process, new_database, run},
    smtp_server::{Fault, SmtpServer, Tls},
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

/// What one check found, the others, and the exit code.
fn check(folder: &Path, variables: &[(&str, &str)], name: &str) -> (String, serde_json::Value, i32) {
    let (answer, code) = json_of(&run_in(folder, variables, &["doctor", "--json"]));
    let found = answer["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).cloned();
    let found = found.unwrap_or_else(|| panic!("no check {name}: {answer}"));
    let outcome = found["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome == "ok", found["advice"].is_null(), "{found}");
    (outcome, answer, code)
}

async fn good_settings(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let database = new_database(engine, &folder).await;
    let variables = [("DOORWARD__DATABASE__URL", database.as_str())];
    let server = Process::start(folder.path(), &variables).await;
    assert_eq!(server.caller().page("/healthz").await.status, 200);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for arguments in [&["doctor"][..], &["doctor", "--strict", "--offline"]] {
        let (text, code) = said(&run_in(folder.path(), &variables, arguments));
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("Warnings: 0. Failures: 0."), "{text}");
    }
    for name in ["settings", "database", "migrations", "keys", "keys_file", "clock", "replica_keys", "password_hash"] {
        assert_eq!(check(folder.path(), &variables, name).0, "ok", "{name}");
    }
}

#[test]
fn a_server_that_runs_as_it_should_has_nothing_to_be_found_on_sqlite() {
    run(good_settings(Engine::Sqlite));
}

#[test]
fn a_server_that_runs_as_it_should_has_nothing_to_be_found_on_postgres() {
    run(good_settings(Engine::Postgres));
}

#[test]
fn what_is_weak_is_a_warning_and_with_strict_it_counts() {
    let folder = tempfile::tempdir().unwrap();
    let web = [("DOORWARD__SERVER__PUBLIC_URL", "https://a.example"), ("DOORWARD__MAIL__TRANSPORT", "log")];
    let with = |more: &[(&'static str, &'static str)]| [&web[..], more].concat();
    for (variables, name) in [
        (with(&[]), "proxies"),
        (with(&[]), "mail"),
        (with(&[]), "mail_from"),
        (with(&[("DOORWARD__SERVER__TRUSTED_PROXIES", "0.0.0.0/0")]), "proxies"),
        (with(&[("DOORWARD__THROTTLE__LOGIN", "off")]), "throttles"),
        (with(&[("DOORWARD__LOG__FILTER", "doorward=debug")]), "log"),
        (vec![("LEPTOS_SITE_ADDR", "0.0.0.0:3000")], "public_url"),
        (vec![("DOORWARD__COOKIE__NAME", "plain")], "cookie"),
        (vec![("DOORWARD__METRICS__ADDRESS", "0.0.0.0:9464")], "metrics"),
        (vec![("DOORWARD__SERVER__CONNECTIONS", "100000")], "open_files"),
        (vec![], "keys"),
        (vec![], "database"),
    ] {
        let (outcome, answer, code) = check(folder.path(), &variables, name);
        if name == "open_files" && outcome == "ok" {
            // This machine lets as many files be open.
            continue;
        }
        assert_eq!((outcome.as_str(), code), ("warning", 0), "{name}: {answer}");
    }
    let (text, code) = said(&run_in(folder.path(), &[], &["doctor", "--strict"]));
    assert_eq!(code, 1, "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it makes nothing");
}

#[tokio::test]
async fn what_is_broken_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    drop(Process::start(folder.path(), &[]).await);
    let set = |path: &str, mode: u32| {
        fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (path, mode, name) in [
        ("data/keys.json", 0o640, "keys"),
        ("data/doorward.db", 0o644, "database_file"),
        ("data", 0o777, "keys_folder"),
        ("data", 0o777, "database_folder"),
    ] {
        let before = fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o7777;
        set(path, mode);
        let (outcome, answer, code) = check(folder.path(), &[], name);
        assert_eq!((outcome.as_str(), code), ("failure", 1), "{name}: {answer}");
        set(path, before);
    }
    let nowhere = [
        ("DOORWARD__DATABASE__URL", "postgres://nobody:hunter2@127.0.0.1:1/none"),
        ("DOORWARD__DATABASE__ACQUIRE_TIMEOUT", "1"),
    ];
    let (outcome, answer, code) = check(folder.path(), &nowhere, "database");
    assert_eq!((outcome.as_str(), code), ("failure", 1), "{answer}");
    assert!(!answer.to_string().contains("hunter2"), "{answer}");
    fs::write(folder.path().join("empty.db"), "").unwrap();
    let empty = [("DOORWARD__DATABASE__URL", "sqlite:empty.db")];
    let (outcome, ..) = check(folder.path(), &empty, "migrations");
    assert_eq!(outcome, "warning", "the server applies them");
    let by_hand = [empty[0], ("DOORWARD__DATABASE__MIGRATE", "false")];
    let (outcome, answer, code) = check(folder.path(), &by_hand, "migrations");
    assert_eq!((outcome.as_str(), code), ("failure", 1), "{answer}");
    assert!(answer.to_string().contains("20261120000001_accounts"), "{answer}");
    assert_eq!(fs::metadata(folder.path().join("empty.db")).unwrap().len(), 0, "nothing was applied");
}

#[test]
fn settings_that_cannot_be_read_have_an_exit_code_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (text, code) = said(&run_in(folder.path(), &[("DOORWARD__KEYS__RELOAD", "0")], &["doctor"]));
    assert!(code == 2 && text.contains("keys.reload"), "{text}");
}

#[tokio::test]
async fn a_mail_server_is_spoken_to_unless_offline() {
    let folder = tempfile::tempdir().unwrap();
    let smtp = SmtpServer::start(Fault::None, Tls::None).await;
    let url = format!("smtp://{}", smtp.address());
    let wrong = format!("smtp://mona:hunter2@{}", smtp.address());
    let of = |url: &str| {
        let variables = [
            ("DOORWARD__MAIL__TRANSPORT", "smtp"),
            ("DOORWARD__MAIL__SMTP_URL", url),
            ("DOORWARD__MAIL__TIMEOUT", "1"),
        ];
        let (folder, variables) = (folder.path().to_owned(), variables.map(|(name, value)| (name, value.to_owned())));
        tokio::task::spawn_blocking(move || {
            let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
            check(&folder, &variables, "smtp")
        })
    };
    assert_eq!(of(&url).await.unwrap().0, "ok");
    assert!(smtp.arrived().is_empty(), "no mail is sent");
    smtp.set_fault(Fault::WrongPassword);
    let (outcome, answer, code) = of(&wrong).await.unwrap();
    assert_eq!((outcome.as_str(), code), ("failure", 1), "{answer}");
    assert!(answer.to_string().contains("user and password") && !answer.to_string().contains("hunter2"), "{answer}");
    smtp.set_fault(Fault::Silence);
    assert_eq!(of(&url).await.unwrap().0, "failure");
    drop(smtp);
    assert_eq!(of(&url).await.unwrap().0, "failure");
    let variables = [("DOORWARD__MAIL__TRANSPORT", "smtp"), ("DOORWARD__MAIL__SMTP_URL", url.as_str())];
    let (answer, code) = json_of(&run_in(folder.path(), &variables, &["doctor", "--json", "--offline"]));
    assert!(code == 0 && answer["checks"].as_array().unwrap().iter().all(|check| check["name"] != "smtp"));
}

#[tokio::test]
async fn servers_with_other_keys_are_found_and_the_later_one_says_so_at_its_start() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = new_database(Engine::Postgres, &one).await;
    let variables = [("DOORWARD__DATABASE__URL", database.as_str())];
    let first = Process::start(one.path(), &variables).await;
    assert_eq!(first.caller().page("/healthz").await.status, 200);
    let alone = until(one.path(), &variables, |answer| answer.to_string().contains("1 run on this database")).await;
    assert_eq!(alone["outcome"], "ok", "{alone}");
    let _second = Process::start(two.path(), &variables).await;
    let said = |log: &str| log.contains("keys_differ");
    for _ in 0..400 {
        if said(&fs::read_to_string(two.path().join("log")).unwrap()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(said(&fs::read_to_string(two.path().join("log")).unwrap()));
    assert!(!said(&fs::read_to_string(one.path().join("log")).unwrap()));
    for folder in [&one, &two] {
        let (outcome, answer, code) = check(folder.path(), &variables, "replica_keys");
        assert_eq!((outcome.as_str(), code), ("failure", 1), "{answer}");
    }
}

/// The doctor's answer once it is as it should be.
async fn until(
    folder: &Path,
    variables: &[(&str, &str)],
    is_so: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    for _ in 0..100 {
        let (answer, _) = json_of(&run_in(folder, variables, &["doctor", "--json"]));
        if is_so(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the doctor did not find it");
}
