//! What the settings refuse, and what they take.

use super::super::settings::{MailTransport, Settings};
use super::*;
use std::collections::BTreeSet;

/// The settings of a site that is on the web.
const WEB: &str = r#"server.public_url = "https://example.com"
mail.transport = "log"
"#;

fn refused(text: &str) -> String {
    match Settings::from_toml(text) {
        Ok(_) => panic!("taken: {text}"),
        Err(error) => error.to_string(),
    }
}

fn taken(text: &str) -> Settings {
    Settings::from_toml(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn with_url(url: &str) -> String {
    format!("server.public_url = {url:?}\nmail.transport = \"log\"")
}

#[test]
fn the_checked_in_file_is_taken_as_it_is() {
    let settings = taken("");
    assert_eq!(settings.mail.transport, MailTransport::Mailbox);
    assert_eq!(settings.token.audience, "http://localhost:3000");
}

#[test]
fn every_number_has_its_ends() {
    for (key, least, most) in [
        ("server.body_limit", 1024, 1_048_576),
        ("server.header_timeout", 1, 300),
        ("server.request_timeout", 1, 300),
        ("server.idle_timeout", 1, 3600),
        ("server.drain", 0, 60),
        ("server.connections", 16, 100_000),
        ("database.connections", 1, 100),
        ("database.acquire_timeout", 1, 60),
        ("password.min_length", 8, 64),
        ("password.max_length", 64, 1024),
        ("password.min_score", 0, 4),
        ("password.memory_limit", 19, 65_536),
        ("password.queue", 1, 100_000),
        ("password.threads", 0, 1024),
        ("token.access_lifetime", 1, 900),
        ("token.leeway", 0, 5),
        ("session.reuse_window", 0, 300),
        ("session.idle", 1, 604_800),
        ("session.absolute", 86_400, 2_592_000),
        ("session.remembered_idle", 1, 2_592_000),
        ("session.remembered_absolute", 1_209_600, 2_592_000),
        ("session.per_account", 1, 1000),
        ("session.page_rotation", 60, 86_400),
        ("session.keep_ended", 0, 365),
        ("session.memory", 0, 1000),
        ("registration.keep_unconfirmed", 1, 365),
        ("confirmation.link_lifetime", 300, 86_400),
        ("confirmation.code_lifetime", 60, 600),
        ("confirmation.code_tries", 1, 10),
        ("confirmation.mails_per_hour", 1, 100),
        ("confirmation.mail_gap", 0, 3600),
        ("account.proof_age", 60, 3600),
        ("account.undo_lifetime", 3600, 2_592_000),
        ("account.keep_name", 0, 3650),
        ("account.deletion_grace", 0, 90),
        ("account.keep_history", 30, 3650),
        ("account.keep_tickets", 0, 30),
        ("throttle.login_slowest", 30, 86_400),
        ("throttle.known_device", 1, 400),
        ("reset.link_lifetime", 60, 3600),
        ("reset.code_lifetime", 60, 600),
        ("reset.code_tries", 1, 10),
        ("mail.timeout", 1, 59),
        ("mail.lease", 21, 600),
        ("mail.poll", 1, 300),
        ("mail.backoff", 1, 600),
        ("mail.max_backoff", 5, 3600),
        ("mail.keep", 0, 90),
    ] {
        taken(&format!("{key} = {least}"));
        taken(&format!("{key} = {most}"));
        let above = refused(&format!("{key} = {}", most + 1));
        let section = key.split('.').next().unwrap_or(key);
        assert!(above.contains(section), "{key}: {above}");
        refused(&format!("{key} = {}", least - 1));
    }
}

#[test]
fn a_message_names_the_key_the_value_and_the_range() {
    let message = refused("token.access_lifetime = 901");
    assert!(message.starts_with("token.access_lifetime = 901: must be 1 to 900 ("), "{message}");
}

#[test]
fn a_public_url_is_an_origin() {
    for (url, origin) in [
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("HTTPS://Example.COM:443", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost", "http://localhost"),
        ("http://127.0.0.7:3000", "http://127.0.0.7:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ] {
        let settings = taken(&with_url(url));
        assert_eq!(settings.server.public_url, origin);
        assert_eq!(settings.token.audience, origin);
    }
    assert_eq!(taken(&(with_url("https://EXAMPLE.com") + "\ntoken.audience = \"api\"")).token.audience, "api");
}

#[test]
fn a_public_url_with_more_or_less_than_an_origin_is_refused() {
    for url in [
        "",
        "example.com",
        "localhost:3000",
        "https://",
        "https:///x",
        "https:example.com",
        "https:\\\\example.com",
        "https://example.com/path",
        "https://example.com?x",
        "https://example.com#x",
        "https://u@example.com",
        "https://u:p@example.com",
        "ftp://example.com",
        "javascript://alert(1)",
        "https://exa mple.com",
        "https://example.com\t",
        "https://example.com:99999",
        "//example.com",
        "file:///etc/passwd",
    ] {
        assert!(refused(&with_url(url)).contains("server.public_url"), "{url}");
    }
}

#[test]
fn plain_http_is_for_localhost_only() {
    for url in [
        "http://example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://[::2]",
    ] {
        assert!(refused(&with_url(url)).contains("https"), "{url}");
    }
    assert!(is_local_url("https://LOCALHOST:1") && is_local_url("http://127.1.2.3"));
    assert!(!is_local_url("https://example.com") && !is_local_url("localhost") && !is_local_url(""));
}

#[test]
fn a_cookie_that_browsers_would_drop_or_leak_is_refused() {
    let plain = "cookie.name = \"doorward\"\ncookie.secure = false\n";
    taken(plain);
    taken("cookie.same_site = \"None\"");
    assert!(refused("cookie.secure = false").contains("cookie.secure"));
    assert!(refused("cookie.name = \"__secure-x\"\ncookie.secure = false").contains("cookie.name"));
    assert!(refused(&format!("{plain}cookie.same_site = \"None\"")).contains("same_site"));
    assert!(refused(&format!("{plain}{WEB}")).contains("localhost"));
    for name in ["", "a b", "a;b", "a=b", "a\"b", "näme", "a\tb", &"x".repeat(65)] {
        assert!(refused(&format!("cookie.name = {name:?}")).contains("cookie.name"), "{name}");
    }
    taken(&format!("cookie.name = {:?}", "x".repeat(64)));
}

#[test]
fn hashing_weaker_than_the_floor_is_refused() {
    for (memory, passes) in [(19_456, 2), (47_104, 1), (12_288, 3), (65_536, 3)] {
        taken(&format!("password.argon2_memory = {memory}\npassword.argon2_passes = {passes}"));
    }
    for (memory, passes) in [(19_455, 2), (47_103, 1), (12_287, 9), (19_456, 1), (0, 0)] {
        refused(&format!("password.argon2_memory = {memory}\npassword.argon2_passes = {passes}"));
    }
    refused("password.argon2_lanes = 0");
    assert!(refused("password.argon2_memory = 65536\npassword.memory_limit = 63").contains("memory_limit"));
}

#[test]
fn a_site_on_the_web_needs_a_real_mail_transport() {
    let url = "server.public_url = \"https://example.com\"\n";
    let message = refused(url);
    assert!(message.contains("mail.transport") && message.contains("DOORWARD__MAIL__SMTP_URL"), "{message}");
    assert!(refused(&format!("{url}mail.transport = \"mailbox\"")).contains("localhost"));
    for transport in ["log", "folder"] {
        taken(&format!("{url}mail.transport = {transport:?}"));
    }
    refused(&format!("{url}mail.transport = \"pigeon\""));
    refused("mail.transport = \"folder\"\nmail.folder = \"\"");
}

#[test]
fn an_smtp_url_has_a_scheme_and_a_host_and_is_never_shown() {
    let smtp = |url: &str| format!("mail.transport = \"smtp\"\nmail.smtp_url = {url:?}");
    for url in ["smtp://u:p%40@mail.example:587", "smtps://mail.example", "smtp://localhost:1025", "smtp://[::1]:25"] {
        taken(&smtp(url));
    }
    for url in ["", "mail.example:25", "smtp://", "smtp:", "https://mail.example", "hunter2", "smtp://h:hunter2"] {
        let message = refused(&smtp(url));
        assert!(message.contains("mail.smtp_url") && !message.contains("hunter2"), "{message}");
    }
}

#[test]
fn names_and_senders_are_readable() {
    for from in ["a@b.test", "Mona Lisa <mona@example.com>", "\"Sales, Inc.\" <s@example.com>"] {
        taken(&format!("mail.from = {from:?}"));
    }
    for from in ["", "Mona", "Mona <mona>", "a@b.test\r\nBcc: c@d.test", "a@b.test, c@d.test"] {
        assert!(refused(&format!("mail.from = {from:?}")).contains("mail.from"), "{from}");
    }
    taken(&format!("server.site_name = {:?}", "ü".repeat(60)));
    for name in ["", "  ", "a\nb", &"x".repeat(61)] {
        assert!(refused(&format!("server.site_name = {name:?}")).contains("server.site_name"), "{name:?}");
    }
}

#[test]
fn a_lease_outlives_a_sending_and_an_idle_session_the_absolute_one_never() {
    assert!(refused("mail.timeout = 60").contains("mail.lease"));
    assert!(refused("session.idle = 100\nsession.absolute = 99").contains("session.idle"));
    assert!(refused("mail.backoff = 20\nmail.max_backoff = 10").contains("mail.backoff"));
}

#[test]
fn a_database_url_is_of_a_known_kind_and_never_shown() {
    taken("database.url = \"postgres://u:hunter2@db/doorward\"");
    let message = refused("database.url = \"mysql://u:hunter2@db/doorward\"");
    assert!(message.contains("database.url") && !message.contains("hunter2"), "{message}");
    refused("keys.file = \"\"");
}

#[test]
fn a_limit_that_is_no_limit_names_its_key_and_every_limit_that_is_off_is_known() {
    assert!(refused("throttle.login = \"5\"").contains("throttle.login"));
    assert!(refused("throttle.login = 5").contains("throttle.login"));
    assert_eq!(limits_off(&taken("").throttle), [""; 0]);
    let defaults: toml::Table = super::super::settings::DEFAULTS.parse().unwrap_or_default();
    let limits = defaults["throttle"].as_table().into_iter().flatten().filter(|(_, value)| value.is_str());
    let keys: BTreeSet<String> = limits.map(|(key, _)| format!("throttle.{key}")).collect();
    let off = taken(&keys.iter().map(|key| format!("{key} = \"off\"\n")).collect::<String>());
    let known: BTreeSet<String> = limits_off(&off.throttle).into_iter().map(str::to_owned).collect();
    assert_eq!(known, keys);
    assert_eq!(known.len(), 18);
}
