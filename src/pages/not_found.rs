//! There is nothing at this address.

use super::frame::SitePage;
use crate::{components::Card, paths};
use leptos::prelude::*;

/// Every address that is no page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <SitePage title="Page not found">
            <Card title="Page not found" lead="There is nothing at this address. It may have been mistyped or moved.">
                <a class="button" href=paths::HOME>
                    "Go to the start page"
                </a>
            </Card>
        </SitePage>
    }
}
