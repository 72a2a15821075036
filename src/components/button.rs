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
    /// Whether what it does is hard to take back.
    #[prop(optional)]
    danger: bool,
    /// What the form is told when this button sent it: a name and a value.
    #[prop(optional_no_strip)]
    pressed: Option<(&'static str, String)>,
    /// What it does in words that stand alone, where the label is one of several alike. Begins with the label.
    #[prop(optional_no_strip)]
    about: Option<String>,
) -> impl IntoView {
    let class = match (danger, quiet) {
        (true, _) => "button-quiet danger",
        (false, true) => "button-quiet",
        (false, false) => "button",
    };
    let (name, value) = pressed.unzip();
    view! {
        <button type="submit" class=class name=name value=value aria-label=about>
            <span class="when-idle">{label}</span>
            <span class="when-busy">
                <span class="spinner" aria-hidden="true"></span>
                {busy}
            </span>
        </button>
    }
}
