//! The access token in memory, its timer, and what is under way with it.
//!
//! Signing in or out raises the generation: an exchange that began before it and ends after it is stopped, and if it
//! can't be stopped any more, its grant is thrown away.

use super::{device, refresh};
use crate::domain::{
    grant::Grant,
    problem::Problem,
    renewal::{self, Life, Wake},
};
use js_sys::Promise;
use secrecy::{ExposeSecret, SecretString};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::AbortController;

/// The token as a request carries it, and which token of this tab it is.
#[derive(Clone)]
pub(super) struct Bearer {
    token: Rc<SecretString>,
    number: u32,
}

impl Bearer {
    /// The value of the `Authorization` header (RFC 6750, 2.1).
    pub(super) fn header(&self) -> String {
        ["Bearer ", self.token.expose_secret()].concat()
    }
}

/// An exchange under way, which everybody in this tab waits for.
#[derive(Clone)]
pub(super) struct Flight {
    /// Resolved when it is over.
    pub(super) landed: Promise,
    /// How it went.
    pub(super) outcome: Rc<RefCell<Option<Problem>>>,
    /// What stops its request.
    pub(super) cancel: Option<AbortController>,
}

struct Held {
    bearer: Bearer,
    life: Life,
    renew_at: f64,
    used: bool,
}

#[derive(Default)]
struct Memory {
    held: Option<Held>,
    flight: Option<Flight>,
    generation: u32,
    made: u32,
    timer: i32,
    /// No exchange is sent before this time, and why.
    pause: Option<(f64, Problem)>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
    static ALARM: Closure<dyn Fn()> = Closure::new(ring);
}

fn with<T>(f: impl FnOnce(&mut Memory) -> T) -> T {
    MEMORY.with_borrow_mut(f)
}

/// Keeps the token of `grant`, which was asked for at `asked_at`, and sets the timer.
pub(super) fn keep(grant: Grant, asked_at: f64) {
    let life = Life::new(asked_at, grant.expires_in);
    let renew_at = life.renew_at(device::chance());
    with(|memory| {
        memory.made += 1;
        memory.pause = None;
        let bearer = Bearer { token: Rc::new(grant.access_token.into()), number: memory.made };
        memory.held = Some(Held { bearer, life, renew_at, used: false });
    });
    set_timer(renewal::wait(device::now(), renew_at));
}

/// Forgets the token and whatever is under way with it.
pub(super) fn forget() {
    let (timer, flight) = with(|memory| {
        memory.generation += 1;
        memory.held = None;
        (std::mem::take(&mut memory.timer), memory.flight.take())
    });
    device::stop(timer);
    if let Some(cancel) = flight.and_then(|flight| flight.cancel) {
        cancel.abort();
    }
}

/// The token, if it will live long enough to be sent. To ask for it is to use it.
pub(super) fn usable() -> Option<Bearer> {
    let now = device::now();
    with(|memory| {
        let held = memory.held.as_mut().filter(|held| held.life.is_usable(now))?;
        held.used = true;
        Some(held.bearer.clone())
    })
}

/// The token, unless it is `refused` itself. For use right after an exchange, however short its life.
pub(super) fn newer_than(refused: Option<&Bearer>) -> Option<Bearer> {
    with(|memory| {
        let held =
            memory.held.as_mut().filter(|held| refused.is_none_or(|refused| refused.number != held.bearer.number))?;
        held.used = true;
        Some(held.bearer.clone())
    })
}

/// The number of sign-ins and sign-outs seen so far.
pub(super) fn generation() -> u32 {
    with(|memory| memory.generation)
}

/// The exchange under way.
pub(super) fn flight() -> Option<Flight> {
    with(|memory| memory.flight.clone())
}

/// Everybody from now on waits for `flight`; `None`: it landed. One of an earlier generation changes nothing.
pub(super) fn set_flight(generation: u32, flight: Option<Flight>) {
    with(|memory| {
        if memory.generation == generation {
            memory.flight = flight;
        }
    });
}

/// Sends no exchange for `problem.retry_after` seconds.
pub(super) fn pause(problem: &Problem) {
    if let Some(seconds) = problem.retry_after {
        let until = device::now() + seconds as f64 * 1000.0;
        with(|memory| memory.pause = Some((until, problem.clone())));
    }
}

/// Why no exchange is sent now, if that is so, with the seconds that are left of it.
pub(super) fn paused() -> Option<Problem> {
    let now = device::now();
    with(|memory| {
        let (until, problem) = memory.pause.as_ref()?;
        let left = renewal::seconds_left(now, *until)?;
        Some(Problem { retry_after: Some(left), ..problem.clone() })
    })
}

fn set_timer(wait: f64) {
    let timer = ALARM.with(|alarm| device::after(wait, alarm.as_ref().unchecked_ref()));
    device::stop(with(|memory| std::mem::replace(&mut memory.timer, timer)));
}

/// The timer: late after a sleep, rare in a hidden tab. So it looks at the clock first.
fn ring() {
    let (now, visible) = (device::now(), device::is_visible());
    let wake = with(|memory| {
        let held = memory.held.as_ref()?;
        let wake = held.life.wake(now, held.renew_at, held.used, visible);
        if wake == Wake::Forget {
            memory.held = None;
        }
        Some(wake)
    });
    match wake {
        Some(Wake::Wait(wait)) => set_timer(wait),
        Some(Wake::Renew) => refresh::in_background(),
        Some(Wake::Forget | Wake::Leave) | None => {}
    }
}
