//! The order in which the linker lays the functions of the release binary: what a start needs side by side, then what
//! answers need. An idle server holds the pages that its start has passed, and the system brings sixteen at once.
//!
//! `cargo xtask order` finds it anew by a start of the release binary under callgrind, which sees the parts that are written
//! in C and those of the standard library, too; the compiler's own counts (`super::profile`) do not know these.

use crate::serving::Server;
use crate::site::{self, Profile};
use crate::step::{Outcome, command, root, step, target};
use crate::{profile, tools, visit};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The names of functions in the order in which they are to lie in the binary.
pub const ORDER: &str = "xtask/profile/doorward.order";
/// Names of functions of pages grow with the page; what a start needs has none so long.
const LONGEST_NAME: usize = 2_000;
/// The host where rustc brings its own linker, LLD, which takes an order. Others need not.
const ORDERED: &str = "x86_64-unknown-linux-gnu";
/// Under callgrind all takes fifty times as long: until the first answer, and what a server that has started still does once
/// (it cleans up, looks at its keys).
const START: Duration = Duration::from_mins(2);
const SETTLED: Duration = Duration::from_secs(15);
/// Where the names begin in a line of LLD's map, and how far those of functions are set in.
const NAMES: usize = 49;
const FUNCTION: &str = "                ";

/// The functions of a binary by where they lie. Some places have several names.
type Functions<'map> = BTreeMap<u64, Vec<&'map str>>;

/// Whether there can be an order for this host, compiler and packages.
fn fits() -> Outcome<bool> {
    Ok(profile::fits()? && profile::host().as_deref() == Some(ORDERED))
}

/// What the last link is told. Nothing where no order fits.
pub fn flags() -> Outcome<Vec<String>> {
    if !fits()? {
        return Ok(Vec::new());
    }
    let (order, copy, map) = kept();
    fs::write(&copy, order).map_err(|error| format!("{}: {error}", copy.display()))?;
    let words = [
        format!("--symbol-ordering-file={}", copy.display()),
        "--no-warn-symbol-ordering".to_owned(),
        format!("--Map={}", map.display()),
        "--no-demangle".to_owned(),
    ];
    // Not by `-Wl,`, which takes a comma in a path for the end of a word.
    Ok(words
        .into_iter()
        .flat_map(|word| ["-Xlinker".to_owned(), word])
        .map(|word| format!("-Clink-arg={word}"))
        .collect())
}

/// The order that is kept, its copy for the linker, and where that writes what lies where. Both are named by what is in the
/// order: cargo links anew when a flag is another, and does not look into files. None is as good as an empty one.
fn kept() -> (String, PathBuf, PathBuf) {
    let order = read(root().join(ORDER)).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    order.hash(&mut hasher);
    let file = |kind: &str| target().join(format!("doorward-{:016x}.{kind}", hasher.finish()));
    let (copy, map) = (file("order"), file("map"));
    (order, copy, map)
}

/// Starts the release binary, sees what it passes, and writes the order; the next release build is linked by it.
pub fn renew() -> Outcome {
    if !fits()? {
        println!("no order of functions: it is for {ORDERED}, and for what the counts were made with");
        return Ok(());
    }
    site::build(Profile::Release)?;
    let (_, _, map) = kept();
    let counts = target().join("doorward.callgrind");
    step("count a start", || {
        let mut server = command(tools::valgrind()?, &["--tool=callgrind", "--dump-instr=yes", "--compress-pos=no"]);
        server.arg(format!("--callgrind-out-file={}", counts.display())).arg(site::binary(Profile::Release));
        let server = Server::start_within(START, server)?;
        thread::sleep(SETTLED);
        visit::text(server.address, "/healthz")?;
        server.end()
    })?;
    let (map, counts, called) = (read(map)?, read(counts)?, profile::called()?);
    let functions = functions(&map);
    let started = passed(&functions, &executed(&counts));
    if !started.iter().any(|name| name.starts_with("_ZN")) {
        return Err("the map does not name what was passed: is it of another link? Remove target/release".to_owned());
    }
    let order = [started, answering(&functions, &called)].concat();
    fs::write(root().join(ORDER), ordered(&order)).map_err(|error| format!("{ORDER}: {error}"))?;
    println!("{ORDER} is new; the next release build is linked by it");
    Ok(())
}

fn read(file: PathBuf) -> Outcome<String> {
    let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The functions that LLD's map names.
fn functions(map: &str) -> Functions<'_> {
    let mut functions = Functions::new();
    for line in map.lines() {
        let place = line.split_whitespace().next().and_then(|place| u64::from_str_radix(place, 16).ok());
        let name = line.get(NAMES..).and_then(|names| names.strip_prefix(FUNCTION));
        if let Some((place, name)) = place.zip(name) {
            functions.entry(place).or_default().push(name);
        }
    }
    functions
}

/// The addresses in the server's binary that callgrind's file (version 1) has counts of.
fn executed(counts: &str) -> BTreeSet<u64> {
    let (mut executed, mut ours, mut is_ours) = (BTreeSet::new(), None, false);
    for line in counts.lines() {
        // Each binary is named where it comes first, `ob=(2) /…/doorward`; then only its number is said.
        let (named, is_here) = match line.strip_prefix("ob=") {
            Some(named) => (Some(named), true),
            None => (line.strip_prefix("cob="), false),
        };
        if let Some(named) = named {
            let (number, path) = named.split_once(' ').unwrap_or((named, ""));
            if path.ends_with("/doorward") {
                ours = Some(number);
            }
            if is_here {
                is_ours = ours == Some(number);
            }
        } else if let Some(address) = line.strip_prefix("0x").filter(|_| is_ours) {
            let digits = address.split(' ').next().unwrap_or_default();
            executed.extend(u64::from_str_radix(digits, 16).ok());
        }
    }
    executed
}

/// The functions in which these addresses lie.
fn passed<'map>(functions: &Functions<'map>, executed: &BTreeSet<u64>) -> Vec<&'map str> {
    let around = |address: &u64| functions.range(..=address).next_back();
    let places: BTreeMap<_, _> = executed.iter().filter_map(around).collect();
    places.into_values().flatten().copied().collect()
}

/// The functions that these are the names of, as the counts have them: one a line, one that only its file knows has that
/// before it, and none has what the optimiser across crates puts behind those that it makes known to others.
fn answering<'map>(functions: &Functions<'map>, called: &str) -> Vec<&'map str> {
    let called: HashSet<&str> = called.lines().filter_map(|line| line.rsplit(';').next()).collect();
    let base = |name: &str| called.contains(name.split(".llvm.").next().unwrap_or(name));
    functions.values().flatten().copied().filter(|name| base(name)).collect()
}

/// As the linker takes them: each where it comes first.
fn ordered(names: &[&str]) -> String {
    let mut seen = HashSet::new();
    let kept = names.iter().filter(|name| name.len() < LONGEST_NAME && seen.insert(**name));
    kept.map(|name| [name, "\n"].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
            1000             1000       60    16 .text
            1000             1000       20    16         /a.o:(.text._ZN3one)
            1000             1000       20     1                 _ZN3one.llvm.12
            1000             1000       20     1                 also_one
            1020             1020       20    16         /sqlite3.o:(.text.two)
            1020             1020       20     1                 two
            1040             1040       20     1                 _ZN5three
";

    #[test]
    fn functions_are_found_by_the_addresses_that_a_start_has_passed() {
        let functions = functions(MAP);
        assert_eq!(functions.len(), 3, "{functions:?}");
        let counts = "ob=(1) /lib/ld.so\nfn=(1) a\n0x1040 0 5\n\ncob=(2) /somewhere/doorward\ncfn=(2)\ncalls=1 0x1000 0\n\
                      0x1044 0 9\n\nob=(2)\nfn=(2)\n0x1004 0 1\n+3 0 1\n0x103f 0 1\n\nob=(1)\n0x1048 0 1\n";
        let executed = executed(counts);
        assert_eq!(executed, BTreeSet::from([0x1004, 0x103f]), "of the server's binary alone");
        assert_eq!(passed(&functions, &executed), ["_ZN3one.llvm.12", "also_one", "two"]);
    }

    #[test]
    fn functions_that_answer_are_found_by_the_names_of_the_counts() {
        assert_eq!(
            answering(&functions(MAP), "a-cgu.0;_ZN3one\n_ZN5three\n\n_ZN4four"),
            ["_ZN3one.llvm.12", "_ZN5three"]
        );
    }

    #[test]
    fn each_name_comes_once_and_none_that_is_too_long() {
        let long = "x".repeat(LONGEST_NAME);
        assert_eq!(ordered(&["one", "two", &long, "one", "three"]), "one\ntwo\nthree\n");
    }
}
