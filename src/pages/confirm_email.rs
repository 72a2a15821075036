//! Confirm the address of an account: with the mailed link, or with the mailed code.

use super::{
    context::{MailedLink, is_own_link, mailed_link, password_hint, posted_to, visitor},
    error_of, focus_on,
    form::ActionForm,
    frame::{ResendForm, SitePage, notice},
    mailed::{coded, linked},
};
use crate::{
    actions::{ConfirmEmail, TakeOver},
    components::{Card, PasswordField, ProblemAlert, SubmitButton},
    paths::{self, forms},
};
use leptos::{either::EitherOf4, prelude::*, server_fn::ServerFn};

/// `/confirm-email`
#[component]
pub fn ConfirmEmailPage() -> impl IntoView {
    let confirmed = visitor().is_some_and(|account| account.email_verified_at.is_some());
    view! {
        <SitePage title="Confirm your e-mail">
            {match mailed_link() {
                Some(link) if !is_own_link() => EitherOf4::A(from_elsewhere(link)),
                _ if confirmed => EitherOf4::B(already()),
                Some(link) => EitherOf4::C(with_link(link)),
                None => EitherOf4::D(with_code()),
            }}
        </SitePage>
    }
}

fn already() -> impl IntoView {
    view! {
        <Card title="Your e-mail is confirmed" lead="There is nothing left to do.">
            {notice()} <a class="button" href=paths::DASHBOARD>
                "Go to your dashboard"
            </a>
        </Card>
    }
}

/// The browser that registered has the link: one press is enough. It takes a press, as mail programs open links, too.
fn with_link(link: MailedLink) -> impl IntoView {
    view! {
        <Card title="Confirm your e-mail" lead="One press, and we know that mails reach you.">
            <ActionForm page=paths::CONFIRM_EMAIL function=ConfirmEmail::PATH>
                <ProblemAlert problem=posted_to(paths::CONFIRM_EMAIL).problem />
                {linked(link)}
                <SubmitButton label="Confirm my address" busy="Confirming…" />
            </ActionForm>
            {another("The link does not work?")}
        </Card>
    }
}

/// Another browser has it: the password shows that who registered and who reads the mail are one person.
fn from_elsewhere(link: MailedLink) -> impl IntoView {
    let posted = posted_to(paths::CONFIRM_EMAIL);
    let stranger = take_over(link.clone());
    view! {
        <Card
            title="Confirm your e-mail"
            lead="This is not the browser that registered. Your password shows that it is you."
        >
            <ActionForm page=paths::CONFIRM_EMAIL function=ConfirmEmail::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                {linked(link)}
                <PasswordField
                    name="password"
                    label="Your password"
                    autocomplete="current-password"
                    hint="The one that the account was registered with."
                    error=error_of(&posted, "password")
                    autofocus=focus_on(&posted, "password", posted_to(forms::TAKE_OVER).problem.is_none())
                />
                <SubmitButton label="Confirm my address" busy="Confirming…" />
            </ActionForm>
            {stranger}
        </Card>
    }
}

/// Somebody else may have registered with this address. Who reads its mail gets the account, with a password of their own.
fn take_over(link: MailedLink) -> impl IntoView {
    let posted = posted_to(forms::TAKE_OVER);
    let open = posted.problem.is_some();
    view! {
        <details class="card-foot" open=open>
            <summary class="link">"You did not register, or do not know the password?"</summary>
            <p>"Choose a password of your own. The one that the account has stops working."</p>
            <ActionForm page=forms::TAKE_OVER function=TakeOver::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                {linked(link)}
                <PasswordField
                    name="password"
                    id="new-password"
                    label="New password"
                    autocomplete="new-password"
                    hint=password_hint()
                    error=error_of(&posted, "password")
                    autofocus=focus_on(&posted, "password", false)
                />
                <PasswordField
                    name="password_again"
                    id="new-password-again"
                    label="New password again"
                    autocomplete="new-password"
                    error=error_of(&posted, "password_again")
                    autofocus=focus_on(&posted, "password_again", false)
                />
                <SubmitButton label="Confirm and set the password" busy="Confirming…" />
            </ActionForm>
        </details>
    }
}

fn with_code() -> impl IntoView {
    let posted = posted_to(paths::CONFIRM_EMAIL);
    view! {
        <Card
            title="Confirm your e-mail"
            lead="A mail is on its way to you. Open its link, or type its code here."
        >
            {notice()} <ActionForm page=paths::CONFIRM_EMAIL function=ConfirmEmail::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                {coded(&posted, "8 digits. It works in this browser only.")}
                <SubmitButton label="Confirm my address" busy="Confirming…" />
            </ActionForm> {another("No mail after a few minutes?")}
        </Card>
    }
}

/// Another mail, for who is signed in: for others we would not know to whom.
fn another(why: &'static str) -> impl IntoView {
    visitor().map(|account| {
        view! {
            <div class="card-foot">
                <p>{why} " We send it to " <strong>{account.email}</strong> "."</p>
                <ResendForm />
            </div>
        }
    })
}
