//! What a server function does with passkeys. What the browser answered is passed on as it came; the service judges it.

use super::{factors::gone, render::Call};
use crate::{
    domain::{factor::Ceremony, grant::Done, problem::Problem},
    paths::{self, Notice},
    server::auth::{By, FactorProof, LoggedIn},
};

impl Call {
    /// See [`crate::actions::start_passkey_log_in`].
    pub async fn start_passkey_log_in(&self, autofill: bool) -> Result<Ceremony, Problem> {
        Ok(self.state().auth.start_passkey_log_in(autofill, &self.origin()).await?)
    }

    /// See [`crate::actions::log_in_with_passkey`].
    pub async fn log_in_with_passkey(
        &self,
        answer: (&str, &str),
        remember: bool,
        next: Option<&str>,
    ) -> Result<Done, Problem> {
        let entered = self.state().auth.log_in_with_passkey(answer, remember, &self.origin(), self.held()).await;
        Ok(match entered? {
            LoggedIn::Opened(opened) => self.signed_in(opened, paths::own_path(next).to_owned()),
            LoggedIn::Leaving(opened) => self.signed_in(opened, paths::ACCOUNT_RESTORE.to_owned()),
            // Never today, since a passkey has verified its user; whatever the service answers is done.
            LoggedIn::Challenged(challenged) => self.challenged(&challenged),
        })
    }

    /// See [`crate::actions::start_challenge_passkey`].
    pub async fn start_challenge_passkey(&self) -> Result<Ceremony, Problem> {
        let by = (self.challenge(), self.held());
        let started = self.state().auth.start_challenge_passkey(by, &self.origin()).await;
        started.map_err(|error| gone(self.not_that_challenge(error), "passkey"))
    }

    /// See [`crate::actions::answer_challenge_with_passkey`].
    pub async fn answer_challenge_with_passkey(
        &self,
        ceremony: String,
        credential: String,
        trust: bool,
        next: Option<String>,
    ) -> Result<Done, Problem> {
        let proof = FactorProof::Passkey { ceremony, credential: credential.into() };
        self.answer_waiting(&proof, trust, next.as_deref()).await
    }

    /// See [`crate::actions::start_proof_passkey`].
    pub async fn start_proof_passkey(&self) -> Result<Ceremony, Problem> {
        let started = self.state().auth.start_proof_passkey(self.held(), &self.origin()).await;
        started.map_err(|error| gone(error, "passkey"))
    }

    /// See [`crate::actions::start_passkey`].
    pub async fn start_passkey(&self) -> Result<Ceremony, Problem> {
        let principal = self.proven().await?;
        Ok(self.state().auth.start_passkey_enrolment(By::Session(&principal), &self.origin()).await?)
    }

    /// See [`crate::actions::add_passkey`].
    pub async fn add_passkey(&self, name: &str, answer: (&str, &str)) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        if answer.1.is_empty() {
            // The form came here for the proof alone: a browser makes a passkey only at the press of a button.
            return Ok(self.done(paths::with(paths::ACCOUNT_FACTORS, Notice::Proven)));
        }
        let by = By::Session(&principal);
        let enrolled = self.state().auth.finish_passkey_enrolment(by, answer, name, &self.origin()).await?;
        Ok(self.enrolled(enrolled, Notice::PasskeyAdded))
    }

    /// See [`crate::actions::start_passkey_to_enrol`].
    pub async fn start_passkey_to_enrol(&self) -> Result<Ceremony, Problem> {
        let started = self.state().auth.start_passkey_enrolment(self.enroller()?, &self.origin()).await;
        Ok(started.map_err(|error| self.not_that_challenge(error))?)
    }

    /// See [`crate::actions::add_passkey_to_enrol`].
    pub async fn add_passkey_to_enrol(&self, answer: (&str, &str)) -> Result<Done, Problem> {
        let enrolled = self.state().auth.finish_passkey_enrolment(self.enroller()?, answer, "", &self.origin()).await;
        let enrolled = enrolled.map_err(|error| self.not_that_challenge(error))?;
        Ok(self.enrolled(enrolled, Notice::PasskeyAdded))
    }

    /// See [`crate::actions::rename_passkey`].
    pub async fn rename_passkey(&self, passkey: &str, name: &str) -> Result<Done, Problem> {
        let principal = self.principal().await?;
        let renamed = self.state().auth.rename_passkey(&principal, passkey, name, &self.origin()).await;
        renamed.map_err(|error| gone(error, "passkey"))?;
        Ok(self.done(paths::with(paths::ACCOUNT_FACTORS, Notice::PasskeyRenamed)))
    }

    /// See [`crate::actions::remove_passkey`].
    pub async fn remove_passkey(&self, passkey: &str) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        let removed = self.state().auth.remove_passkey(&principal, passkey, &self.origin()).await;
        removed.map_err(|error| gone(error, "passkey"))?;
        Ok(self.done(paths::with(paths::ACCOUNT_FACTORS, Notice::PasskeyRemoved)))
    }
}
