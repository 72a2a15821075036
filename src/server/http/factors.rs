//! What a server function does with second factors: a sign-in that waits for one, and those of an account.

use super::{cookies::Kind, qr, render::Call};
use crate::{
    domain::{
        account::AccountId,
        factor::{Waiting, Wants},
        grant::Done,
        problem::{Code, Problem},
    },
    pages::context::{AccountFacts, NewApp},
    paths::{self, Notice},
    server::auth::{AuthError, By, Challenged, Enrolled, FactorProof, NewCodes, Opened, Principal, TrustCookie},
};
use secrecy::{ExposeSecret as _, SecretString};

impl Call {
    /// A sign-in has to wait: this browser keeps its name, and nothing else of it.
    pub(super) fn challenged(&self, challenged: &Challenged) -> Done {
        self.set_cookie(self.state().cookies.challenge(challenged));
        self.done(match challenged.wants {
            Wants::Factor => paths::LOGIN_FACTOR.to_owned(),
            Wants::Enrolment => paths::LOGIN_ENROL.to_owned(),
        })
    }

    /// Somebody is signed in: nothing waits in this browser any more.
    pub(super) fn signed_in(&self, opened: Opened, next: String) -> Done {
        if self.challenge().is_some() {
            self.clear(&[Kind::Challenge]);
        }
        self.hand_over(opened, next)
    }

    /// Shows the factor that a sign-in, or a session from before, waits for. `next` is the form's, for the latter.
    pub(super) async fn answer_waiting(
        &self,
        proof: &FactorProof,
        trust: bool,
        next: Option<&str>,
    ) -> Result<Done, Problem> {
        let by = (self.challenge(), self.held());
        let answered = self.state().auth.answer_challenge(by, proof, trust, &self.origin()).await;
        let answered = answered.map_err(|error| self.not_that_challenge(error))?;
        self.keep_trust(answered.trusted.as_ref());
        let next = match answered.leaving {
            true => paths::ACCOUNT_RESTORE,
            false => paths::own_path(answered.next.as_deref().or(next)),
        };
        Ok(self.signed_in(answered.opened, next.to_owned()))
    }

    /// Keeps that this browser is trusted, if it has just been.
    pub(super) fn keep_trust(&self, trusted: Option<&TrustCookie>) {
        if let Some(trusted) = trusted {
            self.set_cookie(self.state().cookies.trusted(trusted));
        }
    }

    /// See [`crate::actions::answer_challenge`].
    pub async fn answer_challenge(
        &self,
        code: String,
        recovery_code: SecretString,
        trust: bool,
        next: Option<String>,
    ) -> Result<Done, Problem> {
        let proof = match recovery_code.expose_secret().is_empty() {
            true => FactorProof::Totp(code.into()),
            false => FactorProof::RecoveryCode(recovery_code),
        };
        self.answer_waiting(&proof, trust, next.as_deref()).await
    }

    /// See [`crate::actions::start_again`].
    pub async fn start_again(&self) -> Result<Done, Problem> {
        match self.challenge() {
            Some(challenge) => self.state().auth.give_up_challenge(challenge).await?,
            // What waits is a session from before: whoever is not its owner leaves it.
            None => {
                self.state().auth.log_out(self.held(), &self.origin()).await?;
                self.clear_with_site();
            }
        }
        self.clear(&[Kind::Challenge]);
        Ok(self.done(paths::LOGIN.to_owned()))
    }

    /// See [`crate::actions::start_app`].
    pub async fn start_app(&self) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        self.state().auth.start_totp(By::Session(&principal)).await?;
        Ok(self.done(paths::ACCOUNT_FACTORS_APP.to_owned()))
    }

    /// See [`crate::actions::confirm_app`].
    pub async fn confirm_app(&self, code: &str) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        let enrolled = self.state().auth.confirm_totp(By::Session(&principal), code, &self.origin()).await?;
        Ok(self.enrolled(enrolled, Notice::AppAdded))
    }

    /// See [`crate::actions::remove_app`].
    pub async fn remove_app(&self) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        self.state().auth.remove_totp(&principal, &self.origin()).await.map_err(|error| gone(error, "app"))?;
        Ok(self.done(paths::with(paths::ACCOUNT_FACTORS, Notice::AppRemoved)))
    }

    /// See [`crate::actions::make_recovery_codes`].
    pub async fn make_recovery_codes(&self) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        let made = self.state().auth.make_recovery_codes(&principal, &self.origin()).await;
        let codes = made.map_err(|error| match error {
            AuthError::NotFound => Problem::new(Code::NotFound, 404, "Set up an app or a passkey first."),
            error => error.into(),
        })?;
        self.keep_codes(principal.account.id, &codes);
        Ok(self.done(paths::ACCOUNT_RECOVERY_CODES.to_owned()))
    }

    /// See [`crate::actions::put_codes_away`].
    pub async fn put_codes_away(&self, next: Option<&str>) -> Result<Done, Problem> {
        self.principal().await?;
        self.clear(&[Kind::Codes]);
        let next = next.filter(|next| !next.is_empty()).map(|next| paths::own_path(Some(next)).to_owned());
        Ok(self.done(next.unwrap_or_else(|| paths::with(paths::ACCOUNT_FACTORS, Notice::CodesKept))))
    }

    /// See [`crate::actions::untrust_browser`].
    pub async fn untrust_browser(&self, browser: &str) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        let ended = self.state().auth.untrust_browser(&principal, browser, &self.origin()).await;
        ended.map_err(|error| gone(error, "browser"))?;
        Ok(self.done(paths::with(paths::ACCOUNT_FACTORS, Notice::BrowserUntrusted)))
    }

    /// See [`crate::actions::remove_password`].
    pub async fn remove_password(&self, password: SecretString) -> Result<Done, Problem> {
        let principal = self.proven().await?;
        let removed = self.state().auth.remove_password(&principal, &password, &self.origin()).await;
        removed.map_err(|error| gone(error, "password"))?;
        Ok(self.done(paths::with(paths::ACCOUNT_SECURITY, Notice::PasswordRemoved)))
    }

    /// See [`crate::actions::prove_it`].
    pub async fn prove_it(&self) -> Result<Done, Problem> {
        self.proven().await?;
        Ok(self.done(paths::with(paths::ACCOUNT_SECURITY, Notice::Proven)))
    }

    /// See [`crate::actions::start_app_to_enrol`].
    pub async fn start_app_to_enrol(&self) -> Result<Done, Problem> {
        let started = self.state().auth.start_totp(self.enroller()?).await;
        started.map_err(|error| self.not_that_challenge(error))?;
        Ok(self.done(paths::LOGIN_ENROL.to_owned()))
    }

    /// See [`crate::actions::confirm_app_to_enrol`].
    pub async fn confirm_app_to_enrol(&self, code: &str) -> Result<Done, Problem> {
        let enrolled = self.state().auth.confirm_totp(self.enroller()?, code, &self.origin()).await;
        let enrolled = enrolled.map_err(|error| self.not_that_challenge(error))?;
        Ok(self.enrolled(enrolled, Notice::AppAdded))
    }

    /// See [`crate::actions::resend_to_enrol`].
    pub async fn resend_to_enrol(&self) -> Result<Done, Problem> {
        let challenge = self.challenge().ok_or(AuthError::ChallengeOver)?;
        let sent = self.state().auth.resend_confirmation_to_enrol(challenge, &self.origin()).await;
        sent.map_err(|error| self.not_that_challenge(error))?;
        Ok(self.done(paths::with(paths::LOGIN_ENROL, Notice::ConfirmationSent)))
    }

    /// Whoever enrols while a sign-in waits for it.
    pub(super) fn enroller(&self) -> Result<By<'_>, Problem> {
        Ok(By::Challenge(self.challenge().ok_or(AuthError::ChallengeOver)?, self.held()))
    }

    /// A factor is enrolled, by who is signed in or by a sign-in that waited for it, which goes on: new recovery codes are
    /// shown first. All of it is in the database by now, so nothing here may fail.
    pub(super) fn enrolled(&self, enrolled: Enrolled, notice: Notice) -> Done {
        let mut next = paths::with(paths::ACCOUNT_FACTORS, notice);
        if let Some((opened, wanted)) = enrolled.opened {
            next = paths::own_path(wanted.as_deref()).to_owned();
            self.clear(&[Kind::Challenge]);
            self.adopt(opened);
        }
        let Some(codes) = enrolled.codes else { return self.done(next) };
        self.keep_codes(enrolled.account, &codes);
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        self.done([paths::ACCOUNT_RECOVERY_CODES, "?next=", &next].concat())
    }

    /// New recovery codes are to be shown in this browser, for a while.
    fn keep_codes(&self, account: AccountId, codes: &NewCodes) {
        if let Some(shown) = self.state().auth.codes_to_show(account, codes) {
            self.set_cookie(self.state().cookies.codes(&shown));
        }
    }

    /// The new recovery codes that this browser shows.
    pub(super) fn codes_to_see(&self, principal: &Principal) -> Vec<String> {
        self.codes().and_then(|codes| self.state().auth.codes_to_see(principal, codes)).unwrap_or_default()
    }

    /// What the page of a sign-in that waits shows.
    pub(super) async fn facts_of_waiting(&self, waiting: &Waiting) -> Result<AccountFacts, Problem> {
        let new_app = match (waiting.wants, self.challenge()) {
            (Wants::Enrolment, Some(challenge)) => self.new_app(By::Challenge(challenge, self.held())).await?,
            _ => None,
        };
        Ok(AccountFacts { new_app, offers_passkeys: self.state().auth.offers_passkeys(), ..AccountFacts::default() })
    }

    /// An authenticator app that waits for its first code. Its secret is shown to nobody who has to prove first who it is.
    pub(super) async fn new_app(&self, by: By<'_>) -> Result<Option<NewApp>, Problem> {
        match self.state().auth.waiting_totp(by).await {
            Ok(waiting) => Ok(waiting.map(|waiting| NewApp { picture: qr::picture(&waiting.url), waiting })),
            Err(
                AuthError::ProofRequired
                | AuthError::UnconfirmedEmail
                | AuthError::ChallengeOver
                | AuthError::FactorRequired
                | AuthError::Leaving,
            ) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A sign-in that is over is forgotten.
    pub(super) fn not_that_challenge(&self, error: AuthError) -> AuthError {
        if matches!(error, AuthError::ChallengeOver) {
            self.clear(&[Kind::Challenge]);
        }
        error
    }
}

/// What somebody is told who removes what is not there.
pub(super) fn gone(error: AuthError, what: &str) -> Problem {
    match error {
        AuthError::NotFound => Problem::new(Code::NotFound, 404, ["That ", what, " is not there any more."].concat()),
        error => error.into(),
    }
}
