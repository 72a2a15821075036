//! The forms that a passkey fills in. They need scripts: without them they are not shown, and a line says why.

use super::{context::posted_to, form::Awake};
use crate::components::{ProblemAlert, SubmitButton};
use leptos::prelude::*;

/// What the browser is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// One of the passkeys that there are.
    One,
    /// The same, and they are also among what the browser fills in for a user name.
    OneOrAutofill,
    /// A new one.
    New,
}

/// A form whose button begins a WebAuthn ceremony. The browser's answer goes into the hidden fields `ceremony` and
/// `credential`, and then the form is sent like any other. Its place is kept until scripts run, so that nothing moves.
#[component]
pub(super) fn PasskeyForm(
    /// Where it posts to without its server function.
    #[prop(into)]
    page: String,
    /// The path of the server function that takes the answer. Empty: the browser posts the form to `page`.
    function: &'static str,
    /// The path of the server function that begins the ceremony.
    start: &'static str,
    /// What the button says.
    label: &'static str,
    /// What is asked for.
    #[prop(default = Asks::One)]
    asks: Asks,
    /// Whether its button is a secondary one.
    #[prop(default = true)]
    quiet: bool,
    /// What stands before the names of the two hidden fields, `ceremony` and `credential`.
    #[prop(default = "")]
    prefix: &'static str,
    /// Other fields.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let what = if asks == Asks::New { "create" } else { "get" };
    let hidden = move |name| view! { <input type="hidden" name=[prefix, name].concat() /> };
    // What is wrong with a proof is said by the page that asks for it.
    let problem = posted_to(&page).problem.filter(|_| prefix.is_empty());
    view! {
        <Awake>
            <form
                class="form"
                method="post"
                action=page
                data-function=(!function.is_empty()).then_some(function)
                data-passkey=what
                data-start=start
                data-autofill=(asks == Asks::OneOrAutofill).then_some("")
                novalidate
            >
                <ProblemAlert problem />
                {hidden("ceremony")}
                {hidden("credential")}
                {children.map(|children| children())}
                <SubmitButton label busy="Waiting for your passkey…" quiet />
            </form>
            <noscript>
                <p class="hint">"To use a passkey, allow scripts for this site."</p>
            </noscript>
        </Awake>
    }
}
