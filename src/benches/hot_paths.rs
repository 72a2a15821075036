//! What every page view and every API call pays for, one part at a time, for daily work: `cargo bench` names what got
//! slower since its last run. `cargo xtask bench` measures the whole, over loopback.

#![expect(clippy::expect_used, reason = "a benchmark that cannot begin has nothing else to say")]

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode, header},
};
use criterion::{Criterion, criterion_group, criterion_main};
use doorward::{
    domain::account::AccountId,
    server::{
        auth::{AuthService, Origin, Registered, RegistrationForm},
        clock::{Clock as _, SystemClock},
        compose::{Application, World},
        crypto::{Keys, PasswordHasher, Rid, Sealing},
        entropy::SystemEntropy,
        metrics::Metrics,
        settings::{DEFAULTS, Settings},
    },
};
use http_body_util::BodyExt as _;
use secrecy::ExposeSecret as _;
use std::{hint::black_box, net::SocketAddr, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const PASSWORD: &str = "a calm violet harbour";

/// An application on SQLite with one account, as its callers meet it behind the socket.
struct House {
    runtime: Runtime,
    router: Router,
    auth: AuthService,
    settings: Settings,
    access_token: String,
    cookie: String,
    _application: Application,
    _folder: TempDir,
}

fn house() -> House {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display();
    let own = format!(
        "database.url = 'sqlite:{path}/doorward.db'\nkeys.file = '{path}/keys.json'\nmail.folder = '{path}/mail'\n\
         throttle.refresh = 'off'\nthrottle.login = 'off'"
    );
    let settings = Settings::from_toml(&own).expect("settings");
    let mut leptos = leptos::config::get_config_from_str(DEFAULTS).expect("Leptos's settings");
    leptos.site_addr = ([127, 0, 0, 1], 0).into();
    let build = Application::build(settings.clone(), leptos, World::real());
    let application = runtime.block_on(build).expect("an application");
    let (router, auth) = (application.router(), application.auth());
    let form = RegistrationForm {
        email: "mona@example.com".to_owned(),
        username: "mona".to_owned(),
        password: PASSWORD.into(),
        password_again: PASSWORD.into(),
        first_name: String::new(),
        last_name: String::new(),
        website: String::new(),
    };
    let registered = runtime.block_on(auth.register(form, &Origin::default(), None)).expect("an account");
    let Registered::SignedIn(opened) = registered else { unreachable!("the settings sign new accounts in") };
    let cookie = format!("{}={}", settings.cookie.name, opened.cookie.token.expose_secret());
    let access_token = opened.grant.access_token;
    House { runtime, router, auth, settings, access_token, cookie, _application: application, _folder: folder }
}

impl House {
    /// Measures the answer to a request, from the head of the one to the end of the other, without socket and HTTP.
    fn answers(&self, criterion: &mut Criterion, name: &str, path: &str, headers: &[(header::HeaderName, &str)]) {
        criterion.bench_function(name, |bencher| {
            bencher.to_async(&self.runtime).iter(|| async {
                let mut request = Request::get(path).header(header::HOST, "localhost:3000");
                for (name, value) in headers {
                    request = request.header(name, *value);
                }
                let mut request = request.body(Body::empty()).expect("a request");
                request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));
                let answer = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
                assert_eq!(answer.status(), StatusCode::OK);
                answer.into_body().collect().await.expect("a body").to_bytes()
            });
        });
    }
}

fn doors(criterion: &mut Criterion) {
    let house = house();
    let bearer = format!("Bearer {}", house.access_token);
    house.answers(criterion, "GET /healthz", "/healthz", &[]);
    house.answers(criterion, "GET /api/v1/me", "/api/v1/me", &[(header::AUTHORIZATION, &bearer)]);
    house.answers(criterion, "GET /login", "/login", &[(header::ACCEPT, "text/html")]);
    house.answers(criterion, "GET /login, rendered", "/login?notice=signed-out", &[(header::ACCEPT, "text/html")]);
    let cookie = house.cookie.as_str();
    house.answers(
        criterion,
        "GET /dashboard",
        "/dashboard",
        &[(header::ACCEPT, "text/html"), (header::COOKIE, cookie)],
    );
}

fn service(criterion: &mut Criterion) {
    let house = house();
    criterion.bench_function("authenticate, remembered", |bencher| {
        bencher.to_async(&house.runtime).iter(|| house.auth.authenticate(&house.access_token));
    });
    // The first token repeats within its window: what is measured is the look at the row, not the disk.
    let token = house.cookie.split_once('=').map(|(_, token)| token.to_owned()).expect("a cookie");
    let nowhere = Origin::default();
    criterion.bench_function("refresh, repeated", |bencher| {
        bencher.to_async(&house.runtime).iter(|| house.auth.refresh(Some(&token), &nowhere));
    });
}

fn tokens(criterion: &mut Criterion) {
    let house = house();
    let now = SystemClock.now();
    let keys = Keys::load(&house.settings.keys, now).expect("the keys");
    let sealing = Sealing::new(&keys, &house.settings).expect("the seals");
    let sign = || sealing.signer.sign(AccountId(7), "public-name", "number".to_owned(), now);
    let token = sign().expect("a token").access_token;
    criterion.bench_function("access token: sign", |bencher| bencher.iter(|| black_box(sign())));
    criterion.bench_function("access token: verify", |bencher| {
        bencher.iter(|| black_box(sealing.signer.verify(black_box(&token), now)));
    });
    let rid = Rid::random(&SystemEntropy);
    criterion.bench_function("refresh token: mint and read", |bencher| {
        bencher.iter(|| {
            let token = sealing.refresh_tokens.mint(black_box(&rid), 7);
            black_box(sealing.refresh_tokens.parse(token.expose_secret()))
        });
    });
}

fn passwords(criterion: &mut Criterion) {
    let settings = Settings::from_toml("").expect("the built-in settings");
    let hasher =
        PasswordHasher::start(&settings.password, Arc::new(SystemEntropy), Metrics::new()).expect("hashing threads");
    let runtime = Runtime::new().expect("a runtime");
    criterion.bench_function("password: hash", |bencher| {
        bencher.to_async(&runtime).iter(|| hasher.hash(PASSWORD.into()));
    });
}

criterion_group! {
    name = hot_paths;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = tokens, service, doors, passwords
}
criterion_main!(hot_paths);
