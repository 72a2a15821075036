//! Choose the new password: with the mailed link, or with the mailed code in the browser that asked for it.

use super::{
    context::{MailedLink, Posted, mailed_link, password_hint, posted, site_name},
    error_of, focus_on,
    form::form,
};
use crate::{
    actions::ConfirmPasswordReset,
    components::{Card, Field, Page, PasswordField, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/reset-confirmation`
#[component]
pub fn ResetConfirmationPage() -> impl IntoView {
    let posted = posted();
    let link = mailed_link();
    let (title, lead) = match link {
        Some(_) => ("Choose a new password", "It ends every session of your account, everywhere."),
        None => (
            "Check your mail",
            "If that address has an account, a mail is on its way. Open its link, or type its code here.",
        ),
    };
    let with_code = link.is_none();
    view! {
        <Page title=title site=site_name() home=paths::HOME>
            <Card title=title lead=lead>
                <ConfirmForm>
                    <ProblemAlert problem=posted.problem.clone() />
                    {match link {
                        Some(link) => Either::Left(linked(link)),
                        None => Either::Right(coded(&posted)),
                    }}
                    <PasswordField
                        name="password"
                        label="New password"
                        autocomplete="new-password"
                        hint=password_hint()
                        error=error_of(&posted, "password")
                        autofocus=focus_on(&posted, "password", !with_code)
                    />
                    <PasswordField
                        name="password_again"
                        label="New password again"
                        autocomplete="new-password"
                        error=error_of(&posted, "password_again")
                        autofocus=focus_on(&posted, "password_again", false)
                    />
                    <SubmitButton label="Change password" busy="Changing your password…" />
                </ConfirmForm>
                <p class="card-foot">
                    {if with_code { "No mail after a few minutes? " } else { "The link does not work? " }}
                    <a class="link" href=paths::RESET_PASSWORD>
                        "Ask for a new mail"
                    </a>
                </p>
            </Card>
        </Page>
    }
}

fn linked(link: MailedLink) -> impl IntoView {
    view! {
        <input type="hidden" name="uid" value=link.uid />
        <input type="hidden" name="token" value=link.token />
    }
}

fn coded(posted: &Posted) -> impl IntoView + use<> {
    view! {
        <Field
            name="code"
            label="Code from the mail"
            autocomplete="one-time-code"
            inputmode=Some("numeric")
            hint="8 digits. It works in this browser only."
            value=posted.value("code")
            error=error_of(posted, "code")
            autofocus=focus_on(posted, "code", true)
        />
    }
}

#[island]
fn ConfirmForm(children: Children) -> impl IntoView {
    form(paths::RESET_CONFIRMATION, ConfirmPasswordReset::PATH, children)
}
