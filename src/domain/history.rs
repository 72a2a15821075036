//! What happened to an account, as the audit log keeps it and as its owner reads it.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "`said` tells each in words")]
pub enum Event {
    Registered,
    LoggedIn,
    LoginFailed,
    LoggedOut,
    StepUp,
    StepUpFailed,
    SessionEnded,
    OtherSessionsEnded,
    AllSessionsEnded,
    SessionTheft,
    PasswordChanged,
    PasswordResetRequested,
    PasswordReset,
    EmailConfirmed,
    EmailChangeRequested,
    EmailChanged,
    EmailRestored,
    UsernameChanged,
    ProfileChanged,
    Exported,
    DeletionRequested,
    DeletionUndone,
    Purged,
    NotMe,
    Disabled,
    Enabled,
    Imported,
    Promoted,
    Demoted,
    ResetLinkIssued,
    TotpEnrolled,
    TotpRemoved,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    PasskeyAdded,
    PasskeyRenamed,
    PasskeyRemoved,
    PasskeyCloned,
    FactorAsked,
    FactorFailed,
    LoggedInWithTotp,
    LoggedInWithRecoveryCode,
    LoggedInWithPasskey,
    LoggedInTrusted,
    StepUpWithFactor,
    BrowserTrusted,
    BrowserUntrusted,
    PasswordRemoved,
    FactorsReset,
    FactorsUndone,
    GuessesForgotten,
}

impl Event {
    /// All kinds.
    pub const ALL: [Self; 51] = [
        Self::Registered,
        Self::LoggedIn,
        Self::LoginFailed,
        Self::LoggedOut,
        Self::StepUp,
        Self::StepUpFailed,
        Self::SessionEnded,
        Self::OtherSessionsEnded,
        Self::AllSessionsEnded,
        Self::SessionTheft,
        Self::PasswordChanged,
        Self::PasswordResetRequested,
        Self::PasswordReset,
        Self::EmailConfirmed,
        Self::EmailChangeRequested,
        Self::EmailChanged,
        Self::EmailRestored,
        Self::UsernameChanged,
        Self::ProfileChanged,
        Self::Exported,
        Self::DeletionRequested,
        Self::DeletionUndone,
        Self::Purged,
        Self::NotMe,
        Self::Disabled,
        Self::Enabled,
        Self::Imported,
        Self::Promoted,
        Self::Demoted,
        Self::ResetLinkIssued,
        Self::TotpEnrolled,
        Self::TotpRemoved,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeUsed,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasskeyCloned,
        Self::FactorAsked,
        Self::FactorFailed,
        Self::LoggedInWithTotp,
        Self::LoggedInWithRecoveryCode,
        Self::LoggedInWithPasskey,
        Self::LoggedInTrusted,
        Self::StepUpWithFactor,
        Self::BrowserTrusted,
        Self::BrowserUntrusted,
        Self::PasswordRemoved,
        Self::FactorsReset,
        Self::FactorsUndone,
        Self::GuessesForgotten,
    ];

    /// Its name in the table, in the log and in an export.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::LoggedIn => "logged_in",
            Self::LoginFailed => "login_failed",
            Self::LoggedOut => "logged_out",
            Self::StepUp => "step_up",
            Self::StepUpFailed => "step_up_failed",
            Self::SessionEnded => "session_ended",
            Self::OtherSessionsEnded => "other_sessions_ended",
            Self::AllSessionsEnded => "all_sessions_ended",
            Self::SessionTheft => "session_theft",
            Self::PasswordChanged => "password_changed",
            Self::PasswordResetRequested => "password_reset_requested",
            Self::PasswordReset => "password_reset",
            Self::EmailConfirmed => "email_confirmed",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::EmailRestored => "email_restored",
            Self::UsernameChanged => "username_changed",
            Self::ProfileChanged => "profile_changed",
            Self::Exported => "exported",
            Self::DeletionRequested => "deletion_requested",
            Self::DeletionUndone => "deletion_undone",
            Self::Purged => "purged",
            Self::NotMe => "not_me",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Imported => "imported",
            Self::Promoted => "promoted",
            Self::Demoted => "demoted",
            Self::ResetLinkIssued => "reset_link_issued",
            Self::TotpEnrolled => "totp_enrolled",
            Self::TotpRemoved => "totp_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRenamed => "passkey_renamed",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyCloned => "passkey_cloned",
            Self::FactorAsked => "factor_asked",
            Self::FactorFailed => "factor_failed",
            Self::LoggedInWithTotp => "logged_in_with_totp",
            Self::LoggedInWithRecoveryCode => "logged_in_with_recovery_code",
            Self::LoggedInWithPasskey => "logged_in_with_passkey",
            Self::LoggedInTrusted => "logged_in_trusted",
            Self::StepUpWithFactor => "step_up_with_factor",
            Self::BrowserTrusted => "browser_trusted",
            Self::BrowserUntrusted => "browser_untrusted",
            Self::PasswordRemoved => "password_removed",
            Self::FactorsReset => "factors_reset",
            Self::FactorsUndone => "factors_undone",
            Self::GuessesForgotten => "guesses_forgotten",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }

    /// What it is to the account's owner.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Registered => "Account created",
            Self::LoggedIn => "Signed in",
            Self::LoginFailed => "A sign-in was refused",
            Self::LoggedOut => "Signed out",
            Self::StepUp => "Confirmed with the password",
            Self::StepUpFailed => "A wrong password was given as confirmation",
            Self::SessionEnded => "A session was ended",
            Self::OtherSessionsEnded => "All other sessions were ended",
            Self::AllSessionsEnded => "All sessions were ended",
            Self::SessionTheft => "A session was used in two places and was ended",
            Self::PasswordChanged => "Password changed",
            Self::PasswordResetRequested => "A password reset was asked for",
            Self::PasswordReset => "Password reset by mail",
            Self::EmailConfirmed => "E-mail address confirmed",
            Self::EmailChangeRequested => "A new e-mail address was asked for",
            Self::EmailChanged => "E-mail address changed",
            Self::EmailRestored => "Earlier e-mail address restored",
            Self::UsernameChanged => "User name changed",
            Self::ProfileChanged => "Profile changed",
            Self::Exported => "A copy of the data was downloaded",
            Self::DeletionRequested => "Deletion of the account was asked for",
            Self::DeletionUndone => "Deletion of the account was called off",
            Self::Purged => "Account deleted",
            Self::NotMe => "Reported as \"this wasn't me\"",
            Self::Disabled => "Account disabled",
            Self::Enabled => "Account enabled",
            Self::Imported => "Account taken over from another system",
            Self::Promoted => "Made an administrator's account",
            Self::Demoted => "No administrator's account any more",
            Self::ResetLinkIssued => "An operator made a link to reset the password",
            Self::TotpEnrolled => "Authenticator app added",
            Self::TotpRemoved => "Authenticator app removed",
            Self::RecoveryCodesMade => "New recovery codes made",
            Self::RecoveryCodeUsed => "A recovery code was used",
            Self::PasskeyAdded => "Passkey added",
            Self::PasskeyRenamed => "Passkey renamed",
            Self::PasskeyRemoved => "Passkey removed",
            Self::PasskeyCloned => "A passkey was refused: it may have been copied",
            Self::FactorAsked => "Password right; the second step was asked for",
            Self::FactorFailed => "A wrong code was given in the second step",
            Self::LoggedInWithTotp => "Signed in with password and authenticator app",
            Self::LoggedInWithRecoveryCode => "Signed in with password and recovery code",
            Self::LoggedInWithPasskey => "Signed in with a passkey",
            Self::LoggedInTrusted => "Signed in with the password in a trusted browser",
            Self::StepUpWithFactor => "Confirmed with the second step or a passkey",
            Self::BrowserTrusted => "A browser was trusted",
            Self::BrowserUntrusted => "A browser is not trusted any more",
            Self::PasswordRemoved => "Password removed",
            Self::FactorsReset => "The second step was removed by an operator",
            Self::GuessesForgotten => "An operator let codes be tried again",
            Self::FactorsUndone => "Apps and passkeys added since then were removed",
        }
    }

    /// Whether its owner may say "this wasn't me" of it. Of a refused sign-in, too: who sees many of them may want a new
    /// password; the page behind it says what happens before anything does. What the server or an operator did offers nothing.
    #[must_use]
    pub const fn may_be_foreign(self) -> bool {
        !matches!(
            self,
            Self::Registered
                | Self::Purged
                | Self::NotMe
                | Self::Disabled
                | Self::Enabled
                | Self::Imported
                | Self::Promoted
                | Self::Demoted
                | Self::ResetLinkIssued
                | Self::FactorsReset
                | Self::FactorsUndone
                | Self::GuessesForgotten
        )
    }
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the audit log; newer is larger.
    pub seq: i64,
    /// When it happened.
    pub happened_at: Timestamp,
    /// What happened.
    pub event: Event,
    /// The browser that did it, in a few words, or empty.
    pub device_label: String,
    /// The coarse address it came from, or empty.
    pub ip: String,
    /// Whether it was done in the session that reads it.
    pub is_this_session: bool,
}

/// A page of the history, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// At most one page of lines.
    pub entries: Vec<Entry>,
    /// Where older lines begin: ask for those before this number. Nothing if there are none.
    pub older: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_event_has_a_name_of_its_own_and_is_found_by_it() {
        let names: HashSet<_> = Event::ALL.iter().map(|event| event.as_str()).collect();
        assert_eq!(names.len(), Event::ALL.len());
        for event in Event::ALL {
            assert_eq!(Event::parse(event.as_str()), Some(event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
        assert_eq!(Event::parse("nothing"), None);
    }
    #[test]
    fn every_event_is_said_in_words_of_its_own_that_stand_in_a_list() {
        let said: HashSet<_> = Event::ALL.iter().map(|event| event.said()).collect();
        assert_eq!(said.len(), Event::ALL.len());
        for words in said {
            assert!(words.starts_with(char::is_uppercase) && !words.ends_with('.') && words.len() <= 50, "{words}");
            assert!(!words.contains('_'), "{words}");
        }
    }

    #[test]
    fn what_people_do_can_be_reported_as_foreign_and_what_the_server_does_can_not() {
        let not = [
            Event::Registered,
            Event::Purged,
            Event::NotMe,
            Event::Disabled,
            Event::Enabled,
            Event::Imported,
            Event::Promoted,
            Event::Demoted,
            Event::ResetLinkIssued,
            Event::FactorsReset,
            Event::FactorsUndone,
            Event::GuessesForgotten,
        ];
        for event in Event::ALL {
            assert_eq!(event.may_be_foreign(), !not.contains(&event), "{event:?}");
        }
    }
}
