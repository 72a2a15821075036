//! V, I, D: malformed requests, injection, and sizes.

use crate::harness::{App, PASSWORD, on_both_engines};
use reqwest::Method;

on_both_engines! {
    async fn only_forms_are_taken(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        for path in ["/actions/log_in", "/login"] {
            for media in ["text/plain", "application/json", "application/xml", "multipart/form-data; boundary=x", ""] {
                let request = caller.request(Method::POST, path).header("sec-fetch-site", "same-origin").body("identifier=a");
                let request = if media.is_empty() { request } else { request.header("content-type", media) };
                let answer = caller.send(request).await;
                assert_eq!(answer.status, 415, "{path} {media}");
                assert_eq!(answer.header("content-type"), "application/problem+json");
            }
        }
    }

    async fn methods_that_a_path_does_not_take_are_405_with_allow(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        let wrong = [("/login", "PUT"), ("/login", "DELETE"), ("/actions/log_in", "GET"), ("/logout", "GET"),
                     ("/.well-known/jwks.json", "POST"), ("/login", "TRACE"), ("/login", "PROPFIND")];
        for (path, method) in wrong {
            let request = caller.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
            let answer = caller.send(request.header("sec-fetch-site", "same-origin")).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(!answer.header("allow").is_empty(), "{method} {path}");
        }
        assert_eq!(caller.page("/actions/no_such").await.status, 404);
    }

    async fn a_request_that_names_no_path_is_400_and_the_next_one_is_served(engine) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let app = App::start(engine).await;
        let address = app.base.strip_prefix("http://").unwrap().to_owned();
        for line in ["GET x:1 HTTP/1.1", "GET * HTTP/1.1", "OPTIONS * HTTP/1.1", "GET ? HTTP/1.1"] {
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            let request = format!("{line}\r\nHost: {address}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 400"), "{line}: {answer:.80}");
        }
        assert_eq!(app.anonymous().page("/login").await.status, 200);
    }

    async fn reading_never_changes_anything(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for path in ["/logout", "/actions/log_out", "/actions/refresh", "/actions/register", "/actions/confirm_password_reset"] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let answer = mona.send(mona.request(method, path).header("sec-fetch-site", "same-origin")).await;
                assert!(answer.status >= 400, "{path}");
            }
        }
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn a_body_over_the_limit_is_413_and_hashes_nothing(engine) {
        let app = App::start(engine).await;
        let caller = app.anonymous();
        let huge = "x".repeat(72_000);
        for (path, field) in [("log_in", "password"), ("register", "password"), ("confirm_password_reset", "password"), ("log_in", "identifier")] {
            assert_eq!(caller.action(path, &[(field, &huge)]).await.status, 413, "{path}");
        }
        let page = caller.submit("/login", &[("identifier", &huge)]).await;
        assert_eq!((page.status, page.header("content-type")), (413, "text/html; charset=utf-8"));
        assert!(page.text.contains("too large") && page.text.contains("<h1"), "a person reads it on a page");
        assert_eq!(caller.page("/login").await.status, 200);
    }

    async fn each_text_is_taken_at_its_longest_and_refused_one_longer(engine) {
        let app = App::start(engine).await;
        let local = "l".repeat(64);
        let label = "d".repeat(61);
        let domain = format!("{label}.{label}.{label}.example");
        let longest = format!("{local}@{}", &domain[domain.len() - 189..].trim_start_matches('.'));
        let words = |length: usize| "correct horse battery staple cloud ".chars().cycle().take(length).collect::<String>();
        let (most, more) = (words(256), words(257));
        let name = |length: usize| "abcdefgh".chars().cycle().take(length).collect::<String>();
        let given = "é".repeat(100);
        let good = [("email", longest.as_str()), ("username", &name(32)), ("password", &most), ("password_again", &most),
                    ("first_name", &given), ("last_name", &given)];
        let answer = app.anonymous().action("register", &good).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(app.anonymous().log_in(&name(32), &most).await.status, 200);
        let over = [("email", format!("x{longest}").replace("l@", "ll@")), ("username", name(33)), ("first_name", "é".repeat(101)), ("last_name", "é".repeat(101))];
        for (field, value) in over {
            let fields: Vec<(&str, &str)> = good.iter().map(|(name, old)| (*name, if *name == field { value.as_str() } else { old })).collect();
            let answer = app.anonymous().action("register", &fields).await;
            assert!(answer.fields().contains(&field.to_owned()), "{field}: {}", answer.text);
        }
        let answer = app.anonymous().action("register", &[("password", &more), ("password_again", &more)]).await;
        assert!(answer.fields().contains(&"password".to_owned()));
        assert!(!answer.text.contains("battery"), "no echo of a password");
    }

    async fn injected_text_has_no_effect(engine) {
        let app = App::start(engine).await;
        app.signed_in("mona").await;
        let nasty = ["' OR '1'='1", "\";--", "\\", "'; DROP TABLE accounts; --", "${7*7}", "{{7*7}}", "$1", "%00", "\u{0}", "\r\nSet-Cookie: a=b"];
        for text in nasty {
            assert_eq!(app.anonymous().log_in(text, text).await.status, 401, "{text:?}");
            let fields = [("email", text), ("username", text), ("password", text), ("password_again", text), ("first_name", text)];
            let answer = app.anonymous().action("register", &fields).await;
            assert_eq!(answer.status, 422, "{text:?}");
            let answer = app.anonymous().action("confirm_password_reset", &[("uid", text), ("token", text), ("code", text), ("password", PASSWORD), ("password_again", PASSWORD)]).await;
            assert_eq!(answer.status, 422, "{text:?}");
            assert_eq!(app.anonymous().action("request_password_reset", &[("email", text)]).await.status, 422);
        }
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
    }

    async fn markup_in_a_name_is_text_on_every_page(engine) {
        let app = App::start(engine).await;
        let mona = app.anonymous();
        let name = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'\u{2028}";
        let fields = [("email", "mona@example.com"), ("username", "mona"), ("password", PASSWORD), ("password_again", PASSWORD),
                      ("first_name", name), ("last_name", name)];
        let answer = mona.action("register", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for path in ["/", "/dashboard", "/no-such-page"] {
            let page = mona.page(path).await.text;
            assert!(!page.contains("<img src=x") && !page.contains("</script><script>alert(2)"), "{path}");
        }
        let page = app.anonymous().submit("/login", &[("identifier", name), ("password", "x")]).await;
        assert_eq!(page.status, 401);
        assert!(!page.text.contains("<img src=x") && page.text.contains("&lt;img"), "what was typed stays, as text");
    }

    async fn passwords_that_are_easy_to_guess_are_refused_with_words_that_help(engine) {
        let app = App::start(engine).await;
        let easy = ["password12", "1234567890", "qwertyuiop", "mona@example.com", "example-mona", "iloveyou123", "doorward2026", "aaaaaaaaaa", "short1"];
        for password in easy {
            let fields = [("email", "mona@example.com"), ("username", "example-mona"), ("password", password), ("password_again", password)];
            let answer = app.anonymous().action("register", &fields).await;
            assert_eq!((answer.status, answer.fields()), (422, vec!["password".to_owned()]), "{password}");
            assert!(!answer.text.contains(&format!("\"{password}\"")));
        }
        let good = ["plum drizzle canyon otter", "🦊🌧️🏔️🛶🎻🧭🪁🫖🌰🦉", "40718253966071", "tr4ctor-Ocelot-9"];
        for (number, password) in good.into_iter().enumerate() {
            let (email, name) = (format!("user{number}@example.com"), format!("user{number}"));
            let fields = [("email", email.as_str()), ("username", &name), ("password", password), ("password_again", password)];
            let answer = app.anonymous().action("register", &fields).await;
            assert_eq!(answer.status, 200, "{password}: {}", answer.text);
            assert_eq!(app.anonymous().log_in(&name, password).await.status, 200);
        }
    }
}
