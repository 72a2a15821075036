//! `cargo xtask weigh`: what a first visit to the login page transfers, and whether that is within the budget.

use crate::serving::Server;
use crate::site::{self, Profile};
use crate::step::{Outcome, root};
use crate::visit;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;

const PAGE: &str = "/login";
const KINDS: [&str; 5] = ["html", "css", "js", "wasm", "other"];

/// Measures the release build with a server of its own, prints the table, and fails above the budget.
pub fn run() -> Outcome {
    let server = Server::start(site::server(Profile::Release))?;
    let weights = first_visit(server.address)?;
    let by_kind = KINDS.map(|kind| {
        let bytes = weights.iter().filter(|(path, _)| kind_of(path) == kind).map(|(_, bytes)| bytes);
        (kind, bytes.clone().count(), bytes.sum::<usize>())
    });
    println!("    first visit to {PAGE}: cold cache, brotli, headers included");
    println!("    {:<8}{:>10}{:>10}", "kind", "requests", "bytes");
    for (kind, requests, bytes) in by_kind {
        println!("    {kind:<8}{requests:>10}{bytes:>10}");
    }
    if let Some((kind, ..)) = by_kind.iter().find(|(kind, requests, _)| *kind != "other" && *requests == 0) {
        return Err(format!("no {kind} was found that {PAGE} fetches: does the page name it in another way?"));
    }
    let total: usize = weights.values().sum();
    let form: usize = by_kind.iter().filter(|(kind, ..)| ["html", "css"].contains(kind)).map(|(.., bytes)| bytes).sum();
    println!("    {:<8}{:>10}{total:>10}", "total", weights.len());
    println!("    until the form works: {form} bytes (html and css; it needs no script)");
    within_budget(&[("total", total), ("form", form), ("requests", weights.len())])
}

/// Every path that the visit fetches, with the bytes of its answer.
fn first_visit(server: SocketAddr) -> Outcome<BTreeMap<String, usize>> {
    let paths = visit::fetched(server, PAGE)?;
    paths.into_iter().map(|path| Ok((path.clone(), visit::transferred(server, &path)?))).collect()
}

fn kind_of(path: &str) -> &str {
    match path.rsplit_once('.') {
        None => "html",
        Some((_, kind)) => KINDS.into_iter().find(|known| *known == kind).unwrap_or("other"),
    }
}

fn within_budget(measured: &[(&str, usize)]) -> Outcome {
    let file = root().join("xtask/budget.txt");
    let budget = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    for (name, value) in measured {
        let limit = limit(&budget, name).ok_or_else(|| format!("xtask/budget.txt has no line `{name} NUMBER`"))?;
        if *value > limit {
            return Err(format!("over the budget: {name} is {value}, and xtask/budget.txt allows {limit}"));
        }
        println!("    {name}: {value} of {limit}");
    }
    Ok(())
}

fn limit(budget: &str, name: &str) -> Option<usize> {
    budget.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_found_by_its_whole_name() {
        let budget = "# total 1\ntotals 2\ntotal 3\nform 4\n";
        assert_eq!(limit(budget, "total"), Some(3));
        assert_eq!(limit(budget, "form"), Some(4));
        assert_eq!(limit(budget, "requests"), None);
    }

    #[test]
    fn a_path_is_of_the_kind_of_its_ending() {
        let paths = ["/login", "/pkg/doorward.x_Y-.css", "/a.js", "/a.wasm", "/favicon.ico"];
        assert_eq!(paths.map(kind_of), KINDS);
    }
}
