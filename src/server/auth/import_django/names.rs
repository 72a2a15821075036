//! Names for those whose own cannot be taken: a free user name, and a person's name that fits.

use crate::domain::credential::{PERSON_NAME_MAX, PersonName, USERNAME_MAX, USERNAME_MIN};

/// Letters of a name that a number is put behind: with the longest number it is no longer than a name may be.
const STEM: usize = USERNAME_MAX - 16;
/// How many small numbers are tried before the user's own.
const TRIES: u32 = 99;

/// Names to try, best first: what of the old name, or of the address before its `@`, can be a user name; then with a
/// number behind it. The same ones whenever it is asked.
pub(super) fn candidates(old_name: &str, email: &str, id: i64) -> impl Iterator<Item = String> {
    let before_at = |text: &str| text.split('@').next().unwrap_or_default().to_owned();
    let [old, local] = [old_name, email].map(|text| plain(&before_at(text)));
    let stems: Vec<String> =
        [old, local].into_iter().filter(|stem| stem.len() >= USERNAME_MIN).chain(["user".to_owned()]).collect();
    let whole = stems.clone();
    let numbered = stems.into_iter().flat_map(move |stem| {
        let stem: String = stem.chars().take(STEM).collect();
        let own = format!("{stem}{id}");
        (2..=TRIES).map(move |number| format!("{stem}{number}")).chain([own])
    });
    whole.into_iter().chain(numbered)
}

/// What of a text can stand in a user name, at most as long as one.
fn plain(text: &str) -> String {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+');
    let is_edge = |letter: char| !letter.is_ascii_alphanumeric();
    let kept: String = text.chars().filter(allowed).collect();
    let cut: String = kept.trim_start_matches(is_edge).chars().take(USERNAME_MAX).collect();
    cut.trim_end_matches(is_edge).to_owned()
}

/// A person's name as it is, or nothing if it does not fit.
pub(super) fn person_name(text: &str) -> Option<String> {
    PersonName::parse(text).ok().map(|name| name.as_str().to_owned())
}

/// What fits of a name that does not: without the letters that break lines, as long as a name may be.
pub(super) fn cut_to_fit(text: &str) -> String {
    let fits = |letter: &char| person_name(&format!("a{letter}b")).is_some();
    let kept: String = text.trim().chars().filter(fits).take(PERSON_NAME_MAX).collect();
    person_name(&kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::Username;

    fn first(old_name: &str, email: &str) -> String {
        candidates(old_name, email, 7).next().unwrap()
    }

    #[test]
    fn a_name_is_made_of_what_can_be_kept() {
        assert_eq!(first("quinn@example.com", "q@example.com"), "quinn");
        assert_eq!(first("-rosa-", "rosa@example.com"), "rosa");
        assert_eq!(first("", "mona.l@example.com"), "mona.l");
        assert_eq!(first("@", "mona.l@example.com"), "mona.l");
        assert_eq!(first(&"s".repeat(150), "x@y.test"), "s".repeat(32));
        assert_eq!(first("é", "ü@y.test"), "user");
    }

    #[test]
    fn every_candidate_is_a_user_name_and_the_last_has_the_users_own_number() {
        for old in ["quinn@example.com", "", "...", "a", &"-x".repeat(75)] {
            let all: Vec<_> = candidates(old, "mona@example.com", crate::domain::account::AccountId::MAX).collect();
            assert!(all.iter().all(|name| Username::parse(name).is_ok()), "{old}: {all:?}");
            assert!(all.last().is_some_and(|name| name.ends_with("4503599627370495")));
        }
    }

    #[test]
    fn a_persons_name_is_cut_only_where_it_does_not_fit() {
        assert_eq!(person_name(" Zoe\u{308} "), Some("Zoë".to_owned()));
        assert_eq!(person_name(&"x".repeat(150)), None);
        assert_eq!(cut_to_fit(&"x".repeat(150)), "x".repeat(100));
        assert_eq!(cut_to_fit("Mo\u{202E}na\n\0 L"), "Mona L");
    }
}
