//! Users whose name or address cannot be taken as it is, and models that have other columns.

use super::*;

fn about(report: &ImportReport, id: i64) -> Option<&Problem> {
    report.problems.iter().find(|finding| finding.id == id).map(|finding| &finding.what)
}

on_both_engines! {
    async fn who_cannot_be_taken_for_certain_is_reported(engine) {
        let (_app, report, _folder) = imported(engine, "", &ImportPlan::default()).await;
        let mut texts = said(&report.problems);
        texts.retain(|text| !text.contains("sss"));
        assert_eq!(texts, [
            "user -1 (below): the id is not 1 to 4503599627370495",
            "user 13 (mats): the user name, upper and lower case aside, is also that of user 14",
            "user 14 (Mats): the user name, upper and lower case aside, is also that of user 13",
            "user 15 (nora): the e-mail address is also that of user 16",
            "user 16 (olga): the e-mail address is also that of user 15",
            "user 17 (paul): there is no e-mail address",
            "user 19 (-rosa-): the user name cannot be taken: A user name begins and ends with a letter or a digit.",
            "user 21 (tina@elsewhere.test): the user name cannot be taken: A user name has no @ in it. Your e-mail \
             address goes into its own field.",
            "user 24 (ulla): the e-mail address cannot be taken: An e-mail address has no spaces in it.",
        ]);
        assert_eq!(report.problems.len(), 10);
        assert!(!report.is_complete());
    }

    async fn names_are_derived_if_the_operator_wants_it(engine) {
        let plan = ImportPlan { on_bad_username: OnBadUsername::Derive, ..ImportPlan::default() };
        let (app, report, _folder) = imported(engine, "", &plan).await;
        let people = [
            (13, "mats2", "mats@example.com", "mats old password"),
            (14, "mats.two", "mats.two@example.com", "Mats old password"),
            (19, "rosa", "rosa@example.com", "rosas old password"),
            (20, &"s".repeat(32), "sven@example.com", "svens old password"),
            (21, "tina", "tina@example.com", "tinas old password"),
        ];
        for (id, name, email, password) in people {
            assert_eq!(account(&app, id).await.unwrap().account.username, name);
            assert_eq!(app.anonymous().log_in(email, password).await.status, 200, "{email}");
            let note = Note::Renamed(name.to_owned());
            assert!(report.notes.iter().any(|finding| finding.id == id && finding.what == note), "{id}");
        }
        assert_eq!(app.anonymous().log_in("mats", "mats old password").await.status, 401, "nobody's name any more");
        for id in [-1, 15, 16, 17, 24] {
            assert!(about(&report, id).is_some() && account(&app, id).await.is_none(), "{id}");
        }
    }

    async fn the_operator_settles_them_one_by_one(engine) {
        let renames = [(14, "mats.two"), (19, "rosa"), (20, "ada"), (21, "a b"), (999, "nobody.there")];
        let plan = ImportPlan {
            renames: renames.into_iter().map(|(id, name)| (id, name.to_owned())).collect(),
            leave_out: [16, 17, 998].into(),
            on_bad_username: OnBadUsername::Derive,
            ..ImportPlan::default()
        };
        let (app, report, _folder) = imported(engine, "", &plan).await;
        for (id, name) in [(13, "mats"), (14, "mats.two"), (15, "nora"), (19, "rosa")] {
            assert_eq!(account(&app, id).await.unwrap().account.username, name);
        }
        assert_eq!(app.anonymous().log_in("mats", "mats old password").await.status, 200);
        assert_eq!(about(&report, 20), Some(&Problem::SharedUsername(vec![1])), "a wish is not exchanged for another name");
        assert!(matches!(about(&report, 21), Some(Problem::BadUsername(_))));
        assert_eq!(account(&app, 1).await.unwrap().account.username, "ada", "and takes nobody's");
        assert_eq!((about(&report, 16), about(&report, 17), report.left_out), (None, None, 2));
        assert_eq!(report.unmet, [998, 999].into(), "numbers of nobody are told");
        let later = ImportPlan { renames: [(20, "sven".to_owned())].into(), ..ImportPlan::default() };
        let folder = tempfile::tempdir().unwrap();
        let report = import(&app, &django(engine, &folder).await, &later).await;
        assert_eq!((report.imported, account(&app, 20).await.unwrap().account.username.as_str()), (1, "sven"));
        assert_eq!(about(&report, 16), Some(&Problem::SharedEmail(vec![15])), "never merged");
    }

    async fn a_custom_model_is_taken_with_the_columns_it_has(engine) {
        let app = App::start(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let tables = "CREATE TABLE people_person (id bigint NOT NULL PRIMARY KEY, password varchar(128) NOT NULL,
                                                  email varchar(254) NOT NULL, is_active boolean NOT NULL, full_name text);
                      INSERT INTO people_person VALUES (4503599627370495, '!', 'Mona.L@example.com', TRUE, 'x'),
                                                       (5, '!', 'nils@example.com', FALSE, NULL),
                                                       (4503599627370496, '!', 'far@example.com', TRUE, NULL);
                      CREATE TABLE uuids (id varchar(32) NOT NULL PRIMARY KEY, password text, email text);
                      CREATE TABLE hashless (id integer NOT NULL PRIMARY KEY, email text);";
        let location = database(engine, &folder, tables).await;
        let report = import_from(&app, (&location, "people_person"), &ImportPlan::default()).await.unwrap();
        assert_eq!((report.read, report.imported, report.problems.len()), (3, 2, 1));
        let mona = account(&app, AccountId::MAX).await.unwrap();
        assert_eq!((mona.account.username.as_str(), mona.account.created_at), ("Mona.L", START));
        assert_eq!(account(&app, 5).await.unwrap().disabled_at, Some(START));
        for (table, why) in [
            ("uuids", "no whole numbers"),
            ("hashless", "no column password"),
            ("auth_user", "no such table"),
            ("a\" b", "a table is named by"),
            ("", "a table is named by"),
            ("a.b.c", "a table is named by"),
        ] {
            let error = import_from(&app, (&location, table), &ImportPlan::default()).await.unwrap_err().to_string();
            assert!(error.contains(why), "{table}: {error}");
        }
    }

    async fn more_users_than_one_batch_are_all_taken(engine) {
        let app = App::start(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<String> = (1..=450).map(|id| format!("({id}, '!', 'p{id}@example.com', 'person{id}')")).collect();
        let tables = format!(
            "CREATE TABLE auth_user (id integer NOT NULL PRIMARY KEY, password text, email text, username text);
             INSERT INTO auth_user (id, password, email, username) VALUES {};
             INSERT INTO auth_user (id, password, email, username) VALUES (900, '!', 'P1@example.com', 'person900');",
            rows.join(", ")
        );
        let report = import(&app, &database(engine, &folder, &tables).await, &ImportPlan::default()).await;
        assert_eq!((report.read, report.imported), (451, 449));
        assert_eq!(about(&report, 1), Some(&Problem::SharedEmail(vec![900])), "seen before the first is taken");
        assert!(account(&app, 450).await.is_some());
    }
}
