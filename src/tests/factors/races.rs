//! Two at once: nobody waits for the other for ever, and what one has ended the other does not bring back.

use super::wrong_code;
use crate::harness::{
    App, OTHER_PASSWORD, PASSWORD,
    factors::{Protected, held, here, recovery, secret_of, token, totp, trusted},
    on_both_engines,
};
use doorward::server::auth::{AuthError, By, NewPasswordForm};
use futures::future::join_all;
use std::fmt::Debug;

/// No fault of the database, as a deadlock is one.
fn orderly<T: Debug>(outcome: &Result<T, AuthError>) {
    if let Err(error @ (AuthError::Unavailable(_) | AuthError::Broken(_) | AuthError::Signing)) = outcome {
        panic!("{error:?}");
    }
}

async fn change_password(app: &App, held: &str) -> Result<(), AuthError> {
    let new = NewPasswordForm { password: OTHER_PASSWORD.into(), password_again: OTHER_PASSWORD.into() };
    app.auth.change_password(Some(held), &PASSWORD.into(), &new, &here()).await.map(drop)
}

async fn many(app: &App, count: usize) -> Vec<Protected> {
    let mut all = Vec::new();
    for at in 0..count {
        all.push(app.protected(&format!("mona{at}")).await);
    }
    all
}

on_both_engines! {
    /// Accounts are locked before trusted browsers.
    async fn signing_in_where_one_is_trusted_beside_a_new_password_fails_for_neither(engine) {
        let app = App::start(engine).await;
        for who in many(&app, 6).await {
            let (_, cookie) = app.enter_and_trust(&who, &here()).await;
            let (there, own) = (trusted(&cookie), who.caller.held());
            let (first, second, changed) = futures::join!(
                app.type_password(&who.name, &there, None),
                app.type_password(&who.name, &there, None),
                change_password(&app, &own)
            );
            orderly(&first);
            orderly(&second);
            changed.unwrap();
            let sql = format!("SELECT COUNT(*) FROM trusted_browsers WHERE account_id = {}", who.id.0);
            assert_eq!(app.number(&sql).await, 0);
        }
    }

    /// The log is locked last: a recovery code is noted beside the sign-in that takes another session's place.
    async fn taking_the_place_of_a_session_beside_its_end_fails_for_neither(engine) {
        let app = App::start(engine).await;
        for who in many(&app, 6).await {
            let session = app.enter(&who).await;
            let old = held(&session).to_owned();
            let challenged = app.challenged(&who.name).await;
            let (asked, origin) = ((Some(token(&challenged)), Some(&*old)), here());
            let proof = recovery(&who.codes[0]);
            let (answered, ended) = futures::join!(
                app.auth.answer_challenge(asked, &proof, true, &origin),
                app.auth.log_out(Some(&old), &origin)
            );
            answered.unwrap();
            ended.unwrap();
            assert!(app.auth.visit(Some(&old)).await.unwrap().is_none());
        }
    }

    /// Whoever was in before the new password has no factor that outlives it unseen, and waits no more.
    async fn a_new_password_beside_answers_lets_in_none_who_began_before(engine) {
        let app = App::start(engine).await;
        for who in many(&app, 5).await {
            let challenged = app.challenged(&who.name).await;
            let (code, own) = (recovery(&who.codes[0]), who.caller.held());
            let (answered, changed) = futures::join!(app.answer(&challenged, &code), change_password(&app, &own));
            orderly(&answered);
            changed.unwrap();
            if let Ok(answered) = answered {
                let session = held(&answered.opened).to_owned();
                assert!(app.auth.visit(Some(&session)).await.unwrap().is_none(), "it was opened just before, and ended");
            }
        }
    }

    async fn enrolling_in_two_tabs_leaves_one_app_and_codes_that_work(engine) {
        let app = App::start(engine).await;
        for round in 0..4 {
            let name = format!("mona{round}");
            let mona = app.confirmed(&name).await;
            let principal = app.principal(&mona.held()).await;
            let by = By::Session(&principal);
            let secret = secret_of(&app.auth.start_totp(by).await.unwrap().secret);
            let (code, origin) = (secret.code_at(app.now()), here());
            let tries = (0..4).map(|_| app.auth.confirm_totp(by, &code, &origin));
            let enrolled: Vec<_> = join_all(tries).await.into_iter().filter_map(Result::ok).collect();
            assert_eq!(enrolled.len(), 1);
            let codes = enrolled.into_iter().next().unwrap().codes.unwrap().expose();
            let challenged = app.challenged(&name).await;
            app.answer(&challenged, &recovery(&codes[0])).await.unwrap();
        }
    }

    async fn removing_beside_signing_in_and_enrolling_leaves_level_and_factors_agreeing(engine) {
        let app = App::start(engine).await;
        for who in many(&app, 5).await {
            let principal = app.principal(&who.caller.held()).await;
            let by = By::Session(&principal);
            let secret = secret_of(&app.auth.start_totp(by).await.unwrap().secret);
            let challenged = app.challenged(&who.name).await;
            let (code, origin) = (recovery(&who.codes[0]), here());
            let new = secret.code_at(app.now());
            let (answered, removed, enrolled) = futures::join!(
                app.answer(&challenged, &code),
                app.auth.remove_totp(&principal, &origin),
                app.auth.confirm_totp(by, &new, &origin)
            );
            orderly(&answered);
            orderly(&removed);
            orderly(&enrolled);
            let has = "SELECT COUNT(*) FROM totp_secrets WHERE confirmed_at IS NOT NULL AND account_id";
            let has = app.number(&format!("{has} = {}", who.id.0)).await;
            let level = app.number(&format!("SELECT demanded_level FROM accounts WHERE id = {}", who.id.0)).await;
            assert_eq!(level, has + 1);
            let codes = app.number(&format!("SELECT COUNT(*) FROM recovery_codes WHERE account_id = {}", who.id.0)).await;
            assert_eq!(codes > 0, has > 0, "codes go with the last factor");
        }
    }

    async fn right_and_wrong_guesses_together_open_one_session(engine) {
        let app = App::start(engine).await;
        let mona = app.protected("mona").await;
        let challenged = app.challenged("mona").await;
        let (right, wrong) = (app.next_code(&mona.secret), totp(&wrong_code(&app, &mona)));
        let before = app.number("SELECT COUNT(*) FROM sessions").await;
        let tries = [&wrong, &right, &wrong, &right, &right].map(|proof| app.answer(&challenged, proof));
        let answers = join_all(tries).await;
        answers.iter().for_each(orderly);
        assert_eq!(answers.into_iter().filter(Result::is_ok).count(), 1);
        assert_eq!(app.number("SELECT COUNT(*) FROM sessions").await, before + 1);
    }
}
