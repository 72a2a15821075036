//! `doorward import-django`, run as an operator runs it.

use super::*;
use secrecy::ExposeSecret as _;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn run_in(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.env_clear().current_dir(folder).envs(variables.iter().copied());
    command.arg("import-django").args(arguments).output().unwrap()
}

fn command(app: &App, arguments: &[&str]) -> Output {
    let database = app.settings.database.url.expose_secret();
    let keys = app.settings.keys.file.display().to_string();
    let variables = [("DOORWARD__DATABASE__URL", database), ("DOORWARD__KEYS__FILE", keys.as_str())];
    run_in(app.folder.path(), &variables, arguments)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

on_both_engines! {
    async fn an_operator_looks_imports_settles_and_repeats_while_the_server_runs(engine) {
        let app = App::start(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let location = django(engine, &folder).await;
        let file = || fs::read(folder.path().join("django.sqlite3")).unwrap_or_default();
        let untouched = file();
        let dry = command(&app, &["--database", &location, "--dry-run"]);
        let said = text(&dry.stdout);
        assert_eq!((dry.status.code(), text(&dry.stderr)), (Some(1), String::new()), "{said}");
        assert!(said.starts_with("A dry run: nothing was written.\nUsers read: 29.\n  would be imported: 19\n"), "{said}");
        let told = command(&app, &["--database", &location, "--dry-run", "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!((told["read"].as_i64(), told["imported"].as_i64(), told["dry_run"].as_bool()), (Some(29), Some(19), Some(true)));
        assert_eq!(told["not_taken"].as_array().unwrap().len(), 10);
        assert!(told["not_taken"].as_array().unwrap().iter().any(|user| user["id"] == 17 && user["username"] == "paul"));
        assert!(account(&app, 1).await.is_none());
        let first = command(&app, &["--database", &location]);
        let said = text(&first.stdout);
        assert_eq!(first.status.code(), Some(1), "{said}");
        assert!(said.contains("  imported: 19\n  here already, left as they are: 0\n  not taken: 10\n"), "{said}");
        assert!(said.contains("\n  user 17 (paul): there is no e-mail address\n"), "{said}");
        assert!(said.contains("\n  user 1 (ada): had superuser rights; they are not carried over\n"), "{said}");
        for secret in ["pbkdf2_sha256$", "$2b$", "argon2id", "ecbe5dee", "@example.com:"] {
            assert!(!said.replace("quinn@example.com", "").contains(secret), "{secret} in {said}");
        }
        assert_eq!(app.anonymous().log_in("kaja", "Pässwörter für Käthe").await.status, 200);
        let settle = ["--database", &location, "--on-bad-username", "derive", "--leave-out", "-1", "--leave-out", "16",
                      "--leave-out", "17", "--leave-out", "24", "--rename", "14=mats.two"];
        let settled = command(&app, &settle);
        let said = text(&settled.stdout);
        assert_eq!(settled.status.code(), Some(0), "{said}{}", text(&settled.stderr));
        assert!(said.contains("  imported: 6\n  here already, left as they are: 19\n  left out as you said: 4\n"), "{said}");
        let before = everything(&app).await;
        let again = command(&app, &settle);
        assert_eq!(again.status.code(), Some(0));
        assert!(text(&again.stdout).contains("  imported: 0\n") && text(&again.stdout).contains("Nothing was changed.\n"));
        assert_eq!(everything(&app).await, before);
        assert_eq!(file(), untouched, "the Django database is only read");
        assert_eq!(app.auth.verify_audit(&[]).await.unwrap().outcome(), Outcome::Whole);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], why: &str| {
        let output = run_in(folder.path(), &[], arguments);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{said}");
        assert!(said.contains(why), "{why}: {said}");
    };
    refused(&[], "--database");
    refused(&["--database", "away.sqlite3"], "the users could not be imported: the Django database: ");
    refused(&["--database", "mysql://root@localhost/django"], "sqlite: or postgres:");
    fs::write(folder.path().join("text.txt"), "no database at all, but a text of some length").unwrap();
    refused(&["--database", "text.txt"], "the Django database: ");
    refused(&["--database", "text.txt", "--rename", "bert"], "ID=NAME");
    let location = django(Engine::Sqlite, &folder).await;
    refused(&["--database", &location, "--table", "people"], "--table");
    refused(&["--database", &location, "--dry-run"], "start the server once");
    assert!(!folder.path().join("data").exists(), "nothing was made");
    let output = run_in(folder.path(), &[], &["--database", &location]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(folder.path().join("data/doorward.db").exists(), "made as the server makes it");
    let dry = run_in(folder.path(), &[], &["--database", &location, "--dry-run"]);
    assert!(text(&dry.stdout).contains("here already, left as they are: 19"), "{}", text(&dry.stdout));
}
