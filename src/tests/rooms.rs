//! Holds the sources to the house plan: who may import whom, three gates, SQL and the driver in the store only, small
//! files. It is the compiler that a single crate lacks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use syn::visit::{self, Visit};

/// Each room and the rooms it may name besides itself. `domain` may be named by all.
const ARROWS: [(&str, &[&str]); 22] = [
    ("domain", &[]),
    ("paths", &["domain"]),
    ("components", &["domain"]),
    ("actions", &["domain", "paths", "server::http"]),
    ("pages", &["components", "actions", "domain", "paths"]),
    ("browser", &["actions", "domain", "paths"]),
    ("app", &["pages", "components", "domain", "paths"]),
    ("server::settings", &["server::settings_checks", "server::settings_limit"]),
    ("server::settings_limit", &[]),
    (
        "server::settings_checks",
        &[
            "server::settings",
            "server::settings_doors",
            "server::settings_factors",
            "server::settings_lists",
            "server::settings_operations",
        ],
    ),
    ("server::settings_factors", &["server::settings", "server::settings_checks"]),
    ("server::settings_operations", &["server::settings", "server::settings_checks"]),
    ("server::metrics", &[]),
    ("server::settings_doors", &["server::settings", "server::settings_checks", "server::settings_lists"]),
    ("server::settings_lists", &["domain", "server::settings"]),
    ("server::clock", &["domain"]),
    ("server::entropy", &["domain"]),
    ("server::store", &["domain", "server::settings"]),
    (
        "server::crypto",
        &[
            "domain",
            "server::clock",
            "server::entropy",
            "server::metrics",
            "server::settings",
            "server::settings_factors",
        ],
    ),
    (
        "server::mailer",
        &[
            "domain",
            "paths",
            "server::clock",
            "server::crypto",
            "server::entropy",
            "server::metrics",
            "server::settings",
            "server::store",
        ],
    ),
    (
        "server::auth",
        &[
            "domain",
            "server::clock",
            "server::crypto",
            "server::entropy",
            "server::mailer",
            "server::metrics",
            "server::settings",
            "server::settings_limit",
            "server::store",
        ],
    ),
    (
        "server::http",
        &[
            "actions",
            "app",
            "domain",
            "pages",
            "paths",
            "server::auth",
            "server::clock",
            "server::entropy",
            "server::mailer",
            "server::metrics",
            "server::settings",
        ],
    ),
];

/// Rooms that see every other one, and the crate around the half in the browser.
const OPEN: [&str; 5] = ["lib", "main", "server", "server::compose", "wasm"];

struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("src/tests") && !path.ends_with("src/benches") {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".rs") && !path.to_string_lossy().ends_with("_tests.rs") {
                let inside = path.strip_prefix(&root).unwrap().with_extension("");
                let mut module: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if module.last().is_some_and(|last| last == "mod") {
                    module.pop();
                }
                found.push(Source { text: fs::read_to_string(&path).unwrap(), path, module });
            }
        }
    }
    assert!(found.len() > 60, "the sources are where they were");
    found
}

/// `server::http::render` is in the room `server::http`; `pages::login` in `pages`.
fn room(module: &[String]) -> String {
    let depth = if module.first().is_some_and(|first| first == "server") { 2 } else { 1 };
    module.iter().take(depth).cloned().collect::<Vec<_>>().join("::")
}

/// Collects the modules of ours that a file names.
struct Names {
    module: Vec<String>,
    found: BTreeSet<Vec<String>>,
}

impl Names {
    fn note(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        let mut from = match first.as_str() {
            "crate" => Vec::new(),
            "super" => self.module.clone(),
            _ => return,
        };
        let ups = path.iter().take_while(|part| *part == "super").count();
        from.truncate(from.len().saturating_sub(ups));
        from.extend(path.iter().filter(|part| !["crate", "super"].contains(&part.as_str())).cloned());
        self.found.insert(from);
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.note(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
        }
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.note(&path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        // Tests inside a file may look around; `super` means something else there.
        if item.content.is_none() || item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

#[test]
fn every_room_names_only_those_it_may() {
    let mut wrong = Vec::new();
    for source in sources() {
        let here = room(&source.module);
        if OPEN.contains(&here.as_str()) {
            continue;
        }
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == here).unwrap_or_else(|| panic!("no room {here}"));
        let file = syn::parse_file(&source.text).unwrap();
        let mut names = Names { module: source.module.clone(), found: BTreeSet::new() };
        names.visit_file(&file);
        for name in names.found {
            let there = room(&name);
            let own = there == here || name.is_empty() || (there == "server" && name.len() == 1);
            if !own && !allowed.contains(&there.as_str()) {
                wrong.push(format!("{}: {here} names {}", source.path.display(), name.join("::")));
            }
            if here == "actions" && there == "server::http" && name.get(2).is_none_or(|part| part != "render") {
                wrong.push(format!("{}: only server::http::render", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_three_gates_and_they_stand_in_lib() {
    for source in sources() {
        let gates = source.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let gates = gates.filter(|line| line.contains("cfg") && line.contains("feature =")).count();
        let expected = if source.module == ["lib"] { 3 } else { 0 };
        assert_eq!(gates, expected, "{}", source.path.display());
    }
}

#[test]
fn the_driver_and_sql_stay_in_the_store_and_frameworks_out_of_the_service() {
    for source in sources() {
        let here = room(&source.module);
        let code: String = source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        if here != "server::store" {
            for word in ["sqlx::", "SELECT ", "INSERT INTO", "DELETE FROM"] {
                assert!(!code.contains(word), "{word} in {}", source.path.display());
            }
        }
        if ["server::auth", "server::store", "server::crypto", "server::mailer"].contains(&here.as_str()) {
            for word in ["axum", "leptos::", "leptos_"] {
                assert!(!code.contains(word), "{word} in {}", source.path.display());
            }
        }
    }
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", source.path.display());
        assert!(source.text.starts_with("//!"), "{} does not say what it is for", source.path.display());
    }
}
