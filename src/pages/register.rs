//! Make an account.

use super::{
    context::{password_hint, posted, site_name},
    error_of, focus_on,
    form::form,
};
use crate::{
    actions::Register,
    components::{Card, Field, Page, PasswordField, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/register`
#[component]
pub fn RegisterPage() -> impl IntoView {
    let posted = posted();
    view! {
        <Page title="Create account" site=site_name() home=paths::HOME>
            <Card title="Create account">
                <RegisterForm>
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
                    <Field
                        name="username"
                        label="User name"
                        autocomplete="username"
                        value=posted.value("username")
                        error=error_of(&posted, "username")
                        autofocus=focus_on(&posted, "username", false)
                    />
                    <PasswordField
                        name="password"
                        label="Password"
                        autocomplete="new-password"
                        hint=password_hint()
                        error=error_of(&posted, "password")
                        autofocus=focus_on(&posted, "password", false)
                    />
                    <PasswordField
                        name="password_again"
                        label="Password again"
                        autocomplete="new-password"
                        error=error_of(&posted, "password_again")
                        autofocus=focus_on(&posted, "password_again", false)
                    />
                    <div class="form-pair">
                        <Field
                            name="first_name"
                            label="First name"
                            autocomplete="given-name"
                            optional=true
                            value=posted.value("first_name")
                            error=error_of(&posted, "first_name")
                            autofocus=focus_on(&posted, "first_name", false)
                        />
                        <Field
                            name="last_name"
                            label="Last name"
                            autocomplete="family-name"
                            optional=true
                            value=posted.value("last_name")
                            error=error_of(&posted, "last_name")
                            autofocus=focus_on(&posted, "last_name", false)
                        />
                    </div>
                    <SubmitButton label="Create account" busy="Creating your account…" />
                </RegisterForm>
                <p class="card-foot">
                    "You have an account? "
                    <a class="link" href=paths::LOGIN>
                        "Sign in"
                    </a>
                </p>
            </Card>
        </Page>
    }
}

#[island]
fn RegisterForm(children: Children) -> impl IntoView {
    form(paths::REGISTER, Register::PATH, children)
}
