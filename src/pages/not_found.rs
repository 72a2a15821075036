//! There is nothing at this address.

use super::context::site_name;
use crate::{
    components::{Card, Page},
    paths,
};
use leptos::prelude::*;

/// Every address that is no page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Page title="Page not found" site=site_name() home=paths::HOME>
            <Card title="Page not found" lead="There is nothing at this address. It may have been mistyped or moved.">
                <a class="button" href=paths::HOME>
                    "Go to the start page"
                </a>
            </Card>
        </Page>
    }
}
