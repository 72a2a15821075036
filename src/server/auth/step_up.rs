//! Step-up: a fresh proof inside a session, after which no older token of it is taken.

use super::{AuthError, AuthService, Decision, decide, session::Opened};
use crate::{domain::credential::TypedPassword, server::store::sessions};
use secrecy::SecretString;

impl AuthService {
    /// Proves the password again inside the session of `held` and makes every older token of it useless.
    /// A double click is answered the same way twice.
    ///
    /// # Errors
    /// `NotSignedIn` without a live session; `WrongCredentials`; `Busy`; `Unavailable`.
    pub async fn step_up(&self, held: Option<&str>, typed: &SecretString) -> Result<Opened, AuthError> {
        let presented = held.and_then(|token| self.parts.refresh_tokens.parse(token)).ok_or(AuthError::NotSignedIn)?;
        let counter = i64::try_from(presented.counter).map_err(|_| AuthError::NotSignedIn)?;
        let rid = presented.rid.to_text();
        let found = sessions::find(&mut *self.parts.store.read().await?, &rid).await?;
        let (seen, account) = found.ok_or(AuthError::NotSignedIn)?;
        let password = TypedPassword::parse(typed, self.parts.settings.password.max_length);
        let secret = password.map_or_else(|| SecretString::from(String::new()), |password| password.secret().clone());
        let verdict = self.parts.hasher.verify(secret, account.password_hash).await?;
        let now = self.parts.clock.now();
        let decision = decide(&seen, counter, now, self.parts.settings.session.reuse_window);
        match decision {
            Decision::Refuse | Decision::Theft => return Err(AuthError::NotSignedIn),
            _ if !verdict.matches => return Err(AuthError::WrongCredentials),
            // The double click: the first one has made the token that this one gets again.
            Decision::RefuseSoftly => return self.opened(&presented.rid, &seen, seen.counter, now),
            Decision::Rotate | Decision::Repeat | Decision::Fork | Decision::CatchUp => {}
        }
        let row = seen.clone();
        let write =
            self.parts.store.write(move |tx| Box::pin(async move { sessions::step_up(tx, &rid, &row, now).await }));
        if !write.await? {
            return Err(AuthError::Superseded);
        }
        self.opened(&presented.rid, &seen, seen.counter.saturating_add(1), now)
    }
}
