//! Mails: what they say, how they are built, and the pages that show them in development.

use axum::{Router, body::Body, extract::Request, response::Response, routing::get};
use doorward::{
    domain::{account::AccountId, time::Timestamp},
    paths,
    server::{
        crypto::{Keys, MailedSecrets, Purpose},
        entropy::SystemEntropy,
        http::mailbox::{self, MailboxPages},
        mailer::{Composer, Letter, Mail, Mailbox},
        settings::Settings,
        store::outbox::{MailKind, MailedTicket, Recipient, TicketTimes},
    },
};
use http_body_util::BodyExt as _;
use secrecy::ExposeSecret as _;
use std::{path::Path, sync::LazyLock};
use tower::ServiceExt as _;

pub const NOW: Timestamp = Timestamp(1_795_190_580);
pub const PUBLIC_URL: &str = "https://accounts.test";

fn keys() -> Keys {
    let key = |letter: &str| format!("{}A", letter.repeat(42));
    let json = serde_json::json!({
        "version": 1,
        "signing": [{ "kid": "test", "seed": key("a") }],
        "refresh": [{ "id": 1, "key": key("b") }],
        "mail": [key("c")],
    });
    let mut settings = settings("").keys;
    settings.json = json.to_string().into();
    Keys::load_or_create(&settings, &SystemEntropy, crate::harness::START).expect("good keys")
}

pub fn settings(more: &str) -> Settings {
    Settings::from_toml(&format!(
        "server.public_url = \"{PUBLIC_URL}\"\nserver.site_name = \"Tea & Co\"\n\
         mail.transport = \"log\"\nmail.from = \"Tea & Co <no-reply@accounts.test>\"\n{more}"
    ))
    .expect("good settings")
}

pub fn mona() -> Recipient {
    let (email, username, first_name) = ("mona@example.test".into(), "mona".into(), "Mona".into());
    Recipient { email, username, first_name }
}

pub fn times() -> TicketTimes {
    TicketTimes { expires_at: NOW.plus(1800), code_expires_at: NOW.plus(600), consumed_at: None }
}

static TICKET: LazyLock<MailedTicket> =
    LazyLock::new(|| MailedTicket { times: times(), email: Some("ticket@example.test".into()) });

/// The composer, and the same secrets beside it.
pub fn composer() -> (Composer, MailedSecrets) {
    let keys = keys();
    let composer = Composer::new(&settings(""), crate::harness::keyring(&keys, &settings(""))).expect("a composer");
    (composer, MailedSecrets::new(&keys))
}

/// The secrets that mails of this kind carry.
pub fn purpose(kind: MailKind) -> Option<Purpose> {
    match kind {
        MailKind::PasswordReset => Some(Purpose::PasswordReset),
        MailKind::EmailConfirmation => Some(Purpose::EmailConfirmation),
        MailKind::EmailChange => Some(Purpose::EmailChange),
        MailKind::EmailChanged => Some(Purpose::EmailUndo),
        _ => None,
    }
}

pub fn letter<'a>(id: &'a str, kind: MailKind, recipient: &'a Recipient) -> Letter<'a> {
    let ticket = purpose(kind).map(|_| ("ticket1", &*TICKET));
    let about = match kind {
        MailKind::PasswordChanged | MailKind::NewDevice | MailKind::LoginAfterFailures => {
            Some("Firefox on Linux, 192.0.2.7")
        }
        MailKind::TotpEnrolled
        | MailKind::TotpRemoved
        | MailKind::RecoveryCodesMade
        | MailKind::PasswordRemoved
        | MailKind::BrowserTrusted => Some("Firefox on Linux, 192.0.2.7"),
        MailKind::PasskeyAdded | MailKind::PasskeyRemoved | MailKind::PasskeyCloned => {
            Some("Blue key\nFirefox on Linux, 192.0.2.7")
        }
        MailKind::RecoveryCodeUsed | MailKind::FactorGuesses => Some("Firefox on Linux, 192.0.2.7\n3"),
        MailKind::UsernameChanged => Some("lisa"),
        // NOW, and 14 days.
        MailKind::DeletionRequested => Some("1796400180"),
        _ => None,
    };
    Letter { id, kind, account: AccountId(42), recipient, ticket, happened_at: NOW.plus(-60), about }
}

pub fn mail_with(id: &str, kind: MailKind, recipient: &Recipient, now: Timestamp) -> Mail {
    composer().0.compose(&letter(id, kind, recipient), now).expect("a mail")
}

pub fn a_mail() -> Mail {
    mail_with("outbox1", MailKind::PasswordReset, &mona(), NOW)
}

pub fn source(mail: &Mail) -> String {
    String::from_utf8(mail.bytes()).expect("ASCII")
}

mod words {
    use super::*;

    #[test]
    fn a_reset_mail_carries_link_and_code_of_its_ticket_in_both_parts() {
        let (composer, secrets) = composer();
        let mona = mona();
        let mail = composer.compose(&letter("outbox1", MailKind::PasswordReset, &mona), NOW).unwrap();
        // "42" in base64url.
        let link = paths::mailed_link(
            PUBLIC_URL,
            paths::RESET_CONFIRMATION,
            "NDI",
            secrets.link_token(Purpose::PasswordReset, "ticket1").expose_secret(),
        );
        let code = secrets.code(Purpose::PasswordReset, "ticket1").expose_secret().to_owned();
        let shown = format!("{} {}", &code[..4], &code[4..]);
        assert!(mail.text().contains(&link) && mail.text().contains(&shown));
        assert!(mail.html().contains(&link.replace('&', "&amp;")) && mail.html().contains(&shown));
        assert!(mail.text().contains("30 minutes") && mail.text().contains("10 minutes"));
    }

    #[test]
    fn a_late_mail_says_the_time_that_is_left_and_has_no_dead_code() {
        let mail = mail_with("outbox1", MailKind::PasswordReset, &mona(), NOW.plus(600));
        assert!(mail.text().contains("20 minutes, until 20 November 2026, 16:33 UTC"));
        assert!(!mail.text().contains("type this code"));
    }

    #[test]
    fn a_used_or_dead_ticket_gets_no_mail() {
        let (composer, _) = composer();
        let mona = mona();
        let used = MailedTicket { times: TicketTimes { consumed_at: Some(NOW), ..times() }, ..TICKET.clone() };
        for kind in MailKind::ALL.into_iter().filter(|kind| purpose(*kind).is_some()) {
            let letter = letter("outbox1", kind, &mona);
            assert!(composer.compose(&letter, NOW).is_ok(), "{kind:?}");
            assert!(composer.compose(&Letter { ticket: Some(("ticket1", &used)), ..letter }, NOW).is_err(), "{kind:?}");
            assert!(composer.compose(&Letter { ticket: None, ..letter }, NOW).is_err(), "{kind:?}");
            assert!(composer.compose(&letter, NOW.plus(1800)).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn every_kind_names_the_site_and_links_only_to_it() {
        for kind in MailKind::ALL {
            let mail = mail_with("outbox1", kind, &mona(), NOW);
            assert!(mail.subject().contains("Tea & Co") && mail.text().contains("Tea & Co"), "{kind:?}");
            assert!(mail.text().starts_with("Hello Mona,"));
            assert!(mail.html().contains("Tea &amp; Co") && !mail.html().contains("Tea & Co"));
            let links: Vec<_> = mail.text().split_whitespace().filter(|word| word.contains("://")).collect();
            assert!(!links.is_empty() && links.iter().all(|link| link.starts_with(&format!("{PUBLIC_URL}/"))));
            assert!(!mail.html().contains("<script") && !mail.html().contains("<img"));
        }
    }

    #[test]
    fn notices_say_when_it_happened() {
        let asked =
            [MailKind::PasswordReset, MailKind::EmailConfirmation, MailKind::EmailChange, MailKind::UsernameReset];
        for kind in MailKind::ALL.into_iter().filter(|kind| !asked.contains(kind)) {
            let mail = mail_with("outbox1", kind, &mona(), NOW);
            assert!(mail.text().contains("20 November 2026, 16:02 UTC"), "{kind:?}");
        }
    }
}

mod headers {
    use super::*;

    #[test]
    fn the_same_outbox_row_gives_the_same_message_id_and_the_same_secrets() {
        let (composer, _) = composer();
        let mona = mona();
        let first = composer.compose(&letter("outbox1", MailKind::PasswordReset, &mona), NOW).unwrap();
        let again = composer.compose(&letter("outbox1", MailKind::PasswordReset, &mona), NOW.plus(5)).unwrap();
        let id = "Message-ID: <outbox1@accounts.test>\r\n";
        assert!(source(&first).contains(id) && source(&again).contains(id));
        let link = |mail: &Mail| mail.text().split_whitespace().find(|word| word.contains("token=")).map(str::to_owned);
        assert!(link(&first).is_some() && link(&first) == link(&again));
    }

    #[test]
    fn a_mail_has_both_parts_and_says_that_a_machine_wrote_it() {
        let source = source(&a_mail());
        for part in [
            // "Tea & Co", RFC 2047.
            "From: =?utf-8?b?VGVhICYgQ28=?= <no-reply@accounts.test>\r\n",
            "To: mona@example.test\r\n",
            "Date: Fri, 20 Nov 2026 16:03:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(source.contains(part), "{part:?} in {source}");
        }
    }

    #[test]
    fn a_line_break_in_the_site_name_makes_no_header() {
        let mut settings = settings("");
        settings.server.site_name = "Tea\r\nBcc: x@evil.test".to_owned();
        let composer = Composer::new(&settings, crate::harness::keyring(&keys(), &settings)).unwrap();
        let mona = mona();
        let mail = composer.compose(&letter("outbox1", MailKind::SessionTheft, &mona), NOW).unwrap();
        let source = source(&mail);
        let headers = source.split("\r\n\r\n").next().unwrap();
        assert!(!headers.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc:")), "{headers}");
    }

    #[test]
    fn an_international_domain_travels_as_ascii() {
        let recipient = Recipient { email: "mona@bücher.test".into(), ..mona() };
        assert!(
            source(&mail_with("outbox1", MailKind::SessionTheft, &recipient, NOW))
                .contains("To: mona@xn--bcher-kva.test\r\n")
        );
    }

    #[test]
    fn an_address_with_a_line_break_gets_no_mail() {
        let (composer, _) = composer();
        for email in
            ["mona@example.test\r\nBcc: x@evil.test", "mona\r\n@example.test", "mona", "@example.test", "mona@"]
        {
            let recipient = Recipient { email: email.into(), ..mona() };
            assert!(
                composer.compose(&letter("outbox1", MailKind::SessionTheft, &recipient), NOW).is_err(),
                "{email:?}"
            );
        }
    }
}

mod pages {
    use super::*;

    /// The pages of a mailbox in `home`, and the mailbox.
    fn pages(home: &Path) -> (Router, Mailbox) {
        let mailbox = Mailbox::new(home.join("mailbox"));
        let (stylesheet, site_name) = ("/pkg/doorward.css".to_owned(), "Tea & Co".to_owned());
        let state = MailboxPages { mailbox: mailbox.clone(), stylesheet, site_name, public_url: PUBLIC_URL.to_owned() };
        let router = Router::new()
            .route(paths::MAILBOX, get(mailbox::list))
            .route("/dev/mailbox/{id}", get(mailbox::mail))
            .with_state(state);
        (router, mailbox)
    }

    async fn fetch(router: &Router, path: &str) -> (Response, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, Body::empty()), String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn mails_are_listed_and_their_links_can_be_clicked() {
        let home = tempfile::tempdir().unwrap();
        let (router, mailbox) = pages(home.path());
        assert!(fetch(&router, "/dev/mailbox").await.1.contains("No mail yet"));
        mailbox.put(&a_mail()).unwrap();
        let (answer, list) = fetch(&router, "/dev/mailbox").await;
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert!(
            list.contains("<a class=\"link\" href=\"/dev/mailbox/outbox1\">Choose a new password for Tea &amp; Co</a>")
        );
        let (_, page) = fetch(&router, "/dev/mailbox/outbox1").await;
        assert!(page.contains("href=\"https://accounts.test/reset-confirmation?uid=NDI&amp;token="), "{page}");
        assert!(
            page.contains("<html lang=\"en\">") && page.contains("<title>Choose a new password for Tea &amp; Co – ")
        );
        assert!(!page.contains("style=") && !page.contains("<script"));
    }

    #[tokio::test]
    async fn an_unknown_mail_is_a_404_page() {
        let home = tempfile::tempdir().unwrap();
        let (router, _) = pages(home.path());
        for path in ["/dev/mailbox/nothing", "/dev/mailbox/..%2fsecret", "/dev/mailbox/%00"] {
            assert_eq!(fetch(&router, path).await.0.status(), 404, "{path}");
        }
    }

    #[tokio::test]
    async fn what_a_mail_says_is_text_and_only_our_own_links_can_be_clicked() {
        let home = tempfile::tempdir().unwrap();
        let (router, _) = pages(home.path());
        let text = "<b>x</b> javascript:alert(1) https://evil.test https://accounts.test.evil.test/ \
                    https://accounts.test/login https://accounts.test/\"><i>";
        let kept = serde_json::json!({
            "id": "m1", "subject": "<i>s</i>", "to": "<u>t</u>", "at": 0, "text": text, "html": "<script>"
        });
        std::fs::create_dir(home.path().join("mailbox")).unwrap();
        std::fs::write(home.path().join("mailbox/m1.json"), kept.to_string()).unwrap();
        std::fs::write(home.path().join("mailbox/broken.json"), "{").unwrap();
        let (_, page) = fetch(&router, "/dev/mailbox/m1").await;
        for tag in
            ["<b>", "<i>", "<u>", "<script", "\"javascript", "\"https://evil.test", "\"https://accounts.test.evil"]
        {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("<a class=\"link\" href=\"https://accounts.test/login\">"));
        assert!(fetch(&router, "/dev/mailbox").await.1.contains("&lt;i&gt;s&lt;/i&gt;"));
    }
}
