//! The account of who is signed in.

use super::{account_card::AccountCard, context::visitor, frame::AccountFrame};
use crate::paths;
use leptos::prelude::*;

/// `/dashboard`. The server has sent away those who are not signed in.
#[component]
pub fn DashboardPage() -> impl IntoView {
    view! {
        <AccountFrame title="Dashboard" here=paths::DASHBOARD headed=true>
            {visitor().map(|account| view! { <AccountCard account /> })}
        </AccountFrame>
    }
}
