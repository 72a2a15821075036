//! The frames of pages: the header with the way out, and the sections of an account.

use super::{
    context::{awaits_confirmation, local, posted, posted_to, site_name, visitor},
    form::ActionForm,
    live::Live,
    sign_out::{Farewell, SignOut},
};
use crate::{
    actions::ResendConfirmation,
    components::{Notice, Page, ProblemAlert, SubmitButton},
    domain::time::Timestamp,
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// The sections of an account, in the order of their links.
const SECTIONS: [(&str, &str); 7] = [
    (paths::DASHBOARD, "Overview"),
    (paths::ACCOUNT, "Profile"),
    (paths::ACCOUNT_SECURITY, "Security"),
    (paths::ACCOUNT_FACTORS, "Two-step sign-in"),
    (paths::ACCOUNT_SESSIONS, "Sessions"),
    (paths::ACCOUNT_HISTORY, "History"),
    (paths::ACCOUNT_PRIVACY, "Privacy"),
];

/// A page of this site. For who is signed in, the header has the way out, and all that the page shows goes with them.
#[component]
pub(super) fn SitePage(
    /// The title of the document, before the name of the site.
    title: &'static str,
    /// What the page is about.
    children: Children,
) -> impl IntoView {
    let signed_in = visitor().is_some();
    let way_out = signed_in.then(|| view! { <SignOut /> }.into_any());
    view! {
        <Page title site=site_name() home=paths::HOME corner=way_out>
            <div class="contents" data-personal=signed_in.then_some("")>
                {children()}
            </div>
            {signed_in.then(|| view! { <Farewell /> })}
        </Page>
    }
}

/// A page of an account: its sections, what is to be said, and the page's heading.
#[component]
pub(super) fn AccountFrame(
    /// The title of the page.
    title: &'static str,
    /// The path of the page.
    here: &'static str,
    /// One sentence below the heading.
    #[prop(optional)]
    lead: &'static str,
    /// Whether the page brings a heading of its own.
    #[prop(optional)]
    headed: bool,
    /// What the page is about.
    children: Children,
) -> impl IntoView {
    view! {
        <SitePage title>
            <div class="account">
                <nav aria-label="Your account">
                    <ul class="sections">{SECTIONS.map(|(path, label)| section(path, label, here)).into_iter().collect_view()}</ul>
                </nav>
                <div class="stack">
                    {notice()} {awaits_confirmation().then(confirm_first)}
                    {(!headed)
                        .then(|| {
                            view! {
                                <Live>
                                    <div class="card-head">
                                        <h1 id="title">{title}</h1>
                                        {(!lead.is_empty()).then(|| view! { <p class="muted">{lead}</p> })}
                                    </div>
                                </Live>
                            }
                        })} {children()}
                </div>
            </div>
        </SitePage>
    }
}

fn section(path: &'static str, label: &'static str, here: &'static str) -> impl IntoView {
    let current = path == here;
    view! {
        <li>
            // The islands router would lay a page over itself, whatever notice it still shows.
            <a href=path aria-current=current.then_some("page") rel=current.then_some("external")>
                {label}
            </a>
        </li>
    }
}

/// What the page was asked to say, unless it has a problem to tell.
pub(super) fn notice() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let notice = query.get_str("notice").and_then(paths::Notice::parse).filter(|_| posted().problem.is_none());
    notice.map(|notice| view! { <Notice>{notice.said()}</Notice> })
}

/// Asks calmly for the address to be confirmed.
fn confirm_first() -> impl IntoView {
    view! {
        <section class="card row" aria-label="Confirm your e-mail address">
            <p>
                "Please " <a class="link" href=paths::CONFIRM_EMAIL>
                    "confirm your e-mail address"
                </a> "."
            </p>
            <ResendForm />
        </section>
    }
}

/// The button that sends another mail to confirm the address.
#[component]
pub(super) fn ResendForm() -> impl IntoView {
    view! {
        <ActionForm page=paths::forms::RESEND_CONFIRMATION function=ResendConfirmation::PATH>
            <ProblemAlert problem=posted_to(paths::forms::RESEND_CONFIRMATION).problem />
            <SubmitButton label="Send another mail" busy="Sending…" quiet=true />
        </ActionForm>
    }
}

/// A time, for people in their zone and for machines.
pub(super) fn when(at: Timestamp) -> impl IntoView {
    view! { <time datetime=at.rfc3339()>{local(at)}</time> }
}
