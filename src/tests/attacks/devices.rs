//! Known devices: what a thief gains who once had the password.

use super::{reset, wait_of};
use crate::{
    account::DAY,
    harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines},
};

/// The cookie of known devices.
const DEVICES: &str = "__Host-doorward-devices";

on_both_engines! {
    /// t04: each sign-in writes rows.
    async fn a_known_device_signs_in_thirty_times_a_minute_and_no_more(engine) {
        let app = App::start_with(engine, "throttle.login = '30/1m'").await;
        app.signed_in("eve").await;
        let eve = app.anonymous();
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(eve.log_in("eve", PASSWORD).await.status);
        }
        assert_eq!(statuses[..31], [200; 31], "the first one as an unknown browser");
        assert_eq!(statuses[31..], [429; 9]);
        app.clock.advance(wait_of(&eve.log_in("eve", PASSWORD).await));
        assert_eq!(eve.log_in("eve", PASSWORD).await.status, 200);
    }

    /// t05: a thief makes devices with the stolen password, to guess with after the reset.
    async fn a_reset_forgets_every_device_but_the_one_that_did_it(engine) {
        let app = App::start_with(engine, "throttle.login_name = '5/5m'").await;
        app.signed_in("mona").await;
        let thief = app.anonymous();
        let mut devices = Vec::new();
        for _ in 0..20 {
            assert_eq!(thief.log_in("mona", PASSWORD).await.status, 200);
            devices.push(thief.cookie(DEVICES).unwrap());
        }
        let owner = app.anonymous();
        reset(&app, &owner, "mona").await;
        let mut statuses = Vec::new();
        for device in &devices {
            let guesser = app.anonymous();
            guesser.set_cookie(DEVICES, Some(device));
            for _ in 0..3 {
                statuses.push(guesser.log_in("mona", "wrong guess").await.status);
            }
        }
        assert_eq!(statuses[..5], [401; 5], "judged, as from any unknown browser");
        assert!(statuses[5..].iter().all(|status| *status == 429), "{statuses:?}");
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 429, "the name is throttled");
        assert_eq!(owner.log_in("mona", OTHER_PASSWORD).await.status, 200, "the browser that reset it is not");
    }

    /// t05b: a thief at the owner's own computer has all the time there is.
    async fn a_known_device_fails_fifty_times_and_then_waits_for_days(engine) {
        let app = App::start_with(engine, "throttle.login_name = '5/5m'\nthrottle.login_name_total = '50/365d'").await;
        app.signed_in("mona").await;
        let thief = app.signed_in_again("mona").await;
        let mut failures = 0;
        let wait = loop {
            let answer = thief.log_in("mona", "wrong guess").await;
            if answer.status == 401 {
                failures += 1;
                continue;
            }
            let wait = wait_of(&answer);
            if wait > 3600 {
                break wait;
            }
            app.clock.advance(wait);
        };
        assert_eq!(failures, 50);
        assert!(wait > DAY, "{wait} s");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200, "others are not slowed down by it");
    }
}
