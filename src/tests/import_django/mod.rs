//! Users of a Django database become accounts: on both engines here, from both engines there. The rows are Django's own.

mod command;
mod names;

use crate::harness::{App, Engine, PASSWORD, START, new_database, on_both_engines};
use doorward::{
    domain::{account::AccountId, time::Timestamp},
    server::{
        auth::{Finding, ImportPlan, ImportReport, Note, OnBadUsername, Outcome, Problem},
        compose::{self, World},
        entropy::SystemEntropy,
        store::accounts::{self, StoredAccount},
    },
};
use sqlx::Connection as _;
use std::fmt::Display;
use tempfile::TempDir;

const USERS: &str = include_str!("users.sql");
/// The numbers of those who are taken without a word from the operator.
const TAKEN: [i64; 19] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 22, 23, 25, 26, 27, 28];

/// Where a Django database with these tables is.
async fn database(engine: Engine, folder: &TempDir, statements: &str) -> String {
    let (location, url) = match engine {
        Engine::Postgres => {
            let url = new_database(engine, folder).await;
            (url.clone(), url)
        }
        Engine::Sqlite => {
            let path = folder.path().join("django.sqlite3").display().to_string();
            (path.clone(), format!("sqlite://{path}?mode=rwc"))
        }
    };
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    location
}

/// A Django database with the users of the fixture.
async fn django(engine: Engine, folder: &TempDir) -> String {
    let table = match engine {
        Engine::Sqlite => include_str!("sqlite.sql"),
        Engine::Postgres => include_str!("postgres.sql"),
    };
    database(engine, folder, &format!("{table}\n{USERS}")).await
}

async fn import(app: &App, location: &str, plan: &ImportPlan) -> ImportReport {
    import_from(app, (location, "auth_user"), plan).await.unwrap()
}

async fn import_from(app: &App, from: (&str, &str), plan: &ImportPlan) -> Result<ImportReport, compose::StartError> {
    let world = World { clock: app.clock.clone(), entropy: std::sync::Arc::new(SystemEntropy) };
    compose::import_django(app.settings.clone(), world, from, plan).await
}

/// An application that has taken over the users of the fixture.
async fn imported(engine: Engine, extra: &str, plan: &ImportPlan) -> (App, ImportReport, TempDir) {
    let app = App::start_with(engine, extra).await;
    let folder = tempfile::tempdir().unwrap();
    let report = import(&app, &django(engine, &folder).await, plan).await;
    (app, report, folder)
}

async fn account(app: &App, id: i64) -> Option<StoredAccount> {
    accounts::find(&mut app.store.read().await.unwrap(), AccountId(id)).await.unwrap()
}

/// All accounts of the fixture's numbers, in words.
async fn everything(app: &App) -> Vec<String> {
    let mut all = Vec::new();
    for id in -1..40 {
        all.extend(account(app, id).await.map(|account| format!("{account:?}")));
    }
    all
}

fn said<T: Display>(findings: &[Finding<T>]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn is_ours(account: &StoredAccount) -> bool {
    account.password_hash.as_ref().is_some_and(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"))
}

on_both_engines! {
    async fn everybody_signs_in_with_the_old_password_and_is_rehashed(engine) {
        let (app, ..) = imported(engine, "", &ImportPlan::default()).await;
        let people = [
            ("ada", "adas old password"),
            ("bert", "berts old password"),
            ("cleo@example.com", "cleos old password"),
            ("Dora", "doras old password"),
            ("emil", "emils old password"),
            ("fred", "freds old password"),
            ("gina", "ginas old password"),
            ("hugo", "hugos old password"),
            ("quinn@example.com", "quinns old password"),
            ("žofie", "zofies old password"),
            ("admin", "admins old password"),
            // Decomposed, with space around it as Django REST framework trims it, with its ligatures.
            ("kaja", "Pa\u{308}sswörter für Käthe"),
            ("lena", "  lenas old password\t"),
            ("walt", "ﬁve ﬂowers of walt"),
        ];
        for (name, password) in people {
            let caller = app.anonymous();
            // Ada's has all the iterations of Django's default: in a build for debugging once is enough.
            if name != "ada" {
                let wrong = password.replace("old", "odd").replace('w', "v").replace('K', "k");
                assert_eq!(caller.log_in(name, &wrong).await.status, 401, "{name}");
            }
            let answer = caller.log_in(name, password).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            assert_eq!(app.anonymous().log_in(name, password).await.status, 200, "{name} again");
        }
        for id in [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 18, 23, 26, 27] {
            assert!(is_ours(&account(&app, id).await.unwrap()), "{id}");
        }
        assert_eq!(app.anonymous().log_in("walt", "five flowers of walt").await.status, 200, "one form of a text, now");
        assert_eq!(app.anonymous().log_in("lena", "lenas old password").await.status, 401, "as it was typed, now");
        for name in ["inga", "jens", "theo", "vera", "yuri", "mats", "paul"] {
            let answer = app.anonymous().log_in(name, &format!("{name}s old password")).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "wrong_credentials"), "{name}");
        }
        assert!(account(&app, 10).await.unwrap().password_hash.unwrap().starts_with("pbkdf2_"), "a disabled one's stays");
    }

    async fn numbers_names_dates_and_flags_are_kept(engine) {
        let (app, report, _folder) = imported(engine, "", &ImportPlan::default()).await;
        assert_eq!((report.read, report.imported, report.already_here), (29, 19, 0));
        for id in -1..40 {
            assert_eq!(account(&app, id).await.is_some(), TAKEN.contains(&id), "{id}");
        }
        let ada = account(&app, 1).await.unwrap();
        assert_eq!((ada.account.username.as_str(), ada.account.email.as_str()), ("ada", "ada@example.com"));
        assert_eq!((ada.account.first_name.as_str(), ada.account.last_name.as_str()), ("Ada", "Årud"));
        assert_eq!(ada.account.created_at.rfc3339(), "2024-01-03T03:04:05Z");
        assert_eq!(ada.account.last_login_at.map(Timestamp::rfc3339).as_deref(), Some("2026-03-04T05:06:07Z"));
        assert_eq!((ada.account.email_verified_at, ada.disabled_at), (None, None));
        let jens = account(&app, 10).await.unwrap();
        assert_eq!((jens.disabled_at, jens.account.last_login_at), (Some(START), None));
        assert_eq!(account(&app, 18).await.unwrap().account.email, "Quinn@example.com", "as it was typed");
        assert_eq!(account(&app, 26).await.unwrap().account.first_name, "W".repeat(100));
        for id in [9, 22, 25, 28] {
            assert_eq!(account(&app, id).await.unwrap().password_hash, None, "{id}");
        }
        assert_eq!(said(&report.notes), [
            "user 1 (ada): had superuser rights; they are not carried over",
            "user 9 (inga): had no password and has none here; a reset by mail sets one",
            "user 10 (jens): was inactive and is disabled here",
            "user 11 (kaja): had staff rights; they are not carried over",
            "user 18 (quinn@example.com): is called quinn here and signs in with that or by e-mail",
            "user 22 (theo): has no password here, as its hash cannot be used (kind: md5); a reset by mail sets one",
            "user 25 (vera): has no password here, as its hash cannot be used (kind: pbkdf2_sha256); a reset by mail sets one",
            "user 26 (walt): has a first or last name that was cut or cleaned, as it does not fit",
            "user 27 (admin): keeps a name that nobody can register with here, as it sounds like the site's",
            "user 28 (yuri): has no password here, as its hash cannot be used (kind: unknown); a reset by mail sets one",
        ]);
        let audit = app.auth.verify_audit(&[]).await.unwrap();
        assert_eq!((audit.outcome(), audit.entries), (Outcome::Whole, 19), "each is noted");
    }

    async fn a_dry_run_says_the_same_and_writes_nothing(engine) {
        let app = App::start(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let location = django(engine, &folder).await;
        let plan = ImportPlan { on_bad_username: OnBadUsername::Derive, ..ImportPlan::default() };
        let dry = import(&app, &location, &ImportPlan { dry_run: true, ..plan.clone() }).await;
        assert!(everything(&app).await.is_empty());
        assert_eq!(app.auth.verify_audit(&[]).await.unwrap().last_seq, 0);
        let wet = import(&app, &location, &plan).await;
        assert_eq!((dry.read, dry.imported), (wet.read, wet.imported));
        assert_eq!((said(&dry.problems), said(&dry.notes)), (said(&wet.problems), said(&wet.notes)));
        assert_eq!(everything(&app).await.len(), 24);
    }

    async fn a_second_run_changes_nothing_even_of_those_who_live_here_now(engine) {
        let app = App::start(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let location = django(engine, &folder).await;
        let plan = ImportPlan { on_bad_username: OnBadUsername::Derive, ..ImportPlan::default() };
        let first = import(&app, &location, &plan).await;
        assert_eq!(app.anonymous().log_in("kaja", "Pässwörter für Käthe").await.status, 200);
        app.store.write(move |tx| Box::pin(async move {
            accounts::set_username(tx, AccountId(2), "bertram", "bertram").await
        })).await.unwrap();
        let before = everything(&app).await;
        app.clock.advance(3600);
        let second = import(&app, &location, &ImportPlan { trust_emails: true, ..plan }).await;
        assert_eq!((second.imported, second.already_here), (0, first.imported));
        assert_eq!((said(&second.problems), second.notes.len()), (said(&first.problems), 0));
        assert_eq!(everything(&app).await, before);
        assert_eq!(app.auth.verify_audit(&[]).await.unwrap().outcome(), Outcome::Whole);
    }

    async fn whoever_is_here_keeps_number_name_and_address(engine) {
        let app = App::start(engine).await;
        let there = |id, name: &str, email: &str| accounts::NewAccount {
            id: AccountId(id),
            email: email.to_owned(),
            email_key: email.to_owned(),
            username: name.to_owned(),
            username_key: name.to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            password_hash: Some("none".to_owned()),
        };
        let others = [
            there(1, "otto", "otto@example.com"),
            there(100, "bert", "other@example.com"),
            there(101, "paula", "cleo@example.com"),
        ];
        app.store.write(move |tx| Box::pin(async move {
            for other in &others {
                accounts::insert(tx, other, START).await?;
            }
            Ok(())
        })).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let report = import(&app, &django(engine, &folder).await, &ImportPlan::default()).await;
        assert_eq!(said(&report.problems)[1..4], [
            "user 1 (ada): the id is in use here, by an account with another name and address",
            "user 2 (bert): the user name is that of account 100 here",
            "user 3 (cleo): the e-mail address is that of account 101 here",
        ]);
        assert_eq!(account(&app, 1).await.unwrap().account.username, "otto");
        assert!(account(&app, 2).await.is_none() && account(&app, 3).await.is_none());
        assert!(account(&app, 4).await.is_some());
    }

    async fn the_imported_are_no_abandoned_registrations(engine) {
        let (app, ..) = imported(engine, "registration.confirmation = 'required'", &ImportPlan::default()).await;
        let before = everything(&app).await;
        app.auth.clean_up().await.unwrap();
        assert_eq!(everything(&app).await, before, "though they never confirmed, and never signed in that is known of");
    }

    async fn addresses_are_confirmed_at_the_first_sign_in_unless_they_are_trusted(engine) {
        let extra = "registration.confirmation = 'required'";
        let (app, report, _folder) = imported(engine, extra, &ImportPlan::default()).await;
        assert!(report.must_confirm);
        assert_eq!(app.anonymous().log_in("kaja", "Pässwörter für Käthe").await.status, 401);
        app.mail_with("kaja", "/confirm-email").await;
        let plan = ImportPlan { trust_emails: true, ..ImportPlan::default() };
        let (app, report, _folder) = imported(engine, extra, &plan).await;
        assert!(!report.must_confirm);
        assert_eq!(account(&app, 11).await.unwrap().account.email_verified_at, Some(START));
        assert_eq!(app.anonymous().log_in("kaja", "Pässwörter für Käthe").await.status, 200);
    }

    async fn whoever_had_no_password_sets_one_by_mail(engine) {
        let (app, ..) = imported(engine, "", &ImportPlan::default()).await;
        let caller = app.anonymous();
        assert_eq!(caller.action("request_password_reset", &[("email", "inga@example.com")]).await.status, 200);
        let (link, _) = app.reset_mail("inga").await;
        let query = link.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap());
        let form: Vec<_> = query.chain([("password", PASSWORD), ("password_again", PASSWORD)]).collect();
        assert_eq!(caller.action("confirm_password_reset", &form).await.status, 200);
        assert_eq!(app.anonymous().log_in("inga", PASSWORD).await.status, 200);
    }

    async fn two_engines_of_django_tell_the_same(engine) {
        let app = App::start(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let plan = ImportPlan { dry_run: true, on_bad_username: OnBadUsername::Derive, ..ImportPlan::default() };
        let sqlite = import(&app, &django(Engine::Sqlite, &folder).await, &plan).await;
        let path = folder.path().join("django.sqlite3").display().to_string();
        let by_url = import(&app, &format!("sqlite:{path}"), &plan).await;
        let postgres = import(&app, &django(Engine::Postgres, &folder).await, &plan).await;
        assert_eq!(format!("{sqlite:?}"), format!("{postgres:?}"));
        assert_eq!(format!("{sqlite:?}"), format!("{by_url:?}"));
        assert_eq!(sqlite.imported, 24);
    }
}
