//! The notices about second factors: what was added, removed, used or tried.

use super::{
    Event, Greeting, Words,
    calm::{calm_device, calm_name},
    layout::{Block, paragraph, render},
};
use crate::domain::factor::{FEW_RECOVERY_CODES, RECOVERY_CODES};

/// What happened, with the page that lists the factors.
pub(in crate::server::mailer) struct FactorEvent<'a> {
    /// What happened. It tells a device and its address; of a passkey its name in a line before, of recovery codes how
    /// many are left, and of wrong codes how many there were, in a line after.
    pub(in crate::server::mailer) event: Event<'a>,
    /// The page where factors are added and removed.
    pub(in crate::server::mailer) factors_page: String,
}

impl FactorEvent<'_> {
    fn when(&self) -> String {
        self.event.at.minute()
    }

    /// The device alone, of an event that tells nothing else.
    fn device(&self) -> Option<Block> {
        device(self.event.about)
    }

    /// The name that the owner, or somebody else, has given a passkey, where a mail can repeat it.
    fn named(&self) -> (String, Option<Block>) {
        let (name, rest) = self.event.about.split_once('\n').unwrap_or((self.event.about, ""));
        (calm_name(name).map(|name| format!(" “{name}”")).unwrap_or_default(), device(rest))
    }

    fn factors(&self) -> Block {
        Block::Link { label: "Authenticator app, passkeys and recovery codes", url: self.factors_page.clone() }
    }

    fn not_me(&self) -> Block {
        Block::Link { label: "This was not me", url: self.event.not_me_page.clone() }
    }

    fn new_password(&self) -> Block {
        Block::Link { label: "Choose a new password", url: self.event.reset_page.clone() }
    }

    /// What to do about a factor that somebody has added. A new password alone does not remove it.
    fn about_added(&self, site: &str) -> [Block; 8] {
        [
            paragraph("If it was you, there is nothing to do. What your account has is listed here:"),
            self.factors(),
            paragraph("If it was not you, this page ends every session and lets you choose a new password:"),
            self.not_me(),
            paragraph("Then remove from the list what you did not add."),
            paragraph("If you cannot sign in any more because of it, a new password ends every session, too:"),
            self.new_password(),
            paragraph(format!("Then ask those who run {site}: they can remove what you did not add.")),
        ]
    }

    /// What to do about something that is gone, void or used.
    fn about_gone(&self) -> [Block; 6] {
        [
            paragraph("If it was you, there is nothing more to do. What your account has is listed here:"),
            self.factors(),
            paragraph("If it was not you, this page ends every session and lets you choose a new password:"),
            self.not_me(),
            paragraph("If you cannot sign in any more, ask for a mail with which you choose a new password:"),
            self.new_password(),
        ]
    }
}

/// The notice of a new authenticator app.
pub(in crate::server::mailer) fn totp_enrolled(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} an authenticator app was set up for your account at {site}. From now on signing in with the \
         password asks for its code, too. An app from before does not work any more.",
        of.when()
    );
    let blocks = told(what, of.device(), of.about_added(site));
    render(greeting, format!("An authenticator app was added at {site}"), &blocks)
}

/// The notice that the authenticator app is gone.
pub(in crate::server::mailer) fn totp_removed(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} the authenticator app of your account at {site} was removed. Its codes are not asked for any more, and \
         every other session has ended.",
        of.when()
    );
    let blocks = told(what, of.device(), std::iter::once(if_last()).chain(of.about_gone()));
    render(greeting, format!("The authenticator app was removed at {site}"), &blocks)
}

/// The notice of new recovery codes.
pub(in crate::server::mailer) fn recovery_codes_made(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} new recovery codes were made for your account at {site}. The codes from before do not work any more.",
        of.when()
    );
    let blocks = told(what, of.device(), of.about_gone());
    render(greeting, format!("New recovery codes at {site}"), &blocks)
}

/// The notice that a recovery code was used, and how many are left.
pub(in crate::server::mailer) fn recovery_code_used(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} a recovery code of your account at {site} was used in place of the authenticator app or a passkey. It \
         does not work again.",
        of.when()
    );
    let (about, left) = of.event.about.rsplit_once('\n').unwrap_or((of.event.about, ""));
    let left = left.parse::<usize>().ok().filter(|left| *left < RECOVERY_CODES);
    let more =
        if left.is_some_and(|left| left <= FEW_RECOVERY_CODES) { " Make new ones before you need them." } else { "" };
    let left = left.map(|left| paragraph(format!("Codes that are left: {left}.{more}")));
    let blocks = told(what, device(about), left.into_iter().chain(of.about_gone()));
    render(greeting, format!("A recovery code was used at {site}"), &blocks)
}

/// The notice of a new passkey.
pub(in crate::server::mailer) fn passkey_added(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let (site, (name, device)) = (greeting.site, of.named());
    let what = format!(
        "On {} the passkey{name} was added to your account at {site}. Whoever has it signs in without the password.",
        of.when()
    );
    render(greeting, format!("A passkey was added at {site}"), &told(what, device, of.about_added(site)))
}

/// The notice that a passkey is gone.
pub(in crate::server::mailer) fn passkey_removed(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let (site, (name, device)) = (greeting.site, of.named());
    let what = format!(
        "On {} the passkey{name} was removed from your account at {site}. Nobody signs in with it any more, \
         and every other session has ended.",
        of.when()
    );
    let advice = std::iter::once(if_last()).chain(of.about_gone());
    render(greeting, format!("A passkey was removed at {site}"), &told(what, device, advice))
}

/// The notice that passkeys alone sign in from now on.
pub(in crate::server::mailer) fn password_removed(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} the password of your account at {site} was removed. From now on you sign in with a passkey \
         alone. Every other session has ended.",
        of.when()
    );
    let blocks = told(what, of.device(), of.about_gone());
    render(greeting, format!("Your password for {site} was removed"), &blocks)
}

/// The notice that a browser is trusted.
pub(in crate::server::mailer) fn browser_trusted(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} somebody signed in to your account at {site} with the second step, and chose to trust the browser. For a \
         while the password alone signs in there.",
        of.when()
    );
    let blocks = told(what, of.device(), of.about_gone());
    render(greeting, format!("A browser is trusted at {site}"), &blocks)
}

/// The notice of many wrong codes. They are only asked for after the password.
pub(in crate::server::mailer) fn factor_guesses(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let (about, count) = of.event.about.rsplit_once('\n').unwrap_or((of.event.about, ""));
    let count = count.parse::<u32>().map_or_else(|_| "several".to_owned(), |count| count.to_string());
    let what = format!(
        "Until {} somebody gave {count} wrong codes in a row in the second step of your account at {site}. None of them was \
         taken, so nobody got in with them.",
        of.when()
    );
    let advice = [
        paragraph(
            "Codes are only asked for after the password: whoever it was knows yours, or has a browser of yours.",
        ),
        paragraph("If it was you, there is nothing to do. If it was not you, choose a new password at once:"),
        of.new_password(),
        paragraph("If a browser of yours was lost or lent, this page ends every session:"),
        of.not_me(),
    ];
    render(greeting, format!("Wrong codes for your account at {site}"), &told(what, device(about), advice))
}

/// The notice of a passkey of which there may be two.
pub(in crate::server::mailer) fn passkey_cloned(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let (site, (name, device)) = (greeting.site, of.named());
    let what = format!(
        "On {} we refused the passkey{name} of your account at {site}. It counts how often it is used, and its count was \
         not as it should be: there may be a copy of it.",
        of.when()
    );
    let advice = [
        paragraph("Sign in another way, remove that passkey, and make a new one:"),
        of.factors(),
        paragraph("If it was not you who used it, this page ends every session and lets you choose a new password:"),
        of.not_me(),
    ];
    render(greeting, format!("A passkey was refused at {site}"), &told(what, device, advice))
}

/// The notice that an operator has removed all factors.
pub(in crate::server::mailer) fn factors_reset(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} those who run {site} removed what protects your account there beside the password: authenticator app, \
         passkeys, recovery codes and trusted browsers.",
        of.when()
    );
    let advice = [
        paragraph("You were signed out everywhere. Sign in with your password, and set them up again:"),
        of.factors(),
        paragraph("If you have no password, or did not ask for this, choose a new one:"),
        of.new_password(),
        paragraph(format!("If you did not ask for this, also tell those who run {site}.")),
    ];
    render(greeting, format!("Your second factors were removed at {site}"), &told(what, None, advice))
}

/// The notice that factors went which may have been an intruder's: they came with a change of address that was undone.
pub(in crate::server::mailer) fn factors_undone(greeting: &Greeting<'_>, of: &FactorEvent<'_>) -> Words {
    let site = greeting.site;
    let what = format!(
        "On {} the change of your address at {site} was undone. With it went every authenticator app and passkey that was \
         added since that change was asked for: whoever asked for it may have added them.",
        of.when()
    );
    let advice = [
        paragraph("Choose a new password with the mail that came with this one, or ask for another one:"),
        of.new_password(),
        paragraph("Then see what your account has, and add again what was yours:"),
        of.factors(),
        paragraph(format!(
            "If nothing is left to confirm a sign-in with, ask those who run {site}: they can let you in."
        )),
    ];
    render(greeting, format!("Second factors were removed at {site}"), &told(what, None, advice))
}

fn if_last() -> Block {
    paragraph(
        "If it was the last second step, your password alone signs in from now on, and recovery codes and trusted browsers \
         are gone with it.",
    )
}

fn told(what: String, device: Option<Block>, advice: impl IntoIterator<Item = Block>) -> Vec<Block> {
    let mut blocks = vec![paragraph(what)];
    blocks.extend(device);
    blocks.extend(advice);
    blocks
}

fn device(about: &str) -> Option<Block> {
    calm_device(about).map(|about| paragraph(format!("The device: {about}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    const MONA: Greeting<'_> = Greeting { site: "Tea & Co", name: "Mona" };

    fn of(about: &str) -> FactorEvent<'_> {
        let page = |path: &str| format!("https://a.test/{path}");
        let event =
            Event { at: Timestamp(1_795_190_580), about, not_me_page: page("not-me"), reset_page: page("reset") };
        FactorEvent { event, factors_page: page("factors") }
    }

    #[test]
    fn a_passkey_is_named_where_it_can_be_and_its_device_does_not_depend_on_that() {
        for make in [passkey_added, passkey_removed, passkey_cloned] {
            let text = make(&MONA, &of("Blue key\nFirefox on Linux, 192.0.2.7")).text;
            assert!(text.contains("the passkey “Blue key” "), "{text}");
            assert!(text.contains("The device: Firefox on Linux, 192.0.2.7."), "{text}");
            let text = make(&MONA, &of("win at www.evil.test\nFirefox on Linux, 192.0.2.7")).text;
            assert!(text.contains("the passkey ") && !text.contains('“') && !text.contains("evil"), "{text}");
            assert!(text.contains("The device: Firefox on Linux, 192.0.2.7."), "{text}");
            let text = make(&MONA, &of("Blue key\nwww.evil.test, 192.0.2.7")).text;
            assert!(text.contains("“Blue key”") && !text.contains("The device"), "{text}");
            assert!(!make(&MONA, &of("")).text.contains('“'));
        }
    }

    #[test]
    fn the_codes_that_are_left_are_told_and_few_are_warned_of() {
        let text = |about: &str| recovery_code_used(&MONA, &of(about)).text;
        let plenty = text("Firefox on Linux, 192.0.2.7\n9");
        assert!(plenty.contains("Codes that are left: 9.\n") && plenty.contains("Firefox on Linux, 192.0.2.7."));
        assert!(text("Firefox on Linux, 192.0.2.7\n4").contains("Codes that are left: 4.\n"));
        for left in ["3", "0"] {
            assert!(
                text(&["\n", left].concat()).contains(&format!("left: {left}. Make new ones before you need them."))
            );
        }
        for none in ["", "10", "-1", "many", "99999999999999999999999"] {
            assert!(!text(&["Firefox on Linux\n", none].concat()).contains("left"), "{none:?}");
        }
    }
}
