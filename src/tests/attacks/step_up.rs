//! Giving the password again, beside other tabs, lost answers and double clicks: nobody is taken for a thief.

use super::{count, reset, wait_of};
use crate::{
    account::STALE,
    harness::{Answer, App, Caller, OTHER_PASSWORD, PASSWORD, on_both_engines},
};

const EXPORT: &str = "/account/privacy/export";
const PROOF: [(&str, &str); 1] = [("current_password", PASSWORD)];
const THEFTS: &str = "SELECT COUNT(*) FROM outbox WHERE kind = 'session_theft'";

/// Refused, but the browser keeps its cookie: it may hold the newer one by now.
fn is_refused_softly(answer: &Answer) -> bool {
    answer.status == 401 && answer.code() == "not_signed_in" && !answer.headers.contains_key("set-cookie")
}

async fn change_password(caller: &Caller, from: &str, to: &str) -> Answer {
    caller.action("change_password", &[("current_password", from), ("password", to), ("password_again", to)]).await
}

on_both_engines! {
    /// t06: the answer to one refresh was lost, and another one was on its way.
    async fn an_older_tab_beside_a_step_up_is_no_thief(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.clock.advance(STALE);
        assert_eq!(mona.refresh().await.status, 200);
        app.clock.advance(5);
        let (lost, other_tab) = (mona.twin(), mona.twin());
        assert_eq!(lost.refresh().await.status, 200);
        assert_eq!(mona.submit(EXPORT, &PROOF).await.status, 200);
        for tab in [&other_tab, &lost] {
            let late = tab.refresh().await;
            assert!(is_refused_softly(&late), "{late:?}");
        }
        assert_eq!(mona.refresh().await.status, 200, "the session goes on");
        assert_eq!(count(&app, THEFTS).await, 0);
    }

    /// t06b: both clicks carry the token that the first one makes useless.
    async fn a_double_click_after_a_lost_refresh_is_answered_the_same_way_twice(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.clock.advance(STALE);
        assert_eq!(mona.twin().refresh().await.status, 200);
        let second = mona.twin();
        assert_eq!(mona.submit(EXPORT, &PROOF).await.status, 200);
        assert_eq!(second.submit(EXPORT, &PROOF).await.status, 200);
        assert_eq!(mona.held(), second.held());
        assert_eq!(mona.refresh().await.status, 200);
        assert_eq!(count(&app, THEFTS).await, 0);
    }

    /// t14: a tab refreshes while the password is hashed.
    async fn a_refresh_beside_a_step_up_never_refuses_the_right_password(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for round in 0..8 {
            app.clock.advance(STALE);
            let (tab, second) = (mona.twin(), mona.twin());
            let stepping = mona.action("end_other_sessions", &PROOF);
            let (stepped, first, second) = futures::join!(stepping, tab.refresh(), second.refresh());
            assert_eq!(stepped.status, 200, "round {round}: {}", stepped.text);
            for late in [first, second] {
                assert!(late.status == 200 || is_refused_softly(&late), "round {round}: {late:?}");
            }
            assert_eq!(mona.refresh().await.status, 200, "round {round}");
        }
        assert_eq!(count(&app, THEFTS).await, 0);
    }

    /// t14: the same where the password is changed.
    async fn a_refresh_beside_a_password_change_never_refuses_the_right_password(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let (mut from, mut to) = (PASSWORD, OTHER_PASSWORD);
        for round in 0..6 {
            app.clock.advance(STALE);
            let tab = mona.twin();
            let (changed, late) = futures::join!(change_password(&mona, from, to), tab.refresh());
            assert_eq!(changed.status, 200, "round {round}: {}", changed.text);
            assert!(late.status == 200 || is_refused_softly(&late), "round {round}: {late:?}");
            assert_eq!(mona.refresh().await.status, 200, "round {round}");
            (from, to) = (to, from);
        }
        assert_eq!(count(&app, THEFTS).await, 0);
    }

    /// t25: the new token never arrived, and so nobody uses it.
    async fn whoever_lost_the_answer_to_a_step_up_gives_the_password_again_however_late(engine) {
        for late in [30, 61, 3600, 80_000] {
            let app = App::start(engine).await;
            let mona = app.signed_in("mona").await;
            app.clock.advance(STALE);
            assert_eq!(mona.twin().submit(EXPORT, &PROOF).await.status, 200, "its answer is lost");
            app.clock.advance(late);
            let refused = mona.refresh().await;
            assert!(is_refused_softly(&refused), "after {late} s: {refused:?}");
            let again = mona.submit(EXPORT, &PROOF).await;
            assert_eq!(again.status, 200, "after {late} s");
            assert_eq!(mona.refresh().await.status, 200, "after {late} s");
            assert_eq!(count(&app, THEFTS).await, 0, "after {late} s");
        }
    }

    /// t16: a thief inside a session fails until the account waits for days.
    async fn a_reset_forgets_failures_of_proof(engine) {
        let limits = "throttle.proof = '5/1m'\nthrottle.proof_account = '10/1m'\nthrottle.login_name_total = '50/365d'";
        let app = App::start_with(engine, limits).await;
        app.signed_in("mona").await;
        let thief = app.signed_in_again("mona").await;
        app.clock.advance(STALE);
        let mut failures = 0;
        loop {
            let answer = thief.action("end_other_sessions", &[("current_password", "wrong guess")]).await;
            if answer.status == 422 {
                failures += 1;
                continue;
            }
            let wait = wait_of(&answer);
            if wait > 3600 {
                break;
            }
            app.clock.advance(wait);
            assert_eq!(thief.refresh().await.status, 200);
        }
        assert_eq!(failures, 50);
        reset(&app, &app.anonymous(), "mona").await;
        let owner = app.anonymous();
        assert_eq!(owner.log_in("mona", OTHER_PASSWORD).await.status, 200);
        let changed = change_password(&owner, OTHER_PASSWORD, "nine copper kettles sing").await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
}
