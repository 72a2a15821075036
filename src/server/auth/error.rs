//! What the service may refuse, by cause.

use crate::{
    domain::problem::FieldError,
    server::{crypto::Busy, store::StoreError},
};

/// A refusal or a failure. `http::problem` says what the caller is told.
#[derive(Debug)]
pub enum AuthError {
    /// Fields are not acceptable.
    Invalid(Vec<FieldError>),
    /// Name or password is wrong, or the account may not sign in. Never says which.
    WrongCredentials,
    /// There is no live session behind the token.
    NotSignedIn,
    /// As `NotSignedIn`, but the browser's cookie is to stay: an older tab asked while a newer token is on its way.
    Superseded,
    /// A mailed link or code is wrong, used or too old. Never says which.
    InvalidTicket,
    /// The session's last proof of who it is lies too far back for this.
    ProofRequired,
    /// The session, or the sign-in, must show a second factor first.
    FactorRequired,
    /// This site demands a second factor of the account, and it has none.
    EnrolmentRequired,
    /// The sign-in that waited for a factor is over.
    ChallengeOver,
    /// Nobody could sign in without it any more, or not as the site demands.
    LastWayIn,
    /// The address must be confirmed first.
    UnconfirmedEmail,
    /// Too many tries; the next one makes sense after so many seconds (1 or more).
    TooMany(i64),
    /// Nobody may register here.
    RegistrationClosed,
    /// There is no such thing of this account's.
    NotFound,
    /// The account is on its way out and does nothing but come back.
    Leaving,
    /// Too many hashes wait.
    Busy,
    /// The database is away, busy or full: later it may work.
    Unavailable(StoreError),
    /// A fault of ours in a statement or a row.
    Broken(StoreError),
    /// A token could not be signed.
    Signing,
}

impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(_) => f.write_str("fields are not acceptable"),
            Self::WrongCredentials => f.write_str("name or password is wrong"),
            Self::NotSignedIn => f.write_str("there is no live session"),
            Self::Superseded => f.write_str("a newer token is on its way"),
            Self::InvalidTicket => f.write_str("the link or code is not valid"),
            Self::ProofRequired => f.write_str("a fresh proof is needed"),
            Self::FactorRequired => f.write_str("a second factor is needed"),
            Self::EnrolmentRequired => f.write_str("a second factor must be enrolled"),
            Self::ChallengeOver => f.write_str("the sign-in is over"),
            Self::LastWayIn => f.write_str("it is the last way in"),
            Self::UnconfirmedEmail => f.write_str("the address is not confirmed"),
            Self::TooMany(_) => f.write_str("too many tries"),
            Self::RegistrationClosed => f.write_str("registration is closed"),
            Self::NotFound => f.write_str("there is no such thing"),
            Self::Leaving => f.write_str("the account is about to be deleted"),
            Self::Busy => f.write_str("too many hashes wait"),
            Self::Unavailable(error) | Self::Broken(error) => error.fmt(f),
            Self::Signing => f.write_str("a token could not be signed"),
        }
    }
}

impl std::error::Error for AuthError {}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::NotKept => Self::Unavailable(error),
            StoreError::Taken
            | StoreError::Broken(_)
            | StoreError::Migration(_)
            | StoreError::NotMigrated(_)
            | StoreError::UnknownEngine
            | StoreError::Unusable(_) => Self::Broken(error),
        }
    }
}

impl From<Busy> for AuthError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}
