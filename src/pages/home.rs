//! What this is, and the ways in.

use super::{
    context::{registration_is_open, site_name, visitor},
    frame::SitePage,
};
use crate::{domain::account::Account, paths};
use leptos::{either::Either, prelude::*};

/// `/`
#[component]
pub fn HomePage() -> impl IntoView {
    let site = site_name();
    view! {
        <SitePage title="Your account">
            <section class="hero" aria-labelledby="title">
                <h1 id="title">"One account, kept with care."</h1>
                <p class="hero-lead">
                    {site}
                    " looks after who you are: sign in once, stay signed in where you want to, and get back in when you forget your password."
                </p>
                {match visitor() {
                    Some(account) => Either::Left(signed_in(&account)),
                    None => Either::Right(signed_out()),
                }}
                <ul class="hero-facts">
                    <li>"Works with your password manager, and without scripts."</li>
                    <li>"Stays signed in only where you say so."</li>
                    <li>"A new password ends every session, everywhere."</li>
                </ul>
            </section>
        </SitePage>
    }
}

fn signed_in(account: &Account) -> impl IntoView + use<> {
    view! {
        <div class="hero-ways">
            <a class="button" href=paths::DASHBOARD>
                "Go to your dashboard"
            </a>
            <p class="muted">"Signed in as " <strong>{account.called().to_owned()}</strong></p>
        </div>
    }
}

fn signed_out() -> impl IntoView {
    view! {
        <div class="hero-ways">
            <a class="button" href=paths::LOGIN>
                "Sign in"
            </a>
            {registration_is_open()
                .then(|| {
                    view! {
                        <a class="button-quiet" href=paths::REGISTER>
                            "Create account"
                        </a>
                    }
                })}
        </div>
    }
}
