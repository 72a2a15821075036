//! How fresh the proof of who somebody is must be, and how often it may be given.

use super::{AuthError, AuthService, Origin, Principal, throttle::Charge};
use crate::{
    domain::{account::AccountId, time::Timestamp},
    server::store::{
        accounts::StoredAccount,
        outbox::{MailKind, NewMail},
    },
};

/// Seconds after which a notice of a change is not worth sending any more: three days.
pub(super) const NOTICE_LIFETIME: i64 = 259_200;

/// Seconds by which the clocks of servers may differ.
const CLOCKS_APART: i64 = 60;

impl AuthService {
    /// Whether the caller has shown who it is so lately that sensitive acts ask nothing more (`account.proof_age`).
    #[must_use]
    pub fn is_fresh(&self, principal: &Principal) -> bool {
        self.must_be_recent(principal.authenticated_at).is_ok()
    }

    /// As [`AuthService::must_be_fresh`], of a proof at that time.
    pub(super) fn must_be_recent(&self, authenticated_at: Timestamp) -> Result<(), AuthError> {
        let age = self.parts.clock.now().since(authenticated_at);
        // A clock that was set back makes no old proof young.
        let recent = -CLOCKS_APART..=self.parts.settings.account.proof_age;
        if recent.contains(&age) { Ok(()) } else { Err(AuthError::ProofRequired) }
    }

    /// As [`AuthService::is_fresh`], as a refusal.
    pub(super) fn must_be_fresh(&self, principal: &Principal) -> Result<(), AuthError> {
        if self.is_fresh(principal) { Ok(()) } else { Err(AuthError::ProofRequired) }
    }

    /// What a password given as proof counts on: the session, the account, and the account over a long time.
    pub(super) fn proof_charges(&self, account: AccountId, sid: Option<&str>) -> Vec<Charge> {
        let limits = &self.parts.settings.throttle;
        let account = account.to_string();
        let mut charges = vec![
            self.slowing("proof-account", &account, limits.proof_account, limits.login_slowest),
            self.limited("proof-total", &account, limits.login_name_total),
        ];
        charges.extend(sid.map(|sid| self.limited("proof", sid, limits.proof)));
        charges
    }

    /// What whatever costs a hash inside a session counts on, right or wrong: the account.
    pub(super) fn hash_charge(&self, account: AccountId) -> Charge {
        self.limited("proofs", &account.to_string(), self.parts.settings.throttle.login)
    }

    /// What asking for a mail counts on: the asker's address.
    pub(super) fn mail_charges(&self, origin: &Origin) -> [Charge; 2] {
        let limits = &self.parts.settings.throttle;
        [self.limited("mail", &origin.ip, limits.mail), self.limited("mail-total", &origin.ip, limits.mail_total)]
    }

    /// What changes of a profile or of second factors and copies of one's data count on: each makes an entry in the log that
    /// all share, and some cost hashes.
    pub(super) fn profile_charge(&self, account: AccountId) -> Charge {
        self.limited("profile", &account.to_string(), self.parts.settings.throttle.profile)
    }

    /// What judging a new password counts on, which takes milliseconds whether or not anything becomes of it.
    pub(super) fn password_charge(&self, origin: &Origin) -> Charge {
        self.limited("password", &origin.ip, self.parts.settings.throttle.password)
    }

    /// What failing sign-ins count on that give one of the account's two names.
    pub(super) fn name_charges(&self, account: &StoredAccount) -> Vec<Charge> {
        [&account.email_key, &account.username_key].into_iter().flat_map(|key| self.name_charge(key)).collect()
    }

    /// What a failing sign-in counts on that gives this name, known or not.
    pub(super) fn name_charge(&self, key: &str) -> [Charge; 2] {
        let limits = &self.parts.settings.throttle;
        [
            self.slowing("login-name", key, limits.login_name, limits.login_slowest),
            self.limited("login-name-total", key, limits.login_name_total),
        ]
    }

    /// A mail that tells an account's owner what was done.
    pub(super) fn notice(&self, kind: MailKind, account: AccountId, about: Option<String>) -> NewMail {
        NewMail {
            id: crate::server::entropy::random_id(self.parts.entropy.as_ref()),
            kind,
            account: Some(account),
            ticket: None,
            give_up_at: self.parts.clock.now().plus(NOTICE_LIFETIME),
            about,
        }
    }
}

impl Origin {
    /// Device and place in one line, for mails.
    pub(super) fn told(&self) -> String {
        if self.ip.is_empty() { self.device_label.clone() } else { format!("{}, {}", self.device_label, self.ip) }
    }
}
