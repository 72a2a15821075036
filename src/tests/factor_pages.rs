//! The pages of second factors, with scripts off: the same server functions, the same promises.

use crate::{
    account::{STALE, confirm, link},
    harness::{
        Answer, App, Caller, PASSWORD,
        factors::{STEP, secret_of},
        on_both_engines,
    },
};
use doorward::server::crypto::TotpSecret;

const FACTOR: &str = "/login/factor";
const ENROL: &str = "/login/enrol";
const FACTORS: &str = "/account/factors";
const SET_UP: &str = "/account/factors/app";
const CODES: &str = "/account/factors/recovery-codes";
const NEW_CODES: &str = "/account/factors/recovery-codes/new";
const LOGIN: [(&str, &str); 2] = [("identifier", "mona"), ("password", PASSWORD)];
const EVERYONE: &str = "factors.required = 'everyone'";

/// What stands between two texts of a page.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len();
    &text[from..from + text[from..].find(end).unwrap()]
}

/// The secret that a page shows to be typed into an app.
fn secret_on(page: &str) -> TotpSecret {
    let shown = between(between(page, "secret-text", "</p>"), "<code>", "</code>");
    let secret = secret_of(&shown.replace(' ', ""));
    assert_eq!(secret.bytes().len(), 20);
    secret
}

/// The recovery codes that a page shows.
fn codes_on(page: &str) -> Vec<String> {
    let list = between(page, "class=\"codes\"", "</ul>");
    let codes = list.split("<code").skip(1).map(|code| between(code, ">", "</code>").to_owned());
    codes.collect()
}

fn went(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("location"))
}

/// Mona, her app and her recovery codes, which are not put away yet.
async fn mona_with_app(app: &App) -> (Caller, TotpSecret, Vec<String>) {
    let mona = app.signed_in("mona").await;
    confirm(app, &mona, "mona").await;
    assert_eq!(went(&mona.submit("/account/factors/app/start", &[]).await), (303, SET_UP));
    let secret = secret_on(&mona.page(SET_UP).await.text);
    let done = mona.submit(SET_UP, &[("code", &code(app, &secret))]).await;
    assert_eq!(went(&done), (303, "/account/factors/recovery-codes?next=%2Faccount%2Ffactors%3Fnotice%3Dapp-added"));
    let codes = codes_on(&mona.page(done.header("location")).await.text);
    app.clock.advance(STEP);
    (mona, secret, codes)
}

fn code(app: &App, secret: &TotpSecret) -> String {
    secret.code_at(app.now())
}

/// A browser whose sign-in waits.
async fn waiting(app: &App) -> Caller {
    let caller = app.anonymous();
    let asked = caller.submit("/login", &LOGIN).await;
    assert_eq!(went(&asked), (303, FACTOR));
    assert!(caller.cookie("__Host-doorward").is_none() && caller.cookie("__Host-doorward-challenge").is_some());
    caller
}

on_both_engines! {
    async fn an_app_is_set_up_shown_with_its_picture_and_asked_for_at_the_next_sign_in(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        let before = mona.page(FACTORS).await.text;
        assert!(before.contains("Before you can set anything up") && !before.contains("Set up an app"));
        assert_eq!(mona.submit("/account/factors/app/start", &[]).await.status, 403, "the address is not confirmed");
        confirm(&app, &mona, "mona").await;
        assert!(mona.page(FACTORS).await.text.contains("Set up an app"));
        mona.submit("/account/factors/app/start", &[]).await;
        let page = mona.page(SET_UP).await.text;
        assert!(page.contains("class=\"qr\"") && page.contains("role=\"img\"") && page.contains("otpauth://totp/"));
        let secret = secret_on(&page);
        assert_eq!(secret_on(&mona.page(SET_UP).await.text).bytes(), secret.bytes(), "a reload shows the same");
        let wrong = mona.submit(SET_UP, &[("code", "000000")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("That code is not right"));
        assert_eq!(secret_on(&wrong.text).bytes(), secret.bytes(), "nor is it lost by a wrong code");
        let done = mona.submit(SET_UP, &[("code", &code(&app, &secret))]).await;
        assert_eq!(done.status, 303);
        app.clock.advance(STEP);
        let there = mona.page(FACTORS).await.text;
        assert!(there.contains("Replace it") && there.contains("You have 10 codes left."));

        let browser = app.anonymous();
        let fields = [&LOGIN[..], &[("next", "/account/sessions")]].concat();
        assert_eq!(went(&browser.submit("/login", &fields).await), (303, FACTOR));
        assert_eq!(went(&browser.page("/dashboard").await), (303, "/login?next=/dashboard"), "it has no rights");
        for _ in 0..2 {
            let asks = browser.page(FACTOR).await;
            assert!(asks.status == 200 && asks.text.contains("Signing in as mona.") && asks.text.contains("one-time-code"));
        }
        let wrong = browser.submit(FACTOR, &[("code", "000000"), ("trust", "yes")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("value=\"yes\" checked"), "what was ticked stays ticked");
        assert!(!wrong.text.contains("000000"));
        assert_eq!(went(&browser.submit(FACTOR, &[("code", &code(&app, &secret))]).await), (303, "/account/sessions"));
        assert!(browser.cookie("__Host-doorward-challenge").is_none());
        assert_eq!(browser.page("/account/sessions").await.status, 200);
        assert_eq!(went(&browser.page(FACTOR).await), (303, "/dashboard"), "nothing waits any more");
    }

    async fn new_recovery_codes_are_shown_until_they_are_put_away(engine) {
        let app = App::start(engine).await;
        let (mona, _, codes) = mona_with_app(&app).await;
        assert_eq!(codes.len(), 10);
        let page = mona.page(CODES).await;
        assert_eq!((codes_on(&page.text), page.header("cache-control")), (codes.clone(), "no-store"));
        let ask = mona.request(reqwest::Method::GET, CODES).header("accept-encoding", "br").header("accept", "text/html");
        assert_eq!(mona.client_send(ask).await, (200, String::new()), "a page with secrets is not compressed");
        let file = mona.page("/account/factors/recovery-codes.txt").await;
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"recovery-codes.txt\"");
        assert!(codes.iter().all(|code| file.text.contains(code)));
        let cookie = mona.cookie("__Host-doorward-codes").unwrap();
        assert!(codes.iter().all(|code| !cookie.contains(code)));
        let nils = app.signed_in("nils").await;
        nils.set_cookie("__Host-doorward-codes", Some(&cookie));
        assert!(!nils.page(CODES).await.text.contains(&codes[0]), "they are shown to their owner only");
        assert_eq!(went(&nils.page("/account/factors/recovery-codes.txt").await), (303, CODES));
        let kept = mona.submit(CODES, &[("next", "/account/factors?notice=app-added")]).await;
        assert_eq!(went(&kept), (303, "/account/factors?notice=app-added"));
        assert!(mona.cookie("__Host-doorward-codes").is_none());
        assert!(mona.page(CODES).await.text.contains("They are shown once"));
        assert_eq!(went(&mona.submit(NEW_CODES, &[]).await), (303, CODES));
        let again = codes_on(&mona.page(CODES).await.text);
        assert!(again.len() == 10 && again.iter().all(|code| !codes.contains(code)));
        app.clock.advance(901);
        assert!(mona.page(CODES).await.text.contains("They are shown once"), "a cookie that is kept shows nothing later");
    }

    async fn a_recovery_code_signs_in_once_from_the_page_that_asks_for_one(engine) {
        let app = App::start(engine).await;
        let (_, _, codes) = mona_with_app(&app).await;
        let browser = waiting(&app).await;
        assert!(browser.page(FACTOR).await.text.contains("?with=recovery"));
        let asks = browser.page("/login/factor?with=recovery").await.text;
        assert!(asks.contains("name=\"recovery_code\"") && !asks.contains("name=\"code\""));
        let wrong = browser.submit(FACTOR, &[("recovery_code", "aaaa-bbbb-cccc-dddd"), ("with", "recovery")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("name=\"recovery_code\""), "{}", wrong.text);
        assert!(!wrong.text.contains("aaaa-bbbb"), "a code never comes back");
        let right = browser.submit(FACTOR, &[("recovery_code", &codes[3]), ("with", "recovery")]).await;
        assert_eq!(went(&right), (303, "/dashboard"));
        assert!(browser.page(FACTORS).await.text.contains("You have 9 codes left."));
        let again = waiting(&app).await;
        assert_eq!(again.submit(FACTOR, &[("recovery_code", &codes[3]), ("with", "recovery")]).await.status, 422);
    }

    async fn a_sign_in_that_is_over_begins_again_with_a_plain_word(engine) {
        let app = App::start(engine).await;
        let (_, secret, _) = mona_with_app(&app).await;
        let over = (303, "/login?notice=sign-in-over");
        let late = waiting(&app).await;
        app.clock.advance(301);
        assert_eq!(went(&late.page(FACTOR).await), over);
        assert!(late.cookie("__Host-doorward-challenge").is_none(), "the cookie goes, too");
        assert!(late.page("/login?notice=sign-in-over").await.text.contains("Please sign in again."));
        let slow = waiting(&app).await;
        app.clock.advance(301);
        assert_eq!(went(&slow.submit(FACTOR, &[("code", &code(&app, &secret))]).await), over);
        let guesses = waiting(&app).await;
        for _ in 0..4 {
            assert_eq!(guesses.submit(FACTOR, &[("code", "000000")]).await.status, 422);
        }
        assert_eq!(went(&guesses.submit(FACTOR, &[("code", "000000")]).await), over);
        let other = waiting(&app).await;
        assert_eq!(went(&other.submit("/login/again", &[]).await), (303, "/login"));
        assert_eq!(went(&other.page(FACTOR).await), (303, "/login"));
        assert_eq!(went(&app.anonymous().page(ENROL).await), (303, "/login"));
    }

    async fn a_trusted_browser_is_not_asked_again_until_its_owner_says_so(engine) {
        let app = App::start(engine).await;
        let (mona, secret, _) = mona_with_app(&app).await;
        let browser = waiting(&app).await;
        assert!(browser.page(FACTOR).await.text.contains("Trust this browser for 30 days"));
        browser.submit(FACTOR, &[("code", &code(&app, &secret)), ("trust", "yes")]).await;
        assert!(browser.cookie("__Host-doorward-trusted").is_some());
        browser.submit("/logout", &[]).await;
        assert_eq!(went(&browser.submit("/login", &LOGIN).await), (303, "/dashboard"));
        browser.submit("/logout", &[]).await;
        let list = mona.page(FACTORS).await.text;
        assert!(list.contains("Trusted browsers"));
        let id = between(between(&list, "name=\"browser\"", ">"), "value=\"", "\"").to_owned();
        let ended = mona.submit("/account/factors/browsers/end", &[("browser", &id)]).await;
        assert_eq!(went(&ended), (303, "/account/factors?notice=browser-untrusted"));
        assert_eq!(went(&browser.submit("/login", &LOGIN).await), (303, FACTOR));
    }

    async fn a_session_from_before_shows_the_factor_and_goes_on_where_it_was(engine) {
        let app = App::start(engine).await;
        let mona = app.signed_in("mona").await;
        confirm(&app, &mona, "mona").await;
        let old = app.signed_in_again("mona").await;
        mona.submit("/account/factors/app/start", &[]).await;
        let secret = secret_on(&mona.page(SET_UP).await.text);
        mona.submit(SET_UP, &[("code", &code(&app, &secret))]).await;
        app.clock.advance(STEP);
        let asked = old.page("/account/sessions").await;
        assert_eq!(went(&asked), (303, "/login/factor?next=/account/sessions"));
        assert_eq!(went(&old.page("/login?next=/account/history").await), (303, "/login/factor?next=/account/history"));
        let page = old.page("/login/factor?next=/account/sessions").await.text;
        assert!(page.contains("value=\"/account/sessions\"") && page.contains("Signing in as mona."));
        assert!(!page.contains("mona@example.com"));
        let form = old.submit("/account/profile", &[("first_name", "Eve")]).await;
        assert_eq!(went(&form), (303, "/login?next=/account"), "its forms do nothing either");
        let fields = [("code", "000000"), ("next", "/account/sessions")];
        let wrong = old.submit(FACTOR, &fields).await;
        assert!(wrong.status == 422 && wrong.text.contains("value=\"/account/sessions\""), "{}", wrong.text);
        let code = code(&app, &secret);
        assert_eq!(went(&old.submit(FACTOR, &[("code", &code), fields[1]]).await), (303, "/account/sessions"));
        assert_eq!(old.page("/account/sessions").await.status, 200);
    }

    async fn an_account_with_a_factor_proves_who_it_is_with_that_and_loses_nothing_typed(engine) {
        let app = App::start(engine).await;
        let (mona, secret, codes) = mona_with_app(&app).await;
        let change = "/account/security/email";
        app.clock.advance(STALE);
        let asked = mona.submit(change, &[("email", "new@example.com")]).await;
        assert_eq!(asked.status, 403);
        assert!(asked.text.contains("Confirm it is you") && asked.text.contains("value=\"new@example.com\""));
        assert!(asked.text.contains("name=\"proof_code\"") && !asked.text.contains("current_password"));
        let wrong = mona.submit(change, &[("email", "new@example.com"), ("proof_code", "000000")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("id=\"proof_code-error\"") && wrong.text.contains("That code is not right"));
        assert!(wrong.text.contains("value=\"new@example.com\"") && !wrong.text.contains("000000"));
        let password = mona.submit(change, &[("email", "new@example.com"), ("current_password", PASSWORD)]).await;
        assert_eq!(password.status, 422, "the password is no proof");
        let right = [("email", "new@example.com"), ("proof_code", &code(&app, &secret))];
        assert_eq!(went(&mona.submit(change, &right).await), (303, "/confirm-email-change?notice=email-change-sent"));
        app.clock.advance(STALE);
        let wrong = mona.submit(NEW_CODES, &[("proof_recovery_code", "aaaa")]).await;
        assert!(wrong.status == 422 && wrong.text.contains("<details open"), "{}", wrong.text);
        assert_eq!(went(&mona.submit(NEW_CODES, &[("proof_recovery_code", &codes[0])]).await), (303, CODES));
        app.clock.advance(STALE);
        let file = mona.submit("/account/privacy/export", &[("proof_code", &code(&app, &secret))]).await;
        assert!(file.status == 200 && file.header("content-disposition").contains("account.json"));
    }

    async fn an_app_is_replaced_and_removed_and_then_the_password_is_enough_again(engine) {
        let app = App::start(engine).await;
        let (mona, first, _) = mona_with_app(&app).await;
        mona.submit("/account/factors/app/start", &[]).await;
        let second = secret_on(&mona.page(SET_UP).await.text);
        let replaced = mona.submit(SET_UP, &[("code", &code(&app, &second))]).await;
        assert_eq!(went(&replaced), (303, "/account/factors?notice=app-added"), "the codes from before stay");
        app.clock.advance(STEP);
        let browser = waiting(&app).await;
        assert_eq!(browser.submit(FACTOR, &[("code", &code(&app, &first))]).await.status, 422);
        assert_eq!(went(&browser.submit(FACTOR, &[("code", &code(&app, &second))]).await), (303, "/dashboard"));
        let removed = mona.submit("/account/factors/app/remove", &[]).await;
        assert_eq!(went(&removed), (303, "/account/factors?notice=app-removed"));
        let again = mona.submit("/account/factors/app/remove", &[]).await;
        assert!(again.status == 404 && again.text.contains("That app is not there any more."));
        assert_eq!(went(&app.anonymous().submit("/login", &LOGIN).await), (303, "/dashboard"));
    }

    async fn where_the_site_demands_a_factor_signing_in_leads_through_setting_one_up(engine) {
        let app = App::start_with(engine, EVERYONE).await;
        let mona = app.signed_in("mona").await;
        mona.submit("/logout", &[]).await;
        let browser = app.anonymous();
        let fields = [&LOGIN[..], &[("next", "/account/history")]].concat();
        assert_eq!(went(&browser.submit("/login", &fields).await), (303, ENROL));
        let first = browser.page(ENROL).await.text;
        assert!(first.contains("First confirm your e-mail address") && first.contains("mona@example.com"));
        assert_eq!(browser.submit("/login/enrol/app", &[]).await.status, 403);
        app.clock.advance(61);
        assert_eq!(went(&browser.submit("/login/enrol/resend", &[]).await), (303, "/login/enrol?notice=confirmation-sent"));
        assert_eq!(went(&browser.page(FACTOR).await), (303, ENROL));
        let link = newer_link(&app).await;
        let elsewhere = app.anonymous();
        elsewhere.page(&link).await;
        let parts = [crate::account::parts(&link), vec![("password", PASSWORD)]].concat();
        assert_eq!(elsewhere.submit("/confirm-email", &parts).await.status, 303);
        assert!(browser.page(ENROL).await.text.contains("Set up an authenticator app"));
        assert_eq!(went(&browser.submit("/login/enrol/app", &[]).await), (303, ENROL));
        let secret = secret_on(&browser.page(ENROL).await.text);
        let wrong = browser.submit(ENROL, &[("code", "12")]).await;
        assert_eq!((wrong.status, secret_on(&wrong.text).bytes()), (422, secret.bytes()));
        assert!(browser.cookie("__Host-doorward").is_none(), "nobody is signed in yet");
        let done = browser.submit(ENROL, &[("code", &code(&app, &secret))]).await;
        assert_eq!(went(&done), (303, "/account/factors/recovery-codes?next=%2Faccount%2Fhistory"));
        let codes = browser.page(done.header("location")).await.text;
        assert!(codes_on(&codes).len() == 10 && codes.contains("value=\"/account/history\""));
        assert_eq!(went(&browser.submit(CODES, &[("next", "/account/history")]).await), (303, "/account/history"));
        let last = browser.submit("/account/factors/app/remove", &[]).await;
        assert_eq!(last.status, 409, "the last factor stays where one is demanded");
    }

    async fn an_empty_proof_says_what_is_missing(engine) {
        let app = App::start(engine).await;
        let (mona, ..) = mona_with_app(&app).await;
        let lisa = app.signed_in("lisa").await;
        app.clock.advance(STALE);
        let change = ("email", "new@example.com");
        for (whose, field, said) in [
            (&mona, "proof_code", "Enter the six digits"),
            (&mona, "proof_recovery_code", "Enter one of your unused recovery codes."),
            (&lisa, "current_password", "Enter your password."),
        ] {
            let fields = [change, (field, "")];
            let again = whose.submit("/account/security/email", &fields).await;
            let place = format!("id=\"{field}-error\"");
            assert!(again.text.contains(&place) && again.text.contains(said), "{field}: {}", again.text);
            assert!(again.text.contains("value=\"new@example.com\""), "nothing typed is lost");
        }
        let first = mona.submit("/account/security/email", &[change]).await;
        assert!(!first.text.contains("Enter the six digits"), "nobody was asked yet");
    }

    async fn an_old_link_to_the_form_for_recovery_codes_is_no_dead_end(engine) {
        let app = App::start(engine).await;
        mona_with_app(&app).await;
        app.alter("DELETE FROM recovery_codes".to_owned()).await;
        let page = waiting(&app).await.page("/login/factor?with=recovery").await.text;
        assert!(page.contains("one-time-code") && !page.contains("You have nothing left"), "{page}");
    }

    async fn this_was_not_me_tells_of_what_stays(engine) {
        let app = App::start(engine).await;
        let (mona, ..) = mona_with_app(&app).await;
        assert!(mona.page("/account/not-me").await.text.contains("Your authenticator app and your passkeys stay"));
        let lisa = app.signed_in("lisa").await;
        assert!(!lisa.page("/account/not-me").await.text.contains("passkeys stay"));
    }

    async fn what_cannot_be_removed_has_no_button_and_the_last_step_a_warning(engine) {
        let app = App::start(engine).await;
        let (mona, ..) = mona_with_app(&app).await;
        let page = mona.page(FACTORS).await.text;
        assert!(page.contains("Remove it") && page.contains("It is your last second step."), "{page}");
        let app = app.restarted_with(EVERYONE).await;
        let again = app.anonymous();
        again.set_cookie("__Host-doorward", Some(&mona.held()));
        let page = again.page(FACTORS).await.text;
        assert!(!page.contains("Remove it") && page.contains("It stays, because"), "{page}");
    }

    async fn codes_and_secrets_lead_nowhere_else(engine) {
        let app = App::start(engine).await;
        let (mona, ..) = mona_with_app(&app).await;
        let away = mona.submit(CODES, &[("next", "https://evil.test/")]).await;
        assert_eq!(went(&away), (303, "/dashboard"));
        mona.submit("/account/factors/app/start", &[]).await;
        app.clock.advance(STALE);
        let stale = mona.page(SET_UP).await.text;
        assert!(!stale.contains("secret-text"), "a secret is shown to nobody who has to prove first who it is");
        assert_eq!(mona.submit("/account/security/password/remove", &[]).await.status, 403);
        for path in [FACTORS, SET_UP, CODES] {
            assert_eq!(went(&app.anonymous().page(path).await), (303, format!("/login?next={path}").as_str()));
        }
    }
}

/// The link of the newest of two mails that confirm Mona's address.
async fn newer_link(app: &App) -> String {
    let first = link(app, "mona", "/confirm-email").await;
    for _ in 0..40 {
        let newest = link(app, "mona", "/confirm-email").await;
        if newest != first {
            return newest;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    first
}
