//! The outbox and its worker, with a real SMTP server, on both engines: nothing is lost, little is sent twice.

use crate::{
    harness::{App, Engine, START, new_database, on_both_engines},
    smtp_server::{Fault, SmtpServer, Tls},
};
use doorward::{
    domain::{account::AccountId, factor::AssuranceLevel, time::Timestamp},
    server::{
        clock::ManualClock,
        crypto::Keys,
        entropy::SystemEntropy,
        mailer::{Composer, Mailer, Smtp, Step, Transport, Worker},
        metrics::Metrics,
        settings::Settings,
        store::{
            Store,
            accounts::{self, NewAccount},
            outbox::{self, MailKind, NewMail},
            outbox_list,
            tickets::{self, NewTicket, TicketKind},
        },
    },
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

const MONA: AccountId = AccountId(7);

/// A store with one account, and a clock; no application.
struct Post {
    store: Store,
    clock: Arc<ManualClock>,
    settings: Settings,
    _folder: TempDir,
}

impl Post {
    async fn start(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = new_database(engine, &folder).await;
        let path = folder.path().display();
        let text = format!(
            "database.url = '{url}'\ndatabase.connections = 8\nmail.folder = '{path}/mail'\nkeys.file = '{path}/keys.json'"
        );
        let settings = Settings::from_toml(&text).unwrap();
        let store = Store::open(&settings.database).await.unwrap();
        let mona = NewAccount {
            id: MONA,
            email: "mona@example.com".into(),
            email_key: "mona@example.com".into(),
            username: "mona".into(),
            username_key: "mona".into(),
            first_name: String::new(),
            last_name: String::new(),
            password_hash: Some("none".into()),
        };
        store.write(move |tx| Box::pin(async move { accounts::insert(tx, &mona, START).await })).await.unwrap();
        Self { store, clock: Arc::new(ManualClock::new(START)), settings, _folder: folder }
    }

    fn worker(&self, port: u16) -> Worker {
        let keys = Keys::load_or_create(&self.settings.keys, &SystemEntropy, crate::harness::START).unwrap();
        let composer = Composer::new(&self.settings, crate::harness::keyring(&keys, &self.settings)).unwrap();
        let (url, from) = (format!("smtp://127.0.0.1:{port}"), &self.settings.server.public_url);
        let transport = Transport::Smtp(Box::new(Smtp::new(&url, from, Duration::from_secs(2), None).unwrap()));
        let entropy = Arc::new(SystemEntropy);
        Worker::new(
            self.store.clone(),
            self.clock.clone(),
            entropy,
            (composer, transport),
            &self.settings.mail,
            Metrics::new(),
        )
    }

    /// A mail to the account, with a ticket for a new password if there is one.
    async fn owe(&self, id: &str, account: Option<AccountId>, ticket: Option<&str>) {
        let kind = if ticket.is_some() { MailKind::PasswordReset } else { MailKind::SessionTheft };
        self.owe_of(kind, id, account, ticket.map(|ticket| (ticket, TicketKind::PasswordReset, None))).await;
    }

    /// A mail of this kind. The ticket with its kind and its address.
    async fn owe_of(
        &self,
        kind: MailKind,
        id: &str,
        account: Option<AccountId>,
        ticket: Option<(&str, TicketKind, Option<&str>)>,
    ) {
        let give_up_at = START.plus(1800);
        let about = Some(about(kind));
        let ticket_id = ticket.map(|(id, ..)| id.to_owned());
        let mail = NewMail { id: id.into(), kind, account, ticket: ticket_id, give_up_at, about };
        let ticket = ticket.map(|(id, kind, email)| NewTicket {
            id: id.into(),
            account,
            kind,
            request_digest: id.into(),
            epoch: 0,
            expires_at: give_up_at,
            code_expires_at: START.plus(600),
            email: email.map(|email| (email.to_owned(), email.to_owned())),
            asked_at: None,
            demanded_level: AssuranceLevel::One,
        });
        let write = self.store.write(move |tx| {
            Box::pin(async move {
                if let Some(ticket) = ticket {
                    tickets::insert(tx, &ticket, START).await?;
                }
                outbox::insert(tx, &mail, START).await
            })
        });
        write.await.unwrap();
    }

    async fn backlog(&self) -> (i64, Option<Timestamp>) {
        outbox_list::backlog(&mut self.store.read().await.unwrap()).await.unwrap()
    }
}

/// The kinds that go to their ticket's address, with the kind of that ticket.
const TO_TICKET: [(MailKind, TicketKind); 3] = [
    (MailKind::EmailConfirmation, TicketKind::EmailConfirmation),
    (MailKind::EmailChange, TicketKind::EmailChange),
    (MailKind::EmailChanged, TicketKind::EmailUndo),
];

/// What the outbox tells of a mail of this kind, with letters that a database must give back as they were.
fn about(kind: MailKind) -> String {
    format!("Zoë's {} on 'Linux'; \"x\", 192.0.2.7", kind.as_str())
}

on_both_engines! {
    async fn every_kind_comes_back_with_what_it_tells(engine) {
        let post = Post::start(engine).await;
        for kind in MailKind::ALL {
            post.owe_of(kind, kind.as_str(), Some(MONA), None).await;
        }
        let mut found = Vec::new();
        for _ in MailKind::ALL {
            let claim = post.store.write(|tx| Box::pin(async move { outbox::claim(tx, "w", START, (START.plus(60), START.plus(960))).await }));
            let mail = claim.await.unwrap().expect("every kind is claimed");
            assert_eq!((mail.id.as_str(), mail.about), (mail.kind.as_str(), Some(about(mail.kind))));
            found.push(mail.kind);
        }
        assert!(MailKind::ALL.iter().all(|kind| found.contains(kind)), "{found:?}");
    }

    async fn notices_go_to_the_account_and_mails_about_an_address_to_that_address(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let worker = post.worker(server.address().port());
        for kind in MailKind::ALL {
            let id = kind.as_str();
            let of_ticket = TO_TICKET.iter().find(|(mail, _)| *mail == kind).map(|(_, ticket)| *ticket);
            match of_ticket {
                Some(ticket) => post.owe_of(kind, id, Some(MONA), Some((id, ticket, Some("elsewhere@example.com")))).await,
                None if kind == MailKind::PasswordReset => post.owe(id, Some(MONA), Some(id)).await,
                None => post.owe_of(kind, id, Some(MONA), None).await,
            }
            assert_eq!(worker.step().await.unwrap(), Step::Sent, "{kind:?}");
            let mail = server.arrived().pop().unwrap();
            let to = if of_ticket.is_some() { "elsewhere" } else { "mona" };
            assert_eq!(mail.rcpt, format!("RCPT TO:<{to}@example.com>"), "{kind:?}");
        }
        assert_eq!((post.backlog().await, server.arrived().len()), ((0, None), MailKind::ALL.len()));
    }

    async fn a_mail_without_an_address_or_an_active_account_goes_to_nobody(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let worker = post.worker(server.address().port());
        for (mail, ticket) in TO_TICKET {
            post.owe_of(mail, mail.as_str(), Some(MONA), Some((mail.as_str(), ticket, None))).await;
            assert_eq!(worker.step().await.unwrap(), Step::GaveUp, "{mail:?}");
        }
        // Without any ticket, and of an account that is gone.
        post.owe_of(MailKind::EmailConfirmation, "m1", Some(MONA), None).await;
        assert_eq!(worker.step().await.unwrap(), Step::GaveUp);
        let ticket = Some(("t2", TicketKind::EmailChange, Some("elsewhere@example.com")));
        post.owe_of(MailKind::EmailChange, "m2", None, ticket).await;
        assert_eq!(worker.step().await.unwrap(), Step::GaveUp);
        // And a ticket's address is no way around an account that is disabled.
        post.store.write(|tx| Box::pin(async move { accounts::set_disabled(tx, MONA, Some(START)).await })).await.unwrap();
        for (mail, ticket) in TO_TICKET {
            let id = format!("{}3", mail.as_str());
            post.owe_of(mail, &id, Some(MONA), Some((&id, ticket, Some("elsewhere@example.com")))).await;
            assert_eq!(worker.step().await.unwrap(), Step::GaveUp, "{mail:?}");
        }
        assert_eq!((post.backlog().await, server.arrived().len()), ((0, None), 0));
    }

    async fn a_mail_whose_ticket_is_used_or_dead_goes_to_nobody(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let worker = post.worker(server.address().port());
        for (mail, ticket) in TO_TICKET {
            let id = mail.as_str();
            post.owe_of(mail, id, Some(MONA), Some((id, ticket, Some("elsewhere@example.com")))).await;
            let used = post.store.write(move |tx| Box::pin(async move { tickets::consume(tx, id, START).await }));
            assert!(used.await.unwrap());
            assert_eq!(worker.step().await.unwrap(), Step::GaveUp, "{mail:?}");
        }
        for (mail, ticket) in TO_TICKET {
            let late = format!("{}2", mail.as_str());
            post.owe_of(mail, &late, Some(MONA), Some((&late, ticket, Some("elsewhere@example.com")))).await;
        }
        post.clock.advance(1800);
        for (mail, _) in TO_TICKET {
            assert_eq!(worker.step().await.unwrap(), Step::GaveUp, "{mail:?}");
        }
        assert_eq!((post.backlog().await, server.arrived().len()), ((0, None), 0));
    }

    async fn a_mail_is_sent_once_and_a_decoy_never(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let worker = post.worker(server.address().port());
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
        post.owe("m1", Some(MONA), Some("t1")).await;
        post.owe("m2", None, Some("t2")).await;
        assert_eq!(post.backlog().await, (2, Some(START)));
        let steps = [worker.step().await.unwrap(), worker.step().await.unwrap()];
        assert!(steps.contains(&Step::Sent) && steps.contains(&Step::GaveUp), "{steps:?}");
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
        assert_eq!((post.backlog().await, server.arrived().len()), ((0, None), 1));
    }

    async fn a_mail_is_tried_until_its_secret_would_be_dead(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let worker = post.worker(server.address().port());
        drop(server);
        tokio::time::sleep(Duration::from_millis(50)).await;
        post.owe("m1", Some(MONA), Some("t1")).await;
        assert_eq!(worker.step().await.unwrap(), Step::Retried);
        assert_eq!(worker.step().await.unwrap(), Step::Idle, "not before the back-off is over");
        post.clock.advance(5);
        assert_eq!(worker.step().await.unwrap(), Step::Retried);
        post.clock.advance(1800);
        assert_eq!(worker.step().await.unwrap(), Step::GaveUp);
        assert_eq!(post.backlog().await, (0, None));
    }

    async fn a_killed_workers_mail_goes_out_when_its_lease_is_over(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        post.owe("m1", Some(MONA), Some("t1")).await;
        let claim = post.store.write(|tx| Box::pin(async move { outbox::claim(tx, "dead", START, (START.plus(60), START.plus(960))).await }));
        assert!(claim.await.unwrap().is_some());
        let worker = post.worker(server.address().port());
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
        post.clock.advance(60);
        assert_eq!(worker.step().await.unwrap(), Step::Sent);
        let late = post.store.write(|tx| Box::pin(async move { outbox::mark_sent(tx, "m1", "dead", START).await }));
        assert!(!late.await.unwrap(), "the dead worker's word counts no more");
    }

    async fn a_clock_that_is_set_back_keeps_no_mail_until_the_hour_comes_again(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        post.owe("m1", Some(MONA), None).await;
        post.owe("m2", Some(MONA), None).await;
        let until = (START.plus(60), START.plus(960));
        let claim = post.store.write(move |tx| Box::pin(async move { outbox::claim(tx, "dead", START, until).await }));
        assert!(claim.await.unwrap().is_some());
        let worker = post.worker(server.address().port());
        post.clock.advance(-300);
        assert_eq!(worker.step().await.unwrap(), Step::Idle, "so much the clocks of two replicas may differ");
        post.clock.advance(-3300);
        for _ in 0..2 {
            assert_eq!(worker.step().await.unwrap(), Step::Sent);
        }
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
    }

    async fn six_workers_send_sixty_mails_once_each(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        for number in 0..60 {
            post.owe(&format!("m{number}"), Some(MONA), None).await;
        }
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let worker = post.worker(server.address().port());
            workers.spawn(async move {
                let (mut idle, mut sent) = (0, 0);
                while idle < 5 {
                    match worker.step().await.unwrap() {
                        Step::Sent => sent += 1,
                        Step::Idle => idle += 1,
                        step => panic!("{step:?}"),
                    }
                }
                sent
            });
        }
        let sent: i32 = workers.join_all().await.into_iter().sum();
        assert_eq!((sent, server.arrived().len()), (60, 60));
    }

    async fn a_running_worker_is_woken_and_stopped(engine) {
        let post = Post::start(engine).await;
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let wake = Arc::new(tokio::sync::Notify::new());
        let mailer = Mailer::start(post.worker(server.address().port()), wake.clone());
        post.owe("m1", Some(MONA), None).await;
        wake.notify_one();
        arrived(&server, 1).await;
        mailer.stop(Duration::from_secs(3)).await;
    }

    async fn with_smtp_down_the_answer_is_the_same_and_the_mail_comes_when_it_is_back(engine) {
        let server = SmtpServer::start(Fault::None, Tls::None).await;
        let address = server.address();
        drop(server);
        let extra = format!("mail.transport = 'smtp'\nmail.smtp_url = 'smtp://{address}'");
        let app = App::start_with(engine, &extra).await;
        let mona = app.signed_in("mona").await;
        let asked = mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let nobody = mona.action("request_password_reset", &[("email", "nobody@example.com")]).await;
        assert_eq!((asked.status, &asked.text), (200, &nobody.text));
        app.clock.advance(90);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let ready = mona.page("/readyz").await;
        assert_eq!((ready.status, ready.text.as_str()), (200, "degraded: mail is delayed\n"));
        // The application goes down with the mail still owed, and both come back.
        let app = app.restarted().await;
        let server = SmtpServer::start_at(address, Fault::None, Tls::None).await;
        // What confirms the address, and the reset, in whatever order. Their hours come in small steps, as in life.
        for _ in 0..200 {
            if server.arrived().len() == 2 {
                break;
            }
            app.clock.advance(5);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        arrived(&server, 2).await;
        while app.anonymous().page("/readyz").await.text != "ready\n" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mails = server.arrived();
        let id_of = |source: &str| source.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_owned);
        let ids: Vec<_> = mails.iter().map(|mail| id_of(&mail.source).unwrap()).collect();
        assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
        assert!(mails.iter().all(|mail| mail.rcpt.contains("mona@example.com")), "{mails:?}");
    }
}

async fn arrived(server: &SmtpServer, count: usize) {
    for _ in 0..200 {
        if server.arrived().len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} mails arrived instead of {count}", server.arrived().len());
}
