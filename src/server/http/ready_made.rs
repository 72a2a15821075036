//! Bytes that are the same for everybody: compressed once as well as it goes, then sent from memory.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Request, Response, header},
};
use http_body_util::BodyExt as _;
use std::convert::Infallible;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::{CompressionLevel, compression::CompressionLayer};

/// What is sent, in each of its forms.
#[derive(Clone, Debug)]
pub struct ReadyMade {
    plain: Bytes,
    brotli: Bytes,
    gzip: Bytes,
}

impl ReadyMade {
    /// Compresses `plain` with the strongest settings. Takes tens of milliseconds of a core: not for an async thread.
    pub fn new(plain: Bytes) -> Self {
        let [brotli, gzip] = ["br", "gzip"]
            .map(|encoding| futures::executor::block_on(compressed(&plain, encoding)).unwrap_or_default());
        Self { plain, brotli, gzip }
    }

    /// The answer to a request with these headers: the smallest form that its sender takes.
    pub fn answer(&self, asked: &HeaderMap, media: HeaderValue) -> Response<Body> {
        let accepted = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<&str> = accepted.flat_map(|value| value.split(',')).map(str::trim).collect();
        let forms = [("br", &self.brotli), ("gzip", &self.gzip)];
        // What failed to be compressed is empty.
        let form = forms.into_iter().find(|(name, bytes)| !bytes.is_empty() && takes(&accepted, name));
        let mut answer = Response::new(Body::from(form.map_or(&self.plain, |(_, bytes)| bytes).clone()));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, media);
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some((name, _)) = form {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        answer
    }
}

/// Whether a list of `name;q=weight` takes `name` (RFC 9110, 12.5.3). Whoever says only `*` gets the plain form.
fn takes(accepted: &[&str], name: &str) -> bool {
    accepted.iter().any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().trim_start_matches(['q', 'Q']).trim_start_matches('=');
        coding.trim().eq_ignore_ascii_case(name) && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

/// By the layer that compresses all other pages, at its best.
async fn compressed(plain: &Bytes, encoding: &'static str) -> Option<Bytes> {
    let body = plain.clone();
    let inner = service_fn(move |_: Request<Body>| {
        let body = Body::from(body.clone());
        async move { Ok::<_, Infallible>(Response::builder().header(header::CONTENT_TYPE, "text/html").body(body)) }
    });
    let inner = inner.map_result(|built| built.map(|response| response.unwrap_or_default()));
    let service = CompressionLayer::new().quality(CompressionLevel::Best).layer(inner);
    let request = Request::builder().header(header::ACCEPT_ENCODING, encoding).body(Body::empty()).ok()?;
    let (head, body) = service.oneshot(request).await.ok()?.into_parts();
    head.headers.get(header::CONTENT_ENCODING).filter(|used| **used == encoding)?;
    Some(body.collect().await.ok()?.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(ready: &ReadyMade, accepts: &str) -> (Option<String>, usize) {
        let mut asked = HeaderMap::new();
        asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accepts).unwrap());
        let answer = ready.answer(&asked, HeaderValue::from_static("text/html"));
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        let encoding = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        let body = futures::executor::block_on(answer.into_body().collect()).unwrap().to_bytes();
        (encoding, body.len())
    }

    #[test]
    fn everybody_gets_the_smallest_form_that_they_take() {
        let ready = ReadyMade::new(Bytes::from("all the same ".repeat(500)));
        let (br, brotli) = sent(&ready, "gzip, deflate, br, zstd");
        let (gz, gzip) = sent(&ready, "gzip;q=1.0, identity");
        assert_eq!((br.as_deref(), gz.as_deref()), (Some("br"), Some("gzip")));
        assert!(0 < brotli && brotli < gzip && gzip < 6500);
        for accepts in ["", "identity", "br;q=0", "br; q=0.0, gzip;q=0", "*", "brotli", "br;q"] {
            assert_eq!(sent(&ready, accepts), (None, 6500), "{accepts}");
        }
        assert_eq!(sent(&ready, "BR;Q=0.5").0.as_deref(), Some("br"));
    }
}
