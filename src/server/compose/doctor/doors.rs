//! Checks of what faces the web: addresses, cookie, proxies, limits, doors beside the main one.

use super::Check;
use crate::server::settings::{Enumeration, SameSite, Settings, is_local_url, limits_off};
use ipnet::IpNet;
use secrecy::ExposeSecret as _;
use std::net::{IpAddr, SocketAddr};

pub(super) fn public_url(settings: &Settings, listens: SocketAddr) -> Check {
    let (name, url) = ("public_url", settings.server.public_url.as_str());
    if !is_local_url(url) {
        // Elsewhere the settings take nothing but https.
        return Check::ok(name, format!("People come here by {url}."));
    }
    if listens.ip().is_loopback() {
        return Check::ok(name, format!("People come here by {url}: a trial on this machine."));
    }
    Check::warning(
        name,
        format!("The server listens at {listens}, where others reach it, and its links lead to {url}."),
        "Set server.public_url to what people type, or LEPTOS_SITE_ADDR to an address of this machine only.",
    )
}

pub(super) fn cookie(settings: &Settings) -> Check {
    let (name, cookie) = ("cookie", &settings.cookie);
    if !cookie.secure {
        let found = "The session cookie is without Secure: it is sent over plain http, too.";
        return Check::warning(name, found, "Set cookie.secure = true; browsers take that on localhost, too.");
    }
    if !cookie.name.starts_with("__Host-") {
        return Check::warning(
            name,
            format!("The session cookie {:?} has no __Host- in front.", cookie.name),
            "Take a cookie.name that begins with __Host-: no other host of your domain can set it then.",
        );
    }
    if cookie.same_site == SameSite::None {
        let found = "The session cookie is sent along from other sites' pages (SameSite=None).";
        return Check::warning(
            name,
            found,
            "Set cookie.same_site = \"Lax\", unless your front end is on another site.",
        );
    }
    Check::ok(name, format!("The session cookie is {}, with Secure.", cookie.name))
}

pub(super) fn proxies(settings: &Settings) -> Check {
    let (name, trusted) = ("proxies", &settings.server.trusted_proxies);
    let wide: Vec<_> = trusted.iter().map(String::as_str).filter(|network| is_wide(network)).collect();
    if !wide.is_empty() {
        return Check::warning(
            name,
            format!("server.trusted_proxies has {}: hardly anybody is left who is no proxy.", wide.join(", ")),
            "Name your proxies' own addresses: whoever counts as one can say to come from anywhere, and no limit holds.",
        );
    }
    if trusted.is_empty() && !is_local_url(&settings.server.public_url) {
        return Check::warning(
            name,
            "People come by https, so a proxy stands before this server, and server.trusted_proxies names none.",
            "Name its address: otherwise everybody seems to come from there, and shares the limits of one address.",
        );
    }
    match trusted.len() {
        0 => Check::ok(name, "No proxy is believed."),
        count => Check::ok(name, format!("Proxies, or networks of them, that are believed: {count}.")),
    }
}

/// Whether a network is larger than any that people run themselves.
fn is_wide(text: &str) -> bool {
    let private_v6 = |net: &ipnet::Ipv6Net| net.network().is_unique_local() && net.prefix_len() >= 7;
    match text.parse::<IpNet>() {
        Ok(IpNet::V4(net)) => net.prefix_len() < 8,
        Ok(IpNet::V6(net)) => net.prefix_len() < 24 && !private_v6(&net),
        Err(_) => false,
    }
}

pub(super) fn throttles(settings: &Settings) -> Check {
    let (name, off) = ("throttles", limits_off(&settings.throttle));
    if off.is_empty() {
        return Check::ok(name, "All limits are on.");
    }
    let found = format!("Off: {}.", off.join(", "));
    if is_local_url(&settings.server.public_url) {
        return Check::ok(name, found);
    }
    Check::warning(
        name,
        found,
        "Take the lines out of your settings: whoever guesses or floods is not slowed down there.",
    )
}

pub(super) fn introspection(settings: &Settings) -> Check {
    let secret = settings.introspection.secret.expose_secret();
    let found = if secret.is_empty() {
        "Whoever holds an access token may ask about it: introspection.secret is empty."
    } else {
        "Only who shows introspection.secret may ask about access tokens."
    };
    Check::ok("introspection", found)
}

pub(super) fn compat(settings: &Settings) -> Check {
    let (name, compat) = ("compat", &settings.compat);
    if !compat.enabled {
        return Check::ok(name, "The door for front ends of Django is shut.");
    }
    let weaker = [
        (compat.enumeration == Enumeration::Djoser, "enumeration = \"djoser\" tells who has an account"),
        (!compat.activation_path.is_empty(), "activation_path lets strangers activate accounts with others' addresses"),
        (!compat.end_on_password_change, "end_on_password_change = false leaves the caller's refresh token good"),
    ];
    let weaker: Vec<_> = weaker.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what).collect();
    if weaker.is_empty() {
        return Check::ok(name, "The door for front ends of Django is open, as strict as it can be.");
    }
    Check::warning(
        name,
        format!("The door for front ends of Django is open, and weaker than it need be: {}.", weaker.join("; ")),
        "Change these in [compat] if your front end works without them.",
    )
}

pub(super) fn metrics(settings: &Settings) -> Check {
    let (name, address) = ("metrics", settings.metrics.address.as_str());
    if address.is_empty() {
        return Check::ok(name, "Metrics are shown to nobody.");
    }
    if address.parse::<SocketAddr>().is_ok_and(|address| is_own(address.ip())) {
        return Check::ok(name, format!("Metrics are shown at {address}, on this machine only."));
    }
    Check::warning(
        name,
        format!("Metrics are shown at {address} to whoever reaches it."),
        "Set metrics.address to 127.0.0.1 with a port, or see to it that only Prometheus reaches it.",
    )
}

const fn is_own(ip: IpAddr) -> bool {
    ip.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::compose::doctor::Outcome;

    fn settings(text: &str) -> Settings {
        Settings::from_toml(text).unwrap()
    }

    const WEB: &str = "server.public_url = 'https://a.example'\nmail.transport = 'log'\n";

    fn on_the_web(text: &str) -> Settings {
        settings(&format!("{WEB}{text}"))
    }

    #[test]
    fn a_trial_on_this_machine_has_nothing_to_be_warned_of() {
        let here = settings("throttle.login = 'off'");
        let listens = "127.0.0.1:3000".parse().unwrap();
        let all = [public_url(&here, listens), cookie(&here), proxies(&here), throttles(&here)];
        let others = [introspection(&here), compat(&here), metrics(&here)];
        assert!(all.iter().chain(&others).all(|check| check.outcome == Outcome::Ok), "{all:?}");
    }

    #[test]
    fn each_weak_door_is_warned_of() {
        let warnings = [
            public_url(&settings(""), "0.0.0.0:3000".parse().unwrap()),
            cookie(&settings("cookie.name = 'x'\ncookie.secure = false")),
            cookie(&settings("cookie.name = 'x'")),
            cookie(&settings("cookie.same_site = 'None'")),
            proxies(&on_the_web("")),
            throttles(&on_the_web("throttle.mail = 'off'")),
            compat(&settings("compat.enabled = true\ncompat.enumeration = 'djoser'")),
            metrics(&settings("metrics.address = '0.0.0.0:9464'")),
        ];
        for check in warnings {
            assert!(check.outcome == Outcome::Warning && check.advice.is_some(), "{check:?}");
        }
        assert_eq!(public_url(&on_the_web(""), "0.0.0.0:3000".parse().unwrap()).outcome, Outcome::Ok);
        assert_eq!(metrics(&settings("metrics.address = '127.0.0.1:9464'")).outcome, Outcome::Ok);
    }

    #[test]
    fn networks_that_nobody_owns_alone_are_too_wide_for_proxies() {
        for (network, wide) in [
            ("0.0.0.0/0", true),
            ("128.0.0.0/1", true),
            ("::/0", true),
            ("2000::/3", true),
            ("10.0.0.0/8", false),
            ("fc00::/7", false),
            ("2001:db8::/32", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(is_wide(network), wide, "{network}");
        }
    }
}
