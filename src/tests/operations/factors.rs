//! Second factors as an operator sees and removes them; and what other tests of factors set up.

use super::{command, complained, json, said};
use crate::{
    attacks::count,
    harness::{
        App, Caller,
        factors::{STEP, here, opened, recovery, totp},
        on_both_engines,
    },
};
use doorward::{
    domain::{account::AccountId, factor::AssuranceLevel, history::Event},
    server::{
        auth::{AuthError, By, FactorProof, OperatorError},
        clock::{Clock as _, SystemClock},
        crypto::TotpSecret,
        store::{
            accounts, factors,
            passkeys::{self, NewPasskey},
        },
    },
};
use secrecy::ExposeSecret as _;

/// An authenticator app with its account's recovery codes.
pub(crate) struct App2fa {
    pub(crate) secret: TotpSecret,
    pub(crate) codes: Vec<String>,
}

impl App2fa {
    /// The code that it shows now.
    pub(crate) fn code(&self, app: &App) -> FactorProof {
        totp(&self.secret.code_at(app.now()))
    }
}

/// Counts the addresses of all accounts as confirmed.
pub(crate) async fn confirmed(app: &App) {
    app.alter("UPDATE accounts SET email_verified_at = 1 WHERE email_verified_at IS NULL".to_owned()).await;
}

/// Sets up an authenticator app in the session of `caller`.
pub(crate) async fn with_totp(app: &App, caller: &Caller) -> App2fa {
    confirmed(app).await;
    let principal = app.principal(&caller.held()).await;
    let (secret, codes, _) = app.enrol(By::Session(&principal)).await;
    // The code was used.
    app.clock.advance(STEP);
    App2fa { secret, codes }
}

/// Gives an account a passkey that nobody has.
pub(crate) async fn with_passkey(app: &App, account: AccountId, id: &str, name: &str) {
    let (now, id, name) = (app.now(), id.to_owned(), name.to_owned());
    let credential_id = id.clone();
    let new = NewPasskey { id, credential_id, account, name, record: "{\"the\":\"record\"}".to_owned() };
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            passkeys::insert(tx, &new, now).await?;
            factors::settle(tx, account).await.map(drop)
        })
    });
    write.await.unwrap();
}

pub(super) async fn id(app: &App, name: &str) -> AccountId {
    app.auth.user(name).await.unwrap().account.id
}

on_both_engines! {
    async fn an_operator_removes_all_factors_and_the_password_alone_leads_in_again(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let account = id(&app, "mona").await;
        let device = with_totp(&app, &mona).await;
        with_passkey(&app, account, "cGFzc2tleQ", "Blue key").await;
        app.answer_at(&app.challenged("mona").await, &device.code(&app), true, &here()).await.unwrap();
        let waits = app.challenged("mona").await;
        let shown = app.auth.user_factors("mona").await.unwrap().what;
        assert_eq!((shown.level, shown.factors.recovery_codes_left), (AssuranceLevel::Two, 10));
        assert_eq!((shown.factors.passkeys.len(), shown.factors.trusted_browsers.len()), (1, 1));
        assert!(app.auth.show_user("mona").await.unwrap().has_factors);
        let gone = app.auth.reset_factors("mona").await.unwrap().what;
        assert!(gone.any && !gone.needs_reset_link);
        assert_eq!(mona.refresh().await.status, 401, "every session has ended");
        app.clock.advance(STEP);
        assert!(matches!(app.answer(&waits, &device.code(&app)).await, Err(AuthError::ChallengeOver)));
        for table in ["totp_secrets", "passkeys", "recovery_codes", "trusted_browsers"] {
            let sql: &'static str = format!("SELECT COUNT(*) FROM {table}").leak();
            assert_eq!(count(&app, sql).await, 0, "{table}");
        }
        opened(app.type_password("mona", &here(), None).await);
        assert!(!app.auth.show_user("mona").await.unwrap().has_factors);
        let told = app.mail("mona@", "second factors were removed").await;
        assert!(told.text.contains("those who run"), "{}", told.text);
        let before = app.events(account).await;
        assert_eq!(before.iter().filter(|event| **event == Event::FactorsReset).count(), 1);
        assert!(!app.auth.reset_factors("mona").await.unwrap().what.any, "there are none any more");
        assert_eq!(app.events(account).await, before, "nothing was done, so nothing is noted");
        assert_eq!(count(&app, "SELECT COUNT(*) FROM outbox WHERE kind = 'factors_reset'").await, 1);
        assert!(matches!(app.auth.reset_factors("nobody").await, Err(OperatorError::NoSuchUser)));
    }

    async fn an_operator_lets_codes_be_tried_again_and_the_factors_stay(engine) {
        let app = App::start_with(engine, "throttle.factor_total = '3/365d'").await;
        let mona = app.signed_in("mona").await;
        let device = with_totp(&app, &mona).await;
        let wrong = app.challenged("mona").await;
        for _ in 0..3 {
            assert!(matches!(app.answer(&wrong, &recovery("x")).await, Err(AuthError::Invalid(_))));
        }
        assert!(matches!(app.answer(&wrong, &device.code(&app)).await, Err(AuthError::TooMany(_))));
        assert!(app.auth.forget_guesses("mona").await.unwrap().what);
        app.clock.advance(STEP);
        app.answer(&app.challenged("mona").await, &device.code(&app)).await.unwrap();
        let account = id(&app, "mona").await;
        let told = |events: Vec<Event>| events.iter().filter(|event| **event == Event::GuessesForgotten).count();
        assert_eq!(told(app.events(account).await), 1);
        assert!(!app.auth.forget_guesses("mona").await.unwrap().what, "none are counted any more");
        assert_eq!(told(app.events(account).await), 1, "nothing was done, so nothing is noted");
        assert!(matches!(app.auth.forget_guesses("nobody").await, Err(OperatorError::NoSuchUser)));
    }

    async fn a_site_that_demands_a_factor_has_one_set_up_after_an_operator_removed_it(engine) {
        let app = App::start_with(engine, "factors.required = 'everyone'").await;
        let mona = app.anonymous();
        mona.register("mona").await;
        confirmed(&app).await;
        with_passkey(&app, id(&app, "mona").await, "cGFzc2tleQ", "Blue key").await;
        app.auth.reset_factors("mona").await.unwrap();
        assert_eq!(app.challenged("mona").await.wants, doorward::domain::factor::Wants::Enrolment);
    }

    async fn the_command_shows_factors_without_their_secrets_and_resets_them_only_when_told(engine) {
        let app = App::start(engine).await;
        // The command has the real time.
        app.clock.set(SystemClock.now());
        let mona = app.signed_in("mona").await;
        let account = id(&app, "mona").await;
        let none = said(&command(&app, &["user", "factors", "mona"]));
        assert!(none.contains("with the password alone") && none.contains("none"), "{none}");
        let device = with_totp(&app, &mona).await;
        with_passkey(&app, account, "cGFzc2tleQ", "Blue\u{1b}[31m key").await;
        let shown = command(&app, &["user", "factors", "mona", "--json"]);
        let view = json(&shown);
        assert_eq!((view["level"].as_i64(), view["recovery_codes_left"].as_i64()), (Some(2), Some(10)));
        assert!(view["authenticator_app"]["confirmed_at"].is_string(), "{view}");
        assert_eq!(view["passkeys"][0]["name"], "Blue\u{1b}[31m key");
        let text = said(&command(&app, &["user", "factors", "mona"]));
        assert!(text.contains("10 left") && text.contains("Blue\u{fffd}[31m key") && !text.contains('\u{1b}'), "{text}");
        for said in [said(&shown), text] {
            let secret = device.secret.base32();
            for hidden in [secret.expose_secret(), "argon2", "record", "sealed", "cGFzc2tleQ", &device.codes[0]] {
                assert!(!said.contains(hidden), "{hidden}: {said}");
            }
        }
        assert_eq!(json(&command(&app, &["user", "show", "mona", "--json"]))["second_factor"], true);
        app.store.write(move |tx| Box::pin(async move { accounts::forget_password(tx, account).await })).await.unwrap();
        let reset = command(&app, &["user", "factors", "mona", "--reset"]);
        assert_eq!(reset.status.code(), Some(0), "{}", complained(&reset));
        assert!(said(&reset).contains("doorward user reset-link"), "{}", said(&reset));
        assert_eq!(mona.refresh().await.status, 401);
        let again = json(&command(&app, &["user", "factors", "mona", "--reset", "--json"]));
        assert_eq!((&again["changed"], &again["needs_reset_link"]), (&false.into(), &true.into()));
        let forgotten = command(&app, &["user", "factors", "mona", "--forget-guesses"]);
        assert!(said(&forgotten).contains("nothing was changed"), "{}", complained(&forgotten));
        let nobody = command(&app, &["user", "factors", "nobody", "--reset"]);
        assert_eq!((nobody.status.code(), said(&nobody)), (Some(1), String::new()));
        assert_eq!(app.auth.verify_audit(&[]).await.unwrap().outcome(), doorward::server::auth::Outcome::Whole);
    }
}
