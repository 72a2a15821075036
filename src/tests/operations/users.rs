//! What an operator does with accounts is felt by running servers at once, is noted, and needs no mail.

use super::{command, complained, doorward, fields_of, json, said, typed};
use crate::harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines};
use doorward::{
    domain::history::Event,
    server::{
        auth::{IssuedLink, NewUser, OperatorError, PasswordKind},
        clock::{Clock as _, SystemClock},
        store::{account_list::Only, audit},
    },
};
use secrecy::ExposeSecret as _;

fn new_user(name: &str, password: Option<&str>) -> NewUser {
    NewUser {
        email: format!("{name}@example.com"),
        username: name.to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        password: password.map(Into::into),
        confirmed: false,
        admin: false,
    }
}

/// Who did what to this account, oldest first.
async fn history(app: &App, who: &str) -> Vec<(Event, String)> {
    let id = app.auth.user(who).await.unwrap().account.id;
    let mut tx = app.store.read().await.unwrap();
    let found = audit::of_account(&mut tx, id, i64::MAX, 100).await.unwrap();
    found.into_iter().rev().map(|event| (event.event, event.device_label)).collect()
}

/// Chooses another password with an operator's link.
async fn follow(app: &App, link: &IssuedLink) -> u16 {
    let form = [
        ("uid", link.uid.as_str()),
        ("token", link.token.expose_secret()),
        ("password", OTHER_PASSWORD),
        ("password_again", OTHER_PASSWORD),
    ];
    app.anonymous().action("confirm_password_reset", &form).await.status
}

/// Signs in to stay signed in.
async fn remembered(app: &App, name: &str) -> crate::harness::Caller {
    let caller = app.anonymous();
    let fields = [("identifier", name), ("password", PASSWORD), ("remember", "on")];
    assert_eq!(caller.action("log_in", &fields).await.status, 200);
    caller
}

on_both_engines! {
    async fn a_disabled_account_is_out_at_once_and_its_links_stay_dead(engine) {
        let app = App::start(engine).await;
        let mona = app.anonymous();
        let token = mona.register("mona").await.token();
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (mailed, _) = app.reset_mail("mona").await;
        let made = app.auth.make_reset_link("mona").await.unwrap().what;
        let id = app.auth.user("mona").await.unwrap().account.id;
        assert!(app.auth.set_disabled(id, true).await.unwrap());
        assert_eq!(mona.account(&token).await.status, 401, "the access token is dead");
        assert_eq!(mona.twin().refresh().await.status, 401);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        assert!(!app.auth.set_disabled(id, true).await.unwrap(), "it was so already");
        assert!(matches!(app.auth.make_reset_link("mona").await, Err(OperatorError::Disabled)));
        assert!(app.auth.set_disabled(id, false).await.unwrap());
        assert_eq!(mona.refresh().await.status, 401, "what has ended stays so");
        assert_ne!(follow(&app, &made).await, 200);
        let mut form = fields_of(&mailed);
        form.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        assert_ne!(app.anonymous().action("confirm_password_reset", &form).await.status, 200);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
        let history = history(&app, "mona").await;
        let by_operator: Vec<Event> =
            history.iter().filter(|(_, device)| device == "operator").map(|(event, _)| *event).collect();
        assert_eq!(by_operator, [Event::ResetLinkIssued, Event::Disabled, Event::Enabled], "once each");
    }

    async fn an_operator_makes_accounts_by_the_rules_of_registration_though_it_is_closed(engine) {
        let app = App::start_with(engine, "registration.open = false\nthrottle.register = '1/1h'").await;
        for name in ["mona", "nora", "otto"] {
            app.auth.create_user(NewUser { confirmed: true, ..new_user(name, Some(PASSWORD)) }).await.unwrap();
            assert_eq!(app.anonymous().log_in(name, PASSWORD).await.status, 200);
        }
        assert!(app.auth.user("mona").await.unwrap().account.email_verified_at.is_some());
        assert_eq!(history(&app, "nora").await[0], (Event::Registered, "operator".to_owned()));
        let refused = async |new: NewUser| match app.auth.create_user(new).await {
            Err(OperatorError::Invalid(errors)) => errors.into_iter().map(|error| error.field.to_string()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(new_user("MONA", Some(PASSWORD))).await, ["email", "username"], "both are in use");
        assert_eq!(refused(new_user("mona", None)).await, ["email", "username"], "without a password, too");
        assert_eq!(refused(new_user("peter", Some("password123"))).await, ["password"]);
        assert_eq!(refused(new_user("peter", Some(""))).await, ["password"], "an empty one is none");
        assert_eq!(refused(NewUser { email: "x".into(), ..new_user("a", None) }).await, ["email", "username"]);
        assert_eq!(app.auth.list_users(Only::default(), 100).await.unwrap().len(), 3, "nothing was half made");
        assert!(app.mails().is_empty(), "nothing is mailed");
    }

    async fn an_account_without_a_password_gets_a_link_that_shows_nothing_of_its_address(engine) {
        let app = App::start(engine).await;
        let created = app.auth.create_user(new_user("mona", None)).await.unwrap();
        let link = created.link.unwrap();
        assert_eq!(link.expires_at, app.clock.now().plus(app.settings.reset.link_lifetime));
        assert_eq!(app.auth.show_user("mona").await.unwrap().password, PasswordKind::None);
        assert_eq!(follow(&app, &link).await, 200);
        assert_ne!(follow(&app, &link).await, 200, "it works once");
        assert_eq!(app.anonymous().log_in("mona", OTHER_PASSWORD).await.status, 200);
        let shown = app.auth.show_user("mona").await.unwrap();
        assert_eq!((shown.password, shown.sessions), (PasswordKind::Set, 1));
        assert_eq!(shown.account.email_verified_at, None, "no mail arrived there");
        let events: Vec<Event> = history(&app, "mona").await.into_iter().map(|(event, _)| event).collect();
        assert_eq!(events[..3], [Event::Registered, Event::ResetLinkIssued, Event::PasswordReset]);
        let admin = app.auth.create_user(NewUser { admin: true, ..new_user("nora", None) }).await.unwrap();
        assert_eq!(follow(&app, &admin.link.unwrap()).await, 200, "an administrator's link fits its account, too");
    }

    async fn a_newer_link_ends_the_earlier_ones_and_none_outlives_its_time(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (mailed, _) = app.reset_mail("mona").await;
        let first = app.auth.make_reset_link("mona").await.unwrap().what;
        let mut form = fields_of(&mailed);
        form.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        assert_ne!(app.anonymous().action("confirm_password_reset", &form).await.status, 200, "the mailed one ended");
        let second = app.auth.make_reset_link("mona@EXAMPLE.com").await.unwrap().what;
        assert_ne!(follow(&app, &first).await, 200);
        app.clock.advance(app.settings.reset.link_lifetime);
        assert_ne!(follow(&app, &second).await, 200);
        assert_eq!(mona.refresh().await.status, 200, "a link that nobody followed ends no session");
        let third = app.auth.make_reset_link("mona").await.unwrap().what;
        assert_eq!(follow(&app, &third).await, 200);
        assert_eq!(mona.refresh().await.status, 401);
    }

    async fn administrators_sessions_are_short_kept_signed_in_or_not(engine) {
        let app = App::start(engine).await;
        let early = app.signed_in("mona").await;
        let id = app.auth.user("mona").await.unwrap().account.id;
        assert!(app.auth.set_admin(id, true).await.unwrap());
        assert!(!app.auth.set_admin(id, true).await.unwrap(), "it was so already");
        assert_eq!(early.refresh().await.status, 401, "sessions from before have ended");
        let (kept, plain) = (remembered(&app, "mona").await, app.signed_in_again("mona").await);
        app.clock.advance(app.settings.session.admin_idle - 1);
        assert_eq!((kept.refresh().await.status, plain.refresh().await.status), (200, 200));
        app.clock.advance(app.settings.session.admin_idle);
        assert_eq!((kept.refresh().await.status, plain.refresh().await.status), (401, 401), "idle for an hour");
        let busy = remembered(&app, "mona").await;
        for _ in 0..47 {
            app.clock.advance(1800);
            assert_eq!(busy.refresh().await.status, 200);
        }
        app.clock.advance(1800);
        assert_eq!(busy.refresh().await.status, 401, "a day in all");
        assert!(app.auth.set_admin(id, false).await.unwrap());
        let ordinary = remembered(&app, "mona").await;
        app.clock.advance(app.settings.session.admin_absolute);
        assert_eq!(ordinary.refresh().await.status, 200);
        let events: Vec<Event> = history(&app, "mona").await.into_iter().map(|(event, _)| event).collect();
        assert_eq!(events.iter().filter(|event| **event == Event::Promoted).count(), 1);
        assert_eq!(events.iter().filter(|event| **event == Event::Demoted).count(), 1);
    }

    async fn a_user_is_found_by_name_address_and_number_and_never_mixed_up(engine) {
        let app = App::start(engine).await;
        let mona = app.auth.create_user(new_user("mona", None)).await.unwrap().account;
        for who in ["mona", " MONA ", "Mona@example.com", &mona.id.to_string()] {
            assert_eq!(app.auth.user(who).await.unwrap().account.id, mona.id, "{who}");
        }
        for who in ["", "nobody", "0", "-1", "99999999999999999999", "nobody@example.com", "%"] {
            assert!(matches!(app.auth.user(who).await, Err(OperatorError::NoSuchUser)), "{who}");
        }
        let number = mona.id.to_string();
        let twin = NewUser { username: number.clone(), ..new_user("twin", None) };
        app.auth.create_user(twin).await.unwrap();
        assert!(matches!(app.auth.user(&number).await, Err(OperatorError::Ambiguous)));
    }

    async fn an_operator_sees_sessions_and_ends_one_or_all(engine) {
        let app = App::start(engine).await;
        let (first, other) = (app.signed_in("mona").await, app.signed_in("nora").await);
        app.clock.advance(5);
        let second = app.signed_in_again("mona").await;
        assert_eq!(app.auth.open_sessions(None, 100).await.unwrap().len(), 3);
        assert_eq!(app.auth.open_sessions(None, 2).await.unwrap().len(), 2);
        let open = app.auth.open_sessions(Some("mona"), 100).await.unwrap();
        let sids: Vec<&str> = open.iter().map(|session| session.summary.sid.as_str()).collect();
        assert_eq!(sids, [app.sid(&second).await, app.sid(&first).await], "the one used last first");
        let nora = app.sid(&other).await;
        assert!(matches!(app.auth.end_sessions("mona", Some(&nora)).await, Err(OperatorError::NoSuchSession)));
        assert_eq!(app.auth.end_sessions("mona", Some(sids[1])).await.unwrap().what, 1);
        assert!(matches!(app.auth.end_sessions("mona", Some(sids[1])).await, Err(OperatorError::NoSuchSession)));
        assert_eq!((first.refresh().await.status, second.refresh().await.status), (401, 200));
        assert_eq!(app.auth.end_sessions("mona", None).await.unwrap().what, 1);
        assert_eq!((second.refresh().await.status, other.refresh().await.status), (401, 200));
        let events: Vec<Event> = history(&app, "mona").await.into_iter().map(|(event, _)| event).collect();
        assert_eq!(events.iter().filter(|event| **event == Event::SessionEnded).count(), 1);
        assert_eq!(events.last(), Some(&Event::AllSessionsEnded));
    }

    async fn the_command_is_felt_by_the_running_server_and_says_by_exit_code_what_became_of_it(engine) {
        let app = App::start(engine).await;
        // The command has the real time.
        app.clock.set(SystemClock.now());
        let create = ["user", "create", "--email", "mona@example.com", "--username", "mona", "--password-stdin", "--admin"];
        let created = typed(&app, &create, &format!("{PASSWORD}\n"));
        assert_eq!(created.status.code(), Some(0), "{}", complained(&created));
        assert!(!said(&created).contains(PASSWORD) && !said(&created).contains("reset-confirmation"), "{}", said(&created));
        let mona = app.anonymous();
        assert_eq!(mona.log_in("mona", PASSWORD).await.status, 200);
        let empty = ["user", "create", "--email", "nora@example.com", "--username", "nora", "--password-stdin"];
        assert_eq!(typed(&app, &empty, "").status.code(), Some(1), "an empty password is not the same as none");
        let again = typed(&app, &create, PASSWORD);
        assert_eq!((again.status.code(), said(&again)), (Some(1), String::new()));
        assert!(complained(&again).contains("user name is taken"), "{}", complained(&again));
        let shown = command(&app, &["user", "show", "mona", "--json"]);
        let view = json(&shown);
        assert_eq!((view["username"].as_str(), view["sessions"].as_i64()), (Some("mona"), Some(1)));
        assert!(view["admin_since"].is_string() && view["password"] == "set" && view["disabled_at"].is_null());
        assert!(!said(&shown).contains("argon2"), "no hash");
        let sessions = json(&command(&app, &["--json", "user", "sessions"]));
        assert_eq!(sessions["sessions"][0]["sid"].as_str().unwrap(), app.sid(&mona).await);
        let link = json(&command(&app, &["user", "reset-link", "mona", "--json"]));
        let link = link["reset_link"].as_str().unwrap().to_owned();
        assert!(link.starts_with(&format!("{}/reset-confirmation?uid=", app.base)), "{link}");
        let mut form = fields_of(&link);
        form.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        assert_eq!(app.anonymous().action("confirm_password_reset", &form).await.status, 200);
        assert_eq!(mona.log_in("mona", OTHER_PASSWORD).await.status, 200);
        let disabled = command(&app, &["user", "disable", "mona"]);
        assert_eq!(disabled.status.code(), Some(0));
        assert!(said(&disabled).contains("is now disabled"), "{}", said(&disabled));
        assert_eq!(mona.refresh().await.status, 401);
        assert!(said(&command(&app, &["user", "disable", "mona"])).contains("already; nothing was changed"));
        assert_eq!(command(&app, &["user", "reset-link", "mona"]).status.code(), Some(1));
        assert_eq!(json(&command(&app, &["user", "list", "--disabled", "--json"]))["users"].as_array().unwrap().len(), 1);
        assert_eq!(json(&command(&app, &["user", "demote", "mona", "--json"]))["changed"], true);
        assert_eq!(command(&app, &["user", "end-sessions", "mona", "--session", "x"]).status.code(), Some(1));
        let nobody = command(&app, &["user", "enable", "nobody"]);
        assert_eq!((nobody.status.code(), said(&nobody)), (Some(1), String::new()));
        assert_eq!(app.auth.verify_audit(&[]).await.unwrap().outcome(), doorward::server::auth::Outcome::Whole);
    }
}

#[test]
fn where_no_server_was_started_a_command_makes_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["user", "create", "--email", "mona@example.com", "--username", "mona"];
    for arguments in [&["user", "show", "mona"][..], &create] {
        let lost = doorward(folder.path(), &[], arguments).output().unwrap();
        assert_eq!((lost.status.code(), said(&lost)), (Some(2), String::new()), "{}", complained(&lost));
        assert!(complained(&lost).contains("first start"), "{}", complained(&lost));
        assert!(!folder.path().join("data").exists(), "nothing was made");
    }
    let spoken = [&create[..], &["--password", "a calm violet harbour"]].concat();
    assert_eq!(
        doorward(folder.path(), &[], &spoken).output().unwrap().status.code(),
        Some(2),
        "never in the arguments"
    );
}
