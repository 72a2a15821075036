//! Renewing the access token: the cookie's refresh token is exchanged for the next one and a grant.
//!
//! One exchange at a time in this tab: whoever comes meanwhile waits for the same promise.

use super::{
    device, locks, tabs,
    token::{self, Bearer, Flight},
    wire,
};
use crate::{
    actions::Refresh,
    domain::{grant::Grant, problem::Problem, renewal},
};
use leptos::server_fn::ServerFn;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::AbortController;

/// An exchange is given up after this many milliseconds, the wait for other tabs included. If the server did its half, it
/// answers the same token again.
const LONGEST: f64 = 30_000.0;

/// A token to send: the one in memory, or a new one.
///
/// # Errors
/// `not_signed_in` if there is no session; else why there is none just now, which is no sign-out.
pub(super) async fn token() -> Result<Bearer, Problem> {
    match token::usable() {
        Some(bearer) => Ok(bearer),
        None => renewed(None).await,
    }
}

/// A token made after `refused`, which somebody else may have fetched already.
///
/// # Errors
/// Those of `token`.
pub(super) async fn renewed(refused: Option<&Bearer>) -> Result<Bearer, Problem> {
    if refused.is_some()
        && let Some(bearer) = token::newer_than(refused)
    {
        return Ok(bearer);
    }
    if let Some(problem) = token::paused() {
        return Err(problem);
    }
    let flight = token::flight().unwrap_or_else(take_off);
    _ = JsFuture::from(flight.landed.clone()).await;
    let failure = flight.outcome.borrow().clone();
    match failure {
        Some(problem) => Err(problem),
        None => token::newer_than(refused).ok_or_else(|| renewal::unreadable(401)),
    }
}

/// Renews the token of a page that is in use. A failure shows itself at the next use, if it still is one.
pub(super) fn in_background() {
    if token::paused().is_none() && token::flight().is_none() {
        take_off();
    }
}

fn take_off() -> Flight {
    let generation = token::generation();
    let outcome = Rc::new(RefCell::new(None));
    let cancel = device::deadline(LONGEST);
    let landed = future_to_promise({
        let (outcome, cancel) = (outcome.clone(), cancel.clone());
        async move {
            outcome.replace(exchange(generation, cancel).await.err());
            token::set_flight(generation, None);
            Ok(JsValue::UNDEFINED)
        }
    });
    let flight = Flight { landed, outcome, cancel };
    token::set_flight(generation, Some(flight.clone()));
    flight
}

async fn exchange(generation: u32, cancel: Option<AbortController>) -> Result<(), Problem> {
    let over = || token::generation() != generation;
    let _turn = locks::turn().await;
    if over() {
        return Err(renewal::unreadable(401));
    }
    let asked_at = device::now();
    let answer = wire::post(Refresh::PATH, None, &JsValue::from_str(""), cancel.as_ref()).await;
    if over() {
        return Err(renewal::unreadable(401));
    }
    match answer.read::<Grant>() {
        Ok(grant) => token::keep(grant, asked_at),
        Err(problem) => {
            if problem.status == 401 {
                token::forget();
                tabs::expired();
            } else {
                token::pause(&problem);
            }
            return Err(problem);
        }
    }
    Ok(())
}
