//! Names and time zone.

use crate::{
    actions::{ChangeProfile, ChangeUsername},
    components::{Choice, Field, Panel, ProblemAlert, SubmitButton},
    domain::account::Account,
    pages::{
        context::{account_facts, posted_to, visitor},
        error_of, focus_on,
        form::ActionForm,
        frame::AccountFrame,
        kept,
    },
    paths::{self, forms},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/account`
#[component]
pub fn ProfilePage() -> impl IntoView {
    view! {
        <AccountFrame title="Profile" here=paths::ACCOUNT lead="What we call you, and which time we show you.">
            {visitor().map(|account| (profile(account.clone()), username(account)))}
        </AccountFrame>
    }
}

fn profile(account: Account) -> impl IntoView {
    let posted = posted_to(forms::PROFILE);
    view! {
        <Panel title="About you" id="profile">
            <ActionForm page=forms::PROFILE function=ChangeProfile::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                <div class="form-pair">
                    <Field
                        name="first_name"
                        label="First name"
                        autocomplete="given-name"
                        optional=true
                        value=kept(&posted, "first_name", &account.first_name)
                        error=error_of(&posted, "first_name")
                        autofocus=focus_on(&posted, "first_name", false)
                    />
                    <Field
                        name="last_name"
                        label="Last name"
                        autocomplete="family-name"
                        optional=true
                        value=kept(&posted, "last_name", &account.last_name)
                        error=error_of(&posted, "last_name")
                        autofocus=focus_on(&posted, "last_name", false)
                    />
                </div>
                <Choice
                    name="time_zone"
                    label="Time zone"
                    options=account_facts().time_zones
                    chosen=kept(&posted, "time_zone", &account.time_zone)
                    error=error_of(&posted, "time_zone")
                    hint="Dates and times are shown in it."
                    autofocus=focus_on(&posted, "time_zone", false)
                />
                <SubmitButton label="Save" busy="Saving…" />
            </ActionForm>
        </Panel>
    }
}

fn username(account: Account) -> impl IntoView {
    let posted = posted_to(forms::USERNAME);
    view! {
        <Panel title="User name" id="user-name">
            <ActionForm page=forms::USERNAME function=ChangeUsername::PATH>
                <ProblemAlert problem=posted.problem.clone() />
                <Field
                    name="username"
                    label="User name"
                    autocomplete="username"
                    hint="You sign in with it. Your old one is kept from others for a while."
                    value=kept(&posted, "username", &account.username)
                    error=error_of(&posted, "username")
                    autofocus=focus_on(&posted, "username", false)
                />
                <SubmitButton label="Change user name" busy="Changing…" />
            </ActionForm>
        </Panel>
    }
}
