//! How often something may be tried: one table for all replicas, by a generic cell rate algorithm.
//!
//! Each limit on each subject is a row whose name is a keyed hash, so the table tells nobody's name or address. The
//! limit's numbers are hashed, too: whoever changes a setting starts that limit afresh.

use super::{AuthError, AuthService};
use crate::{
    domain::time::Timestamp,
    server::{metrics::Refresh, settings_limit::Limit},
};

pub(super) use crate::server::store::throttles::Charge;
use crate::server::store::{
    StoreError, Tx,
    throttles::{self, Charged},
};

impl AuthService {
    /// A limit on a subject: `scope` says what is tried, `subject` by whom or at what.
    pub(super) fn limited(&self, scope: &'static str, subject: &str, limit: Limit) -> Charge {
        self.slowing(scope, subject, limit, 0)
    }

    /// As [`AuthService::limited`], and each try beyond the count doubles the wait, up to `slowest` seconds. After an
    /// hour's rest the count begins again. `store::throttles` tells the waits in numbers.
    pub(super) fn slowing(&self, scope: &'static str, subject: &str, limit: Limit, slowest: i64) -> Charge {
        let slowest = slowest.saturating_mul(1000).max(limit.every);
        let what = scope;
        let scope = format!("{scope} {}/{}/{slowest}", limit.count, limit.every);
        let name = self.keyed().pseudonyms.of(&scope, subject);
        Charge { name, setting: setting_of(what), count: limit.count, every: limit.every, slowest }
    }

    /// Counts one try on each of the charges, or on none of them. Those that are off count nothing, and cost nothing.
    ///
    /// # Errors
    /// `TooMany` with the longest time to wait; `Unavailable`: a throttle that cannot be asked lets nobody through.
    pub(super) async fn charge(&self, charges: &[Charge]) -> Result<(), AuthError> {
        self.charge_in_a_row(charges).await.map(drop)
    }

    /// As [`AuthService::charge`]. Answers the most tries in a row that one of the charges has seen with this one; 0 if
    /// all are off.
    pub(super) async fn charge_in_a_row(&self, charges: &[Charge]) -> Result<i64, AuthError> {
        let charges: Vec<Charge> = charges.iter().filter(|charge| !charge.is_off()).cloned().collect();
        if charges.is_empty() {
            return Ok(0);
        }
        let now = self.parts.clock.now();
        if let Some((wait, setting)) = self.throttle_memory.refused(&charges, now) {
            self.parts.metrics.throttled(setting);
            return Err(too_many(wait));
        }
        let tried = charges.clone();
        let write = self
            .parts
            .store
            .write_aside(move |tx| Box::pin(async move { throttles::charge_in_a_row(tx, &tried, now).await }));
        match write.await? {
            (Charged::All, in_a_row) => Ok(in_a_row),
            (Charged::None(waits), _) => {
                let longest = waits.iter().map(|(_, wait)| *wait).max().unwrap_or(1);
                for (name, _) in &waits {
                    let refusing = charges.iter().find(|charge| charge.name == *name);
                    self.parts.metrics.throttled(refusing.map_or("other", |charge| charge.setting));
                }
                self.throttle_memory.remember(waits, now);
                Err(too_many(longest))
            }
        }
    }

    /// Counts one refresh of the session with this id, by `throttle.refresh`.
    ///
    /// In the memory of this process: a refresh is one database write, and this would be a second one. So with several
    /// replicas a session has the limit at each of them, and a restart forgets it.
    ///
    /// # Errors
    /// `TooMany` with the time to wait.
    pub(super) fn charge_refresh(&self, rid: &str) -> Result<(), AuthError> {
        let (limit, now) = (self.parts.settings.throttle.refresh, self.parts.clock.now());
        self.throttle_memory.refresh(limit, rid, now).map_err(|wait| {
            self.parts.metrics.throttled("refresh");
            self.parts.metrics.refresh(Refresh::Throttled);
            too_many(wait)
        })
    }

    /// Takes a try back that was none: the server was too busy to do it. A failure is logged and no more.
    pub(super) async fn refund(&self, charges: &[Charge]) {
        let counted: Vec<Charge> = charges.iter().filter(|charge| !charge.is_off()).cloned().collect();
        if counted.is_empty() {
            return;
        }
        let now = self.parts.clock.now();
        let write = self
            .parts
            .store
            .write_aside(move |tx| Box::pin(async move { throttles::give_back(tx, &counted, now).await }));
        match write.await {
            Ok(()) => self.unblock(charges),
            Err(error) => tracing::warn!(%error, "a try that was none stays counted"),
        }
    }

    /// Forgets in this process what it remembers of the charges; after [`forget`] or [`settle`] is committed. Other
    /// processes go on refusing for three seconds at most.
    pub(super) fn unblock(&self, charges: &[Charge]) {
        self.throttle_memory.unblock(charges);
    }
}

/// The setting, below `throttle`, that limits what is tried.
fn setting_of(scope: &'static str) -> &'static str {
    match scope {
        "login" | "login-account" | "proofs" => "login",
        "login-name" | "login-device" => "login_name",
        "login-name-total" | "login-devices-total" | "proof-total" => "login_name_total",
        "login-failures" => "login_failures",
        "login-failures-total" => "login_failures_total",
        "mail-total" => "mail_total",
        "mail-to" | "mail-of" => "mail_to",
        "proof-account" => "proof_account",
        "factor-total" | "factor-devices-total" => "factor_total",
        of_one_word => of_one_word,
    }
}

/// Whole seconds, rounded up: who waits that long is let through.
fn too_many(wait: i64) -> AuthError {
    AuthError::TooMany(wait.saturating_add(999).div_euclid(1000).max(1))
}

/// Takes the newest try back on the ones and forgets the others. Answers the most tries in a row that one of these had
/// seen.
pub(super) async fn settle(
    tx: &mut Tx,
    given_back: &[Charge],
    forgotten: &[Charge],
    now: Timestamp,
) -> Result<i64, StoreError> {
    throttles::settle(tx, given_back, forgotten, now).await
}

/// Forgets all tries on the charges. Answers the most tries in a row that one of them had seen.
pub(super) async fn forget(tx: &mut Tx, charges: &[Charge]) -> Result<i64, StoreError> {
    throttles::forget(tx, charges).await
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
