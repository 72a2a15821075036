//! How every form behaves once scripts run. It works on the HTML that is there, so that no form's fields, labels and
//! errors have to be in the WASM a second time; and it is one island for all forms, so that each weighs nothing.

use super::{live::watch, sign_out::sign_out};
use crate::{
    actions::{
        LogOut,
        keeper::{Keeper, keeper},
    },
    components::told,
    domain::problem::{Code, Problem},
};
use leptos::{
    ev::{self, MouseEvent, SubmitEvent},
    prelude::*,
    server_fn::ServerFn,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, FormData, HtmlElement, HtmlFormElement, HtmlInputElement},
};

/// A form that posts to its `page` without scripts, and with them to a server function.
///
/// `novalidate`: the server's messages name what is wrong in the same words, place and language with and without
/// scripts; the browser's own bubbles do neither.
#[component]
pub(super) fn ActionForm(
    /// Where it posts to without scripts.
    page: &'static str,
    /// The `PATH` of the server function that it posts to with them.
    function: &'static str,
    /// Its fields.
    children: Children,
) -> impl IntoView {
    view! {
        <Awake>
            <form class="form" method="post" action=page data-function=function novalidate>
                {children()}
            </form>
        </Awake>
    }
}

/// The one island there is. It wakes the one form in it, which names its server function in `data-function` (a form that
/// names none stays the browser's to send), or what [`Live`](super::live::Live) has put into it. It has children and no
/// props: reading props would put a JSON reader into the WASM that nothing else needs. No island may stand in another.
#[island]
pub(super) fn Awake(children: Children) -> impl IntoView {
    view! {
        <div class="contents" use:wake on:submit=submitted on:click=reveal>
            {children()}
        </div>
    }
}

/// Tells the stylesheet that scripts run in this form, and ends what a page kept from before it was left was waiting for.
fn wake(place: Element) {
    let within = |what: &str| place.query_selector(what).ok().flatten();
    if let Some(place) = within("[data-live]") {
        watch(place);
    }
    let Some(form) = within("form") else { return };
    _ = form.set_attribute("data-awake", "");
    if let Some(keeper) = keeper().filter(|_| form.has_attribute("data-autofill"))
        && let Ok(form) = form.clone().dyn_into()
    {
        spawn_local(autofill(form, keeper));
    }
    _ = window_event_listener(ev::pageshow, move |event| {
        if event.persisted() {
            set_idle(&form);
        }
    });
}

/// Takes a submission away from the browser, unless nobody is there to take it or the form is on its way already.
fn submitted(event: SubmitEvent) {
    let form = event.target().and_then(|form| form.dyn_into::<HtmlFormElement>().ok());
    let Some(form) = form else { return };
    hide_passwords(&form);
    let function = form.get_attribute("data-function");
    let asks = form.has_attribute("data-passkey");
    let Some(keeper) = keeper().filter(|_| asks || function.is_some()) else { return };
    event.prevent_default();
    if form.has_attribute("aria-busy") {
        return;
    }
    let pressed = event.submitter().map(Element::from);
    set_busy(&form, pressed.as_ref());
    spawn_local(async move {
        if function.as_deref() == Some(LogOut::PATH) {
            return sign_out(keeper).await;
        }
        let pressed = pressed.and_then(|button| button.get_attribute("name").zip(button.get_attribute("value")));
        match if asks { (keeper.passkey)(form.clone(), false).await } else { Ok(()) } {
            Ok(()) => send(&form, keeper, function, pressed).await,
            Err(problem) => refused(&form, &problem, pressed),
        }
    });
}

/// Sends the form for as long as passkeys are chosen where the browser fills in user names, and the server refuses them.
async fn autofill(form: HtmlFormElement, keeper: Keeper) {
    while (keeper.passkey)(form.clone(), true).await.is_ok() {
        set_busy(&form, None);
        send(&form, keeper, form.get_attribute("data-function"), None).await;
    }
}

/// Sends the form and shows what becomes of it. One without a `function` the browser sends, now that it is filled in.
async fn send(form: &HtmlFormElement, keeper: Keeper, function: Option<String>, pressed: Option<(String, String)>) {
    let Some((function, fields)) = function.zip(FormData::new_with_form(form).ok()) else {
        return leave_to_browser(form, pressed);
    };
    if let Some((name, value)) = &pressed {
        _ = fields.append_with_str(name, value);
    }
    match (keeper.send)(function, fields).await {
        // The form stays busy: a new document is on its way.
        Ok(next) => (keeper.go)(&next),
        Err(problem) => refused(form, &problem, pressed),
    }
}

fn refused(form: &HtmlFormElement, problem: &Problem, pressed: Option<(String, String)>) {
    match problem.code {
        // The page that asks for a proof is the server's, and gets what was typed. So does the one that leads to the login
        // page, or to the factor that is lacking, and back.
        Code::ProofRequired => leave_to_browser(form, pressed),
        code if leads_elsewhere(code) => leave_to_browser(form, pressed),
        _ => {
            set_idle(form);
            show(form, problem);
        }
    }
}

/// Whether the server answers a form that it refuses so by leading to another page.
fn leads_elsewhere(code: Code) -> bool {
    matches!(code, Code::NotSignedIn | Code::FactorRequired | Code::EnrolmentRequired | Code::ChallengeOver)
}

/// Lets the browser send the form as it would without us. `submit` knows of no button, so its value becomes a field.
fn leave_to_browser(form: &HtmlFormElement, pressed: Option<(String, String)>) {
    if let Some((name, value)) = pressed
        && let Ok(field) = document().create_element("input")
    {
        for (attribute, value) in [("type", "hidden"), ("name", &name), ("value", &value)] {
            _ = field.set_attribute(attribute, value);
        }
        _ = form.append_child(&field);
    }
    _ = form.submit();
}

/// Marks the form and its button as on their way. The button keeps the focus, so it is not `disabled`.
fn set_busy(form: &Element, pressed: Option<&Element>) {
    _ = form.set_attribute("aria-busy", "true");
    let first = || form.query_selector("[type=submit]").ok().flatten();
    _ = pressed.cloned().or_else(first).map(|button| button.set_attribute("aria-disabled", "true"));
}

/// Takes those marks away.
fn set_idle(form: &Element) {
    _ = form.remove_attribute("aria-busy");
    let button = form.query_selector("[aria-disabled]").ok().flatten();
    _ = button.map(|button| button.remove_attribute("aria-disabled"));
}

/// Says what is wrong, above the form and beside each field, and moves the focus to the first wrong field.
fn show(form: &HtmlFormElement, problem: &Problem) {
    // Who could not be heard has typed nothing wrong: the same form can go again as it is.
    let unheard = matches!(problem.code, Code::Offline | Code::Unavailable);
    let mut first: Option<HtmlElement> = None;
    for input in inputs(form) {
        if !unheard && input.has_attribute("data-secret") {
            input.set_value("");
        }
        let Some(place) = document().get_element_by_id(&[&input.id(), "-error"].concat()) else { continue };
        let message = problem.of_field(&input.name());
        say(&place, message);
        _ = input.set_attribute("aria-invalid", if message.is_some() { "true" } else { "false" });
        // A code that is wrong is wrong for good: the next one is typed over it.
        if message.is_some() && input.autocomplete() == "one-time-code" {
            input.select();
        }
        if message.is_some() && first.is_none() {
            first = Some(input.into());
        }
    }
    if let Some(alert) = form.query_selector("[data-alert]").ok().flatten() {
        say(&alert, Some(&told(problem)));
        first = first.or_else(|| alert.dyn_into().ok());
    }
    _ = first.map(|first| first.focus());
}

/// Puts `message` into `place`, which is hidden while there is none.
fn say(place: &Element, message: Option<&str>) {
    place.set_text_content(message);
    _ = place.toggle_attribute_with_force("hidden", message.is_none());
}

/// Shows or hides a password when its button is pressed. One listener for the form: its buttons are plain HTML.
fn reveal(event: MouseEvent) {
    let button = event.target().and_then(|target| target.dyn_into::<Element>().ok()).and_then(|target| {
        // The press may land on the drawing inside the button.
        target.closest(".reveal").ok().flatten()
    });
    let Some(button) = button else { return };
    let controlled = button.get_attribute("aria-controls").and_then(|id| document().get_element_by_id(&id));
    if let Some(input) = controlled.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
        let shown = input.type_() == "text";
        input.set_type(if shown { "password" } else { "text" });
        _ = button.set_attribute("aria-pressed", if shown { "false" } else { "true" });
    }
}

/// Hides shown passwords again: a browser offers to keep, and never remembers as text, what is in a password field.
fn hide_passwords(form: &HtmlFormElement) {
    while let Some(button) = form.query_selector(".reveal[aria-pressed=true]").ok().flatten() {
        _ = button.set_attribute("aria-pressed", "false");
    }
    for input in inputs(form).filter(|input| input.has_attribute("data-secret")) {
        input.set_type("password");
    }
}

fn inputs(form: &HtmlFormElement) -> impl Iterator<Item = HtmlInputElement> {
    let all = form.elements();
    (0..all.length()).filter_map(move |index| all.item(index).and_then(|element| element.dyn_into().ok()))
}
