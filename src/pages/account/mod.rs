//! The pages of an account, one file per section. The server has sent away those who are not signed in, and fills
//! `context::AccountFacts` with what each shows.

mod factors;
mod factors_app;
mod history;
mod not_me;
mod passkeys;
mod privacy;
mod profile;
mod recovery_codes;
mod restore;
mod security;
mod sessions;

pub use factors::FactorsPage;
pub use factors_app::FactorsAppPage;
pub use history::HistoryPage;
pub use not_me::NotMePage;
pub use privacy::PrivacyPage;
pub use profile::ProfilePage;
pub use recovery_codes::RecoveryCodesPage;
pub use restore::RestorePage;
pub use security::SecurityPage;
pub use sessions::SessionsPage;

use crate::domain::factor::Factors;
use leptos::prelude::*;

/// What a browser is called that nobody could name.
fn named(device_label: &str) -> String {
    if device_label.is_empty() { "Unknown browser".to_owned() } else { device_label.to_owned() }
}

/// The user name, so that a password manager knows whose password it sees. It has no name, so it is not sent.
pub(super) fn owner(username: String) -> impl IntoView {
    view! { <input type="text" autocomplete="username" value=username hidden readonly /> }
}

/// What it means to remove the last second step, or why one cannot be removed.
fn last_one(factors: &Factors, removable: bool) -> Option<impl IntoView + use<>> {
    let said = match (removable, factors.is_last()) {
        (false, _) => "It stays, because without it you could not sign in, or not as this site asks.",
        (true, true) => {
            "It is your last second step. Without it your password alone signs in, and your recovery codes and trusted \
             browsers are gone."
        }
        (true, false) => return None,
    };
    Some(view! { <p class="muted">{said}</p> })
}
