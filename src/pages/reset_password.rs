//! Ask for a mail that lets its reader choose a new password.

use super::{context::posted, error_of, focus_on, form::ActionForm, frame::SitePage};
use crate::{
    actions::RequestPasswordReset,
    components::{Card, Field, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/reset-password`
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let posted = posted();
    view! {
        <SitePage title="Reset your password">
            <Card
                title="Reset your password"
                lead="Tell us the e-mail address of your account. We send you a link and a code."
            >
                <ActionForm page=paths::RESET_PASSWORD function=RequestPasswordReset::PATH>
                    <ProblemAlert problem=posted.problem.clone() />
                    <Field
                        name="email"
                        label="E-mail"
                        kind="email"
                        autocomplete="email"
                        value=posted.value("email")
                        error=error_of(&posted, "email")
                        autofocus=focus_on(&posted, "email", true)
                    />
                    <SubmitButton label="Send the mail" busy="Sending…" />
                </ActionForm>
                <p class="card-foot">
                    "You remember it? "
                    <a class="link" href=paths::LOGIN>
                        "Sign in"
                    </a>
                </p>
            </Card>
        </SitePage>
    }
}
