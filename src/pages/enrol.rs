//! A sign-in that goes on once a second factor is set up, which this site demands.

use super::{
    app_setup::secret_of,
    context::{NewApp, account_facts, posted_to, waiting},
    factor::{StartAgainForm, totp_field},
    form::ActionForm,
    frame::{SitePage, notice},
    passkey_form::{Asks, PasskeyForm},
};
use crate::{
    actions::{ConfirmAppToEnrol, ResendToEnrol, StartAppToEnrol},
    components::{Card, ProblemAlert, SubmitButton},
    domain::factor::Waiting,
    paths::{self, ceremonies, forms},
};
use leptos::{either::EitherOf3, prelude::*, server_fn::ServerFn};

/// `/login/enrol`
#[component]
pub fn EnrolPage() -> impl IntoView {
    view! { <SitePage title="Protect your account">{waiting().map(enrolment)}</SitePage> }
}

fn enrolment(waiting: Waiting) -> impl IntoView {
    let lead = [
        "You are signing in as ",
        &waiting.username,
        ". This site asks for a second step beside the password, so that a password alone is no use to a thief.",
    ]
    .concat();
    let facts = account_facts();
    let step = match (waiting.email_confirmed, facts.new_app) {
        (false, _) => EitherOf3::A(confirm_first(waiting.email)),
        (true, Some(app)) => EitherOf3::B((finish(&app), facts.offers_passkeys.then(passkey))),
        (true, None) => EitherOf3::C((choose(), facts.offers_passkeys.then(passkey))),
    };
    view! {
        <Card title="Protect your account" lead=lead>
            {notice()} {step} <div class="card-foot stack-small">
                <StartAgainForm label="Cancel this sign-in" />
            </div>
        </Card>
    }
}

fn confirm_first(email: String) -> impl IntoView {
    view! {
        <p>
            "First confirm your e-mail address, " <strong>{email}</strong>
            ": we need a way to reach you. Open the link in our mail, or have one sent, and come back here."
        </p>
        <a class="button" href=paths::LOGIN_ENROL rel="external">
            "It is confirmed: go on"
        </a>
        <ActionForm page=forms::ENROL_RESEND function=ResendToEnrol::PATH>
            <ProblemAlert problem=posted_to(forms::ENROL_RESEND).problem />
            <SubmitButton label="Send me the link" busy="Sending…" quiet=true />
        </ActionForm>
    }
}

fn passkey() -> impl IntoView {
    view! {
        <PasskeyForm
            page=forms::ENROL_PASSKEY
            function=ceremonies::ENROL
            start=ceremonies::START_ENROL
            label="Use a passkey instead"
            asks=Asks::New
        />
    }
}

fn choose() -> impl IntoView {
    view! {
        <ActionForm page=forms::ENROL_START function=StartAppToEnrol::PATH>
            <ProblemAlert problem=posted_to(forms::ENROL_START).problem />
            <SubmitButton label="Set up an authenticator app" busy="One moment…" />
        </ActionForm>
    }
}

fn finish(app: &NewApp) -> impl IntoView + use<> {
    let (posted, secret) = (posted_to(paths::LOGIN_ENROL), secret_of(app));
    view! {
        {secret}
        <ActionForm page=paths::LOGIN_ENROL function=ConfirmAppToEnrol::PATH>
            <ProblemAlert problem=posted.problem.clone() />
            {totp_field(&posted, "code", false)}
            <SubmitButton label="Confirm and sign in" busy="Checking…" />
        </ActionForm>
    }
}
