//! What may become of things, as words of labels.

/// The label that holds them.
pub(super) const LABEL: &str = "outcome";

macro_rules! outcomes {
    ($($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$meta])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    )*};
}

outcomes! {
    /// What became of a refresh.
    Refresh {
        /// The newest token: the next one was made.
        Rotated = "rotated",
        /// The same answer again: two tabs, a retry.
        Repeated = "repeated",
        /// A second successor was made: an answer was lost, or two hold the session.
        Forked = "forked",
        /// The token was newer than the database.
        CaughtUp = "caught_up",
        /// Two hold the session: it was ended.
        Theft = "theft",
        /// There is no live session behind the token.
        Refused = "refused",
        /// The session must show a second factor first.
        FactorAsked = "factor_asked",
        /// An older tab, just after a step-up.
        Superseded = "superseded",
        /// Too often.
        Throttled = "throttled",
        /// The database was away, or others were faster too often.
        Failed = "failed",
    }
    /// What became of a sign-in with a password, or with a passkey.
    SignIn {
        /// Somebody is signed in.
        SignedIn = "signed_in",
        /// The password was right, and a second factor is still to be shown or enrolled.
        Challenged = "challenged",
        /// Name or password was wrong, or the account may not sign in.
        Refused = "refused",
        /// Something was not filled in.
        Invalid = "invalid",
        /// Too often.
        Throttled = "throttled",
        /// Too many hashes waited.
        Busy = "busy",
        /// The database was away, or worse.
        Failed = "failed",
    }
    /// What was shown as second factor, or in place of a password.
    FactorKind {
        /// A code of an authenticator app.
        Totp = "totp",
        /// A recovery code.
        RecoveryCode = "recovery_code",
        /// A passkey.
        Passkey = "passkey",
    }
    /// What became of a registration.
    Registering {
        /// An account was made, or who has the address was told: the door must not know which, and nor must this.
        Accepted = "accepted",
        /// Something was not acceptable.
        Invalid = "invalid",
        /// A program filled in the form, or nobody may register.
        Refused = "refused",
        /// Too often.
        Throttled = "throttled",
        /// Too many hashes waited.
        Busy = "busy",
        /// The database was away, or worse.
        Failed = "failed",
    }
    /// What became of a try to send a mail.
    Mailing {
        /// It went out.
        Sent = "sent",
        /// It is tried again.
        Retried = "retried",
        /// It never goes out.
        GivenUp = "given_up",
        /// Nobody waited for it.
        Moot = "moot",
    }
}
