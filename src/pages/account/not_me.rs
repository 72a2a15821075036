//! "This wasn't me": what to do when somebody else was in the account.

use crate::{
    actions::ReportNotMe,
    components::{Panel, ProblemAlert, SubmitButton},
    pages::{
        context::{account_facts, posted_to, visitor},
        form::ActionForm,
        frame::AccountFrame,
    },
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/account/not-me`
#[component]
pub fn NotMePage() -> impl IntoView {
    let has_password = account_facts().factors.has_password;
    view! {
        <AccountFrame
            title="This wasn’t me"
            here=paths::ACCOUNT_NOT_ME
            lead="Somebody else may know your password. Shut them out now."
        >
            <Panel title="What happens now" id="what">
                <ol class="steps">
                    <li>"Every session of your account ends, this one too."</li>
                    // Without a confirmed address the mail below may reach nobody: then the password stays.
                    {visitor()
                        .is_some_and(|account| account.email_verified_at.is_some() && has_password)
                        .then(|| view! { <li>"Your password stops working."</li> })}
                    <li>"We mail you a link to choose a new one."</li>
                </ol>
                {account_facts().factors.any().then(stay)}
                <ActionForm page=paths::ACCOUNT_NOT_ME function=ReportNotMe::PATH>
                    <ProblemAlert problem=posted_to(paths::ACCOUNT_NOT_ME).problem />
                    <SubmitButton label="Shut everybody out" busy="Ending every session…" danger=true />
                </ActionForm>
                <p class="card-foot">
                    "It was you after all? " <a class="link" href=paths::ACCOUNT_HISTORY>
                        "Back to your history"
                    </a>
                </p>
            </Panel>
        </AccountFrame>
    }
}

/// Who was in may have added a factor, and a new password does not remove it.
fn stay() -> impl IntoView {
    view! {
        <p>
            "Your authenticator app and your passkeys stay, and a passkey alone signs in. First " <a
                class="link"
                href=paths::ACCOUNT_FACTORS
            >
                "look at them"
            </a> " and remove what you did not add."
        </p>
    }
}
