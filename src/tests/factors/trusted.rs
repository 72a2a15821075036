//! Browsers that are trusted: where the factor is not asked for, and when it is again.

use crate::{
    account::{DAY, STALE},
    attacks::reset,
    harness::{
        App, OTHER_PASSWORD, PASSWORD,
        factors::{challenge_of, form, held, here, opened, recovery, token, trusted},
        on_both_engines,
    },
};
use doorward::{
    domain::factor::AssuranceLevel,
    server::auth::{AuthError, NewPasswordForm},
};
use secrecy::{ExposeSecret as _, SecretString};

on_both_engines! {
    async fn a_trusted_browser_is_not_asked_and_all_others_are(engine) {
        let app = App::start(engine).await;
        let (mona, lisa) = (app.protected("mona").await, app.protected("lisa").await);
        let (_, cookie) = app.enter_and_trust(&mona, &here()).await;
        let session = opened(app.type_password("mona", &trusted(&cookie), None).await);
        assert_eq!(app.principal(held(&session)).await.level, AssuranceLevel::Two);
        assert_eq!((app.noted("browser_trusted").await, app.noted("logged_in_trusted").await), (1, 1));
        app.challenged("mona").await;
        challenge_of(app.type_password("lisa", &trusted(&cookie), None).await);
        let wrong = app.auth.log_in(&form("mona", "not the password"), &trusted(&cookie), None).await;
        assert!(matches!(wrong, Err(AuthError::WrongCredentials)), "it replaces no password");
        let (_, both) = app.enter_and_trust(&lisa, &trusted(&cookie)).await;
        for name in ["mona", "lisa"] {
            opened(app.type_password(name, &trusted(&both), None).await);
        }
        let factors = app.auth.factors(&app.principal(&mona.caller.held()).await).await.unwrap();
        let [browser] = factors.trusted_browsers.as_slice() else { panic!("{factors:?}") };
        assert_eq!((browser.device_label.as_str(), browser.ip.as_str()), ("Firefox on Linux", "192.0.2.1"));
        assert_eq!(browser.last_used_at, app.now());
        assert_eq!(browser.expires_at, browser.created_at.plus(30 * DAY));
        assert!(!cookie.contains(&app.texts("SELECT secret_digest FROM trusted_browsers").await[0]));
    }

    /// The password is all that was shown: what asks for a proof asks for the factor.
    async fn a_sign_in_without_the_factor_is_no_proof(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (_, cookie) = app.enter_and_trust(&mona, &here()).await;
        let session = opened(app.type_password("mona", &trusted(&cookie), None).await);
        let principal = app.principal(held(&session)).await;
        assert!(!app.auth.is_fresh(&principal));
        assert!(matches!(app.auth.remove_totp(&principal, &here()).await, Err(AuthError::ProofRequired)));
        assert!(matches!(app.auth.make_recovery_codes(&principal, &here()).await, Err(AuthError::ProofRequired)));
        let proved = app.prove(held(&session), &app.next_code(&mona.secret)).await.unwrap();
        app.auth.remove_totp(&app.principal(held(&proved)).await, &here()).await.unwrap();
    }

    /// Whoever has the password and a browser that was trusted must not get at the factors by changing it.
    async fn a_new_password_is_no_proof_where_there_is_a_factor(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (_, cookie) = app.enter_and_trust(&mona, &here()).await;
        let session = opened(app.type_password("mona", &trusted(&cookie), None).await);
        let new = NewPasswordForm { password: OTHER_PASSWORD.into(), password_again: OTHER_PASSWORD.into() };
        let changed = app.auth.change_password(Some(held(&session)), &PASSWORD.into(), &new, &here()).await.unwrap();
        let principal = app.principal(held(&changed)).await;
        assert!(!app.auth.is_fresh(&principal));
        assert!(matches!(app.auth.remove_totp(&principal, &here()).await, Err(AuthError::ProofRequired)));
        let proved = app.prove(held(&changed), &app.next_code(&mona.secret)).await.unwrap();
        app.auth.remove_totp(&app.principal(held(&proved)).await, &here()).await.unwrap();
    }

    async fn trust_is_taken_back_at_once(engine) {
        let app = App::start(engine).await;
        let (mona, lisa) = (app.protected("mona").await, app.protected("lisa").await);
        let (session, cookie) = app.enter_and_trust(&mona, &here()).await;
        let principal = app.principal(held(&session)).await;
        let id = app.auth.factors(&principal).await.unwrap().trusted_browsers[0].id.clone();
        let other = app.principal(&lisa.caller.held()).await;
        assert!(matches!(app.auth.untrust_browser(&other, &id, &here()).await, Err(AuthError::NotFound)));
        opened(app.type_password("mona", &trusted(&cookie), None).await);
        app.auth.untrust_browser(&principal, &id, &here()).await.unwrap();
        assert_eq!(app.noted("browser_untrusted").await, 1);
        challenge_of(app.type_password("mona", &trusted(&cookie), None).await);
        assert!(matches!(app.auth.untrust_browser(&principal, &id, &here()).await, Err(AuthError::NotFound)));
        app.clock.advance(STALE);
        assert!(matches!(app.auth.untrust_browser(&principal, &id, &here()).await, Err(AuthError::ProofRequired)));
    }

    async fn trust_ends_after_thirty_days_however_often_it_is_used(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (_, cookie) = app.enter_and_trust(&mona, &here()).await;
        app.clock.advance(30 * DAY - 1);
        opened(app.type_password("mona", &trusted(&cookie), None).await);
        app.clock.advance(1);
        challenge_of(app.type_password("mona", &trusted(&cookie), None).await);
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.number("SELECT COUNT(*) FROM trusted_browsers").await, 0);
    }

    async fn trust_ends_with_what_it_was_given_for(engine) {
        let app = App::start(engine).await;
        for how in ["change", "reset", "not me", "removal"] {
            let name = format!("mona-{}", how.replace(' ', "-"));
            let mona = app.protected(&name).await;
            let (session, cookie) = app.enter_and_trust(&mona, &here()).await;
            let principal = app.principal(held(&session)).await;
            let mut password = OTHER_PASSWORD;
            match how {
                "change" => {
                    let new = NewPasswordForm { password: OTHER_PASSWORD.into(), password_again: OTHER_PASSWORD.into() };
                    let now: SecretString = PASSWORD.into();
                    app.auth.change_password(Some(held(&session)), &now, &new, &here()).await.unwrap();
                }
                "reset" => reset(&app, &app.anonymous(), &name).await,
                "not me" => {
                    // There is no password to sign in with until the mailed link is used.
                    app.auth.report_not_me(&principal, &here()).await.unwrap();
                    let sql = "SELECT COUNT(*) FROM trusted_browsers";
                    assert_eq!(app.number(sql).await, 0);
                    continue;
                }
                _ => {
                    app.auth.remove_totp(&principal, &here()).await.unwrap();
                    app.enrol(doorward::server::auth::By::Session(&principal)).await;
                    password = PASSWORD;
                }
            }
            challenge_of(app.auth.log_in(&form(&name, password), &trusted(&cookie), None).await);
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM trusted_browsers").await, 0);
    }

    async fn where_it_is_not_offered_nobody_is_trusted(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let (_, cookie) = app.enter_and_trust(&mona, &here()).await;
        let app = app.restarted_with("factors.trusted_days = 0").await;
        let challenged = challenge_of(app.type_password("mona", &trusted(&cookie), None).await);
        assert_eq!(app.auth.waiting(Some(token(&challenged)), None).await.unwrap().unwrap().trust_days, 0);
        let asked = (Some(token(&challenged)), None);
        let answered = app.auth.answer_challenge(asked, &recovery(&mona.codes[0]), true, &here()).await.unwrap();
        assert!(answered.trusted.is_none());
        assert_eq!(app.number("SELECT COUNT(*) FROM trusted_browsers").await, 1, "only the one from before");
    }

    async fn a_forged_or_foreign_cookie_is_nothing(engine) {
        let app = App::start(engine).await;
        let (mona, lisa) = (app.protected("mona").await, app.protected("lisa").await);
        let (_, monas) = app.enter_and_trust(&mona, &here()).await;
        let (_, lisas) = app.enter_and_trust(&lisa, &here()).await;
        let (id, secret) = monas.split_once('.').unwrap();
        let (other_id, other_secret) = lisas.split_once('.').unwrap();
        let digest = app.texts("SELECT secret_digest FROM trusted_browsers").await.remove(0);
        for forged in [
            id.to_owned(),
            format!("{id}."),
            format!("{id}.{other_secret}"),
            format!("{other_id}.{secret}"),
            format!("{id}.{digest}"),
            format!("{id}.{}", &secret[1..]),
            "~".repeat(400),
            format!("{monas}{}", "~x.y".repeat(200)),
        ] {
            challenge_of(app.type_password("mona", &trusted(&forged), None).await);
        }
        opened(app.type_password("mona", &trusted(&format!("x.y~{monas}")), None).await);
    }

    async fn a_browser_is_trusted_by_four_accounts_at_most(engine) {
        let app = App::start(engine).await;
        let mut cookie = String::new();
        for name in ["mona", "lisa", "nina", "dora", "vera"] {
            let who = app.protected(name).await;
            let challenged = challenge_of(app.type_password(name, &trusted(&cookie), None).await);
            let (asked, proof) = ((Some(token(&challenged)), None), recovery(&who.codes[0]));
            let answered = app.auth.answer_challenge(asked, &proof, true, &trusted(&cookie)).await.unwrap();
            answered.trusted.unwrap().value.expose_secret().clone_into(&mut cookie);
            assert!(cookie.len() <= 512);
        }
        challenge_of(app.type_password("mona", &trusted(&cookie), None).await);
        for name in ["lisa", "nina", "dora", "vera"] {
            opened(app.type_password(name, &trusted(&cookie), None).await);
        }
    }
}
