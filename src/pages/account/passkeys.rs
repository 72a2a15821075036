//! The passkeys of an account.

use super::last_one;
use crate::{
    components::{Field, Panel, ProblemAlert, SubmitButton},
    domain::factor::{Factors, PasskeySummary},
    pages::{
        context::{account_facts, posted_to, visitor},
        error_of, focus_on,
        form::ActionForm,
        frame::when,
        kept,
        passkey_form::{Asks, PasskeyForm},
    },
    paths::{ceremonies, forms},
};
use leptos::{either::Either, prelude::*};

/// The panel of passkeys: when each was made and used, its name, and a new one.
pub(super) fn passkeys(factors: &Factors) -> impl IntoView + use<> {
    let confirmed = visitor().is_some_and(|account| account.email_verified_at.is_some());
    let last = last_one(factors, factors.may_lose_passkey());
    let list = (!factors.passkeys.is_empty()).then(|| (list(factors), last));
    view! {
        <Panel
            title="Passkeys"
            id="passkeys"
            lead="Your fingerprint, face or screen lock in place of a password. A passkey alone signs you in."
        >
            {list} {confirmed.then(add)}
        </Panel>
    }
}

fn list(factors: &Factors) -> impl IntoView + use<> {
    let removable = factors.may_lose_passkey();
    let rows = factors.passkeys.iter().cloned().map(|passkey| row(passkey, removable)).collect_view();
    view! { <ul class="rows">{rows}</ul> }
}

fn row(passkey: PasskeySummary, removable: bool) -> impl IntoView {
    let used = match passkey.last_used_at {
        Some(at) => Either::Left(view! { "Last used "{when(at)} }),
        None => Either::Right("Not used yet"),
    };
    let removal = Some(posted_to(forms::REMOVE_PASSKEY)).filter(|posted| posted.value("passkey") == passkey.id);
    let about = ["Remove the passkey ", &passkey.name].concat();
    let pressed = Some(("passkey", passkey.id.clone()));
    let name = passkey.name.clone();
    let made = when(passkey.created_at);
    view! {
        <li class="row">
            <div>
                <strong>{name}</strong>
                <p class="muted">"Made "{made}</p>
                <p class="muted">{used}</p>
            </div>
            // Also where it cannot go by now: what a form is told that was sent from an older page has its place.
            {(removable || removal.is_some())
                .then(|| {
                    view! {
                        <ActionForm page=forms::REMOVE_PASSKEY function=ceremonies::REMOVE>
                            <ProblemAlert problem=removal.and_then(|posted| posted.problem) />
                            <SubmitButton label="Remove" busy="Removing…" quiet=true pressed about=Some(about) />
                        </ActionForm>
                    }
                })} {rename(passkey)}
        </li>
    }
}

/// Another name for a passkey, behind a line that opens.
fn rename(passkey: PasskeySummary) -> impl IntoView {
    let posted = Some(posted_to(forms::RENAME_PASSKEY)).filter(|posted| posted.value("passkey") == passkey.id);
    let posted = posted.unwrap_or_default();
    let open = posted.problem.is_some();
    let about = ["Rename the passkey ", &passkey.name].concat();
    let field = ["name-", &passkey.id].concat();
    view! {
        <details class="row-more" open=open>
            <summary class="link" aria-label=about>
                "Rename"
            </summary>
            <ActionForm page=forms::RENAME_PASSKEY function=ceremonies::RENAME>
                <ProblemAlert problem=posted.problem.clone() />
                <input type="hidden" name="passkey" value=passkey.id />
                <Field
                    name="name"
                    id=field
                    label="Name"
                    autocomplete="off"
                    value=kept(&posted, "name", &passkey.name)
                    error=error_of(&posted, "name")
                    autofocus=focus_on(&posted, "name", false)
                />
                <SubmitButton label="Save the name" busy="Saving…" quiet=true />
            </ActionForm>
        </details>
    }
}

fn add() -> impl IntoView {
    let posted = posted_to(forms::ADD_PASSKEY);
    // Whoever has to prove first who it is comes back to a new page: a name typed before would be lost.
    let name = (account_facts().is_fresh || posted.problem.is_some()).then(|| {
        view! {
            <Field
                name="name"
                id="new-passkey"
                label="Name of a new passkey"
                autocomplete="off"
                hint="What you call it, for example the device it is on."
                optional=true
                value=posted.value("name")
                error=error_of(&posted, "name")
                autofocus=focus_on(&posted, "name", false)
            />
        }
    });
    view! {
        <PasskeyForm
            page=forms::ADD_PASSKEY
            function=ceremonies::ADD
            start=ceremonies::START_ADD
            asks=Asks::New
            label="Add a passkey"
            quiet=false
        >
            {name}
        </PasskeyForm>
    }
}
