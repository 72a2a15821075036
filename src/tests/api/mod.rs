//! The API through its door: with the typed client of `examples/`, and byte by byte where that cannot see enough.

mod accounts;
mod cross_site;
mod factors;
mod forged_tokens;
mod input;
mod me;
mod recovery;
mod roles;
mod sessions;
mod tokens;

use crate::client::Failure;
use doorward::server::http::api::types::ApiProblem;

/// The problem of a call that was to be refused.
fn refused<T: std::fmt::Debug>(answer: Result<T, Failure>) -> ApiProblem {
    match answer {
        Err(Failure::Refused(problem)) => *problem,
        other => panic!("not refused: {other:?}"),
    }
}

/// `uid` and `token` of a mailed link, given as its path and query.
fn parts_of(link: &str) -> (String, String) {
    let query = link.split_once('?').expect("a query").1;
    let part = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        pair.expect("both parts").to_owned()
    };
    (part("uid"), part("token"))
}
