//! What people say of themselves: names, user name, time zone.

use super::{AuthError, AuthService, Origin, Principal, zones::is_zone};
use crate::{
    domain::{
        account::AccountId,
        credential::{PersonName, Username},
        history::Event,
        problem::FieldError,
    },
    server::store::{
        StoreError, accounts,
        outbox::{self, MailKind, NewMail},
        reservations::{self, Kept},
        sessions,
        tickets::{self, Ticket},
    },
};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What the profile's form holds, as it was typed.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the form's own fields")]
pub struct ProfileForm<'a> {
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub time_zone: &'a str,
}

impl AuthService {
    /// Changes first and last name and the time zone that dates are shown in.
    ///
    /// # Errors
    /// `Invalid`; `TooMany`; `Unavailable`.
    pub async fn change_profile(
        &self,
        principal: &Principal,
        form: &ProfileForm<'_>,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let mut errors = Vec::new();
        let mut note = |field, message: String| errors.push(FieldError::new(field, message));
        let first_name = PersonName::parse(form.first_name).map_err(|message| note("first_name", message)).ok();
        let last_name = PersonName::parse(form.last_name).map_err(|message| note("last_name", message)).ok();
        if !is_zone(form.time_zone) {
            note("time_zone", "Choose a time zone from the list.".to_owned());
        }
        let (Some(first_name), Some(last_name), true) = (first_name, last_name, errors.is_empty()) else {
            return Err(AuthError::Invalid(errors));
        };
        self.charge(&[self.profile_charge(principal.account.id)]).await?;
        let (now, id, zone) = (self.parts.clock.now(), principal.account.id, form.time_zone.to_owned());
        let noted = self.noted(Event::ProfileChanged, Some(id), Some(&principal.sid), origin);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::set_profile(tx, id, first_name.as_str(), last_name.as_str(), &zone).await?;
                noted.write(tx, now).await
            })
        });
        Ok(write.await?)
    }

    /// Changes the user name. The old one stays reserved for its owner (`account.keep_name`).
    ///
    /// # Errors
    /// `ProofRequired`; `Invalid` if it is no name or taken; `TooMany`; `Unavailable`.
    pub async fn change_username(
        &self,
        principal: &Principal,
        username: &str,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        self.must_be_fresh(principal)?;
        let account = (principal.account.id, principal.account.username.as_str());
        self.rename(account, username, (Some(&principal.sid), None), origin).await
    }

    /// Changes the user name of an account, given by its id and present name, in a session or with a ticket.
    ///
    /// # Errors
    /// `InvalidTicket` if somebody else was faster; `Invalid` if it is no name or taken; `TooMany`; `Unavailable`.
    pub(super) async fn rename(
        &self,
        (id, present): (AccountId, &str),
        username: &str,
        (sid, ticket): (Option<&str>, Option<Ticket>),
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let refuse = |message: String| AuthError::Invalid(vec![FieldError::new("username", message)]);
        let new = Username::parse(username).map_err(refuse)?;
        self.parts.rules.check_username(&new).map_err(refuse)?;
        if new.as_str() == present && ticket.is_none() {
            return Ok(());
        }
        let limit = self.parts.settings.throttle.username;
        let charges = [self.limited("username", &id.to_string(), limit)];
        self.charge(&charges).await?;
        let (now, until) = (self.parts.clock.now(), self.parts.settings.account.keep_name.saturating_mul(DAY));
        let noted = self.noted(Event::UsernameChanged, Some(id), sid, origin);
        let sid = sid.map(str::to_owned);
        let mail = self.notice(MailKind::UsernameChanged, id, None);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                // The name as it is now: another change may have come in between.
                accounts::hold(tx, id).await?;
                if let Some(sid) = &sid
                    && !sessions::may_act(tx, sid, now).await?
                {
                    return Ok(Err(AuthError::NotSignedIn));
                }
                if let Some(ticket) = &ticket
                    && !tickets::consume(tx, &ticket.id, now).await?
                {
                    return Ok(Err(AuthError::InvalidTicket));
                }
                let Some(old) = accounts::find(tx, id).await? else { return Ok(Ok(())) };
                if old.account.username == new.as_str() {
                    return Ok(Ok(()));
                }
                accounts::set_username(tx, id, new.as_str(), new.key()).await?;
                reservations::refuse_kept(tx, Kept::Username, new.key(), id, now).await?;
                reservations::release(tx, Kept::Username, new.key()).await?;
                if old.username_key != new.key() {
                    reservations::keep(tx, Kept::Username, &old.username_key, Some(id), now.plus(until)).await?;
                }
                outbox::insert(tx, &NewMail { about: Some(old.account.username), ..mail }, now).await?;
                noted.write(tx, now).await?;
                Ok(Ok(()))
            })
        });
        match write.await {
            Ok(Err(refusal)) => {
                self.refund(&charges).await;
                Err(refusal)
            }
            Ok(Ok(())) => {
                tracing::info!(event = "username_changed", account = %id, "a user name was changed");
                self.parts.mail.notify_one();
                Ok(())
            }
            Err(StoreError::Taken) => {
                self.refund(&charges).await;
                Err(refuse("This user name is taken. Please choose another one.".to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}
