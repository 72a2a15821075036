//! Signing in with more than a password, or with a passkey in place of it; and the fresh proof inside a session.

use super::{
    caller::{Anyone, Held},
    input::{Json, MaybeJson, longer_than},
    sessions::PASSWORD_LIMIT,
    types::{
        CeremonyView, ChallengeStatus, ChallengeView, Credential, FactorAnswer, FactorKind, PasskeyLogIn,
        PasskeyLogInStart, PasskeyQuestion, RefreshToken, Secret, SessionProof, Tokens, Transport,
    },
};
use crate::{
    domain::{
        factor::{Ceremony, Wants},
        problem::{FieldError, Problem},
    },
    server::{
        auth::{AuthError, Challenged, FactorProof, LoggedIn, Proof},
        http::render::Call,
    },
};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use secrecy::{ExposeSecret as _, SecretString};

/// The longest texts that are looked at, in characters: as in the description.
const CHALLENGE_LIMIT: usize = 128;
const CODE_LIMIT: usize = 16;
const RECOVERY_CODE_LIMIT: usize = 64;
const CEREMONY_LIMIT: usize = 16_384;

/// Show the second factor.
///
/// After `POST /sessions` has answered 202, with its `challenge`: the session opens. Or of a session that answers 401
/// `factor_required` because it is from before the account had a factor, with its refresh token: it goes on. Five wrong
/// answers end the sign-in that waits.
#[utoipa::path(post, path = "/sessions/factor", tag = "Second factors", operation_id = "show_factor", request_body = FactorAnswer,
    security(("cookie" = []), ()), responses(
    (status = 200, description = "Signed in. An account that is about to be deleted is, too: it can be kept (`POST /me/restore`).", body = Tokens),
    (status = 401, description = "Nothing waits under this name any more."),
))]
pub(super) async fn answer(
    Anyone(call): Anyone,
    Json(form): Json<FactorAnswer>,
) -> Result<Response<Body>, Response<Body>> {
    let shown = Shown { code: form.code, recovery_code: form.recovery_code, ceremony: form.ceremony };
    let proof = shown.proof(form.credential.as_ref()).map_err(|problem| call.refuse(problem))?;
    let Some(proof) = proof else {
        let missing = "Send the code, or a recovery code, or a passkey's answer.";
        return Err(call.refuse(Problem::invalid(vec![FieldError::new("code", missing)])));
    };
    let waiting = call.waiting(form.challenge, form.refresh_token, form.transport);
    let (challenge, held) = waiting.map_err(|problem| call.refuse(problem))?;
    let which = (challenge.as_ref().map(Secret::expose), held.token());
    // Trust lives in a cookie: a program that keeps none has nothing to be trusted by.
    let trust = form.trust_browser && held.transport == Transport::Cookie;
    match call.state().auth.answer_challenge(which, &proof, trust, &call.origin()).await {
        Ok(answered) => {
            call.keep_trust(answered.trusted.as_ref());
            Ok(call.answer_with(StatusCode::OK, &call.tokens(answered.opened, held.transport)))
        }
        Err(error) => Err(call.refuse(error)),
    }
}

/// Begin to show a passkey as second factor.
#[utoipa::path(post, path = "/sessions/factor/passkey", tag = "Second factors", operation_id = "start_factor_passkey",
    request_body = PasskeyQuestion, security(("cookie" = []), ()), responses(
    (status = 200, description = "For `navigator.credentials.get()`.", body = CeremonyView),
    (status = 401, description = "Nothing waits under this name any more."),
    (status = 404, description = "The account has no passkey, or this site takes none."),
))]
pub(super) async fn start_answer(
    Anyone(call): Anyone,
    Json(form): Json<PasskeyQuestion>,
) -> Result<Response<Body>, Response<Body>> {
    let waiting = call.waiting(form.challenge, form.refresh_token, Transport::Cookie);
    let (challenge, held) = waiting.map_err(|problem| call.refuse(problem))?;
    let which = (challenge.as_ref().map(Secret::expose), held.token());
    let begun = call.state().auth.start_challenge_passkey(which, &call.origin()).await;
    Ok(call.answer_ceremony(begun))
}

/// Begin to sign in with a passkey.
#[utoipa::path(post, path = "/sessions/passkey/start", tag = "Second factors", operation_id = "start_passkey_log_in",
    request_body = Option<PasskeyLogInStart>, responses(
    (status = 200, description = "For `navigator.credentials.get()`.", body = CeremonyView),
    (status = 404, description = "This site takes no passkeys: it has no domain."),
))]
pub(super) async fn start_log_in(
    Anyone(call): Anyone,
    MaybeJson(form): MaybeJson<PasskeyLogInStart>,
) -> Result<Response<Body>, Response<Body>> {
    let begun = call.state().auth.start_passkey_log_in(form.autofill, &call.origin()).await;
    Ok(call.answer_ceremony(begun))
}

/// Sign in with a passkey.
///
/// It has verified its user, so nothing else is asked for.
#[utoipa::path(post, path = "/sessions/passkey", tag = "Second factors", operation_id = "log_in_with_passkey",
    request_body = PasskeyLogIn, responses(
    (status = 200, description = "Signed in. An account that is about to be deleted is, too: it can be kept (`POST /me/restore`).", body = Tokens),
))]
pub(super) async fn log_in(
    Anyone(call): Anyone,
    Json(form): Json<PasskeyLogIn>,
) -> Result<Response<Body>, Response<Body>> {
    let credential = answer_of(&form.ceremony, &form.credential).map_err(|problem| call.refuse(problem))?;
    let held = call.held().filter(|_| form.transport == Transport::Cookie);
    let ceremony = (form.ceremony.as_str(), credential.as_str());
    let outcome = call.state().auth.log_in_with_passkey(ceremony, form.remember, &call.origin(), held).await;
    call.answer_log_in(outcome.map_err(|error| call.refuse(error))?, form.transport).await
}

/// Show once more who is there.
///
/// Sensitive requests answer 403 `proof_required` when the last proof lies too far back; after this they do not for a while.
/// An account that has a second factor gives a factor, every other one its password. The refresh token is replaced, and no
/// older one of the session is taken any more.
#[utoipa::path(post, path = "/sessions/proof", tag = "Sessions", operation_id = "prove", request_body = SessionProof,
    security(("cookie" = []), ()), responses(
    (status = 200, description = "The next tokens.", body = Tokens),
    (status = 401, description = "The session is over."),
))]
pub(super) async fn prove(
    Anyone(call): Anyone,
    Json(form): Json<SessionProof>,
) -> Result<Response<Body>, Response<Body>> {
    let held = Held::of(&call, form.refresh_token).map_err(|problem| call.refuse(problem))?;
    let long = longer_than(PASSWORD_LIMIT, "current_password", form.current_password.expose());
    if let Some(problem) = long {
        return Err(call.refuse(problem));
    }
    let shown = Shown { code: form.code, recovery_code: form.recovery_code, ceremony: form.ceremony };
    let factor = shown.proof(form.credential.as_ref()).map_err(|problem| call.refuse(problem))?;
    let proof = match factor {
        Some(_) if !form.current_password.expose().is_empty() => return Err(call.refuse(one_only())),
        Some(factor) => Proof::Factor(factor),
        None => Proof::Password(form.current_password.into()),
    };
    match call.state().auth.step_up(held.token(), &proof, &call.origin()).await {
        Ok(opened) => Ok(call.answer_with(StatusCode::OK, &call.tokens(opened, held.transport))),
        Err(error) => Err(call.refuse_token(&held, error)),
    }
}

/// Begin to show a passkey as proof.
#[utoipa::path(post, path = "/sessions/proof/passkey", tag = "Second factors", operation_id = "start_proof_passkey",
    request_body = Option<RefreshToken>, security(("cookie" = []), ()), responses(
    (status = 200, description = "For `navigator.credentials.get()`.", body = CeremonyView),
    (status = 401, description = "The session is over."),
    (status = 404, description = "The account has no passkey, or this site takes none."),
))]
pub(super) async fn start_proof(
    Anyone(call): Anyone,
    MaybeJson(form): MaybeJson<RefreshToken>,
) -> Result<Response<Body>, Response<Body>> {
    let held = Held::of(&call, form.refresh_token).map_err(|problem| call.refuse(problem))?;
    match call.state().auth.start_proof_passkey(held.token(), &call.origin()).await {
        Ok(ceremony) => Ok(call.answer_with(StatusCode::OK, &CeremonyView::from(ceremony))),
        Err(error) => Err(call.refuse_token(&held, error)),
    }
}

/// What came as proof, of which one is to be there.
struct Shown {
    code: Secret,
    recovery_code: Secret,
    ceremony: String,
}

impl Shown {
    /// The factor; nothing if none was sent.
    ///
    /// # Errors
    /// 422 for more than one, or one that is longer than any of ours.
    fn proof(self, credential: Option<&Credential>) -> Result<Option<FactorProof>, Problem> {
        let limits = [("code", CODE_LIMIT, &self.code), ("recovery_code", RECOVERY_CODE_LIMIT, &self.recovery_code)];
        if let Some(problem) = limits.iter().find_map(|(name, limit, text)| longer_than(*limit, name, text.expose())) {
            return Err(problem);
        }
        let sent = [!self.code.expose().is_empty(), !self.recovery_code.expose().is_empty(), credential.is_some()];
        match sent {
            [false, false, false] if self.ceremony.is_empty() => Ok(None),
            [true, false, false] => Ok(Some(FactorProof::Totp(self.code.into()))),
            [false, true, false] => Ok(Some(FactorProof::RecoveryCode(SecretString::from(self.recovery_code)))),
            [false, false, _] => {
                let credential = answer_of(&self.ceremony, credential.unwrap_or(&Credential::default()))?;
                Ok(Some(FactorProof::Passkey { ceremony: self.ceremony, credential: credential.into() }))
            }
            _ => Err(one_only()),
        }
    }
}

fn one_only() -> Problem {
    Problem::invalid(vec![FieldError::new("", "Send one proof, not several.")])
}

/// A browser's answer as the service reads it.
///
/// # Errors
/// 422 for a ceremony that is longer than any of ours.
pub(super) fn answer_of(ceremony: &str, credential: &Credential) -> Result<String, Problem> {
    match longer_than(CEREMONY_LIMIT, "ceremony", ceremony) {
        Some(problem) => Err(problem),
        None => Ok(serde_json::to_string(&credential.0).unwrap_or_default()),
    }
}

/// The name of a challenge, if it is not longer than any of ours.
///
/// # Errors
/// 422.
pub(super) fn challenge_of(sent: &Secret) -> Result<(), Problem> {
    longer_than(CHALLENGE_LIMIT, "challenge", sent.expose()).map_or(Ok(()), Err)
}

impl Call {
    /// What waits: a sign-in by the name of its challenge, else the session of a refresh token. With a challenge, `transport`
    /// says how the tokens will travel.
    fn waiting(
        &self,
        challenge: Option<Secret>,
        refresh_token: Option<Secret>,
        transport: Transport,
    ) -> Result<(Option<Secret>, Held), Problem> {
        if let Some(challenge) = &challenge {
            challenge_of(challenge)?;
            if refresh_token.is_none() {
                return Ok((Some(challenge.clone()), Held::beside(self, transport)));
            }
        }
        Ok((challenge, Held::of(self, refresh_token)?))
    }

    /// What became of a sign-in.
    pub(super) async fn answer_log_in(
        &self,
        outcome: LoggedIn,
        transport: Transport,
    ) -> Result<Response<Body>, Response<Body>> {
        match outcome {
            LoggedIn::Opened(opened) | LoggedIn::Leaving(opened) => {
                Ok(self.answer_with(StatusCode::OK, &self.tokens(opened, transport)))
            }
            LoggedIn::Challenged(challenged) => self.answer_challenged(challenged).await,
        }
    }

    /// What a right password waits for. 202: it is not refused, and there is no session yet.
    async fn answer_challenged(&self, challenged: Challenged) -> Result<Response<Body>, Response<Body>> {
        let auth = &self.state().auth;
        let waiting = auth.waiting(Some(challenged.token.expose_secret()), None).await;
        let waiting = waiting.map_err(|error| self.refuse(error))?;
        let waiting = waiting.ok_or_else(|| self.refuse(AuthError::ChallengeOver))?;
        let (status, accepts) = match challenged.wants {
            Wants::Factor => (
                ChallengeStatus::FactorRequired,
                [
                    (FactorKind::Totp, waiting.takes_totp),
                    (FactorKind::RecoveryCode, waiting.takes_recovery_code),
                    (FactorKind::Passkey, waiting.takes_passkey),
                ],
            ),
            Wants::Enrolment => (
                ChallengeStatus::EnrolmentRequired,
                [
                    (FactorKind::Totp, true),
                    (FactorKind::RecoveryCode, false),
                    (FactorKind::Passkey, auth.offers_passkeys()),
                ],
            ),
        };
        let accepts = accepts.into_iter().filter_map(|(kind, takes)| takes.then_some(kind)).collect();
        let (challenge, expires_in) = (Secret::from(challenged.token), challenged.max_age);
        Ok(self.answer_with(StatusCode::ACCEPTED, &ChallengeView { status, challenge, expires_in, accepts }))
    }

    /// A ceremony that has begun.
    pub(super) fn answer_ceremony(&self, begun: Result<Ceremony, AuthError>) -> Response<Body> {
        match begun {
            Ok(ceremony) => self.answer_with(StatusCode::OK, &CeremonyView::from(ceremony)),
            Err(error) => self.refuse(error),
        }
    }
}
