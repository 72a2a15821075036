//! What happened to the account.

use crate::{
    domain::history::Entry,
    pages::{
        context::account_facts,
        frame::{AccountFrame, when},
    },
    paths,
};
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_query_map;

/// `/account/history`, and with `?before=` its older lines.
#[component]
pub fn HistoryPage() -> impl IntoView {
    let history = account_facts().history;
    let paged = use_query_map().get_untracked().get_str("before").is_some();
    view! {
        <AccountFrame
            title="History"
            here=paths::ACCOUNT_HISTORY
            lead="What happened to your account, newest first. Tell us if something was not you."
        >
            <section class="card" aria-labelledby="title">
                {if history.entries.is_empty() {
                    Either::Left(
                        view! { <p class="muted">{if paged { "There is nothing older." } else { "Nothing yet." }}</p> },
                    )
                } else {
                    Either::Right(view! { <ol class="rows">{history.entries.into_iter().map(row).collect_view()}</ol> })
                }}
            </section>
            {(paged || history.older.is_some()).then(|| ways(paged, history.older))}
        </AccountFrame>
    }
}

/// The ways to newer and to older lines. `external`: the islands router would lay one page of the list over the other.
fn ways(paged: bool, older: Option<i64>) -> impl IntoView {
    let way = |path, label| {
        view! {
            <a class="button-quiet" href=path rel="external">
                {label}
            </a>
        }
    };
    view! {
        <p class="row">
            {paged.then(|| way(paths::ACCOUNT_HISTORY.to_owned(), "Newest"))}
            {older.map(|seq| way(paths::history_before(seq), "Older"))}
        </p>
    }
}

fn row(entry: Entry) -> impl IntoView {
    let place = [entry.device_label.as_str(), entry.ip.as_str()];
    let place =
        place.into_iter().filter(|part| !part.is_empty()).map(|part| [" · ", part].concat()).collect::<String>();
    let mark = if entry.is_this_session {
        Some(Either::Left(view! { <span class="badge">"This session"</span> }))
    } else if entry.event.may_be_foreign() {
        Some(Either::Right(view! {
            <a class="link" href=paths::ACCOUNT_NOT_ME>
                "This wasn’t me"
            </a>
        }))
    } else {
        None
    };
    view! {
        <li class="row">
            <div>
                <strong>{entry.event.said()}</strong>
                <p class="muted">{when(entry.happened_at)} {place}</p>
            </div>
            {mark}
        </li>
    }
}
