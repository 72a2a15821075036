//! What operators do: accounts, mails, migrations, backups; through the service and by the binary.

mod backup;
pub(crate) mod factors;
mod mails;
mod migrations;
mod restore;
mod restore_factors;
mod restore_live;
mod restore_since;
mod users;

use crate::harness::App;
use secrecy::ExposeSecret as _;
use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

/// The binary in this folder with these variables and nothing of ours in the environment.
fn doorward(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.env_clear().current_dir(folder).envs(variables.iter().copied()).args(arguments).stdin(Stdio::null());
    command
}

/// A command as the operator of this application runs it, with this on its standard input.
fn typed(app: &App, arguments: &[&str], input: &str) -> Output {
    let database = app.settings.database.url.expose_secret();
    let keys = app.settings.keys.file.display().to_string();
    let variables = [
        ("DOORWARD__DATABASE__URL", database),
        ("DOORWARD__KEYS__FILE", keys.as_str()),
        ("DOORWARD__SERVER__PUBLIC_URL", app.base.as_str()),
    ];
    let mut command = doorward(app.folder.path(), &variables, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A command as the operator of this application runs it.
fn command(app: &App, arguments: &[&str]) -> Output {
    typed(app, arguments, "")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The answer of a command that was asked for JSON.
fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", said(output), complained(output)))
}

/// The fields that a link of ours carries.
fn fields_of(link: &str) -> Vec<(&str, &str)> {
    link.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap()).collect()
}
