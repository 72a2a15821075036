//! A page that could not be made.

use super::frame::SitePage;
use crate::{
    components::{Card, told},
    domain::problem::{Code, Problem},
    paths,
};
use leptos::prelude::*;

/// The page in place of one that failed.
#[component]
pub fn ErrorPage(
    /// Why it failed.
    problem: Problem,
) -> impl IntoView {
    let title = match problem.code {
        Code::NotFound => "Page not found",
        Code::Unavailable | Code::TooManyRequests | Code::Offline => "Please try again in a moment",
        Code::ProofRequired
        | Code::RegistrationClosed
        | Code::EnrolmentRequired
        | Code::LastWayIn
        | Code::UnconfirmedEmail
        | Code::LeavingAccount
        | Code::CrossSite
        | Code::MalformedRequest
        | Code::MethodNotAllowed
        | Code::UnsupportedMediaType
        | Code::TooLarge => "That did not work",
        Code::NotSignedIn | Code::WrongCredentials | Code::FactorRequired | Code::ChallengeOver => "Please sign in",
        Code::InvalidInput | Code::InvalidTicket | Code::Internal => "Something went wrong",
    };
    let may_pass = problem.status >= 500 || problem.retry_after.is_some();
    view! {
        <SitePage title>
            <Card title=title lead=told(&problem)>
                // An empty address is this page again, asked for anew.
                {may_pass.then(|| view! { <a class="button" href="" rel="external">"Try again"</a> })}
                <a class=if may_pass { "button-quiet" } else { "button" } href=paths::HOME rel="external">
                    "Go to the start page"
                </a>
            </Card>
        </SitePage>
    }
}
