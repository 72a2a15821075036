//! Counters of what happens, for those who run the server. Holds no names, no addresses, nothing of anybody.
//!
//! Every label is one of few words that this program has: nothing that a client makes up becomes one.

mod outcome;
mod process;
mod scrape;

pub use outcome::{FactorKind, Mailing, Refresh, Registering, SignIn};
pub use scrape::{Outbox, Pool, Sight};

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// Upper ends of the buckets for answers, in seconds: from a file to a request that is cut.
const ANSWERS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// For hashes: from a fast machine to one that is drowned.
const HASHES: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 5.0];

/// Words are those of this program; only the router's patterns are copied.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// The counters. Clones are the same counters.
#[derive(Clone)]
pub struct Metrics(Arc<Counters>);

struct Counters {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    durations: Family<Labels<1>, Histogram, Buckets>,
    running: Gauge,
    connections: Gauge,
    refreshes: Family<Labels<1>, Counter>,
    sign_ins: Family<Labels<1>, Counter>,
    factors: Family<Labels<2>, Counter>,
    registrations: Family<Labels<1>, Counter>,
    throttled: Family<Labels<1>, Counter>,
    tokens_refused: Counter,
    hashes: Histogram,
    hashes_refused: Counter,
    mails: Family<Labels<2>, Counter>,
}

#[derive(Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(ANSWERS)
    }
}

/// Something that is counted as long as this lives.
#[must_use]
pub struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut counters = Counters {
            registry: Registry::with_prefix("doorward"),
            requests: Family::default(),
            durations: Family::new_with_constructor(Buckets),
            running: Gauge::default(),
            connections: Gauge::default(),
            refreshes: Family::default(),
            sign_ins: Family::default(),
            factors: Family::default(),
            registrations: Family::default(),
            throttled: Family::default(),
            tokens_refused: Counter::default(),
            hashes: Histogram::new(HASHES),
            hashes_refused: Counter::default(),
            mails: Family::default(),
        };
        counters.register();
        counters.name_all();
        Self(Arc::new(counters))
    }

    /// A connection is open until the answer is dropped.
    pub fn connection(&self) -> Counted {
        Counted::new(&self.0.connections)
    }

    /// A request is being worked on until the answer is dropped.
    pub fn request(&self) -> Counted {
        Counted::new(&self.0.running)
    }

    /// A request was answered: `method` and `route` are words of ours, `route` the router's pattern.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = [("route", Cow::Owned(route.to_owned()))];
        self.0.durations.get_or_create(&labels).observe(took.as_secs_f64());
        let [(_, route)] = labels;
        self.count_request(method, route, status);
    }

    /// A request was refused for its form, before it was looked where it leads.
    pub fn refused_before_routing(&self, method: &'static str, status: u16) {
        self.count_request(method, "none".into(), status);
    }

    fn count_request(&self, method: &'static str, route: Cow<'static, str>, status: u16) {
        let class = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        let labels = [("method", method.into()), ("route", route), ("status", class.into())];
        self.0.requests.get_or_create(&labels).inc();
    }

    /// What became of a refresh.
    pub fn refresh(&self, outcome: Refresh) {
        count(&self.0.refreshes, outcome.as_str());
    }

    /// What became of a sign-in.
    pub fn sign_in(&self, outcome: SignIn) {
        count(&self.0.sign_ins, outcome.as_str());
    }

    /// A factor was judged, right or wrong; one that was right may still have been used before.
    pub fn factor(&self, kind: FactorKind, right: bool) {
        self.0.factors.get_or_create(&factor_labels(kind, right)).inc();
    }

    /// What became of a registration.
    pub fn registration(&self, outcome: Registering) {
        count(&self.0.registrations, outcome.as_str());
    }

    /// A try was one too many, by the setting `throttle.limit`.
    pub fn throttled(&self, limit: &'static str) {
        self.0.throttled.get_or_create(&[("limit", limit.into())]).inc();
    }

    /// An access token was not taken.
    pub fn token_refused(&self) {
        self.0.tokens_refused.inc();
    }

    /// A password was hashed.
    pub fn hashed(&self, took: Duration) {
        self.0.hashes.observe(took.as_secs_f64());
    }

    /// A password was not hashed: too many waited.
    pub fn hash_refused(&self) {
        self.0.hashes_refused.inc();
    }

    /// What became of a mail of this kind, which is a word of ours.
    pub fn mail(&self, kind: &'static str, outcome: Mailing) {
        let labels = [("kind", kind.into()), ("outcome", outcome.as_str().into())];
        self.0.mails.get_or_create(&labels).inc();
    }

    /// All of it and what was seen just now, as OpenMetrics text.
    #[must_use]
    pub fn text(&self, sight: &Sight) -> String {
        scrape::text(&self.0.registry, sight)
    }
}

fn factor_labels(kind: FactorKind, right: bool) -> Labels<2> {
    let outcome = if right { "taken" } else { "refused" };
    [("kind", kind.as_str().into()), (outcome::LABEL, outcome.into())]
}

fn count(family: &Family<Labels<1>, Counter>, outcome: &'static str) {
    family.get_or_create(&[(outcome::LABEL, outcome.into())]).inc();
}

impl Counters {
    fn register(&mut self) {
        let Self { registry, requests, durations, running, connections, .. } = self;
        registry.register("requests", "Requests that were answered", requests.clone());
        let what = "Time from a request's head to the head of its answer";
        registry.register_with_unit("request_duration", what, Unit::Seconds, durations.clone());
        registry.register("requests_running", "Requests that are being worked on", running.clone());
        registry.register("connections", "Connections that are open", connections.clone());
        registry.register("refreshes", "Refreshes of sessions, by what became of them", self.refreshes.clone());
        registry.register("sign_ins", "Sign-ins, by what became of them", self.sign_ins.clone());
        registry.register("factors", "Second factors and passkeys that were shown, by kind", self.factors.clone());
        registry.register("registrations", "Registrations, by what became of them", self.registrations.clone());
        let what = "Tries that were one too many, by the setting that says so";
        registry.register("throttled", what, self.throttled.clone());
        registry.register("access_tokens_refused", "Access tokens that were not taken", self.tokens_refused.clone());
        let what = "Time that hashing a password took, without waiting for its turn";
        registry.register_with_unit("password_hash_duration", what, Unit::Seconds, self.hashes.clone());
        let what = "Passwords that were not hashed because too many waited";
        registry.register("password_hashes_refused", what, self.hashes_refused.clone());
        registry.register("mails", "Mails, by kind and what became of a try to send them", self.mails.clone());
    }

    /// A line that begins at nothing: a rate over a counter that appears with its first count misses that one.
    fn name_all(&self) {
        let name = |family: &Family<Labels<1>, Counter>, outcomes: &[&'static str]| {
            for outcome in outcomes {
                drop(family.get_or_create_owned(&[(outcome::LABEL, (*outcome).into())]));
            }
        };
        name(&self.refreshes, &Refresh::ALL.map(Refresh::as_str));
        name(&self.sign_ins, &SignIn::ALL.map(SignIn::as_str));
        name(&self.registrations, &Registering::ALL.map(Registering::as_str));
        for kind in FactorKind::ALL {
            for right in [true, false] {
                drop(self.factors.get_or_create_owned(&factor_labels(kind, right)));
            }
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
