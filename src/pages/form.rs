//! How every form behaves once scripts run. It works on the HTML that is there, so that no form's fields, labels and
//! errors have to be in the WASM a second time.

use crate::{
    actions::keeper::{Keeper, keeper},
    components::told,
    domain::problem::{Code, Problem},
};
use leptos::{
    ev::{self, MouseEvent, SubmitEvent},
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, Event, FormData, HtmlElement, HtmlFormElement, HtmlInputElement},
};

/// A form that posts to its `page` without scripts, and with them to the server function at `function` (its `PATH`).
/// `children` are its fields.
///
/// `novalidate`: the server's messages name what is wrong in the same words, place and language with and without
/// scripts; the browser's own bubbles do neither.
pub fn form(page: &'static str, function: &'static str, children: Children) -> impl IntoView {
    let on_submit = move |event: SubmitEvent| {
        if let Some((form, keeper)) = taken_over(&event) {
            spawn_local(send(form, keeper, function));
        }
    };
    view! {
        <form class="form" method="post" action=page novalidate use:wake on:submit=on_submit on:click=reveal>
            {children()}
        </form>
    }
}

/// Takes a submission away from the browser. None if there is no keeper to give it to, or the form is on its way already.
pub fn taken_over(event: &Event) -> Option<(HtmlFormElement, Keeper)> {
    let keeper = keeper()?;
    let form: HtmlFormElement = event.current_target()?.dyn_into().ok()?;
    event.prevent_default();
    (!form.has_attribute("aria-busy")).then(|| {
        set_busy(&form, true);
        (form, keeper)
    })
}

/// Tells the stylesheet that scripts run in this form, and ends what a page kept from before it was left was waiting for.
fn wake(form: Element) {
    _ = form.set_attribute("data-awake", "");
    _ = window_event_listener(ev::pageshow, move |event| {
        if event.persisted() {
            set_busy(&form, false);
        }
    });
}

/// Sends the form and shows what becomes of it.
async fn send(form: HtmlFormElement, keeper: Keeper, function: &'static str) {
    let Ok(fields) = FormData::new_with_form(&form) else {
        // Then the browser shall do it as it would without us.
        _ = form.submit();
        return;
    };
    hide_passwords(&form);
    match (keeper.send)(function, fields).await {
        // The form stays busy: a new document is on its way.
        Ok(next) => (keeper.go)(&next),
        Err(problem) => {
            set_busy(&form, false);
            show(&form, &problem);
        }
    }
}

/// Marks the form and its button as on their way, or not. The button keeps the focus, so it is not `disabled`.
fn set_busy(form: &Element, busy: bool) {
    let button = form.query_selector("[type=submit]").ok().flatten();
    if busy {
        _ = form.set_attribute("aria-busy", "true");
        _ = button.map(|button| button.set_attribute("aria-disabled", "true"));
    } else {
        _ = form.remove_attribute("aria-busy");
        _ = button.map(|button| button.remove_attribute("aria-disabled"));
    }
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
        let name = input.name();
        let Some(place) = document().get_element_by_id(&[name.as_str(), "-error"].concat()) else { continue };
        let message = problem.of_field(&name);
        say(&place, message);
        _ = input.set_attribute("aria-invalid", if message.is_some() { "true" } else { "false" });
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
