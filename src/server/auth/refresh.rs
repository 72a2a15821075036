//! Refreshing a session: one conditional write in the common case, one look and the decision table in all others.

use super::{AuthError, AuthService, Decision, decide, session::Opened};
use crate::{
    domain::{account::AccountId, time::Timestamp},
    server::{
        crypto::Presented,
        entropy::random_id,
        store::{
            outbox::{self, MailKind, NewMail},
            sessions::{self, Session},
        },
    },
};

use tracing::Instrument as _;

/// How often a refresh looks again when the row moved under it. Each move is somebody else's progress.
const LOOKS: usize = 8;
/// Seconds after which a notice of theft is not worth sending any more: three days.
const NOTICE_LIFETIME: i64 = 259_200;

impl AuthService {
    /// Exchanges a refresh token for the next one and an access token.
    ///
    /// # Errors
    /// `NotSignedIn` when the session is over or was just ended as stolen; `Superseded` just after a step-up; `Unavailable`.
    pub async fn refresh(&self, held: Option<&str>) -> Result<Opened, AuthError> {
        let presented = held.and_then(|token| self.parts.refresh_tokens.parse(token)).ok_or(AuthError::NotSignedIn)?;
        let service = self.clone();
        // On a task of its own: a thief who hangs up at once must not stop what ends the stolen session.
        let settled = tokio::spawn(async move { service.refresh_presented(presented).await }.in_current_span());
        settled.await.unwrap_or(Err(AuthError::Busy))
    }

    async fn refresh_presented(&self, presented: Presented) -> Result<Opened, AuthError> {
        let counter = i64::try_from(presented.counter).map_err(|_| AuthError::NotSignedIn)?;
        let rid = presented.rid.to_text();
        for _ in 0..LOOKS {
            let now = self.parts.clock.now();
            let name = rid.clone();
            let write = self
                .parts
                .store
                .write(move |tx| Box::pin(async move { sessions::rotate(tx, &name, counter, now).await }));
            if let Some(session) = write.await? {
                return self.opened(&presented.rid, &session, session.counter, now);
            }
            let found = sessions::find(&mut *self.parts.store.read().await?, &rid).await?;
            let (session, _) = found.ok_or(AuthError::NotSignedIn)?;
            if let Some(opened) = self.settle(&presented, counter, &session, now).await? {
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
        counter: i64,
        seen: &Session,
        now: Timestamp,
    ) -> Result<Option<Opened>, AuthError> {
        let rid = presented.rid.to_text();
        let row = seen.clone();
        let next = match decide(seen, counter, now, self.parts.settings.session.reuse_window) {
            Decision::Rotate => return Ok(None),
            Decision::Refuse => return Err(AuthError::NotSignedIn),
            Decision::RefuseSoftly => return Err(AuthError::Superseded),
            Decision::Repeat => seen.counter,
            Decision::Fork => {
                let write = self
                    .parts
                    .store
                    .write(move |tx| Box::pin(async move { sessions::fork(tx, &rid, &row, now).await }));
                if !write.await? {
                    return Ok(None);
                }
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
                tracing::warn!(event = "session_caught_up", sid = %seen.sid, "a token is newer than the database");
                counter.saturating_add(1)
            }
            Decision::Theft => {
                self.end_stolen(rid, seen.account, &seen.sid, now).await?;
                return Err(AuthError::NotSignedIn);
            }
        };
        self.opened(&presented.rid, seen, next, now).map(Some)
    }

    /// Ends a session that two hold, and tells the owner, in one transaction.
    async fn end_stolen(&self, rid: String, account: AccountId, sid: &str, now: Timestamp) -> Result<(), AuthError> {
        let mail = NewMail {
            id: random_id(self.parts.entropy.as_ref()),
            kind: MailKind::SessionTheft,
            account: Some(account),
            ticket: None,
            give_up_at: now.plus(NOTICE_LIFETIME),
        };
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let first = sessions::revoke(tx, &rid, "theft", now).await?;
                if first {
                    outbox::insert(tx, &mail, now).await?;
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
