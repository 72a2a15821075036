//! Sign in.

use super::{
    context::{self, account_facts, posted_to, registration_is_open},
    error_of, focus_on,
    form::ActionForm,
    frame::{SitePage, notice},
    passkey_form::{Asks, PasskeyForm},
};
use crate::{
    actions::LogIn,
    components::{Card, CheckBox, Field, PasswordField, ProblemAlert, SubmitButton},
    paths::{self, ceremonies, forms},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// `/login`
#[component]
pub fn LoginPage() -> impl IntoView {
    let posted = posted_to(paths::LOGIN);
    let query = use_query_map().get_untracked();
    let sent = context::posted().value("next");
    let next = paths::own_path(query.get_str("next").or(Some(sent.as_str()))).to_owned();
    let next_too = next.clone();
    let passkeys = account_facts().offers_passkeys;
    view! {
        <SitePage title="Sign in">
            <Card title="Sign in">
                {notice()}
                <ActionForm page=paths::LOGIN function=LogIn::PATH>
                    <ProblemAlert problem=posted.problem.clone() />
                    <Field
                        name="identifier"
                        label="User name or e-mail"
                        autocomplete=if passkeys { "username webauthn" } else { "username" }
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
                </ActionForm>
                {passkeys.then(|| passkey(next_too))}
                {registration_is_open()
                    .then(|| {
                        view! {
                            <p class="card-foot">
                                "New here? "
                                <a class="link" href=paths::REGISTER>
                                    "Create account"
                                </a>
                            </p>
                        }
                    })}
            </Card>
        </SitePage>
    }
}

/// Signing in with a passkey alone. The box of the form above counts here as well: `remember` is filled in with it.
fn passkey(next: String) -> impl IntoView {
    view! {
        <PasskeyForm
            page=forms::PASSKEY_LOGIN
            function=ceremonies::LOG_IN
            start=ceremonies::START_LOG_IN
            asks=Asks::OneOrAutofill
            label="Sign in with a passkey"
        >
            <input type="hidden" name="remember" />
            <input type="hidden" name="next" value=next />
        </PasskeyForm>
    }
}
