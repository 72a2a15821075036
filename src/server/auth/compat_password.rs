//! A new password by a front end of Django: the caller's session goes on with the tokens it has.

use super::{AuthError, AuthService, NewPasswordForm, Origin, Principal, password_change::Change};
use crate::server::store::{accounts, sessions};
use secrecy::SecretString;

impl AuthService {
    /// Sets a new password with the present one. All other sessions end; this one goes on, and since its front end would not
    /// know what to do with a new refresh token, the one it has stays good. By `compat.end_on_password_change` this one
    /// ends as well: a copy of its token would else stay good, too.
    ///
    /// # Errors
    /// `NotSignedIn`; `Invalid` with the field; `TooMany`; `Busy`; `Unavailable`.
    pub async fn change_password_elsewhere(
        &self,
        principal: &Principal,
        current: &SecretString,
        form: &NewPasswordForm,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let id = principal.account.id;
        let mut tx = self.parts.store.read().await?;
        let account = accounts::find(&mut tx, id).await?.ok_or(AuthError::NotSignedIn)?;
        let rid = sessions::rid_of(&mut tx, &principal.sid).await?.ok_or(AuthError::NotSignedIn)?;
        drop(tx);
        self.check_current(&account, &principal.sid, current, form, origin).await?;
        let password = self.password_for(&account, &form.password, &form.password_again).await?;
        let hash = self.parts.hasher.hash(password.secret().clone()).await?;
        let now = self.parts.clock.now();
        let throttled = self.name_charges(&account);
        let change: Change = self.password_change((rid, &principal.sid), None, &account, hash, origin);
        let write = self.parts.store.write(move |tx| Box::pin(async move { change.write(tx, now).await }));
        if !write.await? {
            return Err(AuthError::NotSignedIn);
        }
        self.unblock(&throttled);
        self.parts.mail.notify_one();
        tracing::info!(event = "password_changed", account = %id, "a password was changed; other sessions have ended");
        Ok(())
    }
}
