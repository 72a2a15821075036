//! Passkeys: the server is asked for a ceremony and the browser for its answer. Both go into the form, which is then sent
//! like any other; what the answer is worth, the server alone says (WebAuthn Level 3, 5.1).

use super::{device, session};
use crate::domain::{
    factor::Ceremony,
    problem::{Code, Problem},
};
use js_sys::{JSON, Promise, Reflect};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, HtmlFormElement, HtmlInputElement};

/// Milliseconds after which what is offered as autofill is begun anew; the server takes its answer for 5 minutes.
const RENEWAL: f64 = 240_000.0;
/// Milliseconds until passkeys are offered again where the browser, or the server, refused that at once.
const PAUSE: f64 = 30_000.0;
/// Milliseconds within which nobody chooses a passkey and thinks better of it: whatever ended sooner was refused.
const AT_ONCE: f64 = 3_000.0;
/// Milliseconds until it is looked again whether anybody is here and free to be offered one.
const LOOK: f64 = 1_000.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = PublicKeyCredential, js_name = isConditionalMediationAvailable)]
    async fn autofills() -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = PublicKeyCredential, js_name = parseCreationOptionsFromJSON)]
    fn creation_options(json: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = PublicKeyCredential, js_name = parseRequestOptionsFromJSON)]
    fn request_options(json: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["navigator", "credentials"])]
    fn create(options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["navigator", "credentials"])]
    fn get(options: &JsValue) -> Result<Promise, JsValue>;
}

thread_local! {
    /// What stops the autofill that waits.
    static OFFERED: RefCell<Option<AbortController>> = const { RefCell::new(None) };
}

/// Fills the form with what its passkey answers: at once, or, as `autofill`, when somebody chooses one in the field for
/// the user name, which may be never.
///
/// # Errors
/// The server's problem; or one that says what became of it, with the code `InvalidInput`.
pub(super) async fn fill(form: HtmlFormElement, autofill: bool) -> Result<(), Problem> {
    if autofill && !autofills().await.is_ok_and(|available| available.is_truthy()) {
        return Err(refusal(&JsValue::UNDEFINED));
    }
    loop {
        let mut wait = LOOK;
        if !autofill || device::is_visible() && !form.has_attribute("aria-busy") {
            let round = if autofill { device::deadline(RENEWAL) } else { None };
            let signal = round.as_ref().map(AbortController::signal);
            // A browser takes one request at a time: this one is in place of what was offered.
            if let Some(earlier) = OFFERED.replace(round) {
                earlier.abort();
            }
            let begun = device::now();
            let outcome = ask(&form, signal.as_ref()).await;
            if outcome.is_ok() || !autofill || !form.is_connected() {
                return outcome;
            }
            // Somebody chose one and thought better of it, which only the browser tells.
            let declined =
                outcome.is_err_and(|problem| problem.code == Code::InvalidInput) && device::now() - begun >= AT_ONCE;
            // Whoever stopped it wants something else, or it was time for a new one: neither is a failure.
            if !declined && signal.is_none_or(|signal| !signal.aborted()) {
                wait = PAUSE;
            }
        }
        device::sleep(wait).await;
    }
}

/// One ceremony, as autofill if there is a `signal` that ends it. The credential stays in this function and in the form.
async fn ask(form: &HtmlFormElement, signal: Option<&AbortSignal>) -> Result<(), Problem> {
    let start = form.get_attribute("data-start").unwrap_or_default();
    let body = if signal.is_some() { "autofill=yes" } else { "" };
    let given: Ceremony = session::post(&start, None, &body.into()).await.read()?;
    let makes = form.get_attribute("data-passkey").is_some_and(|what| what == "create");
    let asked = asked(&given.options, makes, signal).map_err(|error| refusal(&error))?;
    let answer = JsFuture::from(asked).await.and_then(|credential| JSON::stringify(&credential));
    let answer = answer.map_err(|error| refusal(&error))?;
    put(form, "ceremony", &given.ceremony);
    put(form, "credential", &String::from(answer));
    // These boxes stand in the form for the password or the code, and mean this way in as well.
    for (name, box_of_it) in [("remember", "#remember:checked"), ("trust", "#trust:checked")] {
        let ticked = form.owner_document().and_then(|page| page.query_selector(box_of_it).ok().flatten());
        put(form, name, if ticked.is_some() { "yes" } else { "" });
    }
    Ok(())
}

/// Asks the browser.
fn asked(options: &str, makes: bool, signal: Option<&AbortSignal>) -> Result<Promise, JsValue> {
    let options = JSON::parse(options)?;
    let name = JsValue::from("publicKey");
    let asked = Reflect::get(&options, &name)?;
    let asked = if makes { creation_options(&asked) } else { request_options(&asked) }?;
    Reflect::set(&options, &name, &asked)?;
    if let Some(signal) = signal {
        Reflect::set(&options, &"signal".into(), signal)?;
    }
    if makes { create(&options) } else { get(&options) }
}

/// Writes into the hidden input whose name ends so, if the form has it.
fn put(form: &HtmlFormElement, end: &str, value: &str) {
    let found = form.query_selector(&["[type=hidden][name$=", end, "]"].concat());
    if let Some(input) = found.ok().flatten().and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
        input.set_value(value);
    }
}

/// What a person is told by the name of the browser's error (WebAuthn Level 3, 5.1.3.2 and 5.1.4.3).
fn refusal(error: &JsValue) -> Problem {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    Problem::new(
        Code::InvalidInput,
        0,
        match name.as_deref() {
            Some("NotAllowedError" | "AbortError") => "No passkey was used. You can try again whenever you like.",
            Some("InvalidStateError") => "This device has a passkey for your account already.",
            _ => "This browser cannot use passkeys here. Please choose another way, or update it.",
        },
    )
}
