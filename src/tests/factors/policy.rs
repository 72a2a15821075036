//! `factors.required`: of whom this site demands a factor, and the way that leads there.

use crate::harness::{
    App, PASSWORD,
    factors::{challenge_of, form, held, here, opened, refused, secret_of, token, totp},
    on_both_engines,
};
use doorward::{
    domain::factor::{AssuranceLevel, Wants},
    server::auth::{AuthError, By, Registered, RegistrationForm},
};

const EVERYONE: &str = "factors.required = 'everyone'\nconfirmation.mail_gap = 0";

fn registration(name: &str) -> RegistrationForm {
    RegistrationForm {
        email: format!("{name}@example.com"),
        username: name.to_owned(),
        password: PASSWORD.into(),
        password_again: PASSWORD.into(),
        first_name: String::new(),
        last_name: String::new(),
        website: String::new(),
    }
}

on_both_engines! {
    async fn where_everyone_needs_one_the_first_sign_in_leads_to_it(engine) {
        let app = App::start_with(engine, EVERYONE).await;
        let registered = app.auth.register(registration("mona"), &here(), None).await.unwrap();
        assert!(matches!(registered, Registered::ConfirmFirst(_)), "the mail is bound to this browser: {registered:?}");
        let sessions = "SELECT COUNT(*) FROM sessions";
        let challenged = app.challenged("mona").await;
        assert_eq!((challenged.wants, challenged.max_age), (Wants::Enrolment, 900));
        let by = By::Challenge(token(&challenged), None);
        assert!(matches!(app.auth.start_totp(by).await, Err(AuthError::UnconfirmedEmail)));
        let waiting = app.auth.waiting(Some(token(&challenged)), None).await.unwrap().unwrap();
        assert_eq!((waiting.wants, waiting.email_confirmed), (Wants::Enrolment, false));
        app.auth.resend_confirmation_to_enrol(token(&challenged), &here()).await.unwrap();
        app.confirm_address("mona").await;
        let any = totp("123456");
        let early = app.answer(&challenged, &any).await;
        assert!(matches!(early, Err(AuthError::EnrolmentRequired)));
        assert_eq!(app.number(sessions).await, 0);
        let (secret, codes, session) = app.enrol(by).await;
        assert_eq!(codes.len(), 10);
        let principal = app.principal(held(&session.unwrap())).await;
        assert_eq!(principal.level, AssuranceLevel::Two);
        assert!(app.auth.is_fresh(&principal));
        assert_eq!(app.number(sessions).await, 1);
        assert!(matches!(app.auth.start_totp(by).await, Err(AuthError::ChallengeOver)), "it is over");
        let challenged = app.challenged("mona").await;
        assert_eq!(challenged.wants, Wants::Factor);
        assert!(matches!(app.auth.start_totp(By::Challenge(token(&challenged), None)).await, Err(AuthError::FactorRequired)));
        app.answer(&challenged, &app.next_code(&secret)).await.unwrap();
    }

    /// Whoever has the password alone began to sign in before the owner enrolled an app.
    async fn a_sign_in_that_waits_to_enrol_is_worth_nothing_once_there_is_a_factor(engine) {
        let app = App::start(engine).await;
        app.confirmed("mona").await;
        let app = app.restarted_with(EVERYONE).await;
        let (thief, owner) = (app.challenged("mona").await, app.challenged("mona").await);
        let (thiefs, owners) = (By::Challenge(token(&thief), None), By::Challenge(token(&owner), None));
        let begun = secret_of(&app.auth.start_totp(owners).await.unwrap().secret);
        assert_eq!(app.auth.waiting_totp(thiefs).await.unwrap(), None, "nobody else sees the secret that waits");
        refused(app.auth.confirm_totp(thiefs, &begun.code_at(app.now()), &here()).await);
        let enrolled = app.auth.confirm_totp(owners, &begun.code_at(app.now()), &here()).await.unwrap();
        assert!(enrolled.opened.is_some());
        assert!(matches!(app.auth.start_totp(thiefs).await, Err(AuthError::ChallengeOver)));
        assert!(matches!(app.auth.confirm_totp(thiefs, "123456", &here()).await, Err(AuthError::ChallengeOver)));
        assert!(app.auth.waiting(Some(token(&thief)), None).await.unwrap().is_none());
        let challenged = app.challenged("mona").await;
        app.answer(&challenged, &app.next_code(&begun)).await.unwrap();
    }

    async fn sessions_from_before_go_on_and_other_doors_say_what_is_missing(engine) {
        let app = App::start(engine).await;
        let mona = app.confirmed("mona").await;
        let app = app.restarted_with("factors.required = 'everyone'\ncompat.enabled = true").await;
        let principal = app.principal(&mona.held()).await;
        assert!(app.auth.factors(&principal).await.unwrap().required);
        let refreshed = app.auth.refresh(Some(&mona.held()), &here()).await.unwrap();
        let refusal = app.auth.log_in_elsewhere(&form("mona", PASSWORD), &here(), false).await;
        assert!(matches!(refusal, Err(AuthError::EnrolmentRequired)));
        let refusal = app.auth.log_in_for_long(&form("mona", PASSWORD), &here()).await;
        assert!(matches!(refusal, Err(AuthError::EnrolmentRequired)));
        let (secret, ..) = app.enrol(By::Session(&app.principal(held(&refreshed)).await)).await;
        let principal = app.principal(held(&refreshed)).await;
        assert!(matches!(app.auth.remove_totp(&principal, &here()).await, Err(AuthError::LastWayIn)));
        app.prove(held(&refreshed), &app.next_code(&secret)).await.unwrap();
        assert_eq!(app.number("SELECT demanded_level FROM accounts").await, 2);
    }

    async fn administrators_alone_need_one_where_the_site_says_so(engine) {
        let app = App::start(engine).await;
        app.confirmed("mona").await;
        app.confirmed("lisa").await;
        let id = app.auth.user("lisa").await.unwrap().account.id;
        app.auth.set_admin(id, true).await.unwrap();
        let app = app.restarted_with("factors.required = 'admins'").await;
        let session = opened(app.type_password("mona", &here(), None).await);
        app.enrol(By::Session(&app.principal(held(&session)).await)).await;
        let principal = app.principal(held(&session)).await;
        app.auth.remove_totp(&principal, &here()).await.unwrap();
        let challenged = app.challenged("lisa").await;
        assert_eq!(challenged.wants, Wants::Enrolment);
        let (_, _, session) = app.enrol(By::Challenge(token(&challenged), None)).await;
        let principal = app.principal(held(&session.unwrap())).await;
        assert!(principal.is_admin);
        assert!(matches!(app.auth.remove_totp(&principal, &here()).await, Err(AuthError::LastWayIn)));
        let registered = app.auth.register(registration("nina"), &here(), None).await.unwrap();
        assert!(matches!(registered, Registered::SignedIn(_)));
    }

    /// The answer tells nobody that the address waits, as before.
    async fn an_address_that_must_be_confirmed_comes_first(engine) {
        let app = App::start_with(engine, "factors.required = 'everyone'\nregistration.confirmation = 'required'").await;
        app.auth.register(registration("mona"), &here(), None).await.unwrap();
        let refusal = app.type_password("mona", &here(), None).await;
        assert!(matches!(refusal, Err(AuthError::WrongCredentials)), "{refusal:?}");
        assert_eq!(app.number("SELECT COUNT(*) FROM challenges").await, 0);
        app.confirm_address("mona").await;
        assert_eq!(challenge_of(app.type_password("mona", &here(), None).await).wants, Wants::Enrolment);
    }
}
