//! "Confirm it is you": the password is asked for again, and nothing that was typed is lost.

use super::{
    account::owner,
    context::{Posted, ProofAsked, visitor},
    error_of,
    form::Awake,
    frame::SitePage,
};
use crate::{
    components::{Card, PasswordField, ProblemAlert, SubmitButton},
    paths,
};
use leptos::prelude::*;

/// The page in place of a form that needs the password first. The browser sends it, with or without scripts: what comes
/// is again a page of the server's, or the file of a download.
#[component]
pub fn ProofPage(
    /// The form that waits.
    asked: ProofAsked,
) -> impl IntoView {
    let posted = Posted { problem: asked.problem, ..Posted::default() };
    let waiting = asked.values.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <SitePage title="Confirm it is you">
            <Card
                title="Confirm it is you"
                lead="This needs your password, even though you are signed in: so that nobody else does it in your name."
            >
                <Awake>
                    <form class="form" method="post" action=asked.form novalidate>
                        <ProblemAlert problem=posted.problem.clone() />
                        {waiting.collect_view()}
                        {visitor().map(|account| owner(account.username))}
                        <PasswordField
                            name="current_password"
                            label="Your password"
                            autocomplete="current-password"
                            error=error_of(&posted, "current_password")
                            autofocus=posted.problem.as_ref().is_none_or(|problem| !problem.fields.is_empty())
                        />
                        <SubmitButton label="Confirm" busy="" />
                    </form>
                </Awake>
                <p class="card-foot">
                    <a class="link" href=paths::ACCOUNT rel="external">
                        "Cancel"
                    </a>
                </p>
            </Card>
        </SitePage>
    }
}
