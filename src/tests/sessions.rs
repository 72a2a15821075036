//! Refresh tokens, sessions and signing out (`tokens.md`, `cases.md` T), through the server functions.

use crate::harness::{App, Caller, PASSWORD, on_both_engines};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use doorward::{
    domain::account::AccountId,
    server::{
        auth::{AuthError, Origin, Proof},
        store::sessions,
    },
};
use futures::future::join_all;
use secrecy::ExposeSecret as _;

on_both_engines! {
    async fn three_refreshes_in_a_row_give_three_different_tokens(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let mut seen = vec![mona.held()];
        for _ in 0..3 {
            assert_eq!(mona.refresh().await.status, 200);
            assert!(!seen.contains(&mona.held()));
            seen.push(mona.held());
        }
    }

    async fn a_token_two_rotations_old_ends_the_session_and_tells_the_owner(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let thief = mona.twin();
        mona.refresh().await;
        mona.refresh().await;
        let refused = thief.refresh().await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "not_signed_in"));
        assert!(refused.header("set-cookie").contains("Max-Age=0"), "the thief's cookie is cleared");
        assert_eq!(mona.refresh().await.status, 401, "the newest token is dead too");
        assert_eq!(app.mail("mona", "ended").await.to, "mona@example.com");
    }

    async fn the_thief_who_takes_turns_with_the_owner_is_found(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let thief = mona.twin();
        // Each waits out the reuse window, so that each always presents the parent of the other's token.
        assert_eq!(mona.refresh().await.status, 200);
        app.clock.advance(61);
        assert_eq!(thief.refresh().await.status, 200, "a fork: the answer could have been lost");
        app.clock.advance(61);
        assert_eq!(mona.refresh().await.status, 401, "the skipped successor shows that there are two");
        assert_eq!(thief.refresh().await.status, 401);
    }

    async fn a_lost_answer_signs_nobody_out(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for wait in [0, 30, 61, 86_000] {
            let before = mona.held();
            assert_eq!(mona.refresh().await.status, 200);
            mona.set_cookie("__Host-doorward", Some(&before));
            app.clock.advance(wait);
            assert_eq!(mona.refresh().await.status, 200, "after {wait} s");
        }
    }

    async fn a_second_tab_inside_the_window_gets_the_same_token_without_a_write(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let tab = mona.twin();
        mona.refresh().await;
        app.clock.advance(60);
        assert_eq!(tab.refresh().await.status, 200);
        assert_eq!(tab.held(), mona.held());
        assert_eq!(row(&app, &mona).await.counter, 2, "one write for both");
    }

    async fn fifty_refreshes_at_once_are_one_rotation(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let tabs: Vec<Caller> = (0..50).map(|_| mona.twin()).collect();
        let answers = join_all(tabs.iter().map(Caller::refresh)).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
        let first = tabs[0].held();
        assert!(tabs.iter().all(|tab| tab.held() == first));
        assert_eq!(row(&app, &tabs[0]).await.counter, 2);
        assert_eq!(tabs[7].refresh().await.status, 200);
    }

    async fn a_token_newer_than_a_restored_database_is_taken(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for _ in 0..4 {
            mona.refresh().await;
        }
        let rid = rid(&mona);
        app.store.write(move |tx| Box::pin(async move {
            let sql = "UPDATE sessions SET counter = 2, parent = 1, minted_at = minted_at - 90000 WHERE rid = $1";
            sqlx::query(sql).bind(rid).execute(tx).await?;
            Ok(())
        })).await.unwrap();
        assert_eq!(mona.refresh().await.status, 200, "the tail of the backup was lost, not the session");
        assert_eq!(mona.refresh().await.status, 200);
        assert_eq!(row(&app, &mona).await.counter, 7);
    }

    async fn signing_out_ends_the_session_at_once(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        let thief = mona.twin();
        assert_eq!(mona.account(&token).await.status, 200);
        let out = mona.action("log_out", &[]).await;
        assert_eq!(out.status, 200);
        let cleared = out.header("set-cookie");
        assert!(cleared.starts_with("__Host-doorward=;") && cleared.contains("Max-Age=0") && cleared.contains("Path=/"));
        assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
        assert_eq!(thief.refresh().await.status, 401, "the cookie is dead");
        assert_eq!(thief.account(&token).await.status, 401, "and the access token with it");
        assert_eq!(thief.action("log_out", &[]).await.status, 200, "twice is no error");
    }

    async fn ending_all_sessions_and_disabling_are_felt_at_once(engine) {
        let app = App::start(engine).await;
        let (mona, phone) = (app.signed_in("mona").await, app.signed_in_again("mona").await);
        let token = phone.refresh().await.token();
        let id = account_id(&phone, &token).await;
        let disable = |at: Option<i64>| app.store.write(move |tx| Box::pin(async move {
            doorward::server::store::accounts::set_disabled(tx, id, at.map(doorward::domain::time::Timestamp)).await
        }));
        disable(Some(1)).await.unwrap();
        assert_eq!(mona.refresh().await.status, 401);
        assert_eq!(phone.account(&token).await.status, 401);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.code(), "wrong_credentials", "reads as a wrong password");
        disable(None).await.unwrap();
        assert_eq!(phone.refresh().await.status, 401, "enabling brings no session back");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
    }

    async fn a_session_ends_when_idle_and_at_its_absolute_end(engine) {
        let app = App::start(engine).await;
        let idle = app.signed_in("mona").await;
        app.clock.advance(86_400);
        assert_eq!(idle.refresh().await.status, 401);
        let busy = app.signed_in_again("mona").await;
        for _ in 0..13 {
            app.clock.advance(43_200);
            assert_eq!(busy.refresh().await.status, 200);
        }
        app.clock.advance(43_200);
        assert_eq!(busy.refresh().await.status, 401, "seven days are over");
    }

    async fn keep_me_signed_in_lasts_longer_and_outlives_the_browser(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let forgetful = app.anonymous();
        let short = forgetful.log_in("mona", PASSWORD).await;
        assert!(!short.header("set-cookie").contains("Max-Age"), "goes with the browser");
        let mona = app.anonymous();
        let fields = [("identifier", "mona"), ("password", PASSWORD), ("remember", "on")];
        let kept = mona.action("log_in", &fields).await;
        assert!(kept.header("set-cookie").contains("Max-Age=1209600"), "{}", kept.header("set-cookie"));
        app.clock.advance(13 * 86_400);
        assert_eq!(mona.refresh().await.status, 200);
        assert_eq!(forgetful.refresh().await.status, 401);
    }

    async fn the_oldest_session_makes_room_for_the_twenty_first(engine) {
        let app = App::start(engine).await;
        let first = app.signed_in("mona").await;
        let mut others = Vec::new();
        for _ in 0..20 {
            app.clock.advance(1);
            others.push(app.signed_in_again("mona").await);
        }
        assert_eq!(first.refresh().await.status, 401);
        assert_eq!(others[0].refresh().await.status, 200);
    }

    async fn the_newest_session_stays_even_when_all_are_of_the_same_second(engine) {
        let app = App::start_with(engine, "session.per_account = 2").await;
        app.signed_in("mona").await;
        for _ in 0..6 {
            assert_eq!(app.signed_in_again("mona").await.refresh().await.status, 200);
        }
    }

    async fn a_thief_who_hangs_up_at_once_is_found_all_the_same(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let old = mona.held();
        for _ in 0..3 {
            mona.refresh().await;
        }
        for _ in 0..5 {
            let thief = app.anonymous();
            thief.set_cookie("__Host-doorward", Some(&old));
            let hasty = tokio::time::timeout(std::time::Duration::from_micros(900), thief.refresh());
            drop(hasty.await);
        }
        app.mail("mona", "ended").await;
        assert_eq!(mona.refresh().await.status, 401);
    }

    async fn signing_in_replaces_the_session_that_the_browser_held(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let before = mona.twin();
        assert_eq!(mona.log_in("mona", PASSWORD).await.status, 200);
        assert_ne!(mona.held(), before.held());
        assert_eq!(before.refresh().await.status, 401, "a planted cookie is worth nothing afterwards");
    }

    async fn a_restart_signs_nobody_out(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        let before = (mona.held(), app.settings.server.public_url.clone());
        let app = app.restarted().await;
        let mona = app.anonymous();
        mona.set_cookie("__Host-doorward", Some(&before.0));
        assert_eq!(mona.refresh().await.status, 200);
        // The tests' server has another port, and so another issuer, after a restart; a new token is the same proof.
        assert_eq!(mona.account(&token).await.status, 401);
        assert_eq!(mona.account(&mona.refresh().await.token()).await.status, 200);
    }

    async fn a_step_up_takes_no_older_token_and_a_double_click_is_answered_twice_the_same(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let oldest = mona.held();
        mona.refresh().await;
        let before = mona.held();
        let password = Proof::Password(PASSWORD.into());
        let wrong = Proof::Password("not her password".into());
        assert!(matches!(app.auth.step_up(Some(&before), &wrong, &Origin::default()).await, Err(AuthError::Invalid(_))));
        let [first, second] = [app.auth.step_up(Some(&before), &password, &Origin::default()).await, app.auth.step_up(Some(&before), &password, &Origin::default()).await]
            .map(|opened| opened.unwrap().cookie.token.expose_secret().to_owned());
        assert_eq!(first, second);
        mona.set_cookie("__Host-doorward", Some(&before));
        let soft = mona.refresh().await;
        assert_eq!((soft.status, soft.header("set-cookie")), (401, ""), "an older tab, but no thief");
        mona.set_cookie("__Host-doorward", Some(&first));
        assert_eq!(mona.refresh().await.status, 200);
        app.clock.advance(61);
        mona.set_cookie("__Host-doorward", Some(&oldest));
        assert_eq!(mona.refresh().await.status, 401, "the parent of before is a thief's");
        mona.set_cookie("__Host-doorward", Some(&first));
        assert_eq!(mona.refresh().await.status, 401, "and the session has ended");
    }

    async fn an_old_token_is_a_thiefs_once_the_step_up_is_a_minute_ago_and_its_token_was_used(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let before = mona.held();
        let opened = app.auth.step_up(Some(&before), &Proof::Password(PASSWORD.into()), &Origin::default()).await.unwrap();
        app.clock.advance(61);
        assert_eq!(mona.refresh().await.status, 401, "the answer may have been lost: no token, and no theft");
        mona.set_cookie("__Host-doorward", Some(opened.cookie.token.expose_secret()));
        assert_eq!(mona.refresh().await.status, 200);
        let newest = mona.held();
        mona.set_cookie("__Host-doorward", Some(&before));
        assert_eq!(mona.refresh().await.status, 401);
        mona.set_cookie("__Host-doorward", Some(&newest));
        assert_eq!(mona.refresh().await.status, 401, "two hold this session");
    }

    async fn garbage_never_reaches_the_database(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let good = mona.held();
        app.store.close().await;
        for cut in 0..good.len() {
            mona.set_cookie("__Host-doorward", Some(&good[..cut]));
            assert_eq!(mona.refresh().await.status, 401, "cut at {cut}");
        }
        let mut flipped = BASE64.decode(&good).unwrap();
        for byte in 0..flipped.len() {
            flipped[byte] ^= 1;
            mona.set_cookie("__Host-doorward", Some(&BASE64.encode(&flipped)));
            assert_eq!(mona.refresh().await.status, 401, "byte {byte}");
            flipped[byte] ^= 1;
        }
        mona.set_cookie("__Host-doorward", Some(&good));
        assert_eq!(mona.refresh().await.status, 503, "only a good token asks a database, which is away");
    }

    async fn dead_rows_are_cleaned_up_and_living_ones_stay(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let gone = rid(&mona);
        mona.action("log_out", &[]).await;
        app.clock.advance(31 * 86_400);
        let rid = rid(&app.signed_in_again("mona").await);
        let count = app.store.write(move |tx| Box::pin(async move {
            sessions::delete_ended(tx, doorward::domain::time::Timestamp(crate::harness::START.0 + 86_400)).await
        })).await.unwrap();
        assert_eq!(count, 1);
        let mut tx = app.store.read().await.unwrap();
        assert!(sessions::find(&mut tx, &gone).await.unwrap().is_none());
        assert!(sessions::find(&mut tx, &rid).await.unwrap().is_some());
    }
}

/// The secret name inside the refresh token that a caller holds.
fn rid(caller: &Caller) -> String {
    BASE64.encode(&BASE64.decode(caller.held()).unwrap()[1..17])
}

async fn row(app: &App, caller: &Caller) -> sessions::Session {
    let mut tx = app.store.read().await.unwrap();
    sessions::find(&mut tx, &rid(caller)).await.unwrap().expect("a session").0
}

async fn account_id(caller: &Caller, token: &str) -> AccountId {
    AccountId(caller.account(token).await.json()["id"].as_i64().unwrap())
}
