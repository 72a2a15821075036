//! An input for a password, with a button that shows what is typed.

use super::{
    field::{Below, Label, described_by},
    icon::Eye,
};
use leptos::prelude::*;

/// A password to type or to paste. It never comes back from the server filled in, and pasting is never limited:
/// no `maxlength`, no handler of `paste` (NIST 800-63B, 3.1.1.2).
///
/// The button takes its place beside the text from the beginning and becomes visible when the form is awake.
#[component]
pub fn PasswordField(
    /// The name in the form.
    name: &'static str,
    /// The id, where the name is not the only one of its kind on the page.
    #[prop(default = name)]
    id: &'static str,
    /// What to type.
    label: &'static str,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What helps to choose one.
    #[prop(optional, into)]
    hint: String,
    /// Whether the focus begins here.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    view! {
        <div class="field">
            <Label id label optional=false />
            <div class="secret">
                <input
                    class="input"
                    id=id
                    name=name
                    type="password"
                    data-secret=""
                    autocomplete=autocomplete
                    autocapitalize="none"
                    spellcheck="false"
                    required=true
                    autofocus=autofocus
                    aria-invalid=if error.is_some() { "true" } else { "false" }
                    aria-describedby=described_by(id, &hint)
                />
                <button
                    type="button"
                    class="reveal"
                    aria-label="Show password"
                    aria-pressed="false"
                    aria-controls=id
                >
                    <Eye />
                </button>
            </div>
            <Below id hint error />
        </div>
    }
}
