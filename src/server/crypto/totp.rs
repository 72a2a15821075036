//! One-time codes of authenticator apps (RFC 6238): SHA-1, six digits, a step of 30 seconds, one step early or late.
//!
//! Other parameters are not offered: many apps ignore them without a word.

use crate::{domain::time::Timestamp, server::entropy::Entropy};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use std::fmt;
use totp_rs::{Builder, Secret};

/// Seconds of a step (RFC 6238, 5.2).
pub const STEP: i64 = 30;
/// Bytes of a new secret: 160 bits (RFC 4226, 4, R6).
const SECRET: usize = 20;

/// The secret that an authenticator app and the server share. `Debug` prints the type's name.
pub struct TotpSecret(SecretSlice<u8>);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret")
    }
}

impl TotpSecret {
    /// A new one.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = vec![0; SECRET];
        entropy.fill(&mut bytes);
        Self(bytes.into())
    }

    /// One that was kept.
    #[must_use]
    pub const fn kept(bytes: SecretSlice<u8>) -> Self {
        Self(bytes)
    }

    /// To be sealed and kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// In base32 without padding (RFC 4648): what a person types into an app.
    #[must_use]
    pub fn base32(&self) -> SecretString {
        Secret::from(self.bytes()).to_base32().into()
    }

    /// The `otpauth:` URL that apps read from a picture. Colons would end a name early, so they become blanks.
    #[must_use]
    pub fn url(&self, site: &str, account: &str) -> SecretString {
        let plain = |name: &str| name.replace(':', " ");
        let totp = self.builder().with_account_name(plain(account)).with_issuer(Some(plain(site))).build_noncompliant();
        totp.to_url().unwrap_or_default().into()
    }

    /// The step, seconds since 1970 divided by [`STEP`], whose code this is, if it is that of now, or of the step before or
    /// after. Spaces and dashes in what was typed do not count. Each comparison takes the same time.
    #[must_use]
    pub fn step_of(&self, typed: &str, now: Timestamp) -> Option<i64> {
        let typed: String = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        let totp = self.builder().build_noncompliant();
        let at = u64::try_from(now.0).ok()?;
        totp.check(&typed, at).and_then(|step| i64::try_from(step).ok())
    }

    /// The code of a moment. The server never shows one; tests type it.
    #[must_use]
    pub fn code_at(&self, at: Timestamp) -> String {
        self.builder().build_noncompliant().generate(at.0.unsigned_abs()).to_string()
    }

    fn builder(&self) -> Builder {
        Builder::new().with_secret(Secret::from(self.bytes())).with_skew(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::entropy::SystemEntropy;

    /// RFC 6238, appendix B, SHA-1: the eight digits there end in the six that apps show.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn of_the_rfc() -> TotpSecret {
        TotpSecret::kept(b"12345678901234567890".to_vec().into())
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        for (at, code) in VECTORS {
            assert_eq!(of_the_rfc().code_at(Timestamp(at)), code);
            assert_eq!(of_the_rfc().step_of(code, Timestamp(at)), Some(at / STEP));
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_and_one_step_late_and_no_further() {
        let secret = of_the_rfc();
        let code = secret.code_at(Timestamp(1_234_567_890));
        let begin = 1_234_567_890 / STEP * STEP;
        let step = Some(begin / STEP);
        for (at, expected) in
            [(begin - 31, None), (begin - 30, step), (begin, step), (begin + 59, step), (begin + 60, None)]
        {
            assert_eq!(secret.step_of(&code, Timestamp(at)), expected, "{at}");
        }
    }

    #[test]
    fn what_was_typed_may_have_spaces_and_nothing_else() {
        let (secret, now) = (of_the_rfc(), Timestamp(59));
        for typed in ["287082", "287 082", " 287-082\n"] {
            assert!(secret.step_of(typed, now).is_some(), "{typed}");
        }
        for typed in ["", "28708", "2870820", "+87082", "28708a", "\u{ff12}87082", &"2".repeat(100_000)] {
            assert!(secret.step_of(typed, now).is_none(), "{typed:.20}");
        }
        assert!(secret.step_of("287082", Timestamp(-5)).is_none());
    }

    #[test]
    fn a_secret_is_160_bits_and_reads_back() {
        let secret = TotpSecret::random(&SystemEntropy);
        assert_eq!(secret.bytes().len(), 20);
        assert_eq!(secret.base32().expose_secret().len(), 32);
        assert_ne!(secret.bytes(), TotpSecret::random(&SystemEntropy).bytes());
        assert_eq!(of_the_rfc().base32().expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn the_url_names_the_site_and_the_account() {
        let url = of_the_rfc().url("My: Site", "mona@example.test");
        let expected = "otpauth://totp/My%20%20Site:mona%40example.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20%20Site";
        assert_eq!(url.expose_secret(), expected);
        assert_eq!(format!("{:?}", of_the_rfc()), "TotpSecret");
    }
}
