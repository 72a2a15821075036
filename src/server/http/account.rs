//! What a server function does with an account: who asks is known by the cookie, the answer carries the cookies.

use super::{cookies::Kind, given_proof::of_proof, render::Call};
use crate::{
    domain::{
        factor::Wants,
        grant::Done,
        problem::{Code, Problem},
    },
    pages::context::{AccountFacts, MailedLink},
    paths::{self, Notice},
    server::auth::{AskedReset, AuthError, By, NewPasswordForm, Principal, ProfileForm, zones},
};
use secrecy::{ExposeSecret as _, SecretString};

/// Lines of a page of the history.
const HISTORY_PAGE: usize = 25;

impl Call {
    /// Who asks, whether or not the account is on its way out.
    pub(super) async fn visitor(&self) -> Result<Principal, Problem> {
        let visit = self.state().auth.visit(self.held()).await?;
        Ok(visit.ok_or(AuthError::NotSignedIn)?.principal)
    }

    /// Who asks; nobody whose account is on its way out.
    pub(super) async fn principal(&self) -> Result<Principal, Problem> {
        let principal = self.visitor().await?;
        if principal.account.delete_at.is_some() { Err(AuthError::Leaving.into()) } else { Ok(principal) }
    }

    /// Who asks, with a fresh proof: the last one, or that of the form, which makes older tokens of the session useless.
    ///
    /// # Errors
    /// `proof_required` if the last one is too old and none was given; `invalid_input` if that is wrong.
    pub(super) async fn proven(&self) -> Result<Principal, Problem> {
        let auth = &self.state().auth;
        let (visit, proof) = (auth.visit(self.held()).await?, self.given().proof());
        // A double click comes with a token that the first one has made useless; the proof speaks for it.
        let proof = match (visit, proof) {
            (None, None) => return Err(AuthError::NotSignedIn.into()),
            (Some(visit), _) if visit.principal.account.delete_at.is_some() => return Err(AuthError::Leaving.into()),
            (Some(visit), _) if auth.is_fresh(&visit.principal) => return Ok(visit.principal),
            (Some(_), None) => return Err(AuthError::ProofRequired.into()),
            (None | Some(_), Some(proof)) => proof,
        };
        let opened = auth.step_up(self.held(), &proof, &self.origin()).await;
        let opened = opened.map_err(|error| of_proof(error.into()))?;
        let visit = auth.visit(Some(opened.cookie.token.expose_secret())).await?;
        self.adopt(opened);
        Ok(visit.ok_or(AuthError::NotSignedIn)?.principal)
    }

    /// See [`crate::actions::confirm_email`].
    pub async fn confirm_email(
        &self,
        uid: &str,
        token: &str,
        code: &str,
        password: SecretString,
    ) -> Result<Done, Problem> {
        let visitor = self.state().auth.visit(self.held()).await?.map(|visit| visit.principal);
        let by = (visitor.as_ref(), self.confirming());
        let ticket = (uid, token, code);
        let confirmed = self.state().auth.confirm_email(ticket, &password, by, &self.origin()).await;
        confirmed.map_err(|error| self.not_that_link(error))?;
        self.clear(&[Kind::Link, Kind::Confirming]);
        let waits = self.state().auth.waiting(self.challenge(), None).await.ok().flatten();
        Ok(match (visitor, waits) {
            (Some(_), _) => self.done(paths::with(paths::ACCOUNT_SECURITY, Notice::EmailConfirmed)),
            (None, Some(waits)) if waits.wants == Wants::Enrolment => {
                self.done(paths::with(paths::LOGIN_ENROL, Notice::EmailConfirmed))
            }
            (None, _) => self.done(paths::login_with(Notice::EmailConfirmed)),
        })
    }

    /// See [`crate::actions::take_over`].
    pub async fn take_over(
        &self,
        uid: &str,
        token: &str,
        password: SecretString,
        password_again: SecretString,
    ) -> Result<Done, Problem> {
        let form = NewPasswordForm { password, password_again };
        let devices = self.state().auth.take_over(uid, token, &form, &self.origin()).await;
        self.after_recovery(devices.map_err(|error| self.not_that_link(error))?).await;
        self.clear(&[Kind::Link, Kind::Confirming, Kind::Request]);
        Ok(self.done(paths::login_with(Notice::TakenOver)))
    }

    /// See [`crate::actions::resend_confirmation`].
    pub async fn resend_confirmation(&self) -> Result<Done, Problem> {
        let principal = self.principal().await?;
        self.state().auth.resend_confirmation(&principal, &self.origin()).await?;
        self.clear(&[Kind::Link]);
        Ok(self.done(paths::with(paths::CONFIRM_EMAIL, Notice::ConfirmationSent)))
    }

    /// See [`crate::actions::change_profile`].
    pub async fn change_profile(&self, first_name: &str, last_name: &str, time_zone: &str) -> Result<Done, Problem> {
        let principal = self.principal().await?;
        let form = ProfileForm { first_name, last_name, time_zone };
        self.state().auth.change_profile(&principal, &form, &self.origin()).await?;
        Ok(self.done(paths::with(paths::ACCOUNT, Notice::ProfileSaved)))
    }

    /// See [`crate::actions::change_username`].
    pub async fn change_username(&self, username: &str) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        self.state().auth.change_username(&principal, username, &self.origin()).await?;
        Ok(self.done(paths::with(paths::ACCOUNT, Notice::UsernameChanged)))
    }

    /// See [`crate::actions::change_password`].
    pub async fn change_password(
        &self,
        current: SecretString,
        password: SecretString,
        password_again: SecretString,
    ) -> Result<Done, Problem> {
        let form = NewPasswordForm { password, password_again };
        let opened = self.state().auth.change_password(self.held(), &current, &form, &self.origin()).await?;
        self.adopt(opened);
        Ok(self.done(paths::with(paths::ACCOUNT_SECURITY, Notice::PasswordChanged)))
    }

    /// See [`crate::actions::request_email_change`].
    pub async fn request_email_change(&self, email: &str) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        self.state().auth.request_email_change(&principal, email, &self.origin()).await?;
        self.clear(&[Kind::Link]);
        Ok(self.done(paths::with(paths::CONFIRM_EMAIL_CHANGE, Notice::EmailChangeSent)))
    }

    /// See [`crate::actions::confirm_email_change`].
    pub async fn confirm_email_change(&self, uid: &str, token: &str, code: &str) -> Result<Done, Problem> {
        let principal = self.principal().await?;
        let changed = self.state().auth.confirm_email_change(&principal, (uid, token, code), &self.origin()).await;
        changed.map_err(|error| self.not_that_link(error))?;
        self.clear(&[Kind::Link]);
        Ok(self.done(paths::with(paths::ACCOUNT_SECURITY, Notice::EmailChanged)))
    }

    /// See [`crate::actions::undo_email_change`].
    pub async fn undo_email_change(&self, uid: &str, token: &str) -> Result<Done, Problem> {
        let asked = self.state().auth.undo_email_change(uid, token, &self.origin()).await;
        let asked = asked.map_err(|error| self.not_that_link(error))?;
        // Whoever was signed in here, perhaps to another account, is not any more.
        _ = self.state().auth.log_out(self.held(), &self.origin()).await;
        Ok(self.recover(&asked))
    }

    /// See [`crate::actions::end_session`].
    pub async fn end_session(&self, session: &str) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        let ended = self.state().auth.end_session(&principal, session, &self.origin()).await;
        ended.map_err(|error| match error {
            AuthError::NotFound => Problem::new(Code::NotFound, 404, "That session is not there any more."),
            error => error.into(),
        })?;
        Ok(self.done(paths::with(paths::ACCOUNT_SESSIONS, Notice::SessionEnded)))
    }

    /// See [`crate::actions::end_other_sessions`].
    pub async fn end_other_sessions(&self) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        self.state().auth.end_other_sessions(&principal, &self.origin()).await?;
        Ok(self.done(paths::with(paths::ACCOUNT_SESSIONS, Notice::OtherSessionsEnded)))
    }

    /// See [`crate::actions::report_not_me`].
    pub async fn report_not_me(&self) -> Result<Done, Problem> {
        let principal = self.visitor().await?;
        let asked = self.state().auth.report_not_me(&principal, &self.origin()).await?;
        Ok(self.recover(&asked))
    }

    /// See [`crate::actions::request_deletion`].
    pub async fn request_deletion(&self) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        _ = self.state().auth.request_deletion(&principal, &self.origin()).await?;
        self.clear(&[Kind::Session]);
        self.forget_grant();
        Ok(self.done(paths::login_with(Notice::DeletionRequested)))
    }

    /// See [`crate::actions::undo_deletion`].
    pub async fn undo_deletion(&self) -> Result<Done, Problem> {
        let principal = self.visitor().await?;
        self.state().auth.undo_deletion(&principal, &self.origin()).await?;
        Ok(self.done(paths::with(paths::ACCOUNT, Notice::DeletionUndone)))
    }

    /// One's data, as a file.
    ///
    /// # Errors
    /// `proof_required`; `not_signed_in`; `unavailable`.
    pub async fn export(&self) -> Result<serde_json::Value, Problem> {
        let principal = self.proven().await?;
        Ok(self.state().auth.export(&principal, &self.origin()).await?)
    }

    /// What the account's page at `path` shows.
    pub(super) async fn facts(
        &self,
        path: &str,
        before: Option<i64>,
        principal: &Principal,
    ) -> Result<AccountFacts, Problem> {
        let auth = &self.state().auth;
        let mut facts =
            AccountFacts { deletion_grace: self.state().settings.account.deletion_grace, ..AccountFacts::default() };
        match path {
            paths::ACCOUNT => facts.time_zones = zones().to_vec(),
            paths::ACCOUNT_SESSIONS => facts.sessions = auth.sessions(principal).await?,
            paths::ACCOUNT_HISTORY => facts.history = auth.history(principal, before, HISTORY_PAGE).await?,
            paths::ACCOUNT_SECURITY | paths::ACCOUNT_FACTORS | paths::ACCOUNT_NOT_ME => {
                facts.factors = auth.factors(principal).await?;
                facts.is_fresh = auth.is_fresh(principal);
            }
            paths::ACCOUNT_FACTORS_APP => facts.new_app = self.new_app(By::Session(principal)).await?,
            paths::ACCOUNT_RECOVERY_CODES => facts.codes = self.codes_to_see(principal),
            _ => {}
        }
        facts.offers_passkeys = auth.offers_passkeys();
        Ok(facts)
    }

    /// Whether the mailed link was opened in the browser that registered, or that is signed in to its account.
    pub(super) async fn is_own_link(&self, link: &MailedLink, visitor: Option<&Principal>) -> Result<bool, Problem> {
        let by = (visitor, self.confirming());
        Ok(!self.state().auth.is_foreign_link(&link.uid, &link.token, by).await?)
    }

    /// Out of every session, and on to a new password in this browser.
    fn recover(&self, asked: &AskedReset) -> Done {
        self.clear(&[Kind::Session, Kind::Link]);
        self.forget_grant();
        self.keep_request(asked);
        self.done(paths::RESET_CONFIRMATION.to_owned())
    }
}
