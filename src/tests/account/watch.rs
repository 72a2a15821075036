//! Watching over an account: sessions, pages, "this wasn't me".

use crate::harness::{App, on_both_engines};

on_both_engines! {
    async fn a_session_is_listed_and_ended_at_once_by_its_owner_only(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let phone = app.signed_in_again("mona").await;
        let nils = app.signed_in("nils").await;
        let token = phone.refresh().await.token();
        let sid = app.sid(&phone).await;
        let page = mona.page("/account/sessions").await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(&sid) && !page.text.contains(&app.sid(&nils).await));
        let foreign = nils.action("end_session", &[("session", &sid)]).await;
        assert_eq!((foreign.status, foreign.code().as_str()), (404, "not_found"));
        assert_eq!(phone.account(&token).await.status, 200, "M06: it lives");
        assert_eq!(mona.action("end_session", &[("session", &sid)]).await.status, 200);
        assert_eq!(phone.account(&token).await.status, 401);
        assert_eq!(phone.refresh().await.status, 401);
        assert_eq!(phone.page("/account/sessions").await.status, 303);
        assert_eq!(mona.action("end_session", &[("session", &sid)]).await.status, 404);
        assert_eq!(mona.refresh().await.status, 200);
    }

    async fn all_other_sessions_end_together(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let others = [app.signed_in_again("mona").await, app.signed_in_again("mona").await];
        let nils = app.signed_in("nils").await;
        assert_eq!(mona.action("end_other_sessions", &[]).await.status, 200);
        for other in &others {
            assert_eq!(other.refresh().await.status, 401);
        }
        assert_eq!((mona.refresh().await.status, nils.refresh().await.status), (200, 200));
    }

    async fn account_pages_lead_strangers_to_the_login_and_back(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        for page in ["/account", "/account/security", "/account/sessions", "/account/history", "/account/privacy", "/account/not-me", "/confirm-email-change"] {
            let stranger = app.anonymous().page(page).await;
            assert_eq!((stranger.status, stranger.header("location")), (303, format!("/login?next={page}").as_str()));
            let own = mona.page(page).await;
            assert_eq!((own.status, own.header("cache-control")), (200, "no-store"), "{page}");
        }
        for page in ["/confirm-email", "/undo-email-change"] {
            assert_eq!(app.anonymous().page(page).await.status, 200, "{page}");
        }
    }
}
