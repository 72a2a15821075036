//! What a client sends about second factors. As with the other requests, a field that is missing is empty and one that is
//! not known is refused.

use super::{Credential, Secret, Transport, requests::requests};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

requests! {
    /// Who is there, shown once more: by the password, or, of an account that has a factor, by one of its factors.
    SessionProof {
        /// The present password.
        #[schema(value_type = String, format = Password, max_length = 1024, example = "a calm violet harbour")]
        current_password: Secret,
        /// Or a code of the authenticator app.
        #[schema(value_type = String, max_length = 16, example = "287082")]
        code: Secret,
        /// Or a recovery code.
        #[schema(value_type = String, max_length = 64, example = "7K4M-Q2ZP-0XTW-9HRC")]
        recovery_code: Secret,
        /// Or a passkey's answer: the server's half of its ceremony.
        #[schema(max_length = 16_384, example = "mLk0uVb2…")]
        ceremony: String,
        /// And the browser's: `toJSON()` of what `navigator.credentials` gave it (WebAuthn Level 3, 5.1).
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>, example = json!({ "id": "3q2-7wAAAAAAAAAAAAAAAA", "rawId": "3q2-7wAAAAAAAAAAAAAAAA", "type": "public-key", "response": {}, "clientExtensionResults": {} }))]
        credential: Option<Credential>,
        /// The newest refresh token, where the cookie does not carry it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "AVd0SU9mZ2hQb2tqTkRsUmZ3AahqkT1yJvU0oOa1bH8uPcQ")]
        refresh_token: Option<Secret>,
    }
    /// A second factor: one of the code, the recovery code, or a passkey's answer.
    FactorAnswer {
        /// Names the sign-in that waits. A session from before the account had a factor is named by its refresh token instead.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "n9eFHfWgVJ3Zt0Rb1oJcXk2mYQ7dUuLhTz5sPq8aG4E")]
        challenge: Option<Secret>,
        /// A code of the authenticator app.
        #[schema(value_type = String, max_length = 16, example = "287082")]
        code: Secret,
        /// Or a recovery code.
        #[schema(value_type = String, max_length = 64, example = "7K4M-Q2ZP-0XTW-9HRC")]
        recovery_code: Secret,
        /// Or a passkey's answer: the server's half of its ceremony.
        #[schema(max_length = 16_384, example = "mLk0uVb2…")]
        ceremony: String,
        /// And the browser's: `toJSON()` of what `navigator.credentials` gave it (WebAuthn Level 3, 5.1).
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>, example = json!({ "id": "3q2-7wAAAAAAAAAAAAAAAA", "rawId": "3q2-7wAAAAAAAAAAAAAAAA", "type": "public-key", "response": {}, "clientExtensionResults": {} }))]
        credential: Option<Credential>,
        /// The newest refresh token, where the cookie does not carry it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "AVd0SU9mZ2hQb2tqTkRsUmZ3AahqkT1yJvU0oOa1bH8uPcQ")]
        refresh_token: Option<Secret>,
        /// Whether the factor need not be shown in this browser for a while (`factors.trusted_days`). Only with the cookie.
        trust_browser: bool,
        /// How the refresh token travels.
        #[schema(inline)]
        transport: Transport,
    }
    /// What a passkey is to be shown for.
    PasskeyQuestion {
        /// Names the sign-in that waits. A session from before the account had a factor is named by its refresh token instead.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "n9eFHfWgVJ3Zt0Rb1oJcXk2mYQ7dUuLhTz5sPq8aG4E")]
        challenge: Option<Secret>,
        /// The newest refresh token, where the cookie does not carry it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "AVd0SU9mZ2hQb2tqTkRsUmZ3AahqkT1yJvU0oOa1bH8uPcQ")]
        refresh_token: Option<Secret>,
    }
    /// How a passkey is to be asked for.
    PasskeyLogInStart {
        /// Offer passkeys in the field for the user name instead of asking at once (`mediation: "conditional"`).
        #[schema(example = false, default = false)]
        autofill: bool,
    }
    /// A passkey in place of name and password.
    PasskeyLogIn {
        /// The server's half of the ceremony.
        #[schema(required, min_length = 1, max_length = 16_384, example = "mLk0uVb2…")]
        ceremony: String,
        /// The browser's: `toJSON()` of what `navigator.credentials` gave it (WebAuthn Level 3, 5.1).
        #[schema(value_type = Object, required, example = json!({ "id": "3q2-7wAAAAAAAAAAAAAAAA", "rawId": "3q2-7wAAAAAAAAAAAAAAAA", "type": "public-key", "response": {}, "clientExtensionResults": {} }))]
        credential: Credential,
        /// Stay signed in for weeks instead of a day.
        #[schema(example = false, default = false)]
        remember: bool,
        /// How the refresh token travels.
        #[schema(inline)]
        transport: Transport,
    }
    /// A sign-in that waits for a factor to be enrolled.
    WaitingSignIn {
        /// Names the sign-in that waits.
        #[schema(value_type = String, required, min_length = 1, max_length = 128, example = "n9eFHfWgVJ3Zt0Rb1oJcXk2mYQ7dUuLhTz5sPq8aG4E")]
        challenge: Secret,
    }
    /// The first code of an authenticator app.
    FirstCode {
        /// The six digits that the app shows now.
        #[schema(value_type = String, required, min_length = 1, max_length = 16, example = "287082")]
        code: Secret,
    }
    /// The first code of an authenticator app, for which a sign-in waits.
    FirstCodeToSignIn {
        /// Names the sign-in that waits.
        #[schema(value_type = String, required, min_length = 1, max_length = 128, example = "n9eFHfWgVJ3Zt0Rb1oJcXk2mYQ7dUuLhTz5sPq8aG4E")]
        challenge: Secret,
        /// The six digits that the app shows now.
        #[schema(value_type = String, required, min_length = 1, max_length = 16, example = "287082")]
        code: Secret,
        /// How the refresh token travels.
        #[schema(inline)]
        transport: Transport,
    }
    /// A new passkey.
    NewPasskey {
        /// The server's half of the ceremony.
        #[schema(required, min_length = 1, max_length = 16_384, example = "mLk0uVb2…")]
        ceremony: String,
        /// The browser's: `toJSON()` of what `navigator.credentials` gave it (WebAuthn Level 3, 5.1).
        #[schema(value_type = Object, required, example = json!({ "id": "3q2-7wAAAAAAAAAAAAAAAA", "rawId": "3q2-7wAAAAAAAAAAAAAAAA", "type": "public-key", "response": {}, "clientExtensionResults": {} }))]
        credential: Credential,
        /// What it is to be called; empty for the name of the device.
        #[schema(max_length = 100, example = "Mona's phone")]
        name: String,
    }
    /// A new passkey, for which a sign-in waits.
    NewPasskeyToSignIn {
        /// Names the sign-in that waits.
        #[schema(value_type = String, required, min_length = 1, max_length = 128, example = "n9eFHfWgVJ3Zt0Rb1oJcXk2mYQ7dUuLhTz5sPq8aG4E")]
        challenge: Secret,
        /// The server's half of the ceremony.
        #[schema(required, min_length = 1, max_length = 16_384, example = "mLk0uVb2…")]
        ceremony: String,
        /// The browser's: `toJSON()` of what `navigator.credentials` gave it (WebAuthn Level 3, 5.1).
        #[schema(value_type = Object, required, example = json!({ "id": "3q2-7wAAAAAAAAAAAAAAAA", "rawId": "3q2-7wAAAAAAAAAAAAAAAA", "type": "public-key", "response": {}, "clientExtensionResults": {} }))]
        credential: Credential,
        /// What it is to be called; empty for the name of the device.
        #[schema(max_length = 100, example = "Mona's phone")]
        name: String,
        /// How the refresh token travels.
        #[schema(inline)]
        transport: Transport,
    }
    /// Another name of a passkey.
    PasskeyName {
        /// What it is to be called; empty for the name of the device.
        #[schema(max_length = 100, example = "Mona's phone")]
        name: String,
    }
}
