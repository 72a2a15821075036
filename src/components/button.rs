//! The button that sends a form.

use leptos::prelude::*;

/// A form's main button. Both labels are in the page; the stylesheet shows the busy one while the form has `aria-busy`.
#[component]
pub fn SubmitButton(
    /// What it does.
    label: &'static str,
    /// What it says while the form is on its way.
    busy: &'static str,
    /// Whether it is a secondary button.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    view! {
        <button type="submit" class=if quiet { "button-quiet" } else { "button" }>
            <span class="when-idle">{label}</span>
            <span class="when-busy">
                <span class="spinner" aria-hidden="true"></span>
                {busy}
            </span>
        </button>
    }
}
