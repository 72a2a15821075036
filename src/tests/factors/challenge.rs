//! A sign-in that waits for its factor: no rights at all, five minutes, five guesses.

use super::wrong_code;
use crate::{
    account::DAY,
    attacks::reset,
    harness::{
        App, OTHER_PASSWORD, PASSWORD,
        factors::{STEP, challenge_of, form, held, here, recovery, refused, token, totp},
        on_both_engines,
    },
};
use doorward::{
    domain::factor::{AssuranceLevel, Wants},
    server::auth::{AuthError, LoginForm, NewPasswordForm, Origin},
};
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};

on_both_engines! {
    async fn the_password_alone_opens_nothing(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (sessions, before) = (app.number("SELECT COUNT(*) FROM sessions").await, app.noted("logged_in").await);
        let challenged = app.challenged("mona").await;
        assert_eq!((challenged.wants, challenged.max_age), (Wants::Factor, 300));
        assert_eq!(app.number("SELECT COUNT(*) FROM sessions").await, sessions);
        let name = token(&challenged);
        assert!(name.len() >= 43);
        assert!(matches!(app.auth.authenticate(name).await, Err(AuthError::NotSignedIn)));
        assert!(matches!(app.auth.refresh(Some(name), &here()).await, Err(AuthError::NotSignedIn)));
        assert!(app.auth.visit(Some(name)).await.unwrap().is_none());
        assert!(app.auth.introspect(name).await.unwrap().is_none());
        assert!(!app.texts("SELECT id FROM challenges").await.contains(&name.to_owned()), "the database has a digest");
        assert_eq!((app.noted("factor_asked").await, app.noted("logged_in").await), (1, before));
        let waiting = app.auth.waiting(Some(name), None).await.unwrap().unwrap();
        assert_eq!((waiting.wants, waiting.username.as_str()), (Wants::Factor, "mona"));
        assert!(waiting.takes_totp && waiting.takes_recovery_code && !waiting.takes_passkey);
        let answered = app.answer(&challenged, &app.next_code(&mona.secret)).await.unwrap();
        assert_eq!(app.principal(held(&answered.opened)).await.level, AssuranceLevel::Two);
        assert_eq!(app.noted("logged_in_with_totp").await, 1);
        assert!(answered.trusted.is_none());
    }

    async fn what_no_database_takes_is_let_go(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let typed = LoginForm { next: Some("/account\0".to_owned()), ..form("mona", PASSWORD) };
        let challenged = challenge_of(app.auth.log_in(&typed, &here(), None).await);
        assert_eq!(app.answer(&challenged, &app.next_code(&mona.secret)).await.unwrap().next, None);
        let principal = app.principal(&mona.caller.held()).await;
        assert!(matches!(app.auth.end_session(&principal, "\0", &here()).await, Err(AuthError::NotFound)));
        assert!(matches!(app.auth.untrust_browser(&principal, "\0", &here()).await, Err(AuthError::NotFound)));
        assert!(matches!(app.auth.rename_passkey(&principal, "\0", "Key", &here()).await, Err(AuthError::NotFound)));
    }

    async fn it_is_over_after_five_minutes(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (early, late) = (app.challenged("mona").await, app.challenged("mona").await);
        app.clock.advance(299);
        app.answer(&early, &recovery(&mona.codes[0])).await.unwrap();
        app.clock.advance(1);
        assert!(matches!(app.answer(&late, &recovery(&mona.codes[1])).await, Err(AuthError::ChallengeOver)));
        assert!(app.auth.waiting(Some(token(&late)), None).await.unwrap().is_none());
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.number("SELECT COUNT(*) FROM challenges").await, 0);
        assert_eq!(app.number("SELECT COUNT(*) FROM recovery_codes WHERE used_at IS NULL").await, 9);
    }

    async fn it_is_over_after_five_guesses(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let challenged = app.challenged("mona").await;
        for blank in [totp(""), totp(" "), recovery("")] {
            refused(app.answer(&challenged, &blank).await);
        }
        for guess in [totp(&wrong_code(&app, &mona)), recovery("7K4M-Q2ZP-0011-ABCD"), totp("x"), recovery("x")] {
            refused(app.answer(&challenged, &guess).await);
        }
        assert!(app.auth.waiting(Some(token(&challenged)), None).await.unwrap().is_some());
        let fifth = app.answer(&challenged, &totp(&wrong_code(&app, &mona))).await;
        assert!(matches!(fifth, Err(AuthError::ChallengeOver)));
        assert_eq!(app.noted("factor_failed").await, 5);
        assert!(app.auth.waiting(Some(token(&challenged)), None).await.unwrap().is_none(), "a reload tells it");
        let right = app.answer(&challenged, &app.next_code(&mona.secret)).await;
        assert!(matches!(right, Err(AuthError::ChallengeOver)));
        app.enter(&mona).await;
    }

    async fn a_fifth_guess_may_be_right(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let challenged = app.challenged("mona").await;
        for _ in 0..4 {
            refused(app.answer(&challenged, &totp(&wrong_code(&app, &mona))).await);
        }
        app.answer(&challenged, &app.next_code(&mona.secret)).await.unwrap();
    }

    async fn guesses_at_the_same_time_count_too(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (challenged, guess) = (app.challenged("mona").await, totp(&wrong_code(&app, &mona)));
        let answers = join_all((0..20).map(|_| app.answer(&challenged, &guess))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(AuthError::Invalid(_) | AuthError::ChallengeOver))));
        assert_eq!(app.noted("factor_failed").await, 5);
    }

    async fn ten_guesses_in_a_quarter_of_an_hour_are_all_an_account_takes(engine) {
        let app = App::start_with(engine, "throttle.factor = '10/15m'").await;
        let mona = app.protected("mona").await;
        let wrong = totp(&wrong_code(&app, &mona));
        for _ in 0..4 {
            let challenged = app.challenged("mona").await;
            refused(app.answer(&challenged, &wrong).await);
            refused(app.answer(&challenged, &wrong).await);
        }
        refused(app.prove(&mona.caller.held(), &wrong).await);
        assert_eq!(app.queued("factor_guesses").await, 1, "the owner is told of the third");
        refused(app.prove(&mona.caller.held(), &recovery("x")).await);
        assert_eq!(app.queued("factor_guesses").await, 2, "and of the tenth");
        let challenged = app.challenged("mona").await;
        let code = app.next_code(&mona.secret);
        let refusal = app.answer(&challenged, &code).await;
        assert!(matches!(refusal, Err(AuthError::TooMany(seconds)) if (1..=90).contains(&seconds)), "{refusal:?}");
        assert!(matches!(app.prove(&mona.caller.held(), &code).await, Err(AuthError::TooMany(_))));
        app.clock.advance(90);
        app.answer(&challenged, &totp(&mona.secret.code_at(app.now()))).await.unwrap();
        assert_eq!((app.queued("factor_guesses").await, app.noted("factor_failed").await), (2, 10));
        for _ in 0..4 {
            let challenged = app.challenged("mona").await;
            refused(app.answer(&challenged, &wrong).await);
            refused(app.answer(&challenged, &wrong).await);
        }
        assert_eq!(app.queued("factor_guesses").await, 3, "whoever is in begins anew: of the third only");
    }

    /// A stranger who knows the password can guess no more for days, and does not keep the owner out.
    async fn guesses_over_a_long_time_are_counted_apart_where_somebody_signed_in_before(engine) {
        let app = App::start_with(engine, "throttle.factor_total = '12/365d'").await;
        let mona = app.protected("mona").await;
        let known = app.enter(&mona).await.known_devices.unwrap().value.expose_secret().to_owned();
        let wrong = totp(&wrong_code(&app, &mona));
        let mut refusals = 0;
        for _ in 0..4 {
            let challenged = app.challenged("mona").await;
            for _ in 0..4 {
                refusals += usize::from(matches!(app.answer(&challenged, &wrong).await, Err(AuthError::TooMany(_))));
            }
        }
        assert_eq!(refusals, 4);
        app.clock.advance(DAY);
        let challenged = app.challenged("mona").await;
        let stranger = app.answer(&challenged, &app.next_code(&mona.secret)).await;
        assert!(matches!(stranger, Err(AuthError::TooMany(_))));
        let owner = Origin { known_devices: Some(known), ..here() };
        let challenged = challenge_of(app.type_password("mona", &owner, None).await);
        let asked = (Some(token(&challenged)), None);
        app.auth.answer_challenge(asked, &app.next_code(&mona.secret), false, &owner).await.unwrap();
    }

    async fn the_owner_is_told_once_of_guesses_at_the_same_time(engine) {
        let app = App::start_with(engine, "throttle.factor = '10/15m'").await;
        let mona = app.protected("mona").await;
        let wrong = totp(&wrong_code(&app, &mona));
        let mut waiting = Vec::new();
        for _ in 0..6 {
            waiting.push(app.challenged("mona").await);
        }
        let answers = join_all((0..18).map(|at| app.answer(&waiting[at % 6], &wrong))).await;
        let throttled = answers.iter().filter(|answer| matches!(answer, Err(AuthError::TooMany(_)))).count();
        assert_eq!((throttled, app.noted("factor_failed").await), (8, 10));
        assert_eq!(app.queued("factor_guesses").await, 2, "of the third and of the tenth");
    }

    async fn whatever_ends_sessions_ends_it(engine) {
        let app = App::start(engine).await;
        let ends = ["change", "reset", "not me", "disable", "promote"];
        for how in ends {
            let name = format!("mona-{}", how.replace(' ', "-"));
            let mona = app.protected(&name).await;
            let challenged = app.challenged(&name).await;
            let principal = app.principal(&mona.caller.held()).await;
            match how {
                "change" => {
                    let new = NewPasswordForm { password: OTHER_PASSWORD.into(), password_again: OTHER_PASSWORD.into() };
                    let now: SecretString = PASSWORD.into();
                    app.auth.change_password(Some(&mona.caller.held()), &now, &new, &here()).await.unwrap();
                }
                "reset" => reset(&app, &app.anonymous(), &name).await,
                "not me" => drop(app.auth.report_not_me(&principal, &here()).await.unwrap()),
                "disable" => assert!(app.auth.set_disabled(mona.id, true).await.unwrap()),
                _ => assert!(app.auth.set_admin(mona.id, true).await.unwrap()),
            }
            let refusal = app.answer(&challenged, &app.next_code(&mona.secret)).await;
            assert!(matches!(refusal, Err(AuthError::ChallengeOver)), "{how}: {refusal:?}");
            assert!(app.auth.waiting(Some(token(&challenged)), None).await.unwrap().is_none(), "{how}");
        }
    }

    async fn it_opens_its_own_account_once(engine) {
        let app = App::start(engine).await;
        let (mona, lisa) = (app.protected("mona").await, app.protected("lisa").await);
        let challenged = app.challenged("mona").await;
        let foreign = app.next_code(&lisa.secret);
        assert_eq!(refused(app.answer(&challenged, &foreign).await), "code");
        assert_eq!(refused(app.answer(&challenged, &recovery(&lisa.codes[0])).await), "recovery_code");
        let session = app.answer(&challenged, &recovery(&mona.codes[0])).await.unwrap().opened;
        assert_eq!(app.principal(held(&session)).await.account.username, "mona");
        let again = app.answer(&challenged, &recovery(&mona.codes[1])).await;
        assert!(matches!(again, Err(AuthError::ChallengeOver)));
        assert_eq!(app.number("SELECT COUNT(*) FROM recovery_codes WHERE used_at IS NOT NULL").await, 1);
        let given_up = app.challenged("mona").await;
        app.auth.give_up_challenge(token(&given_up)).await.unwrap();
        let over = app.answer(&given_up, &recovery(&mona.codes[1])).await;
        assert!(matches!(over, Err(AuthError::ChallengeOver)));
        for garbage in ["", "x", &"x".repeat(10_000)] {
            let nothing = app.auth.answer_challenge((Some(garbage), None), &foreign, false, &here()).await;
            assert!(matches!(nothing, Err(AuthError::ChallengeOver)));
        }
        let nothing = app.auth.answer_challenge((None, None), &foreign, false, &here()).await;
        assert!(matches!(nothing, Err(AuthError::ChallengeOver)));
    }

    async fn it_keeps_where_to_go_and_how_long_to_stay(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        for (at, (next, kept, remember)) in
            [(Some("/account/data"), Some("/account/data"), true), (Some(""), None, false), (None, None, false)]
                .into_iter()
                .chain([(Some("x".repeat(513).leak() as &str), None, true)])
                .enumerate()
        {
            let form = LoginForm { remember, next: next.map(str::to_owned), ..form("mona", PASSWORD) };
            let challenged = challenge_of(app.auth.log_in(&form, &here(), None).await);
            let answered = app.answer(&challenged, &recovery(&mona.codes[at])).await.unwrap();
            assert_eq!(answered.next.as_deref(), kept);
            assert_eq!(answered.opened.cookie.max_age.is_some(), remember);
        }
    }

    async fn a_wrong_password_reads_the_same_with_and_without_a_factor(engine) {
        let app = App::start(engine).await;
        app.protected("mona").await;
        app.confirmed("lisa").await;
        for name in ["mona", "lisa", "nobody"] {
            let refusal = app.auth.log_in(&form(name, "not the password"), &here(), None).await;
            assert!(matches!(refusal, Err(AuthError::WrongCredentials)), "{name}: {refusal:?}");
        }
        assert_eq!((app.noted("login_failed").await, app.noted("factor_asked").await), (3, 0));
        assert_eq!(app.number("SELECT COUNT(*) FROM challenges").await, 0);
    }

    async fn an_account_that_leaves_can_be_kept_with_its_factor(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let principal = app.principal(&mona.caller.held()).await;
        let waited = app.challenged("mona").await;
        app.auth.request_deletion(&principal, &here()).await.unwrap();
        let over = app.answer(&waited, &app.next_code(&mona.secret)).await;
        assert!(matches!(over, Err(AuthError::ChallengeOver)));
        let challenged = app.challenged("mona").await;
        assert!(app.answer(&challenged, &app.next_code(&mona.secret)).await.unwrap().leaving);
        app.clock.advance(app.settings.account.deletion_grace * DAY);
        let gone = app.type_password("mona", &here(), None).await;
        assert!(matches!(gone, Err(AuthError::WrongCredentials)));
    }

    /// Whoever knows the password but shows no factor is not in: what they have tried is not forgotten.
    async fn failures_are_forgotten_and_told_when_somebody_is_in(engine) {
        let app = App::start_with(engine, "throttle.login_name = '10/5m'").await;
        let mona = app.protected("mona").await;
        for _ in 0..6 {
            let wrong = app.auth.log_in(&form("mona", "not the password"), &here(), None).await;
            assert!(matches!(wrong, Err(AuthError::WrongCredentials)));
        }
        for _ in 0..6 {
            app.challenged("mona").await;
        }
        assert_eq!(app.queued("login_after_failures").await, 0);
        app.enter(&mona).await;
        assert_eq!(app.queued("login_after_failures").await, 1);
        app.enter(&mona).await;
        assert_eq!(app.queued("login_after_failures").await, 1);
    }

    async fn the_owner_is_told_of_a_new_device_when_somebody_is_in(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        app.enter(&mona).await;
        let told = app.queued("new_device").await;
        let elsewhere = Origin { ip: "198.51.100.7".into(), device_label: "Safari on iPhone".into(), ..Origin::default() };
        let challenged = challenge_of(app.type_password("mona", &elsewhere, None).await);
        assert_eq!(app.queued("new_device").await, told);
        app.clock.advance(STEP);
        let code = totp(&mona.secret.code_at(app.now()));
        app.auth.answer_challenge((Some(token(&challenged)), None), &code, false, &elsewhere).await.unwrap();
        assert_eq!(app.queued("new_device").await, told + 1);
    }
}
