//! Who may have an account here, and under which name: the lists of the settings' section `registration`.

use crate::{
    domain::credential::{Email, Username, fold},
    server::settings::Settings,
};
use std::collections::HashSet;
use unicode_normalization::char::is_combining_mark;

/// Names that nobody gets, because others would take their owner for the site or for a part of it. Lower case, without
/// separators.
const RESERVED: &[&str] = &[
    // Mailboxes of roles and services (RFC 2142 sections 3 to 5), and the first five, whom certificate authorities ask
    // whether a domain may have a certificate (CA/Browser Forum Baseline Requirements 3.2.2.4.4).
    "hostmaster",
    "postmaster",
    "webmaster",
    "admin",
    "administrator",
    "abuse",
    "ftp",
    "info",
    "marketing",
    "news",
    "noc",
    "sales",
    "security",
    "support",
    "usenet",
    "uucp",
    "www",
    // What mail programs and senders call themselves by custom.
    "mail",
    "mailerdaemon",
    "noreply",
    "donotreply",
    // Accounts that systems keep for themselves (Linux Standard Base, "User & Group Names"), and this very host (RFC
    // 6761 6.3).
    "bin",
    "daemon",
    "localhost",
    "nobody",
    "root",
    "sys",
    "system",
    "sysadmin",
    // Whom people ask and obey.
    "contact",
    "help",
    "helpdesk",
    "moderator",
    "mod",
    "official",
    "owner",
    "service",
    "staff",
    "team",
    // Pages and addresses of sites, should a name ever stand in a path.
    "about",
    "account",
    "accounts",
    "api",
    "app",
    "auth",
    "dashboard",
    "home",
    "legal",
    "login",
    "logout",
    "password",
    "privacy",
    "profile",
    "register",
    "reset",
    "settings",
    "signin",
    "signout",
    "signup",
    "static",
    "status",
    "terms",
    // Words that programs and sentences mean something else by.
    "all",
    "anonymous",
    "everybody",
    "everyone",
    "false",
    "guest",
    "me",
    "none",
    "null",
    "self",
    "true",
    "undefined",
    "unknown",
    "user",
    "username",
    "you",
    // This program, whatever the site is called.
    "doorward",
];

/// Decides which addresses and which names new accounts may have.
pub struct RegistrationRules {
    allowed: Vec<String>,
    blocked: Vec<String>,
    reserved: HashSet<String>,
}

impl RegistrationRules {
    /// The rules of the settings' section `registration`; the site's own name is kept as well.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let registration = &settings.registration;
        let names = registration.reserved_names.iter().chain([&settings.server.site_name]).map(String::as_str);
        let mut reserved: HashSet<String> = RESERVED.iter().copied().chain(names).map(reduced).collect();
        reserved.remove("");
        Self { allowed: registration.allowed_domains.clone(), blocked: registration.blocked_domains.clone(), reserved }
    }

    /// Whether an account may have this address.
    ///
    /// # Errors
    /// A sentence for the field when its domain is blocked, or when only others are allowed. Blocked wins.
    pub fn check_email(&self, email: &Email) -> Result<(), String> {
        let domain = email.key().rsplit_once('@').map_or("", |(_, domain)| domain);
        let is_in = |list: &[String]| list.iter().any(|entry| covers(entry, domain));
        if is_in(&self.blocked) {
            return Err("Addresses of this mail provider are not accepted here. Please use another address.".to_owned());
        }
        if !self.allowed.is_empty() && !is_in(&self.allowed) {
            return Err("Only addresses of certain domains are accepted here, such as those of the organisation that \
                        runs this site. Please use one of them."
                .to_owned());
        }
        Ok(())
    }

    /// Whether an account may have this name.
    ///
    /// # Errors
    /// A sentence for the field when the name is reserved, dots, lines and case aside.
    pub fn check_username(&self, username: &Username) -> Result<(), String> {
        if self.reserved.contains(&reduced(username.key())) {
            return Err("This user name is kept for the site itself. Please choose another one.".to_owned());
        }
        Ok(())
    }
}

/// `example.com` is that domain alone, `.example.com` all below it. Both are in the form of [`Email::key`].
fn covers(entry: &str, domain: &str) -> bool {
    if entry.starts_with('.') { domain.ends_with(entry) } else { domain == entry }
}

/// What is left of a name when nobody looks closely: its letters and digits, folded.
fn reduced(name: &str) -> String {
    fold(name).chars().filter(|letter| letter.is_alphanumeric() || is_combining_mark(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> RegistrationRules {
        RegistrationRules::new(&Settings::from_toml(text).unwrap())
    }

    fn takes_email(rules: &RegistrationRules, typed: &str) -> bool {
        rules.check_email(&Email::parse(typed).unwrap()).is_ok()
    }

    fn takes_name(rules: &RegistrationRules, typed: &str) -> bool {
        rules.check_username(&Username::parse(typed).unwrap()).is_ok()
    }

    #[test]
    fn without_lists_every_domain_is_taken() {
        for text in ["", "registration.allowed_domains = ['', ' ']\nregistration.blocked_domains = ['']"] {
            assert!(takes_email(&rules(text), "mona@example.com") && takes_email(&rules(text), "a@localhost"));
        }
    }

    #[test]
    fn a_domain_is_itself_alone_and_with_a_dot_all_below_it() {
        let exact = rules("registration.allowed_domains = ['Example.com']");
        assert!(takes_email(&exact, "mona@EXAMPLE.com"));
        for other in ["a@sub.example.com", "a@notexample.com", "a@example.com.evil.test", "a@example.co"] {
            assert!(!takes_email(&exact, other), "{other}");
        }
        let below = rules("registration.allowed_domains = ['.example.com']");
        assert!(takes_email(&below, "a@sub.example.com") && takes_email(&below, "a@x.sub.EXAMPLE.com"));
        for other in ["a@example.com", "a@notexample.com", "a@sub.example.com.evil.test"] {
            assert!(!takes_email(&below, other), "{other}");
        }
    }

    #[test]
    fn a_domain_is_one_in_unicode_and_in_ascii() {
        for entry in ["bücher.example", "BU\u{308}CHER.example", "xn--bcher-kva.example"] {
            let rules = rules(&format!("registration.blocked_domains = ['{entry}', '.{entry}']"));
            for email in ["a@bücher.example", "a@xn--bcher-kva.example", "a@mail.Bücher.example"] {
                assert!(!takes_email(&rules, email), "{entry} {email}");
            }
            assert!(takes_email(&rules, "a@bucher.example"));
        }
    }

    #[test]
    fn blocked_wins_over_allowed_and_is_not_repeated() {
        let rules = rules(
            "registration.allowed_domains = ['.example.com']\nregistration.blocked_domains = ['bad.example.com']",
        );
        assert!(takes_email(&rules, "a@good.example.com"));
        for email in ["a@bad.example.com", "a@elsewhere.test"] {
            let message = rules.check_email(&Email::parse(email).unwrap()).unwrap_err();
            assert!(!message.contains("bad") && !message.contains("elsewhere"), "{message}");
        }
    }

    #[test]
    fn names_of_roles_are_kept_in_every_spelling() {
        let rules = rules("");
        for name in [
            "admin",
            "Admin",
            "ＡＤＭＩＮ",
            "ad.min",
            "a-d_m+i.n",
            "root",
            "postmaster",
            "Web-Master",
            "no-reply",
            "mailer-daemon",
            "null",
            "m.e",
            "doorward",
        ] {
            assert!(!takes_name(&rules, name), "{name}");
        }
        for name in ["mona", "nils", "alice", "mona.lindqvist", "badminton", "admin1", "rooty", "борис", "हिन्दी"]
        {
            assert!(takes_name(&rules, name), "{name}");
        }
    }

    #[test]
    fn the_sites_own_name_and_those_of_the_settings_are_kept() {
        let rules = rules("server.site_name = 'Bücher & Söhne'\nregistration.reserved_names = ['', 'Der Chef', '_']");
        for name in ["bücher-söhne", "BücherSöhne", "derchef", "der.CHEF", "doorward"] {
            assert!(!takes_name(&rules, name), "{name}");
        }
        assert!(takes_name(&rules, "bücher") && takes_name(&rules, "chef"));
        let message = rules.check_username(&Username::parse("der.chef").unwrap()).unwrap_err();
        assert!(!message.contains("chef"), "{message}");
    }

    #[test]
    fn the_list_is_written_as_names_are_compared() {
        assert!(RESERVED.iter().all(|name| *name == reduced(name)));
        assert_eq!(RESERVED.iter().collect::<HashSet<_>>().len(), RESERVED.len());
    }
}
