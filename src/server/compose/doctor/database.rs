//! Checks of the database: whether it is there, has the tables of this version, room, and a safe way to it.

use super::{
    Check,
    keys::{folder, is_nowhere},
};
use crate::server::{
    compose::World,
    settings::{DatabaseTls, Settings},
    store::{Store, StoreError, look::sqlite_file, migrations::Migrations, replicas},
};
use secrecy::ExposeSecret as _;
use std::{fs, net::IpAddr, os::unix::fs::MetadataExt as _};
use url::Url;

/// Bytes of free space below which a database soon stops, and below which it has stopped as good as.
const LITTLE: u64 = 100 * 1024 * 1024;
const NONE: u64 = 10 * 1024 * 1024;
/// Seconds that the database's clock may differ from ours without a word.
const SAME_TIME: i64 = 2;

/// The database that could not be opened.
pub(super) fn unopened(settings: &Settings, error: &StoreError) -> Check {
    let name = "database";
    if let Some(file) = sqlite_file(&settings.database).filter(|file| is_nowhere(file)) {
        let found = format!("There is no database {}.", file.display());
        return Check::warning(name, found, "The server makes one at its first start. If there was one, restore it.");
    }
    let advice = "See whether it runs, and whether host, database, user and password of database.url are right.";
    Check::failure(name, format!("The database cannot be opened: {error}."), advice)
}

pub(super) async fn examine(settings: &Settings, world: &World, store: &Store) -> Vec<Check> {
    let mut checks = Vec::new();
    let engine = store.engine().as_str();
    match store.engine_version().await {
        Ok(version) => checks.push(Check::ok("database", format!("{engine} {version} answers."))),
        Err(error) => {
            checks.push(unopened(settings, &error));
            return checks;
        }
    }
    match store.own_migrations().await {
        Ok(found) => checks.push(migrations(settings, &found)),
        Err(error) => checks.push(unanswered("migrations", &error)),
    }
    match store.engine_time().await {
        Ok(None) => {}
        Ok(Some(time)) => checks.push(time_check(settings, time.since(world.clock.now()))),
        Err(error) => checks.push(unanswered("database_clock", &error)),
    }
    checks.extend(connections(settings, world, store).await);
    checks
}

pub(super) fn unanswered(name: &'static str, error: &StoreError) -> Check {
    Check::failure(name, format!("The database does not answer this: {error}."), "See its log.")
}

fn migrations(settings: &Settings, gap: &Migrations) -> Check {
    let name = "migrations";
    if !gap.fit() {
        return Check::failure(
            name,
            format!("The tables are those of another version: {gap}."),
            "Run that version, or restore the backup from before it.",
        );
    }
    if gap.pending.is_empty() {
        return Check::ok(name, "The tables are those of this version.");
    }
    let found = format!("Migrations wait: {}.", gap.pending.join(", "));
    if settings.database.migrate {
        return Check::warning(name, found, "The server applies them at its next start; or run doorward migrate.");
    }
    let advice = "Run doorward migrate: until then the server does not start (database.migrate = false).";
    Check::failure(name, found, advice)
}

fn time_check(settings: &Settings, ahead: i64) -> Check {
    let name = "database_clock";
    let leeway = i64::try_from(settings.token.leeway).unwrap_or(SAME_TIME).max(SAME_TIME);
    let found = format!("The database's clock differs from this machine's by {ahead} s.");
    let advice = "Set both by NTP.";
    match ahead.saturating_abs() {
        apart if apart > leeway => Check::failure(name, found, advice),
        apart if apart > SAME_TIME => Check::warning(name, found, advice),
        _ => Check::ok(name, "The database's clock and this machine's show the same time."),
    }
}

/// Whether PostgreSQL takes as many connections as all servers may open.
async fn connections(settings: &Settings, world: &World, store: &Store) -> Option<Check> {
    let name = "connections";
    let most = match store.most_connections().await {
        Ok(most) => most?,
        Err(error) => return Some(unanswered(name, &error)),
    };
    let (now, heartbeat) = (world.clock.now(), settings.replica.heartbeat);
    let replicas = match store.read().await {
        Ok(mut connection) => replicas::list(&mut connection).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let live = replicas.iter().filter(|replica| super::super::heartbeat::is_live(replica, heartbeat, now)).count();
    let servers = i64::try_from(live.max(1)).unwrap_or(i64::MAX);
    let wanted = i64::from(settings.database.connections).saturating_mul(servers);
    let found = format!("Servers: {servers}. They may open {wanted} connections, and the database takes {most}.");
    if wanted > most {
        let advice = "Set database.connections lower, or max_connections of PostgreSQL higher.";
        return Some(Check::warning(name, found, advice));
    }
    Some(Check::ok(name, found))
}

/// Whether what is sent to a PostgreSQL elsewhere can be read or bent on the way.
pub(super) fn tls(settings: &Settings) -> Option<Check> {
    let name = "database_tls";
    let url = settings.database.url.expose_secret();
    if url.starts_with("sqlite:") {
        return None;
    }
    let Ok(url) = Url::parse(url) else {
        let advice = "Write it postgres://user:password@host/database, special characters percent-encoded.";
        return Some(Check::failure(name, "database.url cannot be read.", advice));
    };
    if is_near(&url) {
        return Some(Check::ok(name, "PostgreSQL is on this machine."));
    }
    let mode = match settings.database.tls {
        DatabaseTls::AsUrl => {
            let said = url.query_pairs().find(|(key, _)| key == "sslmode" || key == "ssl-mode");
            said.map_or_else(|| "prefer".to_owned(), |(_, mode)| mode.into_owned())
        }
        DatabaseTls::Disable => "disable".to_owned(),
        DatabaseTls::Prefer => "prefer".to_owned(),
        DatabaseTls::Require => "require".to_owned(),
        DatabaseTls::VerifyCa => "verify-ca".to_owned(),
        DatabaseTls::VerifyFull => "verify-full".to_owned(),
    };
    if mode == "verify-full" {
        return Some(Check::ok(name, "The way to PostgreSQL is TLS, with its certificate and name checked."));
    }
    Some(Check::warning(
        name,
        format!(
            "PostgreSQL is elsewhere, and TLS to it is {mode:?}: who stands between can read or bend what is sent."
        ),
        "Set database.tls = \"verify-full\", and database.tls_root if its certificate is not a public one.",
    ))
}

fn is_near(url: &Url) -> bool {
    let host = url.query_pairs().find(|(key, _)| key == "host").map(|(_, host)| host.into_owned());
    if let Some(host) = host {
        return host.starts_with('/') || host == "localhost";
    }
    // The scheme is not one of the web's, so the host is a text to the parser, whatever it looks like.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let is_own = |address: IpAddr| address.is_loopback();
    host.is_empty() || host == "localhost" || host.starts_with("%2f") || host.parse().is_ok_and(is_own)
}

/// Whether others can get at an SQLite file.
pub(super) fn file(settings: &Settings) -> Vec<Check> {
    let Some(path) = sqlite_file(&settings.database) else { return Vec::new() };
    let Ok(file) = fs::metadata(&path) else { return Vec::new() };
    let (name, mode, shown) = ("database_file", file.mode() & 0o7777, path.display());
    let check = if mode & 0o077 == 0 {
        Check::ok(name, format!("{shown} is its owner's alone (mode {mode:04o})."))
    } else {
        let found = format!("Others on this machine may read or change {shown} (mode {mode:04o}).");
        Check::failure(name, found, format!("chmod 600 {shown}"))
    };
    vec![check, folder("database_folder", &path, "the database")]
}

/// Room for an SQLite file and its write-ahead log.
pub(super) fn space(settings: &Settings) -> Option<Check> {
    let (name, path) = ("disk_space", sqlite_file(&settings.database)?);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
    let room = rustix::fs::statvfs(folder).ok()?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let found = format!("{} MB are free where the database lies.", free / (1024 * 1024));
    let advice = "Make room, or put the database on a larger disk: nobody can sign in when nothing can be written.";
    Some(match free {
        free if free < NONE => Check::failure(name, found, advice),
        free if free < LITTLE => Check::warning(name, found, advice),
        _ => Check::ok(name, found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::compose::doctor::Outcome;

    #[test]
    fn a_database_elsewhere_is_spoken_to_with_its_name_checked_or_warned_of() {
        for (url, outcome) in [
            ("postgres://a@localhost/b", Outcome::Ok),
            ("postgres://a@127.0.0.1:5432/b", Outcome::Ok),
            ("postgres://a@[::1]:5432/b", Outcome::Ok),
            ("postgres://a@%2Frun%2Fpostgresql/b", Outcome::Ok),
            ("postgres://a@10.0.0.1/b", Outcome::Warning),
            ("postgres:///b?host=/run/postgresql", Outcome::Ok),
            ("postgres://a@db.example/b", Outcome::Warning),
            ("postgres://a@db.example/b?sslmode=require", Outcome::Warning),
            ("postgres://a@db.example/b?sslmode=verify-full", Outcome::Ok),
        ] {
            let settings = Settings::from_toml(&format!("database.url = '{url}'")).unwrap();
            assert_eq!(tls(&settings).unwrap().outcome, outcome, "{url}");
        }
        let said = "database.url = 'postgres://a@db.example/b?sslmode=disable'\ndatabase.tls = 'verify-full'";
        assert_eq!(tls(&Settings::from_toml(said).unwrap()).unwrap().outcome, Outcome::Ok, "the setting wins");
        assert!(tls(&Settings::from_toml("").unwrap()).is_none());
    }

    #[test]
    fn clocks_that_differ_are_warned_of_and_fail_beyond_the_leeway() {
        let settings = Settings::from_toml("token.leeway = 5").unwrap();
        for (ahead, outcome) in [
            (0, Outcome::Ok),
            (2, Outcome::Ok),
            (-3, Outcome::Warning),
            (5, Outcome::Warning),
            (6, Outcome::Failure),
            (-60, Outcome::Failure),
        ] {
            assert_eq!(time_check(&settings, ahead).outcome, outcome, "{ahead}");
        }
    }

    #[test]
    fn waiting_migrations_fail_and_say_who_applies_them() {
        let gap = Migrations { pending: vec!["1_one".to_owned()], ..Migrations::default() };
        let at_start = migrations(&Settings::from_toml("").unwrap(), &gap);
        let by_hand = migrations(&Settings::from_toml("database.migrate = false").unwrap(), &gap);
        assert!(at_start.outcome == Outcome::Warning && by_hand.outcome == Outcome::Failure);
        assert!(at_start.found.contains("1_one"));
        assert!(by_hand.advice.unwrap().contains("doorward migrate"));
        let newer = Migrations { unknown: vec!["9_nine".to_owned()], ..Migrations::default() };
        assert_eq!(migrations(&Settings::from_toml("").unwrap(), &newer).outcome, Outcome::Failure);
    }
}
