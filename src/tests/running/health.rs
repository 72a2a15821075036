//! `doorward health`, and what the settings of commands are laid over.

use super::{json_of, run_in, said};
use crate::harness::Process;
use std::fs;

#[tokio::test]
async fn a_server_is_asked_whether_it_is_ready_and_one_that_is_gone_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(folder.path(), &[]).await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let there = [("DOORWARD__SERVER__ADDRESS", address.as_str())];
    let (answer, code) = json_of(&run_in(folder.path(), &there, &["health", "--json"]));
    assert_eq!((answer["status"].as_str(), answer["ready"].as_bool(), code), (Some("ready"), Some(true), 0));
    assert_eq!(answer["checks"]["database"], "ok");
    assert_eq!(said(&run_in(folder.path(), &there, &["health"])), ("ready\n".to_owned(), 0));
    server.kill();
    assert_eq!(said(&run_in(folder.path(), &there, &["health"])), ("unreachable\n".to_owned(), 1));
}

#[test]
fn a_variable_lies_over_the_file_that_names_the_secret_in_its_other_form() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("url"), "sqlite:named-in-the-file.db").unwrap();
    fs::write(folder.path().join("settings.toml"), "database.url_file = 'url'").unwrap();
    let migrate = ["--settings", "settings.toml", "migrate"];
    assert_eq!(said(&run_in(folder.path(), &[], &migrate)).1, 0);
    assert!(folder.path().join("named-in-the-file.db").exists());
    let variable = [("DOORWARD__DATABASE__URL", "sqlite:named-in-the-variable.db")];
    assert_eq!(said(&run_in(folder.path(), &variable, &migrate)).1, 0);
    assert!(folder.path().join("named-in-the-variable.db").exists());
}
