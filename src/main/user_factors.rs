//! What `doorward user factors` answers, for people and for programs.

use super::answers::{calm, time};
use doorward::{
    domain::{
        account::Account,
        factor::{AssuranceLevel, PasskeySummary, TrustedBrowser},
    },
    server::auth::{FactorsGone, FactorsReport},
};
use serde::Serialize;

/// The factors of an account.
#[derive(Serialize)]
pub struct ShownFactors {
    account: i64,
    username: String,
    /// 1 if the password alone signs in, else 2.
    level: i64,
    has_password: bool,
    /// Whether `factors.required` demands one of this account.
    required: bool,
    authenticator_app: Option<App>,
    passkeys: Vec<Passkey>,
    recovery_codes_left: usize,
    trusted_browsers: Vec<Browser>,
}

#[derive(Serialize)]
struct App {
    confirmed_at: String,
    last_used_at: Option<String>,
}

#[derive(Serialize)]
struct Passkey {
    name: String,
    created_at: String,
    last_used_at: Option<String>,
}

#[derive(Serialize)]
struct Browser {
    device: String,
    ip: String,
    created_at: String,
    expires_at: String,
    last_used_at: String,
}

impl From<PasskeySummary> for Passkey {
    fn from(passkey: PasskeySummary) -> Self {
        let (created_at, last_used_at) = (passkey.created_at.rfc3339(), time(passkey.last_used_at));
        Self { name: passkey.name, created_at, last_used_at }
    }
}

impl From<TrustedBrowser> for Browser {
    fn from(browser: TrustedBrowser) -> Self {
        Self {
            device: browser.device_label,
            ip: browser.ip,
            created_at: browser.created_at.rfc3339(),
            expires_at: browser.expires_at.rfc3339(),
            last_used_at: browser.last_used_at.rfc3339(),
        }
    }
}

impl ShownFactors {
    pub fn of(account: &Account, report: FactorsReport) -> Self {
        let FactorsReport { factors, level } = report;
        Self {
            account: account.id.0,
            username: account.username.clone(),
            level: level.into(),
            has_password: factors.has_password,
            required: factors.required,
            authenticator_app: factors
                .totp
                .map(|totp| App { confirmed_at: totp.confirmed_at.rfc3339(), last_used_at: time(totp.last_used_at) }),
            passkeys: factors.passkeys.into_iter().map(Passkey::from).collect(),
            recovery_codes_left: factors.recovery_codes_left,
            trusted_browsers: factors.trusted_browsers.into_iter().map(Browser::from).collect(),
        }
    }

    pub fn text(&self) -> String {
        let signs_in = match (self.level == i64::from(AssuranceLevel::Two), self.has_password) {
            (true, true) => "with the password and a factor, or with a passkey",
            (true, false) => "with a passkey",
            (false, true) => "with the password alone",
            (false, false) => "not at all (doorward user reset-link)",
        };
        let app = self.authenticator_app.as_ref();
        let app = app.map(|app| format!("since {}, {}", app.confirmed_at, used(app.last_used_at.as_deref())));
        let demanded = if self.required { "yes (factors.required)" } else { "no" };
        let mut lines = vec![
            ("account", format!("{} of {}", self.account, self.username)),
            ("signs in", signs_in.to_owned()),
            ("demanded", demanded.to_owned()),
            ("authenticator", app.unwrap_or_else(|| "none".to_owned())),
            ("recovery codes", format!("{} left", self.recovery_codes_left)),
        ];
        let passkey = |passkey: &Passkey| {
            let used = used(passkey.last_used_at.as_deref());
            ("passkey", format!("{}, since {}, {used}", passkey.name, passkey.created_at))
        };
        let browser = |browser: &Browser| {
            let used = used(Some(&browser.last_used_at));
            ("trusted", format!("{}, {}, until {}, {used}", browser.device, browser.ip, browser.expires_at))
        };
        lines.extend(self.passkeys.iter().map(passkey));
        lines.extend(self.trusted_browsers.iter().map(browser));
        lines.iter().map(|(what, text)| format!("{what:<14} {}\n", calm(text))).collect()
    }
}

fn used(at: Option<&str>) -> String {
    at.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"))
}

/// Factors that were removed.
#[derive(Serialize)]
pub struct FactorsReset {
    account: i64,
    username: String,
    /// Whether there were any.
    changed: bool,
    /// Nobody can sign in before a password was chosen with a reset link.
    needs_reset_link: bool,
}

impl FactorsReset {
    pub fn of(account: &Account, gone: FactorsGone) -> Self {
        let FactorsGone { any, needs_reset_link } = gone;
        Self { account: account.id.0, username: account.username.clone(), changed: any, needs_reset_link }
    }

    pub fn text(&self) -> String {
        let whose = format!("Account {} of {}", self.account, calm(&self.username));
        let mut text = match self.changed {
            true => format!(
                "{whose} has no second factor any more; its recovery codes and trusted browsers are gone, its sessions have \
                 ended, and its owner is told by mail.\n"
            ),
            false => format!("{whose} had no second factor; nothing was changed.\n"),
        };
        if self.needs_reset_link {
            text.push_str("It has no password: make a link to choose one with doorward user reset-link.\n");
        }
        text
    }
}

/// Wrong codes that are not counted any more.
#[derive(Serialize)]
pub struct GuessesForgotten {
    account: i64,
    username: String,
    /// Whether any were counted.
    changed: bool,
}

impl GuessesForgotten {
    pub fn of(account: &Account, changed: bool) -> Self {
        Self { account: account.id.0, username: account.username.clone(), changed }
    }

    pub fn text(&self) -> String {
        let whose = format!("Account {} of {}", self.account, calm(&self.username));
        match self.changed {
            true => format!("{whose} may give codes again.\n"),
            false => format!("{whose} has no wrong codes that count; nothing was changed.\n"),
        }
    }
}
