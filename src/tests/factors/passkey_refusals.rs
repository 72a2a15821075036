//! Passkeys that are refused: the wrong answer, the wrong ceremony, the wrong account, too late, and twice.

use super::{
    authenticator::Authenticator,
    passkey_people::{begin, enter, finish, holder, make, passkey_of, person, proof},
};
use crate::harness::{
    factors::{here, opened, refused, start_by_name as start},
    on_both_engines,
};
use doorward::server::auth::{AuthError, By, LoggedIn, Proof};
use futures::future::join_all;
use secrecy::ExposeSecret as _;

/// A change that makes an answer wrong.
type Spoil = fn(&mut Authenticator);

const SPOILS: [(&str, Spoil); 9] = [
    ("another origin", |one| one.origin = "https://evil.test".to_owned()),
    ("another port", |one| one.origin = "http://localhost:1".to_owned()),
    ("another scheme", |one| one.origin = one.origin.replace("http:", "https:")),
    ("a host below", |one| one.origin = one.origin.replace("localhost", "evil.localhost")),
    ("another domain", |one| one.domain = "evil.test".to_owned()),
    ("another challenge", |one| one.challenge = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned())),
    ("nobody was verified", |one| one.verifies = false),
    ("a spoilt signature", |one| one.spoils = true),
    ("another key", Authenticator::forget_key),
];

on_both_engines! {
    async fn nothing_but_the_right_answer_signs_in(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let phone = passkey_of(&app, &mona, "Phone").await;
        let ottos = passkey_of(&app, &person(&app, "otto").await, "Phone").await;
        for (what, spoil) in SPOILS {
            let mut wrong = phone.copy();
            spoil(&mut wrong);
            assert_eq!(refused(enter(&app, &mut wrong).await), "credential", "{what}");
        }
        for (what, handle) in [("nobody's", None), ("otto's", ottos.handle), ("unknown", Some("AAAAAAAAAAAAAAAAAAAAAA".to_owned()))] {
            let mut wrong = phone.copy();
            wrong.handle = handle;
            assert_eq!(refused(enter(&app, &mut wrong).await), "credential", "the handle is {what}");
        }
        let begun = begin(&app).await;
        for garbage in ["", "{}", "null", "[]", "\u{0}", &"x".repeat(20_000), "{\"id\":\"a\",\"rawId\":\"a\",\"response\":{},\"type\":\"public-key\"}"] {
            assert_eq!(refused(finish(&app, &begun, garbage).await), "credential", "{garbage:.40}");
        }
        let mut unknown = Authenticator::at(&app.base);
        unknown.handle.clone_from(&phone.handle);
        assert_eq!(refused(enter(&app, &mut unknown).await), "credential");
        assert_eq!(app.queued("passkey_cloned").await, 0, "none of them was a right signature");
        opened(enter(&app, &mut phone.copy()).await);
    }

    async fn nothing_but_the_right_answer_is_enrolled(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        // What signs nothing yet cannot be spoilt by its key or its signature.
        for (what, spoil) in SPOILS.into_iter().take(7) {
            let mut wrong = Authenticator::at(&app.base);
            spoil(&mut wrong);
            assert_eq!(refused(make(&app, &mona, &mut wrong, "Phone").await), "credential", "{what}");
        }
        let by = By::Session(&mona.principal);
        let begun = app.auth.start_passkey_enrolment(by, &here()).await.unwrap();
        for garbage in ["", "{}", "null", "\u{0}"] {
            let kept = app.auth.finish_passkey_enrolment(by, (&begun.ceremony, garbage), "Phone", &here()).await;
            assert_eq!(refused(kept), "credential", "{garbage}");
        }
        assert!(app.auth.factors(&mona.principal).await.unwrap().passkeys.is_empty());
        assert!(matches!(app.type_password("mona", &here(), None).await, Ok(LoggedIn::Opened(_))), "no factor is asked for");
    }

    async fn a_ceremony_is_good_for_what_it_was_begun_for_only(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let mona = holder(&app, &opened(enter(&app, &mut phone).await)).await;
        let other = holder(&app, &opened(enter(&app, &mut phone).await)).await;
        let (first, second) = (app.challenged("mona").await, app.challenged("mona").await);
        let which = |one: &'static str| match one {
            "first" => (Some(first.token.expose_secret()), None),
            _ => (Some(second.token.expose_secret()), None),
        };
        let of_first = app.auth.start_challenge_passkey(which("first"), &here()).await.unwrap();
        let of_session = app.auth.start_proof_passkey(Some(&mona.held), &here()).await.unwrap();
        let of_log_in = begin(&app).await;
        for begun in [&of_first, &of_session] {
            let shown = phone.show(&begun.options);
            assert_eq!(refused(finish(&app, begun, &shown).await), "credential", "begun for something else");
        }
        for begun in [&of_log_in, &of_session, &of_first] {
            let shown = proof(begun, phone.show(&begun.options));
            assert_eq!(refused(app.auth.answer_challenge(which("second"), &shown, false, &here()).await), "credential");
            let shown = Proof::Factor(proof(begun, phone.show(&begun.options)));
            assert_eq!(refused(app.auth.step_up(Some(&other.held), &shown, &here()).await), "credential");
        }
        // Each of them is good where it belongs.
        let shown = phone.show(&of_log_in.options);
        opened(finish(&app, &of_log_in, &shown).await);
        let shown = proof(&of_first, phone.show(&of_first.options));
        app.auth.answer_challenge(which("first"), &shown, false, &here()).await.unwrap();
        let shown = Proof::Factor(proof(&of_session, phone.show(&of_session.options)));
        app.auth.step_up(Some(&mona.held), &shown, &here()).await.unwrap();
    }

    async fn a_passkey_belongs_to_one_account(engine) {
        let app = start(engine, "").await;
        let (mona, otto) = (person(&app, "mona").await, person(&app, "otto").await);
        let phone = passkey_of(&app, &mona, "Phone").await;
        let mut ottos = passkey_of(&app, &otto, "Phone").await;
        let taken = make(&app, &otto, &mut phone.copy(), "Mine").await;
        assert_eq!(refused(taken), "credential", "its id is another account's");
        let taken = make(&app, &mona, &mut phone.copy(), "Twice").await;
        assert_eq!(refused(taken), "credential", "its own account has it already");

        let begun = app.auth.start_passkey_enrolment(By::Session(&mona.principal), &here()).await.unwrap();
        let made = Authenticator::at(&app.base).make(&begun.options);
        let planted = app.auth.finish_passkey_enrolment(By::Session(&otto.principal), (&begun.ceremony, &made), "", &here()).await;
        assert_eq!(refused(planted), "credential", "the ceremony is mona's");

        let waits = app.challenged("mona").await;
        let which = (Some(waits.token.expose_secret()), None);
        let begun = app.auth.start_challenge_passkey(which, &here()).await.unwrap();
        for handle in [ottos.handle.clone(), phone.handle.clone(), None] {
            ottos.handle = handle;
            let shown = proof(&begun, ottos.show(&begun.options));
            assert_eq!(refused(app.auth.answer_challenge(which, &shown, false, &here()).await), "credential");
        }
        assert_eq!(app.auth.factors(&mona.principal).await.unwrap().passkeys.len(), 1);
    }

    async fn a_ceremony_waits_for_five_minutes(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let begun = begin(&app).await;
        app.clock.advance(299);
        let shown = phone.show(&begun.options);
        opened(finish(&app, &begun, &shown).await);
        let begun = begin(&app).await;
        let enrolment = app.auth.start_passkey_enrolment(By::Session(&mona.principal), &here()).await.unwrap();
        app.clock.advance(300);
        let shown = phone.show(&begun.options);
        assert_eq!(refused(finish(&app, &begun, &shown).await), "credential");
        let made = Authenticator::at(&app.base).make(&enrolment.options);
        let by = By::Session(&mona.principal);
        let late = app.auth.finish_passkey_enrolment(by, (&enrolment.ceremony, &made), "", &here()).await;
        assert_eq!(refused(late), "credential");
    }

    async fn of_twenty_who_finish_a_ceremony_one_gets_in(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = Authenticator::at(&app.base);
        let begun = app.auth.start_passkey_enrolment(By::Session(&mona.principal), &here()).await.unwrap();
        let made = phone.make(&begun.options);
        let origin = here();
        let by = By::Session(&mona.principal);
        let all = (0..3).map(|_| app.auth.finish_passkey_enrolment(by, (&begun.ceremony, &made), "", &origin));
        assert_eq!(join_all(all).await.into_iter().filter(Result::is_ok).count(), 1);
        for counts in [1, 0] {
            let mut one = if counts == 1 { phone.copy() } else { Authenticator::at(&app.base) };
            one.counts = counts;
            if counts == 0 {
                make(&app, &mona, &mut one, "").await.unwrap();
            }
            let begun = begin(&app).await;
            let shown = one.show(&begun.options);
            let entered = join_all((0..20).map(|_| finish(&app, &begun, &shown))).await;
            assert_eq!(entered.iter().filter(|one| one.is_ok()).count(), 1, "{entered:?}");
        }
        assert_eq!(app.queued("passkey_cloned").await, 0, "the same answer many times is no copy");
    }

    async fn five_wrong_answers_end_the_sign_in_that_waits(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        let waits = app.challenged("mona").await;
        let which = (Some(waits.token.expose_secret()), None);
        let begun = app.auth.start_challenge_passkey(which, &here()).await.unwrap();
        phone.spoils = true;
        for _ in 0..4 {
            let shown = proof(&begun, phone.show(&begun.options));
            assert_eq!(refused(app.auth.answer_challenge(which, &shown, false, &here()).await), "credential");
        }
        let shown = proof(&begun, phone.show(&begun.options));
        let fifth = app.auth.answer_challenge(which, &shown, false, &here()).await;
        assert!(matches!(fifth, Err(AuthError::ChallengeOver)));
        phone.spoils = false;
        let shown = proof(&begun, phone.show(&begun.options));
        let right = app.auth.answer_challenge(which, &shown, false, &here()).await;
        assert!(matches!(right, Err(AuthError::ChallengeOver)));
    }

    async fn a_disabled_account_is_not_entered_by_its_passkey(engine) {
        let app = start(engine, "").await;
        let mona = person(&app, "mona").await;
        let mut phone = passkey_of(&app, &mona, "Phone").await;
        app.auth.set_disabled(mona.id, true).await.unwrap();
        assert_eq!(refused(enter(&app, &mut phone).await), "credential");
        app.auth.set_disabled(mona.id, false).await.unwrap();
        opened(enter(&app, &mut phone).await);
    }

    async fn begun_ceremonies_are_counted(engine) {
        let app = start(engine, "throttle.ceremony = '3/1m'").await;
        for _ in 0..3 {
            begin(&app).await;
        }
        let fourth = app.auth.start_passkey_log_in(false, &here()).await;
        assert!(matches!(fourth, Err(AuthError::TooMany(_))));
    }
}
