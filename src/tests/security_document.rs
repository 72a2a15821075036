//! Holds `SECURITY.md` to the sources: what it names exists, nothing is left out, and its tables of routes are so.

use crate::harness::{Answer, App, Caller, PASSWORD, on_both_engines};
use doorward::{
    domain::{account::AccountId, history::Event},
    server::settings::DEFAULTS,
};
use reqwest::Method;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Seconds after which a proof is stale, by the settings.
pub(crate) const STALE: i64 = 601;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn document() -> String {
    read(&root().join("SECURITY.md"))
}

/// What stands between backticks.
fn spans(document: &str) -> Vec<&str> {
    document.split('`').skip(1).step_by(2).collect()
}

/// The file of a citation: sources are named from `src`, browser tests from `end2end/tests`, the rest from the root.
fn cited_file(name: &str) -> Option<PathBuf> {
    let place = match name.strip_prefix("end2end/") {
        Some(spec) => root().join("end2end/tests").join(spec),
        None if name.starts_with("migrations/") => root().join(name),
        None => root().join("src").join(name),
    };
    place.exists().then_some(place)
}

/// The text behind each `start` up to `end`, in all files of ours below `folder`.
fn texts_between(folder: &str, start: &str, end: char) -> BTreeSet<String> {
    let mut folders = vec![root().join(folder)];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = read(&path);
                found.extend(text.split(start).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())));
            }
        }
    }
    found
}

#[test]
fn every_test_and_file_that_the_document_cites_exists() {
    let document = document();
    let mut cited = 0;
    for span in spans(&document) {
        let (name, test) = span.split_once("::").map_or((span, None), |(name, test)| (name, Some(test)));
        if ![".rs", ".ts", ".sql"].iter().any(|kind| name.ends_with(kind)) {
            assert_eq!(test, None, "`{span}` names no file");
            continue;
        }
        let file = cited_file(name).unwrap_or_else(|| panic!("`{span}`: there is no such file"));
        let Some(test) = test else { continue };
        let start = if name.ends_with(".ts") { format!("test(\"{test}\"") } else { format!("fn {test}(") };
        assert!(read(&file).contains(&start), "`{span}`: there is no such test");
        cited += 1;
    }
    assert!(cited > 100, "{cited} citations");
}

#[test]
fn every_setting_that_the_document_names_exists() {
    let settings: toml::Table = DEFAULTS.parse().unwrap();
    let document = document();
    let mut named = 0;
    for span in spans(&document) {
        let key = span.split(" = ").next().unwrap_or(span);
        let Some((section, key)) = key.split_once('.') else { continue };
        let Some(section) = settings.get(section).and_then(toml::Value::as_table) else { continue };
        assert!(section.contains_key(key), "`{span}` is no setting");
        named += 1;
    }
    assert!(named > 40, "{named} settings");
}

#[test]
fn no_route_no_act_no_limit_and_no_event_is_left_out() {
    let document = document();
    let named: BTreeSet<&str> = spans(&document).into_iter().map(|span| span.trim_start_matches("GET ")).collect();
    let paths = ["src/paths.rs", "src/paths/forms.rs"].map(|file| read(&root().join(file))).concat();
    let paths: Vec<&str> = paths.split("&str = \"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert!(paths.len() > 25);
    for path in paths {
        assert!(named.contains(path) || named.contains(format!("POST {path}").as_str()), "the route {path}");
    }
    for act in texts_between("src/actions", "endpoint = \"", '"') {
        assert!(named.contains(format!("/actions/{act}").as_str()), "the act {act}");
    }
    for event in texts_between("src/server", "event = \"", '"') {
        assert!(named.contains(event.as_str()), "the line {event}");
    }
    for event in Event::ALL {
        assert!(named.contains(event.as_str()), "the audit event {event:?}");
    }
    let settings: toml::Table = DEFAULTS.parse().unwrap();
    for limit in settings["throttle"].as_table().unwrap().keys() {
        assert!(named.contains(format!("throttle.{limit}").as_str()), "throttle.{limit}");
    }
}

/// A kind of caller, as the columns of the tables name them.
pub(crate) const CALLERS: [&str; 4] = ["anonymous", "signed in", "on its way out", "disabled"];

/// The rows of a table that has these columns, each cell without its backticks.
pub(crate) fn rows(document: &str, columns: &str) -> Vec<Vec<String>> {
    let start = document.find(columns).unwrap_or_else(|| panic!("there is no table {columns}"));
    let lines = document[start..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    lines.map(cells).collect()
}

/// A caller of this kind with an account of its own, and an access token if it ever had one.
pub(crate) async fn caller_of(app: &App, kind: &str, number: usize) -> (Caller, String) {
    if kind == "anonymous" {
        return (app.anonymous(), String::new());
    }
    let name = format!("person{number}");
    let caller = app.signed_in(&name).await;
    if kind == "on its way out" {
        assert_eq!(caller.action("request_deletion", &[]).await.status, 200);
        assert_eq!(caller.log_in(&name, PASSWORD).await.status, 200);
    }
    let token = caller.refresh().await.token();
    if kind == "disabled" {
        let id = AccountId(caller.account(&token).await.json()["id"].as_i64().unwrap());
        app.auth.set_disabled(id, true).await.unwrap();
    }
    (caller, token)
}

async fn act(caller: &Caller, token: &str, act: &str) -> Answer {
    let request = caller.request(Method::POST, act).header("sec-fetch-site", "same-origin");
    let request = if act.ends_with("/current_account") { request.bearer_auth(token) } else { request };
    caller.send(request.form(&[("", ""); 0])).await
}

/// "runs", or the status of a refusal to this caller.
fn said(answer: &Answer, door: &str) -> String {
    // It ran and found no session of that name.
    let found_none = answer.status == 404 && ["/actions/end_session", "/account/sessions/end"].contains(&door);
    // With scripts off a form without a session leads to the login page.
    if answer.header("location").starts_with("/login?next=") && !door.starts_with("/log") {
        return "401".to_owned();
    }
    let refused = [401, 403, 404, 405].contains(&answer.status) && !found_none;
    if refused { answer.status.to_string() } else { "runs".to_owned() }
}

on_both_engines! {
    async fn each_kind_of_caller_reaches_what_the_tables_say(engine) {
        let app = App::start(engine).await;
        let document = document();
        let mut callers = Vec::new();
        for (number, kind) in CALLERS.iter().enumerate() {
            callers.push(caller_of(&app, kind, number).await.0);
        }
        let mut wrong = Vec::new();
        let pages = rows(&document, "| route | anonymous | signed in | on its way out | disabled |");
        assert!(pages.len() > 20);
        for row in &pages {
            let (method, path) = row[0].split_once(' ').unwrap();
            for ((kind, caller), expected) in CALLERS.iter().zip(&callers).zip(&row[1..]) {
                let answer = if method == "GET" { caller.page(path).await } else { caller.submit(path, &[]).await };
                let to = answer.header("location").split('?').next().unwrap_or_default();
                let found = format!("{} {to}", answer.status);
                if found.trim() != expected {
                    wrong.push(format!("{kind}: {}: {found}, not {expected}", row[0]));
                }
                let is_page = answer.header("content-type").starts_with("text/html") && !path.starts_with("/dev/");
                let has_frame = is_page && path != doorward::paths::API_DOCS;
                if answer.status == 200 && has_frame && kind == &"signed in" {
                    assert!(answer.text.contains("action=\"/logout\""), "{path} has no way out");
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn each_kind_of_caller_does_what_the_tables_say(engine) {
        let app = App::start(engine).await;
        let acts = rows(&document(), "| act | form | anonymous | signed in | on its way out | disabled | proof |");
        assert!(acts.len() > 20);
        let (mut number, mut wrong) = (0, Vec::new());
        for row in &acts {
            for door in row[..2].iter().filter(|door| *door != "–") {
                for (kind, expected) in CALLERS.iter().zip(&row[2..]) {
                    number += 1;
                    let (caller, token) = caller_of(&app, kind, number).await;
                    let answer = act(&caller, &token, door).await;
                    if &said(&answer, door) != expected {
                        wrong.push(format!("{kind}: {door}: {}, not {expected}", said(&answer, door)));
                    }
                }
                number += 1;
                let (caller, _) = caller_of(&app, "signed in", number).await;
                app.clock.advance(STALE);
                let token = caller.refresh().await.token();
                let answer = act(&caller, &token, door).await;
                let wants_proof = answer.status == 403;
                if wants_proof != (row[6] == "fresh") {
                    wrong.push(format!("{door} with an old proof: {}", answer.status));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
