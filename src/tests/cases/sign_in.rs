//! L: signing in tells nobody who has an account. D: a flood of hashes is bounded.

use crate::harness::{App, PASSWORD, on_both_engines};
use doorward::{domain::account::AccountId, server::store::accounts};

on_both_engines! {
    async fn unknown_disabled_and_wrong_read_the_same(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let nils = app.signed_in("nils").await;
        let id = AccountId(nils.account(&nils.refresh().await.token()).await.json()["id"].as_i64().unwrap());
        let at = Some(crate::harness::START);
        app.store.write(move |tx| Box::pin(async move { accounts::set_disabled(tx, id, at).await })).await.unwrap();
        let wrong = app.anonymous().log_in("mona", "not her password").await;
        let others = [
            app.anonymous().log_in("nobody", PASSWORD).await,
            app.anonymous().log_in("nobody@example.com", PASSWORD).await,
            app.anonymous().log_in("nils", PASSWORD).await,
            app.anonymous().log_in("nils", "not his password").await,
            app.anonymous().log_in("no name at all, \u{0} this!", PASSWORD).await,
            app.anonymous().log_in("mona", &"x".repeat(5000)).await,
            app.anonymous().log_in(&"x".repeat(5000), PASSWORD).await,
        ];
        assert_eq!((wrong.status, wrong.code().as_str()), (401, "wrong_credentials"));
        let names = |answer: &crate::harness::Answer| {
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        for answer in &others {
            assert_eq!((answer.status, &answer.text, names(answer)), (wrong.status, &wrong.text, names(&wrong)));
            assert_eq!(answer.header("set-cookie"), "");
        }
    }

    async fn a_name_or_an_address_in_any_case_signs_in(engine) {
        let app = App::start(engine).await;
        app.signed_in("Mona").await;
        for identifier in ["mona", "MONA", " Mona ", "mona@example.com", "MONA@EXAMPLE.COM", "\u{ff2d}ona"] {
            let answer = app.anonymous().log_in(identifier, PASSWORD).await;
            assert_eq!(answer.status, 200, "{identifier:?}");
        }
    }

    async fn a_password_is_taken_exactly_as_it_is(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let cut = &PASSWORD[..PASSWORD.len() - 1];
        let upper = PASSWORD.to_uppercase();
        for password in [cut, &format!("{PASSWORD} "), &format!(" {PASSWORD}"), &upper, &PASSWORD.replace(' ', "")] {
            assert_eq!(app.anonymous().log_in("mona", password).await.status, 401, "{password:?}");
        }
    }

    async fn missing_empty_and_wrong_typed_fields_name_the_field(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        let empty = caller.action("log_in", &[]).await;
        assert_eq!((empty.status, empty.fields()), (422, vec!["identifier".to_owned(), "password".to_owned()]));
        let blank = caller.action("log_in", &[("identifier", "  "), ("password", "")]).await;
        assert_eq!((blank.status, blank.fields()), (422, vec!["identifier".to_owned(), "password".to_owned()]));
        for wrong in ["identifier[]=a&password=b", "identifier[a]=b", "identifier=a&identifier=b&password=c", "%", "%ff%fe=1"] {
            let request = caller.request(reqwest::Method::POST, "/actions/log_in").header("sec-fetch-site", "same-origin");
            let answer = caller.send(request.header("content-type", "application/x-www-form-urlencoded").body(wrong)).await;
            assert!([400, 422].contains(&answer.status), "{wrong}: {}", answer.status);
        }
    }

    async fn a_full_queue_of_hashes_is_503_with_a_time_and_nothing_else_waits(engine) {
        let app = App::start_with(engine, "password.queue = 1\npassword.threads = 1").await;
        let mona = app.signed_in("mona").await;
        let callers: Vec<_> = (0..24).map(|_| app.anonymous()).collect();
        let storm = futures::future::join_all(callers.iter().map(|caller| caller.log_in("mona", PASSWORD)));
        let (answers, beside) = futures::join!(storm, mona.refresh());
        assert_eq!(beside.status, 200, "a refresh needs no hash");
        let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
        assert!(!refused.is_empty() && refused.len() < 24);
        for answer in refused {
            assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "unavailable", "2"));
        }
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
    }

    async fn a_weaker_hash_is_replaced_when_its_owner_signs_in(engine) {
        let app = App::start_with(engine, "password.argon2_memory = 19456\npassword.argon2_passes = 2").await;
        app.signed_in("mona").await;
        let hash = |app: &App| {
            let store = app.store.clone();
            async move { accounts::find_by_username(&mut store.read().await.unwrap(), "mona").await.unwrap().unwrap().password_hash.unwrap() }
        };
        let before = hash(&app).await;
        assert!(before.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{before}");
        let app = app.restarted_with("password.argon2_passes = 3").await;
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
        let after = hash(&app).await;
        assert!(after.starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{after}");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
    }
}
