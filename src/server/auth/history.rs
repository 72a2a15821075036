//! The history of an account, as its owner reads it.

use super::{AuthError, AuthService, Principal};
use crate::{
    domain::history::{Entry, History},
    server::store::audit,
};

impl AuthService {
    /// A page of what happened to the caller's account, newest first: at most `limit` of the lines before number `before`,
    /// or of the newest.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn history(
        &self,
        principal: &Principal,
        before: Option<i64>,
        limit: usize,
    ) -> Result<History, AuthError> {
        let mut tx = self.parts.store.read().await?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        // One more than is shown, to know whether there are older ones.
        let found = audit::of_account(&mut tx, principal.account.id, before.unwrap_or(i64::MAX), most).await?;
        let older = found.get(limit).and_then(|_| found.get(limit.saturating_sub(1))).map(|last| last.seq);
        let entry = |stored: audit::StoredEvent| Entry {
            seq: stored.seq,
            happened_at: stored.happened_at,
            event: stored.event,
            is_this_session: stored.sid.as_deref() == Some(principal.sid.as_str()),
            device_label: stored.device_label,
            ip: stored.ip,
        };
        Ok(History { entries: found.into_iter().take(limit).map(entry).collect(), older })
    }
}
