//! Taking one's data along, and leaving.

use super::{DAY, STALE, account};
use crate::{
    harness::{App, OTHER_PASSWORD, PASSWORD, factors::here, on_both_engines},
    operations::factors::{with_passkey, with_totp},
};
use secrecy::ExposeSecret as _;

on_both_engines! {
    async fn a_copy_of_the_data_has_everything_of_its_owner_and_no_secret(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        app.signed_in("nils").await;
        app.anonymous().log_in("mona", "wrong").await;
        let file = mona.submit("/account/privacy/export", &[]).await;
        assert_eq!((file.status, file.header("content-type")), (200, "application/json"));
        assert!(file.header("content-disposition").starts_with("attachment"));
        let json = file.json();
        assert_eq!((&json["account"]["email"], &json["account"]["username"]), (&"mona@example.com".into(), &"mona".into()));
        assert_eq!(json["account"]["created_at"], "2026-11-20T16:00:00Z");
        let events: Vec<&str> = json["history"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["exported", "login_failed", "logged_in", "registered"]);
        assert!(!file.text.contains("argon2") && !file.text.contains("nils") && !file.text.contains(&mona.held()));
        app.clock.advance(STALE);
        let asked = mona.submit("/account/privacy/export", &[]).await;
        assert_eq!(asked.status, 403);
        assert!(asked.text.contains("current_password"));
        assert_eq!(mona.submit("/account/privacy/export", &[("current_password", PASSWORD)]).await.status, 200);
        let stranger = app.anonymous().submit("/account/privacy/export", &[]).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/login?next=/account/privacy"));
    }

    async fn a_copy_of_the_data_has_the_second_factors_without_their_secrets(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let none = mona.submit("/account/privacy/export", &[]).await.json()["factors"].clone();
        assert_eq!((&none["has_password"], &none["authenticator_app"]), (&true.into(), &serde_json::Value::Null));
        let device = with_totp(&app, &mona).await;
        let id = app.auth.user("mona").await.unwrap().account.id;
        with_passkey(&app, id, "cGFzc2tleQ", "Blue key").await;
        app.answer_at(&app.challenged("mona").await, &device.code(&app), true, &here()).await.unwrap();
        let file = mona.submit("/account/privacy/export", &[]).await;
        let factors = &file.json()["factors"];
        assert_eq!(factors["authenticator_app"]["confirmed_at"], "2026-11-20T16:00:00Z");
        assert_eq!(factors["authenticator_app"]["last_used_at"], "2026-11-20T16:00:30Z");
        assert_eq!((&factors["passkeys"][0]["name"], &factors["passkeys"][0]["last_used_at"]), (&"Blue key".into(), &serde_json::Value::Null));
        assert_eq!(factors["recovery_codes_left"], 10);
        let trusted = &factors["trusted_browsers"][0];
        assert_eq!((&trusted["device"], &trusted["ip"]), (&"Firefox on Linux".into(), &"192.0.2.1".into()));
        for hidden in [device.secret.base32().expose_secret(), "argon2", "digest", "sealed", "record\"", &device.codes[0]] {
            assert!(!file.text.contains(hidden), "{hidden}");
        }
    }

    async fn an_account_that_leaves_can_be_kept_by_signing_in_for_fourteen_days(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let gone = mona.action("request_deletion", &[]).await;
        assert_eq!((gone.status, gone.json()["next"].as_str()), (200, Some("/login?notice=deletion-requested")));
        assert_eq!(mona.cookie("__Host-doorward"), None);
        app.mail("mona", "deleted").await;
        app.clock.advance(14 * DAY - 1);
        app.auth.clean_up().await.unwrap();
        let back = app.anonymous();
        assert_eq!(back.log_in("mona", PASSWORD).await.json()["next"], "/account/restore");
        for page in ["/account", "/dashboard", "/account/security"] {
            let shown = back.page(page).await;
            assert_eq!((shown.status, shown.header("location")), (303, "/account/restore"), "{page}");
        }
        assert_eq!(back.page("/account/restore").await.status, 200);
        let other = back.action("change_profile", &[("time_zone", "UTC")]).await;
        assert_eq!((other.status, other.code().as_str()), (403, "leaving_account"));
        assert_eq!(back.action("undo_deletion", &[]).await.status, 200);
        app.clock.advance(2 * DAY);
        app.auth.clean_up().await.unwrap();
        assert_eq!(back.page("/account").await.status, 303, "idle for two days");
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.json()["next"], "/dashboard");
    }

    async fn after_the_grace_nothing_is_left_and_nothing_is_inherited(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let id = account(&mona).await["id"].clone();
        assert_eq!(mona.action("request_deletion", &[]).await.status, 200);
        app.clock.advance(14 * DAY);
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401, "also before it is swept up");
        app.auth.clean_up().await.unwrap();
        assert_eq!(app.anonymous().log_in("mona", PASSWORD).await.status, 401);
        let fields = |username| [("email", "mona@example.com"), ("username", username), ("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
        assert_eq!(app.anonymous().action("register", &fields("mona")).await.fields(), ["username"], "kept from others");
        app.clock.advance(31 * DAY);
        let later = app.anonymous();
        assert_eq!(later.action("register", &fields("mona")).await.status, 200);
        assert_ne!(account(&later).await["id"], id);
        let history = later.submit("/account/privacy/export", &[]).await.json()["history"].as_array().unwrap().len();
        assert_eq!(history, 3, "registered, signed in, exported");
    }
}
