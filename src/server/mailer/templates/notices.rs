//! The notices: mails that tell what happened and carry no secret.

use super::{
    Greeting, Words,
    calm::{calm_device, calm_name},
    layout::{Block, paragraph, render},
};
use crate::domain::time::Timestamp;

/// A day of deletion further off than this is none, in seconds: ten years. It would be a slip, not a grace.
const LONGEST_GRACE: i64 = 315_360_000;

/// What happened, and the pages that help if it was somebody else.
pub(in crate::server::mailer) struct Event<'a> {
    /// When it happened.
    pub(in crate::server::mailer) at: Timestamp,
    /// What the outbox tells of it: a device and its address, or the user name before.
    pub(in crate::server::mailer) about: &'a str,
    /// The page that ends every session.
    pub(in crate::server::mailer) not_me_page: String,
    /// The page where a reset mail is asked for.
    pub(in crate::server::mailer) reset_page: String,
}

/// The notice after a reset.
pub(in crate::server::mailer) fn password_reset_done(
    greeting: &Greeting<'_>,
    at: Timestamp,
    reset_page: String,
) -> Words {
    let site = greeting.site;
    let blocks = [
        paragraph(format!("The password of your account at {site} was changed on {}.", at.minute())),
        paragraph("You were signed out everywhere. Sign in with the new password."),
        paragraph(
            "If it was not you, somebody can read your mail. Secure your mailbox first, then choose a new password:",
        ),
        Block::Link { label: "Choose a new password", url: reset_page },
    ];
    render(greeting, format!("Your password for {site} was changed"), &blocks)
}

/// The notice that a session was ended because it had two holders.
pub(in crate::server::mailer) fn session_theft(greeting: &Greeting<'_>, at: Timestamp, reset_page: String) -> Words {
    let site = greeting.site;
    let blocks = [
        paragraph(format!(
            "On {} one of your sign-ins at {site} was used in two places. We ended it, so that neither can go on with it.",
            at.minute()
        )),
        paragraph(
            "That happens when somebody copies the sign-in from a browser, and sometimes when a browser is restored \
             from a backup. Your other sign-ins and your password are unchanged.",
        ),
        paragraph("If you restored nothing, check that device for unwanted software and choose a new password:"),
        Block::Link { label: "Choose a new password", url: reset_page },
    ];
    render(greeting, format!("We ended one of your sign-ins at {site}"), &blocks)
}

/// The notice that somebody tried to register with, or to change another account to, an address that has an account.
pub(in crate::server::mailer) fn registration_attempt(
    greeting: &Greeting<'_>,
    at: Timestamp,
    login_page: String,
    reset_page: String,
) -> Words {
    let site = greeting.site;
    let blocks = [
        paragraph(format!(
            "On {} somebody tried to register at {site} with this address, or to change another account to it. You \
             have an account with it already, so nothing was changed.",
            at.minute()
        )),
        paragraph("If it was you, sign in instead:"),
        Block::Link { label: "Sign in", url: login_page },
        paragraph("If you no longer know your password:"),
        Block::Link { label: "Choose a new password", url: reset_page },
        paragraph("If it was not you, there is nothing to do."),
    ];
    render(greeting, format!("You already have an account at {site}"), &blocks)
}

/// The notice that the password was changed in a session; `about` is its device.
pub(in crate::server::mailer) fn password_changed(
    greeting: &Greeting<'_>,
    at: Timestamp,
    about: &str,
    reset_page: String,
) -> Words {
    let site = greeting.site;
    let mut blocks = vec![paragraph(format!("The password of your account at {site} was changed on {}.", at.minute()))];
    blocks.extend(device(about));
    blocks.extend([
        paragraph("You stay signed in where that was done, and were signed out everywhere else."),
        paragraph("If it was you, there is nothing to do. If it was not you, choose a new password at once:"),
        Block::Link { label: "Choose a new password", url: reset_page },
    ]);
    render(greeting, format!("Your password for {site} was changed"), &blocks)
}

/// The notice of a sign-in from a device that was not seen before.
pub(in crate::server::mailer) fn new_device(greeting: &Greeting<'_>, event: Event<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} somebody signed in to your account at {site} on a device that we had not seen there before.",
        event.at.minute()
    );
    render(greeting, format!("A new sign-in at {site}"), &sign_in(what, event))
}

/// The notice of a sign-in after many wrong passwords, or wrong codes after the right one.
pub(in crate::server::mailer) fn login_after_failures(greeting: &Greeting<'_>, event: Event<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} somebody signed in to your account at {site} after several wrong passwords or codes.",
        event.at.minute()
    );
    render(greeting, format!("A sign-in after wrong passwords or codes at {site}"), &sign_in(what, event))
}

/// The notice that the user name was changed to `new`; the event tells the one before.
pub(in crate::server::mailer) fn username_changed(
    greeting: &Greeting<'_>,
    new: &str,
    event: Event<'_>,
    account_page: String,
) -> Words {
    let site = greeting.site;
    let from = calm_name(event.about).map(|old| format!(" from {old}")).unwrap_or_default();
    let to = calm_name(new).map(|new| format!(" to {new}")).unwrap_or_default();
    let when = event.at.minute();
    let mut blocks =
        vec![paragraph(format!("On {when} the user name of your account at {site} was changed{from}{to}."))];
    if to.is_empty() {
        blocks.extend([
            paragraph("Your account's page shows the new one:"),
            Block::Link { label: "Your account", url: account_page },
        ]);
    }
    blocks.push(paragraph("The old one is kept for you for a while: nobody else can take it."));
    blocks.extend(advice(event));
    render(greeting, format!("Your user name for {site} was changed"), &blocks)
}

/// The notice that the account will be deleted. `about` is the time, in seconds since 1970.
pub(in crate::server::mailer) fn deletion_requested(
    greeting: &Greeting<'_>,
    at: Timestamp,
    about: &str,
    login_page: String,
    reset_page: String,
) -> Words {
    let site = greeting.site;
    let day = about.parse().ok().map(Timestamp).filter(|day| (0..=LONGEST_GRACE).contains(&day.since(at)));
    let on = day.map(|day| format!(" on {}", day.minute())).unwrap_or_default();
    let blocks = [
        paragraph(format!(
            "On {} somebody, we hope you, asked to delete your account at {site}. It will be deleted{on}.",
            at.minute()
        )),
        paragraph("To keep it, sign in before then:"),
        Block::Link { label: "Sign in", url: login_page },
        paragraph("If it was not you, keep it, and choose a new password:"),
        Block::Link { label: "Choose a new password", url: reset_page },
    ];
    render(greeting, format!("Your account at {site} will be deleted"), &blocks)
}

fn sign_in(what: String, event: Event<'_>) -> Vec<Block> {
    let mut blocks = vec![paragraph(what)];
    blocks.extend(device(event.about));
    blocks.extend(advice(event));
    blocks
}

fn device(about: &str) -> Option<Block> {
    calm_device(about).map(|about| paragraph(format!("The device: {about}.")))
}

fn advice(event: Event<'_>) -> [Block; 5] {
    [
        paragraph("If it was you, there is nothing to do."),
        paragraph("If it was not you, this page ends every session and lets you choose a new password:"),
        Block::Link { label: "This was not me", url: event.not_me_page },
        paragraph("If you cannot sign in any more, ask for a mail with which you choose a new password:"),
        Block::Link { label: "Choose a new password", url: event.reset_page },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONA: Greeting<'_> = Greeting { site: "Tea & Co", name: "Mona" };
    const AT: Timestamp = Timestamp(1_795_190_580);

    fn deletion(about: &str) -> String {
        deletion_requested(&MONA, AT, about, "https://a.test/l".to_owned(), "https://a.test/r".to_owned()).text
    }

    #[test]
    fn a_day_of_deletion_that_is_none_is_left_out() {
        assert!(deletion("1796400180").contains("It will be deleted on 4 December 2026, 16:03 UTC."));
        let (before, too_late) = ((AT.0 - 1).to_string(), (AT.0 + LONGEST_GRACE + 1).to_string());
        for about in
            ["", "soon", "1796400180 ", "<b>", &before, &too_late, "9223372036854775807", "99999999999999999999"]
        {
            assert!(deletion(about).contains("It will be deleted.\n"), "{about:?}");
        }
    }

    #[test]
    fn a_changed_user_name_is_named_where_it_can_be() {
        let changed = |about, new| {
            let (not_me_page, reset_page) = ("https://a.test/n".to_owned(), "https://a.test/r".to_owned());
            let event = Event { at: AT, about, not_me_page, reset_page };
            username_changed(&MONA, new, event, "https://a.test/account".to_owned()).text
        };
        assert!(changed("mona", "lisa").contains("was changed from mona to lisa."));
        assert!(!changed("mona", "lisa").contains("https://a.test/account"));
        assert!(changed("win.evil.test", "lisa").contains("was changed to lisa."));
        let hidden = changed("mona", "win.evil.test");
        assert!(hidden.contains("was changed from mona.") && hidden.contains("https://a.test/account\n"));
        assert!(!hidden.contains("evil"));
    }
}
