//! Choose the new password: with the mailed link, or with the mailed code in the browser that asked for it.

use super::{
    context::{mailed_link, password_hint, posted},
    error_of, focus_on,
    form::ActionForm,
    frame::SitePage,
    mailed::{coded, linked},
};
use crate::{
    actions::ConfirmPasswordReset,
    components::{Card, PasswordField, ProblemAlert, SubmitButton},
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
        <SitePage title>
            <Card title=title lead=lead>
                <ActionForm page=paths::RESET_CONFIRMATION function=ConfirmPasswordReset::PATH>
                    <ProblemAlert problem=posted.problem.clone() />
                    {match link {
                        Some(link) => Either::Left(linked(link)),
                        None => Either::Right(coded(&posted, "8 digits. It works in this browser only.")),
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
                </ActionForm>
                <p class="card-foot">
                    {if with_code { "No mail after a few minutes? " } else { "The link does not work? " }}
                    <a class="link" href=paths::RESET_PASSWORD>
                        "Ask for a new mail"
                    </a>
                </p>
            </Card>
        </SitePage>
    }
}
