//! Take the new address: with the link or the code that was mailed to it.

use super::{
    context::{mailed_link, posted},
    form::ActionForm,
    frame::{SitePage, notice},
    mailed::{coded, linked},
};
use crate::{
    actions::ConfirmEmailChange,
    components::{Card, ProblemAlert, SubmitButton},
    paths,
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/confirm-email-change`. The server has sent away those who are not signed in.
#[component]
pub fn ConfirmEmailChangePage() -> impl IntoView {
    let posted = posted();
    let link = mailed_link();
    let lead = match link {
        Some(_) => "From now on mails about your account go to the new address.",
        None => "A mail is on its way to the new address. Open its link, or type its code here.",
    };
    view! {
        <SitePage title="Change your e-mail">
            <Card title="Change your e-mail" lead=lead>
                {notice()}
                <ActionForm page=paths::CONFIRM_EMAIL_CHANGE function=ConfirmEmailChange::PATH>
                    <ProblemAlert problem=posted.problem.clone() />
                    {match link {
                        Some(link) => Either::Left(linked(link)),
                        None => Either::Right(coded(&posted, "8 digits.")),
                    }}
                    <SubmitButton label="Take the new address" busy="Changing your address…" />
                </ActionForm>
                <p class="card-foot">
                    "You want to keep the old one, or need another mail? "
                    <a class="link" href=paths::ACCOUNT_SECURITY>
                        "Back to security"
                    </a>
                </p>
            </Card>
        </SitePage>
    }
}
