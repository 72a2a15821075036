//! The frame of every page, and the card that forms stand in.

use super::icon::Mark;
use leptos::prelude::*;
use leptos_meta::Title;

/// Header, main part and footer of a page.
#[component]
pub fn Page(
    /// The title of the document, before the name of the site.
    title: &'static str,
    /// The name of the site.
    site: String,
    /// Where the mark leads.
    home: &'static str,
    /// What stands at the end of the header; it goes when what is personal goes.
    #[prop(optional_no_strip)]
    corner: Option<AnyView>,
    /// What the page is about.
    children: Children,
) -> impl IntoView {
    let document_title = [title, " · ", site.as_str()].concat();
    view! {
        <Title text=document_title />
        // `external` keeps the islands router from fetching the page again for a jump within it.
        <a class="skip" href="#main" rel="external">
            "Skip to content"
        </a>
        <header class="site-header">
            <a class="brand" href=home>
                <Mark />
                <span>{site}</span>
            </a>
            {corner.map(|corner| view! { <div data-personal="">{corner}</div> })}
        </header>
        <main id="main" class="site-main" tabindex="-1">
            {children()}
        </main>
        <footer class="site-footer">
            <p>"We never ask for your password by mail or by phone."</p>
        </footer>
    }
}

/// A card with the page's heading.
#[component]
pub fn Card(
    /// The heading of the page.
    title: &'static str,
    /// One sentence below it.
    #[prop(optional, into)]
    lead: String,
    /// What the card holds.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="title">
            <div class="card-head">
                <h1 id="title">{title}</h1>
                {(!lead.is_empty()).then(|| view! { <p class="muted">{lead}</p> })}
            </div>
            {children()}
        </section>
    }
}

/// A card with one part of a page.
#[component]
pub fn Panel(
    /// The heading of the part.
    title: &'static str,
    /// The id of the heading.
    id: &'static str,
    /// What there is to know about it.
    #[prop(optional, into)]
    lead: String,
    /// What the card holds.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby=id>
            <div class="card-head">
                <h2 id=id>{title}</h2>
                {(!lead.is_empty()).then(|| view! { <p class="muted">{lead}</p> })}
            </div>
            {children()}
        </section>
    }
}
