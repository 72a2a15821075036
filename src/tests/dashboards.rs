//! The dashboard and the alerts of `deploy/` name only what the server shows.

use doorward::server::metrics::{Mailing, Metrics, Outbox, Sight};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of ours in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("doorward_")).map(str::to_owned).collect()
}

/// All names of lines that the server may show.
fn shown() -> BTreeSet<String> {
    let metrics = Metrics::new();
    metrics.answered("GET", "/login", 200, Duration::from_millis(3));
    metrics.throttled("login");
    metrics.mail("password_reset", Mailing::Sent);
    let sight = Sight { outbox: Some(Outbox::default()), ..Sight::default() };
    let text = metrics.text(&sight);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

#[test]
fn the_dashboard_and_the_alerts_name_only_metrics_that_there_are() {
    let shown = shown();
    assert!(shown.contains("doorward_requests_total"), "{shown:?}");
    for file in ["grafana.json", "alerts.yml"] {
        let named = named(&text(file));
        assert!(named.len() > 5, "{file} names {named:?}");
        let unknown: Vec<_> = named.difference(&shown).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}, which the server does not show");
    }
}

#[test]
fn the_dashboard_shows_every_metric_but_what_says_the_version() {
    let dashboard = named(&text("grafana.json"));
    let base = |name: &str| {
        let ends = ["_bucket", "_sum", "_count", "_created"];
        ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    let dashboard: BTreeSet<_> = dashboard.iter().map(|name| base(name)).collect();
    let shown: BTreeSet<_> = shown().iter().map(|name| base(name)).collect();
    let missing: Vec<_> = shown.difference(&dashboard).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_dashboard_is_one_that_grafana_takes() {
    let dashboard: serde_json::Value = serde_json::from_str(&text("grafana.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|variable| variable["type"] == "datasource" && variable["query"] == "prometheus"));
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            assert_eq!(query.matches('(').count(), query.matches(')').count(), "{query}");
        }
    }
}
