//! What goes over the wire: the requests and answers of the API. Names in `snake_case`, times as RFC 3339, every text with
//! its limits. The same types make the description (OpenAPI), are read and written by the server, and serve clients in
//! Rust; see `examples/`.

mod account;
mod factor_requests;
mod factors;
mod lists;
mod problem;
mod requests;
mod secret;
mod tokens;

pub use account::{AccountView, DeletionView};
pub use factor_requests::{
    FactorAnswer, FirstCode, FirstCodeToSignIn, NewPasskey, NewPasskeyToSignIn, PasskeyLogIn, PasskeyLogInStart,
    PasskeyName, PasskeyQuestion, SessionProof, WaitingSignIn,
};
pub use factors::{
    CeremonyView, ChallengeStatus, ChallengeView, Credential, EnrolledFactor, FactorKind, FactorsView, PasskeyView,
    RecoveryCodes, TotpSetup, TotpView, TrustedBrowserView,
};
pub use lists::{HistoryEntry, HistoryPage, SessionPage, SessionView};
pub use problem::{ApiProblem, InputError};
pub use requests::{
    Confirmation, EmailChange, Login, MailedLink, NewUsername, PasswordChange, PasswordRemoval, PasswordReset,
    PasswordResetRequest, ProfileChange, RefreshToken, Registration, TakeOver, TicketProof,
};
pub use secret::Secret;
pub use tokens::{Asked, Introspection, IntrospectionRequest, Next, Registered, Tokens, Transport};
