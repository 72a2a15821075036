//! What the front ends of Django ask by mail: registering from elsewhere, links to their own pages, user names anew.

use crate::harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use doorward::{
    domain::{account::AccountId, history::Event},
    server::{
        auth::{AuthError, LinkFault, Origin, RegistrationForm, ResetForm},
        mailer::KeptMail,
        store::{accounts, audit},
    },
};
use futures::future::join_all;
use std::time::Duration;

const FRONT_END: &str = "http://localhost:3000";
const QUIET: &str = "compat.front_end = 'http://localhost:3000'";
const TELLING: &str = "compat.front_end = 'http://localhost:3000'
    compat.enumeration = 'djoser'";
const ACTIVATING: &str = "compat.front_end = 'http://localhost:3000'
    compat.activation_path = '/activate/{uid}/{token}'
    registration.confirmation = 'required'";
/// Where reset links lead by the settings.
const RESET_PAGE: &str = "/auth/password/reset-password-confirmation/?uid=";

fn form(name: &str, email: &str) -> RegistrationForm {
    RegistrationForm {
        email: email.to_owned(),
        username: name.to_owned(),
        password: PASSWORD.into(),
        password_again: PASSWORD.into(),
        first_name: String::new(),
        last_name: String::new(),
        website: String::new(),
    }
}

async fn register(app: &App, name: &str) -> Result<AccountId, AuthError> {
    app.auth.register_elsewhere(form(name, &format!("{name}@example.com")), &Origin::default()).await
}

fn uid_of(id: AccountId) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id.to_string())
}

/// The newest mail to `name` with this text in it; waits for it.
async fn mail(app: &App, name: &str, text: &str) -> KeptMail {
    for _ in 0..200 {
        let to = |mail: &KeptMail| mail.to == format!("{name}@example.com") && mail.text.contains(text);
        if let Some(mail) = app.mails().into_iter().find(to) {
            return mail;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail to {name} with {text:?}: {:?}", app.mails().iter().map(|mail| &mail.text).collect::<Vec<_>>());
}

/// `uid` and `token` of the front end's link in a mail: in the query, or the last two parts of the path.
fn parts(mail: &KeptMail) -> (String, String) {
    let link = mail.text.split_whitespace().find(|word| word.starts_with(FRONT_END)).expect("a link to the front end");
    let (uid, token) = match link.split_once("?uid=") {
        Some((_, query)) => query.split_once("&token=").unwrap(),
        None => {
            let (rest, token) = link.rsplit_once('/').unwrap();
            (rest.rsplit_once('/').unwrap().1, token)
        }
    };
    (uid.to_owned(), token.to_owned())
}

async fn reset(app: &App, (uid, token): &(String, String)) -> Result<(), AuthError> {
    let form = ResetForm {
        uid: uid.clone(),
        token: token.clone(),
        code: String::new(),
        password: OTHER_PASSWORD.into(),
        password_again: OTHER_PASSWORD.into(),
    };
    app.auth.confirm_password_reset(&form, None, &Origin::default()).await.map(drop)
}

fn fields(answer: Result<impl Sized, AuthError>) -> Vec<String> {
    match answer {
        Err(AuthError::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("taken"),
    }
}

/// The user name and whether the address is confirmed.
async fn state(app: &App, id: AccountId) -> (String, bool) {
    let account = accounts::find(&mut app.store.read().await.unwrap(), id).await.unwrap().expect("an account").account;
    (account.username, account.email_verified_at.is_some())
}

on_both_engines! {
    async fn registering_elsewhere_makes_an_account_and_signs_nobody_in(engine) {
        let app = App::start_with(engine, QUIET).await;
        let id = register(&app, "mona").await.unwrap();
        assert_eq!(state(&app, id).await, ("mona".to_owned(), false));
        assert!(app.auth.knows_uid(&uid_of(id)).await.unwrap());
        assert_eq!(app.anonymous().log_in("mona@example.com", PASSWORD).await.status, 200);
        assert_eq!(fields(app.auth.register_elsewhere(form("mona", "other@example.com"), &Origin::default()).await), ["username"]);
        assert_eq!(fields(app.auth.register_elsewhere(form("a b", "other"), &Origin::default()).await), ["email", "username"]);
    }

    async fn an_address_that_has_an_account_is_answered_as_any_other_and_its_owner_is_told(engine) {
        let app = App::start_with(engine, QUIET).await;
        let id = register(&app, "mona").await.unwrap();
        let second = app.auth.register_elsewhere(form("lisa", "MONA@example.com"), &Origin::default()).await.unwrap();
        assert!(second != id && (1..=AccountId::MAX).contains(&second.0), "an id that is nobody's");
        mail(&app, "mona", "tried to register").await;
        assert!(accounts::find(&mut app.store.read().await.unwrap(), second).await.unwrap().is_none());
        assert_eq!(app.anonymous().log_in("lisa", PASSWORD).await.status, 401);
        // What came back must not tell it either.
        let made = register(&app, "nils").await.unwrap();
        for id in [made, second] {
            assert!(app.auth.knows_uid(&uid_of(id)).await.unwrap());
            let wrong = app.auth.confirm_username_reset(&uid_of(id), "wrong", "olga", &Origin::default()).await;
            assert!(matches!(wrong, Err(LinkFault::Token)), "{wrong:?}");
        }
        assert_eq!(fields(app.auth.register_elsewhere(form("lisa", "x@example.com"), &Origin::default()).await), ["username"]);
        assert!(!app.auth.knows_uid("!").await.unwrap() && !app.auth.knows_uid(&uid_of(AccountId(-1))).await.unwrap());
    }

    async fn as_djoser_the_form_says_that_an_address_has_an_account(engine) {
        let app = App::start_with(engine, TELLING).await;
        let id = register(&app, "mona").await.unwrap();
        assert_eq!(fields(app.auth.register_elsewhere(form("lisa", "mona@example.com"), &Origin::default()).await), ["email"]);
        assert_eq!(fields(register(&app, "mona").await), ["email", "username"]);
        assert!(app.auth.knows_uid(&uid_of(id)).await.unwrap());
        assert!(!app.auth.knows_uid(&uid_of(AccountId(id.0 ^ 1))).await.unwrap());
    }

    async fn a_reset_that_the_front_end_asked_for_leads_to_its_page(engine) {
        let app = App::start_with(engine, QUIET).await;
        register(&app, "mona").await.unwrap();
        let mona = app.signed_in_again("mona").await;
        for email in ["Mona@Example.com", "nobody@example.com"] {
            app.auth.request_password_reset_elsewhere(email, &Origin::default()).await.unwrap();
        }
        assert_eq!(fields(app.auth.request_password_reset_elsewhere("x", &Origin::default()).await), ["email"]);
        let sent = mail(&app, "mona", RESET_PAGE).await;
        assert!(sent.text.contains("forgotten it: mona\n"), "{}", sent.text);
        assert!(!sent.text.contains(" code"), "nobody could type it: {}", sent.text);
        assert!(sent.html.contains("http://localhost:3000/auth/password/") && !sent.text.contains(&app.base));
        let link = parts(&sent);
        reset(&app, &link).await.unwrap();
        assert_eq!(mona.refresh().await.status, 401, "every session has ended");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
        assert!(matches!(reset(&app, &link).await, Err(AuthError::InvalidTicket)), "once");
        assert!(app.mails().iter().all(|mail| !mail.to.starts_with("nobody")));
    }

    async fn without_a_front_end_mails_lead_to_our_own_pages(engine) {
        let app = App::start(engine).await;
        register(&app, "mona").await.unwrap();
        app.auth.request_password_reset_elsewhere("mona@example.com", &Origin::default()).await.unwrap();
        let sent = app.mail_with("mona", "/reset-confirmation").await;
        assert!(!sent.text.contains(" code"), "it would work in no browser: {}", sent.text);
        app.auth.request_username_reset("mona@example.com", &Origin::default()).await.unwrap();
        let sent = mail(&app, "mona", "It is mona now.").await;
        assert!(sent.text.contains(&format!("{}/account\n", app.base)) && !sent.text.contains("token="), "{}", sent.text);
    }

    async fn a_mail_asked_for_on_our_own_page_stays_with_it(engine) {
        let app = App::start_with(engine, QUIET).await;
        let mona = app.signed_in("mona").await;
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        app.reset_mail("mona").await;
        assert!(app.mails().iter().all(|mail| !mail.text.contains(FRONT_END)));
    }

    async fn a_link_activates_an_account_once(engine) {
        let app = App::start_with(engine, ACTIVATING).await;
        let id = register(&app, "mona").await.unwrap();
        assert!(app.anonymous().log_in("mona", PASSWORD).await.json()["grant"].is_null(), "it waits to be confirmed");
        let sent = mail(&app, "mona", "http://localhost:3000/activate/").await;
        let (uid, token) = parts(&sent);
        assert_eq!(uid, uid_of(id));
        let origin = Origin::default();
        assert!(matches!(app.auth.activate(&uid, "wrong", &origin).await, Err(LinkFault::Token)));
        assert!(matches!(app.auth.activate("!", &token, &origin).await, Err(LinkFault::Uid)));
        assert!(matches!(app.auth.activate(&uid_of(AccountId(7)), &token, &origin).await, Err(LinkFault::Token)));
        assert!(!state(&app, id).await.1);
        app.auth.activate(&uid, &token, &origin).await.unwrap();
        assert!(state(&app, id).await.1);
        assert!(matches!(app.auth.activate(&uid, &token, &origin).await, Err(LinkFault::Stale)));
        let guessed = app.auth.activate(&uid, "wrong", &origin).await;
        assert!(matches!(guessed, Err(LinkFault::Token)), "only the link's holder learns that it is active: {guessed:?}");
        assert!(app.anonymous().log_in("mona", PASSWORD).await.json()["grant"].is_object());
    }

    async fn where_uids_may_be_told_an_unknown_one_is(engine) {
        let app = App::start_with(engine, &format!("{ACTIVATING}\n    compat.enumeration = 'djoser'")).await;
        let unknown = app.auth.activate(&uid_of(AccountId(7)), "x", &Origin::default()).await;
        assert!(matches!(unknown, Err(LinkFault::Uid)), "{unknown:?}");
        let unknown = app.auth.confirm_username_reset(&uid_of(AccountId(7)), "x", "olga", &Origin::default()).await;
        assert!(matches!(unknown, Err(LinkFault::Uid)), "{unknown:?}");
    }

    async fn where_no_path_is_set_the_link_alone_confirms_nothing(engine) {
        let app = App::start_with(engine, &format!("{QUIET}\n    registration.confirmation = 'required'")).await;
        let id = register(&app, "mona").await.unwrap();
        let sent = app.mail_with("mona", "/confirm-email").await;
        assert!(!sent.text.contains(FRONT_END), "{}", sent.text);
        let link = crate::harness::link_to(&sent.text, &app.base, "/confirm-email");
        let fields = crate::account::parts(&link);
        let alone = app.auth.activate(fields[0].1, fields[1].1, &Origin::default()).await;
        assert!(matches!(alone, Err(LinkFault::Token)), "{alone:?}");
        assert!(!state(&app, id).await.1);
        let with_password = [fields, vec![("password", PASSWORD)]].concat();
        assert_eq!(app.anonymous().action("confirm_email", &with_password).await.status, 200);
        assert!(state(&app, id).await.1);
    }

    async fn activation_is_mailed_again_at_a_measured_pace_to_who_waits_for_it(engine) {
        let app = App::start_with(engine, &format!("{ACTIVATING}\nthrottle.mail_to = '2/1h'")).await;
        let id = register(&app, "mona").await.unwrap();
        let first = parts(&mail(&app, "mona", "/activate/").await);
        let origin = Origin::default();
        app.auth.resend_activation("mona@example.com", &origin).await.unwrap();
        app.auth.resend_activation("nobody@example.com", &origin).await.unwrap();
        while app.mails().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(parts(&mail(&app, "mona", "/activate/").await), first, "the same link: whoever asks kills none");
        app.auth.resend_activation("mona@example.com", &origin).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(app.mails().len(), 2, "an address gets so many of them an hour");
        app.auth.activate(&first.0, &first.1, &origin).await.unwrap();
        assert!(state(&app, id).await.1);
        let (before, _) = (app.mails().len(), app.clock.advance(3601));
        app.auth.resend_activation("mona@example.com", &origin).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(app.mails().len(), before, "it is active");
        let app = app.restarted_with("registration.confirmation = 'off'").await;
        let off = app.auth.resend_activation("mona@example.com", &origin).await;
        assert!(matches!(off, Err(AuthError::NotFound)), "{off:?}");
    }

    async fn another_user_name_is_taken_with_the_mailed_link_once(engine) {
        let app = App::start_with(engine, QUIET).await;
        let (id, _) = (register(&app, "mona").await.unwrap(), register(&app, "nils").await.unwrap());
        let mona = app.signed_in_again("mona").await;
        let origin = Origin::default();
        for email in ["mona@example.com", "nobody@example.com"] {
            app.auth.request_username_reset(email, &origin).await.unwrap();
        }
        assert_eq!(fields(app.auth.request_username_reset("x", &origin).await), ["email"]);
        let sent = mail(&app, "mona", "http://localhost:3000/username/reset/confirm/").await;
        assert!(sent.text.contains("It is mona now.") && !sent.text.contains(" code"), "{}", sent.text);
        let (uid, token) = parts(&sent);
        for name in ["a b", "nils", "admin"] {
            match app.auth.confirm_username_reset(&uid, &token, name, &origin).await {
                Err(LinkFault::Other(error)) => assert_eq!(fields(Err::<(), _>(error)), ["username"], "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let changes = || app.auth.confirm_username_reset(&uid, &token, "lisa", &origin);
        let done = join_all((0..10).map(|_| changes())).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "one winner: {done:?}");
        assert!(matches!(changes().await, Err(LinkFault::Token)));
        assert_eq!(state(&app, id).await.0, "lisa");
        assert_eq!(mona.refresh().await.status, 200, "a name ends no session");
        assert!(mail(&app, "mona", "was changed from mona to lisa.").await.subject.contains("user name"));
        assert_eq!(fields(app.auth.register_elsewhere(form("mona", "x@example.com"), &origin).await), ["username"], "kept");
        assert_eq!(app.anonymous().log_in("lisa", PASSWORD).await.status, 200);
        assert!(app.mails().iter().all(|mail| !mail.to.starts_with("nobody")));
        let mut tx = app.store.read().await.unwrap();
        let noted = audit::of_account(&mut tx, id, i64::MAX, 50).await.unwrap();
        assert_eq!(noted.iter().filter(|noted| noted.event == Event::UsernameChanged).count(), 1);
    }

    async fn a_new_password_and_time_end_the_link_to_another_user_name(engine) {
        let app = App::start_with(engine, QUIET).await;
        let id = register(&app, "mona").await.unwrap();
        let origin = Origin::default();
        app.auth.request_username_reset("mona@example.com", &origin).await.unwrap();
        let name = parts(&mail(&app, "mona", "/username/reset/confirm/").await);
        app.auth.request_password_reset_elsewhere("mona@example.com", &origin).await.unwrap();
        reset(&app, &parts(&mail(&app, "mona", RESET_PAGE).await)).await.unwrap();
        let late = app.auth.confirm_username_reset(&name.0, &name.1, "lisa", &origin).await;
        assert!(matches!(late, Err(LinkFault::Token)), "{late:?}");
        app.clock.advance(61);
        app.auth.request_username_reset("mona@example.com", &origin).await.unwrap();
        let second = loop {
            let newest = parts(&mail(&app, "mona", "/username/reset/confirm/").await);
            if newest != name {
                break newest;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        app.clock.advance(app.settings.reset.link_lifetime);
        let late = app.auth.confirm_username_reset(&second.0, &second.1, "lisa", &origin).await;
        assert!(matches!(late, Err(LinkFault::Token)), "{late:?}");
        assert_eq!(state(&app, id).await.0, "mona");
    }

    async fn asking_too_often_is_refused_and_a_link_of_one_kind_is_none_of_another(engine) {
        let app = App::start_with(engine, &format!("{ACTIVATING}\n    throttle.mail = '2/1h'")).await;
        let origin = Origin { ip: "192.0.2.7".into(), ..Origin::default() };
        register(&app, "mona").await.unwrap();
        let (uid, token) = parts(&mail(&app, "mona", "/activate/").await);
        let as_name = app.auth.confirm_username_reset(&uid, &token, "lisa", &origin).await;
        assert!(matches!(as_name, Err(LinkFault::Token)), "{as_name:?}");
        assert!(matches!(reset(&app, &(uid, token)).await, Err(AuthError::InvalidTicket)));
        app.auth.request_username_reset("nobody@example.com", &origin).await.unwrap();
        app.auth.request_username_reset("mona@example.com", &origin).await.unwrap();
        let refused = app.auth.request_username_reset("nobody@example.com", &origin).await;
        assert!(matches!(refused, Err(AuthError::TooMany(_))), "{refused:?}");
        assert!(matches!(app.auth.resend_activation("mona@example.com", &origin).await, Err(AuthError::TooMany(_))));
        assert!(matches!(app.auth.request_password_reset_elsewhere("mona@example.com", &origin).await, Err(AuthError::TooMany(_))));
    }
}
