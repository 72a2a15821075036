//! The mails that carry a secret: a link, and mostly a code that is typed instead of it.

use super::{
    Greeting, Words,
    calm::{calm_name, masked},
    layout::{Block, paragraph, render},
};
use crate::domain::time::Timestamp;

/// A secret and its life.
pub(in crate::server::mailer) struct Lived {
    /// The link, or the code of eight digits.
    pub(in crate::server::mailer) value: String,
    /// Seconds that it works from now on.
    pub(in crate::server::mailer) left: i64,
    /// Until when.
    pub(in crate::server::mailer) until: Timestamp,
}

/// The secrets of a mail. The code may be dead already when the mail was delayed; then it is left out.
pub(in crate::server::mailer) struct Mailed {
    pub(in crate::server::mailer) link: Lived,
    pub(in crate::server::mailer) code: Option<Lived>,
    /// Whose account it is, where the link leads to a front end: there one signs in by that name.
    pub(in crate::server::mailer) username: Option<String>,
}

impl Mailed {
    /// What is said of keeping them to oneself.
    fn keep_them(&self) -> &'static str {
        match self.code {
            Some(_) => "Give the link and the code to nobody; we never ask for them.",
            None => "Give the link to nobody; we never ask for it.",
        }
    }

    /// The user name, where it is told and can stand in a mail.
    fn name(&self) -> Option<Block> {
        let name = self.username.as_deref().and_then(calm_name)?;
        Some(paragraph(format!("Your user name, in case you have forgotten it: {name}")))
    }
}

/// The mail with which a password is reset.
pub(in crate::server::mailer) fn password_reset(greeting: &Greeting<'_>, mailed: Mailed) -> Words {
    let site = greeting.site;
    let (keep_them, name) = (mailed.keep_them(), mailed.name());
    let mut blocks =
        vec![paragraph(format!("Somebody, we hope you, asked to choose a new password for your account at {site}."))];
    blocks.extend(link("Choose a new password", mailed.link));
    blocks.extend(name);
    blocks.extend(code("Or type this code on the page where you asked for this mail:", mailed.code));
    blocks.push(paragraph(format!("If it was not you, ignore this mail: your password stays as it is. {keep_them}")));
    render(greeting, format!("Choose a new password for {site}"), &blocks)
}

/// The mail that confirms the address of a new account.
pub(in crate::server::mailer) fn email_confirmation(greeting: &Greeting<'_>, mailed: Mailed) -> Words {
    let site = greeting.site;
    let (keep_them, name) = (mailed.keep_them(), mailed.name());
    // A front end has no page where somebody else's password is replaced: its link alone confirms.
    let advice = match mailed.username {
        Some(_) => "Do nothing, and leave the link alone.",
        None => "Do nothing, or open the link and choose a new password to take the account over.",
    };
    let mut blocks = vec![paragraph(format!("Welcome to {site}. Please confirm that this address is yours."))];
    blocks.extend(link("Confirm this address", mailed.link));
    blocks.extend(name);
    blocks.extend(code("Or type this code on the page where you registered:", mailed.code));
    blocks
        .push(paragraph(format!("If you did not register, somebody typed your address, perhaps by mistake. {advice}")));
    blocks.push(paragraph(keep_them));
    render(greeting, format!("Confirm your e-mail address for {site}"), &blocks)
}

/// The mail that tells the user name and with which another one is chosen: by its link or, where there is none, on the
/// account's page.
pub(in crate::server::mailer) fn username_reset(
    greeting: &Greeting<'_>,
    username: &str,
    mailed: Option<Mailed>,
    account_page: String,
) -> Words {
    let site = greeting.site;
    let now = calm_name(username).map(|name| format!(" It is {name} now.")).unwrap_or_default();
    let keep_it = mailed.as_ref().map(|mailed| format!(" {}", mailed.keep_them())).unwrap_or_default();
    let asked = format!("Somebody, we hope you, asked for another user name for your account at {site}.{now}");
    let mut blocks = vec![paragraph(asked)];
    match mailed {
        Some(mailed) => blocks.extend(link("Choose another user name", mailed.link)),
        None => blocks.extend([
            paragraph("Sign in to choose another one on your account's page:"),
            Block::Link { label: "Your account", url: account_page },
        ]),
    }
    let ignore = "If it was not you, ignore this mail: your user name stays as it is.";
    blocks.push(paragraph(format!("{ignore}{keep_it}")));
    render(greeting, format!("Choose another user name for {site}"), &blocks)
}

/// The mail to a new address of an account, which confirms it. `username` is the account's.
pub(in crate::server::mailer) fn email_change(greeting: &Greeting<'_>, mailed: Mailed, username: &str) -> Words {
    let site = greeting.site;
    let keep_them = mailed.keep_them();
    let (whose, which) = match calm_name(username) {
        Some(name) => (format!("the account {name} at {site}"), format!("the account {name}")),
        None => (format!("an account at {site}"), "that account".to_owned()),
    };
    let mut blocks =
        vec![paragraph(format!("Somebody, we hope you, asked to make this the e-mail address of {whose}."))];
    blocks.extend(link("Confirm the new address", mailed.link));
    blocks.extend(code("Or type this code on the page where you asked:", mailed.code));
    blocks.push(paragraph(format!("You must be signed in to {which} when you do.")));
    blocks.push(paragraph(format!("If it was not you, do nothing: nothing changes. {keep_them}")));
    render(greeting, format!("Confirm your new e-mail address for {site}"), &blocks)
}

/// The notice to the old address of an account, with the link that brings it back. `present` is the address now.
pub(in crate::server::mailer) fn email_changed(
    greeting: &Greeting<'_>,
    at: Timestamp,
    mailed: Mailed,
    present: &str,
) -> Words {
    let site = greeting.site;
    let keep_it = mailed.keep_them();
    let to = masked(present).map(|email| format!(" to {email}")).unwrap_or_default();
    let mut blocks = vec![
        paragraph(format!("On {} the e-mail address of your account at {site} was changed{to}.", at.minute())),
        paragraph("If it was you, there is nothing to do."),
        paragraph("If it was not you, this link puts this address back and ends every session:"),
    ];
    blocks.extend(link("Put this address back", mailed.link));
    blocks.push(paragraph(keep_it));
    render(greeting, format!("Your e-mail address for {site} was changed"), &blocks)
}

fn link(label: &'static str, link: Lived) -> [Block; 2] {
    let life = format!("The link works once, for {}, until {}.", duration(link.left), link.until.minute());
    [Block::Link { label, url: link.value }, paragraph(life)]
}

/// Nothing where there is no code.
fn code(where_to: &str, code: Option<Lived>) -> Vec<Block> {
    let Some(code) = code else { return Vec::new() };
    let life = format!(
        "The code works only in the browser that asked, for {}, until {}.",
        duration(code.left),
        code.until.minute()
    );
    vec![paragraph(where_to), Block::Code(in_two_halves(&code.value)), paragraph(life)]
}

/// Seconds as minutes, hours or days, rounded up; the exact end stands beside it.
fn duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 3600;
    const DAY: i64 = 86_400;
    let (length, name) = if seconds <= 2 * HOUR {
        (MINUTE, "minute")
    } else if seconds <= 2 * DAY {
        (HOUR, "hour")
    } else {
        (DAY, "day")
    };
    match seconds.saturating_add(length - 1) / length {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// `12345678` as `1234 5678`, which is read and typed more easily.
fn in_two_halves(code: &str) -> String {
    match code.split_at_checked(code.len() / 2) {
        Some((first, second)) => format!("{first} {second}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONA: Greeting<'_> = Greeting { site: "Tea & Co", name: "Mona" };

    fn mailed(left: i64, code: Option<&str>) -> Mailed {
        let until = Timestamp(1_795_190_580);
        let link = Lived { value: "https://a.test/r?uid=1&token=x".to_owned(), left, until };
        let code = code.map(|value| Lived { value: value.to_owned(), left: 541, until });
        Mailed { link, code, username: None }
    }

    #[test]
    fn a_reset_mail_says_how_long_its_secrets_live() {
        let words = password_reset(&MONA, mailed(1800, Some("12345678")));
        assert!(words.text.starts_with("Hello Mona,\n\n"));
        assert!(words.text.contains("for 30 minutes, until 20 November 2026, 16:03 UTC"));
        assert!(words.text.contains("\n    1234 5678\n"));
        assert!(words.text.contains("for 10 minutes"));
        assert!(words.text.contains("\nhttps://a.test/r?uid=1&token=x\n"));
        assert!(words.html.contains("href=\"https://a.test/r?uid=1&amp;token=x\""));
        assert!(words.html.contains(">1234 5678<"));
    }

    #[test]
    fn a_dead_code_is_not_mailed_nor_spoken_of() {
        for words in [
            password_reset(&MONA, mailed(1800, None)),
            email_confirmation(&MONA, mailed(1800, None)),
            email_change(&MONA, mailed(1800, None), "mona"),
            email_changed(&MONA, Timestamp(0), mailed(1800, None), "mona@example.test"),
            username_reset(&MONA, "mona", Some(mailed(1800, None)), String::new()),
        ] {
            assert!(!words.text.contains(" code") && !words.html.contains(" code"), "{}", words.text);
            assert!(words.text.contains("Give the link to nobody"));
        }
    }

    #[test]
    fn a_mail_that_leads_to_a_front_end_names_the_account_if_its_name_is_calm() {
        for (name, told) in [("mona", true), ("win.evil.test", false)] {
            let elsewhere = || Mailed { username: Some(name.to_owned()), ..mailed(1800, None) };
            for words in [password_reset(&MONA, elsewhere()), email_confirmation(&MONA, elsewhere())] {
                assert_eq!(words.text.contains(&format!("forgotten it: {name}\n")), told, "{}", words.text);
                assert!(told || !words.text.contains("evil"));
                assert!(!words.text.contains("take the account over"), "there is no such page");
            }
            let words = username_reset(&MONA, name, None, "https://a.test/account".to_owned());
            assert_eq!(words.text.contains("It is mona now."), told);
            assert!(words.text.contains("\nhttps://a.test/account\n") && !words.text.contains("evil"));
        }
    }

    #[test]
    fn a_life_is_told_in_minutes_hours_or_days_rounded_up() {
        for (seconds, told) in [
            (0, "0 minutes"),
            (1, "1 minute"),
            (61, "2 minutes"),
            (7_200, "120 minutes"),
            (7_201, "3 hours"),
            (86_399, "24 hours"),
            (172_800, "48 hours"),
            (259_199, "3 days"),
        ] {
            assert_eq!(duration(seconds), told);
        }
        assert!(duration(i64::MAX).ends_with(" days") && duration(i64::MIN).ends_with(" minutes"));
    }
}
