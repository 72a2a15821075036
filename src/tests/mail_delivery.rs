//! How mails travel: a real SMTP conversation with a server that misbehaves, a folder, the mailbox, the log.

use crate::{
    mail::{NOW, PUBLIC_URL, a_mail, mail_with, mona, settings},
    smtp_server::{Fault, SmtpServer, Tls},
};
use doorward::server::{
    mailer::{Mailbox, SendError, Smtp, Transport},
    store::outbox::{MailKind, Recipient},
};
use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

mod smtp {
    use super::*;

    /// Our side, by a URL in which `{}` stands for the server's port.
    fn to(server: &SmtpServer, url: &str) -> Transport {
        let url = url.replace("{}", &server.address().port().to_string());
        let seconds = Duration::from_secs(2);
        Transport::Smtp(Box::new(Smtp::new(&url, PUBLIC_URL, seconds, Some(server.certificate())).expect("a good URL")))
    }

    async fn plain(fault: Fault) -> (SmtpServer, Result<(), SendError>) {
        let server = SmtpServer::start(fault, Tls::None).await;
        let sent = to(&server, "smtp://127.0.0.1:{}").send(a_mail()).await;
        (server, sent)
    }

    fn passing(kind: &'static str) -> Result<(), SendError> {
        Err(SendError { kind, permanent: false })
    }

    #[tokio::test]
    async fn a_mail_arrives_whole() {
        let (server, sent) = plain(Fault::None).await;
        assert_eq!(sent, Ok(()));
        let [mail] = &server.arrived()[..] else { panic!("one mail") };
        assert_eq!(mail.rcpt, "RCPT TO:<mona@example.test>");
        assert_eq!(mail.source.replace('\n', "\r\n").matches("Message-ID: <outbox1@accounts.test>\r\n").count(), 1);
        assert!(mail.source.contains("reset-confirmation") && !mail.encrypted && mail.login.is_none());
        assert_eq!(server.commands()[0], "EHLO accounts.test");
    }

    #[tokio::test]
    async fn starttls_protects_password_and_mail() {
        let server = SmtpServer::start(Fault::None, Tls::Start).await;
        // 0.0.0.0 leads to this machine, and is none of the names that may be spoken to in the clear.
        assert_eq!(to(&server, "smtp://u%40x:p%2Fw@0.0.0.0:{}").send(a_mail()).await, Ok(()));
        let [mail] = &server.arrived()[..] else { panic!("one mail") };
        // "\0u@x\0p/w"
        assert!(mail.encrypted && mail.login.as_deref() == Some("AHVAeABwL3c="), "{mail:?}");
        assert_eq!(server.commands()[..2], ["EHLO accounts.test", "STARTTLS"]);
    }

    #[tokio::test]
    async fn without_starttls_neither_password_nor_mail_leaves_the_machine() {
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        assert_eq!(to(&server, "smtp://u:hunter2@0.0.0.0:{}").send(a_mail()).await, passing("tls"));
        assert!(server.arrived().is_empty() && server.commands().iter().all(|line| line.starts_with("EHLO")));
    }

    #[tokio::test]
    async fn implicit_tls_protects_from_the_first_byte() {
        let server = SmtpServer::start(Fault::None, Tls::Implicit).await;
        assert_eq!(to(&server, "smtps://localhost:{}").send(a_mail()).await, Ok(()));
        assert!(server.arrived()[0].encrypted);
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_vouches_for_gets_no_mail() {
        for (tls, url) in [(Tls::Start, "smtp://u:p@0.0.0.0:{}"), (Tls::Implicit, "smtps://u:p@localhost:{}")] {
            let server = SmtpServer::start(Fault::None, tls).await;
            let url = url.replace("{}", &server.address().port().to_string());
            let smtp = Smtp::new(&url, PUBLIC_URL, Duration::from_secs(2), None).unwrap();
            assert_eq!(smtp.send(&a_mail()).await, passing("tls"), "{tls:?}");
            assert!(server.arrived().is_empty() && !server.commands().iter().any(|line| line.starts_with("AUTH")));
        }
    }

    #[tokio::test]
    async fn a_certificate_for_another_host_gets_no_mail() {
        let server = SmtpServer::start(Fault::None, Tls::Implicit).await;
        assert_eq!(to(&server, "smtps://127.0.0.1:{}").send(a_mail()).await, passing("tls"));
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_tried_again_and_found_when_it_is_back() {
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let (address, transport) = (server.address(), to(&server, "smtp://127.0.0.1:{}"));
        drop(server);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(transport.send(a_mail()).await, passing("refused"));
        let server = SmtpServer::start_at(address, Fault::None, Tls::None).await;
        assert_eq!(transport.send(a_mail()).await, Ok(()));
        assert_eq!(server.arrived().len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_or_says_nothing_is_tried_again() {
        assert_eq!(plain(Fault::HangUp).await.1, passing("refused"));
        assert_eq!(plain(Fault::Silence).await.1, passing("timeout"));
    }

    #[tokio::test]
    async fn a_refusal_of_the_mail_is_final_and_a_delay_is_not() {
        for (fault, answer) in [
            (
                Fault::Recipient("550 5.1.1 <mona@example.test> unknown"),
                Err(SendError { kind: "rejected", permanent: true }),
            ),
            (Fault::Content("554 5.7.1 no"), Err(SendError { kind: "rejected", permanent: true })),
            (Fault::Recipient("451 4.7.1 later"), passing("deferred")),
            (Fault::Content("452 4.3.1 full"), passing("deferred")),
            (Fault::Recipient("530 5.7.0 who are you"), passing("login")),
        ] {
            let (server, sent) = plain(fault).await;
            assert_eq!(sent, answer, "{fault:?}");
            assert!(server.arrived().is_empty());
        }
    }

    #[tokio::test]
    async fn a_wrong_password_can_be_put_right() {
        let server = SmtpServer::start(Fault::WrongPassword, Tls::None).await;
        let transport = to(&server, "smtp://u:p@localhost:{}");
        assert_eq!(transport.send(a_mail()).await, passing("login"));
        server.set_fault(Fault::None);
        assert_eq!(transport.send(a_mail()).await, Ok(()));
    }

    #[tokio::test]
    async fn a_line_that_breaks_after_data_is_tried_again_and_the_double_can_be_recognised() {
        let (server, sent) = plain(Fault::DropAfterData).await;
        assert_eq!(sent, passing("broken"));
        server.set_fault(Fault::None);
        assert_eq!(to(&server, "smtp://127.0.0.1:{}").send(a_mail()).await, Ok(()));
        let arrived = server.arrived();
        assert!(arrived.len() == 2 && arrived.iter().all(|mail| mail.source.contains("<outbox1@accounts.test>")));
    }

    #[tokio::test]
    async fn an_accepted_mail_counts_even_if_the_goodbye_hangs() {
        let (server, sent) = plain(Fault::HangAtQuit).await;
        assert_eq!(sent, Ok(()));
        assert_eq!(server.arrived().len(), 1);
    }

    #[tokio::test]
    async fn an_address_beyond_ascii_is_refused_by_a_server_without_smtputf8() {
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let mail = mail_with(
            "outbox1",
            MailKind::SessionTheft,
            &Recipient { email: "zoë@example.test".into(), ..mona() },
            NOW,
        );
        let sent = to(&server, "smtp://127.0.0.1:{}").send(mail).await;
        assert_eq!(sent, Err(SendError { kind: "rejected", permanent: true }));
    }
}

mod folders {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_folder_gets_one_file_a_mail_that_only_its_owner_reads() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("deep/mail");
        let transport = Transport::Folder(folder.clone());
        transport.send(a_mail()).await.unwrap();
        transport.send(a_mail()).await.unwrap();
        let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["outbox1.eml"]);
        assert_eq!((mode(&folder.join("outbox1.eml")), mode(&folder)), (0o600, 0o700));
        let source = std::fs::read_to_string(folder.join("outbox1.eml")).unwrap();
        assert!(source.contains("To: mona@example.test\r\n"));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_tried_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sent = Transport::Folder(file.path().join("mail")).send(a_mail()).await;
        assert_eq!(sent, Err(SendError { kind: "disk", permanent: false }));
    }

    #[tokio::test]
    async fn the_mailbox_keeps_the_newest_200_through_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let settings = settings(&format!("mail.folder = {:?}", home.path().join("mail")));
        let transport = Transport::Mailbox(Mailbox::beside(&settings.mail));
        for number in 0..203 {
            let mail = mail_with(&format!("mail{number}"), MailKind::SessionTheft, &mona(), NOW.plus(number / 2));
            transport.send(mail).await.unwrap();
        }
        let reopened = Mailbox::new(home.path().join("mailbox"));
        let ids: Vec<_> = reopened.list().unwrap().into_iter().map(|mail| mail.id).collect();
        assert_eq!(ids, (3..203).rev().map(|number| format!("mail{number}")).collect::<Vec<_>>());
        assert_eq!(mode(&home.path().join("mailbox/mail5.json")), 0o600);
        assert!(reopened.find("mail2").unwrap().is_none());
        assert_eq!(reopened.find("mail5").unwrap().unwrap().to, "mona@example.test");
    }

    #[tokio::test]
    async fn an_id_never_leads_out_of_the_mailbox() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("secret.json"), "{}").unwrap();
        let mailbox = Mailbox::new(home.path().join("mailbox"));
        for id in ["../secret", "", ".", "..", "a/b", "a\\b", "a.b", "a\0b", &"a".repeat(65)] {
            assert!(mailbox.find(id).unwrap().is_none(), "{id:?}");
            assert!(mailbox.put(&mail_with(id, MailKind::SessionTheft, &mona(), NOW)).is_err(), "{id:?}");
        }
    }

    #[tokio::test]
    async fn the_log_sends_nothing_and_says_so() {
        assert_eq!(Transport::Log.send(a_mail()).await, Ok(()));
    }
}
