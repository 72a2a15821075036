//! Authenticator apps: a secret waits for its first code, then takes the place of an earlier one.

use super::{
    AuthError, AuthService, By, Enrolled, FactorProof, Origin, Principal,
    challenge::wrong,
    factors::{Enroller, Going},
};
use crate::{
    domain::{
        factor::{SignInMethod, WaitingTotp},
        history::Event,
        time::Timestamp,
    },
    server::{
        crypto::{SealFor, TotpSecret},
        entropy::random_id,
        store::{
            accounts::{self, StoredAccount},
            outbox::{self, MailKind},
            passkeys, sessions, throttles,
            totp_secrets::{self, StoredTotp},
        },
    },
};
use secrecy::ExposeSecret as _;

impl AuthService {
    /// Begins to set up an authenticator app: a new secret, in place of one that waits.
    ///
    /// # Errors
    /// `ProofRequired`; `UnconfirmedEmail`; `ChallengeOver`; `TooMany`; `Unavailable`.
    pub async fn start_totp(&self, by: By<'_>) -> Result<WaitingTotp, AuthError> {
        let enroller = self.enroller(by).await?;
        let id = enroller.account.account.id;
        self.charge(&[self.profile_charge(id)]).await?;
        let secret = TotpSecret::random(self.parts.entropy.as_ref());
        let (row, sealed) = (random_id(self.parts.entropy.as_ref()), self.sealed_totp(&enroller.bound(), &secret)?);
        let now = self.parts.clock.now();
        let expires_at = now.plus(self.parts.settings.factors.enrolment_lifetime);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                totp_secrets::insert(tx, &row, id, &sealed, now, expires_at).await
            })
        });
        write.await?;
        Ok(self.shown_totp(&enroller.account, &secret, expires_at))
    }

    /// `whom` is the account, once the app is in use.
    fn sealed_totp(&self, whom: &str, secret: &TotpSecret) -> Result<String, AuthError> {
        let sealed =
            self.keyed().secret_boxes.seal(SealFor::TotpSecret, whom, secret.bytes(), self.parts.entropy.as_ref());
        sealed.ok_or(AuthError::Signing)
    }

    /// The secret that waits for its first code, for whoever has begun it.
    ///
    /// # Errors
    /// As [`AuthService::start_totp`].
    pub async fn waiting_totp(&self, by: By<'_>) -> Result<Option<WaitingTotp>, AuthError> {
        let enroller = self.enroller(by).await?;
        let Some((stored, secret)) = self.totp_that_waits(&enroller).await? else { return Ok(None) };
        Ok(Some(self.shown_totp(&enroller.account, &secret, stored.expires_at)))
    }

    async fn totp_that_waits(&self, enroller: &Enroller) -> Result<Option<(StoredTotp, TotpSecret)>, AuthError> {
        let (now, id) = (self.parts.clock.now(), enroller.account.account.id);
        let stored = totp_secrets::waiting(&mut *self.parts.store.read().await?, id).await?;
        let Some(stored) = stored.filter(|stored| now < stored.expires_at) else { return Ok(None) };
        let opened = self.keyed().secret_boxes.open(SealFor::TotpSecret, &enroller.bound(), &stored.sealed);
        Ok(opened.map(|secret| (stored, TotpSecret::kept(secret))))
    }

    fn shown_totp(&self, account: &StoredAccount, secret: &TotpSecret, expires_at: Timestamp) -> WaitingTotp {
        let site = &self.parts.settings.server.site_name;
        WaitingTotp {
            secret: secret.base32().expose_secret().to_owned(),
            url: secret.url(site, &account.account.username).expose_secret().to_owned(),
            expires_at,
        }
    }

    /// Takes the app into use with a code of it. An account's first factor comes with new recovery codes.
    ///
    /// # Errors
    /// As [`AuthService::start_totp`]; `Invalid` (field `code`); `TooMany`; `Busy`.
    pub async fn confirm_totp(&self, by: By<'_>, code: &str, origin: &Origin) -> Result<Enrolled, AuthError> {
        let enroller = self.enroller(by).await?;
        let id = enroller.account.account.id;
        if let Some(blank) = FactorProof::Totp(code.into()).blank() {
            return Err(blank);
        }
        let charges = self.factor_charges(&enroller.account, origin);
        self.charge(&charges).await?;
        let over = || wrong("code", "This took too long. Start again, and scan the new picture.");
        let (stored, secret) = self.totp_that_waits(&enroller).await?.ok_or_else(over)?;
        let now = self.parts.clock.now();
        let not_right = || {
            let message = "That code is not right. Check that your phone shows the right time, and enter a new code.";
            wrong("code", message)
        };
        let step = secret.step_of(code, now).ok_or_else(not_right)?;
        let sealed = self.sealed_totp(&id.to_string(), &secret)?;
        let enrolling = self.enrolling(&enroller, SignInMethod::PasswordAndTotp, Event::TotpEnrolled, origin).await?;
        let mail = self.notice(MailKind::TotpEnrolled, id, Some(origin.told()));
        let shown = enrolling.shown();
        let (forgotten, sid) = (charges.clone(), enroller.sid().map(str::to_owned));
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                let may = enrolling.may_write(tx, now).await?;
                let replaces = totp_secrets::confirmed(tx, id).await?.is_some();
                if !may || !totp_secrets::confirm(tx, &stored.id, id, &sealed, now).await? {
                    return Ok(false);
                }
                totp_secrets::take_step(tx, &stored.id, step, now).await?;
                outbox::insert(tx, &mail, now).await?;
                throttles::forget(tx, &forgotten).await?;
                if let Some(sid) = sid.filter(|_| replaces) {
                    // One may have been opened with the app that is gone (ASVS 7.4.3).
                    sessions::revoke_others(tx, id, &sid, "factor_removed", now).await?;
                }
                enrolling.write(tx, now).await?;
                Ok(true)
            })
        });
        if !write.await? {
            return Err(over());
        }
        self.unblock(&charges);
        Ok(self.enrolled(&enroller, shown, origin))
    }

    /// Removes the authenticator app; not where the site demands a factor and it is the last one.
    ///
    /// # Errors
    /// `ProofRequired`; `LastWayIn`; `NotFound`; `TooMany`; `Unavailable`.
    pub async fn remove_totp(&self, principal: &Principal, origin: &Origin) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        self.charge(&[self.profile_charge(principal.account.id)]).await?;
        let (now, id) = (self.parts.clock.now(), principal.account.id);
        let removing = self.removing(principal, Event::TotpRemoved, MailKind::TotpRemoved, origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                if !removing.may_write(tx, now).await? {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                if totp_secrets::confirmed(tx, id).await?.is_none() {
                    return Ok(Err(AuthError::NotFound));
                }
                let passkeys = passkeys::of_account(tx, id).await?.len();
                if !removing.leaves_a_way_in(tx, passkeys, Some(Going::Totp)).await? {
                    return Ok(Err(AuthError::LastWayIn));
                }
                totp_secrets::delete_of(tx, id).await?;
                removing.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        self.parts.mail.notify_one();
        tracing::info!(event = "totp_removed", account = %id, "an authenticator app was removed");
        Ok(())
    }

    /// Seals the secrets of authenticator apps in use anew that an older key has sealed, so that the older key can be dropped.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn reseal_totp(&self) -> Result<(), AuthError> {
        let mut after = String::new();
        loop {
            let some = totp_secrets::after(&mut *self.parts.store.read().await?, &after, RESEALED_AT_ONCE).await?;
            let Some(last) = some.last() else { return Ok(()) };
            after.clone_from(&last.id);
            let boxes = self.keyed();
            let anew: Vec<_> = some
                .into_iter()
                .filter_map(|totp| {
                    let whom = totp.account.to_string();
                    let entropy = self.parts.entropy.as_ref();
                    let new = boxes.secret_boxes.renew(SealFor::TotpSecret, &whom, &totp.sealed, entropy)?;
                    Some((totp.id, totp.sealed, new))
                })
                .collect();
            let write = self.parts.store.write(move |tx| {
                Box::pin(async move {
                    for (id, old, new) in &anew {
                        totp_secrets::reseal(tx, id, old, new).await?;
                    }
                    Ok(())
                })
            });
            write.await?;
        }
    }
}

/// Secrets that are looked at, and sealed anew, in one transaction.
const RESEALED_AT_ONCE: i64 = 200;
