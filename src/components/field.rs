//! A labelled input with its hint and its error, and a box to tick.

use leptos::prelude::*;

/// A line of text to type. Its error has the id `{id}-error` and is filled by scripts, too.
///
/// There is no `maxlength`: it would cut what is pasted without a word. The server says what is too long.
#[component]
pub fn Field(
    /// The name in the form.
    name: &'static str,
    /// The id, where the name is not the only one of its kind on the page.
    #[prop(default = name.to_string(), into)]
    id: String,
    /// What to type.
    label: &'static str,
    /// The `autocomplete` token (WHATWG HTML, autofill).
    autocomplete: &'static str,
    /// What was typed before.
    #[prop(optional_no_strip)]
    value: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The input's type.
    #[prop(default = "text")]
    kind: &'static str,
    /// Which keyboard a telephone shows.
    #[prop(optional_no_strip)]
    inputmode: Option<&'static str>,
    /// What helps to fill it in.
    #[prop(optional, into)]
    hint: String,
    /// Whether it may stay empty; the label then says so.
    #[prop(optional)]
    optional: bool,
    /// Whether the focus begins here.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    view! {
        <div class="field">
            <Label id=id.clone() label optional />
            <input
                class="input"
                id=id.clone()
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                inputmode=inputmode
                autocapitalize="none"
                spellcheck="false"
                required=!optional
                autofocus=autofocus
                aria-invalid=if error.is_some() { "true" } else { "false" }
                aria-describedby=described_by(&id, &hint)
            />
            <Below id hint error />
        </div>
    }
}

/// One of several things to choose.
#[component]
pub fn Choice(
    /// The name in the form, and the id.
    name: &'static str,
    /// What to choose.
    label: &'static str,
    /// What there is to choose from; underscores are shown as spaces.
    options: Vec<String>,
    /// What is chosen already.
    chosen: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What helps to choose.
    #[prop(optional, into)]
    hint: String,
    /// Whether the focus begins here.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let option = |value: String| {
        view! {
            <option value=value.clone() selected=value == chosen>
                {value.replace('_', " ")}
            </option>
        }
    };
    view! {
        <div class="field">
            <Label id=name label optional=false />
            <select
                class="input"
                id=name
                name=name
                autocomplete="off"
                autofocus=autofocus
                aria-invalid=if error.is_some() { "true" } else { "false" }
                aria-describedby=described_by(name, &hint)
            >
                {options.into_iter().map(option).collect_view()}
            </select>
            <Below id=name hint error />
        </div>
    }
}

/// A box to tick, with its label to the right.
#[component]
pub fn CheckBox(
    /// The name in the form.
    name: &'static str,
    /// The id, where the name is not the only one of its kind on the page.
    #[prop(default = name)]
    id: &'static str,
    /// What ticking it means.
    #[prop(into)]
    label: String,
    /// Whether it is ticked already.
    checked: bool,
) -> impl IntoView {
    view! {
        <label class="check" for=id>
            <input id=id name=name type="checkbox" value="yes" checked=checked />
            {label}
        </label>
    }
}

/// The label of the input with that id.
#[component]
pub(super) fn Label(#[prop(into)] id: String, label: &'static str, optional: bool) -> impl IntoView {
    view! {
        <label class="label" for=id>
            {label}
            {optional.then(|| view! { <span class="muted">" (optional)"</span> })}
        </label>
    }
}

/// The hint and the error below an input. The error may only grow downward, so nothing above it moves.
#[component]
pub(super) fn Below(#[prop(into)] id: String, hint: String, error: Option<String>) -> impl IntoView {
    let hidden = error.is_none();
    view! {
        {(!hint.is_empty()).then(|| view! { <p class="hint" id=[&id, "-hint"].concat()>{hint}</p> })}
        <p class="field-error" id=[&id, "-error"].concat() hidden=hidden>
            {error}
        </p>
    }
}

/// The ids of what describes the input with that id. An empty error describes nothing, so its id may always be named.
pub(super) fn described_by(id: &str, hint: &str) -> String {
    if hint.is_empty() { [id, "-error"].concat() } else { [id, "-hint ", id, "-error"].concat() }
}
