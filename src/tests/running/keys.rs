//! `doorward keys …`, run as an operator runs it.

use super::{json_of, run_in, said};
use crate::harness::Process;
use doorward::{
    domain::time::Timestamp,
    server::{crypto::Keys, entropy::SystemEntropy, settings::Settings},
};
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// A folder in which a server was started once.
fn with_keys() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/keys.json");
    let settings = Settings::from_toml(&format!("keys.file = '{}'", file.display())).unwrap();
    Keys::load_or_create(&settings.keys, &SystemEntropy, Timestamp(0)).unwrap();
    (folder, file)
}

/// Every key in the file.
fn secrets(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.split('"').filter(|word| word.len() == 43).map(str::to_owned).collect()
}

#[test]
fn a_rotation_adds_keys_for_signing_and_refresh_that_make_in_an_hour() {
    let (folder, file) = with_keys();
    let (answer, code) = json_of(&run_in(folder.path(), &[], &["keys", "rotate", "--json"]));
    assert_eq!(code, 0);
    let added: Vec<_> = answer["added"].as_array().unwrap().iter().map(|key| key["purpose"].clone()).collect();
    assert_eq!(added, ["signing", "refresh"]);
    assert_eq!(answer["keys"].as_array().unwrap().len(), 5);
    assert!(answer["notes"].as_array().unwrap().is_empty(), "an hour is long enough: {answer}");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    let (list, _) = json_of(&run_in(folder.path(), &[], &["keys", "list", "--json"]));
    assert_eq!(list["keys"], answer["keys"]);
    let states = |purpose: &str| -> Vec<String> {
        let keys = list["keys"].as_array().unwrap().iter().filter(|key| key["purpose"] == purpose);
        keys.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (states("signing"), states("mail")),
        (vec!["makes_later".into(), "makes".into()], vec!["makes".to_owned()])
    );
}

#[test]
fn no_answer_has_anything_of_a_key() {
    let (folder, file) = with_keys();
    let asked: [&[&str]; 5] = [
        &["keys", "rotate", "--purpose", "all", "--in", "0"],
        &["keys", "rotate", "--purpose", "all", "--in", "15m", "--json"],
        &["keys", "rotate", "--drop-old", "--purpose", "none"],
        &["keys", "list"],
        &["keys", "list", "--json"],
    ];
    for arguments in asked {
        let (text, code) = said(&run_in(folder.path(), &[], arguments));
        assert_eq!(code, 0, "{text}");
        assert!(secrets(&file).iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    }
    assert_eq!(secrets(&file).len(), 9);
    let (text, _) = said(&run_in(folder.path(), &[], &["keys", "list"]));
    assert_eq!(text.lines().filter(|line| line.contains("  makes from ")).count(), 3, "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("  verifies ")).count(), 3, "{text}");
}

#[test]
fn a_rotation_that_is_too_soon_for_other_servers_says_so() {
    let (folder, _) = with_keys();
    let (text, code) = said(&run_in(folder.path(), &[], &["keys", "rotate", "--in", "5s"]));
    assert!(code == 0 && text.contains("keys.reload") && text.contains("300 s"), "{text}");
}

#[test]
fn keys_in_the_variable_a_missing_file_and_nonsense_are_refused_and_change_nothing() {
    let (folder, file) = with_keys();
    let before = fs::read_to_string(&file).unwrap();
    let variable = [("DOORWARD__KEYS__JSON", before.as_str())];
    let (text, code) = said(&run_in(folder.path(), &variable, &["keys", "rotate"]));
    assert!(code == 1 && text.contains("keys.file"), "{text}");
    assert!(secrets(&file).iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    assert_eq!(said(&run_in(folder.path(), &variable, &["keys", "list"])).1, 0);
    let elsewhere = [("DOORWARD__KEYS__FILE", "other.json")];
    let (text, code) = said(&run_in(folder.path(), &elsewhere, &["keys", "rotate"]));
    assert!(code == 1 && text.contains("other.json") && !folder.path().join("other.json").exists(), "{text}");
    for nonsense in ["-1", "1x", "", "400d", "99999999999999999999"] {
        assert_eq!(said(&run_in(folder.path(), &[], &["keys", "rotate", "--in", nonsense])).1, 2, "{nonsense}");
    }
    assert_eq!(said(&run_in(folder.path(), &[], &["keys", "rotate", "--purpose", "none"])).1, 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[tokio::test]
async fn a_running_server_takes_up_what_was_rotated_and_keeps_everybody_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &[("DOORWARD__KEYS__RELOAD", "1")]).await;
    let mona = server.caller();
    let token = mona.register("mona").await.token();
    let (answer, _) =
        json_of(&run_in(folder.path(), &[], &["keys", "rotate", "--purpose", "all", "--in", "0", "--json"]));
    let name = answer["added"][0]["name"].as_str().unwrap();
    for _ in 0..400 {
        if fs::read_to_string(folder.path().join("log")).unwrap().contains("keys_changed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(mona.page("/.well-known/jwks.json").await.text.contains(name));
    assert_eq!(mona.account(&token).await.status, 200);
    let refreshed = mona.refresh().await;
    assert_eq!(refreshed.status, 200);
    assert_ne!(refreshed.token().split('.').next(), token.split('.').next(), "another key signs");
}
