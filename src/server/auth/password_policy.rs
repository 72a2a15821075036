//! Which passwords are good enough: long, not common, not about their owner, hard to guess. Nothing else is asked for.
//!
//! NIST SP 800-63B 3.1.1.2: a blocklist and a length, no rules of composition. Imports `domain`, `settings` and the list
//! of common ones only.

use super::common_passwords;
use crate::{
    domain::credential::{NewPassword, PasswordRules, fold},
    server::settings,
};
use secrecy::{ExposeSecret as _, SecretString};
use zxcvbn::{
    Score,
    feedback::{Feedback, Warning},
    zxcvbn,
};

/// Whole names shorter than this say nothing: they stand in too many words.
const SHORTEST_NAME: usize = 3;
/// Pieces of a name or an address shorter than this say nothing.
const SHORTEST_PIECE: usize = 4;
/// How much of the password and of each name zxcvbn looks at, in characters; its time grows with their square.
const ESTIMATED: usize = 32;
/// The characters that zxcvbn reads as one letter each (`4` and `@` as a). It tries every combination that a password
/// allows: all of them at once took a second.
const STAND_INS: [&str; 7] = ["4@", "({[<", "69", "1!|", "1|7", "$5", "+7"];
/// The combinations allowed, and what is hidden from zxcvbn until no more are left, the rarest stand-ins first.
const COMBINATIONS: usize = 8;
const HIDDEN_FIRST: &str = "|<{[+(6974!$";

/// Decides about new passwords.
pub struct PasswordPolicy {
    rules: PasswordRules,
    min_score: u8,
    site_name: String,
}

/// Whose password it is to be; text that nobody gave is empty.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the fields of an account by their own names")]
pub struct About<'a> {
    pub username: &'a str,
    pub email: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
}

impl PasswordPolicy {
    /// The policy of the settings' section `password` at a site called `site_name`.
    #[must_use]
    pub fn new(settings: &settings::Password, site_name: &str) -> Self {
        Self {
            rules: PasswordRules { min_length: settings.min_length, max_length: settings.max_length },
            min_score: settings.min_score,
            site_name: site_name.to_owned(),
        }
    }

    /// Reads a new password and decides about it, the cheap checks first. Takes about one millisecond of a core, and
    /// for the worst texts known some twenty.
    ///
    /// # Errors
    /// A sentence for the field `password` that says what would be better.
    pub fn check(&self, typed: &SecretString, about: About<'_>) -> Result<NewPassword, String> {
        let new = NewPassword::parse(typed, self.rules)?;
        let secret = new.secret().expose_secret();
        if self.is_common(secret) {
            return Err(
                "This is one of the passwords that are tried first everywhere. Choose one of your own.".to_owned()
            );
        }
        let terms = self.terms(about);
        if is_mostly(secret, &terms) {
            return Err("This is too close to your name, your address or the name of this site. \
                        Choose words that have nothing to do with them."
                .to_owned());
        }
        let hints: Vec<&str> = terms.iter().map(String::as_str).collect();
        let estimate = zxcvbn(estimable(secret).expose_secret(), &hints);
        if estimate.score() < required(self.min_score) {
            return Err(advice(estimate.feedback()));
        }
        Ok(new)
    }

    /// The shortest and the longest password, in characters.
    pub(super) const fn lengths(&self) -> (usize, usize) {
        (self.rules.min_length, self.rules.max_length)
    }

    /// Whether the password is mostly made of what is known of a person, or of the site's name.
    pub(super) fn is_about(&self, secret: &str, about: About<'_>) -> bool {
        let [of_site, all] =
            [About { username: "", email: "", first_name: "", last_name: "" }, about].map(|about| self.terms(about));
        is_mostly(secret, &all) && !is_mostly(secret, &of_site)
    }

    pub(super) fn is_common(&self, secret: &str) -> bool {
        let lower = SecretString::from(secret.to_lowercase());
        common_passwords::has(lower.expose_secret())
    }

    /// What a guesser who knows the person and the site would try: names and addresses, whole and in pieces.
    fn terms(&self, about: About<'_>) -> Vec<String> {
        let (local, domain) = about.email.split_once('@').unwrap_or((about.email, ""));
        let host = domain.rsplit_once('.').map_or(domain, |(name, _)| name);
        let full_name = format!("{}{}", about.first_name, about.last_name);
        let wholes = [
            about.username,
            about.email,
            local,
            domain,
            about.first_name,
            about.last_name,
            &full_name,
            &self.site_name,
        ];
        let mut terms: Vec<String> = wholes.iter().map(|whole| plain(whole)).collect();
        terms.retain(|term| term.chars().count() >= SHORTEST_NAME);
        for text in [about.username, local, host, about.first_name, about.last_name, &self.site_name] {
            let pieces = fold(text);
            let pieces = pieces.split(|letter: char| !letter.is_alphabetic());
            terms.extend(pieces.filter(|piece| piece.chars().count() >= SHORTEST_PIECE).map(str::to_owned));
        }
        for term in &mut terms {
            *term = term.chars().take(ESTIMATED).collect();
        }
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

/// Folded letters and digits alone: `Mona.Lisa-87` and `monalisa87` are one to a guesser.
fn plain(text: &str) -> String {
    fold(text).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Whether at least half of the password is made of the terms, forwards or backwards, or is part of one.
fn is_mostly(secret: &str, terms: &[String]) -> bool {
    let text = SecretString::from(plain(secret));
    let text = text.expose_secret();
    let bulk = secret.chars().count().div_ceil(2);
    if text.chars().count() < bulk.max(SHORTEST_NAME) {
        return false;
    }
    let mut covered = vec![false; text.len()];
    for term in terms {
        let backwards: String = term.chars().rev().collect();
        for form in [term.as_str(), &backwards] {
            if form.contains(text) {
                return true;
            }
            for (start, _) in text.char_indices().filter(|(start, _)| text[*start..].starts_with(form)) {
                covered[start..start + form.len()].fill(true);
            }
        }
    }
    text.char_indices().filter(|(start, _)| covered[*start]).count() >= bulk
}

/// The start of the password as zxcvbn is given it. Hidden stand-ins become characters that stand for no letter: as
/// many, as different from each other, and so as hard to guess one by one.
fn estimable(secret: &str) -> SecretString {
    let mut text: String = secret.chars().take(ESTIMATED).collect();
    for (hidden, private) in HIDDEN_FIRST.chars().zip('\u{E000}'..) {
        let present = |letter: &str| letter.chars().filter(|stand_in| text.contains(*stand_in)).count().max(1);
        if STAND_INS.map(present).iter().product::<usize>() <= COMBINATIONS {
            break;
        }
        text = text.replace(hidden, private.encode_utf8(&mut [0; 4]));
    }
    SecretString::from(text)
}

fn required(min_score: u8) -> Score {
    match min_score {
        0 => Score::Zero,
        1 => Score::One,
        2 => Score::Two,
        3 => Score::Three,
        _ => Score::Four,
    }
}

/// What is weak about it, and what would help.
fn advice(feedback: Option<&Feedback>) -> String {
    let weakness = match feedback.and_then(Feedback::warning) {
        Some(Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess) => {
            "Neighbouring keys are easy to guess."
        }
        Some(Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess) => {
            "Repeating the same characters adds little."
        }
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => "This is close to a password that many people use.",
        Some(Warning::SequencesLikeAbcAreEasyToGuess) => "Rows such as abc or 6543 are easy to guess.",
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => {
            "Years and dates are easy to guess."
        }
        Some(Warning::AWordByItselfIsEasyToGuess) => "A single word is easy to guess.",
        Some(Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess) => {
            "Names are easy to guess."
        }
        None => "This is easy to guess.",
    };
    format!("{weakness} Add one or two words that nobody would expect together; symbols and digits are not needed.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{sync::LazyLock, time::Instant};

    const MONA: About<'_> = About {
        username: "mona.lisa87",
        email: "mona.vinci@gallery.example",
        first_name: "Mona",
        last_name: "da Vinci",
    };

    static POLICY: LazyLock<PasswordPolicy> =
        LazyLock::new(|| PasswordPolicy::new(&settings::Settings::from_toml("").unwrap().password, "Doorward"));

    fn check(typed: &str) -> Result<NewPassword, String> {
        POLICY.check(&SecretString::from(typed), MONA)
    }

    #[test]
    fn every_listed_password_is_refused_in_any_case_and_form() {
        let strict = PasswordPolicy {
            rules: PasswordRules { min_length: 8, max_length: 256 },
            min_score: 0,
            site_name: String::new(),
        };
        let nobody = About { username: "", email: "", first_name: "", last_name: "" };
        for entry in common_passwords::all() {
            let wide =
                entry.chars().map(|c| if c == ' ' { '\u{3000}' } else { char::from_u32(c as u32 + 0xFEE0).unwrap() });
            for form in [entry.to_owned(), entry.to_uppercase(), wide.collect()] {
                assert!(strict.check(&SecretString::from(form), nobody).is_err(), "{entry}");
            }
        }
    }

    #[test]
    fn good_passwords_pass_whatever_they_are_made_of() {
        for good in [
            "turnip velvet harbour",
            "cobaltgravelwindmill",
            "🐢🦜🌵🪐🧭🎻🍋🧦🛶🪗",
            "8305917264408",
            "kX9#vQ2!mZ7p",
            "пароход сирень вторник",
            "mona paints seven quiet harbours",
            "木の上で猫が歌うよね",
            "my doorward hinges squeak at dusk",
        ] {
            assert!(check(good).is_ok(), "{good}: {:?}", check(good));
        }
        let long = "x7Q!".to_owned() + &"turnip velvet harbour ".repeat(10);
        assert!(check(&long).is_ok());
    }

    #[test]
    fn a_password_about_its_owner_or_the_site_is_refused() {
        for bad in [
            "mona.lisa87",
            "MonaLisa87!",
            "monalisa2024",
            "mona.vinci@gallery.example",
            "monavinci1",
            "Doorward2026",
            "doorward!!",
            "doorwarddoorward",
            "draWrooD12",
            "gallery.example",
            "asilanom87",
            "ｍｏｎａｌｉｓａ８７",
            "davinci1452",
            "mona1mona2",
            "vinci-vinci",
            "m0n4l1s487",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_easy_to_guess_is_refused_with_a_reason() {
        for (bad, word) in [
            ("short", "10"),
            ("aaaaaaaaaaaaaaaaaaaa", "Repeat"),
            ("abcabcabcabc", "Repeat"),
            ("correcthorse", ""),
            ("qwertyuiop[]", ""),
            ("zxcvbnm,./", ""),
            ("P@ssw0rd2024!", ""),
            ("12/11/1987 ", ""),
            ("lmnopqrstuvw", ""),
            ("international", ""),
        ] {
            let sentence = check(bad).unwrap_err();
            assert!(sentence.contains(word), "{bad}: {sentence}");
            assert!(!sentence.contains(bad), "{bad} comes back in: {sentence}");
        }
        assert!(check(&"x".repeat(257)).is_err());
    }

    #[test]
    fn an_account_without_names_is_no_obstacle() {
        let nobody = About { username: "", email: "", first_name: "", last_name: "" };
        assert!(POLICY.check(&SecretString::from("turnip velvet harbour"), nobody).is_ok());
    }

    #[test]
    fn the_dearest_password_takes_a_moment_only() {
        let leet = "4@8({[<369&#!1/|0$5+7%2";
        for pattern in [leet, "4@3({6!1|0$5+7%2", "!1|7({[<", "pa55w0rd!1|7", "1!|1!|7", "4@69!1$5", "a", "0", "1/2/13"]
        {
            let text: String = pattern.chars().cycle().take(256).collect();
            let took = |_| {
                let start = Instant::now();
                let _ = check(&text);
                start.elapsed().as_millis()
            };
            // 50 ms when optimised; without, it takes about ten times as long.
            let limit = if cfg!(debug_assertions) { 500 } else { 50 };
            assert!((0..3).map(took).min().unwrap() < limit, "{pattern}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_makes_it_panic(typed in "\\PC{10,60}|[a-c4@]{10,40}", name in "\\PC{0,20}", email in "\\PC{0,9}@\\PC{0,9}") {
            let about = About { username: &name, email: &email, first_name: &typed, last_name: &name };
            let _ = POLICY.check(&SecretString::from(typed.as_str()), about);
        }
    }
}
