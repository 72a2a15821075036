//! Sending over SMTP (RFC 5321) with one connection a mail: nothing stale is left when the server restarts.

use super::{Mail, SendError};
use crate::server::settings::SettingsError;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    extension::ClientId,
};
use std::{net::Ipv6Addr, time::Duration};

/// What a server gets to answer QUIT. The mail is accepted by then, so nothing depends on it.
const GOODBYE: Duration = Duration::from_secs(1);

/// An SMTP server and how to reach it. Has no `Debug`: it holds the password.
#[derive(Clone)]
pub struct Smtp {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
}

/// How the connection is protected.
#[derive(Clone)]
enum Security {
    /// Not at all; only to this machine.
    Plain,
    /// STARTTLS or nothing (RFC 3207): a server that does not offer it gets neither password nor mail.
    StartTls(TlsParameters),
    /// TLS from the first byte (RFC 8314).
    Tls(TlsParameters),
}

/// The parts of `mail.smtp_url`.
struct Parts {
    implicit_tls: bool,
    host: String,
    port: Option<u16>,
    credentials: Option<Credentials>,
}

impl Smtp {
    /// The server that `url` names: `smtp://user:password@host:port` with STARTTLS, or plain if the host is this
    /// machine; `smtps://…` with TLS from the start. User and password are percent-encoded.
    ///
    /// `public_url` names this server in EHLO; `timeout` is for the whole conversation; `extra_root` is a certificate in
    /// PEM that is trusted besides the public ones.
    ///
    /// # Errors
    /// The URL or the certificate cannot be read. The error never quotes the URL, for the password in it.
    pub fn new(
        url: &str,
        public_url: &str,
        timeout: Duration,
        extra_root: Option<&[u8]>,
    ) -> Result<Self, SettingsError> {
        let parts = Parts::parse(url)?;
        let local = is_this_machine(&parts.host);
        let security = match (parts.implicit_tls, local) {
            (true, _) => Security::Tls(tls(&parts.host, extra_root)?),
            (false, true) => Security::Plain,
            (false, false) => Security::StartTls(tls(&parts.host, extra_root)?),
        };
        let usual_port = match security {
            Security::Plain => 25,
            Security::StartTls(_) => 587,
            Security::Tls(_) => 465,
        };
        Ok(Self {
            port: parts.port.unwrap_or(usual_port),
            host: parts.host,
            security,
            credentials: parts.credentials,
            hello: ClientId::Domain(host_of(public_url)),
            timeout,
        })
    }

    /// Sends `mail`; done means that the server took charge of it.
    ///
    /// # Errors
    /// Only a refusal of this very mail is permanent. A wrong password or a missing STARTTLS can be put right while
    /// the mail waits.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let talk = tokio::time::timeout(self.timeout, self.deliver(mail));
        let mut connection = talk.await.unwrap_or(Err(SendError::passing("timeout")))?;
        // Outside the timeout: an accepted mail must not count as failed because the goodbye hangs.
        drop(tokio::time::timeout(GOODBYE, connection.quit()).await);
        Ok(())
    }

    /// Says hello to the server, with TLS and the login, and sends nothing.
    ///
    /// # Errors
    /// As [`Smtp::send`].
    pub async fn reach(&self) -> Result<(), SendError> {
        let reached = tokio::time::timeout(self.timeout, self.connect()).await;
        let mut connection = reached.unwrap_or(Err(SendError::passing("timeout")))?;
        drop(tokio::time::timeout(GOODBYE, connection.quit()).await);
        Ok(())
    }

    async fn deliver(&self, mail: &Mail) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection = self.connect().await?;
        let bytes = mail.message.formatted();
        connection.send(mail.message.envelope(), &bytes).await.map_err(|error| of_the_mail(&error))?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let implicit = match &self.security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::Plain | Security::StartTls(_) => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, implicit, None)
                .await
                .map_err(|error| of_the_server(&error, "refused"))?;
        if let Security::StartTls(parameters) = &self.security {
            let upgraded = connection.starttls(parameters.clone(), &self.hello).await;
            upgraded.map_err(|error| of_the_server(&error, "tls"))?;
        }
        if let Some(credentials) = &self.credentials {
            let known = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            known.map_err(|error| of_the_server(&error, "login"))?;
        }
        Ok(connection)
    }
}

impl Parts {
    fn parse(url: &str) -> Result<Self, SettingsError> {
        let wrong = |what: &str| SettingsError(format!("mail.smtp_url: {what}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("begin with smtp:// or smtps://"))?;
        let implicit_tls = match scheme {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(wrong("begin with smtp:// or smtps://")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, server) = rest.rsplit_once('@').map_or((None, rest), |(user, server)| (Some(user), server));
        let credentials = user
            .map(|user| {
                let (name, password) = user.split_once(':')?;
                Some(Credentials::new(percent_decoded(name)?, percent_decoded(password)?))
            })
            .map(|known| known.ok_or_else(|| wrong("write user:password@, both percent-encoded")))
            .transpose()?;
        let (host, port) = host_and_port(server).ok_or_else(|| wrong("after the user comes host or host:port"))?;
        Ok(Self { implicit_tls, host, port, credentials })
    }
}

/// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; nothing behind it, so that no option can weaken the protection.
fn host_and_port(server: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = server.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
    } else {
        let (host, port) = server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port)));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        (host, if !host.is_empty() && host.bytes().all(plain) { port } else { return None })
    };
    let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(())).transpose().ok()?;
    Some((host.to_ascii_lowercase(), port))
}

/// RFC 3986, 2.1; `+` stays as it is.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).filter(|(digits, _)| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Whether what is sent to `host` never leaves this machine (RFC 6761 for the name).
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn tls(host: &str, extra_root: Option<&[u8]>) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = extra_root {
        let root =
            Certificate::from_pem(pem).map_err(|_| SettingsError("mail: the certificate is no PEM".to_owned()))?;
        builder = builder.add_root_certificate(root);
    }
    builder.build().map_err(|error| SettingsError(format!("mail.smtp_url: no TLS to {host:?}: {error}")))
}

/// The host of a URL that was checked with the settings.
fn host_of(url: &str) -> String {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        _ => authority.to_owned(),
    }
}

/// A failure before any mail was spoken of; it passes. `kind` names the stage.
fn of_the_server(error: &Error, kind: &'static str) -> SendError {
    SendError::passing(if error.is_timeout() {
        "timeout"
    } else if kind == "refused" && is_handshake(error) {
        "tls"
    } else if error.is_transient() {
        "deferred"
    } else {
        kind
    })
}

/// A failure while the mail was handed over.
fn of_the_mail(error: &Error) -> SendError {
    match error.status().map(u16::from) {
        // RFC 4954, 6: the server wants to know us first. That is our settings' fault, not this mail's.
        Some(530) => SendError::passing("login"),
        Some(500..) => SendError::permanent("rejected"),
        Some(_) => SendError::passing("deferred"),
        // The server speaks no SMTPUTF8 or 8BITMIME, which this address needs.
        None if error.is_client() => SendError::permanent("rejected"),
        None if error.is_timeout() => SendError::passing("timeout"),
        // Whether the mail arrived is unknown if the line broke after DATA; the Message-ID tells a double.
        None => SendError::passing("broken"),
    }
}

/// Whether TLS said no: rustls wraps its errors into I/O errors of this kind.
fn is_handshake(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for url in ["smtp://localhost:1025", "smtp://127.0.0.1", "smtp://127.9.9.9:25", "smtp://[::1]:1025"] {
            let smtp = Smtp::new(url, "http://localhost:3000", Duration::from_secs(1), None).unwrap();
            assert!(matches!(smtp.security, Security::Plain), "{url}");
        }
        let elsewhere =
            ["smtp://mail.test", "smtp://localhost.mail.test", "smtp://0.0.0.0", "smtp://10.0.0.1", "smtp://[::2]"];
        for url in elsewhere {
            let smtp = Smtp::new(url, "http://localhost:3000", Duration::from_secs(1), None).unwrap();
            assert!(matches!(smtp.security, Security::StartTls(_)), "{url}");
            assert_eq!(smtp.port, 587);
        }
        let smtp = Smtp::new("smtps://localhost/", "http://localhost:3000", Duration::from_secs(1), None).unwrap();
        assert!(matches!(smtp.security, Security::Tls(_)) && smtp.port == 465);
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let parts = Parts::parse("smtp://a%40b.test:p%3A%2F+%C3%A9@mail.test:2525").unwrap();
        assert_eq!(parts.credentials, Some(Credentials::new("a@b.test".to_owned(), "p:/+é".to_owned())));
        assert_eq!((parts.host.as_str(), parts.port), ("mail.test", Some(2525)));
    }

    #[test]
    fn a_wrong_url_is_refused_and_not_quoted() {
        let wrong = [
            "",
            "mail.test",
            "http://mail.test",
            "smtp://",
            "smtp://:25",
            "smtp://mail.test:0",
            "smtp://mail.test:x",
            "smtp://hunter2@mail.test",
            "smtp://u:hunter2%@mail.test",
            "smtp://u:hunter2%+1@mail.test",
            "smtp://u:hunter2@mail.test?tls=none",
            "smtp://u:hunter2@mail.test/x",
            "smtp://u:hunter2@[zz]:25",
            "smtp://u:hunter2%ff@mail.test",
            "smtp://u:hunter2@[::1]25",
        ];
        for url in wrong {
            let error = Parts::parse(url).err().map(|error| error.0);
            assert!(error.as_ref().is_some_and(|error| !error.contains("hunter2")), "{url:?}: {error:?}");
        }
    }

    #[test]
    fn ehlo_names_the_public_host() {
        for (url, host) in [
            ("https://accounts.test", "accounts.test"),
            ("http://localhost:3000", "localhost"),
            ("http://[::1]:3000/", "[::1]"),
            ("http://[::1]", "[::1]"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
