//! The address and the password.

use super::owner;
use crate::{
    actions::{ChangePassword, RequestEmailChange},
    components::{Field, Panel, PasswordField, ProblemAlert, SubmitButton},
    domain::account::Account,
    pages::{
        context::{awaits_confirmation, password_hint, posted_to, visitor},
        error_of, focus_on,
        form::ActionForm,
        frame::AccountFrame,
    },
    paths::{self, forms},
};
use leptos::{either::EitherOf3, prelude::*, server_fn::ServerFn};

/// `/account/security`
#[component]
pub fn SecurityPage() -> impl IntoView {
    view! {
        <AccountFrame title="Security" here=paths::ACCOUNT_SECURITY lead="How you sign in, and how you get back in.">
            {visitor().map(|account| (password(account.username.clone()), email(account)))}
        </AccountFrame>
    }
}

fn password(username: String) -> impl IntoView {
    let posted = posted_to(forms::PASSWORD);
    view! {
        <Panel title="Password" id="change-password" lead="A new password ends all your other sessions.">
            <ActionForm page=forms::PASSWORD function=ChangePassword::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                {owner(username)}
                <PasswordField
                    name="current_password"
                    label="Current password"
                    autocomplete="current-password"
                    error=error_of(&posted, "current_password")
                    autofocus=focus_on(&posted, "current_password", false)
                />
                <PasswordField
                    name="password"
                    label="New password"
                    autocomplete="new-password"
                    hint=password_hint()
                    error=error_of(&posted, "password")
                    autofocus=focus_on(&posted, "password", false)
                />
                <PasswordField
                    name="password_again"
                    label="New password again"
                    autocomplete="new-password"
                    error=error_of(&posted, "password_again")
                    autofocus=focus_on(&posted, "password_again", false)
                />
                <SubmitButton label="Change password" busy="Changing your password…" />
            </ActionForm>
            <p class="card-foot">
                "You do not remember it? " <a class="link" href=paths::RESET_PASSWORD>
                    "Reset it by mail"
                </a>
            </p>
        </Panel>
    }
}

fn email(account: Account) -> impl IntoView {
    let posted = posted_to(forms::EMAIL);
    let state = match (account.email_verified_at, awaits_confirmation()) {
        (Some(_), _) => EitherOf3::A(view! { <span class="badge">"Confirmed"</span> }),
        (None, true) => EitherOf3::B(view! {
            <a class="link" href=paths::CONFIRM_EMAIL>
                "Not confirmed yet: confirm it"
            </a>
        }),
        (None, false) => EitherOf3::C(()),
    };
    view! {
        <Panel title="E-mail address" id="e-mail" lead="Mails to it let you choose a new password.">
            <p class="row">
                <strong>{account.email}</strong>
                {state}
            </p>
            <ActionForm page=forms::EMAIL function=RequestEmailChange::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                <Field
                    name="email"
                    label="New e-mail address"
                    kind="email"
                    autocomplete="email"
                    hint="We send a mail to it. Nothing changes before it is answered."
                    value=posted.value("email")
                    error=error_of(&posted, "email")
                    autofocus=focus_on(&posted, "email", false)
                />
                <SubmitButton label="Change address" busy="Sending…" />
            </ActionForm>
        </Panel>
    }
}
