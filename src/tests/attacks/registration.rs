//! Registering with somebody else's address: what the caller learns, and what the owner reads.

use crate::harness::{App, OTHER_PASSWORD, PASSWORD, on_both_engines};

on_both_engines! {
    /// t03: whoever registers and signs in at once could find out by it whether the address had an account.
    async fn signing_in_after_registering_tells_nothing_where_confirmation_is_required(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'required'").await;
        app.anonymous().register("nils").await;
        let mut seen = Vec::new();
        for (email, name) in [("nils@example.com", "probe1"), ("free@example.com", "probe2")] {
            let fields = |email| {
                [("email", email), ("username", name), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]
            };
            let caller = app.anonymous();
            assert_eq!(caller.action("register", &fields(email)).await.status, 200);
            for caller in [caller, app.anonymous()] {
                let answer = caller.log_in(name, OTHER_PASSWORD).await;
                assert_eq!((answer.status, answer.code().as_str()), (401, "wrong_credentials"), "{email}");
                let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
                headers.sort();
                seen.push((answer.text, headers));
            }
            let again = app.anonymous().action("register", &fields("own@example.com")).await;
            assert_eq!((again.status, again.fields()), (422, vec!["username".to_owned()]), "{email}");
        }
        assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
    }

    /// t26: a mail of ours could carry the words of whoever registers with its reader's address.
    async fn the_words_of_a_stranger_do_not_reach_the_mail_of_a_victim(engine) {
        let app = App::start(engine).await;
        let fields = [
            ("email", "victim@example.com"), ("username", "prize"),
            ("first_name", "You won 500 EUR, see https://evil.test/claim now or www.evil.test"),
            ("last_name", "www.evil.test"), ("password", PASSWORD), ("password_again", PASSWORD),
        ];
        assert_eq!(app.anonymous().action("register", &fields).await.status, 200);
        let mail = app.mail_with("victim", "/confirm-email").await;
        for words in ["evil.test", "You won", "500 EUR"] {
            let parts = [&mail.subject, &mail.text, &mail.html];
            assert!(parts.iter().all(|part| !part.contains(words)), "{words}: {}", mail.text);
        }
    }
}
