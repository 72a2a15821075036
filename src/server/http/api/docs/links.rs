//! What leads where: which part of an answer the next request takes. For readers, and for tools that walk the API.

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, link::Link, path::Operation};

/// A way from the success of one operation to another one.
struct Way {
    from: &'static str,
    status: &'static str,
    to: &'static str,
    name: &'static str,
    /// The parameter that takes the value, or nothing if it is this field of the body.
    parameter: Option<&'static str>,
    field: &'static str,
    value: &'static str,
}

const WAYS: [Way; 6] = [
    body("register", "201", "refresh", "$response.body#/tokens/refresh_token"),
    body("log_in", "200", "refresh", "$response.body#/refresh_token"),
    body("refresh", "200", "log_out", "$response.body#/refresh_token"),
    query("list_sessions", "end_session", "id", "$response.body#/items/0/id"),
    query("list_sessions", "list_sessions", "cursor", "$response.body#/next_cursor"),
    query("list_history", "list_history", "cursor", "$response.body#/next_cursor"),
];

const fn body(from: &'static str, status: &'static str, to: &'static str, value: &'static str) -> Way {
    Way { from, status, to, name: to, parameter: None, field: "refresh_token", value }
}

const fn query(from: &'static str, to: &'static str, parameter: &'static str, value: &'static str) -> Way {
    let name = if matches!(parameter.as_bytes(), b"cursor") { "next_page" } else { to };
    Way { from, status: "200", to, name, parameter: Some(parameter), field: "", value }
}

/// Adds the ways that begin at this operation.
pub(super) fn add(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    for way in WAYS.iter().filter(|way| way.from == id) {
        let Some(RefOr::T(answer)) = operation.responses.responses.get_mut(way.status) else { continue };
        let link = Link::builder().operation_id(way.to);
        let link = match way.parameter {
            Some(parameter) => link.parameter(parameter, way.value),
            None => link.request_body(Some::<Value>(json!({ way.field: way.value }))),
        };
        answer.links.insert(way.name.to_owned(), RefOr::T(link.build()));
    }
}
