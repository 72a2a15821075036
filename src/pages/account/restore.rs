//! An account that is about to be deleted can be kept.

use crate::{
    actions::UndoDeletion,
    components::{Card, ProblemAlert, SubmitButton},
    domain::time::Timestamp,
    pages::{
        context::{posted_to, visitor},
        form::ActionForm,
        frame::{SitePage, notice, when},
    },
    paths,
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/account/restore`
#[component]
pub fn RestorePage() -> impl IntoView {
    view! {
        <SitePage title="Keep your account?">
            {match visitor().and_then(|account| account.delete_at) {
                Some(delete_at) => Either::Left(leaving(delete_at)),
                None => Either::Right(staying()),
            }}
        </SitePage>
    }
}

fn leaving(delete_at: Timestamp) -> impl IntoView {
    view! {
        <Card title="Keep your account?">
            {notice()} <p>"Your account will be deleted on " <strong>{when(delete_at)}</strong> "."</p>
            <ActionForm page=paths::ACCOUNT_RESTORE function=UndoDeletion::PATH>
                <ProblemAlert problem=posted_to(paths::ACCOUNT_RESTORE).problem />
                <SubmitButton label="Keep my account" busy="One moment…" />
            </ActionForm>
            <p class="card-foot">"If you still want to leave, just sign out."</p>
        </Card>
    }
}

fn staying() -> impl IntoView {
    view! {
        <Card title="Your account stays" lead="Nobody has asked for it to be deleted.">
            <a class="button" href=paths::DASHBOARD>
                "Go to your dashboard"
            </a>
        </Card>
    }
}
