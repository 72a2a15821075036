//! Changing the password inside a session: all others end, this one continues.

use super::{
    AuthError, AuthService, Decision, NewPasswordForm, Opened, Origin, Principal,
    audit::Noted,
    challenge::wrong,
    factors::Going,
    step_up::{LOOKS, next_after},
    throttle::{self, Charge},
    ticket::void_tickets,
};
use crate::{
    domain::{credential::TypedPassword, factor::AssuranceLevel, history::Event, problem::FieldError, time::Timestamp},
    server::{
        crypto::Presented,
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            challenges,
            outbox::{self, MailKind, NewMail},
            passkeys,
            sessions::{self, Session},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

/// A change that is let through.
pub(super) struct Change {
    rid: String,
    /// The session as it was seen, and the token that is made; nothing where the caller keeps the token it has.
    step: Option<(Session, i64)>,
    account: StoredAccount,
    hash: String,
    notice: NewMail,
    noted: Noted,
    throttled: Vec<Charge>,
    /// Whether the caller's own session outlives it.
    goes_on: bool,
}

impl AuthService {
    /// Sets a new password with the present one, or the first one of an account that has none, after a fresh proof. All other
    /// sessions end; this one goes on with a new token, and no older one is taken (`tokens.md`: a change of privilege). A
    /// double click is answered the same way twice. Of an account with a factor the password is no fresh proof, here neither.
    ///
    /// # Errors
    /// `NotSignedIn`; `Leaving`; `ProofRequired`; `Invalid` with the field; `TooMany`; `Busy`; `Unavailable`.
    pub async fn change_password(
        &self,
        held: Option<&str>,
        current: &SecretString,
        form: &NewPasswordForm,
        origin: &Origin,
    ) -> Result<Opened, AuthError> {
        let presented =
            held.and_then(|token| self.keyed().refresh_tokens.parse(token)).ok_or(AuthError::NotSignedIn)?;
        let (seen, account, decision) = self.standing(&presented).await?;
        if account.account.delete_at.is_some() {
            return Err(AuthError::Leaving);
        }
        if decision == Decision::RefuseSoftly {
            return self.changed_already(&presented, &seen, account, form).await;
        }
        if account.password_hash.is_none() {
            // There is none to ask for: a passkey has shown who it is, lately.
            self.must_be_recent(seen.authenticated_at)?;
            self.charge(&[self.hash_charge(account.account.id)]).await?;
        } else {
            self.check_current(&account, &seen.sid, current, form, origin).await?;
        }
        let password = self.password_for(&account, &form.password, &form.password_again).await?;
        let hash = self.parts.hasher.hash(password.secret().clone()).await?;
        for _ in 0..LOOKS {
            // Other tabs go on refreshing while the passwords are hashed: the row is looked at again.
            let (seen, ..) = self.standing(&presented).await?;
            if let Some(opened) = self.write_change(&presented, seen, &account, hash.clone(), origin).await? {
                return Ok(opened);
            }
        }
        Err(AuthError::Busy)
    }

    /// Takes the password of an account away that has a passkey: from then on that alone signs in. It is asked for a last
    /// time: an account without one takes a first one from whoever has a passkey, so whoever only holds a session, and has
    /// made a passkey there, must not get that far.
    ///
    /// # Errors
    /// `ProofRequired`; `Invalid` (field `old_password`); `LastWayIn` without a passkey; `NotFound` if there is no password;
    /// `TooMany`; `Busy`; `Unavailable`.
    pub async fn remove_password(
        &self,
        principal: &Principal,
        password: &SecretString,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        let (now, id) = (self.parts.clock.now(), principal.account.id);
        let found = accounts::find(&mut *self.parts.store.read().await?, id).await?.ok_or(AuthError::NotSignedIn)?;
        if found.password_hash.is_none() {
            return Err(AuthError::NotFound);
        }
        if password.expose_secret().is_empty() {
            return Err(wrong("old_password", "Enter your password once more, to remove it."));
        }
        let not_it = FieldError::new("old_password", "That is not your password. Please try again.");
        self.prove((id, Some(&principal.sid)), found.password_hash, password, not_it, origin).await?;
        let removing = self.removing(principal, Event::PasswordRemoved, MailKind::PasswordRemoved, origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                if !removing.may_write(tx, now).await? {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                let passkeys = passkeys::of_account(tx, id).await?.len();
                if !removing.leaves_a_way_in(tx, passkeys, Some(Going::Password)).await? {
                    return Ok(Err(AuthError::LastWayIn));
                }
                if !accounts::forget_password(tx, id).await? {
                    return Ok(Err(AuthError::NotFound));
                }
                // Who waits for a factor has shown the password: it is worth nothing any more.
                challenges::consume_of(tx, id, now).await?;
                removing.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        write.await??;
        self.parts.mail.notify_one();
        tracing::info!(event = "password_removed", account = %id, "a password was removed; passkeys sign in");
        Ok(())
    }

    /// None if session or account have moved since they were read.
    async fn write_change(
        &self,
        presented: &Presented,
        seen: Session,
        account: &StoredAccount,
        hash: String,
        origin: &Origin,
    ) -> Result<Option<Opened>, AuthError> {
        let (now, id) = (self.parts.clock.now(), account.account.id);
        let throttled = self.name_charges(account);
        let made = next_after(&seen, presented);
        let step = Some((seen.clone(), made));
        let change = self.password_change((presented.rid.to_text(), &seen.sid), step, account, hash, origin);
        let write = self.parts.store.write(move |tx| Box::pin(async move { change.write(tx, now).await }));
        if !write.await? {
            return Ok(None);
        }
        self.unblock(&throttled);
        tracing::info!(event = "password_changed", account = %id, "a password was changed; other sessions have ended");
        self.parts.mail.notify_one();
        let opened = self.opened(&presented.rid, &seen, made, now)?;
        // No browser is known any more but this one, as soon as the password has changed: a second from now.
        Ok(Some(Opened { known_devices: Some(self.known_devices_with(origin, id, now.plus(1))), ..opened }))
    }

    /// A change that is let through, with what is written beside it.
    pub(super) fn password_change(
        &self,
        (rid, sid): (String, &str),
        step: Option<(Session, i64)>,
        account: &StoredAccount,
        hash: String,
        origin: &Origin,
    ) -> Change {
        let id = account.account.id;
        Change {
            notice: self.notice(MailKind::PasswordChanged, id, Some(origin.told())),
            noted: self.noted(Event::PasswordChanged, Some(id), Some(sid), origin),
            throttled: self.name_charges(account),
            goes_on: step.is_some() || !self.parts.settings.compat.end_on_password_change,
            rid,
            step,
            account: account.clone(),
            hash,
        }
    }

    pub(super) async fn check_current(
        &self,
        account: &StoredAccount,
        sid: &str,
        current: &SecretString,
        form: &NewPasswordForm,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let refuse = |field, message: &str| Err(AuthError::Invalid(vec![FieldError::new(field, message)]));
        if current.expose_secret().is_empty() {
            return refuse("current_password", "Enter your present password.");
        }
        let id = account.account.id;
        let wrong = FieldError::new("current_password", "That is not your present password. Please try again.");
        self.prove((id, Some(sid)), account.password_hash.clone(), current, wrong, origin).await?;
        // Both came in the same request: no secret is compared with one of ours.
        if current.expose_secret() == form.password.expose_secret() {
            return refuse("password", "That is the password you have now. Choose another one.");
        }
        Ok(())
    }

    /// The double click: the first one has done it, and made the token that this one gets again. After any other step-up,
    /// such as a proof by a factor, an older token and the password get nothing.
    async fn changed_already(
        &self,
        presented: &Presented,
        seen: &Session,
        account: StoredAccount,
        form: &NewPasswordForm,
    ) -> Result<Opened, AuthError> {
        // Both were written in one transaction, with one time.
        if seen.stepped_up_at.is_none_or(|at| !account.password_was_set(at)) {
            return Err(AuthError::Superseded);
        }
        let typed = TypedPassword::parse(&form.password, self.parts.settings.password.max_length);
        let typed = typed.ok_or(AuthError::Superseded)?;
        // It is a guess at the password like any other.
        let id = account.account.id;
        self.charge(&[self.proof_charges(id, Some(&seen.sid)), vec![self.hash_charge(id)]].concat()).await?;
        let verdict = self.parts.hasher.verify(&typed, account.password_hash).await?;
        // The session may have ended while that was computed.
        let (seen, _, decision) = self.standing(presented).await?;
        match verdict.matches && decision == Decision::RefuseSoftly {
            true => self.opened(&presented.rid, &seen, seen.counter, self.parts.clock.now()),
            false => Err(AuthError::Superseded),
        }
    }
}

impl Change {
    /// False if session or account have moved since they were read.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        let id = self.account.account.id;
        accounts::hold(tx, id).await?;
        // An account that has just got its first factor asks for it: this session has not shown one.
        let is_as_before = |now: StoredAccount| {
            (now.security_epoch, now.demanded_level) == (self.account.security_epoch, self.account.demanded_level)
        };
        let unmoved = accounts::find(tx, id).await?.is_some_and(is_as_before);
        let goes_on = match &self.step {
            Some((seen, made)) => {
                let proven =
                    if self.account.demanded_level > AssuranceLevel::One { seen.authenticated_at } else { now };
                unmoved && sessions::step_up(tx, &self.rid, seen, *made, (now, proven)).await?
            }
            None => unmoved && sessions::touch(tx, &self.rid, now).await?,
        };
        if !goes_on {
            return Ok(false);
        }
        accounts::set_password(tx, id, &self.hash, now).await?;
        if self.goes_on {
            sessions::follow_epoch(tx, &self.rid).await?;
        }
        void_tickets(tx, id, now).await?;
        outbox::insert(tx, &self.notice, now).await?;
        throttle::forget(tx, &self.throttled).await?;
        self.noted.write(tx, now).await?;
        Ok(true)
    }
}
