//! Recovery codes: ten, shown once, each good once.

use crate::{
    account::STALE,
    harness::{
        App,
        factors::{held, here, recovery, refused, token},
        on_both_engines,
    },
};
use doorward::server::auth::AuthError;
use futures::future::join_all;
use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;

on_both_engines! {
    async fn there_are_ten_long_ones_and_the_database_has_their_hashes(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        assert_eq!(mona.codes.iter().collect::<BTreeSet<_>>().len(), 10);
        let hashes = app.texts("SELECT code_hash FROM recovery_codes").await;
        assert_eq!(hashes.iter().collect::<BTreeSet<_>>().len(), 10);
        for (code, hash) in mona.codes.iter().zip(&hashes) {
            // The first letter is in the clear; 15 letters of 5 bits are the secret.
            assert_eq!(code.chars().filter(char::is_ascii_alphanumeric).count(), 16, "{code}");
            assert!(hash.starts_with("$argon2id$"), "{hash}");
        }
        let slots = app.texts("SELECT slot FROM recovery_codes").await;
        assert!(slots.iter().all(|slot| slot.len() == 1), "{slots:?}");
    }

    /// cases.md A10.
    async fn each_is_good_once_and_its_owner_is_told(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let challenged = app.challenged("mona").await;
        let typed = mona.codes[3].to_lowercase().replace('-', " ");
        let session = app.answer(&challenged, &recovery(&typed)).await.unwrap().opened;
        let principal = app.principal(held(&session)).await;
        assert_eq!(app.auth.factors(&principal).await.unwrap().recovery_codes_left, 9);
        assert_eq!((app.queued("recovery_code_used").await, app.noted("recovery_code_used").await), (1, 1));
        let about = app.texts("SELECT about FROM outbox WHERE kind = 'recovery_code_used'").await;
        assert_eq!(about, ["Firefox on Linux, 192.0.2.1\n9"]);
        assert_eq!(app.noted("logged_in_with_recovery_code").await, 1);
        let challenged = app.challenged("mona").await;
        assert_eq!(refused(app.answer(&challenged, &recovery(&mona.codes[3])).await), "recovery_code");
        assert_eq!(refused(app.prove(held(&session), &recovery(&mona.codes[3])).await), "recovery_code");
        app.prove(held(&session), &recovery(&mona.codes[4])).await.unwrap();
        assert_eq!(refused(app.answer(&challenged, &recovery(&mona.codes[4])).await), "recovery_code");
    }

    async fn of_twenty_with_the_same_code_one_gets_in(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let there = app.replica().await;
        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(app.challenged("mona").await);
        }
        let code = recovery(&mona.codes[0]);
        let tries = waiting.iter().enumerate().map(|(at, challenged)| {
            let (server, code) = (if at % 2 == 0 { &app.auth } else { &there }, &code);
            async move { server.answer_challenge((Some(token(challenged)), None), code, false, &here()).await }
        });
        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!((app.queued("recovery_code_used").await, app.noted("recovery_code_used").await), (1, 1));
    }

    /// Two right codes for one sign-in: the slower one is not used up.
    async fn a_code_is_not_used_up_for_a_sign_in_that_is_over(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let challenged = app.challenged("mona").await;
        let codes: Vec<_> = mona.codes.iter().take(4).map(|code| recovery(code)).collect();
        let answers = join_all(codes.iter().map(|code| app.answer(&challenged, code))).await;
        assert_eq!(answers.into_iter().filter(Result::is_ok).count(), 1);
        assert_eq!(app.number("SELECT COUNT(*) FROM recovery_codes WHERE used_at IS NULL").await, 9);
    }

    /// cases.md A10.
    async fn new_ones_void_all_older_ones(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let principal = app.principal(&mona.caller.held()).await;
        let new = app.auth.make_recovery_codes(&principal, &here()).await.unwrap().expose();
        assert_eq!(app.auth.factors(&principal).await.unwrap().recovery_codes_left, 10);
        assert_eq!(app.queued("recovery_codes_made").await, 1);
        for old in mona.codes.iter().take(5) {
            let challenged = app.challenged("mona").await;
            assert_eq!(refused(app.answer(&challenged, &recovery(old)).await), "recovery_code");
        }
        let challenged = app.challenged("mona").await;
        app.answer(&challenged, &recovery(&new[9])).await.unwrap();
    }

    async fn new_ones_ask_for_a_fresh_proof_and_a_factor(engine) {
        let app = App::start(engine).await;
        let lisa = app.confirmed("lisa").await;
        let bare = app.principal(&lisa.held()).await;
        assert!(matches!(app.auth.make_recovery_codes(&bare, &here()).await, Err(AuthError::NotFound)));
        let mona = app.protected("mona").await;
        let principal = app.principal(&mona.caller.held()).await;
        app.clock.advance(STALE);
        let refusal = app.auth.make_recovery_codes(&principal, &here()).await;
        assert!(matches!(refusal, Err(AuthError::ProofRequired)));
    }

    async fn a_reload_shows_new_ones_to_their_owner_for_a_quarter_of_an_hour(engine) {
        let app = App::start(engine).await;
        let (mona, lisa) = (app.protected("mona").await, app.protected("lisa").await);
        let principal = app.principal(&mona.caller.held()).await;
        let codes = app.auth.make_recovery_codes(&principal, &here()).await.unwrap();
        let shown = app.auth.codes_to_show(mona.id, &codes).unwrap();
        let cookie = shown.value.expose_secret();
        assert!(codes.expose().iter().all(|code| !cookie.contains(code.as_str())));
        assert_eq!(app.auth.codes_to_see(&principal, cookie), Some(codes.expose()));
        let other = app.principal(&lisa.caller.held()).await;
        assert_eq!(app.auth.codes_to_see(&other, cookie), None);
        app.clock.advance(shown.max_age);
        assert_eq!(app.auth.codes_to_see(&principal, cookie), None);
        assert_eq!(app.auth.codes_to_see(&principal, "garbage"), None);
    }

    async fn whoever_has_used_all_gets_new_ones_with_another_app(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        for code in &mona.codes {
            app.prove(&mona.caller.held(), &recovery(code)).await.map(drop).unwrap_or_else(|error| panic!("{error}"));
        }
        let waiting = app.auth.waiting(None, Some(&mona.caller.held())).await.unwrap();
        assert!(waiting.is_none());
        let challenged = app.challenged("mona").await;
        let waiting = app.auth.waiting(Some(token(&challenged)), None).await.unwrap().unwrap();
        assert_eq!((waiting.takes_totp, waiting.takes_recovery_code), (true, false));
        let session = app.enter(&mona).await;
        let principal = app.principal(held(&session)).await;
        let (_, codes, _) = app.enrol(doorward::server::auth::By::Session(&principal)).await;
        assert_eq!(codes.len(), 10);
    }
}
