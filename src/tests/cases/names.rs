//! U: one account a name and an address, whatever the case or the Unicode form. C: also when all come at once.

use crate::harness::{App, PASSWORD, on_both_engines};
use doorward::server::store::accounts;
use futures::future::join_all;

async fn register(app: &App, email: &str, username: &str) -> crate::harness::Answer {
    let fields = [("email", email), ("username", username), ("password", PASSWORD), ("password_again", PASSWORD)];
    app.anonymous().action("register", &fields).await
}

on_both_engines! {
    async fn a_name_is_one_account_in_every_case_and_form(engine) {
        let app = App::start(engine).await;
        assert_eq!(register(&app, "one@example.com", "Alice").await.status, 200);
        let same = ["alice", "ALICE", " alice ", "alice\t", "\u{ff21}lice", "\u{ff41}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}"];
        for (number, name) in same.iter().enumerate() {
            let answer = register(&app, &format!("two{number}@example.com"), name).await;
            assert_eq!((answer.status, answer.fields()), (422, vec!["username".to_owned()]), "{name:?}");
        }
        assert_eq!(register(&app, "x@example.com", "\u{0430}lice").await.fields(), ["username"], "a Cyrillic a");
        assert_eq!(register(&app, "x@example.com", "ali\u{200b}ce").await.fields(), ["username"], "a zero-width space");
        assert_eq!(register(&app, "x@example.com", "ali\u{0}ce").await.fields(), ["username"], "a NUL");
        assert_eq!(register(&app, "x@example.com", "a@b.co").await.fields(), ["username"], "a name is no address");
    }

    async fn an_address_is_one_account_in_every_case_and_form(engine) {
        let app = App::start(engine).await;
        assert_eq!(register(&app, "jos\u{e9}@example.com", "one").await.status, 200);
        let same = ["JOS\u{c9}@EXAMPLE.COM", "jose\u{301}@example.com", " jos\u{e9}@Example.com "];
        for (number, email) in same.iter().enumerate() {
            let answer = register(&app, email, &format!("name{number}")).await;
            assert_eq!((answer.status, answer.fields()), (422, vec!["email".to_owned()]), "{email:?}");
        }
    }

    async fn what_is_no_address_is_refused_at_its_field(engine) {
        let app = App::start(engine).await;
        let long = format!("{}@example.com", "a".repeat(250));
        let bad = [
            "a@b@c", "a@", "@b.co", "a b@c.de", "a@b c.de", &long, "<a@b.test>", "Mona <a@b.test>", "a@b.test,c@d.test",
            "a@b.test c@d.test", "a@b.test\nBcc: x@y.test", "a@b..test", "a@-b.test", "plain", "", "a\u{0}@b.test",
        ];
        for email in bad {
            let answer = register(&app, email, "mona").await;
            assert_eq!((answer.status, answer.fields()), (422, vec!["email".to_owned()]), "{email:?}");
            assert!(email.len() < 8 || !answer.text.contains(email), "no echo");
        }
    }

    async fn twenty_registrations_of_one_name_at_once_make_one_account(engine) {
        let app = App::start(engine).await;
        let answers = join_all((0..20).map(|_| register(&app, "mona@example.com", "mona"))).await;
        let made = answers.iter().filter(|answer| answer.status == 200).count();
        let neutral = answers.iter().filter(|answer| answer.status == 422).count();
        assert_eq!((made, neutral), (1, 19), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
    }

    async fn without_sign_in_the_registration_form_tells_nobody_who_has_an_account(engine) {
        let app = App::start_with(engine, "registration.sign_in = false").await;
        let new = register(&app, "mona@example.com", "mona").await;
        let known = register(&app, "mona@example.com", "another").await;
        assert_eq!((new.status, &new.text), (200, &known.text));
        assert_eq!(new.json()["next"], "/login?notice=registered");
        assert_eq!(new.header("set-cookie"), known.header("set-cookie"));
        assert!(app.mail("mona", "already").await.text.contains("already"), "the owner is told");
        assert_eq!(app.anonymous().log_in("another", PASSWORD).await.status, 401);
    }

    async fn twenty_registrations_of_one_address_at_once_make_one_account_and_read_alike_where_confirmation_is_required(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'required'").await;
        let names: Vec<String> = (0..20).map(|number| format!("person{number}")).collect();
        let answers = join_all(names.iter().map(|name| register(&app, "mona@example.com", name))).await;
        assert!(answers.iter().all(|answer| (answer.status, &answer.text) == (200, &answers[0].text)));
        let mut tx = app.store.read().await.unwrap();
        let mut made = 0;
        for name in &names {
            made += usize::from(accounts::find_by_username(&mut tx, name).await.unwrap().is_some());
        }
        assert_eq!(made, 1);
    }

    async fn a_registration_sets_nothing_that_is_not_its_to_set(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        let fields = [
            ("email", "mona@example.com"), ("username", "mona"), ("password", PASSWORD), ("password_again", PASSWORD),
            ("id", "1"), ("is_admin", "true"), ("role", "admin"), ("email_verified", "true"), ("security_epoch", "9"),
            ("email_verified_at", "1"), ("delete_at", "1"),
        ];
        assert_eq!(caller.action("register", &fields).await.status, 200);
        let account = caller.account(&caller.refresh().await.token()).await.json();
        assert_ne!(account["id"], 1);
        assert!(account["id"].as_i64().unwrap() < 1 << 52);
        let mut names: Vec<&String> = account.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["created_at", "delete_at", "email", "email_verified_at", "first_name", "id", "last_login_at",
                           "last_name", "time_zone", "username"]);
        assert_eq!((&account["email_verified_at"], &account["delete_at"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    }
}
