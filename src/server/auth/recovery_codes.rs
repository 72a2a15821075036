//! Recovery codes: ten, shown once, each good once in place of another factor.

use super::{AuthError, AuthService, Origin, Principal};
use crate::{
    domain::{account::AccountId, factor::RECOVERY_CODES, history::Event, time::Timestamp},
    server::{
        crypto::{RecoveryCode, SealFor},
        store::{
            StoreError, Tx, accounts, factors,
            outbox::{self, MailKind},
            recovery_codes, sessions,
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// Seconds for which the browser that is to show new codes can do so: a reload must not lose them.
const SHOWN_FOR: i64 = 900;

/// Codes that were just made. `Debug` shows none.
#[derive(Clone)]
pub struct NewCodes(Vec<SecretString>);

impl std::fmt::Debug for NewCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewCodes")
    }
}

impl NewCodes {
    /// The codes as they are shown.
    #[must_use]
    pub fn expose(&self) -> Vec<String> {
        self.0.iter().map(|code| code.expose_secret().to_owned()).collect()
    }
}

/// New codes on their way to the browser that shows them: sealed, for its cookie.
#[derive(Clone, Debug)]
pub struct ShownCodes {
    /// What is kept.
    pub value: SecretString,
    /// Seconds.
    pub max_age: i64,
}

/// New codes, and their hashes about to be written.
pub(super) struct Codes {
    shown: Vec<SecretString>,
    hashed: Vec<(String, String)>,
}

impl Codes {
    pub(super) fn shown(&self) -> NewCodes {
        NewCodes(self.shown.clone())
    }

    pub(super) async fn write(&self, tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
        recovery_codes::replace(tx, account, &self.hashed, now).await
    }
}

#[derive(Serialize, Deserialize)]
struct SealedCodes {
    until: i64,
    codes: Vec<String>,
}

impl AuthService {
    /// Ten new codes and their hashes; nothing is written yet.
    ///
    /// # Errors
    /// `Busy`.
    pub(super) async fn new_codes(&self) -> Result<Codes, AuthError> {
        let codes = RecoveryCode::set(RECOVERY_CODES, self.parts.entropy.as_ref());
        let mut hashed = Vec::new();
        for code in &codes {
            hashed.push((code.slot().to_owned(), self.parts.hasher.hash(code.secret()).await?));
        }
        Ok(Codes { shown: codes.iter().map(RecoveryCode::shown).collect(), hashed })
    }

    /// Makes new codes; all older ones are void.
    ///
    /// # Errors
    /// `ProofRequired`; `NotFound` for an account without a factor; `TooMany`; `Busy`; `Unavailable`.
    pub async fn make_recovery_codes(&self, principal: &Principal, origin: &Origin) -> Result<NewCodes, AuthError> {
        self.must_be_fresh(principal)?;
        self.charge(&[self.profile_charge(principal.account.id)]).await?;
        let (now, id, sid) = (self.parts.clock.now(), principal.account.id, principal.sid.clone());
        let codes = self.new_codes().await?;
        let shown = codes.shown();
        let mail = self.notice(MailKind::RecoveryCodesMade, id, Some(origin.told()));
        let noted = self.noted(Event::RecoveryCodesMade, Some(id), Some(&principal.sid), origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                // Making codes takes a while: somebody may have ended the session, or enrolled the first factor elsewhere.
                if !sessions::may_act(tx, &sid, now).await? {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                if !factors::any(tx, id).await? {
                    return Ok(Err(AuthError::NotFound));
                }
                codes.write(tx, id, now).await?;
                outbox::insert(tx, &mail, now).await?;
                noted.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        self.parts.mail.notify_one();
        tracing::info!(event = "recovery_codes_made", account = %id, "new recovery codes were made");
        Ok(shown)
    }

    /// New codes for the cookie of the browser that is to show them, to this account only.
    #[must_use]
    pub fn codes_to_show(&self, account: AccountId, codes: &NewCodes) -> Option<ShownCodes> {
        let until = self.parts.clock.now().plus(SHOWN_FOR).0;
        let text = serde_json::to_vec(&SealedCodes { until, codes: codes.expose() }).ok()?;
        let boxes = &self.keyed().secret_boxes;
        let sealed = boxes.seal(SealFor::NewCodes, &account.to_string(), &text, self.parts.entropy.as_ref())?;
        Some(ShownCodes { value: sealed.into(), max_age: SHOWN_FOR })
    }

    /// The codes in that cookie, as long as they are to be shown to the caller.
    #[must_use]
    pub fn codes_to_see(&self, principal: &Principal, cookie: &str) -> Option<Vec<String>> {
        let account = principal.account.id.to_string();
        let text = self.keyed().secret_boxes.open(SealFor::NewCodes, &account, cookie)?;
        let sealed: SealedCodes = serde_json::from_slice(text.expose_secret()).ok()?;
        (self.parts.clock.now().0 < sealed.until).then_some(sealed.codes)
    }
}
