//! The kinds of mail that the table `outbox` holds.

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// The link and the code that let its reader choose a new password.
    PasswordReset,
    /// The password was changed with such a mail.
    PasswordResetDone,
    /// A refresh token came back that only a second holder could have: the session was ended.
    SessionTheft,
    /// Somebody tried to register with, or to change to, an address that has an account.
    RegistrationAttempt,
    /// The link and the code that confirm the address of a new account.
    EmailConfirmation,
    /// The link and the code that confirm a new address; to that address.
    EmailChange,
    /// The address was changed, with the link that restores it; to the old address.
    EmailChanged,
    /// The password was changed in a session; other sessions have ended.
    PasswordChanged,
    /// Somebody signed in from a device that was not seen before.
    NewDevice,
    /// Somebody signed in after many wrong passwords or codes.
    LoginAfterFailures,
    /// The user name was changed.
    UsernameChanged,
    /// The account will be deleted on a day.
    DeletionRequested,
    /// The link that lets its reader choose another user name.
    UsernameReset,
    /// An authenticator app was added.
    TotpEnrolled,
    /// The authenticator app was removed.
    TotpRemoved,
    /// New recovery codes were made; older ones are void.
    RecoveryCodesMade,
    /// A recovery code was used; `about` also tells how many are left.
    RecoveryCodeUsed,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The password was removed: passkeys alone sign in.
    PasswordRemoved,
    /// A browser is trusted from now on: the second factor is not asked for there.
    BrowserTrusted,
    /// Several wrong codes in a row were given, after the right password; `about` also tells how many.
    FactorGuesses,
    /// A passkey was refused whose counter did not grow.
    PasskeyCloned,
    /// An operator removed all second factors.
    FactorsReset,
    /// Second factors that were added since an address was changed went when that was undone.
    FactorsUndone,
}

impl MailKind {
    /// All kinds.
    pub const ALL: [Self; 25] = [
        Self::PasswordReset,
        Self::PasswordResetDone,
        Self::SessionTheft,
        Self::RegistrationAttempt,
        Self::EmailConfirmation,
        Self::EmailChange,
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::NewDevice,
        Self::LoginAfterFailures,
        Self::UsernameChanged,
        Self::DeletionRequested,
        Self::UsernameReset,
        Self::TotpEnrolled,
        Self::TotpRemoved,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeUsed,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasswordRemoved,
        Self::BrowserTrusted,
        Self::FactorGuesses,
        Self::PasskeyCloned,
        Self::FactorsReset,
        Self::FactorsUndone,
    ];

    /// Its name in the table and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::PasswordResetDone => "password_reset_done",
            Self::SessionTheft => "session_theft",
            Self::RegistrationAttempt => "registration_attempt",
            Self::EmailConfirmation => "email_confirmation",
            Self::EmailChange => "email_change",
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::NewDevice => "new_device",
            Self::LoginAfterFailures => "login_after_failures",
            Self::UsernameChanged => "username_changed",
            Self::DeletionRequested => "deletion_requested",
            Self::UsernameReset => "username_reset",
            Self::TotpEnrolled => "totp_enrolled",
            Self::TotpRemoved => "totp_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasswordRemoved => "password_removed",
            Self::BrowserTrusted => "browser_trusted",
            Self::FactorGuesses => "factor_guesses",
            Self::PasskeyCloned => "passkey_cloned",
            Self::FactorsReset => "factors_reset",
            Self::FactorsUndone => "factors_undone",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it goes to the address of its ticket, not to that of the account: to the one that is to be confirmed, or
    /// to the one that the account had before.
    #[must_use]
    pub const fn goes_to_ticket(self) -> bool {
        matches!(self, Self::EmailConfirmation | Self::EmailChange | Self::EmailChanged)
    }
}
