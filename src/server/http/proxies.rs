//! Where a request comes from when proxies stand in between: one address a request, found once and read by everybody.
//!
//! Only `X-Forwarded-For` is read, and only from a peer that `server.trusted_proxies` names: anybody can write it.

use super::{layers::Inward, trace};
use crate::{paths, server::settings};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    response::Response,
};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// The header that proxies append the address of their peer to.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// How many addresses of the header are looked at, from the right; no chain of proxies is that long.
const MOST_HOPS: usize = 32;
/// How many forwarded requests from one peer that nobody trusts are no accident any more.
const SUSPICIOUS: u32 = 20;

/// Where the request at hand comes from; in its extensions. An IPv4 address in IPv6 form is IPv4 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The proxies that are believed, and an eye on one that should be. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Proxies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    trusted: Vec<IpNet>,
    watch: Watch,
}

impl Proxies {
    /// The proxies of `server.trusted_proxies`, which are networks since the settings were checked.
    #[must_use]
    pub fn new(settings: &settings::Server) -> Self {
        let trusted = settings.trusted_proxies.iter().filter_map(|network| network.parse().ok()).collect();
        Self(Arc::new(Inner { trusted, watch: Watch::default() }))
    }

    /// The address of whoever asks: `peer` itself, or what the nearest trusted proxies say about the one before them.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if self.trusts(peer) { walk(peer, headers, |ip| self.trusts(ip)) } else { peer }
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.0.trusted.iter().any(|network| network.contains(&ip))
    }

    /// Warns once when it looks as if a proxy had been forgotten. The server's own checks come from elsewhere and say
    /// nothing about where people come from.
    fn watch(&self, peer: IpAddr, request: &Request) {
        if self.0.watch.settled.load(Relaxed) || [paths::HEALTH, paths::READY].contains(&request.uri().path()) {
            return;
        }
        if self.0.watch.is_forgotten(peer, self.trusts(peer), request.headers().contains_key(FORWARDED_FOR)) {
            tracing::warn!(
                %peer,
                "all requests come from one address and carry X-Forwarded-For: server.trusted_proxies should probably \
                 name it; until then throttles and lists of sessions see one address for everybody"
            );
        }
    }
}

/// Middleware: finds out where the request comes from and puts a [`ClientAddress`] into its extensions. Never refuses.
pub async fn resolve<N: Inward>(State(proxies): State<Proxies>, mut request: Request, next: N) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    // Who may say where a request comes from may say what trace it belongs to; strangers shall not choose what is traced.
    if peer.is_none_or(|peer| !proxies.trusts(peer)) {
        for header in trace::HEADERS {
            request.headers_mut().remove(header);
        }
    }
    if let Some(peer) = peer {
        proxies.watch(peer, &request);
        let client = ClientAddress(proxies.client(peer, request.headers()));
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

/// Each proxy appends the address it sees, so the right end is the nearest: the first that is not trusted is the
/// client, and whatever stands to its left is its own invention. What is no address ends the walk at the hop before.
fn walk(peer: IpAddr, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut last = peer;
    for hop in hops.take(MOST_HOPS) {
        let Some(ip) = address(hop) else { break };
        last = ip;
        if !trusts(ip) {
            break;
        }
    }
    last
}

/// `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`, with space around it.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = match bare {
        Some(ip) => IpAddr::V6(ip.parse().ok()?),
        None => text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?,
    };
    Some(ip.to_canonical())
}

/// Counts forwarded requests until it is clear whether everybody comes through one peer that nobody trusts.
#[derive(Debug, Default)]
struct Watch {
    /// Nothing is left to find out; most requests see no more than this.
    settled: AtomicBool,
    seen: Mutex<(Option<IpAddr>, u32)>,
}

impl Watch {
    /// Whether this request shows that the peer is a proxy which the settings should name. Says so at most once.
    fn is_forgotten(&self, peer: IpAddr, trusted: bool, forwarded: bool) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.settled.load(Relaxed) {
            return false;
        }
        let (first, count) = &mut *seen;
        let alone = !trusted && *first.get_or_insert(peer) == peer;
        *count += u32::from(forwarded);
        let forgotten = alone && *count >= SUSPICIOUS;
        self.settled.store(!alone || forgotten, Relaxed);
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    const OURS: [&str; 3] = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8:aa::/48"];

    fn proxies(trusted: &[&str]) -> Proxies {
        let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
        Proxies(Arc::new(Inner { trusted, watch: Watch::default() }))
    }

    fn client(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies(&OURS).client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_peer_that_nobody_trusts_is_the_client_whatever_it_says() {
        for line in ["9.9.9.9", "10.0.0.1", "127.0.0.1", "9.9.9.9, 10.0.0.1", ""] {
            assert_eq!(client("192.0.2.7", &[line]), "192.0.2.7", "{line}");
        }
    }

    #[test]
    fn the_nearest_address_that_is_not_trusted_is_the_client() {
        for (lines, expected) in [
            (&["198.51.100.4"][..], "198.51.100.4"),
            (&["9.9.9.9, 8.8.8.8, 198.51.100.4"], "198.51.100.4"),
            (&["9.9.9.9,198.51.100.4 ,\t10.2.3.4,10.9.9.9"], "198.51.100.4"),
            (&["9.9.9.9", "198.51.100.4, 10.2.3.4", "10.9.9.9"], "198.51.100.4"),
            (&["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
            (&["2001:db8:bb::1, 2001:db8:aa:1::2"], "2001:db8:bb::1"),
            (&["::ffff:198.51.100.4, ::ffff:10.2.3.4"], "198.51.100.4"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(client("127.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn ports_and_brackets_are_taken() {
        for (hop, expected) in [
            ("198.51.100.4:567", "198.51.100.4"),
            ("[2001:db8:bb::1]", "2001:db8:bb::1"),
            ("[2001:db8:bb::1]:123", "2001:db8:bb::1"),
            ("[::ffff:198.51.100.4]:123", "198.51.100.4"),
        ] {
            assert_eq!(client("10.0.0.1", &[hop]), expected);
        }
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_the_last_good_hop() {
        for junk in [
            "unknown",
            "_hidden",
            "",
            "1.2.3",
            "1.2.3.4:99999",
            "[1.2.3.4]",
            "[::1",
            "::1]",
            "[[::1]]",
            "for=1.2.3.4",
            "\"1.2.3.4\"",
            "1.2.3.4/8",
            "localhost",
            "é",
        ] {
            assert_eq!(client("10.0.0.1", &[&format!("9.9.9.9, {junk}")]), "10.0.0.1", "{junk}");
            assert_eq!(client("10.0.0.1", &[&format!("9.9.9.9, {junk}, 10.0.0.2")]), "10.0.0.2", "{junk}");
        }
    }

    #[test]
    fn a_chain_without_end_is_not_followed_to_its_end() {
        let chain = |hops: usize| format!("198.51.100.4{}", ", 10.0.0.2".repeat(hops));
        assert_eq!(client("10.0.0.1", &[&chain(MOST_HOPS - 1)]), "198.51.100.4");
        assert_eq!(client("10.0.0.1", &[&chain(MOST_HOPS)]), "10.0.0.2");
    }

    #[test]
    fn a_forgotten_proxy_is_named_once() {
        let watch = Watch::default();
        let peer = IpAddr::from([192, 0, 2, 1]);
        let told: Vec<u32> = (1..=100).filter(|_| watch.is_forgotten(peer, false, true)).collect();
        assert_eq!(told, [SUSPICIOUS]);
    }

    #[test]
    fn nothing_is_said_when_people_come_from_elsewhere_too_or_nothing_is_forwarded() {
        let [peer, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let watch = Watch::default();
        assert!((0..100).all(|_| !watch.is_forgotten(peer, false, false)), "a proxy of the caller's own, perhaps");
        assert!(!watch.is_forgotten(other, false, false));
        assert!((0..100).all(|_| !watch.is_forgotten(peer, false, true)));
        let watch = Watch::default();
        assert!((0..100).all(|_| !watch.is_forgotten(peer, true, true)), "it is trusted already");
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(lines in proptest::collection::vec("[ -~\\t]*|[0-9.,:\\[\\]a-f ]*", 0..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            client("10.0.0.1", &lines);
        }

        #[test]
        fn what_stands_left_of_the_client_changes_nothing(left in "[ -~]*") {
            prop_assert_eq!(client("10.0.0.1", &[&format!("{left},198.51.100.4, 10.0.0.2")]), "198.51.100.4");
        }
    }
}
