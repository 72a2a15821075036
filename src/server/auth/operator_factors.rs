//! What an operator does with second factors: sees which there are, lets codes be tried again, and removes all of them for
//! somebody who has lost them.
//! Secrets, codes and keys are never read.

use super::{
    AuthError, AuthService, Done, OperatorError,
    operator::{held, operator},
};
use crate::{
    domain::{
        factor::{AssuranceLevel, Factors},
        history::Event,
    },
    server::store::{
        accounts, challenges, factors,
        outbox::{self, MailKind},
        throttles,
    },
};

/// The factors of an account as an operator sees them.
#[derive(Debug)]
pub struct FactorsReport {
    /// What its owner sees, too.
    pub factors: Factors,
    /// What sessions of the account must have shown.
    pub level: AssuranceLevel,
}

/// Factors that were removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorsGone {
    /// Whether there were any; if not, nothing was changed.
    pub any: bool,
    /// Nobody can sign in to the account: it has no password, and now no passkey either. A reset link leads in.
    pub needs_reset_link: bool,
}

impl AuthService {
    /// Which second factors an account has.
    ///
    /// # Errors
    /// As [`AuthService::user`].
    pub async fn user_factors(&self, who: &str) -> Result<Done<FactorsReport>, OperatorError> {
        let found = self.user(who).await?;
        let (factors, level) = (self.factors_of(&found).await?, found.demanded_level);
        Ok(Done { account: found.account, what: FactorsReport { factors, level } })
    }

    /// Removes all second factors of an account, with its recovery codes and trusted browsers. Its sessions end, so do
    /// sign-ins that wait for a factor; links and codes that were mailed for a new password are void. Its owner is told
    /// by mail.
    ///
    /// # Errors
    /// As [`AuthService::user`].
    pub async fn reset_factors(&self, who: &str) -> Result<Done<FactorsGone>, OperatorError> {
        let account = self.user(who).await?.account;
        let (id, now) = (account.id, self.parts.clock.now());
        let noted = self.noted(Event::FactorsReset, Some(id), None, &operator());
        let mail = self.notice(MailKind::FactorsReset, id, None);
        let tried = self.all_factor_charges(id);
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let Some(found) = held(tx, id).await? else { return Ok(None) };
                let needs_reset_link = found.password_hash.is_none();
                if !factors::delete_of(tx, id).await? {
                    return Ok(Some(FactorsGone { any: false, needs_reset_link }));
                }
                challenges::consume_of(tx, id, now).await?;
                accounts::end_sessions(tx, id).await?;
                // Wrong codes of before do not count on an app that is set up anew.
                throttles::forget(tx, &tried).await?;
                outbox::insert(tx, &mail, now).await?;
                noted.write(tx, now).await?;
                Ok(Some(FactorsGone { any: true, needs_reset_link }))
            })
        });
        let gone = write.await.map_err(AuthError::from)?.ok_or(OperatorError::NoSuchUser)?;
        if gone.any {
            tracing::warn!(event = "factors_reset", account = %id, "an operator removed all second factors");
            self.parts.mail.notify_one();
        }
        Ok(Done { account, what: gone })
    }

    /// Forgets the wrong codes that were given for an account, so that its owner can give right ones again at once: somebody
    /// who had the password may have used up what may be tried in a year. The factors stay. True if any were counted.
    ///
    /// # Errors
    /// As [`AuthService::user`].
    pub async fn forget_guesses(&self, who: &str) -> Result<Done<bool>, OperatorError> {
        let account = self.user(who).await?.account;
        let (id, now) = (account.id, self.parts.clock.now());
        let (tried, noted) =
            (self.all_factor_charges(id), self.noted(Event::GuessesForgotten, Some(id), None, &operator()));
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                accounts::hold(tx, id).await?;
                let any = throttles::forget(tx, &tried).await? > 0;
                if any {
                    noted.write(tx, now).await?;
                }
                Ok(any)
            })
        });
        let any = write.await.map_err(AuthError::from)?;
        if any {
            tracing::warn!(event = "guesses_forgotten", account = %id, "an operator let codes be tried again");
        }
        Ok(Done { account, what: any })
    }
}
