//! The description of the API: complete, true, and the one that is served; and the page that shows it.

use crate::harness::{App, on_both_engines};
use doorward::server::http::api;
use reqwest::{Method, header};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// RFC 7662 section 2.1 lets callers add parameters of their own.
const OPEN_BODY: &str = "IntrospectionRequest";
/// Browsers add fields of their own to a passkey's answer (WebAuthn Level 3, 5.1).
const OPEN_FIELD: &str = ".credential";

struct Operation {
    method: Method,
    path: String,
    says: Value,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The media types of its body with what stands for them.
    fn bodies(&self) -> BTreeMap<String, Value> {
        let content = self.says["requestBody"]["content"].as_object().cloned().unwrap_or_default();
        content.into_iter().collect()
    }

    /// The examples of its body, by media type.
    fn examples(&self) -> Vec<(String, Value)> {
        let of = |(media, content): (String, Value)| {
            let several = content["examples"].as_object().cloned().unwrap_or_default();
            let several = several.into_iter().map(|(_, example)| example["value"].clone());
            let all = several.chain(content.get("example").cloned());
            all.map(|example| (media.clone(), example)).collect::<Vec<_>>()
        };
        self.bodies().into_iter().flat_map(of).collect()
    }
}

fn description() -> Value {
    serde_json::to_value(api::description()).unwrap()
}

fn operations(description: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, says) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            found.push(Operation { method, path: path.clone(), says: says.clone() });
        }
    }
    assert!(found.len() > 20, "{} operations", found.len());
    found
}

/// What a reference leads to; everything else is itself.
fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(place) => description.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place}")),
        None => value,
    }
}

/// Complains about texts without a limit and objects that take anything, in a schema and all that it is made of.
fn complain(description: &Value, schema: &Value, place: &str, complaints: &mut Vec<String>) {
    let open = schema["$ref"].as_str().is_some_and(|name| name.ends_with(OPEN_BODY)) || place.ends_with(OPEN_FIELD);
    let schema = resolved(description, schema);
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect::<Vec<_>>(),
    };
    if kinds.contains(&"string") && schema["enum"].is_null() && !schema["maxLength"].is_u64() {
        complaints.push(format!("{place} has no maxLength"));
    }
    if kinds.contains(&"array") && !schema["maxItems"].is_u64() {
        complaints.push(format!("{place} has no maxItems"));
    }
    if kinds.contains(&"object") && schema["additionalProperties"] != false && !open {
        complaints.push(format!("{place} takes any field"));
    }
    if kinds.is_empty() {
        complaints.push(format!("{place} may be anything"));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        complain(description, field, &format!("{place}.{name}"), complaints);
    }
    if let Some(item) = schema.get("items") {
        complain(description, item, &format!("{place}[]"), complaints);
    }
}

#[test]
fn every_operation_says_what_it_is() {
    let description = description();
    let tags = description["tags"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for operation in operations(&description) {
        let (name, says) = (operation.name(), &operation.says);
        assert!(says["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{name} has no summary");
        let tag = says["tags"].as_array().unwrap();
        assert!(tag.len() == 1 && tags.iter().any(|known| known["name"] == tag[0]), "{name} has no known tag");
        assert!(ids.insert(says["operationId"].as_str().unwrap().to_owned()), "{name} has the id of another");
        let media: BTreeSet<String> = operation.examples().into_iter().map(|(media, _)| media).collect();
        assert_eq!(media, operation.bodies().into_keys().collect(), "{name} has a body without an example");
    }
}

#[test]
fn everything_that_is_sent_has_its_limits() {
    let description = description();
    let mut complaints = Vec::new();
    for operation in operations(&description) {
        for (media, content) in operation.bodies() {
            let place = format!("{} ({media})", operation.name());
            complain(&description, &content["schema"], &place, &mut complaints);
        }
        for parameter in operation.says["parameters"].as_array().into_iter().flatten() {
            let place = format!("{}, {}", operation.name(), parameter["name"]);
            complain(&description, &parameter["schema"], &place, &mut complaints);
        }
    }
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn every_refusal_is_a_problem_that_names_its_request() {
    let description = description();
    for operation in operations(&description) {
        let name = operation.name();
        let answers = operation.says["responses"].as_object().unwrap();
        let statuses: BTreeSet<&str> = answers.keys().map(String::as_str).collect();
        let with_body = !operation.bodies().is_empty();
        for (status, expected) in [
            ("408", true),
            ("429", true),
            ("500", true),
            ("503", true),
            ("400", with_body),
            ("413", with_body),
            ("415", with_body),
        ] {
            assert_eq!(statuses.contains(status), expected, "{name}: {status}");
        }
        let names_one = operation.path.contains('{');
        assert!(!names_one || statuses.contains("404"), "{name}: 404");
        for (status, answer) in answers {
            let answer = resolved(&description, answer);
            assert!(answer["headers"]["X-Request-Id"].is_object(), "{name}: {status}");
            if status.as_str() < "400" {
                continue;
            }
            let content = &answer["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/ApiProblem", "{name}: {status}");
            let examples = content["examples"].as_object().unwrap();
            assert!(
                examples.values().all(|one| one["value"]["status"].as_u64() == status.parse().ok()),
                "{name}: {status}"
            );
            let waits = answer["headers"]["Retry-After"].is_object();
            assert_eq!(waits, ["429", "503"].contains(&status.as_str()), "{name}: {status}");
            assert_eq!(answer["headers"]["WWW-Authenticate"].is_object(), status == "401", "{name}: {status}");
        }
    }
}

#[test]
fn every_way_to_sign_in_that_an_operation_names_is_described() {
    let description = description();
    let schemes = description["components"]["securitySchemes"].as_object().unwrap();
    for operation in operations(&description) {
        for way in operation.says["security"].as_array().into_iter().flatten() {
            assert!(way.as_object().unwrap().keys().all(|name| schemes.contains_key(name)), "{}", operation.name());
        }
    }
}

#[test]
fn every_handler_of_the_api_is_described() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/http/api");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let (mut described, mut routed) = (0, 0);
    for text in texts {
        described += text.matches("#[utoipa::path(").count();
        routed += text.matches(".route(").count();
    }
    assert_eq!(described, operations(&description()).len());
    assert_eq!(
        routed, 2,
        "what is described is routed in one place, and the description itself is the only route beside"
    );
}

on_both_engines! {
    async fn every_operation_is_there_and_understands_its_own_examples(engine) {
        // Passkeys are taken where the site has a name.
        let app = App::start_with(engine, "server.public_url = 'http://localhost'").await;
        let description = description();
        for operation in operations(&description) {
            let path = operation.path.replace("{id}", "current");
            let mut requests = vec![];
            for (media, example) in operation.examples() {
                let request = app.anonymous().request(operation.method.clone(), &path);
                requests.push(match media.as_str() {
                    "application/json" => request.json(&example),
                    "application/x-www-form-urlencoded" => request.form(&example),
                    media => panic!("{media}"),
                });
            }
            if requests.is_empty() {
                requests.push(app.anonymous().request(operation.method.clone(), &path));
            }
            for request in requests {
                let answer = app.anonymous().send(request).await;
                let name = operation.name();
                assert!(operation.says["responses"][answer.status.to_string()].is_object(), "{name}: {}", answer.status);
                assert!(![400, 404, 405, 415].contains(&answer.status), "{name}: {}", answer.text);
                assert!(!answer.text.contains("There is no such field"), "{name}: {}", answer.text);
            }
        }
    }

    async fn the_description_that_is_served_is_this_one(engine) {
        let app = App::start(engine).await;
        let answer = app.anonymous().send(app.anonymous().request(Method::GET, "/api/v1/openapi.json")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.json(), description());
        assert_eq!(answer.json()["openapi"], "3.1.0");
    }

    async fn the_page_lets_nothing_run_but_its_own_files(engine) {
        let app = App::start_with(engine, "server.site_name = 'A & B'").await;
        let caller = app.anonymous();
        let page = caller.page("/api/docs").await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("<title>API – A &amp; B</title>"), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for file in ["swagger-ui.css", "swagger-ui-bundle.js", "page.css", "page.js"] {
            let path = format!("/api/docs/{file}");
            assert!(page.text.contains(&path), "{path}");
            let answer = caller.send(caller.request(Method::GET, &path)).await;
            assert_eq!((answer.status, answer.header("cache-control")), (200, "no-cache"), "{path}");
            let kind = if file.ends_with("css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
            assert_eq!(answer.header("content-type"), kind);
            let again = caller.request(Method::GET, &path).header(header::IF_NONE_MATCH, answer.header("etag"));
            let again = caller.send(again).await;
            assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        }
        for file in ["index.html", "swagger-initializer.js", "..%2Fpage.js", ""] {
            let answer = caller.send(caller.request(Method::GET, &format!("/api/docs/{file}"))).await;
            assert_eq!(answer.status, 404, "{file}");
        }
    }
}
