//! Checks of mail: where it goes, whom it is from, and whether the mail server lets us in.

use super::Check;
use crate::server::{
    mailer::Transport,
    settings::{MailTransport, Settings, is_local_url},
};

pub(super) fn transport(settings: &Settings) -> Check {
    let name = "mail";
    let local = is_local_url(&settings.server.public_url);
    let (found, arrives) = match settings.mail.transport {
        MailTransport::Smtp => ("Mails go out by SMTP.", true),
        MailTransport::Folder => ("Mails are written into a folder (mail.folder).", false),
        MailTransport::Log => ("Mails end in the log, without what is in them.", false),
        MailTransport::Mailbox => ("Mails stay in the mailbox of this server, for trials.", false),
        MailTransport::Unset => ("Mails go nowhere.", false),
    };
    if arrives || local {
        return Check::ok(name, found);
    }
    let advice = "Set mail.transport = \"smtp\" and mail.smtp_url: nobody can reset a password or confirm an address.";
    Check::warning(name, found, advice)
}

pub(super) fn from(settings: &Settings) -> Check {
    let (name, from) = ("mail_from", settings.mail.from.as_str());
    let domain = from.rsplit('@').next().unwrap_or_default().trim_end_matches(['>', ' ']).to_ascii_lowercase();
    let is_local = domain == "localhost" || domain.ends_with(".localhost") || domain.ends_with(".localdomain");
    if is_local && !is_local_url(&settings.server.public_url) {
        return Check::warning(
            name,
            format!("Mails are from {from:?}, a domain that exists nowhere: other servers refuse them."),
            "Set mail.from to an address of a domain that your mail server may send for.",
        );
    }
    Check::ok(name, format!("Mails are from {domain}."))
}

/// A real conversation with the mail server, without a mail. None where there is no such server.
pub(super) async fn smtp(settings: &Settings) -> Option<Check> {
    let name = "smtp";
    let smtp = match Transport::new(settings) {
        Ok(Transport::Smtp(smtp)) => smtp,
        Ok(_) => return None,
        Err(error) => {
            return Some(Check::failure(
                name,
                format!("The mail server cannot be spoken to: {error}."),
                "Set it right.",
            ));
        }
    };
    let Err(error) = smtp.reach().await else {
        return Some(Check::ok(name, "The mail server answers and lets us in."));
    };
    let (found, advice) = match error.kind {
        "timeout" => (
            "The mail server did not answer within mail.timeout.",
            "See whether host and port of mail.smtp_url are right, and whether a firewall is between.",
        ),
        "tls" => (
            "The mail server speaks no TLS that we trust.",
            "See whether its certificate is valid and for the host in mail.smtp_url; 465 is smtps://, 587 smtp://.",
        ),
        "login" => (
            "The mail server does not know user and password.",
            "Set them right in mail.smtp_url, percent-encoded (@ is %40).",
        ),
        _ => (
            "The mail server cannot be reached, or turns us away.",
            "See whether it runs, and whether host and port of mail.smtp_url are right.",
        ),
    };
    Some(Check::failure(name, found, advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::compose::doctor::Outcome;

    #[test]
    fn mail_that_reaches_nobody_is_warned_of_on_the_web_only() {
        let web = "server.public_url = 'https://a.example'\n";
        for kind in ["log", "folder"] {
            let there = Settings::from_toml(&format!("{web}mail.transport = '{kind}'")).unwrap();
            assert_eq!(transport(&there).outcome, Outcome::Warning, "{kind}");
            assert_eq!(from(&there).outcome, Outcome::Warning);
        }
        let here = Settings::from_toml("mail.transport = 'log'").unwrap();
        assert_eq!((transport(&here).outcome, from(&here).outcome), (Outcome::Ok, Outcome::Ok));
        let good = "mail.transport = 'smtp'\nmail.smtp_url = 'smtps://m.example'\nmail.from = 'A <a@a.example>'";
        let good = Settings::from_toml(&format!("{web}{good}")).unwrap();
        assert_eq!((transport(&good).outcome, from(&good).outcome), (Outcome::Ok, Outcome::Ok));
    }
}
