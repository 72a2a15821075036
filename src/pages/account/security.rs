//! The address, the password, and the way to what stands beside it.

use super::owner;
use crate::{
    actions::{ChangePassword, ProveIt, RemovePassword, RequestEmailChange},
    components::{Field, Panel, PasswordField, ProblemAlert, SubmitButton},
    domain::{account::Account, factor::Factors},
    pages::{
        context::{account_facts, awaits_confirmation, password_hint, posted_to, visitor},
        error_of, focus_on,
        form::ActionForm,
        frame::AccountFrame,
    },
    paths::{self, forms},
};
use leptos::{
    either::{Either, EitherOf3},
    prelude::*,
    server_fn::ServerFn,
};

/// `/account/security`
#[component]
pub fn SecurityPage() -> impl IntoView {
    let facts = account_facts();
    let (has_password, has_passkey) = (facts.factors.has_password, !facts.factors.passkeys.is_empty());
    let second = second_step(&facts.factors);
    let password = move |username: String| match (has_password, facts.is_fresh) {
        (true, _) => {
            let remove = has_passkey.then(|| remove_password(username.clone()));
            EitherOf3::A((change_password(username), remove))
        }
        (false, true) => EitherOf3::B(first_password(username)),
        (false, false) => EitherOf3::C(prove_first()),
    };
    view! {
        <AccountFrame title="Security" here=paths::ACCOUNT_SECURITY lead="How you sign in, and how you get back in.">
            {visitor().map(|account| (password(account.username.clone()), second, email(account)))}
        </AccountFrame>
    }
}

fn change_password(username: String) -> impl IntoView {
    let posted = posted_to(forms::PASSWORD);
    let current = view! {
        <PasswordField
            name="current_password"
            label="Current password"
            autocomplete="current-password"
            error=error_of(&posted, "current_password")
            autofocus=focus_on(&posted, "current_password", false)
        />
    };
    view! {
        <Panel title="Password" id="change-password" lead="A new password ends all your other sessions.">
            {password_form(username, Some(current), "Change password")}
            <p class="card-foot">
                "You do not remember it? " <a class="link" href=paths::RESET_PASSWORD>
                    "Reset it by mail"
                </a>
            </p>
        </Panel>
    }
}

/// An account that signs in with passkeys alone may have a password, too.
fn first_password(username: String) -> impl IntoView {
    view! {
        <Panel
            title="Password"
            id="change-password"
            lead="Your account has none: you sign in with a passkey. A password with a second step is another way in."
        >
            {password_form(username, None::<()>, "Set a password")}
        </Panel>
    }
}

fn prove_first() -> impl IntoView {
    view! {
        <Panel
            title="Password"
            id="change-password"
            lead="Your account has none: you sign in with a passkey. A password with a second step is another way in."
        >
            <ActionForm page=forms::SET_PASSWORD function=ProveIt::PATH>
                <ProblemAlert problem=posted_to(forms::SET_PASSWORD).problem />
                <SubmitButton label="Set a password" busy="One moment…" quiet=true />
            </ActionForm>
        </Panel>
    }
}

fn password_form(username: String, current: Option<impl IntoView + 'static>, label: &'static str) -> impl IntoView {
    let posted = posted_to(forms::PASSWORD);
    view! {
        <ActionForm page=forms::PASSWORD function=ChangePassword::PATH>
            <ProblemAlert problem=posted.problem.clone() />
            {owner(username)}
            {current}
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
            <SubmitButton label busy="Changing your password…" />
        </ActionForm>
    }
}

/// Whoever has a passkey needs no password.
fn remove_password(username: String) -> impl IntoView {
    let posted = posted_to(forms::REMOVE_PASSWORD);
    view! {
        <Panel
            title="Without a password"
            id="remove-password"
            lead="You have a passkey, so you can do without: what does not exist cannot be guessed. From then on only \
            your passkeys sign you in: app and recovery codes are of no use until a reset mail gives you a password again."
        >
            <ActionForm page=forms::REMOVE_PASSWORD function=RemovePassword::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                {owner(username)}
                <PasswordField
                    name="old_password"
                    label="Current password"
                    autocomplete="current-password"
                    error=error_of(&posted, "old_password")
                    autofocus=focus_on(&posted, "old_password", false)
                />
                <SubmitButton label="Remove my password" busy="Removing it…" danger=true />
            </ActionForm>
        </Panel>
    }
}

/// What stands beside the password, and the way there.
fn second_step(factors: &Factors) -> impl IntoView + use<> {
    let way = if factors.any() { "Manage it" } else { "Set it up" };
    let state = match factors.any() {
        true => Either::Left(view! { <span class="badge">"On"</span> }),
        false => Either::Right(view! { <span class="muted">"Off"</span> }),
    };
    view! {
        <Panel
            title="Two-step sign-in"
            id="two-step"
            lead="With an authenticator app or a passkey, a stolen password alone is of no use."
        >
            <p class="row">
                {state}
                <a class="link" href=paths::ACCOUNT_FACTORS>
                    {way}
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
