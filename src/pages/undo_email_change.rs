//! Go back to the earlier address, with the link that was mailed to it.

use super::{
    context::{MailedLink, mailed_link, posted},
    form::ActionForm,
    frame::SitePage,
    mailed::linked,
};
use crate::{
    actions::UndoEmailChange,
    components::{Card, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/undo-email-change`
#[component]
pub fn UndoEmailChangePage() -> impl IntoView {
    view! {
        <SitePage title="Keep your old e-mail">
            {match mailed_link() {
                Some(link) => Either::Left(with_link(link)),
                None => Either::Right(without_link()),
            }}
        </SitePage>
    }
}

fn with_link(link: MailedLink) -> impl IntoView {
    view! {
        <Card
            title="Keep your old e-mail"
            lead="Was it not you who changed it? Then somebody else was in your account."
        >
            <ol class="steps">
                <li>"Your account goes back to the address that this mail came to."</li>
                <li>"Every session ends, and the password stops working."</li>
                <li>"You choose a new password by mail."</li>
            </ol>
            <ActionForm page=paths::UNDO_EMAIL_CHANGE function=UndoEmailChange::PATH>
                <ProblemAlert problem=posted().problem />
                {linked(link)}
                <SubmitButton label="Keep the old address" busy="One moment…" />
            </ActionForm>
        </Card>
    }
}

fn without_link() -> impl IntoView {
    view! {
        <Card
            title="The link is missing"
            lead="Open the link in the mail that told you of the change, or copy all of it into the address bar."
        >
            <ProblemAlert problem=posted().problem />
            <a class="button" href=paths::HOME>
                "Go to the start page"
            </a>
        </Card>
    }
}
