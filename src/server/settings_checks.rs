//! Settings that were read are checked here, once: ranges, combinations that would be unsafe, and the mail transport.
//!
//! Every message names the key and says what would be right. A secret value is never in one.

use super::settings::{
    Account, Confirmation, Cookie, Database, Keys, Mail, MailTransport, Password, Registration, Reset, SameSite,
    Server, Session, Settings, SettingsError, Throttle, Token,
};
use lettre::message::Mailbox;
use secrecy::ExposeSecret as _;
use std::{fmt::Display, ops::RangeInclusive};
use url::{Host, Url};

/// The longest cookie name; name and value together have 4096 bytes (RFC 6265bis 5.6).
const COOKIE_NAME_MAX: usize = 64;
/// The longest site name, in characters: it stands in mail subjects and authenticator apps.
const SITE_NAME_MAX: usize = 60;
/// Thirty days in seconds: the longest a session may last (NIST SP 800-63B 2.1.3).
pub const THIRTY_DAYS: i64 = 30 * 86_400;
/// Memory in KiB and passes of Argon2id that are equally strong (OWASP Password Storage Cheat Sheet).
const ARGON2_FLOORS: [(u32, u32); 3] = [(47_104, 1), (19_456, 2), (12_288, 3)];

/// Checks all settings, and settles those that depend on others: `server.public_url` becomes an origin as browsers
/// write it, an unset `mail.transport` on localhost becomes the mailbox, lists are brought into one form.
///
/// # Errors
/// The first setting that is out of its range or unsafe beside another.
pub fn check(settings: &mut Settings) -> Result<(), SettingsError> {
    let origin = public_origin(&settings.server.public_url)?;
    if settings.token.audience == settings.server.public_url {
        settings.token.audience.clone_from(&origin);
    }
    settings.server.public_url = origin;
    let local = is_local_url(&settings.server.public_url);
    super::settings_lists::settle(settings)?;
    server(&settings.server)?;
    database(&settings.database)?;
    keys(&settings.keys)?;
    password(&settings.password)?;
    token(&settings.token)?;
    session(&settings.session)?;
    cookie(&settings.cookie, local)?;
    registration(&settings.registration)?;
    confirmation(&settings.confirmation)?;
    account(&settings.account)?;
    throttle(&settings.throttle)?;
    reset(&settings.reset)?;
    super::settings_factors::check(settings)?;
    super::settings_doors::check(settings)?;
    super::settings_operations::check(settings)?;
    mail(&mut settings.mail, local)
}

/// Whether `url` leads to this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
#[must_use]
pub fn is_local_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}

/// The origin (RFC 6454) of a public URL: what an `Origin` header must equal.
fn public_origin(text: &str) -> Result<String, SettingsError> {
    let wrong = |why: &str| refuse("server.public_url", format!("{text:?}"), why);
    let parsed = Url::parse(text).map_err(|_| wrong("must be scheme://host or scheme://host:port"))?;
    let bare = text.split_once("://").is_some_and(|(_, rest)| {
        !rest.is_empty() && !rest.contains(['/', '\\', '?', '#', '@']) && !rest.contains(char::is_whitespace)
    });
    if !bare || !parsed.has_host() {
        return Err(wrong("must be scheme://host or scheme://host:port, without path, query, user name or password"));
    }
    match parsed.scheme() {
        "https" => {}
        "http" if is_local_url(text) => {}
        "http" => return Err(wrong("must begin with https:// (http is for localhost, 127.0.0.0/8 and [::1] only)")),
        _ => return Err(wrong("must begin with https://, or with http:// on localhost")),
    }
    Ok(parsed.origin().ascii_serialization())
}

fn server(server: &Server) -> Result<(), SettingsError> {
    let name = server.site_name.as_str();
    if !(1..=SITE_NAME_MAX).contains(&name.trim().chars().count()) || name.contains(char::is_control) {
        let why = format!("must be 1 to {SITE_NAME_MAX} characters without line breaks (it stands in mails)");
        return Err(refuse("server.site_name", format!("{name:?}"), &why));
    }
    within("server.body_limit", server.body_limit, 1024..=1_048_576, "bytes; forms are small")?;
    within("server.header_timeout", server.header_timeout, 1..=300, "seconds; a slow client holds a connection")?;
    within("server.request_timeout", server.request_timeout, 1..=300, "seconds; a slow client holds a connection")?;
    within("server.idle_timeout", server.idle_timeout, 1..=3600, "seconds; an idle client holds a connection")?;
    within("server.drain", server.drain, 0..=60, "seconds; service managers kill what stops slowly")?;
    within("server.connections", server.connections, 16..=100_000, "each is an open file")
}

fn database(database: &Database) -> Result<(), SettingsError> {
    let url = database.url.expose_secret();
    if !["sqlite:", "postgres://", "postgresql://"].iter().any(|start| url.starts_with(start)) {
        let why = "must be sqlite:PATH or postgres://user:password@host/database";
        return Err(refuse("database.url", "(not shown)", why));
    }
    within("database.connections", database.connections, 1..=100, "each costs the database memory")?;
    within("database.acquire_timeout", database.acquire_timeout, 1..=60, "seconds until a request is answered 503")
}

fn keys(keys: &Keys) -> Result<(), SettingsError> {
    if keys.json.expose_secret().is_empty() && keys.file.as_os_str().is_empty() {
        return Err(refuse("keys.file", "\"\"", "must be a path, unless keys.json is set (tokens must be signed)"));
    }
    Ok(())
}

fn password(password: &Password) -> Result<(), SettingsError> {
    within("password.min_length", password.min_length, 8..=64, "characters; NIST SP 800-63B: never below 8")?;
    within("password.max_length", password.max_length, 64..=1024, "characters; NIST SP 800-63B: 64 must be taken")?;
    within("password.min_score", password.min_score, 0..=4, "the scale of zxcvbn")?;
    within("password.threads", password.threads, 0..=1024, "0 is one a core")?;
    within("password.memory_limit", password.memory_limit, 19..=65_536, "MiB; one hash needs 19")?;
    within("password.queue", password.queue, 1..=100_000, "hashes that may wait")?;
    let (memory, passes) = (password.argon2_memory, password.argon2_passes);
    within("password.argon2_lanes", password.argon2_lanes, 1..=255, "lanes of one hash")?;
    within("password.argon2_passes", passes, 1..=255, "more would take seconds")?;
    if !ARGON2_FLOORS.iter().any(|(least_memory, least_passes)| memory >= *least_memory && passes >= *least_passes) {
        let why = "must be at least 19456 KiB with 2 passes, or 47104 with 1, or 12288 with 3 (OWASP)";
        return Err(refuse("password.argon2_memory", format!("{memory} with argon2_passes = {passes}"), why));
    }
    if u64::from(memory) > (password.memory_limit as u64) * 1024 {
        return Err(refuse(
            "password.argon2_memory",
            memory,
            "must fit in password.memory_limit (KiB; the limit in MiB)",
        ));
    }
    Ok(())
}

fn token(token: &Token) -> Result<(), SettingsError> {
    within("token.access_lifetime", token.access_lifetime, 1..=900, "seconds; a stolen token is good for that long")?;
    within("token.leeway", token.leeway, 0..=5, "seconds; issuer and verifier share a clock")?;
    if token.audience.contains(char::is_control) || token.audience.len() > 255 {
        return Err(refuse("token.audience", "(not shown)", "must be at most 255 characters without line breaks"));
    }
    Ok(())
}

fn session(session: &Session) -> Result<(), SettingsError> {
    let most = "seconds; NIST SP 800-63B: at most 30 days";
    within("session.reuse_window", session.reuse_window, 0..=300, "seconds; a thief could use it as well")?;
    within("session.absolute", session.absolute, 1..=THIRTY_DAYS, most)?;
    within("session.remembered_absolute", session.remembered_absolute, 1..=THIRTY_DAYS, most)?;
    let whole = "seconds; no longer than the absolute life";
    within("session.idle", session.idle, 1..=session.absolute, whole)?;
    within("session.remembered_idle", session.remembered_idle, 1..=session.remembered_absolute, whole)?;
    within("session.per_account", session.per_account, 1..=1000, "sessions; all are listed on one page")?;
    within("session.page_rotation", session.page_rotation, 60..=86_400, "seconds; every renewal is a write")?;
    within("session.keep_ended", session.keep_ended, 0..=365, "days; they hold addresses of people")?;
    within("session.memory", session.memory, 0..=1000, "milliseconds; a sign-out elsewhere is felt that late")
}

fn cookie(cookie: &Cookie, local: bool) -> Result<(), SettingsError> {
    let name = cookie.name.as_str();
    // RFC 6265 4.1.1: a token as of RFC 9110 5.6.2.
    let token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    if !(1..=COOKIE_NAME_MAX).contains(&name.len()) || !name.chars().all(token) {
        let why = format!("must be 1 to {COOKIE_NAME_MAX} letters, digits or !#$%&'*+-.^_`|~ (RFC 6265)");
        return Err(refuse("cookie.name", format!("{name:?}"), &why));
    }
    if cookie.secure {
        return Ok(());
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("__host-") || lower.starts_with("__secure-") {
        let why = "must be true with this cookie.name: browsers drop the cookie otherwise (RFC 6265bis)";
        return Err(refuse("cookie.secure", false, why));
    }
    if cookie.same_site == SameSite::None {
        let why = "must be true with cookie.same_site = \"None\": browsers drop the cookie otherwise (RFC 6265bis)";
        return Err(refuse("cookie.secure", false, why));
    }
    if !local {
        let why = "must be true unless server.public_url is on localhost (sessions could be read on the way)";
        return Err(refuse("cookie.secure", false, why));
    }
    Ok(())
}

fn registration(registration: &Registration) -> Result<(), SettingsError> {
    within("registration.keep_unconfirmed", registration.keep_unconfirmed, 1..=365, "days; it keeps a name from others")
}

fn confirmation(confirmation: &Confirmation) -> Result<(), SettingsError> {
    let link = "seconds; NIST SP 800-63B: a day at most";
    within("confirmation.link_lifetime", confirmation.link_lifetime, 300..=86_400, link)?;
    let code = "seconds; a code is short, so is its life";
    within("confirmation.code_lifetime", confirmation.code_lifetime, 60..=600, code)?;
    within("confirmation.code_tries", confirmation.code_tries, 1..=10, "tries; a code can be guessed")?;
    let mails = "mails; each makes new guesses possible";
    within("confirmation.mails_per_hour", confirmation.mails_per_hour, 1..=100, mails)?;
    let gap = "seconds; an hour is as long as anybody waits";
    within("confirmation.mail_gap", confirmation.mail_gap, 0..=3600, gap)
}

fn account(account: &Account) -> Result<(), SettingsError> {
    within("account.proof_age", account.proof_age, 60..=3600, "seconds; a browser left alone is somebody else's")?;
    let undo = "seconds; an hour to notice, and 30 days a link lies about at most";
    within("account.undo_lifetime", account.undo_lifetime, 3600..=THIRTY_DAYS, undo)?;
    within("account.keep_name", account.keep_name, 0..=3650, "days; a name cannot be kept for ever")?;
    within("account.deletion_grace", account.deletion_grace, 0..=90, "days; who wants to leave may")?;
    within("account.keep_tickets", account.keep_tickets, 0..=30, "days; they hold addresses of people")?;
    within("account.keep_history", account.keep_history, 30..=3650, "days; it tells what happened to an account")
}

fn throttle(throttle: &Throttle) -> Result<(), SettingsError> {
    let slowest = "seconds; shorter slows nobody down, longer locks people out";
    within("throttle.login_slowest", throttle.login_slowest, 30..=86_400, slowest)?;
    // RFC 6265bis 5.5: browsers keep no cookie for longer.
    within("throttle.known_device", throttle.known_device, 1..=400, "days; browsers keep no cookie for longer")
}

/// The keys of the limits that are off: fine for a trial on one machine, to be warned of elsewhere.
#[must_use]
pub fn limits_off(throttle: &Throttle) -> Vec<&'static str> {
    let limits = [
        ("throttle.login_name", throttle.login_name),
        ("throttle.login_name_total", throttle.login_name_total),
        ("throttle.login_failures", throttle.login_failures),
        ("throttle.login_failures_total", throttle.login_failures_total),
        ("throttle.login", throttle.login),
        ("throttle.register", throttle.register),
        ("throttle.mail", throttle.mail),
        ("throttle.mail_total", throttle.mail_total),
        ("throttle.mail_to", throttle.mail_to),
        ("throttle.proof", throttle.proof),
        ("throttle.proof_account", throttle.proof_account),
        ("throttle.password", throttle.password),
        ("throttle.username", throttle.username),
        ("throttle.refresh", throttle.refresh),
        ("throttle.profile", throttle.profile),
        ("throttle.factor", throttle.factor),
        ("throttle.factor_total", throttle.factor_total),
        ("throttle.ceremony", throttle.ceremony),
    ];
    limits.into_iter().filter(|(_, limit)| limit.is_off()).map(|(key, _)| key).collect()
}

fn reset(reset: &Reset) -> Result<(), SettingsError> {
    within("reset.link_lifetime", reset.link_lifetime, 60..=3600, "seconds; a link lies about in a mailbox")?;
    within("reset.code_lifetime", reset.code_lifetime, 60..=600, "seconds; a code is short, so is its life")?;
    within("reset.code_tries", reset.code_tries, 1..=10, "tries; a code can be guessed")?;
    within("reset.mails_per_hour", reset.mails_per_hour, 1..=100, "mails; each makes new guesses possible")?;
    within("reset.mail_gap", reset.mail_gap, 0..=3600, "seconds; an hour is as long as anybody waits")
}

fn mail(mail: &mut Mail, local: bool) -> Result<(), SettingsError> {
    match mail.transport {
        MailTransport::Unset if local => mail.transport = MailTransport::Mailbox,
        MailTransport::Unset => {
            let why = "must be set where server.public_url is not on localhost: \"smtp\" with mail.smtp_url = \
                       \"smtps://user:password@host:465\" (DOORWARD__MAIL__TRANSPORT, DOORWARD__MAIL__SMTP_URL or \
                       DOORWARD__MAIL__SMTP_URL_FILE), or \"folder\" or \"log\"";
            return Err(refuse("mail.transport", "\"\"", why));
        }
        MailTransport::Mailbox if !local => {
            let why = "is for a server.public_url on localhost only (anyone could read the mails there)";
            return Err(refuse("mail.transport", "\"mailbox\"", why));
        }
        MailTransport::Smtp if !is_smtp_url(mail.smtp_url.expose_secret()) => {
            let why = "must be smtp://host:587 or smtps://host:465, with user:password@ before the host if it asks \
                       for them (special characters written as %40)";
            return Err(refuse("mail.smtp_url", "(not shown)", why));
        }
        MailTransport::Folder if mail.folder.as_os_str().is_empty() => {
            return Err(refuse("mail.folder", "\"\"", "must be a path for mail.transport = \"folder\""));
        }
        MailTransport::Smtp | MailTransport::Folder | MailTransport::Log | MailTransport::Mailbox => {}
    }
    if mail.from.parse::<Mailbox>().is_err() || mail.from.contains(char::is_control) {
        return Err(refuse("mail.from", format!("{:?}", mail.from), "must be an address or \"Name <address>\""));
    }
    within("mail.timeout", mail.timeout, 1..=120, "seconds one sending may take")?;
    within("mail.lease", mail.lease, 10..=600, "seconds; after it another worker may take the mail")?;
    if mail.lease.unsigned_abs() <= mail.timeout {
        return Err(refuse("mail.lease", mail.lease, "must be more than mail.timeout (a mail would be sent twice)"));
    }
    within("mail.poll", mail.poll, 1..=300, "seconds between looks")?;
    within("mail.keep", mail.keep, 0..=90, "days; they are of no use to anybody but an operator")?;
    within("mail.max_backoff", mail.max_backoff, 1..=3600, "seconds; mail should come within the hour")?;
    within("mail.backoff", mail.backoff, 1..=600.min(mail.max_backoff), "seconds; no more than mail.max_backoff")
}

fn is_smtp_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

pub(super) fn within<T: PartialOrd + Display>(
    key: &str,
    value: T,
    range: RangeInclusive<T>,
    why: &str,
) -> Result<(), SettingsError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    Err(refuse(key, value, &format!("must be {least} to {most} ({why})")))
}

pub(super) fn refuse(key: &str, value: impl Display, why: &str) -> SettingsError {
    SettingsError(format!("{key} = {value}: {why}"))
}

#[cfg(test)]
#[path = "settings_checks_tests.rs"]
mod tests;
