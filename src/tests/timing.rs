//! ASVS 6.3.8: how long an answer takes tells nobody who has an account. Run by `cargo xtask test --timing`.
//!
//! Each test times 200 pairs of requests over HTTP on one kept-alive connection, one of the pair with a known name or
//! address and one with an unknown one, in random order, so that what slows the machine down hits both alike. The
//! medians of the two must agree within [`bound`]. Throttles are off, the Argon2id parameters those of the settings.
//!
//! The tests' own profile is measured: Argon2 is optimised there as in a release, and all the rest is not, so that a
//! query more or less shows more than it would in a release.

use crate::harness::{Answer, App, Caller, Engine, PASSWORD, on_both_engines};
use doorward::server::{
    entropy::{Entropy as _, SystemEntropy},
    store::outbox_list,
};
use std::time::{Duration, Instant};

const PAIRS: usize = 200;
/// Pairs before those, which fill caches and pools and do not count.
const WARM_UP: usize = 20;
/// Seconds between two pairs by the clock of the tests: no pace of mails holds anything back.
const APART: i64 = 3600;
/// With the pace of mails to one address, which only the one case counts.
const REGISTERING: &str = "registration.confirmation = 'required'\nthrottle.mail_to = '5/1h'";

/// What the two medians may differ by: 1.5 ms, or 5 % of the larger one.
fn bound(known: Duration, unknown: Duration) -> Duration {
    Duration::from_micros(1500).max(known.max(unknown) / 20)
}

/// A form that is sent, by its action and fields.
struct Form {
    action: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Form {
    fn new<const N: usize>(action: &'static str, fields: [(&'static str, &str); N]) -> Self {
        Self { action, fields: fields.map(|(name, value)| (name, value.to_owned())).into() }
    }

    async fn timed(&self, caller: &Caller) -> (Duration, Answer) {
        let fields: Vec<(&str, &str)> = self.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let start = Instant::now();
        let answer = caller.action(self.action, &fields).await;
        (start.elapsed(), answer)
    }
}

/// Waits until no mail is due: sending one is work beside the answers, and shall not fall on the next one.
async fn rest(app: &App) {
    while outbox_list::backlog(&mut app.store.read().await.unwrap()).await.unwrap().0 > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn heads() -> bool {
    let mut byte = [0];
    SystemEntropy.fill(&mut byte);
    byte[0] & 1 == 0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Times the pairs that `form` makes of a number and whether its answer is about somebody who is there.
#[expect(clippy::print_stdout, reason = "the numbers are what the test is run for")]
async fn compare(what: &str, engine: Engine, app: &App, form: impl Fn(usize, bool) -> Form) {
    let caller = app.anonymous();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for pair in 0..WARM_UP + PAIRS {
        app.clock.advance(APART);
        let first = heads();
        let mut answers = Vec::new();
        for is_known in [first, !first] {
            rest(app).await;
            let (took, answer) = form(pair, is_known).timed(&caller).await;
            answers.push((answer.status, answer.text));
            if pair >= WARM_UP {
                if is_known { &mut known } else { &mut unknown }.push(took);
            }
        }
        assert_eq!(answers[0], answers[1], "{what}: the two answers read differently");
    }
    let (known, unknown) = (median(known), median(unknown));
    let (apart, bound) = (known.abs_diff(unknown), bound(known, unknown));
    let ms = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1000.0);
    println!(
        "{what} on {engine:?}: known {}, unknown {}, difference {}, bound {}",
        ms(known),
        ms(unknown),
        ms(apart),
        ms(bound)
    );
    assert!(apart <= bound, "{what} on {engine:?}: who has an account can be told by the time");
}

on_both_engines! {
    #[ignore = "timed: cargo xtask test --timing"]
    async fn signing_in_takes_as_long_for_unknown_names(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let form = |_, known| Form::new("log_in", [
            ("identifier", if known { "mona" } else { "nobody" }),
            ("password", "not her password"),
        ]);
        compare("signing in", engine, &app, form).await;
    }

    #[ignore = "timed: cargo xtask test --timing"]
    async fn registering_takes_as_long_for_addresses_that_have_an_account(engine) {
        let app = App::start_with(engine, REGISTERING).await;
        app.anonymous().register("mona").await;
        let form = |pair, known| {
            let email = if known { "mona@example.com".to_owned() } else { format!("new{pair}@example.com") };
            let username = format!("{}{pair}", if known { "known" } else { "other" });
            Form::new("register", [
                ("email", email.as_str()), ("username", username.as_str()), ("password", PASSWORD), ("password_again", PASSWORD),
            ])
        };
        compare("registering", engine, &app, form).await;
    }

    #[ignore = "timed: cargo xtask test --timing"]
    async fn asking_for_a_reset_takes_as_long_for_unknown_addresses(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let form = |pair, known| {
            let email = if known { "mona@example.com".to_owned() } else { format!("nobody{pair}@example.com") };
            Form::new("request_password_reset", [("email", email.as_str())])
        };
        compare("asking for a reset", engine, &app, form).await;
    }
}
