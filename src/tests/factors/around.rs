//! No way leads around a factor: not a session from before, not a reset, not a password as proof, not another door.

use crate::{
    account::STALE,
    attacks::reset,
    harness::{
        App, OTHER_PASSWORD, PASSWORD,
        factors::{challenge_of, form, held, here, opened, recovery, refused, secret_of, totp},
        on_both_engines,
    },
};
use doorward::{
    domain::factor::{AssuranceLevel, Wants},
    server::auth::{AuthError, By, NewPasswordForm, Proof, TokenFault},
};
use secrecy::ExposeSecret as _;

on_both_engines! {
    async fn a_session_from_before_waits_at_every_door(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let before = app.signed_in_again("mona").await;
        let access = before.refresh().await.token();
        let mona = app.protect("mona", mona).await;
        assert!(matches!(app.auth.authenticate(&access).await, Err(AuthError::FactorRequired)));
        assert!(app.auth.introspect(&access).await.unwrap().is_none());
        assert!(app.auth.visit(Some(&before.held())).await.unwrap().is_none());
        assert!(matches!(app.auth.refresh(Some(&before.held()), &here()).await, Err(AuthError::FactorRequired)));
        let answer = before.refresh().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "factor_required"));
        assert!(before.cookie("__Host-doorward").is_some(), "the cookie stays: the session can go on");
        let password = Proof::Password(PASSWORD.into());
        let refusal = app.auth.step_up(Some(&before.held()), &password, &here()).await;
        assert!(matches!(refusal, Err(AuthError::FactorRequired)));
        assert!(app.auth.visit(Some(&mona.caller.held())).await.unwrap().is_some(), "the one that enrolled goes on");
        app.auth.log_out(Some(&before.held()), &here()).await.unwrap();
        assert!(matches!(app.auth.refresh(Some(&before.held()), &here()).await, Err(AuthError::NotSignedIn)));
    }

    async fn a_session_from_before_goes_on_with_a_factor(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let before = app.signed_in_again("mona").await;
        let oldest = before.held();
        before.refresh().await;
        let (old, access) = (before.held(), before.refresh().await.token());
        let newest = before.held();
        let mona = app.protect("mona", mona).await;
        let waiting = app.auth.waiting(None, Some(&newest)).await.unwrap().unwrap();
        assert_eq!((waiting.wants, waiting.expires_at, waiting.username.as_str()), (Wants::Factor, None, "mona"));
        assert_eq!(waiting.trust_days, 0, "trust is given where somebody signs in");
        assert!(app.auth.waiting(None, Some(&oldest)).await.unwrap().is_none(), "a skipped token is a thief's");
        let skipped = app.auth.answer_challenge((None, Some(&oldest)), &recovery(&mona.codes[0]), false, &here()).await;
        assert!(matches!(skipped, Err(AuthError::ChallengeOver)));
        let wrong = app.auth.answer_challenge((None, Some(&newest)), &recovery("x"), false, &here()).await;
        assert_eq!(refused(wrong), "recovery_code");
        let stale_challenge = (Some("of another sign-in, long over"), Some(&*newest));
        let answered =
            app.auth.answer_challenge(stale_challenge, &app.next_code(&mona.secret), false, &here()).await.unwrap();
        let principal = app.principal(held(&answered.opened)).await;
        assert_eq!(principal.level, AssuranceLevel::Two);
        assert!(app.auth.is_fresh(&principal));
        assert_eq!(app.auth.authenticate(&access).await.unwrap().sid, principal.sid);
        assert!(app.auth.waiting(None, Some(held(&answered.opened))).await.unwrap().is_none());
        for older in [&old, &newest] {
            assert!(app.auth.visit(Some(older)).await.unwrap().is_none(), "older tokens are worth nothing");
            assert!(matches!(app.auth.refresh(Some(older), &here()).await, Err(AuthError::Superseded)));
        }
        let next = app.auth.refresh(Some(held(&answered.opened)), &here()).await.unwrap();
        app.clock.advance(61);
        assert!(matches!(app.auth.refresh(Some(&newest), &here()).await, Err(AuthError::NotSignedIn)));
        assert!(matches!(app.auth.refresh(Some(held(&next)), &here()).await, Err(AuthError::NotSignedIn)), "theft");
        assert_eq!(app.noted("session_theft").await, 1);
    }

    async fn a_reset_removes_no_factor_and_signs_nobody_in(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let browser = app.anonymous();
        reset(&app, &browser, "mona").await;
        assert!(browser.cookie("__Host-doorward").is_none());
        assert!(app.auth.visit(Some(&mona.caller.held())).await.unwrap().is_none());
        let challenged = challenge_of(app.auth.log_in(&form("mona", OTHER_PASSWORD), &here(), None).await);
        let session = app.answer(&challenged, &app.next_code(&mona.secret)).await.unwrap().opened;
        let factors = app.auth.factors(&app.principal(held(&session)).await).await.unwrap();
        assert!(factors.totp.is_some());
        assert_eq!(factors.recovery_codes_left, 10);
    }

    async fn a_proof_is_a_factor_where_there_is_one(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        app.clock.advance(STALE);
        let password = Proof::Password(PASSWORD.into());
        let stale = mona.caller.held();
        assert!(!app.auth.is_fresh(&app.principal(&stale).await));
        assert_eq!(refused(app.auth.step_up(Some(&stale), &password, &here()).await), "current_password");
        assert_eq!(refused(app.prove(&stale, &totp("")).await), "code");
        let proved = app.prove(&stale, &app.next_code(&mona.secret)).await.unwrap();
        assert!(app.auth.is_fresh(&app.principal(held(&proved)).await));
        app.clock.advance(STALE);
        let proved = app.prove(held(&proved), &recovery(&mona.codes[0])).await.unwrap();
        assert!(app.auth.is_fresh(&app.principal(held(&proved)).await));
        assert_eq!(app.noted("step_up_with_factor").await, 2);
        let lisa = app.confirmed("lisa").await;
        assert_eq!(refused(app.prove(&lisa.held(), &recovery(&mona.codes[1])).await), "recovery_code", "hers is none");
    }

    async fn removing_asks_for_a_fresh_proof_and_sets_the_level_back(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let before = app.signed_in_again("mona").await;
        let mona = app.protect("mona", mona).await;
        app.clock.advance(STALE);
        let stale = app.principal(&mona.caller.held()).await;
        assert!(matches!(app.auth.remove_totp(&stale, &here()).await, Err(AuthError::ProofRequired)));
        let proved = app.prove(&mona.caller.held(), &app.next_code(&mona.secret)).await.unwrap();
        let fresh = app.principal(held(&proved)).await;
        app.auth.remove_totp(&fresh, &here()).await.unwrap();
        assert_eq!((app.queued("totp_removed").await, app.noted("totp_removed").await), (1, 1));
        assert_eq!(app.number("SELECT demanded_level FROM accounts").await, 1);
        for table in ["totp_secrets", "recovery_codes", "trusted_browsers"] {
            assert_eq!(app.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        assert!(matches!(app.auth.remove_totp(&fresh, &here()).await, Err(AuthError::NotFound)));
        opened(app.type_password("mona", &here(), None).await);
        let other = app.auth.refresh(Some(&before.held()), &here()).await;
        assert!(matches!(other, Err(AuthError::NotSignedIn)), "every other session has ended");
        app.auth.refresh(Some(held(&proved)), &here()).await.unwrap();
    }

    /// Whoever signed in with the phone that was lost must not stay.
    async fn an_app_in_place_of_another_ends_what_was_opened_with_that(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let thief = app.enter(&mona).await;
        let owner = app.principal(&mona.caller.held()).await;
        app.enrol(By::Session(&owner)).await;
        assert!(matches!(app.auth.refresh(Some(held(&thief)), &here()).await, Err(AuthError::NotSignedIn)));
        app.auth.refresh(Some(&mona.caller.held()), &here()).await.unwrap();
        let first = app.confirmed("lisa").await;
        let second = app.signed_in_again("lisa").await;
        let lisa = app.protect("lisa", first).await;
        let (lacking, proof) = (second.held(), recovery(&lisa.codes[0]));
        let goes_on = app.auth.answer_challenge((None, Some(&lacking)), &proof, false, &here()).await;
        goes_on.expect("the first app ends nothing: the other sessions show it");
    }

    /// A thief with the password and an older token of a session whose owner has just shown a factor.
    async fn the_password_and_an_older_token_get_nothing_from_a_proof_by_factor(engine) {
        let app = App::start_with(engine, "throttle.proof_account = '3/1m'").await;
        let mona = app.protected("mona").await;
        let stolen = mona.caller.held();
        let proved = app.prove(&stolen, &app.next_code(&mona.secret)).await.unwrap();
        let form = |password: &str| NewPasswordForm { password: password.into(), password_again: password.into() };
        for current in ["x", PASSWORD] {
            let given = app.auth.change_password(Some(&stolen), &current.into(), &form(PASSWORD), &here()).await;
            assert!(matches!(given, Err(AuthError::Superseded)), "{given:?}");
        }
        app.auth.refresh(Some(held(&proved)), &here()).await.expect("the owner goes on");
        // The double click of a change is a guess at the new password, and counted.
        let lisa = app.signed_in("lisa").await;
        let stolen = lisa.held();
        let changed = app.auth.change_password(Some(&stolen), &PASSWORD.into(), &form(OTHER_PASSWORD), &here()).await;
        changed.unwrap();
        for _ in 0..3 {
            let guess = app.auth.change_password(Some(&stolen), &"x".into(), &form(PASSWORD), &here()).await;
            assert!(matches!(guess, Err(AuthError::Superseded)), "{guess:?}");
        }
        let more = app.auth.change_password(Some(&stolen), &"x".into(), &form(OTHER_PASSWORD), &here()).await;
        assert!(matches!(more, Err(AuthError::TooMany(_))), "{more:?}");
    }

    /// After an undone change of address an account may demand a factor and have recovery codes only.
    async fn recovery_codes_that_are_all_there_is_are_not_lost_by_asking_for_new_ones(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        app.alter("DELETE FROM totp_secrets".to_owned()).await;
        let challenged = app.challenged("mona").await;
        let session = app.answer(&challenged, &recovery(&mona.codes[0])).await.unwrap().opened;
        let principal = app.principal(held(&session)).await;
        let refusal = app.auth.make_recovery_codes(&principal, &here()).await;
        assert!(matches!(refusal, Err(AuthError::NotFound)), "{refusal:?}");
        assert_eq!(app.number("SELECT demanded_level FROM accounts").await, 2);
        let challenged = app.challenged("mona").await;
        app.answer(&challenged, &recovery(&mona.codes[1])).await.expect("the others are good");
    }

    /// Who reads the mail shall not use up the guesses that are kept for the owner's browsers.
    async fn a_reset_makes_no_browser_known_to_an_account_with_a_factor(engine) {
        let app = App::start(engine).await;
        app.protected("mona").await;
        app.signed_in("lisa").await;
        for (name, known) in [("mona", false), ("lisa", true)] {
            let browser = app.anonymous();
            reset(&app, &browser, name).await;
            assert_eq!(browser.cookie("__Host-doorward-devices").is_some(), known, "{name}");
        }
    }

    /// Somebody is signed in elsewhere, and acts just as the session ends, or just as the owner enrols a factor.
    async fn a_session_that_has_ended_or_lacks_the_factor_changes_none(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let thief = app.signed_in_again("mona").await;
        let seen = app.principal(&thief.held()).await;
        let secret = app.auth.start_totp(By::Session(&seen)).await.unwrap().secret;
        let code = secret_of(&secret).code_at(app.now());
        let owner = app.principal(&mona.held()).await;
        app.auth.end_session(&owner, &seen.sid, &here()).await.unwrap();
        assert_eq!(refused(app.auth.confirm_totp(By::Session(&seen), &code, &here()).await), "code");
        let thief = app.signed_in_again("mona").await;
        let seen = app.principal(&thief.held()).await;
        app.protect("mona", mona).await;
        assert!(matches!(app.auth.remove_totp(&seen, &here()).await, Err(AuthError::NotSignedIn)));
        assert!(matches!(app.auth.make_recovery_codes(&seen, &here()).await, Err(AuthError::NotSignedIn)));
        assert!(matches!(app.auth.remove_password(&seen, &PASSWORD.into(), &here()).await, Err(AuthError::NotSignedIn)));
        assert_eq!(app.number("SELECT demanded_level FROM accounts").await, 2);
    }

    async fn the_doors_for_front_ends_of_django_let_nobody_around(engine) {
        let app = App::start_with(engine, "compat.enabled = true").await;
        let mona = app.confirmed("mona").await;
        let pair = app.auth.log_in_elsewhere(&form("mona", PASSWORD), &here(), true).await.unwrap();
        let kept = app.auth.log_in_for_long(&form("mona", PASSWORD), &here()).await.unwrap();
        let caller = app.auth.authenticate_kept(kept.expose_secret()).await.unwrap();
        let mona = app.protect("mona", mona).await;
        let (refresh, access) = (pair.refresh.expose_secret(), pair.access.expose_secret());
        let asks = |fault: Option<TokenFault>| matches!(fault, Some(TokenFault::Other(AuthError::FactorRequired)));
        assert!(asks(app.auth.authenticate_elsewhere(access).await.err()));
        assert!(asks(app.auth.verify_elsewhere(access).await.err()));
        assert!(asks(app.auth.verify_elsewhere(refresh).await.err()));
        assert!(asks(app.auth.refresh_elsewhere(refresh, &here(), true).await.err()));
        assert!(asks(app.auth.authenticate_kept(kept.expose_secret()).await.err()));
        let challenges = app.number("SELECT COUNT(*) FROM challenges").await;
        let refusal = app.auth.log_in_elsewhere(&form("mona", PASSWORD), &here(), true).await;
        assert!(matches!(refusal, Err(AuthError::FactorRequired)));
        let refusal = app.auth.log_in_for_long(&form("mona", PASSWORD), &here()).await;
        assert!(matches!(refusal, Err(AuthError::FactorRequired)));
        assert_eq!(app.number("SELECT COUNT(*) FROM challenges").await, challenges, "nothing waits there");
        let wrong = app.auth.log_in_elsewhere(&form("mona", "not the password"), &here(), true).await;
        assert!(matches!(wrong, Err(AuthError::WrongCredentials)));
        let proof = app.auth.prove_principal(&caller, &PASSWORD.into(), &here()).await;
        assert!(matches!(proof, Err(AuthError::FactorRequired)));
        app.enter(&mona).await;
    }
}
