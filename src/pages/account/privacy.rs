//! One's data: take it along, or leave.

use crate::{
    actions::RequestDeletion,
    components::{Panel, ProblemAlert, SubmitButton},
    pages::{
        context::{account_facts, posted_to},
        days,
        form::ActionForm,
        frame::AccountFrame,
    },
    paths::{self, forms},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/account/privacy`
#[component]
pub fn PrivacyPage() -> impl IntoView {
    view! {
        <AccountFrame title="Privacy" here=paths::ACCOUNT_PRIVACY lead="Your data is yours: take it along, or leave.">
            <Panel
                title="Download your data"
                id="download"
                lead="One file with your profile, your second steps, your sessions and your history, for people and programs to read."
            >
                // The browser's to send: what comes is a file and no page.
                <form class="form" method="post" action=forms::EXPORT novalidate>
                    <ProblemAlert problem=posted_to(forms::EXPORT).problem />
                    <SubmitButton label="Download my data" busy="" quiet=true />
                </form>
            </Panel>
            {leave()}
        </AccountFrame>
    }
}

fn leave() -> impl IntoView {
    let lead = match account_facts().deletion_grace {
        ..=0 => "You are signed out everywhere, and your account is deleted for good.".to_owned(),
        grace => [
            "You are signed out everywhere at once. For ",
            &days(grace),
            " you can sign in and keep your account; after that it is deleted for good.",
        ]
        .concat(),
    };
    view! {
        <Panel title="Delete your account" id="delete" lead=lead>
            <ActionForm page=forms::DELETE function=RequestDeletion::PATH>
                <ProblemAlert problem=posted_to(forms::DELETE).problem />
                <SubmitButton label="Delete my account" busy="Deleting…" danger=true />
            </ActionForm>
        </Panel>
    }
}
