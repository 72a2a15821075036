//! The passwords that are tried first everywhere. They are looked up where the binary has them: a start reads none, and
//! none takes memory.

use std::cmp::Ordering;

/// Lower case, sorted by bytes; lines with `#` before them name the sources and their licences.
const LIST: &str = include_str!("common_passwords.txt");

/// Whether this text, in lower case, is one of them.
pub(super) fn has(lower: &str) -> bool {
    let mut open = sorted();
    while !open.is_empty() {
        let (before, after) = open.split_at(open.floor_char_boundary(open.len() / 2));
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = open.len() - after.find('\n').map_or(0, |end| after.len() - end - 1);
        let line = open[start..end].trim_end_matches('\n');
        open = match line.cmp(lower) {
            Ordering::Equal => return true,
            Ordering::Less => &open[end..],
            Ordering::Greater => &open[..start],
        };
    }
    false
}

/// The list without what is said of it.
fn sorted() -> &'static str {
    let said: usize = LIST.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum();
    &LIST[said..]
}

/// All of them.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    sorted().lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_large_and_of_allowed_lengths() {
        assert!(all().is_sorted() && !LIST.contains('\r'));
        assert!(all().next().is_some_and(|first| first < "#"), "one that begins with # would be taken for a source");
        assert!(all().all(|entry| (8..=64).contains(&entry.len()) && *entry == entry.to_lowercase()));
        // ASVS 6.2.4 asks for 3000 of the length that the policy allows.
        assert!(all().filter(|entry| entry.len() >= 10).count() >= 9000);
        assert!(LIST.len() < 350_000);
    }

    #[test]
    fn each_line_is_found_and_nothing_between_two() {
        for entry in all() {
            assert!(has(entry), "{entry}");
            assert!(!has(&[entry, "\u{1}"].concat()), "what would come right after {entry}");
        }
    }

    #[test]
    fn no_part_of_the_text_is_found_that_is_no_line() {
        let two = all().take(2).collect::<Vec<_>>().join("\n");
        for none in ["", "\n", "#", "\u{0}", "zzzzzzzz and more", "\u{10FFFF}", LIST, sorted(), &two] {
            assert!(!has(none), "{none:?}");
        }
    }
}
