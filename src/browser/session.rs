//! Asking with the token, signing in and signing out.

use super::{device, locks, refresh, tabs, token, wire};
use crate::{
    actions::{CurrentAccount, LogOut},
    domain::{
        account::Account,
        grant::{Done, Grant},
        problem::Problem,
        renewal::{self, Verdict},
    },
};
use leptos::server_fn::ServerFn;
use wasm_bindgen::JsValue;
use web_sys::{FormData, UrlSearchParams};

/// The mark, kept in storage and no secret, that somebody signed out and the server does not know yet.
const PENDING: &str = "doorward.sign-out-pending";
/// A request is given up after this many milliseconds. The server's own limit (`server.request_timeout`) is 30 s.
const LONGEST: f64 = 35_000.0;

/// Takes a fresh grant into memory. Whoever was signed in before is not any more.
pub(super) fn adopt(grant: Grant) {
    token::forget();
    token::keep(grant, device::now());
    device::set_mark(PENDING, false);
    tabs::tell(tabs::SIGNED_IN);
}

/// Sends what a form holds to the server function at `path`, takes the grant that comes back, and tells where to go.
///
/// # Errors
/// The server's problem, or that it was not reached.
pub(super) async fn send(path: String, form: FormData) -> Result<String, Problem> {
    let fields = UrlSearchParams::new_with_str_sequence_sequence(&form).map_err(|_| renewal::unreadable(400))?;
    let done: Done = post(&path, None, &fields).await.read()?;
    if let Some(grant) = done.grant {
        adopt(grant);
    }
    Ok(done.next)
}

/// The account that the token speaks for. A 401 is answered by one refresh and one repeat.
///
/// # Errors
/// `not_signed_in` once the session is over; anything else is no sign-out.
pub(super) async fn account() -> Result<Account, Problem> {
    settle().await?;
    let generation = token::generation();
    let mut bearer = refresh::token().await?;
    let mut renewed = false;
    loop {
        let answer = post(CurrentAccount::PATH, Some(&bearer.header()), &JsValue::from_str("")).await;
        if token::generation() != generation {
            return Err(renewal::unreadable(401));
        }
        match renewal::verdict(answer.status, renewed) {
            Verdict::Answer | Verdict::Tell => return answer.read(),
            Verdict::Renew => {
                renewed = true;
                bearer = refresh::renewed(Some(&bearer)).await?;
            }
            Verdict::Over => {
                token::forget();
                // The cookie seems alive and its token is refused. If the cookie stayed, the login page would send the
                // person straight back here.
                post(LogOut::PATH, None, &JsValue::from_str("")).await;
                tabs::expired();
                return answer.read();
            }
        }
    }
}

/// Signs out here, in the other tabs and on the server.
///
/// # Errors
/// The server could not be told. It is asked again when the network is back, and when a page of ours is opened.
pub(super) async fn sign_out() -> Result<(), Problem> {
    token::forget();
    device::set_mark(PENDING, true);
    // The turn is had before the others hear of it. They wait for theirs, and so for the server's answer: the mark alone
    // would not do, as storage may reach another process later than the message does.
    let turn = locks::turn().await;
    tabs::tell(tabs::SIGNED_OUT);
    tell_server(&turn).await
}

/// Whether somebody signed out and the server does not know yet.
pub(super) fn sign_out_is_pending() -> bool {
    device::has_mark(PENDING)
}

/// Tells the server of a sign-out that it does not know of.
///
/// # Errors
/// It could not be told now either.
pub(super) async fn settle() -> Result<(), Problem> {
    if sign_out_is_pending() { settle_in_turn().await } else { Ok(()) }
}

/// As [`settle`], but never before a tab that is signing out has heard from the server.
///
/// # Errors
/// The server could not be told.
pub(super) async fn settle_in_turn() -> Result<(), Problem> {
    // One tab tells for all of them, and after the exchanges that were under way: their cookie must not come last.
    let turn = locks::turn().await;
    if sign_out_is_pending() { tell_server(&turn).await } else { Ok(()) }
}

async fn tell_server(_turn: &locks::Turn) -> Result<(), Problem> {
    let answer = post(LogOut::PATH, None, &JsValue::from_str("")).await;
    if renewal::settles_sign_out(answer.status) {
        device::set_mark(PENDING, false);
        return Ok(());
    }
    let detail = "The server could not be told that you signed out. It will be told as soon as it answers; \
                  until then do not leave this browser to anybody else.";
    Err(Problem { detail: detail.to_owned(), ..answer.problem() })
}

/// Posts to one of our server functions, and waits no longer than a request may take.
pub(super) async fn post(path: &str, authorization: Option<&str>, body: &JsValue) -> wire::Answer {
    wire::post(path, authorization, body, device::deadline(LONGEST).as_ref()).await
}
