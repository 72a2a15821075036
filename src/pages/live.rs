//! A page that asks who is signed in when somebody comes back to it.

use super::form::Awake;
use crate::{
    actions::keeper::{Keeper, keeper},
    domain::{
        account::Account,
        problem::{Code, Problem},
    },
};
use leptos::{prelude::*, task::spawn_local, web_sys::Element};

/// What stands in the place of the status (`data-status`), where a page has one, while there is nothing else to say.
pub(super) const CALM: &str = "This is what we know of you.";
const OFFLINE: &str = "You are offline. You are still signed in.";

/// How one fact of an account reads.
type Fact = fn(&Account) -> String;

/// The facts that may change while the page is open, by the name of their place (`data-fact`).
const LIVE: [(&str, Fact); 4] = [
    ("called", |account| account.called().to_owned()),
    ("username", |account| account.username.clone()),
    ("email", |account| account.email.clone()),
    ("name", Account::full_name),
];

/// What asks for the account again when the tab comes back or the connection does; a session that is over leads to the
/// login page. The facts in it are HTML, and no form may stand in it.
#[component]
pub(super) fn Live(
    /// What it keeps true.
    children: Children,
) -> impl IntoView {
    view! {
        <Awake>
            <div class="contents" data-live="">
                {children()}
            </div>
        </Awake>
    }
}

/// Keeps watch as long as `place` is in the page.
pub(super) fn watch(place: Element) {
    let Some(keeper) = keeper() else { return };
    let offline = place.clone();
    for event in ["visibilitychange", "online"] {
        let place = place.clone();
        _ = window_event_listener_untyped(event, move |_| {
            // The islands router may have taken the page away; its listeners are still there.
            if place.is_connected() && !document().hidden() {
                spawn_local(look(place.clone(), keeper));
            }
        });
    }
    _ = window_event_listener_untyped("offline", move |_| say(&offline, OFFLINE));
}

async fn look(place: Element, keeper: Keeper) {
    match (keeper.account)().await {
        Ok(account) => {
            for (name, fact) in LIVE {
                put(&place, &["[data-fact=", name, "]"].concat(), &fact(&account));
            }
            say(&place, CALM);
        }
        // The keeper is on its way to the login page, which leads back here.
        Err(problem) if problem.code == Code::NotSignedIn => {}
        Err(problem) => say(&place, reassurance(&problem)),
    }
}

fn say(place: &Element, status: &str) {
    put(place, "[data-status]", status);
}

/// Writes only what changed: a status that is written again would be read aloud again.
fn put(place: &Element, name: &str, text: &str) {
    if let Some(place) = place.query_selector(name).ok().flatten()
        && place.text_content().is_none_or(|now| now != text)
    {
        place.set_text_content(Some(text));
    }
}

/// No problem but `NotSignedIn` ends a session, so all of them can say so.
fn reassurance(problem: &Problem) -> &'static str {
    match problem.code {
        Code::Offline => OFFLINE,
        Code::Unavailable | Code::TooManyRequests => "The server is busy at the moment. You are still signed in.",
        _ => "We could not look up your account just now. You are still signed in.",
    }
}
