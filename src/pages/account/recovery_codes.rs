//! New recovery codes, shown once.

use crate::{
    actions::{MakeRecoveryCodes, PutCodesAway},
    components::{Panel, ProblemAlert, SubmitButton},
    pages::{
        context::{account_facts, posted, posted_to, site_name, visitor},
        form::ActionForm,
        frame::AccountFrame,
    },
    paths::{self, forms},
};
use leptos::{either::Either, nonce::use_nonce, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// Copies and prints. The page is only ever reached by a fresh document, so its script always runs; without it the
/// buttons stay hidden.
const COPY_AND_PRINT: &str = "for(const button of document.querySelectorAll('[data-codes]')){button.hidden=false;\
button.onclick=async()=>{if(button.dataset.codes==='print')return print();let said='Copied.';\
const codes=[...document.querySelectorAll('.codes code')].map(code=>code.textContent).join('\\n');\
try{await navigator.clipboard.writeText(codes)}catch{said='That could not be copied. Download them instead.'}\
document.getElementById('copied').textContent=said}}";

/// `/account/factors/recovery-codes`
#[component]
pub fn RecoveryCodesPage() -> impl IntoView {
    let codes = account_facts().codes;
    let shown = match codes.is_empty() {
        false => Either::Left(shown(codes)),
        true => Either::Right(gone()),
    };
    view! {
        <AccountFrame title="Recovery codes" here=paths::ACCOUNT_FACTORS>
            {shown}
        </AccountFrame>
    }
}

fn shown(codes: Vec<String>) -> impl IntoView {
    let query = use_query_map().get_untracked();
    let sent = posted().value("next");
    let next = query.get_str("next").map_or(sent, str::to_owned);
    let code = |code: String| view! { <li><code translate="no">{code}</code></li> };
    view! {
        <Panel
            title="Keep these codes"
            id="codes"
            lead="Each of them works once in place of the second step, when your phone or passkey is out of reach. \
            They are shown now and never again."
        >
            {visitor().map(|account| view! { <p>"For " <strong>{account.username}</strong> " at "{site_name()}"."</p> })}
            <ul class="codes" aria-labelledby="codes">{codes.into_iter().map(code).collect_view()}</ul>
            <p class="ways">
                <a class="button-quiet" href=paths::RECOVERY_CODES_FILE download="recovery-codes.txt" rel="external">
                    "Download"
                </a>
                <button type="button" class="button-quiet" data-codes="copy" hidden>"Copy"</button>
                <button type="button" class="button-quiet" data-codes="print" hidden>"Print"</button>
                <span id="copied" class="muted" role="status"></span>
            </p>
            <ActionForm page=paths::ACCOUNT_RECOVERY_CODES function=PutCodesAway::PATH>
                <ProblemAlert problem=posted_to(paths::ACCOUNT_RECOVERY_CODES).problem />
                <input type="hidden" name="next" value=next />
                <SubmitButton label="I have saved them" busy="One moment…" />
            </ActionForm>
            <script nonce=use_nonce()>{COPY_AND_PRINT}</script>
        </Panel>
    }
}

fn gone() -> impl IntoView {
    view! {
        <Panel
            title="They are shown once"
            id="codes"
            lead="If you have not saved yours, make new ones: those replace the ones before."
        >
            <ActionForm page=forms::NEW_CODES function=MakeRecoveryCodes::PATH>
                <ProblemAlert problem=posted_to(forms::NEW_CODES).problem />
                <SubmitButton label="Make new codes" busy="Making them…" quiet=true />
            </ActionForm>
            <p class="card-foot">
                <a class="link" href=paths::ACCOUNT_FACTORS>
                    "Back"
                </a>
            </p>
        </Panel>
    }
}
