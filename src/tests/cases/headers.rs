//! K: headers, caching and leaks. E: mail that cannot leave.

use crate::harness::{App, on_both_engines};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

on_both_engines! {
    async fn security_headers_stand_on_every_answer(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let answers = [
            mona.page("/").await, mona.page("/dashboard").await, mona.page("/login").await, mona.page("/no-such").await,
            mona.page("/.well-known/jwks.json").await, mona.page("/healthz").await, mona.action("refresh", &[]).await,
            mona.action("log_in", &[]).await, mona.submit("/login", &[]).await, mona.page("/dev/mailbox").await,
            mona.send(mona.request(reqwest::Method::POST, "/login")).await,
            mona.send(mona.request(reqwest::Method::PUT, "/login").header("sec-fetch-site", "same-origin")).await,
        ];
        for (number, answer) in answers.iter().enumerate() {
            let is = |name: &str| answer.header(name).to_owned();
            assert_eq!(is("x-content-type-options"), "nosniff", "answer {number}");
            assert_eq!(is("referrer-policy"), "same-origin", "answer {number}");
            assert_eq!(is("x-frame-options"), "DENY", "answer {number}");
            assert_eq!(is("cross-origin-opener-policy"), "same-origin", "answer {number}");
            assert_eq!(is("cross-origin-resource-policy"), "same-origin", "answer {number}");
            assert!(is("permissions-policy").contains("publickey-credentials-get=(self)"), "answer {number}");
            assert!(is("content-security-policy").contains("frame-ancestors 'none'"), "answer {number}");
            assert!(!is("cache-control").is_empty() && !is("x-request-id").is_empty(), "answer {number}");
            assert_eq!((is("server"), is("x-powered-by"), is("strict-transport-security")), Default::default());
        }
    }

    async fn the_page_policy_allows_files_of_ours_and_one_line_by_its_hash(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for page in [app.anonymous().page("/login").await, app.anonymous().page("/login").await, mona.page("/dashboard").await] {
            let policy = page.header("content-security-policy");
            assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
            for part in ["default-src 'none'", "script-src 'self' 'sha256-", "style-src 'self';", "base-uri 'none'",
                         "object-src 'none'", "form-action 'self'"] {
                assert!(policy.contains(part), "{part}");
            }
            assert_eq!(page.text.matches("<script").count(), 1);
            let (_, starter) = page.text.split_once("<script type=\"module\">").expect("the starter");
            let (starter, _) = starter.split_once("</script>").unwrap();
            let hash = STANDARD.encode(Sha256::digest(starter));
            assert!(policy.contains(&format!("script-src 'self' 'sha256-{hash}' 'wasm-unsafe-eval';")), "{policy}");
            assert!(starter.contains("import('/pkg/start."), "{starter}");
            assert!(!page.text.contains(" style=") && !page.text.contains("<style"));
        }
    }

    async fn a_page_of_nobody_is_the_same_for_everybody(engine) {
        let app = App::start(engine).await;
        for path in ["/", "/login", "/register", "/reset-password"] {
            let first = app.anonymous().page(path).await;
            let mut later = app.anonymous().page(path).await;
            // The first answer does not wait until the page is kept; a few more may be rendered.
            for _ in 0..20 {
                assert_eq!((later.status, later.text == first.text), (200, true), "{path}");
                assert_eq!(later.header("cache-control"), "no-store", "{path}");
                later = app.anonymous().page(path).await;
            }
        }
    }

    async fn a_page_with_something_of_somebody_is_rendered_for_them(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for _ in 0..3 {
            assert!(!app.anonymous().page("/").await.text.contains("mona"));
            assert!(app.anonymous().page("/login?notice=password-reset").await.text.contains("Your password is changed."));
            assert_eq!(mona.page("/login").await.status, 303);
            let refused = app.anonymous().submit("/login", &[("identifier", "nobody"), ("password", "wrong")]).await;
            assert!(refused.text.contains("value=\"nobody\""));
            assert!(!app.anonymous().page("/login").await.text.contains("nobody"));
        }
    }

    async fn what_starts_a_page_is_a_file_that_is_kept_for_ever(engine) {
        let app = App::start(engine).await;
        let page = app.anonymous().page("/login").await;
        let (_, path) = page.text.split_once("import('/pkg/start.").expect("the starter");
        let path = format!("/pkg/start.{}", path.split('\'').next().unwrap());
        let script = app.anonymous().page(&path).await;
        assert_eq!((script.status, script.header("content-type")), (200, "text/javascript; charset=utf-8"));
        assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(script.text.contains("self.doorward") && script.text.contains("submit"));
        assert_eq!(script.header("x-content-type-options"), "nosniff");
        assert_eq!(script.header("permissions-policy"), "", "a script is no document");
        let other = path.replace(".js", "x.js");
        assert_eq!(app.anonymous().page(&other).await.status, 404);
    }

    async fn the_session_cookie_is_as_tight_as_it_can_be(engine) {
        let app = App::start(engine).await;
        let cookie = app.anonymous().register("mona").await.header("set-cookie").to_owned();
        for part in ["__Host-doorward=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("Domain") && cookie.len() < 200);
    }

    async fn no_secret_stands_in_a_page(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let token = mona.refresh().await.token();
        for path in ["/", "/dashboard"] {
            let page = mona.page(path).await;
            assert_eq!(page.header("cache-control"), "no-store");
            let secrets = [mona.held(), token.clone(), token.split('.').nth(1).unwrap().to_owned(), "eyJ".to_owned()];
            assert!(secrets.iter().all(|secret| !page.text.contains(secret.as_str())), "{path}");
        }
    }

    async fn what_is_not_the_sites_is_404(engine) {
        let app = App::start(engine).await;
        std::fs::write(app.folder.path().join("site/secret.env"), "x").unwrap();
        std::fs::write(app.folder.path().join("site/x.db"), "x").unwrap();
        std::fs::write(app.folder.path().join("site/pkg/x.js.map"), "x").unwrap();
        let paths = ["/.git/HEAD", "/.env", "/Cargo.toml", "/doorward.db", "/secret.env", "/x.db", "/pkg/x.js.map", "/pkg/", "/pkg",
                     "/..%2fkeys.json", "/../keys.json", "/%2e%2e/keys.json", "/keys.json", "/dashboard/x.css", "/dashboard/..%2fx.js"];
        for path in paths {
            let answer = app.anonymous().page(path).await;
            assert_eq!(answer.status, 404, "{path}");
        }
    }

    async fn a_cookie_that_comes_twice_is_nobodys(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let request = app.anonymous().request(reqwest::Method::GET, "/dashboard");
        let both = format!("__Host-doorward=planted; __Host-doorward={}", mona.held());
        let answer = mona.twin().send(request.header("cookie", both)).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login?next=/dashboard"));
    }

    async fn cookies_of_others_do_not_hide_ours(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let mut line = b"other=\xff\xfe; ".to_vec();
        line.extend_from_slice(format!("__Host-doorward={}; =; x", mona.held()).as_bytes());
        let request = app.anonymous().request(reqwest::Method::GET, "/dashboard");
        let request = request.header("cookie", reqwest::header::HeaderValue::from_bytes(&line).unwrap());
        assert_eq!(mona.twin().send(request).await.status, 200);
    }

    async fn the_mailbox_is_there_on_localhost_only(engine) {
        let app = App::start(engine).await;
        assert_eq!(app.anonymous().page("/dev/mailbox").await.status, 200);
        let rebound = app.anonymous();
        let request = rebound.request(reqwest::Method::GET, "/dev/mailbox").header("host", "evil.test:3000");
        assert_eq!(rebound.send(request).await.status, 404, "a name that was made to resolve to us");
        let app = App::start_with(engine, "mail.transport = 'folder'").await;
        assert_eq!(app.anonymous().page("/dev/mailbox").await.status, 404);
    }
}
