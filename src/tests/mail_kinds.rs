//! What each kind of mail says, to whom, with which secret and no other; and what nobody can make it say.

use crate::mail::{NOW, PUBLIC_URL, composer, letter, mail_with, mona, purpose, source, times};
use doorward::{
    paths,
    server::{
        crypto::Purpose,
        mailer::{Letter, Mail},
        store::outbox::{MailKind, MailedTicket, Recipient},
    },
};
use secrecy::ExposeSecret as _;

/// Texts that would do harm as markup, link, header or line.
const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "win at https://evil.test",
    "www.evil.test",
    "x\r\nBcc: y@evil.test",
    "Firefox on Linux, www.evil.test",
    "www.evil.test, 192.0.2.7",
    "Firefox\r\nBcc: y@evil.test, 192.0.2.7",
    "<a href=x>alert(1)</a>, 192.0.2.7",
    "evil.test\u{0}",
];

/// Each kind: its subject, the pages it links to in their order, and words that it says.
type Said = (MailKind, &'static str, &'static [&'static str], &'static [&'static str]);
const SAID: [Said; 25] = [
    (
        MailKind::PasswordReset,
        "Choose a new password for Tea & Co",
        &[paths::RESET_CONFIRMATION],
        &["page where you asked for this mail"],
    ),
    (
        MailKind::PasswordResetDone,
        "Your password for Tea & Co was changed",
        &[paths::RESET_PASSWORD],
        &["signed out everywhere."],
    ),
    (
        MailKind::SessionTheft,
        "We ended one of your sign-ins at Tea & Co",
        &[paths::RESET_PASSWORD],
        &["used in two places"],
    ),
    (
        MailKind::RegistrationAttempt,
        "You already have an account at Tea & Co",
        &[paths::LOGIN, paths::RESET_PASSWORD],
        &["tried to register at Tea & Co with this address, or to change another account to it"],
    ),
    (
        MailKind::EmailConfirmation,
        "Confirm your e-mail address for Tea & Co",
        &[paths::CONFIRM_EMAIL],
        &["Welcome to Tea & Co", "on the page where you registered", "choose a new password to take the account over"],
    ),
    (
        MailKind::EmailChange,
        "Confirm your new e-mail address for Tea & Co",
        &[paths::CONFIRM_EMAIL_CHANGE],
        &["on the page where you asked:", "signed in to the account mona", "do nothing: nothing changes"],
    ),
    (
        MailKind::EmailChanged,
        "Your e-mail address for Tea & Co was changed",
        &[paths::UNDO_EMAIL_CHANGE],
        &["was changed to m…@example.test.", "puts this address back and ends every session", "until 20 November 2026"],
    ),
    (
        MailKind::PasswordChanged,
        "Your password for Tea & Co was changed",
        &[paths::RESET_PASSWORD],
        &["signed out everywhere else", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::NewDevice,
        "A new sign-in at Tea & Co",
        &[paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["Firefox on Linux, 192.0.2.7", "nothing to do", "ends every session"],
    ),
    (
        MailKind::LoginAfterFailures,
        "A sign-in after wrong passwords or codes at Tea & Co",
        &[paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["after several wrong passwords or codes", "Firefox on Linux, 192.0.2.7", "ends every session"],
    ),
    (
        MailKind::UsernameChanged,
        "Your user name for Tea & Co was changed",
        &[paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["from lisa to mona.", "kept for you for a while"],
    ),
    (
        MailKind::DeletionRequested,
        "Your account at Tea & Co will be deleted",
        &[paths::LOGIN, paths::RESET_PASSWORD],
        &["It will be deleted on 4 December 2026, 16:03 UTC.", "To keep it, sign in"],
    ),
    (
        MailKind::UsernameReset,
        "Choose another user name for Tea & Co",
        &[paths::ACCOUNT],
        &["asked for another user name", "It is mona now.", "Sign in to choose another one", "stays as it is."],
    ),
    (
        MailKind::TotpEnrolled,
        "An authenticator app was added at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &[
            "signing in with the password asks for its code, too",
            "Firefox on Linux, 192.0.2.7",
            "they can remove what you did not add",
        ],
    ),
    (
        MailKind::TotpRemoved,
        "The authenticator app was removed at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["are not asked for any more", "If it was the last second step", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::RecoveryCodesMade,
        "New recovery codes at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["codes from before do not work any more", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::RecoveryCodeUsed,
        "A recovery code was used at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["It does not work again.", "Codes that are left: 3.", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::PasskeyAdded,
        "A passkey was added at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["the passkey “Blue key” was added", "Firefox on Linux, 192.0.2.7", "they can remove what you did not add"],
    ),
    (
        MailKind::PasskeyRemoved,
        "A passkey was removed at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["the passkey “Blue key” was removed", "If it was the last second step", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::PasswordRemoved,
        "Your password for Tea & Co was removed",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["with a passkey alone", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::BrowserTrusted,
        "A browser is trusted at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME, paths::RESET_PASSWORD],
        &["chose to trust the browser", "the password alone signs in there", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::FactorGuesses,
        "Wrong codes for your account at Tea & Co",
        &[paths::RESET_PASSWORD, paths::ACCOUNT_NOT_ME],
        &["gave 3 wrong codes in a row", "whoever it was knows yours", "choose a new password at once"],
    ),
    (
        MailKind::PasskeyCloned,
        "A passkey was refused at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::ACCOUNT_NOT_ME],
        &["we refused the passkey “Blue key”", "remove that passkey", "Firefox on Linux, 192.0.2.7"],
    ),
    (
        MailKind::FactorsReset,
        "Your second factors were removed at Tea & Co",
        &[paths::ACCOUNT_FACTORS, paths::RESET_PASSWORD],
        &["those who run Tea & Co removed", "passkeys, recovery codes and trusted browsers", "signed out everywhere"],
    ),
    (
        MailKind::FactorsUndone,
        "Second factors were removed at Tea & Co",
        &[paths::RESET_PASSWORD, paths::ACCOUNT_FACTORS],
        &["change of your address at Tea & Co was undone", "added since that change was asked for"],
    ),
];

/// A mail with what people wrote: a name of the account, the old address, what the outbox tells.
fn mail_of(kind: MailKind, recipient: &Recipient, about: Option<&str>) -> Mail {
    composer().0.compose(&Letter { about, ..letter("outbox1", kind, recipient) }, NOW).expect("a mail")
}

fn pages(mail: &Mail) -> Vec<String> {
    let links = mail.text().split_whitespace().filter_map(|word| word.strip_prefix(PUBLIC_URL));
    links.map(|link| link.split('?').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_kind_has_its_subject_its_links_and_its_words() {
    assert!(MailKind::ALL.iter().all(|kind| SAID.iter().any(|(said, ..)| said == kind)));
    for (kind, subject, links, words) in SAID {
        let mail = mail_with("outbox1", kind, &mona(), NOW);
        assert_eq!(
            (mail.subject(), pages(&mail)),
            (subject, links.iter().map(ToString::to_string).collect()),
            "{kind:?}"
        );
        for word in words {
            assert!(mail.text().contains(word), "{kind:?}: {word:?} in {}", mail.text());
            assert!(mail.html().contains(&word.replace('&', "&amp;")), "{kind:?}: {word:?} in {}", mail.html());
        }
    }
}

#[test]
fn every_kind_carries_its_own_secret_and_no_other() {
    let (composer, secrets) = composer();
    let mona = mona();
    for kind in MailKind::ALL {
        let mail = composer.compose(&letter("outbox1", kind, &mona), NOW).unwrap();
        for other in Purpose::ALL {
            let own = purpose(kind) == Some(other);
            let token = secrets.link_token(other, "ticket1").expose_secret().to_owned();
            // "42" in base64url.
            let carried = mail.text().contains(&format!("?uid=NDI&token={token}\n"));
            assert_eq!((carried, mail.html().contains(&token)), (own, own), "{kind:?}, {other:?}");
            let code = secrets.code(other, "ticket1").expose_secret().to_owned();
            let shown = format!("{} {}", &code[..4], &code[4..]);
            let typed = own && other != Purpose::EmailUndo;
            assert_eq!((mail.text().contains(&shown), mail.html().contains(&shown)), (typed, typed), "{kind:?}");
        }
        assert_eq!(mail.text().contains("token="), purpose(kind).is_some(), "{kind:?}");
    }
}

#[test]
fn a_code_is_left_out_once_it_is_dead() {
    for kind in [MailKind::EmailConfirmation, MailKind::EmailChange] {
        assert!(mail_with("outbox1", kind, &mona(), NOW.plus(599)).text().contains("type this code"));
        assert!(!mail_with("outbox1", kind, &mona(), NOW.plus(600)).text().contains("code"), "{kind:?}");
    }
}

#[test]
fn mails_about_an_address_go_to_the_tickets_and_all_others_to_the_accounts() {
    for kind in MailKind::ALL {
        let of_ticket = [MailKind::EmailConfirmation, MailKind::EmailChange, MailKind::EmailChanged].contains(&kind);
        let mail = mail_with("outbox1", kind, &mona(), NOW);
        let (to, not) = if of_ticket { ("ticket", "mona") } else { ("mona", "ticket") };
        assert!(source(&mail).contains(&format!("\r\nTo: {to}@example.test\r\n")), "{kind:?}");
        for part in [source(&mail), mail.text().to_owned(), mail.html().to_owned()] {
            assert!(!part.contains(&format!("{not}@example.test")), "{kind:?} names the other address in full");
        }
    }
}

#[test]
fn a_ticket_without_a_good_address_gets_no_mail() {
    let (composer, mona) = (composer().0, mona());
    for email in [None, Some("x@example.test\r\nBcc: y@evil.test"), Some("nobody")] {
        let ticket = MailedTicket { times: times(), email: email.map(Into::into) };
        for kind in [MailKind::EmailConfirmation, MailKind::EmailChange, MailKind::EmailChanged] {
            let letter = Letter { ticket: Some(("ticket1", &ticket)), ..letter("outbox1", kind, &mona) };
            assert!(composer.compose(&letter, NOW).is_err(), "{kind:?}, {email:?}");
        }
    }
}

#[test]
fn what_people_wrote_is_no_markup_no_link_and_no_header() {
    let composer = composer().0;
    for kind in MailKind::ALL {
        for text in HOSTILE {
            // As the first name, as the user name that stands in for it, and as what the outbox tells.
            let (before, after) = (format!("{text}\nFirefox on Linux, 192.0.2.7"), format!("Blue key\n{text}"));
            for (first_name, username, about) in [
                (text, "mona", None),
                ("", text, Some(text)),
                ("Mona", text, Some(text)),
                ("Mona", "mona", Some(&*before)),
                ("Mona", "mona", Some(&*after)),
            ] {
                let recipient = Recipient { first_name: first_name.into(), username: username.into(), ..mona() };
                let letter = Letter { about, ..letter("outbox1", kind, &recipient) };
                let mail = composer.compose(&letter, NOW).expect("a mail");
                for part in [source(&mail), mail.text().to_owned(), mail.html().to_owned(), mail.subject().to_owned()] {
                    // Whole enough that a random boundary between parts does not spell one.
                    for harm in ["evil.test", "alert(1)", "Bcc:"] {
                        assert!(!part.contains(harm), "{kind:?}, {text:?}: {part}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_hostile_new_address_is_not_repeated_to_the_old_one() {
    for (email, shown) in [
        ("x@evil.test/win", "was changed."),
        ("x\r\nBcc: y@evil.test", "was changed to x…@evil.test."),
        ("<b>@<script>", "was changed."),
        ("www.evil.test", "was changed."),
    ] {
        let mail = mail_of(MailKind::EmailChanged, &Recipient { email: email.into(), ..mona() }, None);
        assert!(mail.text().contains(shown), "{email:?}: {}", mail.text());
        assert!(!source(&mail).contains("Bcc") && !mail.html().contains("<script"), "{email:?}");
    }
}

#[test]
fn a_notice_does_without_what_the_outbox_does_not_tell() {
    for (kind, absent) in [
        (MailKind::PasswordChanged, "The device"),
        (MailKind::NewDevice, "The device"),
        (MailKind::LoginAfterFailures, "The device"),
        (MailKind::UsernameChanged, " from "),
        (MailKind::DeletionRequested, "deleted on"),
        (MailKind::TotpEnrolled, "The device"),
        (MailKind::RecoveryCodeUsed, "are left"),
        (MailKind::PasskeyAdded, "“"),
        (MailKind::FactorsReset, "The device"),
    ] {
        let mail = mail_of(kind, &mona(), None);
        assert!(!mail.text().contains(absent), "{kind:?}: {}", mail.text());
    }
}
