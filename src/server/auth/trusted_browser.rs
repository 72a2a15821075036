//! "Trust this browser": where the second factor is not asked for, for a while.
//!
//! The cookie holds one entry an account, at most four, newest first, joined by '~': the entry's public id, '.', and 256
//! random bits as base64url, of which the database has the digest. It replaces the second factor only, never the password.

use super::{AuthError, AuthService, Origin, Principal, audit::Noted, named, ticket::digest};
use crate::{
    domain::{account::AccountId, history::Event, time::Timestamp},
    server::{
        entropy::random_id,
        store::{
            StoreError, Tx,
            accounts::StoredAccount,
            outbox::{self, MailKind, NewMail},
            trusted_browsers::{self, NewTrustedBrowser},
        },
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use subtle::ConstantTimeEq as _;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Accounts that one browser is trusted by.
const ENTRIES: usize = 4;
/// Bytes of the longest cookie that is looked at; four entries have 267.
const LONGEST: usize = 512;

/// The cookie of trusted browsers, on its way.
#[derive(Clone, Debug)]
pub struct TrustCookie {
    /// What is kept.
    pub value: SecretString,
    /// Seconds.
    pub max_age: i64,
}

/// This browser is trusted by the account.
pub(super) struct Trusted {
    account: AccountId,
    id: String,
}

impl Trusted {
    /// Notes the use. False if it is not trusted any more.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        trusted_browsers::note_use(tx, self.account, &self.id, now).await
    }
}

/// Trust that is about to be given.
pub(super) struct Trusting {
    new: NewTrustedBrowser,
    told: NewMail,
    noted: Noted,
}

impl Trusting {
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        trusted_browsers::insert(tx, &self.new, now).await?;
        outbox::insert(tx, &self.told, now).await?;
        self.noted.write(tx, now).await
    }
}

/// The entries of a cookie: id and secret.
fn entries(cookie: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let cookie = cookie.filter(|cookie| cookie.len() <= LONGEST).unwrap_or_default();
    cookie.split('~').take(ENTRIES).filter_map(|entry| entry.split_once('.'))
}

impl AuthService {
    /// Whether the account trusts the browser of this origin.
    pub(super) async fn trusted_here(
        &self,
        account: &StoredAccount,
        origin: &Origin,
    ) -> Result<Option<Trusted>, AuthError> {
        if self.parts.settings.factors.trusted_days == 0 {
            return Ok(None);
        }
        let (now, whose) = (self.parts.clock.now(), account.account.id);
        let mut tx = self.parts.store.read().await?;
        for (id, secret) in entries(origin.trusted.as_deref()) {
            let Some(stored) = trusted_browsers::digest_of(&mut tx, whose, id, now).await? else { continue };
            if digest(secret).as_bytes().ct_eq(stored.as_bytes()).into() {
                return Ok(Some(Trusted { account: whose, id: id.to_owned() }));
            }
        }
        Ok(None)
    }

    /// Trust in the browser of this origin, and its cookie; nothing where the settings offer none.
    pub(super) fn trusting(&self, account: AccountId, sid: &str, origin: &Origin) -> Option<(Trusting, TrustCookie)> {
        let max_age = self.parts.settings.factors.trusted_days.saturating_mul(DAY);
        if max_age == 0 {
            return None;
        }
        let id = random_id(self.parts.entropy.as_ref());
        let mut bytes = [0; 32];
        self.parts.entropy.fill(&mut bytes);
        let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let new = NewTrustedBrowser {
            id: id.clone(),
            account,
            secret_digest: digest(&secret),
            device_label: origin.device_label.clone(),
            ip: origin.ip.clone(),
            expires_at: self.parts.clock.now().plus(max_age),
        };
        let others =
            entries(origin.trusted.as_deref()).take(ENTRIES - 1).map(|(id, secret)| [id, ".", secret].concat());
        let all: Vec<_> = std::iter::once([id, secret].join(".")).chain(others).collect();
        let cookie = TrustCookie { value: all.join("~").into(), max_age };
        let noted = self.noted(Event::BrowserTrusted, Some(account), Some(sid), origin);
        let told = self.notice(MailKind::BrowserTrusted, account, Some(origin.told()));
        Some((Trusting { new, told, noted }, cookie))
    }

    /// Trusts one of the caller's browsers no more.
    ///
    /// # Errors
    /// `ProofRequired`; `NotFound` if it is none of this account's; `Unavailable`.
    pub async fn untrust_browser(&self, principal: &Principal, id: &str, origin: &Origin) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        let (now, account, id) = (self.parts.clock.now(), principal.account.id, named(id)?);
        let noted = self.noted(Event::BrowserUntrusted, Some(account), Some(&principal.sid), origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let gone = trusted_browsers::delete(tx, account, &id).await?;
                if gone {
                    noted.write(tx, now).await?;
                }
                Ok(gone)
            })
        });
        if write.await? { Ok(()) } else { Err(AuthError::NotFound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_has_four_entries_at_most_and_garbage_has_none() {
        assert_eq!(entries(Some("a.b~c.d")).collect::<Vec<_>>(), [("a", "b"), ("c", "d")]);
        assert_eq!(entries(Some("a.b~a.b~a.b~a.b~c.d")).count(), 4);
        for garbage in ["", "~~~", "abc", &"a.b~".repeat(200)] {
            assert_eq!(entries(Some(garbage)).count(), 0, "{garbage:.20}");
        }
        assert_eq!(entries(None).count(), 0);
    }
}
