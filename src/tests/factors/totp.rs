//! Authenticator apps: who may enrol one, where its secret lies, and that a code is good once.

use crate::{
    account::STALE,
    harness::{
        App, PASSWORD,
        factors::{STEP, held, here, opened, recovery, refused, secret_of, token, totp},
        on_both_engines,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    domain::{
        factor::{AssuranceLevel, TotpSummary},
        time::Timestamp,
    },
    server::{
        auth::{AuthError, By, Proof},
        compose::{
            World,
            keys::{self, KeyChange},
        },
        crypto::{KeyPurpose, TotpSecret},
        entropy::SystemEntropy,
        store::totp_secrets,
    },
};
use futures::future::join_all;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;

on_both_engines! {
    async fn enrolling_asks_for_a_confirmed_address_and_a_fresh_proof(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let unconfirmed = app.principal(&mona.held()).await;
        assert!(matches!(app.auth.start_totp(By::Session(&unconfirmed)).await, Err(AuthError::UnconfirmedEmail)));
        app.confirm_address("mona").await;
        let principal = app.principal(&mona.held()).await;
        app.clock.advance(STALE);
        assert!(matches!(app.auth.start_totp(By::Session(&principal)).await, Err(AuthError::ProofRequired)));
        let proof = Proof::Password(PASSWORD.into());
        let proved = app.auth.step_up(Some(&mona.held()), &proof, &here()).await.unwrap();
        let principal = app.principal(held(&proved)).await;
        let waiting = app.auth.start_totp(By::Session(&principal)).await.unwrap();
        assert!(waiting.url.starts_with("otpauth://totp/"), "{}", waiting.url);
        assert!(waiting.url.contains(&waiting.secret));
        app.clock.advance(STALE);
        let code = secret_of(&waiting.secret).code_at(app.now());
        let late = app.auth.confirm_totp(By::Session(&principal), &code, &here()).await;
        assert!(matches!(late, Err(AuthError::ProofRequired)));
        assert!(app.auth.factors(&principal).await.unwrap().totp.is_none());
    }

    async fn an_app_is_in_use_with_its_first_right_code_and_not_before(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let principal = app.principal(&mona.held()).await;
        let by = By::Session(&principal);
        assert_eq!(refused(app.auth.confirm_totp(by, "123456", &here()).await), "code", "nothing was begun");
        let waiting = app.auth.start_totp(by).await.unwrap();
        assert_eq!(app.auth.waiting_totp(by).await.unwrap(), Some(waiting.clone()), "a reload shows the same");
        let secret = secret_of(&waiting.secret);
        for wrong in ["", "12345", "not a code", &secret.code_at(app.now().plus(-90))] {
            assert_eq!(refused(app.auth.confirm_totp(by, wrong, &here()).await), "code", "{wrong}");
        }
        assert_eq!(app.auth.factors(&principal).await.unwrap().totp, None);
        opened(app.type_password("mona", &here(), None).await);
        let enrolled = app.auth.confirm_totp(by, &secret.code_at(app.now()), &here()).await.unwrap();
        assert_eq!(enrolled.codes.unwrap().expose().len(), 10);
        assert!(enrolled.opened.is_none());
        let factors = app.auth.factors(&principal).await.unwrap();
        let now = app.now();
        assert_eq!(factors.totp, Some(TotpSummary { confirmed_at: now, last_used_at: Some(now) }));
        assert_eq!(factors.recovery_codes_left, 10);
        assert_eq!(app.auth.waiting_totp(by).await.unwrap(), None);
        assert_eq!(app.principal(&mona.held()).await.level, AssuranceLevel::Two, "the session that enrols goes on");
        assert_eq!((app.queued("totp_enrolled").await, app.noted("totp_enrolled").await), (1, 1));
        app.challenged("mona").await;
    }

    async fn a_secret_that_waits_too_long_is_worth_nothing(engine) {
        let app = App::start_with(engine, "factors.enrolment_lifetime = 300").await;
        let mona = app.confirmed("mona").await;
        let principal = app.principal(&mona.held()).await;
        let by = By::Session(&principal);
        let secret = secret_of(&app.auth.start_totp(by).await.unwrap().secret);
        app.clock.advance(299);
        assert!(app.auth.waiting_totp(by).await.unwrap().is_some());
        app.clock.advance(1);
        assert!(app.auth.waiting_totp(by).await.unwrap().is_none());
        assert_eq!(refused(app.auth.confirm_totp(by, &secret.code_at(app.now()), &here()).await), "code");
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.number("SELECT COUNT(*) FROM totp_secrets").await, 0);
    }

    /// Somebody else in the account, by its password alone, would share the factor without a trace.
    async fn a_secret_that_waits_is_for_the_session_that_has_begun_it(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let thief = app.signed_in_again("mona").await;
        let (owner, other) = (app.principal(&mona.held()).await, app.principal(&thief.held()).await);
        let secret = secret_of(&app.auth.start_totp(By::Session(&owner)).await.unwrap().secret);
        assert_eq!(app.auth.waiting_totp(By::Session(&other)).await.unwrap(), None);
        let code = secret.code_at(app.now());
        assert_eq!(refused(app.auth.confirm_totp(By::Session(&other), &code, &here()).await), "code");
        app.auth.confirm_totp(By::Session(&owner), &code, &here()).await.unwrap();
        let late = app.auth.start_totp(By::Session(&other)).await.unwrap();
        let code = secret_of(&late.secret).code_at(app.now());
        refused(app.auth.confirm_totp(By::Session(&other), &code, &here()).await);
        assert!(app.prove(&mona.held(), &app.next_code(&secret)).await.is_ok(), "the owner's app is still the one");
    }

    async fn a_secret_lies_sealed_and_opens_for_its_account_only(engine) {
        let app = App::start(engine).await;
        let (mona, lisa) = (app.protected("mona").await, app.protected("lisa").await);
        let nina = app.protected("nina").await;
        for sealed in app.texts("SELECT sealed FROM totp_secrets").await {
            for who in [&mona, &lisa, &nina] {
                // Sealed text is base64url: so would be the secret, at any of its three places in a group of letters.
                let clear = [0, 1, 2].map(|skipped| URL_SAFE_NO_PAD.encode(&who.secret.bytes()[skipped..][..15]));
                assert!(clear.iter().all(|clear| !sealed.contains(clear)) && sealed.len() >= 80, "{sealed}");
            }
        }
        app.alter(format!("DELETE FROM totp_secrets WHERE account_id = {}", lisa.id.0)).await;
        app.alter(format!("UPDATE totp_secrets SET account_id = {} WHERE account_id = {}", lisa.id.0, mona.id.0)).await;
        for secret in [&mona.secret, &lisa.secret] {
            let challenged = app.challenged("lisa").await;
            assert_eq!(refused(app.answer(&challenged, &app.next_code(secret)).await), "code");
            assert!(app.answer(&challenged, &recovery(&lisa.codes[usize::from(secret.bytes() == lisa.secret.bytes())])).await.is_ok());
        }
        app.enter(&nina).await;
    }

    async fn a_damaged_secret_takes_no_code_and_other_factors_work(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        for (damaged, code) in ["garbage", "", "AAAA"].into_iter().zip(&mona.codes) {
            app.alter(format!("UPDATE totp_secrets SET sealed = '{damaged}'")).await;
            let challenged = app.challenged("mona").await;
            assert_eq!(refused(app.answer(&challenged, &app.next_code(&mona.secret)).await), "code");
            app.answer(&challenged, &recovery(code)).await.unwrap();
        }
        app.auth.clean_up().await.unwrap();
        let principal = app.principal(&mona.caller.held()).await;
        app.enrol(By::Session(&principal)).await;
    }

    /// cases.md A01, A02.
    async fn a_code_is_taken_a_step_early_or_late_and_no_step_twice(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        app.clock.advance(10 * STEP);
        let now = app.now();
        let code = |after: i64| totp(&mona.secret.code_at(now.plus(after)));
        for (after, is_good) in [
            (-90, false), (-60, false), (60, false), (90, false),
            (-30, true), (-30, false), (0, true), (0, false), (-30, false), (30, true), (30, false), (0, false),
        ] {
            let challenged = app.challenged("mona").await;
            let answered = app.answer(&challenged, &code(after)).await;
            if is_good {
                answered.unwrap();
            } else {
                assert_eq!(refused(answered), "code", "{after}");
            }
        }
    }

    async fn a_step_is_good_once_at_sign_in_step_up_and_enrolment_together(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let again = totp(&mona.secret.code_at(app.now()));
        let challenged = app.challenged("mona").await;
        assert_eq!(refused(app.answer(&challenged, &again).await), "code", "it has confirmed the app");
        let code = app.next_code(&mona.secret);
        let session = app.answer(&challenged, &code).await.unwrap().opened;
        assert_eq!(refused(app.prove(held(&session), &code).await), "code", "it has signed in");
        let code = app.next_code(&mona.secret);
        app.prove(held(&session), &code).await.unwrap();
        let challenged = app.challenged("mona").await;
        assert_eq!(refused(app.answer(&challenged, &code).await), "code", "it was a proof");
    }

    /// cases.md A02, at the same time and at two servers.
    async fn of_twenty_with_the_same_code_one_gets_in(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (here_too, there) = (app.auth.clone(), app.replica().await);
        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(app.challenged("mona").await);
        }
        let code = app.next_code(&mona.secret);
        let tries = waiting.iter().enumerate().map(|(at, challenged)| {
            let (server, code) = (if at % 2 == 0 { &here_too } else { &there }, &code);
            async move { server.answer_challenge((Some(token(challenged)), None), code, false, &here()).await }
        });
        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refusal in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refused(refusal), "code");
        }
        assert_eq!(app.noted("logged_in_with_totp").await, 1);
    }

    async fn of_twenty_proofs_with_the_same_code_one_is_taken(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let mut sessions = Vec::new();
        for _ in 0..8 {
            sessions.push(app.enter(&mona).await);
        }
        let code = app.next_code(&mona.secret);
        let tries = (0..20).map(|at| app.prove(held(&sessions[at % sessions.len()]), &code));
        assert_eq!(join_all(tries).await.into_iter().filter(Result::is_ok).count(), 1);
    }

    async fn another_app_takes_the_place_of_the_first_once_it_is_confirmed(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let principal = app.principal(&mona.caller.held()).await;
        let by = By::Session(&principal);
        let first = secret_of(&app.auth.start_totp(by).await.unwrap().secret);
        let second = secret_of(&app.auth.start_totp(by).await.unwrap().secret);
        assert_eq!(refused(app.auth.confirm_totp(by, &first.code_at(app.now()), &here()).await), "code", "begun anew");
        app.enter(&mona).await;
        let enrolled = app.auth.confirm_totp(by, &second.code_at(app.now()), &here()).await.unwrap();
        assert!(enrolled.codes.is_none(), "the recovery codes that there are stay good");
        let challenged = app.challenged("mona").await;
        assert_eq!(refused(app.answer(&challenged, &app.next_code(&mona.secret)).await), "code");
        app.answer(&challenged, &totp(&second.code_at(app.now()))).await.unwrap();
        let challenged = app.challenged("mona").await;
        app.answer(&challenged, &recovery(&mona.codes[0])).await.unwrap();
    }

    /// Begun anew in another tab just then.
    async fn an_app_that_does_not_wait_any_more_leaves_the_one_in_use(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (id, now) = (mona.id, app.now());
        let write = app.store.write(move |tx| {
            Box::pin(async move { totp_secrets::confirm(tx, "gone", id, "sealed", now).await })
        });
        assert!(!write.await.unwrap());
        app.enter(&mona).await;
    }

    async fn a_new_key_seals_anew_and_the_old_one_can_go(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let before = app.texts("SELECT sealed FROM totp_secrets").await;
        let world = || World { clock: app.clock.clone(), entropy: Arc::new(SystemEntropy) };
        let old = keys_of(&app)["mail"].to_string();
        let change = |drop_old| KeyChange { purposes: vec![KeyPurpose::Mail], after: 0, drop_old };
        keys::change(&app.settings, &world(), &change(false)).unwrap();
        app.key_watch.look().await;
        let challenged = app.challenged("mona").await;
        app.answer(&challenged, &app.next_code(&mona.secret)).await.unwrap();
        app.auth.clean_up().await.unwrap();
        let sealed = app.texts("SELECT sealed FROM totp_secrets").await;
        assert_ne!(sealed, before);
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.texts("SELECT sealed FROM totp_secrets").await, sealed, "the newest key has sealed it");
        // The file without the older key, as an operator writes it who drops that at once.
        let mut document = keys_of(&app);
        document["mail"].as_array_mut().unwrap().retain(|key| !old.contains(&key["key"].to_string()));
        assert_eq!(document["mail"].as_array().unwrap().len(), 1);
        std::fs::write(&app.settings.keys.file, document.to_string()).unwrap();
        app.key_watch.look().await;
        app.enter(&mona).await;
    }
}

fn keys_of(app: &App) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(&app.settings.keys.file).unwrap()).unwrap()
}

#[test]
fn a_code_is_right_within_a_step_of_its_own_and_tells_which() {
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let times = (proptest::array::uniform20(0_u8..), 0_i64..4_000_000_000, -300_i64..300);
    let promise = runner.run(&times, |(bytes, made, later)| {
        let secret = TotpSecret::kept(bytes.to_vec().into());
        let now = Timestamp((made + later).max(0));
        let (own, step) = (made / STEP, now.0 / STEP);
        let code = secret.code_at(Timestamp(made));
        // Another step near may have the same six digits by chance.
        let found = secret.step_of(&code, now);
        if (own - step).abs() <= 1 {
            proptest::prop_assert!(found.is_some());
        }
        if let Some(found) = found {
            proptest::prop_assert!((found - step).abs() <= 1);
            proptest::prop_assert_eq!(secret.code_at(Timestamp(found * STEP)), code);
        }
        Ok(())
    });
    promise.unwrap();
}

#[test]
fn a_secret_typed_by_hand_is_the_one_that_was_made() {
    assert_eq!(secret_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").bytes(), b"12345678901234567890");
}
