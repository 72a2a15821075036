//! The proof that a form of the account holds beside its own fields: who sends it is asked again for sensitive acts.
//!
//! The names of its fields are not those of any form, and it is read from what was sent, so that no server function has
//! to name it.

use crate::{
    domain::problem::{FieldError, Problem},
    server::auth::{FactorProof, Proof},
};
use secrecy::{ExposeSecret as _, SecretString};

/// The field of the password, as it is called everywhere.
pub(super) const PASSWORD: &str = "current_password";
/// What stands before the names of a factor's fields.
const PREFIX: &str = "proof_";
/// The fields that people type into.
const CODE: &str = "proof_code";
const RECOVERY_CODE: &str = "proof_recovery_code";

/// The fields of a proof as they came; `Debug` shows none.
#[derive(Clone, Debug, Default)]
pub(super) struct GivenProof {
    password: SecretString,
    code: SecretString,
    recovery_code: SecretString,
    ceremony: SecretString,
    credential: SecretString,
}

impl GivenProof {
    /// What a form holds that was sent as `application/x-www-form-urlencoded`.
    pub(super) fn read(typed: &[u8]) -> Self {
        let mut given = Self::default();
        for (name, value) in form_urlencoded::parse(typed) {
            let place = match name.as_ref() {
                PASSWORD => &mut given.password,
                CODE => &mut given.code,
                RECOVERY_CODE => &mut given.recovery_code,
                "proof_ceremony" => &mut given.ceremony,
                "proof_credential" => &mut given.credential,
                _ => continue,
            };
            *place = value.into_owned().into();
        }
        given
    }

    /// The proof, if one was given. What somebody typed comes before what a form always holds.
    pub(super) fn proof(&self) -> Option<Proof> {
        let filled = |field: &SecretString| !field.expose_secret().trim().is_empty();
        Some(if filled(&self.credential) {
            let (ceremony, credential) = (self.ceremony.expose_secret(), self.credential.expose_secret());
            Proof::Factor(FactorProof::Passkey { ceremony: ceremony.to_owned(), credential: credential.into() })
        } else if filled(&self.code) {
            Proof::Factor(FactorProof::Totp(self.code.clone()))
        } else if filled(&self.recovery_code) {
            Proof::Factor(FactorProof::RecoveryCode(self.recovery_code.clone()))
        } else if !self.password.expose_secret().is_empty() {
            Proof::Password(self.password.clone())
        } else {
            return None;
        })
    }
}

/// What is missing from a proof that was sent with nothing typed into it; nothing if none was sent.
pub(super) fn blank(sent: &[(String, String)]) -> Option<FieldError> {
    let (field, value) = sent.iter().find(|(field, _)| [PASSWORD, CODE, RECOVERY_CODE].contains(&field.as_str()))?;
    let message = match field.as_str() {
        CODE => "Enter the six digits that your app shows.",
        RECOVERY_CODE => "Enter one of your unused recovery codes.",
        _ => "Enter your password.",
    };
    // Blanks may be a password, and are no code.
    let is_blank = if field == PASSWORD { value.is_empty() } else { value.trim().is_empty() };
    is_blank.then(|| FieldError::new(field, message))
}

/// What is wrong with a factor, by the name of its field in the form that holds it as proof.
pub(super) fn of_proof(problem: Problem) -> Problem {
    let named = |error: FieldError| match error.field.as_str() {
        "code" | "recovery_code" | "credential" => FieldError { field: [PREFIX, &error.field].concat(), ..error },
        _ => error,
    };
    Problem { fields: problem.fields.into_iter().map(named).collect(), ..problem }
}

/// Whether a field is one of a proof.
pub(super) fn is_proof(field: &str) -> bool {
    field == PASSWORD || field.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_from_the_form_and_an_empty_field_is_none() {
        assert!(GivenProof::read(b"username=mona&code=123456&proof_code=+&current_password=").proof().is_none());
        let of = |typed: &str| GivenProof::read(typed.as_bytes()).proof();
        assert!(matches!(of("current_password=a%20b"), Some(Proof::Password(typed)) if typed.expose_secret() == "a b"));
        assert!(
            matches!(of("proof_code=123456"), Some(Proof::Factor(FactorProof::Totp(code))) if code.expose_secret() == "123456")
        );
        assert!(matches!(of("proof_recovery_code=x"), Some(Proof::Factor(FactorProof::RecoveryCode(_)))));
        let passkey = of("proof_ceremony=a&proof_credential=%7B%7D&proof_code=");
        assert!(
            matches!(passkey, Some(Proof::Factor(FactorProof::Passkey { credential, .. })) if credential.expose_secret() == "{}")
        );
    }

    #[test]
    fn a_proof_with_nothing_in_it_names_its_field_and_a_form_without_one_does_not() {
        let of = |typed: &str| {
            let sent: Vec<_> = form_urlencoded::parse(typed.as_bytes()).into_owned().collect();
            blank(&sent).map(|error| error.field)
        };
        for field in ["current_password", "proof_code", "proof_recovery_code"] {
            assert_eq!(of(&format!("session=x&{field}=")).as_deref(), Some(field));
            assert_eq!(of(&format!("{field}=1")), None);
        }
        assert_eq!(of("session=x&proof_ceremony=&proof_credential="), None, "a passkey that was not used yet");
    }

    #[test]
    fn an_error_names_the_field_of_the_proof() {
        let problem = Problem::invalid(vec![FieldError::new("code", "No."), FieldError::new(PASSWORD, "No.")]);
        let fields: Vec<_> = of_proof(problem).fields.into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["proof_code", PASSWORD]);
        assert!(fields.iter().all(|field| is_proof(field)) && !is_proof("code"));
    }
}
