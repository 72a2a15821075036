//! Make an account.

use super::{
    context::{Posted, password_hint, posted, registration_is_open},
    error_of, focus_on,
    form::ActionForm,
    frame::SitePage,
};
use crate::{
    actions::Register,
    components::{Card, Field, PasswordField, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/register`
#[component]
pub fn RegisterPage() -> impl IntoView {
    view! {
        <SitePage title="Create account">
            {if registration_is_open() {
                Either::Left(open(posted()))
            } else {
                Either::Right(
                    view! {
                        <Card
                            title="This site takes no new accounts"
                            lead="Who has an account already can sign in as always."
                        >
                            <a class="button" href=paths::LOGIN>
                                "Sign in"
                            </a>
                        </Card>
                    },
                )
            }}
        </SitePage>
    }
}

fn open(posted: Posted) -> impl IntoView {
    view! {
        <Card title="Create account">
            <ActionForm page=paths::REGISTER function=Register::PATH>
                {fields(&posted)} {trap()} <SubmitButton label="Create account" busy="Creating your account…" />
            </ActionForm>
            <p class="card-foot">
                "You have an account? "
                <a class="link" href=paths::LOGIN>
                    "Sign in"
                </a>
            </p>
        </Card>
    }
}

fn fields(posted: &Posted) -> impl IntoView + use<> {
    view! {
        <ProblemAlert problem=posted.problem.clone() />
        <Field
            name="email"
            label="E-mail"
            kind="email"
            autocomplete="email"
            value=posted.value("email")
            error=error_of(posted, "email")
            autofocus=focus_on(posted, "email", true)
        />
        <Field
            name="username"
            label="User name"
            autocomplete="username"
            value=posted.value("username")
            error=error_of(posted, "username")
            autofocus=focus_on(posted, "username", false)
        />
        <PasswordField
            name="password"
            label="Password"
            autocomplete="new-password"
            hint=password_hint()
            error=error_of(posted, "password")
            autofocus=focus_on(posted, "password", false)
        />
        <PasswordField
            name="password_again"
            label="Password again"
            autocomplete="new-password"
            error=error_of(posted, "password_again")
            autofocus=focus_on(posted, "password_again", false)
        />
        <div class="form-pair">
            <Field
                name="first_name"
                label="First name"
                autocomplete="given-name"
                optional=true
                value=posted.value("first_name")
                error=error_of(posted, "first_name")
                autofocus=focus_on(posted, "first_name", false)
            />
            <Field
                name="last_name"
                label="Last name"
                autocomplete="family-name"
                optional=true
                value=posted.value("last_name")
                error=error_of(posted, "last_name")
                autofocus=focus_on(posted, "last_name", false)
            />
        </div>
    }
}

/// A field that people do not see and programs that fill in everything do.
fn trap() -> impl IntoView {
    view! {
        <div class="unseen" aria-hidden="true">
            <label for="website">"Leave this empty"</label>
            <input id="website" name="website" type="text" tabindex="-1" autocomplete="off" />
        </div>
    }
}
