//! Sign in.

use super::{
    context::{posted, site_name},
    error_of, focus_on,
    form::form,
};
use crate::{
    actions::LogIn,
    components::{Card, CheckBox, Field, Notice, Page, PasswordField, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// `/login`
#[component]
pub fn LoginPage() -> impl IntoView {
    let posted = posted();
    let query = use_query_map().get_untracked();
    let notice = query.get_str("notice").and_then(paths::Notice::parse).filter(|_| posted.problem.is_none());
    let sent = posted.value("next");
    let next = paths::own_path(query.get_str("next").or(Some(sent.as_str()))).to_owned();
    view! {
        <Page title="Sign in" site=site_name() home=paths::HOME>
            <Card title="Sign in">
                {notice.map(|notice| view! { <Notice>{said(notice)}</Notice> })}
                <LogInForm>
                    <ProblemAlert problem=posted.problem.clone() />
                    <Field
                        name="identifier"
                        label="User name or e-mail"
                        autocomplete="username"
                        value=posted.value("identifier")
                        error=error_of(&posted, "identifier")
                        autofocus=focus_on(&posted, "identifier", true)
                    />
                    <PasswordField
                        name="password"
                        label="Password"
                        autocomplete="current-password"
                        error=error_of(&posted, "password")
                        autofocus=focus_on(&posted, "password", false)
                    />
                    <div class="form-row">
                        <CheckBox
                            name="remember"
                            label="Keep me signed in"
                            checked=!posted.value("remember").is_empty()
                        />
                        <a class="link" href=paths::RESET_PASSWORD>
                            "Forgot your password?"
                        </a>
                    </div>
                    <input type="hidden" name="next" value=next />
                    <SubmitButton label="Sign in" busy="Signing in…" />
                </LogInForm>
                <p class="card-foot">
                    "New here? "
                    <a class="link" href=paths::REGISTER>
                        "Create account"
                    </a>
                </p>
            </Card>
        </Page>
    }
}

fn said(notice: paths::Notice) -> &'static str {
    match notice {
        paths::Notice::PasswordReset => "Your password is changed. Sign in with the new one.",
        paths::Notice::Registered => "Thank you. You can sign in now.",
        paths::Notice::SignedOut => "You are signed out.",
    }
}

#[island]
fn LogInForm(children: Children) -> impl IntoView {
    form(paths::LOGIN, LogIn::PATH, children)
}
