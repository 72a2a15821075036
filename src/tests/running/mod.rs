//! The binary's commands for those who run the server, as they run them.

mod calibrate;
mod doctor;
mod health;
mod keys;
mod look;
mod seals;

use crate::harness::command;
use std::{path::Path, process::Output};

/// The answer of the binary in this folder with these variables.
fn run_in(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    command(folder, variables).args(arguments).output().unwrap()
}

/// What it answered as JSON, and its exit code.
fn json_of(output: &Output) -> (serde_json::Value, i32) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}{error}"));
    (json, output.status.code().unwrap())
}

/// What it said to people, and its exit code.
fn said(output: &Output) -> (String, i32) {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    (String::from_utf8(both).unwrap(), output.status.code().unwrap())
}
