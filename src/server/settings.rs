//! The settings: `Leptos.toml`, a file laid over it, variables laid over both; read once, checked once, then trusted.

pub use super::settings_checks::{THIRTY_DAYS, is_local_url, limits_off};

use super::settings_limit::Limit;
use config::{Config, Environment, File, FileFormat};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The checked-in file: defaults and documentation at once.
pub const DEFAULTS: &str = include_str!("../../Leptos.toml");

/// The settings that are lists: their variables are split at commas.
const LISTS: [&str; 5] = [
    "server.trusted_proxies",
    "cors.origins",
    "registration.allowed_domains",
    "registration.blocked_domains",
    "registration.reserved_names",
];

/// The settings that are secrets with a twin that ends in `_file`.
const SECRETS: [&str; 4] = ["database.url", "mail.smtp_url", "introspection.secret", "compat.access_secret"];

/// All settings. Each field is documented in `Leptos.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "Leptos.toml documents every setting once")]
pub struct Settings {
    pub server: Server,
    pub database: Database,
    pub keys: Keys,
    pub password: Password,
    pub token: Token,
    pub session: Session,
    pub cookie: Cookie,
    pub registration: Registration,
    pub confirmation: Confirmation,
    pub account: Account,
    pub factors: Factors,
    pub throttle: Throttle,
    pub reset: Reset,
    pub cors: Cors,
    pub introspection: Introspection,
    pub compat: Compat,
    pub mail: Mail,
    pub replica: Replica,
    pub metrics: Metrics,
    pub telemetry: Telemetry,
    pub log: Log,
    /// Leptos's own section; `leptos_config` reads it, here it only must not count as an unknown key.
    #[serde(default)]
    #[expect(dead_code, reason = "there to be accepted, not to be read")]
    package: serde::de::IgnoredAny,
}

macro_rules! sections {
    ($($name:ident { $($key:ident: $kind:ty),* $(,)? })*) => {$(
        #[doc = concat!("The section of that name in `Leptos.toml`: ", stringify!($name), ".")]
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "Leptos.toml documents every setting once")]
        pub struct $name { $(pub $key: $kind),* }
    )*};
}

sections! {
    Server {
        public_url: String, address: String, site_name: String, body_limit: usize, head_limit: usize, field_limit: usize,
        url_limit: usize, header_timeout: u64, request_timeout: u64, idle_timeout: u64, drain: u64, drain_idle: u64,
        connections: usize, trusted_proxies: Vec<String>,
    }
    Database {
        url: SecretString, url_file: String, connections: u32, acquire_timeout: u64, min_connections: u32,
        idle_timeout: u64, max_lifetime: u64, statement_timeout: u64, tls: DatabaseTls, tls_root: String,
        tls_certificate: String, tls_key: String, migrate: bool,
    }
    Keys { file: PathBuf, json: SecretString, reload: u64 }
    Password {
        min_length: usize, max_length: usize, min_score: u8, argon2_memory: u32, argon2_passes: u32,
        argon2_lanes: u32, threads: usize, memory_limit: usize, queue: usize,
    }
    Token { access_lifetime: i64, leeway: u64, audience: String }
    Session {
        reuse_window: i64, idle: i64, absolute: i64, remembered_idle: i64, remembered_absolute: i64,
        admin_idle: i64, admin_absolute: i64, per_account: i64, page_rotation: i64, keep_ended: i64,
        memory: u64,
    }
    Cookie { name: String, secure: bool, same_site: SameSite }
    Registration {
        open: bool, sign_in: bool, confirmation: Confirm, allowed_domains: Vec<String>, blocked_domains: Vec<String>,
        reserved_names: Vec<String>, keep_unconfirmed: i64,
    }
    Confirmation { link_lifetime: i64, code_lifetime: i64, code_tries: i64, mails_per_hour: i64, mail_gap: i64 }
    Account { proof_age: i64, undo_lifetime: i64, keep_name: i64, deletion_grace: i64, keep_history: i64, keep_tickets: i64 }
    Factors {
        required: RequiredOf, challenge_lifetime: i64, challenge_tries: i64, enrolment_lifetime: i64, trusted_days: i64,
        passkeys: i64, passkey_domain: String,
    }
    Throttle {
        login_name: Limit, login_slowest: i64, login_name_total: Limit, login_failures: Limit,
        login_failures_total: Limit, login: Limit, register: Limit, mail: Limit, mail_total: Limit, mail_to: Limit,
        proof: Limit, proof_account: Limit, password: Limit, username: Limit, refresh: Limit, profile: Limit, factor: Limit,
        factor_total: Limit, ceremony: Limit, known_device: i64,
    }
    Reset { link_lifetime: i64, code_lifetime: i64, code_tries: i64, mails_per_hour: i64, mail_gap: i64 }
    Cors { origins: Vec<String> }
    Introspection { secret: SecretString, secret_file: String }
    Compat {
        enabled: bool, front_end: String, reset_path: String, activation_path: String, username_path: String,
        rotate: bool, end_on_password_change: bool, enumeration: Enumeration, retype: bool, add_detail: bool, access_secret: SecretString,
        access_secret_file: String,
    }
    Mail {
        transport: MailTransport, smtp_url: SecretString, smtp_url_file: String, folder: PathBuf, from: String,
        timeout: u64, lease: i64, poll: u64, backoff: i64, max_backoff: i64, keep: i64,
    }
    Replica { heartbeat: u64 }
    Metrics { address: String }
    Telemetry { otlp_endpoint: String, service_name: String, sample: f64 }
    Log { filter: String, format: LogFormat }
}

/// Values of `cookie.same_site`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are RFC 6265bis's")]
pub enum SameSite {
    Lax,
    Strict,
    None,
}

/// Values of `database.tls`, as PostgreSQL's `sslmode` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseTls {
    /// As the URL says.
    #[serde(rename = "")]
    AsUrl,
    /// Never.
    Disable,
    /// If the server has it.
    Prefer,
    /// Always, whoever the server is.
    Require,
    /// With a certificate that is trusted.
    VerifyCa,
    /// With a certificate that is trusted and has the server's name.
    VerifyFull,
}

/// Values of `registration.confirmation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Nobody is asked.
    Off,
    /// People are asked, and may go on without.
    Optional,
    /// Nobody signs in before.
    Required,
}

/// Values of `factors.required`: of whom this site demands a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequiredOf {
    /// Of nobody; whoever has one uses it.
    Never,
    /// Of administrators.
    Admins,
    /// Of everyone.
    Everyone,
}

/// Values of `compat.enumeration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enumeration {
    /// An address that has an account gets the answer of a new one; its owner gets a mail.
    Quiet,
    /// As Djoser: the form says so.
    Djoser,
}

/// Values of `mail.transport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Not set: the mailbox on localhost, an error elsewhere.
    #[serde(rename = "")]
    Unset,
    /// A real SMTP server.
    Smtp,
    /// One `.eml` file a mail.
    Folder,
    /// A line in the log, without the mail's secrets.
    Log,
    /// The pages at `/dev/mailbox`.
    Mailbox,
}

/// Values of `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For eyes.
    Human,
    /// One JSON object a line.
    Json,
}

/// Settings that cannot be: the server does not start and says this.
#[derive(Debug)]
pub struct SettingsError(pub String);

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

impl From<config::ConfigError> for SettingsError {
    fn from(error: config::ConfigError) -> Self {
        Self(error.to_string())
    }
}

impl Settings {
    /// Defaults, then `file`, then the process's `DOORWARD__…` variables; checked.
    ///
    /// # Errors
    /// An unreadable file, an unknown key, a value out of its range, or an unsafe combination.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut variables = Environment::with_prefix("DOORWARD")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",");
        for list in LISTS {
            variables = variables.with_list_parse_key(list);
        }
        let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            layers = layers.add_source(File::from(path).format(FileFormat::Toml));
        }
        let is_set = |key: &str| std::env::var_os(variable_of(key)).is_some_and(|value| !value.is_empty());
        for secret in SECRETS {
            let twin = [secret, "_file"].concat();
            // A variable lies over the file, also where the file names the secret's other form.
            if is_set(secret) && !is_set(&twin) {
                layers = layers.set_override(twin, "")?;
            }
        }
        layers.add_source(variables).build()?.try_deserialize::<Self>()?.finished()
    }

    /// Defaults with TOML text laid over them; what tests start from.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(text, FileFormat::Toml))
            .build()?
            .try_deserialize::<Self>()?
            .finished()
    }

    fn finished(mut self) -> Result<Self, SettingsError> {
        read_twin(&mut self.database.url, &self.database.url_file, "database.url_file")?;
        read_twin(&mut self.mail.smtp_url, &self.mail.smtp_url_file, "mail.smtp_url_file")?;
        let (introspection, compat) = (&mut self.introspection, &mut self.compat);
        read_twin(&mut introspection.secret, &introspection.secret_file, "introspection.secret_file")?;
        read_twin(&mut compat.access_secret, &compat.access_secret_file, "compat.access_secret_file")?;
        self.server.public_url = self.server.public_url.trim_end_matches('/').to_owned();
        if self.token.audience.is_empty() {
            self.token.audience.clone_from(&self.server.public_url);
        }
        super::settings_checks::check(&mut self)?;
        Ok(self)
    }
}

/// The variable of a setting.
fn variable_of(key: &str) -> String {
    format!("DOORWARD__{}", key.replace('.', "__").to_uppercase())
}

fn read_twin(value: &mut SecretString, path: &str, key: &str) -> Result<(), SettingsError> {
    if path.is_empty() {
        return Ok(());
    }
    let text = std::fs::read_to_string(path).map_err(|error| SettingsError(format!("{key} = {path:?}: {error}")))?;
    *value = SecretString::from(text.trim_end().to_owned());
    if value.expose_secret().is_empty() {
        return Err(SettingsError(format!("{key} = {path:?}: the file is empty")));
    }
    Ok(())
}
