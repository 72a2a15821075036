//! Where one is signed in.

use super::named;
use crate::{
    actions::{EndOtherSessions, EndSession},
    components::{ProblemAlert, SubmitButton},
    domain::session::SessionSummary,
    pages::{
        context::{account_facts, posted_to},
        form::ActionForm,
        frame::{AccountFrame, when},
    },
    paths::{self, forms},
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/account/sessions`
#[component]
pub fn SessionsPage() -> impl IntoView {
    let sessions = account_facts().sessions;
    let others = sessions.iter().any(|session| !session.is_this);
    view! {
        <AccountFrame
            title="Sessions"
            here=paths::ACCOUNT_SESSIONS
            lead="Where you are signed in. End what you do not know."
        >
            <section class="card" aria-labelledby="title">
                // One form for all rows: the button that is pressed says which session it is about.
                <ActionForm page=forms::END_SESSION function=EndSession::PATH>
                    <ProblemAlert problem=posted_to(forms::END_SESSION).problem />
                    <ul class="rows">{sessions.into_iter().map(row).collect_view()}</ul>
                </ActionForm>
            </section>
            {others.then(end_others)}
        </AccountFrame>
    }
}

fn row(session: SessionSummary) -> impl IntoView {
    let device = named(&session.device_label);
    let end = if session.is_this {
        Either::Left(view! { <span class="badge">"This one"</span> })
    } else {
        let about = ["End the session of ", &device, ", ", &session.ip].concat();
        Either::Right(view! {
            <SubmitButton
                label="End"
                busy="Ending…"
                quiet=true
                pressed=Some(("session", session.sid))
                about=Some(about)
            />
        })
    };
    view! {
        <li class="row">
            <div>
                <strong>{device}</strong>
                <p class="muted">"Last used "{when(session.last_used_at)}" from "{session.ip}</p>
                <p class="muted">"First used "{when(session.created_at)}</p>
            </div>
            {end}
        </li>
    }
}

fn end_others() -> impl IntoView {
    view! {
        <ActionForm page=forms::END_OTHER_SESSIONS function=EndOtherSessions::PATH>
            <ProblemAlert problem=posted_to(forms::END_OTHER_SESSIONS).problem />
            <SubmitButton label="End all other sessions" busy="Ending…" danger=true />
        </ActionForm>
    }
}
