//! Who is at the other end, as far as throttles and the list of sessions need to know.
//!
//! Forwarded headers are not read here: `proxies` has found out once where the request comes from.

use super::proxies::ClientAddress;
use crate::server::auth::Origin;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderValue, header, request::Parts},
};
use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// The longest user agent that is kept, in characters.
const USER_AGENT_LIMIT: usize = 256;

/// Browsers by what gives them away, in the order in which to ask: many name others as well.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", "Python"),
    ("node", "Node.js"),
];

/// Systems, in the order in which to ask.
const SYSTEMS: [(&str, &str); 8] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address the request comes from; an IPv4 address in IPv6 form is IPv4 here. 0.0.0.0 if there is none.
    pub ip: IpAddr,
    /// What it calls itself: at most 256 characters, nothing invisible. May be empty.
    pub user_agent: String,
    /// A guess for people, such as `Firefox on Linux`, or `Unknown device`.
    pub device_label: String,
}

impl Client {
    /// The client of the request with this head.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        Self::new(ip(&parts.extensions), parts.headers.get(header::USER_AGENT))
    }

    /// The client at that address which calls itself that.
    #[must_use]
    pub fn new(ip: IpAddr, user_agent: Option<&HeaderValue>) -> Self {
        let agent = user_agent.map(|value| clean(&String::from_utf8_lossy(value.as_bytes())));
        let user_agent = agent.unwrap_or_default();
        let device_label = device_label(&user_agent);
        Self { ip, user_agent, device_label }
    }

    /// The part of the address that belongs to one subscriber: IPv4 whole, IPv6 its /64. For throttles and for people.
    #[must_use]
    pub fn coarse_ip(&self) -> String {
        Coarse(self.ip).to_string()
    }

    /// Where the client calls from, as the list of sessions keeps it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin {
            trusted: None,
            ip: self.coarse_ip(),
            user_agent: self.user_agent.clone(),
            device_label: self.device_label.clone(),
            known_devices: None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// The address that `proxies` found for the request with these extensions; where nobody has looked, that of its
/// connection, if it came through one.
pub(super) fn ip(extensions: &Extensions) -> IpAddr {
    let peer = || extensions.get().map(|ConnectInfo::<SocketAddr>(peer)| peer.ip().to_canonical());
    let found = extensions.get().map(|ClientAddress(ip)| *ip).or_else(peer);
    found.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// See [`Client::coarse_ip`].
pub(super) struct Coarse(pub(super) IpAddr);

impl fmt::Display for Coarse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => ip.fmt(f),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                write!(f, "{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

/// Control characters and those that turn the direction of writing: a line of text must show what it holds.
fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).take(USER_AGENT_LIMIT).collect()
}

fn device_label(user_agent: &str) -> String {
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn client(ip: &str, headers: &[(&str, &[u8])]) -> Client {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(ConnectInfo(SocketAddr::new(ip.parse().unwrap(), 4000)));
        Client::of(&parts)
    }

    #[test]
    fn forwarded_headers_change_nothing() {
        let headers: [(&str, &[u8]); 3] =
            [("x-forwarded-for", b"9.9.9.9"), ("forwarded", b"for=9.9.9.9"), ("x-real-ip", b"9.9.9.9")];
        assert_eq!(client("127.0.0.7", &headers).coarse_ip(), "127.0.0.7");
    }

    #[test]
    fn the_address_that_was_found_wins_over_that_of_the_connection() {
        let mut parts = axum::http::Request::new(()).into_parts().0;
        assert_eq!(Client::of(&parts).coarse_ip(), "0.0.0.0");
        parts.extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 7], 4000))));
        assert_eq!(Client::of(&parts).coarse_ip(), "127.0.0.7");
        parts.extensions.insert(ClientAddress(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(Client::of(&parts).coarse_ip(), "192.0.2.1");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_whatever_its_last_half() {
        assert_eq!(client("2001:db8:1:2:3:4:5:6", &[]).coarse_ip(), "2001:db8:1:2::/64");
        assert_eq!(client("::ffff:192.0.2.1", &[]).coarse_ip(), "192.0.2.1");
    }

    #[test]
    fn a_user_agent_is_cut_and_cleaned() {
        let long = "é".repeat(300);
        assert_eq!(client("127.0.0.1", &[("user-agent", long.as_bytes())]).user_agent.chars().count(), 256);
        let odd = client("127.0.0.1", &[("user-agent", "a\tb\u{202e}c\u{85}d".as_bytes())]);
        assert_eq!(odd.user_agent, "abcd");
        assert_eq!(odd.device_label, "Unknown device");
    }

    #[test]
    fn usual_browsers_are_called_by_their_names() {
        for (agent, label) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 \
                 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("curl/8.5.0", "curl"),
            ("", "Unknown device"),
        ] {
            assert_eq!(device_label(agent), label, "{agent}");
        }
    }
}
