//! Ask for a mail that lets its reader choose a new password.

use super::{
    context::{posted, site_name},
    error_of, focus_on,
    form::form,
};
use crate::{
    actions::RequestPasswordReset,
    components::{Card, Field, Page, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/reset-password`
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let posted = posted();
    view! {
        <Page title="Reset your password" site=site_name() home=paths::HOME>
            <Card
                title="Reset your password"
                lead="Tell us the e-mail address of your account. We send you a link and a code."
            >
                <RequestForm>
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
                </RequestForm>
                <p class="card-foot">
                    "You remember it? "
                    <a class="link" href=paths::LOGIN>
                        "Sign in"
                    </a>
                </p>
            </Card>
        </Page>
    }
}

#[island]
fn RequestForm(children: Children) -> impl IntoView {
    form(paths::RESET_PASSWORD, RequestPasswordReset::PATH, children)
}
