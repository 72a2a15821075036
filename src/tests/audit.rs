//! The audit log: what is noted stays as it was, or it is seen where it was changed; on both engines.

mod command;

use crate::harness::{App, Engine, START, on_both_engines};
use doorward::{
    domain::{
        account::{Account, AccountId},
        factor::AssuranceLevel,
        history::Event,
        time::Timestamp,
    },
    server::{
        auth::{AuditReport, Fault, FaultKind, KnownEntry, Outcome, Principal},
        crypto::{AuditSeals, Keys, sha256_text},
        entropy::{SystemEntropy, random_id},
        store::{
            Store, StoreError,
            audit::{self, NewEvent},
            audit_links::{self, Personal},
        },
    },
};
use futures::future::join_all;
use std::fs;

const MONA: AccountId = AccountId(7);
const OTTO: AccountId = AccountId(8);

/// An event of Mona's.
fn event(number: usize) -> NewEvent {
    NewEvent {
        event: Event::ALL[number % Event::ALL.len()],
        account: Some(MONA),
        sid: Some(format!("session {}", number % 2)),
        device_label: "Firefox on Linux".to_owned(),
        ip: format!("192.0.2.{number}"),
        salt: random_id(&SystemEntropy),
    }
}

async fn append(store: &Store, seals: &AuditSeals, new: NewEvent, at: Timestamp) -> Result<(), StoreError> {
    let seals = seals.clone();
    store
        .write(move |tx| {
            Box::pin(async move { audit::append(tx, &new, &|text| seals.seal(text), sha256_text, at).await })
        })
        .await
}

fn seals(app: &App) -> AuditSeals {
    AuditSeals::new(&Keys::load(&app.settings.keys, crate::harness::START).unwrap())
}

/// An application whose log has these entries, one an hour.
async fn app_with(engine: Engine, entries: usize) -> App {
    let app = App::start(engine).await;
    for number in 0..entries {
        append(&app.store, &seals(&app), event(number), hour(number)).await.unwrap();
    }
    app
}

fn hour(number: usize) -> Timestamp {
    START.plus(3600 * i64::try_from(number).unwrap())
}

/// What somebody does who has the database and not the keys.
async fn tamper(app: &App, statements: &'static str) {
    let write = app
        .store
        .write(move |tx| Box::pin(async move { Ok(sqlx::raw_sql(statements).execute(tx).await.map(|_| ())?) }));
    write.await.unwrap();
}

async fn verify(app: &App) -> AuditReport {
    app.auth.verify_audit(&[]).await.unwrap()
}

/// The last entry as an operator notes it down.
async fn noted_down(app: &App) -> KnownEntry {
    let report = verify(app).await;
    KnownEntry { seq: report.last_seq, seal: report.last_seal }
}

fn fault(kind: FaultKind, seq: i64) -> Option<Fault> {
    Some(Fault { kind, seq })
}

const KEEP: &str = "CREATE TABLE kept_events AS SELECT * FROM audit_events;
    CREATE TABLE kept_chain AS SELECT * FROM audit_chain";
const PUT_BACK: &str = "DELETE FROM audit_events; INSERT INTO audit_events SELECT * FROM kept_events;
    DELETE FROM audit_chain; INSERT INTO audit_chain SELECT * FROM kept_chain";

/// Each single thing that can be done to a log of six entries, and where it is seen.
const TAMPERINGS: [(&str, FaultKind, i64); 29] = [
    ("UPDATE audit_events SET happened_at = happened_at - 60 WHERE seq = 3", FaultKind::Seal, 3),
    ("UPDATE audit_events SET kind = 'logged_out' WHERE seq = 3", FaultKind::Seal, 3),
    ("UPDATE audit_events SET kind = 'no kind at all' WHERE seq = 3", FaultKind::Seal, 3),
    ("UPDATE audit_events SET account_id = 8 WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET account_id = NULL WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET sid = 'session 7' WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET device_label = 'Chrome on Windows' WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET ip = '198.51.100.1' WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET salt = 'x' WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET salt = NULL WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET salt = NULL, account_id = 8 WHERE seq = 3", FaultKind::Personal, 3),
    ("UPDATE audit_events SET personal_digest = 'x', salt = NULL, account_id = NULL, sid = NULL, device_label = NULL,
      ip = NULL WHERE seq = 3", FaultKind::Seal, 3),
    ("UPDATE audit_events SET seal = substr(seal, 1, 51) || 'x' WHERE seq = 3", FaultKind::Seal, 3),
    ("UPDATE audit_events SET seal = '' WHERE seq = 3", FaultKind::Seal, 3),
    ("UPDATE audit_events SET seal = (SELECT k.seal FROM kept_events k WHERE k.seq = 4) WHERE seq = 3", FaultKind::Seal, 3),
    // A seal of no key of ours cannot be checked; the one after it can.
    ("UPDATE audit_events SET seal = 'AAAAAAAA' || substr(seal, 9) WHERE seq = 3", FaultKind::Seal, 4),
    ("UPDATE audit_events SET seal = 'AAAAAAAA' || substr(seal, 9) WHERE seq = 6", FaultKind::End, 6),
    ("DELETE FROM audit_events WHERE seq = 1", FaultKind::Missing, 1),
    ("DELETE FROM audit_events WHERE seq = 3", FaultKind::Missing, 3),
    ("DELETE FROM audit_events WHERE seq >= 5", FaultKind::Missing, 5),
    ("UPDATE audit_events SET seq = 100 WHERE seq = 3; UPDATE audit_events SET seq = 3 WHERE seq = 4;
      UPDATE audit_events SET seq = 4 WHERE seq = 100", FaultKind::Seal, 3),
    ("UPDATE audit_events SET seq = 0 WHERE seq = 6", FaultKind::Stray, 0),
    ("UPDATE audit_chain SET last_seq = 7", FaultKind::Missing, 7),
    ("UPDATE audit_chain SET last_seq = 5, last_seal = (SELECT seal FROM audit_events WHERE seq = 5)", FaultKind::Stray, 6),
    ("UPDATE audit_chain SET last_seal = 'x'", FaultKind::End, 6),
    ("UPDATE audit_chain SET first_seq = 2", FaultKind::Stray, 1),
    ("UPDATE audit_chain SET first_seq = 0", FaultKind::Missing, 0),
    ("UPDATE audit_chain SET before_first_seal = 'x'", FaultKind::Seal, 1),
    ("DELETE FROM audit_chain", FaultKind::NoEnds, 0),
];

on_both_engines! {
    async fn what_was_noted_is_whole(engine) {
        let app = app_with(engine, 0).await;
        let empty = verify(&app).await;
        assert_eq!((empty.outcome(), empty.entries, empty.last_seal.as_str()), (Outcome::Whole, 0, ""));
        for number in 0..6 {
            append(&app.store, &seals(&app), event(number), hour(number)).await.unwrap();
        }
        let nobody = NewEvent { account: None, sid: None, device_label: String::new(), ip: String::new(), ..event(6) };
        append(&app.store, &seals(&app), nobody, hour(6)).await.unwrap();
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.entries, report.erased, report.key_gone), (Outcome::Whole, 7, 0, 0));
        assert_eq!((report.first_seq, report.last_seq, report.first_at), (1, 7, Some(START)));
        assert_eq!(report.last_seal.len(), 52);
    }

    async fn every_single_tampering_is_found_where_it_was_done(engine) {
        let app = app_with(engine, 6).await;
        tamper(&app, KEEP).await;
        for (statements, kind, seq) in TAMPERINGS {
            tamper(&app, statements).await;
            let report = verify(&app).await;
            assert_eq!(report.fault, fault(kind, seq), "{statements}");
            assert_eq!(report.outcome(), Outcome::Broken, "{statements}");
            tamper(&app, PUT_BACK).await;
            assert_eq!(verify(&app).await.outcome(), Outcome::Whole, "after {statements}");
        }
    }

    async fn more_entries_than_are_read_at_once_are_all_checked(engine) {
        let app = app_with(engine, 0).await;
        let seals = seals(&app);
        let write = app.store.write(move |tx| Box::pin(async move {
            for number in 0..2100 {
                audit::append(tx, &event(number), &|text| seals.seal(text), sha256_text, hour(number)).await?;
            }
            Ok(())
        }));
        write.await.unwrap();
        assert_eq!(verify(&app).await.entries, 2100);
        tamper(&app, "UPDATE audit_events SET ip = 'x' WHERE seq = 2001").await;
        assert_eq!(verify(&app).await.fault, fault(FaultKind::Personal, 2001));
        tamper(&app, "DELETE FROM audit_events WHERE seq = 1001").await;
        assert_eq!(verify(&app).await.fault, fault(FaultKind::Missing, 1001));
    }

    async fn a_tail_cut_off_with_care_is_seen_by_who_has_noted_the_last_seal(engine) {
        let app = app_with(engine, 6).await;
        let known = noted_down(&app).await;
        assert_eq!(known.seq, 6);
        let with_known = async || app.auth.verify_audit(std::slice::from_ref(&known)).await.unwrap();
        assert_eq!(with_known().await.outcome(), Outcome::Whole);
        append(&app.store, &seals(&app), event(6), hour(6)).await.unwrap();
        assert_eq!(with_known().await.outcome(), Outcome::Whole, "it may have grown");
        tamper(&app, "DELETE FROM audit_events WHERE seq >= 5; UPDATE audit_chain SET last_seq = 4,
            last_seal = (SELECT seal FROM audit_events WHERE seq = 4)").await;
        assert_eq!(verify(&app).await.outcome(), Outcome::Whole, "the chain alone cannot know");
        assert_eq!(with_known().await.fault, fault(FaultKind::Known, 6));
        for number in 4..8 {
            append(&app.store, &seals(&app), event(number), hour(number)).await.unwrap();
        }
        assert_eq!(verify(&app).await.outcome(), Outcome::Whole);
        assert_eq!(with_known().await.fault, fault(FaultKind::Known, 6), "nor does it help to grow again");
    }

    async fn an_erased_account_leaves_a_whole_log_with_nothing_personal_in_it(engine) {
        let app = app_with(engine, 5).await;
        append(&app.store, &seals(&app), NewEvent { account: Some(OTTO), ..event(5) }, hour(5)).await.unwrap();
        let known = noted_down(&app).await;
        let erased = app.store.write(|tx| Box::pin(audit::erase(tx, MONA))).await.unwrap();
        assert_eq!(erased, 5);
        let report = app.auth.verify_audit(&[known]).await.unwrap();
        assert_eq!((report.outcome(), report.entries, report.erased), (Outcome::Whole, 6, 5));
        let mut tx = app.store.read().await.unwrap();
        let links = audit_links::links(&mut tx, 1, 6, 10).await.unwrap();
        assert!(links[..5].iter().all(|link| link.personal == Personal::Erased));
        assert!(matches!(links[5].personal, Personal::Kept(_)), "another account's stay");
        assert!(audit::of_account(&mut tx, MONA, i64::MAX, 10).await.unwrap().is_empty());
        let rest = "SELECT COUNT(*) FROM audit_events WHERE seq <= 5 AND
            (account_id IS NOT NULL OR sid IS NOT NULL OR device_label IS NOT NULL OR ip IS NOT NULL OR salt IS NOT NULL)";
        assert_eq!(sqlx::query_scalar::<_, i64>(rest).fetch_one(&mut *tx).await.unwrap(), 0);
        drop(tx);
        tamper(&app, "UPDATE audit_events SET kind = 'logged_out' WHERE seq = 2").await;
        assert_eq!(verify(&app).await.fault, fault(FaultKind::Seal, 2), "what is erased is still sealed");
    }

    async fn entries_let_go_at_the_beginning_leave_a_whole_log(engine) {
        let app = app_with(engine, 6).await;
        let trim = async |before| app.store.write(move |tx| Box::pin(audit::trim(tx, before))).await.unwrap();
        let third = KnownEntry { seq: 3, seal: links(&app).await[2].1.clone() };
        assert_eq!(trim(START).await, 0, "nothing is from before");
        assert_eq!(trim(hour(3)).await, 3);
        let report = app.auth.verify_audit(std::slice::from_ref(&third)).await.unwrap();
        assert_eq!((report.outcome(), report.first_seq, report.entries), (Outcome::Whole, 4, 3));
        assert_eq!(report.first_at, Some(hour(3)));
        assert_eq!(trim(hour(3)).await, 0);
        assert_eq!(trim(hour(4)).await, 1);
        let report = app.auth.verify_audit(std::slice::from_ref(&third)).await.unwrap();
        assert_eq!((report.outcome(), report.too_old.as_slice()), (Outcome::Unsure, [3].as_slice()));
        assert_eq!(trim(hour(100)).await, 2);
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.entries, report.last_seq), (Outcome::Whole, 0, 6));
        append(&app.store, &seals(&app), event(6), hour(6)).await.unwrap();
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.first_seq, report.entries), (Outcome::Whole, 7, 1));
        tamper(&app, "UPDATE audit_chain SET before_first_seal = ''").await;
        assert_eq!(verify(&app).await.fault, fault(FaultKind::Seal, 7));
    }

    async fn an_older_entry_behind_a_newer_one_waits_for_its_turn(engine) {
        let app = app_with(engine, 0).await;
        for at in [0, 5, 1, 6] {
            append(&app.store, &seals(&app), event(at), hour(at)).await.unwrap();
        }
        let trimmed = app.store.write(|tx| Box::pin(audit::trim(tx, hour(3)))).await.unwrap();
        assert_eq!(trimmed, 1);
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.first_seq, report.entries), (Outcome::Whole, 2, 3));
    }

    async fn a_check_sees_one_log_while_others_append_and_trim(engine) {
        let app = app_with(engine, 6).await;
        let mut view = app.store.snapshot().await.unwrap();
        let before = audit_links::chain(&mut view).await.unwrap().unwrap();
        append(&app.store, &seals(&app), event(6), hour(6)).await.unwrap();
        app.store.write(|tx| Box::pin(audit::trim(tx, hour(3)))).await.unwrap();
        assert_eq!(audit_links::links(&mut view, 1, 10, 10).await.unwrap().len(), 6);
        assert_eq!((before.first_seq, before.last_seq), (1, 6));
        drop(view);
        assert_eq!(links(&app).await.len(), 4);
    }

    async fn forty_at_once_make_one_chain_without_gaps(engine) {
        let app = app_with(engine, 0).await;
        let seals = seals(&app);
        let appended = join_all((0..40).map(|number| append(&app.store, &seals, event(number), hour(number)))).await;
        assert!(appended.iter().all(Result::is_ok));
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.entries, report.last_seq), (Outcome::Whole, 40, 40));
        let mut addresses: Vec<_> = links(&app).await.into_iter().map(|(ip, _)| ip).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 40, "each is there once");
    }

    async fn a_transaction_that_fails_leaves_no_gap(engine) {
        let app = app_with(engine, 2).await;
        let seals = seals(&app);
        let lost = {
            let seals = seals.clone();
            app.store.write(move |tx| Box::pin(async move {
                audit::append(tx, &event(2), &|text| seals.seal(text), sha256_text, hour(2)).await?;
                Err::<(), _>(StoreError::Taken)
            }))
        };
        // Beside another one, so that they may be committed together.
        let (lost, kept) = futures::join!(lost, append(&app.store, &seals, event(3), hour(3)));
        assert!(lost.is_err() && kept.is_ok());
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.entries), (Outcome::Whole, 3));
    }

    async fn a_change_of_the_mail_key_keeps_old_entries_checked_as_long_as_it_is_there(engine) {
        let app = app_with(engine, 3).await;
        let keys = app.settings.keys.file.clone();
        let mut document: serde_json::Value = serde_json::from_str(&fs::read_to_string(&keys).unwrap()).unwrap();
        let old = document["mail"][0].clone();
        // 33 bytes as base64url: two ids of 22 letters each.
        let new = [random_id(&SystemEntropy), random_id(&SystemEntropy)].concat();
        document["mail"] = serde_json::json!([{ "key": new }, old]);
        fs::write(&keys, document.to_string()).unwrap();
        let app = app.restarted().await;
        for number in 3..5 {
            append(&app.store, &seals(&app), event(number), hour(number)).await.unwrap();
        }
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.entries, report.key_gone), (Outcome::Whole, 5, 0));
        let names: Vec<_> = links(&app).await.into_iter().map(|(_, seal)| seal[..8].to_owned()).collect();
        assert!(names[0] == names[2] && names[2] != names[3] && names[3] == names[4], "{names:?}");

        document["mail"] = serde_json::json!([{ "key": new }]);
        fs::write(&keys, document.to_string()).unwrap();
        let app = app.restarted().await;
        let report = verify(&app).await;
        assert_eq!((report.outcome(), report.fault, report.entries), (Outcome::Unsure, None, 5));
        assert_eq!((report.key_gone, report.first_key_gone), (3, Some(1)));
        tamper(&app, "UPDATE audit_events SET ip = 'x' WHERE seq = 2").await;
        assert_eq!(verify(&app).await.fault, fault(FaultKind::Personal, 2), "digests need no key");
        tamper(&app, "DELETE FROM audit_events WHERE seq = 2").await;
        assert_eq!(verify(&app).await.fault, fault(FaultKind::Missing, 2), "nor do numbers");
    }

    async fn the_history_shows_an_owner_its_own_events_newest_first_and_a_page_at_a_time(engine) {
        let app = app_with(engine, 0).await;
        for number in 0..52 {
            let account = if number % 26 == 0 { OTTO } else { MONA };
            let new = NewEvent { account: Some(account), ..event(number) };
            append(&app.store, &seals(&app), new, hour(number)).await.unwrap();
        }
        let principal = principal(MONA, "session 1");
        let first = app.auth.history(&principal, None, 25).await.unwrap();
        assert_eq!(first.entries.len(), 25);
        assert_eq!((first.entries[0].seq, first.entries[0].ip.as_str()), (52, "192.0.2.51"));
        assert_eq!(first.entries[0].happened_at, hour(51));
        assert_eq!(first.entries[0].device_label, "Firefox on Linux");
        assert!(first.entries[0].is_this_session && !first.entries[1].is_this_session);
        let second = app.auth.history(&principal, first.older, 25).await.unwrap();
        assert_eq!((second.entries.len(), second.older), (25, None), "fifty are two whole pages");
        let all: Vec<_> = first.entries.iter().chain(&second.entries).collect();
        assert!(all.is_sorted_by(|newer, older| newer.seq > older.seq));
        assert!(all.iter().all(|entry| ![1, 27].contains(&entry.seq)), "another account's are not among them");
        assert!(app.auth.history(&principal, Some(i64::MIN), 25).await.unwrap().entries.is_empty());
        let otto = app.auth.history(&self::principal(OTTO, "x"), None, 25).await.unwrap();
        assert_eq!((otto.entries.len(), otto.older), (2, None));
    }
}

/// The address and the seal of each entry.
async fn links(app: &App) -> Vec<(String, String)> {
    let mut tx = app.store.read().await.unwrap();
    let rows = sqlx::query_as("SELECT ip, seal FROM audit_events ORDER BY seq");
    rows.fetch_all(&mut *tx).await.unwrap()
}

fn principal(account: AccountId, sid: &str) -> Principal {
    let account = Account {
        id: account,
        username: "mona".to_owned(),
        email: "mona@example.com".to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        created_at: START,
        last_login_at: None,
        email_verified_at: None,
        time_zone: "UTC".to_owned(),
        delete_at: None,
    };
    let level = AssuranceLevel::One;
    Principal { account, sid: sid.to_owned(), authenticated_at: START, level, is_admin: false }
}
