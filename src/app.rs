//! The document around every page, and the table of pages. What they all may know is in `pages::context`.

use crate::{
    domain::problem::Problem,
    pages::{
        ConfirmEmailChangePage, ConfirmEmailPage, DashboardPage, EnrolPage, ErrorPage, FactorPage, FactorsAppPage,
        FactorsPage, HistoryPage, HomePage, LoginPage, NotFoundPage, NotMePage, PrivacyPage, ProfilePage, ProofPage,
        RecoveryCodesPage, RegisterPage, ResetConfirmationPage, ResetPasswordPage, RestorePage, SecurityPage,
        SessionsPage, UndoEmailChangePage,
        context::{ProofAsked, site_names},
    },
    paths,
};
use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::{
    StaticSegment,
    components::{FlatRoutes, Route, Router},
};

/// The whole document. The stylesheet blocks rendering: no page is seen without it. The starter lets all scripts
/// that are files come after the first paint: until they are there, forms and links are the browser's.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let files = site_names();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" content="#f6f7f5" media="(prefers-color-scheme: light)" />
                <meta name="theme-color" content="#101412" media="(prefers-color-scheme: dark)" />
                <meta name="robots" content="noindex" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" id="leptos" href=files.style />
                <AutoReload options />
                <script type="module" inner_html=files.starter></script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The page that the address names, the one that says what went wrong, or the one that asks for the password first.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    match (use_context::<Problem>(), use_context::<ProofAsked>()) {
        (Some(problem), _) => EitherOf3::A(view! { <ErrorPage problem /> }),
        (None, Some(asked)) => EitherOf3::B(view! { <ProofPage asked /> }),
        (None, None) => EitherOf3::C(view! {
            <Router>
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=StaticSegment(paths::HOME) view=HomePage />
                    <Route path=StaticSegment(paths::REGISTER) view=RegisterPage />
                    <Route path=StaticSegment(paths::LOGIN) view=LoginPage />
                    <Route path=within(paths::LOGIN_FACTOR) view=FactorPage />
                    <Route path=within(paths::LOGIN_ENROL) view=EnrolPage />
                    <Route path=StaticSegment(paths::RESET_PASSWORD) view=ResetPasswordPage />
                    <Route path=StaticSegment(paths::RESET_CONFIRMATION) view=ResetConfirmationPage />
                    <Route path=StaticSegment(paths::CONFIRM_EMAIL) view=ConfirmEmailPage />
                    <Route path=StaticSegment(paths::CONFIRM_EMAIL_CHANGE) view=ConfirmEmailChangePage />
                    <Route path=StaticSegment(paths::UNDO_EMAIL_CHANGE) view=UndoEmailChangePage />
                    <Route path=StaticSegment(paths::DASHBOARD) view=DashboardPage />
                    <Route path=StaticSegment(paths::ACCOUNT) view=ProfilePage />
                    <Route path=within(paths::ACCOUNT_SECURITY) view=SecurityPage />
                    <Route path=within(paths::ACCOUNT_FACTORS) view=FactorsPage />
                    <Route path=below(paths::ACCOUNT_FACTORS_APP) view=FactorsAppPage />
                    <Route path=below(paths::ACCOUNT_RECOVERY_CODES) view=RecoveryCodesPage />
                    <Route path=within(paths::ACCOUNT_SESSIONS) view=SessionsPage />
                    <Route path=within(paths::ACCOUNT_HISTORY) view=HistoryPage />
                    <Route path=within(paths::ACCOUNT_PRIVACY) view=PrivacyPage />
                    <Route path=within(paths::ACCOUNT_NOT_ME) view=NotMePage />
                    <Route path=within(paths::ACCOUNT_RESTORE) view=RestorePage />
                </FlatRoutes>
            </Router>
        }),
    }
}

/// A path of two segments, as the router wants it.
fn within(path: &'static str) -> (StaticSegment<&'static str>, StaticSegment<&'static str>) {
    let (first, second) = path.rsplit_once('/').unwrap_or((path, ""));
    (StaticSegment(first), StaticSegment(second))
}

/// A path of three segments.
fn below(
    path: &'static str,
) -> (StaticSegment<&'static str>, StaticSegment<&'static str>, StaticSegment<&'static str>) {
    let (before, last) = path.rsplit_once('/').unwrap_or((path, ""));
    let (first, second) = within(before);
    (first, second, StaticSegment(last))
}
