//! The way out, on every page of who is signed in.

use super::form::Awake;
use crate::{
    actions::{LogOut, keeper::Keeper},
    components::SubmitButton,
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn, wasm_bindgen::JsCast, web_sys::HtmlElement};

/// The id of what is said when a sign-out could not reach the server.
const FAREWELL: &str = "signed-out-here";

/// The button that ends this session.
#[component]
pub(super) fn SignOut() -> impl IntoView {
    view! {
        <Awake>
            <form method="post" action=paths::LOGOUT data-function=LogOut::PATH>
                <SubmitButton label="Sign out" busy="Signing out…" quiet=true />
            </form>
        </Awake>
    }
}

/// What stays on the screen when the server could not be told.
#[component]
pub(super) fn Farewell() -> impl IntoView {
    view! {
        <section class="card" id=FAREWELL tabindex="-1" hidden>
            <p>
                "Signed out in this browser. We could not reach the server to end the session there; that happens as soon as the connection is back."
            </p>
            <a class="button" href=paths::LOGIN rel="external">
                "Sign in"
            </a>
        </section>
    }
}

/// Ends the session; when the server cannot be reached, at least nothing personal stays on the screen.
pub(super) async fn sign_out(keeper: Keeper) {
    if (keeper.sign_out)().await.is_ok() {
        return (keeper.go)(&paths::login_with(paths::Notice::SignedOut));
    }
    while let Some(personal) = document().query_selector("[data-personal]").ok().flatten() {
        personal.remove();
    }
    if let Some(farewell) = document().get_element_by_id(FAREWELL) {
        _ = farewell.remove_attribute("hidden");
        _ = farewell.dyn_into::<HtmlElement>().map(|farewell| farewell.focus());
    }
}
