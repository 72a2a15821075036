//! The account of who is signed in, and the way out.

use super::{
    account_card::AccountCard,
    context::{site_name, visitor},
    form::taken_over,
};
use crate::{
    actions::keeper::Keeper,
    components::{Page, SubmitButton},
    domain::account::Account,
    paths,
};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local, wasm_bindgen::JsCast, web_sys::HtmlElement};

/// The id of what is said when a sign-out could not reach the server.
const FAREWELL: &str = "signed-out-here";

/// `/dashboard`. The server has sent away those who are not signed in.
#[component]
pub fn DashboardPage() -> impl IntoView {
    view! {
        <Page title="Dashboard" site=site_name() home=paths::HOME>
            {visitor().map(signed_in)}
        </Page>
    }
}

fn signed_in(account: Account) -> AnyView {
    view! {
        <div class="stack" data-personal="">
            <AccountCard account />
            <SignOut>
                <SubmitButton label="Sign out" busy="Signing out…" quiet=true />
            </SignOut>
        </div>
        {farewell()}
    }
    .into_any()
}

/// What stays on the screen when the server could not be told.
fn farewell() -> AnyView {
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
    .into_any()
}

#[island]
fn SignOut(children: Children) -> impl IntoView {
    let on_submit = |event: SubmitEvent| {
        if let Some((_, keeper)) = taken_over(&event) {
            spawn_local(sign_out(keeper));
        }
    };
    view! {
        <form method="post" action=paths::LOGOUT on:submit=on_submit>
            {children()}
        </form>
    }
}

/// Ends the session; when the server cannot be reached, at least nothing personal stays on the screen.
async fn sign_out(keeper: Keeper) {
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
