//! What signing in takes beside a password.

use super::{last_one, named, passkeys::passkeys};
use crate::{
    actions::{MakeRecoveryCodes, RemoveApp, StartApp, UntrustBrowser},
    components::{Panel, ProblemAlert, SubmitButton},
    domain::factor::{FEW_RECOVERY_CODES, Factors, TotpSummary, TrustedBrowser},
    pages::{
        context::{account_facts, awaits_confirmation, posted_to, visitor},
        form::ActionForm,
        frame::{AccountFrame, ResendForm, when},
    },
    paths::{self, forms},
};
use leptos::{either::Either, prelude::*, server_fn::ServerFn};

/// `/account/factors`
#[component]
pub fn FactorsPage() -> impl IntoView {
    let facts = account_facts();
    let confirmed = visitor().is_some_and(|account| account.email_verified_at.is_some());
    let factors = facts.factors;
    let any = factors.any();
    let passkeys = (facts.offers_passkeys && (confirmed || !factors.passkeys.is_empty())).then(|| passkeys(&factors));
    let browsers = (!factors.trusted_browsers.is_empty()).then(|| browsers(factors.trusted_browsers.clone()));
    view! {
        <AccountFrame
            title="Two-step sign-in"
            here=paths::ACCOUNT_FACTORS
            lead="What signing in takes beside a password, or in place of one."
        >
            {(!confirmed).then(confirm_first)} {(factors.required && !any).then(demanded)} {(!any).then(why)}
            {(confirmed || factors.totp.is_some()).then(|| app(&factors))}
            {passkeys}
            {any.then(|| recovery_codes(&factors))}
            {browsers}
        </AccountFrame>
    }
}

fn why() -> impl IntoView {
    view! {
        <p class="muted">
            "Passwords leak. Once you have set up an app or a passkey, your password alone no longer signs anybody in: \
            not somebody who has guessed it, and not somebody who reads your mail. You also get recovery codes, \
            so that a lost phone is not a lost account."
        </p>
    }
}

fn demanded() -> impl IntoView {
    view! {
        <p>
            <strong>"This site asks you for a second step."</strong>
            " Set one up now, or you are led to it the next time you sign in."
        </p>
    }
}

/// The way to confirm the address stands above where the site asks for that anyway; where it does not, no mail went out yet.
fn confirm_first() -> impl IntoView {
    view! {
        <p>
            "Before you can set anything up, please confirm your e-mail address: it is how we tell you of every change here."
        </p>
        {(!awaits_confirmation()).then(|| view! { <ResendForm /> })}
    }
}

fn app(factors: &Factors) -> impl IntoView + use<> {
    let problem = posted_to(forms::START_APP).problem.or(posted_to(forms::REMOVE_APP).problem);
    let state = match factors.totp {
        Some(app) => Either::Left((app_there(app, factors.may_lose_app()), last_one(factors, factors.may_lose_app()))),
        None => Either::Right(view! {
            <ActionForm page=forms::START_APP function=StartApp::PATH>
                <ProblemAlert problem />
                <SubmitButton label="Set up an app" busy="One moment…" />
            </ActionForm>
        }),
    };
    view! {
        <Panel title="Authenticator app" id="app" lead="An app on your phone shows a code of six digits.">
            {state}
        </Panel>
    }
}

fn app_there(app: TotpSummary, removable: bool) -> impl IntoView {
    let refused = posted_to(forms::REMOVE_APP).problem;
    let used = match app.last_used_at {
        Some(at) => Either::Left(view! { "Last used "{when(at)} }),
        None => Either::Right("Not used yet"),
    };
    view! {
        <div>
            <p>
                <span class="badge">"On"</span>
            </p>
            <p class="muted">"Set up "{when(app.confirmed_at)}</p>
            <p class="muted">{used}</p>
        </div>
        <div class="ways">
            <ActionForm page=forms::START_APP function=StartApp::PATH>
                <ProblemAlert problem=posted_to(forms::START_APP).problem />
                <SubmitButton label="Replace it" busy="One moment…" quiet=true />
            </ActionForm>
            {(removable || refused.is_some())
                .then(|| {
                    view! {
                        <ActionForm page=forms::REMOVE_APP function=RemoveApp::PATH>
                            <ProblemAlert problem=refused />
                            <SubmitButton label="Remove it" busy="Removing it…" danger=true />
                        </ActionForm>
                    }
                })}
        </div>
    }
}

fn recovery_codes(factors: &Factors) -> impl IntoView + use<> {
    let left = factors.recovery_codes_left;
    let said = match left {
        0 => "You have no recovery code left. Make new ones now.".to_owned(),
        1 => "You have 1 code left. Make new ones soon.".to_owned(),
        2..=FEW_RECOVERY_CODES => format!("You have {left} codes left. Make new ones soon."),
        _ => format!("You have {left} codes left."),
    };
    view! {
        <Panel
            title="Recovery codes"
            id="recovery"
            lead="Each works once in place of the second step. New codes replace all earlier ones."
        >
            <p>{said}</p>
            <ActionForm page=forms::NEW_CODES function=MakeRecoveryCodes::PATH>
                <ProblemAlert problem=posted_to(forms::NEW_CODES).problem />
                <SubmitButton label="Make new codes" busy="Making them…" quiet=true />
            </ActionForm>
        </Panel>
    }
}

fn browsers(trusted: Vec<TrustedBrowser>) -> impl IntoView {
    view! {
        <Panel title="Trusted browsers" id="browsers" lead="In these browsers signing in with your password takes nothing more, until the day shown.">
            // One form for all rows: the button that is pressed says which browser it is about.
            <ActionForm page=forms::UNTRUST function=UntrustBrowser::PATH>
                <ProblemAlert problem=posted_to(forms::UNTRUST).problem />
                <ul class="rows">{trusted.into_iter().map(browser).collect_view()}</ul>
            </ActionForm>
        </Panel>
    }
}

fn browser(browser: TrustedBrowser) -> impl IntoView {
    let device = named(&browser.device_label);
    let about = ["Ask again in ", &device, ", ", &browser.ip].concat();
    view! {
        <li class="row">
            <div>
                <strong>{device}</strong>
                <p class="muted">"Until "{when(browser.expires_at)}", trusted at "{browser.ip}</p>
                <p class="muted">"Last used "{when(browser.last_used_at)}</p>
            </div>
            <SubmitButton
                label="Ask again"
                busy="One moment…"
                quiet=true
                pressed=Some(("browser", browser.id))
                about=Some(about)
            />
        </li>
    }
}
