//! Mails as an operator sees them: listed without an address, sent again when that makes sense.

use super::{command, complained, json, said};
use crate::harness::{App, PASSWORD, on_both_engines};
use doorward::{
    domain::{account::AccountId, time::Timestamp},
    server::{
        auth::{Resend, Resent, Which},
        clock::{Clock as _, SystemClock},
        store::{
            outbox::{self, MailKind, NewMail},
            outbox_list::{MailState, StoredMail},
        },
    },
};
use std::time::Duration;

/// Owes a notice to this account, worth sending until then.
async fn owe(app: &App, id: &str, account: Option<AccountId>, give_up_at: Timestamp) {
    let mail =
        NewMail { id: id.to_owned(), kind: MailKind::SessionTheft, account, ticket: None, give_up_at, about: None };
    let now = app.clock.now();
    app.store.write(move |tx| Box::pin(async move { outbox::insert(tx, &mail, now).await })).await.unwrap();
}

/// The mail of that id, once it is in this state.
async fn once(app: &App, id: &str, state: MailState) -> StoredMail {
    for _ in 0..400 {
        let mails = app.auth.mails(Some(state), 1000).await.unwrap();
        if let Some(mail) = mails.into_iter().find(|mail| mail.id == id) {
            return mail;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{id} is not {state:?}; there are {:?}", app.auth.mails(None, 1000).await.unwrap());
}

async fn resend(app: &App, id: &str, again: bool) -> Resend {
    let resent = app.auth.resend_mails(Which::These(vec![id.to_owned()]), again).await.unwrap();
    assert_eq!((resent.len(), resent[0].id.as_str()), (1, id));
    resent[0].outcome
}

async fn id_of(app: &App, name: &str) -> AccountId {
    app.auth.user(name).await.unwrap().account.id
}

on_both_engines! {
    async fn a_notice_that_was_given_up_goes_out_when_an_operator_wants_it(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'off'").await;
        app.signed_in("mona").await;
        let (mona, late) = (id_of(&app, "mona").await, app.clock.now());
        for id in ["late-1", "late-2"] {
            owe(&app, id, Some(mona), late).await;
        }
        owe(&app, "decoy", None, late).await;
        assert_eq!(once(&app, "late-1", MailState::GivenUp).await.state(), MailState::GivenUp);
        once(&app, "late-2", MailState::GivenUp).await;
        assert_eq!(app.auth.mails(None, 1000).await.unwrap().len(), 2, "decoys are no mails");
        assert!(app.mails().is_empty());
        assert_eq!(resend(&app, "late-1", false).await, Resend::Due);
        let sent = once(&app, "late-1", MailState::Sent).await;
        assert_eq!((sent.attempts, sent.last_error, sent.gave_up_at), (1, None, None), "as if never tried");
        let all = app.auth.resend_mails(Which::GivenUp, false).await.unwrap();
        assert_eq!(all, [Resent { id: "late-2".to_owned(), outcome: Resend::Due }]);
        once(&app, "late-2", MailState::Sent).await;
        assert_eq!(app.mails().len(), 2);
    }

    async fn a_mail_that_went_out_goes_out_again_only_when_that_is_said(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'off'").await;
        app.signed_in("mona").await;
        owe(&app, "notice", Some(id_of(&app, "mona").await), app.clock.now().plus(600)).await;
        let first = once(&app, "notice", MailState::Sent).await;
        assert_eq!(resend(&app, "notice", false).await, Resend::Sent);
        assert_eq!(once(&app, "notice", MailState::Sent).await, first, "nothing was changed");
        app.clock.advance(3);
        assert_eq!(resend(&app, "notice", true).await, Resend::Due);
        assert_eq!(once(&app, "notice", MailState::Sent).await.sent_at, Some(app.clock.now()));
        assert_eq!(resend(&app, "none of ours", true).await, Resend::NoSuchMail);
    }

    async fn a_mail_whose_link_is_dead_or_whose_reader_is_gone_is_not_sent_again(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'off'").await;
        let mona = app.signed_in("mona").await;
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        app.reset_mail("mona").await;
        let reset = app.auth.mails(None, 1).await.unwrap().remove(0);
        assert_eq!((reset.kind.as_str(), reset.ticket.is_some()), ("password_reset", true));
        let reset = once(&app, &reset.id, MailState::Sent).await;
        assert_eq!(resend(&app, &reset.id, true).await, Resend::Due, "its link still works");
        once(&app, &reset.id, MailState::Sent).await;
        app.clock.advance(app.settings.reset.link_lifetime);
        assert_eq!(resend(&app, &reset.id, true).await, Resend::DeadSecret);
        mona.action("request_password_reset", &[("email", "mona@example.com")]).await;
        let (mona_id, now) = (id_of(&app, "mona").await, app.clock.now());
        let newer = app.auth.mails(None, 1).await.unwrap().remove(0);
        once(&app, &newer.id, MailState::Sent).await;
        app.auth.make_reset_link("mona").await.unwrap();
        assert_eq!(resend(&app, &newer.id, true).await, Resend::DeadSecret, "another link took its place");
        owe(&app, "notice", Some(mona_id), now).await;
        once(&app, "notice", MailState::GivenUp).await;
        app.auth.set_disabled(mona_id, true).await.unwrap();
        assert_eq!(resend(&app, "notice", false).await, Resend::Nobodys);
        owe(&app, "decoy", None, now).await;
        assert_eq!(resend(&app, "decoy", false).await, Resend::Nobodys);
    }

    async fn a_mail_that_a_server_is_sending_is_left_to_it(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'off'").await;
        app.signed_in("mona").await;
        let (mona, now) = (id_of(&app, "mona").await, app.clock.now());
        owe(&app, "leased", Some(mona), now.plus(600)).await;
        once(&app, "leased", MailState::Sent).await;
        // As another server would hold it that is at it since a moment.
        app.store.write(move |tx| Box::pin(async move {
            let lease = "UPDATE outbox SET sent_at = NULL, leased_until = $1, lease_holder = 'other' WHERE id = 'leased'";
            Ok(sqlx::query(lease).bind(now.0 + 60).execute(tx).await.map(|_| ())?)
        })).await.unwrap();
        assert_eq!(resend(&app, "leased", false).await, Resend::BeingSent);
        app.clock.advance(60);
        once(&app, "leased", MailState::Sent).await;
    }

    async fn the_command_lists_mails_without_addresses_and_has_them_sent_by_the_running_server(engine) {
        let app = App::start_with(engine, "registration.confirmation = 'off'").await;
        app.clock.set(SystemClock.now());
        app.signed_in("mona").await;
        let mona = id_of(&app, "mona").await;
        owe(&app, "late", Some(mona), app.clock.now()).await;
        once(&app, "late", MailState::GivenUp).await;
        let listed = command(&app, &["mail", "list", "--state", "given-up"]);
        let text = said(&listed);
        assert_eq!(listed.status.code(), Some(0), "{}", complained(&listed));
        let line = text.lines().find(|line| line.starts_with("late  session_theft  ")).unwrap_or_else(|| panic!("{text}"));
        assert!(text.starts_with("MAIL  KIND ") && line.contains(&mona.to_string()), "{text}");
        assert!(!text.contains('@') && !text.contains("mona"), "{text}");
        let found = json(&command(&app, &["mail", "list", "--state", "all", "--json"]));
        assert_eq!((found["mails"][0]["state"].as_str(), found["mails"][0]["leased"].as_bool()), (Some("given_up"), Some(false)));
        assert!(said(&command(&app, &["mail", "list"])).contains("There are none"));
        let resent = command(&app, &["mail", "resend", "--given-up", "--json"]);
        assert_eq!(resent.status.code(), Some(0), "{}", complained(&resent));
        assert_eq!(json(&resent)["mails"][0]["outcome"], "due");
        app.clock.set(SystemClock.now());
        once(&app, "late", MailState::Sent).await;
        let sent = command(&app, &["mail", "resend", "late"]);
        assert_eq!(sent.status.code(), Some(1));
        assert!(said(&sent).contains("--again"), "{}", said(&sent));
        assert_eq!(command(&app, &["mail", "resend"]).status.code(), Some(2), "which ones?");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 200);
    }
}
