//! One name per request, in the log and in the answer, so that a person's report finds its lines.

use super::layers::Inward;
use crate::server::entropy::Entropy;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use std::sync::{Arc, Mutex, PoisonError};

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name taken from outside, in characters.
const LIMIT: usize = 64;

/// Bytes of a name that is made here.
const LENGTH: usize = 16;
/// How many names' randomness is drawn at once: a call into the system for each would be a third of a small answer's calls.
const SUPPLY: usize = 64;

/// The name of the request at hand; in its extensions. 1 to 64 characters of `A-Z a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// Makes names. They are random, so that nobody learns from them how many requests there are, and no secrets.
pub struct Names {
    entropy: Arc<dyn Entropy>,
    /// Random bytes that were not used yet.
    supply: Mutex<Vec<u8>>,
}

impl Names {
    /// With randomness from there.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, supply: Mutex::default() }
    }

    fn fresh(&self) -> Arc<str> {
        format!("{:032x}", u128::from_be_bytes(self.draw())).into()
    }

    fn draw(&self) -> [u8; LENGTH] {
        // Whoever panicked while it held the lock has left whole names, or none.
        let mut supply = self.supply.lock().unwrap_or_else(PoisonError::into_inner);
        if supply.is_empty() {
            let mut drawn = vec![0; SUPPLY * LENGTH];
            self.entropy.fill(&mut drawn);
            *supply = drawn;
        }
        let rest = supply.len().saturating_sub(LENGTH);
        let mut name = [0; LENGTH];
        name.copy_from_slice(&supply[rest..]);
        supply.truncate(rest);
        name
    }
}

/// Middleware: takes the caller's name for the request if it is harmless, makes one if not, and sends it back.
pub async fn give<N: Inward>(State(names): State<Arc<Names>>, mut request: Request, next: N) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| names.fresh());
    let value = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(value) = value {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn given(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut values = headers.get_all(HEADER).iter();
    let text = values.next()?.to_str().ok()?;
    let harmless = (1..=LIMIT).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (harmless && values.next().is_none()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Extension, Router,
        body::Body,
        middleware::{self, Next},
        routing::get,
    };
    use http_body_util::BodyExt as _;
    use std::{
        collections::HashSet,
        sync::atomic::{AtomicU32, Ordering::Relaxed},
    };
    use tower::ServiceExt as _;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x77);
        }
    }

    async fn named(given: &[&str]) -> String {
        let app = Router::new()
            .route("/", get(|Extension(RequestId(id)): Extension<RequestId>| async move { id.to_string() }))
            .layer(middleware::from_fn_with_state(Arc::new(Names::new(Arc::new(Sevens))), give::<Next>));
        let mut request = Request::get("/");
        for value in given {
            request = request.header(HEADER, *value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let echoed = response.headers()[HEADER].to_str().unwrap().to_owned();
        let inside = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(echoed.as_bytes(), inside, "log and answer use one name");
        echoed
    }

    #[tokio::test]
    async fn a_harmless_name_is_kept() {
        for id in ["a", "3f2b-99", &"x".repeat(64)] {
            assert_eq!(named(&[id]).await, *id);
        }
    }

    /// Counts its calls; the first one panics if it is told to. Each name's bytes are a number of their own.
    struct Counting {
        calls: AtomicU32,
        panics: bool,
    }

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let call = self.calls.fetch_add(1, Relaxed);
            assert!(!self.panics || call > 0, "on purpose");
            for (at, name) in (1_u128..).zip(bytes.chunks_mut(LENGTH)) {
                name.copy_from_slice(&(u128::from(call) << 64 | at).to_be_bytes());
            }
        }
    }

    #[test]
    fn randomness_is_drawn_for_many_names_at_once_and_used_once() {
        let entropy = Arc::new(Counting { calls: AtomicU32::new(0), panics: false });
        let names = Names::new(entropy.clone());
        let mut given: HashSet<_> = (0..SUPPLY).map(|_| names.fresh()).collect();
        assert_eq!((given.len(), entropy.calls.load(Relaxed)), (SUPPLY, 1));
        given.insert(names.fresh());
        assert_eq!((given.len(), entropy.calls.load(Relaxed)), (SUPPLY + 1, 2));
        assert!(given.iter().all(|name| name.len() == 32 && name.bytes().any(|digit| digit != b'0')));
    }

    #[test]
    fn a_failed_draw_leaves_no_name_of_zeros() {
        let names = Names::new(Arc::new(Counting { calls: AtomicU32::new(0), panics: true }));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| names.fresh())).is_err());
        assert!(names.fresh().bytes().any(|digit| digit != b'0'));
    }

    #[tokio::test]
    async fn any_other_is_replaced_by_a_fresh_one() {
        let long = "x".repeat(65);
        for ids in [&[][..], &[""], &["a b"], &["a_b"], &["{\"level\":1}"], &[long.as_str()], &["a", "b"]] {
            assert_eq!(named(ids).await, "77".repeat(16), "{ids:?}");
        }
    }
}
