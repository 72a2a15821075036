//! The guard's table, line by line.

use super::*;
use axum::{
    Router,
    body::Body,
    middleware::{self, Next},
    routing::any,
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

const OURS: &str = "http://localhost:3000";

fn verdict(method: &Method, path: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Guard::new(OURS, Origins::new(&[])).check(method, path, &map)
}

fn post(headers: &[(&str, &str)]) -> Result<(), Refusal> {
    verdict(&Method::POST, paths::LOGIN, headers)
}

#[test]
fn our_own_pages_may_post() {
    assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("origin", OURS)]), Ok(()));
    assert_eq!(post(&[("sec-fetch-site", "same-origin")]), Ok(()));
    assert_eq!(post(&[("origin", OURS)]), Ok(()), "a browser without Fetch Metadata");
    assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("origin", "null")]), Ok(()), "a page with no-referrer");
}

#[test]
fn other_sites_may_not() {
    for site in ["cross-site", "same-site", "none", "Same-Origin", "", "same-origin, same-origin"] {
        assert_eq!(post(&[("sec-fetch-site", site), ("origin", OURS)]), Err(Refusal::OtherSite), "{site}");
    }
    for origin in [
        "null",
        "",
        "http://localhost",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://127.0.0.1:3000",
        "http://localhost:3000.evil.test",
        "http://localhost:3000/",
        "http://evil.test",
        "http://localhost:3000 ",
        "HTTP://LOCALHOST:3000",
    ] {
        let Ok(value) = HeaderValue::from_str(origin) else { continue };
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, value);
        let verdict = Guard::new(OURS, Origins::new(&[])).check(&Method::POST, paths::LOGIN, &headers);
        assert_eq!(verdict, Err(Refusal::OtherOrigin), "{origin}");
    }
    let contradictory = [("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:3000")];
    assert_eq!(post(&contradictory), Err(Refusal::Contradiction));
}

#[test]
fn a_header_that_comes_twice_is_refused() {
    assert_eq!(post(&[("origin", OURS), ("origin", OURS)]), Err(Refusal::Repeated));
    assert_eq!(post(&[("origin", OURS), ("origin", "http://evil.test")]), Err(Refusal::Repeated));
    assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]), Err(Refusal::Repeated));
}

#[test]
fn programs_pass_with_a_bearer_token_and_no_cookie() {
    assert_eq!(post(&[("authorization", "Bearer x")]), Ok(()));
    assert_eq!(post(&[("authorization", "bearer x")]), Ok(()));
    for headers in [
        &[][..],
        &[("cookie", "__Host-doorward=x")],
        &[("authorization", "Bearer x"), ("cookie", "a=b")],
        &[("authorization", "Basic x")],
        &[("authorization", "Bearer")],
    ] {
        assert_eq!(post(headers), Err(Refusal::Unknown), "{headers:?}");
    }
}

#[test]
fn every_method_but_the_safe_ones_is_guarded() {
    let cross = [("sec-fetch-site", "cross-site")];
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "MADEUP", "get"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert!(verdict(&method, paths::HOME, &cross).is_err(), "{method}");
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        assert_eq!(verdict(&method, paths::HOME, &cross), Ok(()), "{method}");
    }
}

#[test]
fn server_functions_are_guarded_whatever_the_method() {
    let path = format!("{}/log_out", paths::ACTIONS);
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
        assert!(verdict(&method, &path, &[("sec-fetch-site", "cross-site")]).is_err(), "{method}");
        assert!(verdict(&method, &path, &[]).is_err(), "{method}");
        assert_eq!(verdict(&method, &path, &[("sec-fetch-site", "same-origin")]), Ok(()), "{method}");
    }
    assert_eq!(verdict(&Method::GET, &path, &[("sec-fetch-site", "none")]), Ok(()), "typed; the router says 405");
    assert!(verdict(&Method::POST, &path, &[("sec-fetch-site", "none")]).is_err());
    assert!(verdict(&Method::OPTIONS, &path, &[("sec-fetch-site", "none")]).is_err());
}

#[test]
fn reports_of_browsers_need_no_origin() {
    assert_eq!(verdict(&Method::POST, paths::CSP_REPORTS, &[]), Ok(()));
}

#[test]
fn the_public_url_is_compared_as_browsers_write_it() {
    assert_eq!(origin("https://Door.Test:443/"), "https://door.test");
    assert_eq!(origin("http://localhost:80"), "http://localhost");
    assert_eq!(origin("https://door.test:8443"), "https://door.test:8443");
    assert_eq!(origin("http://[::1]:3000"), "http://[::1]:3000");
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_names_no_other_site() {
    let app = Router::new()
        .route(paths::LOGIN, any(|| async { "in" }))
        .layer(middleware::from_fn_with_state(Guard::new(OURS, Origins::new(&[])), same_origin::<Next>));
    let request = Request::post(paths::LOGIN).header("origin", "https://evil.test").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (403, &HeaderValue::from_static("application/problem+json"))
    );
    let body = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(body.contains(r#""code":"cross_site""#) && body.contains(DETAIL) && !body.contains("evil"), "{body}");
}
