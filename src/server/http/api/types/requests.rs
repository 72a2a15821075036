//! What a client sends. A field that is missing is empty, so that everything that is wrong is said at once; one that is not
//! known is refused, so that a misspelt name is noticed.

use super::{Secret, Transport};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! requests {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_meta])* #[serde(default)] pub $field: $kind),* }
    )*};
}

pub(super) use requests;

requests! {
    /// A new account.
    Registration {
        /// The e-mail address.
        #[schema(required, min_length = 3, max_length = 254, example = "mona@example.com")]
        email: String,
        /// The user name: letters and digits of one script and `. _ - +`.
        #[schema(required, min_length = 3, max_length = 32, example = "mona")]
        username: String,
        /// A password that is not easily guessed.
        #[schema(value_type = String, format = Password, required, min_length = 8, max_length = 1024, example = "a calm violet harbour")]
        password: Secret,
        /// First name.
        #[schema(max_length = 100, example = "Mona")]
        first_name: String,
        /// Last name.
        #[schema(max_length = 100, example = "Vale")]
        last_name: String,
        /// How the refresh token travels.
        #[schema(inline)]
        transport: Transport,
    }
    /// Name and password.
    Login {
        /// User name or e-mail address.
        #[schema(required, min_length = 1, max_length = 254, example = "mona")]
        identifier: String,
        /// The password.
        #[schema(value_type = String, format = Password, required, min_length = 1, max_length = 1024, example = "a calm violet harbour")]
        password: Secret,
        /// Stay signed in for weeks instead of a day.
        #[schema(example = false, default = false)]
        remember: bool,
        /// How the refresh token travels.
        #[schema(inline)]
        transport: Transport,
    }
    /// The refresh token, from a client that keeps it itself. Empty where the cookie carries it.
    RefreshToken {
        /// The newest one.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "AVd0SU9mZ2hQb2tqTkRsUmZ3AahqkT1yJvU0oOa1bH8uPcQ")]
        refresh_token: Option<Secret>,
    }
    /// A new password in place of the present one.
    PasswordChange {
        /// The present password.
        #[schema(value_type = String, format = Password, required, min_length = 1, max_length = 1024, example = "a calm violet harbour")]
        current_password: Secret,
        /// The new one.
        #[schema(value_type = String, format = Password, required, min_length = 8, max_length = 1024, example = "seven quiet lanterns")]
        password: Secret,
        /// The newest refresh token, where the cookie does not carry it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "AVd0SU9mZ2hQb2tqTkRsUmZ3AahqkT1yJvU0oOa1bH8uPcQ")]
        refresh_token: Option<Secret>,
    }
    /// The password that is to go.
    PasswordRemoval {
        /// As it is now.
        #[schema(value_type = String, format = Password, required, min_length = 1, max_length = 1024, example = "a calm violet harbour")]
        old_password: Secret,
    }
    /// What people say of themselves. What is left out stays.
    ProfileChange {
        /// First name, or empty.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 100, example = "Mona")]
        first_name: Option<String>,
        /// Last name, or empty.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 100, example = "Vale")]
        last_name: Option<String>,
        /// The IANA name of a time zone.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 64, example = "Europe/Berlin")]
        time_zone: Option<String>,
    }
    /// Another user name.
    NewUsername {
        /// The name. The one before stays reserved for a while.
        #[schema(required, min_length = 3, max_length = 32, example = "mona.vale")]
        username: String,
    }
    /// Another e-mail address.
    EmailChange {
        /// The address. Nothing changes before a mail to it is answered.
        #[schema(required, min_length = 3, max_length = 254, example = "mona@example.org")]
        email: String,
    }
    /// A forgotten password.
    PasswordResetRequest {
        /// The address of the account.
        #[schema(required, min_length = 3, max_length = 254, example = "mona@example.com")]
        email: String,
        /// How `request_token` travels, with which the mailed code works.
        #[schema(inline)]
        transport: Transport,
    }
    /// A new password, with what was mailed: `uid` and `token` of the link, or the `code`.
    PasswordReset {
        /// `uid` of the link.
        #[schema(max_length = 64, example = "Mjc2MTU0OTgzNzIxMDA0NQ")]
        uid: String,
        /// `token` of the link.
        #[schema(value_type = String, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        token: Secret,
        /// Or the code.
        #[schema(value_type = String, max_length = 16, example = "1234 5678")]
        code: Secret,
        /// What the code works with, where the cookie does not carry it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        request_token: Option<Secret>,
        /// The new password.
        #[schema(value_type = String, format = Password, required, min_length = 8, max_length = 1024, example = "seven quiet lanterns")]
        password: Secret,
    }
    /// The address is one's own: `uid` and `token` of the mailed link, or the `code`.
    Confirmation {
        /// `uid` of the link.
        #[schema(max_length = 64, example = "Mjc2MTU0OTgzNzIxMDA0NQ")]
        uid: String,
        /// `token` of the link.
        #[schema(value_type = String, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        token: Secret,
        /// Or the code.
        #[schema(value_type = String, max_length = 16, example = "1234 5678")]
        code: Secret,
        /// What the code works with, where the cookie does not carry it and no session does.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        request_token: Option<Secret>,
        /// The password, where the link is opened elsewhere than in the client that registered.
        #[schema(value_type = String, format = Password, max_length = 1024, example = "a calm violet harbour")]
        password: Secret,
    }
    /// The address is one's own, and the password is to be a new one: somebody else may have set it.
    TakeOver {
        /// `uid` of the link.
        #[schema(required, max_length = 64, example = "Mjc2MTU0OTgzNzIxMDA0NQ")]
        uid: String,
        /// `token` of the link.
        #[schema(value_type = String, required, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        token: Secret,
        /// The new password.
        #[schema(value_type = String, format = Password, required, min_length = 8, max_length = 1024, example = "seven quiet lanterns")]
        password: Secret,
    }
    /// `uid` and `token` of a mailed link, or the mailed `code`.
    TicketProof {
        /// `uid` of the link.
        #[schema(max_length = 64, example = "Mjc2MTU0OTgzNzIxMDA0NQ")]
        uid: String,
        /// `token` of the link.
        #[schema(value_type = String, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        token: Secret,
        /// Or the code.
        #[schema(value_type = String, max_length = 16, example = "1234 5678")]
        code: Secret,
    }
    /// `uid` and `token` of a mailed link.
    MailedLink {
        /// `uid` of the link.
        #[schema(required, max_length = 64, example = "Mjc2MTU0OTgzNzIxMDA0NQ")]
        uid: String,
        /// `token` of the link.
        #[schema(value_type = String, required, max_length = 128, example = "5pWmBq0jD3sXkz8hVYt2nA")]
        token: Secret,
        /// How `request_token` travels, with which the code of the mail that follows works.
        #[schema(inline)]
        transport: Transport,
    }
}
