//! Sign in.

use super::{
    context::{posted, registration_is_open},
    error_of, focus_on,
    form::ActionForm,
    frame::{SitePage, notice},
};
use crate::{
    actions::LogIn,
    components::{Card, CheckBox, Field, PasswordField, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// `/login`
#[component]
pub fn LoginPage() -> impl IntoView {
    let posted = posted();
    let query = use_query_map().get_untracked();
    let sent = posted.value("next");
    let next = paths::own_path(query.get_str("next").or(Some(sent.as_str()))).to_owned();
    view! {
        <SitePage title="Sign in">
            <Card title="Sign in">
                {notice()}
                <ActionForm page=paths::LOGIN function=LogIn::PATH>
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
                </ActionForm>
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
