//! Settings of those who run the server, checked: the database's connections, replicas, metrics, traces.

use super::{
    settings::{Database, DatabaseTls, Server, Session, Settings, SettingsError, Telemetry},
    settings_checks::{refuse, within},
};
use secrecy::ExposeSecret as _;
use std::net::SocketAddr;
use url::Url;

/// A day in seconds.
const DAY: i64 = 86_400;

/// Checks what operators set.
///
/// # Errors
/// The first setting that cannot be.
pub fn check(settings: &Settings) -> Result<(), SettingsError> {
    server(&settings.server)?;
    database(&settings.database)?;
    session(&settings.session)?;
    within("keys.reload", settings.keys.reload, 1..=3600, "seconds; a rotated key waits that long to be known")?;
    within("replica.heartbeat", settings.replica.heartbeat, 5..=300, "seconds; each is a write")?;
    socket("metrics.address", &settings.metrics.address)?;
    telemetry(&settings.telemetry)
}

fn socket(key: &str, address: &str) -> Result<(), SettingsError> {
    if address.is_empty() || address.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    Err(refuse(key, format!("{address:?}"), "must be an address and a port such as 127.0.0.1:9464, or empty"))
}

fn server(server: &Server) -> Result<(), SettingsError> {
    socket("server.address", &server.address)?;
    within("server.head_limit", server.head_limit, 8192..=65_536, "bytes; cookies and tokens need some")?;
    within("server.field_limit", server.field_limit, 32..=1000, "fields; browsers and proxies send about twenty")?;
    within("server.url_limit", server.url_limit, 1024..=32_768, "bytes; mailed links need some")?;
    if server.url_limit > server.head_limit {
        let why = "must be no more than server.head_limit: the address is in the head";
        return Err(refuse("server.url_limit", server.url_limit, why));
    }
    within("server.drain_idle", server.drain_idle, 0..=60, "seconds; a part of server.drain")
}

fn database(database: &Database) -> Result<(), SettingsError> {
    let most = "connections; no more than database.connections";
    within("database.min_connections", database.min_connections, 0..=database.connections, most)?;
    within("database.idle_timeout", database.idle_timeout, 0..=86_400, "seconds; 0 is never")?;
    within("database.max_lifetime", database.max_lifetime, 0..=86_400, "seconds; 0 is for ever")?;
    within("database.statement_timeout", database.statement_timeout, 0..=600, "seconds; 0 is no limit")?;
    let says_tls = database.tls != DatabaseTls::AsUrl
        || [&database.tls_root, &database.tls_certificate, &database.tls_key].iter().any(|path| !path.is_empty());
    if says_tls && database.url.expose_secret().starts_with("sqlite:") {
        return Err(refuse("database.tls", "(set)", "is for PostgreSQL; an SQLite file is not spoken to by network"));
    }
    if database.tls_certificate.is_empty() != database.tls_key.is_empty() {
        return Err(refuse("database.tls_key", "(one of two)", "must be set together with database.tls_certificate"));
    }
    Ok(())
}

fn session(session: &Session) -> Result<(), SettingsError> {
    let most = "seconds; NIST SP 800-63B AAL2: a day at most";
    within("session.admin_absolute", session.admin_absolute, 1..=DAY, most)?;
    let whole = "seconds; no longer than session.admin_absolute";
    within("session.admin_idle", session.admin_idle, 1..=session.admin_absolute, whole)
}

impl Telemetry {
    /// Whether traces go to a collector.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.otlp_endpoint.is_empty()
    }
}

fn telemetry(telemetry: &Telemetry) -> Result<(), SettingsError> {
    let endpoint = telemetry.otlp_endpoint.as_str();
    let is_http = Url::parse(endpoint).is_ok_and(|url| url.scheme() == "http" && url.has_host());
    if telemetry.is_on() && !is_http {
        let why = "must be http://host:port of a collector, or empty (TLS to it is not built in)";
        return Err(refuse("telemetry.otlp_endpoint", "(not shown)", why));
    }
    if !(0.0..=1.0).contains(&telemetry.sample) {
        return Err(refuse("telemetry.sample", telemetry.sample, "must be 0.0 (none) to 1.0 (all)"));
    }
    if telemetry.service_name.trim().is_empty() || telemetry.service_name.len() > 255 {
        return Err(refuse("telemetry.service_name", "(not shown)", "must be 1 to 255 bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Settings::from_toml(text).err().unwrap_or_else(|| panic!("taken: {text}")).to_string()
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, start) in [
            ("server.address = '3000'", "server.address"),
            ("server.head_limit = 100", "server.head_limit = 100"),
            ("server.head_limit = 8192\nserver.url_limit = 8193", "server.url_limit"),
            ("server.field_limit = 1", "server.field_limit"),
            ("server.drain_idle = 61", "server.drain_idle"),
            ("database.min_connections = 5", "database.min_connections"),
            ("database.statement_timeout = 601", "database.statement_timeout"),
            ("database.tls = 'require'", "database.tls"),
            ("database.url = 'postgres://a@b/c'\ndatabase.tls_key = 'k'", "database.tls_key"),
            ("keys.reload = 0", "keys.reload"),
            ("session.admin_absolute = 86401", "session.admin_absolute"),
            ("session.admin_absolute = 60", "session.admin_idle"),
            ("replica.heartbeat = 1", "replica.heartbeat"),
            ("metrics.address = 'localhost'", "metrics.address"),
            ("telemetry.otlp_endpoint = 'https://collector.example'", "telemetry.otlp_endpoint"),
            ("telemetry.sample = 1.5", "telemetry.sample"),
            ("telemetry.service_name = ' '", "telemetry.service_name"),
        ] {
            assert!(refused(text).starts_with(start), "{text}: {}", refused(text));
        }
        let unknown = refused("database.url = 'postgres://a@b/c'\ndatabase.tls = 'sometimes'");
        assert!(unknown.contains("sometimes"), "{unknown}");
    }
}
