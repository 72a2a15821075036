//! The small service of `examples/resource_server` lets in who holds an access token of ours, and nobody else.

#[path = "../../examples/resource_server/service.rs"]
mod service;
#[path = "../../examples/resource_server/verify.rs"]
mod verify;

use crate::harness::{App, on_both_engines};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    domain::time::Timestamp,
    server::clock::{Clock as _, SystemClock},
};

async fn service_of(app: &App, audience: &str) -> String {
    let verifier = verify::Verifier::of(&app.base, audience).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service::router(verifier)).await });
    base
}

async fn hello(base: &str, token: Option<&str>) -> (u16, String) {
    let request = reqwest::Client::new().get(format!("{base}/hello"));
    let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

on_both_engines! {
    async fn a_service_that_knows_our_address_alone_lets_our_people_in(engine) {
        let app = App::start(engine).await;
        // The service looks at the real clock.
        app.clock.set(real_now());
        let mut client = app.client_of("mona").await;
        let base = service_of(&app, &app.base).await;
        let token = client.tokens().unwrap().access_token.expose().to_owned();
        let id = client.me().await.unwrap().id;
        assert_eq!(hello(&base, Some(&token)).await, (200, format!("hello, account {id}\n")));
        client.refresh().await.unwrap();
        let fresh = client.tokens().unwrap().access_token.expose().to_owned();
        assert_eq!(hello(&base, Some(&fresh)).await.0, 200);

        let refresh = client.tokens().unwrap().refresh_token.clone().unwrap();
        let (head, rest) = token.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let other = URL_SAFE_NO_PAD.encode(text.replace(&id.to_string(), "42"));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
        for forged in [
            format!("{head}.{other}.{signature}"),
            format!("{none}.{claims}."),
            format!("{head}.{claims}."),
            refresh.expose().to_owned(),
            "x".to_owned(),
        ] {
            assert_eq!(hello(&base, Some(&forged)).await.0, 401, "{forged}");
        }
        assert_eq!(hello(&base, None).await.0, 401);
        let elsewhere = service_of(&app, "https://other.example").await;
        assert_eq!(hello(&elsewhere, Some(&token)).await.0, 401, "a token for somebody else");
    }

    async fn a_service_refuses_a_token_whose_time_is_over(engine) {
        let app = App::start(engine).await;
        app.clock.set(real_now().plus(-700));
        let client = app.client_of("mona").await;
        let base = service_of(&app, &app.base).await;
        let token = client.tokens().unwrap().access_token.expose().to_owned();
        assert_eq!(client.me().await.unwrap().username, "mona", "to us its time is not over");
        assert_eq!(hello(&base, Some(&token)).await.0, 401);
    }
}

fn real_now() -> Timestamp {
    SystemClock.now()
}
