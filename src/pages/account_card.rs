//! The facts of an account, kept true while the page is open.

use crate::{
    actions::keeper::{Keeper, keeper},
    domain::{
        account::Account,
        problem::{Code, Problem},
    },
    paths,
};
use leptos::{prelude::*, task::spawn_local, web_sys::Element};

/// What stands below the greeting while there is nothing else to say.
const CALM: &str = "This is what we know of you.";
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

/// The greeting and what we know of the account.
#[component]
pub fn AccountCard(
    /// The account as it is when the page is made.
    account: Account,
) -> impl IntoView {
    let last_sign_in = account.last_login_at.map_or_else(|| "This is the first".to_owned(), |at| at.minute());
    view! {
        <LiveAccount>
            <div class="card-head">
                <h1 id="title">"Hello, " <span data-fact="called">{account.called().to_owned()}</span></h1>
                <p class="muted" role="status">
                    {CALM}
                </p>
            </div>
            <dl class="facts">
                {fact("User name", "username", account.username.clone())}
                {fact("E-mail", "email", account.email.clone())}
                {fact("Name", "name", account.full_name())}
                {fact("Account id", "id", account.id.to_string())}
                {fact("Member since", "member-since", account.created_at.day())}
                {fact("Last sign-in", "last-sign-in", last_sign_in)}
            </dl>
        </LiveAccount>
    }
}

fn fact(label: &'static str, name: &'static str, value: String) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd data-fact=name>{value}</dd>
        </div>
    }
}

/// Asks for the account again when the tab comes back or the connection does. The facts are its children and no props:
/// reading props would put a JSON reader into the WASM that nothing else needs.
#[island]
fn LiveAccount(children: Children) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="title" use:watch>
            {children()}
        </section>
    }
}

fn watch(card: Element) {
    let Some(keeper) = keeper() else { return };
    let offline = card.clone();
    for event in ["visibilitychange", "online"] {
        let card = card.clone();
        _ = window_event_listener_untyped(event, move |_| {
            // The islands router may have taken the page away; its listeners are still there.
            if card.is_connected() && !document().hidden() {
                spawn_local(look(card.clone(), keeper));
            }
        });
    }
    _ = window_event_listener_untyped("offline", move |_| say(&offline, OFFLINE));
}

async fn look(card: Element, keeper: Keeper) {
    match (keeper.account)().await {
        Ok(account) => {
            for (name, fact) in LIVE {
                put(&card, &["[data-fact=", name, "]"].concat(), &fact(&account));
            }
            say(&card, CALM);
        }
        Err(problem) if problem.code == Code::NotSignedIn => (keeper.go)(&paths::login_then(paths::DASHBOARD)),
        Err(problem) => say(&card, reassurance(&problem)),
    }
}

fn say(card: &Element, status: &str) {
    put(card, "[role=status]", status);
}

/// Writes only what changed: a status that is written again would be read aloud again.
fn put(card: &Element, place: &str, text: &str) {
    if let Some(place) = card.query_selector(place).ok().flatten()
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
