//! What is wrong with a password, a name or an address, one by one, for doors that have sentences of their own for it.

use super::{About, AuthService, PasswordPolicy};
use crate::domain::credential::{Email, Username};
use secrecy::{ExposeSecret as _, SecretString};

/// A fault of a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// Too close to this of its owner.
    SimilarTo(&'static str),
    /// Fewer characters than these.
    Short(usize),
    /// Many people have it.
    Common,
    /// Digits and nothing else.
    Numeric,
}

impl AuthService {
    /// What can be said in few words about a new password that was refused, in the order of Django's validators. It may be
    /// nothing: then the refusal's own sentence tells more.
    #[must_use]
    pub fn password_faults(&self, typed: &SecretString, about: About<'_>) -> Vec<PasswordFault> {
        self.parts.policy.faults(typed, about)
    }

    /// Whether by the lists of this site an account could have that name, taken or not.
    #[must_use]
    pub fn allows_name(&self, username: &Username) -> bool {
        self.parts.rules.check_username(username).is_ok()
    }

    /// Whether by the lists of this site an account could have that address, taken or not.
    #[must_use]
    pub fn allows_address(&self, email: &Email) -> bool {
        self.parts.rules.check_email(email).is_ok()
    }
}

impl PasswordPolicy {
    fn faults(&self, typed: &SecretString, about: About<'_>) -> Vec<PasswordFault> {
        let nobody = About { username: "", email: "", first_name: "", last_name: "" };
        let whose = [
            ("username", About { username: about.username, ..nobody }),
            ("first name", About { first_name: about.first_name, ..nobody }),
            ("last name", About { last_name: about.last_name, ..nobody }),
            ("email address", About { email: about.email, ..nobody }),
        ];
        let (shortest, longest) = self.lengths();
        let text = typed.expose_secret();
        // A longer one is refused for that alone, and costs nothing.
        if text.len() > longest.saturating_mul(4) {
            return Vec::new();
        }
        let mut faults = Vec::new();
        let similar = whose.into_iter().find(|(_, one)| self.is_about(text, *one));
        faults.extend(similar.map(|(name, _)| PasswordFault::SimilarTo(name)));
        if text.chars().count() < shortest {
            faults.push(PasswordFault::Short(shortest));
        }
        // The list holds only what is long enough to be taken otherwise.
        if self.is_common(text) {
            faults.push(PasswordFault::Common);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            faults.push(PasswordFault::Numeric);
        }
        faults
    }
}
