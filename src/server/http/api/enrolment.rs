//! Enrolling the second factor that a site demands, before anybody is signed in: by the challenge of a sign-in.

use super::{
    caller::{Anyone, Held},
    input::Json,
    second_factor::{answer_of, challenge_of},
    types::{
        Asked, CeremonyView, EnrolledFactor, FirstCodeToSignIn, NewPasskeyToSignIn, Secret, TotpSetup, Transport,
        WaitingSignIn,
    },
};
use crate::server::{
    auth::{AuthError, By, Enrolled, NewCodes},
    http::render::Call,
};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

/// Begin to set up an authenticator app, for which a sign-in waits.
#[utoipa::path(post, path = "/sessions/enrolment/totp", tag = "Second factors", operation_id = "start_totp_to_sign_in",
    request_body = WaitingSignIn, responses(
    (status = 200, description = "A new secret for the app; one from before is worth nothing.", body = TotpSetup),
    (status = 401, description = "Nothing waits under this name any more."),
))]
pub(super) async fn start_totp(
    Anyone(call): Anyone,
    Json(form): Json<WaitingSignIn>,
) -> Result<Response<Body>, Response<Body>> {
    challenge_of(&form.challenge).map_err(|problem| call.refuse(problem))?;
    let started = call.state().auth.start_totp(By::Challenge(form.challenge.expose(), None)).await;
    let waiting = started.map_err(|error| call.refuse(error))?;
    Ok(call.answer_with(StatusCode::OK, &TotpSetup::from(waiting)))
}

/// Take the authenticator app into use with a code of it, and sign in.
#[utoipa::path(post, path = "/sessions/enrolment/totp/confirm", tag = "Second factors", operation_id = "confirm_totp_to_sign_in",
    request_body = FirstCodeToSignIn, responses(
    (status = 200, description = "It is in use, and somebody is signed in.", body = EnrolledFactor),
    (status = 401, description = "Nothing waits under this name any more."),
))]
pub(super) async fn confirm_totp(
    Anyone(call): Anyone,
    Json(form): Json<FirstCodeToSignIn>,
) -> Result<Response<Body>, Response<Body>> {
    challenge_of(&form.challenge).map_err(|problem| call.refuse(problem))?;
    let held = Held::beside(&call, form.transport);
    let by = By::Challenge(form.challenge.expose(), held.token());
    let enrolled = call.state().auth.confirm_totp(by, form.code.expose(), &call.origin()).await;
    Ok(call.answer_enrolled(enrolled, form.transport))
}

/// Begin to make a passkey, for which a sign-in waits.
#[utoipa::path(post, path = "/sessions/enrolment/passkeys/start", tag = "Second factors", operation_id = "start_passkey_to_sign_in",
    request_body = WaitingSignIn, responses(
    (status = 200, description = "For `navigator.credentials.create()`.", body = CeremonyView),
    (status = 401, description = "Nothing waits under this name any more."),
    (status = 404, description = "This site takes no passkeys: it has no domain."),
))]
pub(super) async fn start_passkey(
    Anyone(call): Anyone,
    Json(form): Json<WaitingSignIn>,
) -> Result<Response<Body>, Response<Body>> {
    challenge_of(&form.challenge).map_err(|problem| call.refuse(problem))?;
    let by = By::Challenge(form.challenge.expose(), None);
    let begun = call.state().auth.start_passkey_enrolment(by, &call.origin()).await;
    Ok(call.answer_ceremony(begun))
}

/// Keep the passkey that the browser has made, and sign in.
#[utoipa::path(post, path = "/sessions/enrolment/passkeys", tag = "Second factors", operation_id = "add_passkey_to_sign_in",
    request_body = NewPasskeyToSignIn, responses(
    (status = 200, description = "It is kept, and somebody is signed in.", body = EnrolledFactor),
    (status = 401, description = "Nothing waits under this name any more."),
))]
pub(super) async fn add_passkey(
    Anyone(call): Anyone,
    Json(form): Json<NewPasskeyToSignIn>,
) -> Result<Response<Body>, Response<Body>> {
    challenge_of(&form.challenge).map_err(|problem| call.refuse(problem))?;
    let credential = answer_of(&form.ceremony, &form.credential).map_err(|problem| call.refuse(problem))?;
    let held = Held::beside(&call, form.transport);
    let by = By::Challenge(form.challenge.expose(), held.token());
    let ceremony = (form.ceremony.as_str(), credential.as_str());
    let enrolled = call.state().auth.finish_passkey_enrolment(by, ceremony, &form.name, &call.origin()).await;
    Ok(call.answer_enrolled(enrolled, form.transport))
}

/// Mail the confirmation once more, to somebody whose sign-in waits for a factor.
///
/// Without a confirmed address nothing can be enrolled (403 `unconfirmed_email`).
#[utoipa::path(post, path = "/sessions/enrolment/resend-confirmation", tag = "Second factors", operation_id = "resend_confirmation_to_sign_in",
    request_body = WaitingSignIn, responses(
    (status = 202, description = "A mail is on its way, unless the address is confirmed already.", body = Asked),
    (status = 401, description = "Nothing waits under this name any more."),
))]
pub(super) async fn resend_confirmation(
    Anyone(call): Anyone,
    Json(form): Json<WaitingSignIn>,
) -> Result<Response<Body>, Response<Body>> {
    challenge_of(&form.challenge).map_err(|problem| call.refuse(problem))?;
    let sent = call.state().auth.resend_confirmation_to_enrol(form.challenge.expose(), &call.origin()).await;
    sent.map_err(|error| call.refuse(error))?;
    let expires_in = call.state().settings.confirmation.link_lifetime;
    Ok(call.answer_with(StatusCode::ACCEPTED, &Asked { expires_in, request_token: None }))
}

impl Call {
    /// A factor that was enrolled, with the tokens of the session that it has opened, if it has.
    pub(super) fn answer_enrolled(
        &self,
        enrolled: Result<Enrolled, AuthError>,
        transport: Transport,
    ) -> Response<Body> {
        let enrolled = match enrolled {
            Ok(enrolled) => enrolled,
            Err(error) => return self.refuse(error),
        };
        let codes = enrolled.codes.as_ref().map(shown);
        let tokens = enrolled.opened.map(|(opened, _)| self.tokens(opened, transport));
        self.answer_with(StatusCode::OK, &EnrolledFactor { recovery_codes: codes, tokens })
    }
}

/// New recovery codes, as they are answered.
pub(super) fn shown(codes: &NewCodes) -> Vec<Secret> {
    codes.expose().iter().map(|code| code.as_str().into()).collect()
}
