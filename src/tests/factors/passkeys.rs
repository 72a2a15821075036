//! Passkeys: made, named, shown alone, as second factor and as proof; and never the last way in that is lost.

use super::{
    authenticator::Authenticator,
    passkey_people::{begin, enter, events, finish, holder, make, passkey_of, person, proof, public_id},
};
use crate::harness::{
    App, PASSWORD, START,
    factors::{here, opened, refused, start_by_name as start},
    on_both_engines,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    domain::factor::AssuranceLevel,
    server::auth::{AuthError, By, Proof},
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::collections::BTreeSet;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

on_both_engines! {
    async fn several_passkeys_are_made_named_listed_renamed_and_removed(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = Authenticator::at(&app.base);
        let first = make(&app, &mona, &mut phone, " Mona's phone ").await.unwrap();
        assert_eq!(first.codes.expect("recovery codes come with the first").expose().len(), 10);
        app.clock.advance(1);
        let mut key = Authenticator::at(&app.base);
        assert!(make(&app, &mona, &mut key, "").await.unwrap().codes.is_none(), "there are recovery codes already");
        let listed = app.auth.factors(&mona.principal).await.unwrap();
        let told: Vec<_> = listed.passkeys.iter().map(|one| (one.name.as_str(), one.last_used_at)).collect();
        assert_eq!(told, [("Mona's phone", None), ("Firefox on Linux", None)]);
        let [of_phone, of_key] = [0, 1].map(|which: usize| listed.passkeys[which].id.clone());
        assert!(of_phone != of_key && [&of_phone, &of_key].iter().all(|id| id.len() == 22), "names of ours: {of_phone} {of_key}");
        assert_eq!((listed.passkeys[0].created_at, listed.recovery_codes_left), (START, 10));

        app.auth.rename_passkey(&mona.principal, &of_key, "Key ring", &here()).await.unwrap();
        for wrong in ["a\u{0}b".to_owned(), "x".repeat(101)] {
            assert_eq!(refused(app.auth.rename_passkey(&mona.principal, &of_key, &wrong, &here()).await), "name");
        }
        let otto = person(&app, "otto").await;
        for (whose, id) in [(&otto, of_key), (&mona, "none".to_owned()), (&mona, key.name())] {
            let renamed = app.auth.rename_passkey(&whose.principal, &id, "Mine", &here()).await;
            assert!(matches!(renamed, Err(AuthError::NotFound)));
            let removed = app.auth.remove_passkey(&whose.principal, &id, &here()).await;
            assert!(matches!(removed, Err(AuthError::NotFound)));
        }
        app.auth.remove_passkey(&mona.principal, &of_phone, &here()).await.unwrap();
        let listed = app.auth.factors(&mona.principal).await.unwrap();
        assert_eq!(listed.passkeys.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Key ring"]);
        assert_eq!(refused(enter(&app, &mut phone).await), "credential", "a removed one is refused at once");
        opened(enter(&app, &mut key).await);
        let told = events(&app, &mona).await;
        for (event, times) in [("passkey_added", 2), ("passkey_renamed", 1), ("passkey_removed", 1), ("logged_in_with_passkey", 1)] {
            assert_eq!(told.iter().filter(|one| **one == event).count(), times, "{event}: {told:?}");
        }
        assert_eq!((app.queued("passkey_added").await, app.queued("passkey_removed").await), (2, 1));
    }

    async fn a_passkey_alone_signs_in_at_the_higher_level(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        app.clock.advance(60);
        let begun = begin(&app).await;
        let options = json(&begun.options);
        assert_eq!(options["publicKey"]["userVerification"], "required");
        assert_eq!(options["publicKey"]["rpId"], "localhost");
        assert_eq!(options["publicKey"]["allowCredentials"], serde_json::json!([]), "nobody has said who they are");
        assert!(options["mediation"].is_null());
        let autofill = app.auth.start_passkey_log_in(true, &here()).await.unwrap();
        assert_eq!(json(&autofill.options)["mediation"], "conditional");

        let shown = phone.show(&begun.options);
        let again = holder(&app, &opened(finish(&app, &begun, &shown).await)).await;
        assert_eq!((again.id, again.principal.level), (mona.id, AssuranceLevel::Two));
        let listed = app.auth.factors(&again.principal).await.unwrap();
        assert_eq!(listed.passkeys[0].last_used_at, Some(START.plus(60)));
        assert!(app.auth.refresh(Some(&again.held), &here()).await.is_ok());
    }

    async fn the_passkey_that_is_made_can_be_found_and_is_not_made_twice(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let phone = passkey_of(&app, &mona, "Phone").await;
        let begun = app.auth.start_passkey_enrolment(By::Session(&mona.principal), &here()).await.unwrap();
        let options = json(&begun.options);
        let key = &options["publicKey"];
        assert_eq!(key["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(key["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(key["excludeCredentials"][0]["id"], phone.name());
        assert_eq!(key["rp"]["id"], "localhost");
        let handle = key["user"]["id"].as_str().unwrap();
        assert_eq!(Some(handle), phone.handle.as_deref(), "an account keeps its handle");
        assert_eq!(URL_SAFE_NO_PAD.decode(handle).unwrap().len(), 16);
        let otto = person(&app, "otto").await;
        assert_ne!(passkey_of(&app, &otto, "Phone").await.handle, phone.handle);
    }

    async fn a_passkey_is_a_second_factor_after_the_password(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let waits = app.challenged("mona").await;
        let which = (Some(waits.token.expose_secret()), None);
        let waiting = app.auth.waiting(which.0, None).await.unwrap().unwrap();
        assert!(waiting.takes_passkey && waiting.takes_recovery_code && !waiting.takes_totp);
        let begun = app.auth.start_challenge_passkey(which, &here()).await.unwrap();
        assert_eq!(json(&begun.options)["publicKey"]["allowCredentials"][0]["id"], phone.name());
        // The owner is known already: an authenticator that does not say whose the passkey is will do.
        phone.handle = None;
        let shown = proof(&begun, phone.show(&begun.options));
        let answered = app.auth.answer_challenge(which, &shown, false, &here()).await.unwrap();
        assert_eq!(holder(&app, &answered.opened).await.principal.level, AssuranceLevel::Two);
        let twice = app.auth.answer_challenge(which, &shown, false, &here()).await;
        assert!(matches!(twice, Err(AuthError::ChallengeOver)));
    }

    async fn a_passkey_is_proof_inside_a_session_and_the_password_is_not(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let mona = holder(&app, &opened(enter(&app, &mut phone).await)).await;
        app.clock.advance(601);
        let stale = app.auth.make_recovery_codes(&mona.principal, &here()).await;
        assert!(matches!(stale, Err(AuthError::ProofRequired)));
        let password = Proof::Password(crate::harness::PASSWORD.into());
        assert_eq!(refused(app.auth.step_up(Some(&mona.held), &password, &here()).await), "current_password");
        let begun = app.auth.start_proof_passkey(Some(&mona.held), &here()).await.unwrap();
        let shown = Proof::Factor(proof(&begun, phone.show(&begun.options)));
        let stepped = app.auth.step_up(Some(&mona.held), &shown, &here()).await.unwrap();
        let fresh = holder(&app, &stepped).await;
        app.auth.make_recovery_codes(&fresh.principal, &here()).await.unwrap();
        assert_eq!(refused(app.auth.step_up(Some(&fresh.held), &shown, &here()).await), "credential", "it was used");
    }

    async fn a_session_from_before_the_passkey_must_show_it(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let before = opened(app.type_password("mona", &here(), None).await);
        let before = (before.cookie.token.expose_secret().to_owned(), before.grant.access_token);
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        assert!(matches!(app.auth.authenticate(&before.1).await, Err(AuthError::FactorRequired)));
        assert!(matches!(app.auth.refresh(Some(&before.0), &here()).await, Err(AuthError::FactorRequired)));
        let begun = app.auth.start_challenge_passkey((None, Some(&before.0)), &here()).await.unwrap();
        let shown = proof(&begun, phone.show(&begun.options));
        let answered = app.auth.answer_challenge((None, Some(&before.0)), &shown, false, &here()).await.unwrap();
        assert_eq!(holder(&app, &answered.opened).await.principal.level, AssuranceLevel::Two);
    }

    async fn a_counter_that_does_not_grow_is_a_copy_and_its_owner_is_told(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let mut copy = phone.copy();
        opened(enter(&app, &mut phone).await);
        opened(enter(&app, &mut phone).await);
        assert_eq!(refused(enter(&app, &mut copy).await), "credential");
        assert_eq!(app.queued("passkey_cloned").await, 1);
        assert!(events(&app, &mona).await.contains(&"passkey_cloned"));
        assert_eq!(app.auth.factors(&mona.principal).await.unwrap().passkeys.len(), 1, "it stays");
        opened(enter(&app, &mut phone).await);
    }

    async fn an_answer_that_is_sent_twice_is_no_copy(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let begun = begin(&app).await;
        let shown = phone.show(&begun.options);
        opened(finish(&app, &begun, &shown).await);
        assert_eq!(refused(finish(&app, &begun, &shown).await), "credential");
        assert_eq!(app.queued("passkey_cloned").await, 0);
        assert!(!events(&app, &mona).await.contains(&"passkey_cloned"));
    }

    async fn authenticators_that_do_not_count_are_fine(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut synced = Authenticator::at(&app.base);
        synced.counts = 0;
        make(&app, &mona, &mut synced, "Synced").await.unwrap();
        for _ in 0..3 {
            opened(enter(&app, &mut synced).await);
        }
        assert_eq!(app.queued("passkey_cloned").await, 0);
    }

    async fn the_last_way_in_cannot_be_removed(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let without = app.auth.remove_password(&mona.principal, &PASSWORD.into(), &here()).await;
        assert!(matches!(without, Err(AuthError::LastWayIn)), "there is nothing but the password");
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        app.auth.remove_password(&mona.principal, &PASSWORD.into(), &here()).await.unwrap();
        let id = public_id(&app, &mona, "Phone").await;
        let last = app.auth.remove_passkey(&mona.principal, &id, &here()).await;
        assert!(matches!(last, Err(AuthError::LastWayIn)));
        opened(enter(&app, &mut phone).await);
        let mut key = passkey_of(&app, &mona, "Key").await;
        app.auth.remove_passkey(&mona.principal, &id, &here()).await.unwrap();
        opened(enter(&app, &mut key).await);
        assert!(app.type_password("mona", &here(), None).await.is_err());
    }

    async fn of_two_last_ways_that_are_removed_at_once_one_stays(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        for name in ["One", "Two"] {
            passkey_of(&app, &mona, name).await;
        }
        let keys = [public_id(&app, &mona, "One").await, public_id(&app, &mona, "Two").await];
        app.auth.remove_password(&mona.principal, &PASSWORD.into(), &here()).await.unwrap();
        let origin = here();
        let remove = |id: usize| app.auth.remove_passkey(&mona.principal, &keys[id], &origin);
        let (one, two) = tokio::join!(remove(0), remove(1));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert_eq!(app.auth.factors(&mona.principal).await.unwrap().passkeys.len(), 1);
    }

    async fn there_are_as_many_as_the_settings_allow(engine) {
        let app = start(engine, "factors.passkeys = 2").await;
        let mona = person(&app, "mona").await;
        passkey_of(&app, &mona, "One").await;
        let early = app.auth.start_passkey_enrolment(By::Session(&mona.principal), &here()).await.unwrap();
        passkey_of(&app, &mona, "Two").await;
        assert_eq!(refused(make(&app, &mona, &mut Authenticator::at(&app.base), "Three").await), "name");
        let made = Authenticator::at(&app.base).make(&early.options);
        let by = By::Session(&mona.principal);
        let third = app.auth.finish_passkey_enrolment(by, (&early.ceremony, &made), "Three", &here()).await;
        assert_eq!(refused(third), "credential", "one that was begun before is not let through");
        assert_eq!(app.auth.factors(&mona.principal).await.unwrap().passkeys.len(), 2);
    }

    async fn a_hundred_ceremonies_have_a_hundred_challenges(engine) {
        let app = start(engine, "").await;
        let mut seen = BTreeSet::new();
        for _ in 0..100 {
            let begun = begin(&app).await;
            let challenge = json(&begun.options)["publicKey"]["challenge"].as_str().unwrap().to_owned();
            assert!(URL_SAFE_NO_PAD.decode(&challenge).unwrap().len() >= 16, "{challenge}");
            assert!(!begun.ceremony.contains(&challenge));
            assert!(seen.insert(challenge));
        }
    }

    async fn at_an_address_without_a_name_there_are_no_passkeys(engine) {
        let app = App::start(engine).await;
        let mona = person(&app, "mona").await;
        let log_in = app.auth.start_passkey_log_in(false, &here()).await;
        assert!(matches!(log_in, Err(AuthError::NotFound)));
        let enrol = app.auth.start_passkey_enrolment(By::Session(&mona.principal), &here()).await;
        assert!(matches!(enrol, Err(AuthError::NotFound)));
        assert_eq!(app.anonymous().page("/.well-known/passkey-endpoints").await.status, 404);

        let app = start(engine, "").await;
        let answer = app.anonymous().page("/.well-known/passkey-endpoints").await;
        let page = format!("{}/account/factors", app.base);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.json(), serde_json::json!({ "enroll": page, "manage": page }));
    }
}
