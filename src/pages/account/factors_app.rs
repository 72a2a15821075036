//! Setting up an authenticator app.

use crate::{
    actions::{ConfirmApp, StartApp},
    components::{Panel, ProblemAlert, SubmitButton},
    pages::{
        app_setup::secret_of,
        context::{NewApp, account_facts, posted_to},
        factor::totp_field,
        form::ActionForm,
        frame::AccountFrame,
    },
    paths::{self, forms},
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/account/factors/app`
#[component]
pub fn FactorsAppPage() -> impl IntoView {
    let step = match account_facts().new_app {
        Some(app) => Either::Left(finish(&app)),
        None => Either::Right(begin()),
    };
    view! {
        <AccountFrame title="Authenticator app" here=paths::ACCOUNT_FACTORS lead="An app on your phone shows a code when you sign in.">
            {step}
        </AccountFrame>
    }
}

fn finish(app: &NewApp) -> impl IntoView + use<> {
    let posted = posted_to(paths::ACCOUNT_FACTORS_APP);
    let secret = secret_of(app);
    view! {
        <Panel title="Set it up" id="set-up">
            {secret}
            <ActionForm page=paths::ACCOUNT_FACTORS_APP function=ConfirmApp::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                {totp_field(&posted, "code", false)}
                <SubmitButton label="Confirm" busy="Checking…" />
            </ActionForm>
            {cancel()}
        </Panel>
    }
}

/// Nothing waits, or nobody may see it without a fresh proof.
fn begin() -> impl IntoView {
    let problem = posted_to(paths::ACCOUNT_FACTORS_APP).problem.or(posted_to(forms::START_APP).problem);
    view! {
        <Panel title="Set it up" id="set-up" lead="You will see a picture to scan.">
            <ActionForm page=forms::START_APP function=StartApp::PATH>
                <ProblemAlert problem />
                <SubmitButton label="Begin" busy="One moment…" />
            </ActionForm>
            {cancel()}
        </Panel>
    }
}

fn cancel() -> impl IntoView {
    view! {
        <p class="card-foot">
            <a class="link" href=paths::ACCOUNT_FACTORS>
                "Back"
            </a>
        </p>
    }
}
