//! The second step of a sign-in: a code of the authenticator app, a recovery code, or a passkey.

use super::{
    context::{Posted, posted, posted_to, waiting},
    days, error_of, focus_on,
    form::ActionForm,
    frame::{SitePage, notice},
    passkey_form::PasskeyForm,
};
use crate::{
    actions::{AnswerChallenge, StartAgain},
    components::{Card, CheckBox, Field, ProblemAlert, SubmitButton},
    domain::factor::Waiting,
    paths::{self, ceremonies, forms},
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// `/login/factor`
#[component]
pub fn FactorPage() -> impl IntoView {
    view! { <SitePage title="Second step">{waiting().map(second_step)}</SitePage> }
}

fn second_step(waiting: Waiting) -> impl IntoView {
    let query = use_query_map().get_untracked();
    let sent = posted();
    let asks_recovery = query.get_str("with") == Some("recovery") || sent.value("with") == "recovery";
    // An old link to the form for recovery codes is no dead end where none are left.
    let wants_recovery = asks_recovery && waiting.takes_recovery_code;
    let by_code = waiting.takes_totp && !wants_recovery;
    let by_recovery = waiting.takes_recovery_code && (wants_recovery || !(waiting.takes_totp || waiting.takes_passkey));
    let typed = sent.value("next");
    let next = paths::own_path(query.get_str("next").or(Some(typed.as_str()))).to_owned();
    let lead = ["Signing in as ", &waiting.username, "."].concat();
    view! {
        <Card title="Second step" lead=lead>
            {notice()} {(by_code || by_recovery).then(|| code_form(&waiting, by_recovery, next.clone()))}
            {(waiting.takes_passkey && !by_recovery).then(|| passkey_form(&waiting, next.clone()))}
            {(!(by_code || by_recovery || waiting.takes_passkey)).then(nothing_left)}
            <div class="card-foot stack-small">
                {other_way(&waiting, by_recovery, &next)} <StartAgainForm label="Not you? Start again" />
            </div>
        </Card>
    }
}

/// Whoever has lost all factors is let in by those who run the site.
fn nothing_left() -> impl IntoView {
    view! { <p>"You have nothing left to confirm with. Please ask those who run this site to let you in again."</p> }
}

/// The form of a code, of either kind.
fn code_form(waiting: &Waiting, recovery: bool, next: String) -> impl IntoView + use<> {
    let posted = posted_to(paths::LOGIN_FACTOR);
    let field = match recovery {
        true => Either::Left(recovery_field(&posted, "recovery_code", true)),
        false => Either::Right(totp_field(&posted, "code", true)),
    };
    let trust = trust(waiting, &posted, "trust");
    view! {
        <ActionForm page=paths::LOGIN_FACTOR function=AnswerChallenge::PATH>
            <ProblemAlert problem=posted.problem.clone() />
            {field}
            {trust}
            <input type="hidden" name="next" value=next />
            {recovery.then(|| view! { <input type="hidden" name="with" value="recovery" /> })}
            <SubmitButton label="Continue" busy="Checking…" />
        </ActionForm>
    }
}

/// The field for a code of the authenticator app.
pub(super) fn totp_field(posted: &Posted, name: &'static str, first: bool) -> impl IntoView + use<> {
    view! {
        <Field
            name=name
            label="Code from your authenticator app"
            autocomplete="one-time-code"
            inputmode=Some("numeric")
            hint="Six digits, which change every half minute."
            error=error_of(posted, name)
            autofocus=focus_on(posted, name, first)
        />
    }
}

/// The field for a recovery code.
pub(super) fn recovery_field(posted: &Posted, name: &'static str, first: bool) -> impl IntoView + use<> {
    view! {
        <Field
            name=name
            label="Recovery code"
            autocomplete="off"
            hint="One that you have not used yet. Each works once."
            error=error_of(posted, name)
            autofocus=focus_on(posted, name, first)
        />
    }
}

/// The box that keeps this browser from being asked again for a while.
fn trust(waiting: &Waiting, posted: &Posted, id: &'static str) -> Option<impl IntoView + use<>> {
    let checked = !posted.value("trust").is_empty();
    (waiting.trust_days > 0).then(|| {
        let label = ["Trust this browser for ", &days(waiting.trust_days)].concat();
        view! {
            <div class="form-row">
                <CheckBox name="trust" id=id label=label checked=checked />
            </div>
        }
    })
}

fn passkey_form(waiting: &Waiting, next: String) -> impl IntoView + use<> {
    let posted = posted_to(forms::FACTOR_PASSKEY);
    // Beside the form for codes its box means this way, too: scripts carry it over.
    let trust = match waiting.takes_totp {
        true => Either::Left(view! { <input type="hidden" name="trust" /> }),
        false => Either::Right(trust(waiting, &posted, "trust-passkey")),
    };
    view! {
        <PasskeyForm
            page=forms::FACTOR_PASSKEY
            function=ceremonies::FACTOR
            start=ceremonies::START_FACTOR
            label="Use a passkey"
        >
            {trust}
            <input type="hidden" name="next" value=next />
        </PasskeyForm>
    }
}

/// The link to what else there is.
fn other_way(waiting: &Waiting, by_recovery: bool, next: &str) -> Option<impl IntoView + use<>> {
    let (label, query) = match by_recovery {
        true if waiting.takes_totp || waiting.takes_passkey => ("Use your app or passkey instead", "?next="),
        false if waiting.takes_recovery_code => ("Use a recovery code", "?with=recovery&next="),
        _ => return None,
    };
    // What leads on behind a `?` of its own would end in this query: then the way goes to the dashboard.
    let next = if next.contains(['&', '%', '+', '?']) { paths::DASHBOARD } else { next };
    let link = [paths::LOGIN_FACTOR, query, next].concat();
    Some(view! {
        <p>
            <a class="link" href=link rel="external">
                {label}
            </a>
        </p>
    })
}

/// The button that gives a sign-in up.
#[component]
pub(super) fn StartAgainForm(
    /// What it says.
    label: &'static str,
) -> impl IntoView {
    view! {
        <ActionForm page=forms::START_AGAIN function=StartAgain::PATH>
            <ProblemAlert problem=posted_to(forms::START_AGAIN).problem />
            <SubmitButton label busy="One moment…" quiet=true />
        </ActionForm>
    }
}
