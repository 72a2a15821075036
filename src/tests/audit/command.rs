//! `doorward audit verify`, run as an operator runs it.

use super::{MONA, app_with, append, event, hour, seals, tamper};
use crate::harness::{App, on_both_engines};
use doorward::server::{crypto::Keys, entropy::SystemEntropy, settings, store::audit};
use secrecy::ExposeSecret as _;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// `doorward audit verify` as the operator of this application runs it.
fn command(app: &App, more: &[&str]) -> Output {
    let database = app.settings.database.url.expose_secret();
    let keys = app.settings.keys.file.display().to_string();
    let variables = [("DOORWARD__DATABASE__URL", database), ("DOORWARD__KEYS__FILE", keys.as_str())];
    run_in(app.folder.path(), &variables, more)
}

fn run_in(folder: &Path, variables: &[(&str, &str)], more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.env_clear().current_dir(folder).envs(variables.iter().copied());
    command.args(["audit", "verify"]).args(more).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

on_both_engines! {
    async fn the_command_says_by_text_and_exit_code_what_it_found_while_the_server_runs(engine) {
        let app = app_with(engine, 0).await;
        let empty = command(&app, &[]);
        assert_eq!((empty.status.code(), said(&empty)), (Some(0), "The audit log is whole: it is empty.\n".to_owned()));
        for number in 0..3 {
            append(&app.store, &seals(&app), event(number), hour(number)).await.unwrap();
        }
        let whole = command(&app, &[]);
        let text = said(&whole);
        assert_eq!(whole.status.code(), Some(0), "{text}");
        assert!(text.starts_with("The audit log is whole: entries 1 to 3, since 2026-11-20T16:00:00Z.\n"), "{text}");
        assert!(whole.stderr.is_empty(), "nothing else is said");
        let known = text.split("--known ").nth(1).unwrap().trim().to_owned();
        assert_eq!(command(&app, &["--known", &known]).status.code(), Some(0));
        let told: serde_json::Value = serde_json::from_slice(&command(&app, &["--json"]).stdout).unwrap();
        assert_eq!((told["outcome"].as_str(), told["entries"].as_i64(), told["known"].as_str()), (Some("whole"), Some(3), Some(known.as_str())));
        let cut = command(&app, &["--known", &known.replacen('3', "9", 1)]);
        assert_eq!(cut.status.code(), Some(1));
        assert!(said(&cut).contains("BROKEN at entry 9: the entry that you know"), "{}", said(&cut));
        let nonsense = command(&app, &["--known", "nonsense"]);
        assert_eq!(nonsense.status.code(), Some(2));
        assert!(String::from_utf8(nonsense.stderr).unwrap().contains("NUMBER:SEAL"));
        app.store.write(|tx| Box::pin(audit::erase(tx, MONA))).await.unwrap();
        assert!(said(&command(&app, &[])).contains("Erased of what was personal: 3."));
        tamper(&app, "UPDATE audit_events SET kind = 'logged_out' WHERE seq = 2").await;
        let broken = command(&app, &[]);
        assert_eq!(broken.status.code(), Some(1));
        assert!(said(&broken).starts_with("The audit log is BROKEN at entry 2: "), "{}", said(&broken));
        let told: serde_json::Value = serde_json::from_slice(&command(&app, &["--json"]).stdout).unwrap();
        assert_eq!((told["outcome"].as_str(), told["broken_at"].as_i64()), (Some("broken"), Some(2)));
        assert!(told["known"].is_null() && told["why"].is_string(), "{told}");
        assert!(!said(&broken).contains("--known"), "a broken log's seal is nothing to keep");
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_checked_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let unsure = |why: &str| {
        let output = run_in(folder.path(), &[], &[]);
        assert_eq!((output.status.code(), said(&output)), (Some(2), String::new()), "{why}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("the audit log could not be checked: ") && text.contains(why), "{text}");
    };
    unsure("the keys");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    let settings =
        settings::Keys { file: folder.path().join("data/keys.json"), json: String::new().into(), reload: 10 };
    Keys::load_or_create(&settings, &SystemEntropy, crate::harness::START).unwrap();
    unsure("the database");
    assert!(!folder.path().join("data/doorward.db").exists(), "no database was made");
    fs::write(folder.path().join("data/doorward.db"), "").unwrap();
    unsure("the audit log");
    assert_eq!(fs::metadata(folder.path().join("data/doorward.db")).unwrap().len(), 0, "no tables were made");
    let output = run_in(folder.path(), &[("DOORWARD__DATABASE__URL", "mysql://x")], &[]);
    assert_eq!(output.status.code(), Some(2), "nor with settings that are refused");
}
