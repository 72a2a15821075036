//! The secrets in mails: the link of a ticket, and the code that is typed instead of it.
//!
//! They are derived from the ticket's public id, not stored. So the same mail can be sent again after a crash, with the
//! same link in it, while the outbox and the tickets hold nothing that opens an account: a stolen database opens none.
//! How long a ticket lives, and how often a code may be tried, is for `auth`.

use super::keys::{self, Keys, Ring};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use std::fmt;
use subtle::{Choice, ConstantTimeEq as _};

/// Eight digits. What is left over from 2^64 favours a code by less than one in 10^11.
const CODES: u64 = 100_000_000;

/// What a mailed secret is good for. One made for a purpose never works for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Choosing a new password.
    PasswordReset,
    /// Showing that mail to the account's address arrives.
    EmailConfirmation,
    /// Taking a new address, once mail to it arrives.
    EmailChange,
    /// Going back to the address before.
    EmailUndo,
    /// Choosing another user name.
    UsernameReset,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 5] =
        [Self::PasswordReset, Self::EmailConfirmation, Self::EmailChange, Self::EmailUndo, Self::UsernameReset];

    /// What the MAC of its link begins with. None is the beginning of another.
    const fn link_label(self) -> &'static [u8] {
        match self {
            Self::PasswordReset => b"doorward reset-link v1\0",
            Self::EmailConfirmation => b"doorward email-confirmation-link v1\0",
            Self::EmailChange => b"doorward email-change-link v1\0",
            Self::EmailUndo => b"doorward email-undo-link v1\0",
            Self::UsernameReset => b"doorward username-reset-link v1\0",
        }
    }

    /// The same of its code.
    const fn code_label(self) -> &'static [u8] {
        match self {
            Self::PasswordReset => b"doorward reset-code v1\0",
            Self::EmailConfirmation => b"doorward email-confirmation-code v1\0",
            Self::EmailChange => b"doorward email-change-code v1\0",
            Self::EmailUndo => b"doorward email-undo-code v1\0",
            Self::UsernameReset => b"doorward username-reset-code v1\0",
        }
    }
}

/// Makes and checks the secrets of mails. `Debug` prints the type's name.
pub struct MailedSecrets(Ring<Hmac<Sha256>>);

impl fmt::Debug for MailedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedSecrets")
    }
}

impl MailedSecrets {
    /// Makes with the first mail key, accepts all of them.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.mail.map(keys::mac))
    }

    /// The token in the link of a ticket: 256 bits as base64url, 43 characters.
    #[must_use]
    pub fn link_token(&self, purpose: Purpose, ticket_id: &str) -> SecretString {
        link_of(&self.0.first, purpose, ticket_id)
    }

    /// The code in the mail of a ticket: eight decimal digits.
    #[must_use]
    pub fn code(&self, purpose: Purpose, ticket_id: &str) -> SecretString {
        code_of(&self.0.first, purpose, ticket_id)
    }

    /// Whether `presented` is the link's token of this ticket for this purpose. Compared in constant time.
    #[must_use]
    pub fn link_matches(&self, purpose: Purpose, ticket_id: &str, presented: &str) -> bool {
        self.any(presented, |key| link_of(key, purpose, ticket_id))
    }

    /// Whether `presented` is the code of this ticket for this purpose; spaces and dashes in what was typed do not count. Compared in
    /// constant time.
    #[must_use]
    pub fn code_matches(&self, purpose: Purpose, ticket_id: &str, presented: &str) -> bool {
        let typed = |letter: &char| !letter.is_whitespace() && !matches!(letter, '-' | '\u{2010}'..='\u{2015}');
        let presented = SecretString::from(presented.chars().filter(typed).collect::<String>());
        self.any(presented.expose_secret(), |key| code_of(key, purpose, ticket_id))
    }

    /// Asks every key, so that the time does not tell which one matched.
    fn any(&self, presented: &str, secret: impl Fn(&Hmac<Sha256>) -> SecretString) -> bool {
        let none = Choice::from(0);
        let found = self
            .0
            .iter()
            .fold(none, |found, key| found | secret(key).expose_secret().as_bytes().ct_eq(presented.as_bytes()));
        found.into()
    }
}

fn link_of(key: &Hmac<Sha256>, purpose: Purpose, ticket_id: &str) -> SecretString {
    SecretString::from(URL_SAFE_NO_PAD.encode(derive(key, purpose.link_label(), ticket_id)))
}

fn code_of(key: &Hmac<Sha256>, purpose: Purpose, ticket_id: &str) -> SecretString {
    let number = derive(key, purpose.code_label(), ticket_id)
        .into_iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(byte));
    SecretString::from(format!("{:08}", number % CODES))
}

fn derive(key: &Hmac<Sha256>, label: &[u8], ticket_id: &str) -> [u8; 32] {
    key.clone().chain_update(label).chain_update(ticket_id).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::crypto::keys::tests::{keys_of, random_key};
    use Purpose::PasswordReset as Reset;

    fn one_key() -> (MailedSecrets, String) {
        let mail = random_key();
        (MailedSecrets::new(&keys_of(&[&mail])), mail)
    }

    #[test]
    fn the_same_ticket_gives_the_same_mail_again() {
        let (secrets, mail) = one_key();
        let restarted = MailedSecrets::new(&keys_of(&[&mail]));
        assert_eq!(secrets.link_token(Reset, "t1").expose_secret(), restarted.link_token(Reset, "t1").expose_secret());
        assert_eq!(secrets.code(Reset, "t1").expose_secret(), restarted.code(Reset, "t1").expose_secret());
    }

    #[test]
    fn the_link_is_the_documented_mac() {
        let secrets = MailedSecrets::new(&keys_of(&[&URL_SAFE_NO_PAD.encode([7; 32])]));
        // From Python: hmac.new(bytes([7]) * 32, b"doorward reset-link v1\0t1", "sha256")
        assert_eq!(secrets.link_token(Reset, "t1").expose_secret(), "VutB4UuCwbgp_iQE65igyfP1yodpuJqkWJJTZ9Kbo-c");
        assert_eq!(secrets.code(Reset, "t1").expose_secret(), "01582588");
        for (purpose, link, code) in [
            (Purpose::EmailConfirmation, "0baQ7VSfYBs51hSitZIGOaE9aQvD6K8pbPoGWrFRuek", "65095912"),
            (Purpose::EmailChange, "MNcwdAsppiUlhAmD8N5HcNBBdozDJhKddmDrVQSy4J0", "72723596"),
            (Purpose::EmailUndo, "PEmrLZXJXe9Kmx8A5Bwu4TMMDuTMz4lUwfpJkkskcQ4", "24762143"),
            (Purpose::UsernameReset, "BQVtDD_zWua67zd1SZeOMLxsGGUtWatM43gnvcWzDwI", "73315821"),
        ] {
            assert_eq!(secrets.link_token(purpose, "t1").expose_secret(), link);
            assert_eq!(secrets.code(purpose, "t1").expose_secret(), code);
        }
    }

    #[test]
    fn a_link_and_a_code_open_their_own_ticket_only() {
        let (secrets, _) = one_key();
        let (link, code) = (secrets.link_token(Reset, "t1"), secrets.code(Reset, "t1"));
        assert!(
            secrets.link_matches(Reset, "t1", link.expose_secret())
                && secrets.code_matches(Reset, "t1", code.expose_secret())
        );
        assert!(
            !secrets.link_matches(Reset, "t2", link.expose_secret())
                && !secrets.code_matches(Reset, "t2", code.expose_secret())
        );
        assert!(
            !secrets.link_matches(Reset, "t1", code.expose_secret())
                && !secrets.code_matches(Reset, "t1", link.expose_secret())
        );
    }

    #[test]
    fn a_secret_of_one_purpose_never_works_for_another() {
        let (secrets, _) = one_key();
        for made in Purpose::ALL {
            let (link, code) = (secrets.link_token(made, "t1"), secrets.code(made, "t1"));
            for used in Purpose::ALL {
                assert_eq!(secrets.link_matches(used, "t1", link.expose_secret()), made == used, "{made:?}, {used:?}");
                assert_eq!(secrets.code_matches(used, "t1", code.expose_secret()), made == used, "{made:?}, {used:?}");
            }
        }
    }

    #[test]
    fn a_link_with_any_letter_changed_or_missing_is_refused() {
        let (secrets, _) = one_key();
        let link = secrets.link_token(Reset, "t1").expose_secret().to_owned();
        assert_eq!(link.len(), 43);
        for at in 0..link.len() {
            let other = if link.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut changed = link.clone();
            changed.replace_range(at..=at, other);
            assert!(!secrets.link_matches(Reset, "t1", &changed), "letter {at}");
            assert!(!secrets.link_matches(Reset, "t1", &link[..at]), "cut at {at}");
        }
        assert!(!secrets.link_matches(Reset, "t1", &format!("{link}A")));
    }

    #[test]
    fn a_code_is_eight_digits_and_may_be_typed_with_spaces_and_dashes() {
        let (secrets, _) = one_key();
        for ticket in (0..200).map(|number| number.to_string()) {
            let code = secrets.code(Reset, &ticket).expose_secret().to_owned();
            assert!(code.len() == 8 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
            let typed = format!(" {}\u{a0}{}-{}\n", &code[..2], &code[2..5], &code[5..]);
            assert!(secrets.code_matches(Reset, &ticket, &typed));
            assert!(
                !secrets.code_matches(Reset, &ticket, &code[1..])
                    && !secrets.code_matches(Reset, &ticket, &format!("0{code}"))
            );
        }
        assert!(!secrets.code_matches(Reset, "t", ""));
    }

    #[test]
    fn an_older_mail_key_is_still_accepted_and_no_longer_makes() {
        let (before, old) = one_key();
        let new = random_key();
        let during = MailedSecrets::new(&keys_of(&[&new, &old]));
        let (link, code) = (before.link_token(Reset, "t1"), before.code(Reset, "t1"));
        assert!(
            during.link_matches(Reset, "t1", link.expose_secret())
                && during.code_matches(Reset, "t1", code.expose_secret())
        );
        assert_ne!(during.link_token(Reset, "t1").expose_secret(), link.expose_secret());
        assert!(during.link_matches(Reset, "t1", during.link_token(Reset, "t1").expose_secret()));
        assert!(during.code_matches(Reset, "t1", during.code(Reset, "t1").expose_secret()));
        let after = MailedSecrets::new(&keys_of(&[&new]));
        assert!(!after.link_matches(Reset, "t1", link.expose_secret()));
        assert!(after.link_matches(Reset, "t1", during.link_token(Reset, "t1").expose_secret()));
    }
}
