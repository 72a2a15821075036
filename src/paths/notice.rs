//! What a page may be asked to say after something was done.

/// What a page may be asked to say after a redirect. Only these; free text from a URL is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The password was reset; sign in with the new one.
    PasswordReset,
    /// The account was made (or the address already had one): sign in.
    Registered,
    /// Signed out.
    SignedOut,
    /// The address is confirmed.
    EmailConfirmed,
    /// The address is confirmed, and the password is a new one: sign in with it.
    TakenOver,
    /// A mail to confirm the address is on its way.
    ConfirmationSent,
    /// The profile was changed.
    ProfileSaved,
    /// The user name was changed.
    UsernameChanged,
    /// The password was changed; other sessions have ended.
    PasswordChanged,
    /// A mail to the new address is on its way.
    EmailChangeSent,
    /// The address was changed.
    EmailChanged,
    /// A session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OtherSessionsEnded,
    /// The account will be deleted.
    DeletionRequested,
    /// The account stays.
    DeletionUndone,
    /// A sign-in that waited for its second factor is over.
    SignInOver,
    /// The authenticator app is confirmed.
    AppAdded,
    /// The authenticator app is gone.
    AppRemoved,
    /// New recovery codes were saved.
    CodesKept,
    /// A browser is trusted no more.
    BrowserUntrusted,
    /// There is a new passkey.
    PasskeyAdded,
    /// A passkey has another name.
    PasskeyRenamed,
    /// A passkey is gone.
    PasskeyRemoved,
    /// The account has no password any more.
    PasswordRemoved,
    /// Somebody has shown who it is.
    Proven,
}

impl Notice {
    /// All notices.
    pub const ALL: [Self; 25] = [
        Self::PasswordReset,
        Self::Registered,
        Self::SignedOut,
        Self::EmailConfirmed,
        Self::TakenOver,
        Self::ConfirmationSent,
        Self::ProfileSaved,
        Self::UsernameChanged,
        Self::PasswordChanged,
        Self::EmailChangeSent,
        Self::EmailChanged,
        Self::SessionEnded,
        Self::OtherSessionsEnded,
        Self::DeletionRequested,
        Self::DeletionUndone,
        Self::SignInOver,
        Self::AppAdded,
        Self::AppRemoved,
        Self::CodesKept,
        Self::BrowserUntrusted,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasswordRemoved,
        Self::Proven,
    ];

    /// Its name in a URL's query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::Registered => "registered",
            Self::SignedOut => "signed-out",
            Self::EmailConfirmed => "email-confirmed",
            Self::TakenOver => "taken-over",
            Self::ConfirmationSent => "confirmation-sent",
            Self::ProfileSaved => "profile-saved",
            Self::UsernameChanged => "username-changed",
            Self::PasswordChanged => "password-changed",
            Self::EmailChangeSent => "email-change-sent",
            Self::EmailChanged => "email-changed",
            Self::SessionEnded => "session-ended",
            Self::OtherSessionsEnded => "other-sessions-ended",
            Self::DeletionRequested => "deletion-requested",
            Self::DeletionUndone => "deletion-undone",
            Self::SignInOver => "sign-in-over",
            Self::AppAdded => "app-added",
            Self::AppRemoved => "app-removed",
            Self::CodesKept => "codes-kept",
            Self::BrowserUntrusted => "browser-untrusted",
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRenamed => "passkey-renamed",
            Self::PasskeyRemoved => "passkey-removed",
            Self::PasswordRemoved => "password-removed",
            Self::Proven => "proven",
        }
    }

    /// What it says.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::PasswordReset => "Your password is changed. Sign in with the new one.",
            Self::Registered => "Thank you. You can sign in now.",
            Self::SignedOut => "You are signed out.",
            Self::EmailConfirmed => "Thank you. Your e-mail address is confirmed.",
            Self::TakenOver => "Your address is confirmed and the password is yours. Sign in with it.",
            Self::ConfirmationSent => "A mail is on its way, unless one went out a moment ago.",
            Self::ProfileSaved => "Your profile is saved.",
            Self::UsernameChanged => "Your user name is changed. Sign in with the new one from now on.",
            Self::PasswordChanged => "Your password is changed. You are signed out everywhere else.",
            Self::EmailChangeSent => "A mail is on its way to the new address. Nothing changes before it is answered.",
            Self::EmailChanged => "Your e-mail address is changed.",
            Self::SessionEnded => "That session has ended.",
            Self::OtherSessionsEnded => "All other sessions have ended.",
            Self::DeletionRequested => "Your account will be deleted. Until then you can keep it: sign in.",
            Self::DeletionUndone => "Welcome back. Your account stays.",
            Self::SignInOver => "That sign-in took too long, or too many codes were wrong. Please sign in again.",
            Self::AppAdded => {
                "Your authenticator app is set up. From now on signing in with your password asks for its code."
            }
            Self::AppRemoved => "Your authenticator app is removed. You are signed out everywhere else.",
            Self::CodesKept => "Good. Keep your recovery codes where you find them without your phone.",
            Self::BrowserUntrusted => "That browser is asked for the second step again.",
            Self::PasskeyAdded => "Your passkey is ready.",
            Self::PasskeyRenamed => "Your passkey has its new name.",
            Self::PasskeyRemoved => "That passkey is removed. You are signed out everywhere else.",
            Self::PasswordRemoved => {
                "Your password is removed. You sign in with a passkey from now on, and are signed out everywhere else."
            }
            Self::Proven => "Thank you. You can go on now.",
        }
    }

    /// The notice of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_found_by_its_name() {
        for notice in Notice::ALL {
            assert_eq!(Notice::parse(notice.name()), Some(notice));
        }
        assert_eq!(Notice::parse("<b>hello"), None);
    }
}
