//! The one shape of a failure that leaves the server (RFC 9457), for pages, server functions and the API alike.
//!
//! A problem holds nothing secret and never what was typed.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use serde::{Deserialize, Serialize};

/// A failure, as a person or a program is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind it is; stable, for programs.
    pub code: Code,
    /// The HTTP status that goes with it.
    pub status: u16,
    /// One sentence for people.
    pub detail: String,
    /// What is wrong with which field, in the form's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// Seconds until it makes sense to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name in the form.
    pub field: String,
    /// What is wrong and what would be right, in words that help.
    pub message: String,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// One or more fields are not acceptable.
    InvalidInput,
    /// The request cannot be read at all.
    MalformedRequest,
    /// Name or password is wrong; never says which.
    WrongCredentials,
    /// No valid session or access token came with the request.
    NotSignedIn,
    /// The mailed link or code is wrong, used or too old; never says which.
    InvalidTicket,
    /// The password, or a second factor, must be shown again before this; nothing that was typed is lost.
    ProofRequired,
    /// The account asks for a second factor that this sign-in, or this session, has not shown.
    FactorRequired,
    /// This site demands a second factor of the account, and it has none: it is to be enrolled at the next sign-in.
    EnrolmentRequired,
    /// The sign-in that waited for a factor is over: it took too long, or too many guesses.
    ChallengeOver,
    /// Without it nobody could sign in to the account any more, or not as this site demands.
    LastWayIn,
    /// The e-mail address must be confirmed before this.
    UnconfirmedEmail,
    /// This site takes no new accounts.
    RegistrationClosed,
    /// The account is about to be deleted; it can be kept, and does nothing else until then.
    LeavingAccount,
    /// The request came from another site.
    CrossSite,
    /// There is nothing at this address.
    NotFound,
    /// The address does not take that method; `Allow` names those it takes.
    MethodNotAllowed,
    /// The body is not of a media type that is taken here.
    UnsupportedMediaType,
    /// The request's body is too large.
    TooLarge,
    /// Too many tries; `retry_after` says when the next may come.
    TooManyRequests,
    /// The server is busy or its database is away; `retry_after` says when to try again.
    Unavailable,
    /// The browser could not reach the server.
    Offline,
    /// Something went wrong inside the server; the log knows what.
    Internal,
}

impl Problem {
    /// A problem with no field errors.
    #[must_use]
    pub fn new(code: Code, status: u16, detail: impl Into<String>) -> Self {
        Self { code, status, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    /// The problem of a form with wrong fields (422).
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self { fields, ..Self::new(Code::InvalidInput, 422, "Please check the fields marked below.") }
    }

    /// What is wrong with `field`, if anything.
    #[must_use]
    pub fn of_field(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }
}

impl FieldError {
    /// An error of the field called `field`.
    #[must_use]
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

/// What Leptos itself may meet while it carries a call; its own texts never reach a person.
impl FromServerFnError for Problem {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(Code::MalformedRequest, 400, "The form could not be read. Reload the page and try again.")
            }
            ServerFnErrorErr::Request(_) => Self::new(
                Code::Offline,
                0,
                "We could not reach the server. Check your connection and try again; you are still signed in if you were.",
            ),
            ServerFnErrorErr::UnsupportedRequestMethod(_)
            | ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Response(_) => {
                Self::new(Code::Internal, 500, "Something went wrong on our side. Please try again in a moment.")
            }
        }
    }
}
