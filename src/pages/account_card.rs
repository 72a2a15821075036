//! The facts of an account.

use super::{
    frame::when,
    live::{CALM, Live},
};
use crate::domain::account::Account;
use leptos::{either::Either, prelude::*};

/// The greeting and what we know of the account, kept true while the page is open.
#[component]
pub(super) fn AccountCard(
    /// The account as it is when the page is made.
    account: Account,
) -> impl IntoView {
    let last_sign_in = match account.last_login_at {
        Some(at) => Either::Left(when(at)),
        None => Either::Right("This is the first"),
    };
    view! {
        <section class="card" aria-labelledby="title">
            <Live>
                <div class="card-head">
                    <h1 id="title">"Hello, " <span data-fact="called">{account.called().to_owned()}</span></h1>
                    <p class="muted" role="status" data-status="">
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
            </Live>
        </section>
    }
}

fn fact(label: &'static str, name: &'static str, value: impl IntoView) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd data-fact=name>{value}</dd>
        </div>
    }
}
