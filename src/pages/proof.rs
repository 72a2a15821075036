//! "Confirm it is you": who sends a form is asked again, and nothing that was typed is lost.

use super::{
    account::owner,
    context::{Posted, ProofAsked, visitor},
    error_of,
    factor::{recovery_field, totp_field},
    form::Awake,
    frame::SitePage,
    passkey_form::PasskeyForm,
};
use crate::{
    components::{Card, PasswordField, ProblemAlert, SubmitButton},
    paths::{self, ceremonies},
};
use leptos::{either::Either, prelude::*};

/// The page in place of a form that needs a proof first. The browser sends it, with or without scripts: what comes
/// is again a page of the server's, or the file of a download.
#[component]
pub fn ProofPage(
    /// The form that waits.
    asked: ProofAsked,
) -> impl IntoView {
    let (lead, proof) = match asked.takes.password {
        true => (
            "This needs your password, even though you are signed in: so that nobody else does it in your name.",
            Either::Left(by_password(asked)),
        ),
        false => (
            "This needs your second step, even though you are signed in: so that nobody else does it in your name.",
            Either::Right(by_factor(&asked)),
        ),
    };
    view! {
        <SitePage title="Confirm it is you">
            <Card title="Confirm it is you" lead=lead>
                {proof}
                <p class="card-foot">
                    <a class="link" href=paths::ACCOUNT rel="external">
                        "Cancel"
                    </a>
                </p>
            </Card>
        </SitePage>
    }
}

/// What was typed into the form that waits.
fn kept(values: &[(String, String)]) -> impl IntoView + use<> {
    let hidden = |(name, value)| view! { <input type="hidden" name=name value=value /> };
    values.iter().cloned().map(hidden).collect_view()
}

fn by_password(asked: ProofAsked) -> impl IntoView {
    let posted = Posted { problem: asked.problem, ..Posted::default() };
    let kept = kept(&asked.values);
    view! {
        <Awake>
            <form class="form" method="post" action=asked.form novalidate>
                <ProblemAlert problem=posted.problem.clone() />
                {kept}
                {visitor().map(|account| owner(account.username))}
                <PasswordField
                    name="current_password"
                    label="Your password"
                    autocomplete="current-password"
                    error=error_of(&posted, "current_password")
                    autofocus=posted.problem.as_ref().is_none_or(|problem| !problem.fields.is_empty())
                />
                <SubmitButton label="Confirm" busy="" />
            </form>
        </Awake>
    }
}

fn by_factor(asked: &ProofAsked) -> impl IntoView + use<> {
    let posted = Posted { problem: asked.problem.clone(), ..Posted::default() };
    let recovery_was_wrong = error_of(&posted, "proof_recovery_code").is_some();
    let takes = asked.takes;
    // What is wrong with the code or the passkey is said above the first form; with a recovery code, or where there is
    // nothing else, above that one's.
    let (above, below) = match recovery_was_wrong || !(takes.totp || takes.passkey) {
        true => (Posted::default(), posted.clone()),
        false => (posted.clone(), Posted::default()),
    };
    let code = takes.totp.then(|| {
        let (kept, form, problem) = (kept(&asked.values), asked.form.clone(), above.problem.clone());
        let field = totp_field(&above, "proof_code", !recovery_was_wrong);
        view! {
            <Awake>
                <form class="form" method="post" action=form novalidate>
                    <ProblemAlert problem />
                    {kept}
                    {field}
                    <SubmitButton label="Confirm" busy="" />
                </form>
            </Awake>
        }
    });
    let passkey = takes.passkey.then(|| {
        let (kept, alone) = (kept(&asked.values), !takes.totp);
        view! {
            {alone.then(|| view! { <ProblemAlert problem=above.problem.clone() /> })}
            <PasskeyForm
                page=asked.form.clone()
                function=""
                start=ceremonies::START_PROOF
                label="Confirm with a passkey"
                prefix="proof_"
            >
                {kept}
            </PasskeyForm>
        }
    });
    let recovery = takes.recovery_code.then(|| {
        let (kept, form, open) =
            (kept(&asked.values), asked.form.clone(), recovery_was_wrong || !(takes.totp || takes.passkey));
        view! {
            <details class="aside" open=open>
                <summary class="link">"Use a recovery code"</summary>
                <Awake>
                    <form class="form" method="post" action=form novalidate>
                        <ProblemAlert problem=below.problem.clone() />
                        {kept}
                        {recovery_field(&below, "proof_recovery_code", open)}
                        <SubmitButton label="Confirm with the recovery code" busy="" quiet=true />
                    </form>
                </Awake>
            </details>
        }
    });
    view! {
        {code}
        {passkey}
        {recovery}
    }
}
