//! Refreshing a session: one conditional write in the common case, one look and the decision table in all others.

use super::{AuthError, AuthService, Decision, Origin, decide, session::Opened, step_up::LOOKS};
use crate::{
    domain::{history::Event, time::Timestamp},
    server::{
        crypto::Presented,
        metrics::Refresh,
        store::{
            outbox::{self, MailKind},
            sessions::{self, Session},
        },
    },
};

use tracing::Instrument as _;

impl AuthService {
    /// Exchanges a refresh token for the next one and an access token.
    ///
    /// # Errors
    /// `NotSignedIn` when the session is over or was just ended as stolen; `Superseded` just after a step-up; `TooMany`;
    /// `Unavailable`.
    pub async fn refresh(&self, held: Option<&str>, origin: &Origin) -> Result<Opened, AuthError> {
        let Some(presented) = held.and_then(|token| self.keyed().refresh_tokens.parse(token)) else {
            self.parts.metrics.refresh(Refresh::Refused);
            return Err(AuthError::NotSignedIn);
        };
        self.charge_refresh(&presented.rid.to_text())?;
        self.refresh_in_own_task(presented, origin).await
    }

    /// As [`AuthService::refresh`], of a token that was read and counted.
    pub(super) async fn refresh_in_own_task(&self, presented: Presented, origin: &Origin) -> Result<Opened, AuthError> {
        let (service, origin) = (self.clone(), origin.clone());
        // On a task of its own: a thief who hangs up at once must not stop what ends the stolen session.
        let settled =
            tokio::spawn(async move { service.refresh_presented(presented, &origin).await }.in_current_span());
        let opened = settled.await.unwrap_or(Err(AuthError::Busy));
        if !matches!(opened, Ok(_) | Err(AuthError::NotSignedIn | AuthError::Superseded | AuthError::FactorRequired)) {
            self.parts.metrics.refresh(Refresh::Failed);
        }
        opened
    }

    async fn refresh_presented(&self, presented: Presented, origin: &Origin) -> Result<Opened, AuthError> {
        let counter = i64::try_from(presented.counter).map_err(|_| AuthError::NotSignedIn)?;
        let rid = presented.rid.to_text();
        for _ in 0..LOOKS {
            let now = self.parts.clock.now();
            if let Some(session) = self.parts.store.rotate(rid.clone(), counter, now).await? {
                self.parts.metrics.refresh(Refresh::Rotated);
                return self.opened(&presented.rid, &session, session.counter, now);
            }
            let found = sessions::find(&mut *self.parts.store.read().await?, &rid).await?;
            let Some((session, _)) = found else {
                self.parts.metrics.refresh(Refresh::Refused);
                return Err(AuthError::NotSignedIn);
            };
            if let Some(opened) = self.settle(&presented, (counter, origin), &session, now).await? {
                return Ok(opened);
            }
        }
        // Eight others were faster: the session is fine, the caller may try again.
        Err(AuthError::Busy)
    }

    /// Acts on the decision. None if the row has moved and must be looked at again.
    async fn settle(
        &self,
        presented: &Presented,
        (counter, origin): (i64, &Origin),
        seen: &Session,
        now: Timestamp,
    ) -> Result<Option<Opened>, AuthError> {
        let rid = presented.rid.to_text();
        let row = seen.clone();
        let count = |outcome| self.parts.metrics.refresh(outcome);
        let next = match decide(seen, counter, now, self.parts.settings.session.reuse_window) {
            Decision::Rotate => return Ok(None),
            Decision::Refuse => {
                count(Refresh::Refused);
                return Err(AuthError::NotSignedIn);
            }
            Decision::AskFactor => {
                count(Refresh::FactorAsked);
                return Err(AuthError::FactorRequired);
            }
            Decision::RefuseSoftly => {
                count(Refresh::Superseded);
                return Err(AuthError::Superseded);
            }
            Decision::Repeat => {
                count(Refresh::Repeated);
                seen.counter
            }
            Decision::Fork => {
                let write = self
                    .parts
                    .store
                    .write(move |tx| Box::pin(async move { sessions::fork(tx, &rid, &row, now).await }));
                if !write.await? {
                    return Ok(None);
                }
                count(Refresh::Forked);
                seen.counter.saturating_add(1)
            }
            Decision::CatchUp => {
                let write = self
                    .parts
                    .store
                    .write(move |tx| Box::pin(async move { sessions::catch_up(tx, &rid, &row, counter, now).await }));
                if !write.await? {
                    return Ok(None);
                }
                count(Refresh::CaughtUp);
                tracing::warn!(event = "session_caught_up", sid = %seen.sid, "a token is newer than the database");
                counter.saturating_add(1)
            }
            Decision::Theft => {
                self.end_stolen(rid, seen, origin, now).await?;
                count(Refresh::Theft);
                return Err(AuthError::NotSignedIn);
            }
        };
        self.opened(&presented.rid, seen, next, now).map(Some)
    }

    /// Ends a session that two hold, and tells the owner, in one transaction.
    pub(super) async fn end_stolen(
        &self,
        rid: String,
        seen: &Session,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let (account, sid) = (seen.account, seen.sid.as_str());
        let mail = self.notice(MailKind::SessionTheft, account, None);
        let noted = self.noted(Event::SessionTheft, Some(account), Some(sid), origin);
        let write = self.parts.store.write_of(Some(account), move |tx| {
            Box::pin(async move {
                let first = sessions::revoke(tx, &rid, "theft", now).await?.is_some();
                if first {
                    outbox::insert(tx, &mail, now).await?;
                    noted.write(tx, now).await?;
                }
                Ok(first)
            })
        });
        if write.await? {
            tracing::warn!(event = "session_theft", %account, %sid, "a refresh token was used twice; its session has ended");
            self.parts.mail.notify_one();
        }
        Ok(())
    }
}
