//! Second factors as their owner sees them.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Recovery codes that an account gets.
pub const RECOVERY_CODES: usize = 10;
/// Unused ones at which new ones are advised.
pub const FEW_RECOVERY_CODES: usize = 3;

/// How much a session has shown, and how much an account demands (NIST SP 800-63B speaks of AAL1 and AAL2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssuranceLevel {
    /// A password.
    One,
    /// A password and a second factor, or a passkey that has verified its user.
    Two,
}

impl From<AssuranceLevel> for i64 {
    fn from(level: AssuranceLevel) -> Self {
        match level {
            AssuranceLevel::One => 1,
            AssuranceLevel::Two => 2,
        }
    }
}

impl TryFrom<i64> for AssuranceLevel {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err("an assurance level is 1 or 2"),
        }
    }
}

/// How somebody has signed in. The names in the table are those of RFC 8176 where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    /// The password alone.
    Password,
    /// The password and a code of an authenticator app.
    PasswordAndTotp,
    /// The password and a recovery code.
    PasswordAndRecoveryCode,
    /// The password and a passkey.
    PasswordAndPasskey,
    /// The password, in a browser that is trusted.
    PasswordAndTrustedBrowser,
    /// A passkey alone, which has verified its user.
    Passkey,
}

impl SignInMethod {
    /// All methods.
    pub const ALL: [Self; 6] = [
        Self::Password,
        Self::PasswordAndTotp,
        Self::PasswordAndRecoveryCode,
        Self::PasswordAndPasskey,
        Self::PasswordAndTrustedBrowser,
        Self::Passkey,
    ];

    /// Its name in the table: names of RFC 8176 and our own (`rec`, `tb`), separated by blanks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::PasswordAndTotp => "pwd otp",
            Self::PasswordAndRecoveryCode => "pwd rec",
            Self::PasswordAndPasskey => "pwd pop user",
            Self::PasswordAndTrustedBrowser => "pwd tb",
            Self::Passkey => "pop user",
        }
    }

    /// What a session has shown that was opened so.
    #[must_use]
    pub const fn level(self) -> AssuranceLevel {
        match self {
            Self::Password => AssuranceLevel::One,
            Self::PasswordAndTotp
            | Self::PasswordAndRecoveryCode
            | Self::PasswordAndPasskey
            | Self::PasswordAndTrustedBrowser
            | Self::Passkey => AssuranceLevel::Two,
        }
    }

    /// Whether a password was shown.
    #[must_use]
    pub const fn is_by_password(self) -> bool {
        !matches!(self, Self::Passkey)
    }

    /// Whether signing in so is also the proof that sensitive acts ask for. In a trusted browser the factor was not shown,
    /// and those acts ask for it.
    #[must_use]
    pub const fn is_proof(self) -> bool {
        !matches!(self, Self::PasswordAndTrustedBrowser)
    }
}

/// What an account takes as proof of who somebody is: the password, or its factors, but never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// The password.
    pub password: bool,
    /// A code of the authenticator app.
    pub totp: bool,
    /// A passkey.
    pub passkey: bool,
    /// A recovery code.
    pub recovery_code: bool,
}

/// The factors of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// The authenticator app, if one is confirmed.
    pub totp: Option<TotpSummary>,
    /// The passkeys, the oldest first.
    pub passkeys: Vec<PasskeySummary>,
    /// Recovery codes that are not used; 0 to 10.
    pub recovery_codes_left: usize,
    /// Browsers that need not show the second factor, the one used last first.
    pub trusted_browsers: Vec<TrustedBrowser>,
    /// Whether the account has a password.
    pub has_password: bool,
    /// Whether this site demands a second factor of this account.
    pub required: bool,
}

impl Factors {
    /// Whether signing in takes more than a password.
    #[must_use]
    pub fn any(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }

    /// Whether the authenticator app may be removed.
    #[must_use]
    pub const fn may_lose_app(&self) -> bool {
        are_a_way_in(self.has_password, false, self.passkeys.len(), self.required)
    }

    /// Whether one of the passkeys may be removed.
    #[must_use]
    pub const fn may_lose_passkey(&self) -> bool {
        are_a_way_in(self.has_password, self.totp.is_some(), self.passkeys.len().saturating_sub(1), self.required)
    }

    /// Whether one more that goes turns the second step off.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.passkeys.len() + self.totp.is_some() as usize == 1
    }
}

/// Whether somebody who has these can sign in, and as this site demands: `demanded` says whether it asks this account for a
/// second factor.
#[must_use]
pub const fn are_a_way_in(has_password: bool, has_app: bool, passkeys: usize, demanded: bool) -> bool {
    (has_password || passkeys > 0) && (!demanded || has_app || passkeys > 0)
}

/// An authenticator app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpSummary {
    /// When it was confirmed.
    pub confirmed_at: Timestamp,
    /// When a code of it was last taken.
    pub last_used_at: Option<Timestamp>,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeySummary {
    /// Its public name.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last signed in, or proved who they are, with it.
    pub last_used_at: Option<Timestamp>,
}

/// A browser that need not show the second factor until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedBrowser {
    /// Its public name.
    pub id: String,
    /// Browser and system in a few words.
    pub device_label: String,
    /// The coarse address it was trusted at.
    pub ip: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When somebody last signed in there without a second factor.
    pub last_used_at: Timestamp,
}

/// An authenticator app that waits for its first code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingTotp {
    /// The secret in base32, 32 letters, to be typed where no picture can be read.
    pub secret: String,
    /// The same as an `otpauth:` URL, which the picture holds.
    pub url: String,
    /// When it has to be started anew.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for WaitingTotp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WaitingTotp")
    }
}

/// A WebAuthn ceremony that has begun: what the browser needs, and what it brings back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceremony {
    /// The server's half, sealed; comes back with the answer.
    pub ceremony: String,
    /// The options for `navigator.credentials`, as JSON text: `{"publicKey": …}` (WebAuthn Level 3, 5.1.8 and 5.1.9).
    pub options: String,
}

/// What a sign-in waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    /// A second factor.
    Factor,
    /// That a second factor is enrolled, which this site demands.
    Enrolment,
}

impl Wants {
    /// Its name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Factor => "factor",
            Self::Enrolment => "enrolment",
        }
    }

    /// What is called that, if anything is.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Factor, Self::Enrolment].into_iter().find(|wants| wants.as_str() == name)
    }
}

/// A sign-in, or a session from before, that waits for a factor: what its page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What for.
    pub wants: Wants,
    /// Whose it is.
    pub username: String,
    /// Where mails go.
    pub email: String,
    /// Whether that address is confirmed: without it nothing can be enrolled.
    pub email_confirmed: bool,
    /// Whether a code of an authenticator app is taken.
    pub takes_totp: bool,
    /// Whether a passkey is taken.
    pub takes_passkey: bool,
    /// Whether a recovery code is taken.
    pub takes_recovery_code: bool,
    /// Days for which this browser may be trusted; 0 where that is not offered.
    pub trust_days: i64,
    /// When it has to be begun again. None for a session from before, which goes on waiting.
    pub expires_at: Option<Timestamp>,
    /// Where to go afterwards; untrusted.
    pub next: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_alone_is_the_first_level() {
        for method in SignInMethod::ALL {
            assert_eq!(method.level() == AssuranceLevel::One, method == SignInMethod::Password, "{method:?}");
        }
    }

    #[test]
    fn only_signing_in_from_a_trusted_browser_is_no_proof() {
        for method in SignInMethod::ALL {
            assert_eq!(method.is_proof(), method != SignInMethod::PasswordAndTrustedBrowser, "{method:?}");
        }
    }

    #[test]
    fn a_way_in_is_a_password_or_a_passkey_and_what_the_site_demands() {
        for (has_password, has_app, passkeys, demanded, expected) in [
            (true, false, 0, false, true),
            (false, true, 0, false, false),
            (false, false, 1, true, true),
            (true, false, 0, true, false),
            (true, true, 0, true, true),
            (false, true, 0, true, false),
        ] {
            let said = are_a_way_in(has_password, has_app, passkeys, demanded);
            assert_eq!(said, expected, "{has_password} {has_app} {passkeys} {demanded}");
        }
    }

    #[test]
    fn the_last_way_in_may_not_be_lost_and_the_last_factor_is_known() {
        let at = Timestamp(0);
        let app = Some(TotpSummary { confirmed_at: at, last_used_at: None });
        let key = PasskeySummary { id: String::new(), name: String::new(), created_at: at, last_used_at: None };
        let with = |totp, passkeys: usize, has_password, required| Factors {
            totp,
            passkeys: vec![key.clone(); passkeys],
            has_password,
            required,
            ..Factors::default()
        };
        assert!(with(app, 0, true, false).may_lose_app() && with(app, 0, true, false).is_last());
        assert!(!with(app, 0, true, true).may_lose_app());
        assert!(with(app, 1, true, true).may_lose_app() && !with(app, 1, true, true).is_last());
        assert!(with(None, 1, true, false).may_lose_passkey() && with(None, 1, true, false).is_last());
        assert!(!with(None, 1, false, false).may_lose_passkey() && !with(None, 1, true, true).may_lose_passkey());
        assert!(with(None, 2, false, true).may_lose_passkey() && with(app, 1, true, true).may_lose_passkey());
    }

    #[test]
    fn an_assurance_level_is_one_or_two() {
        for level in [AssuranceLevel::One, AssuranceLevel::Two] {
            assert_eq!(AssuranceLevel::try_from(i64::from(level)), Ok(level));
        }
        assert!(AssuranceLevel::try_from(0).is_err() && AssuranceLevel::try_from(3).is_err());
    }
}
