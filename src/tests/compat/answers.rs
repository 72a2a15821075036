//! The recorded answers, in order, with and without the slash at the end of each path.

use super::{log_in, post, start, with};
use crate::harness::{App, PASSWORD, on_both_engines};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FIXTURES: &str = include_str!("fixtures.json");

/// What `<name>` stands for.
type Known = BTreeMap<String, String>;

/// `text` with what is known in the place of each `<name>`; unknown ones stay.
fn filled(text: &str, known: &Known) -> String {
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
}

/// Compares byte by byte. A `<name>` that is not known yet takes what stands there.
fn compare(expected: &str, got: &str, known: &mut Known) -> Result<(), String> {
    let expected = filled(expected, known);
    let Some((before, rest)) = expected.split_once('<').filter(|(_, rest)| rest.contains('>')) else {
        return if expected == got { Ok(()) } else { Err(format!("expected {expected}\n     got {got}")) };
    };
    let (name, after) = rest.split_once('>').unwrap();
    let found = got.strip_prefix(before).ok_or(format!("expected {expected}\n     got {got}"))?;
    let end = found.find(['"', ',', '}']).unwrap_or(found.len());
    assert!(end > 0, "nothing for <{name}>");
    known.insert(name.to_owned(), found[..end].to_owned());
    if name == "id" {
        known.insert("uid of id".to_owned(), URL_SAFE_NO_PAD.encode(&found[..end]));
    }
    compare(after, &found[end..], known)
}

fn with_body(request: RequestBuilder, step: &Value, known: &Known) -> RequestBuilder {
    let pairs = |form: &Value| -> Vec<(String, String)> {
        let form = form.as_object().unwrap();
        form.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    };
    if let Some(body) = step.get("body") {
        return request.header("content-type", "application/json").body(filled(&body.to_string(), known));
    }
    if let Some(raw) = step.get("raw") {
        let media = step.get("type").map_or("application/json", |media| media.as_str().unwrap());
        let request = if media.is_empty() { request } else { request.header("content-type", media) };
        return request.body(raw.as_str().unwrap().to_owned());
    }
    if let Some(form) = step.get("form") {
        return request.form(&pairs(form));
    }
    let Some(parts) = step.get("multipart") else { return request };
    let part = |(name, value): (String, String)| {
        format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body: String = pairs(parts).into_iter().map(part).collect();
    request.header("content-type", "multipart/form-data; boundary=line").body(body + "--line--\r\n")
}

async fn replay(app: &App, slash: bool) {
    let steps: Vec<Value> = serde_json::from_str(FIXTURES).unwrap();
    assert!(steps.len() > 120);
    let mut known = Known::from([("base".to_owned(), app.base.clone())]);
    let mut faults = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        if !slash && step.get("slash_only").is_some() {
            continue;
        }
        let ask = filled(step["ask"].as_str().unwrap(), &known);
        let (method, path) = ask.split_once(' ').unwrap();
        let plain = path.trim_end_matches('/');
        let path = if slash { format!("{plain}/") } else { plain.to_owned() };
        let caller = app.anonymous();
        let mut request = caller.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
        if let Some(auth) = step.get("auth") {
            request = request.header("authorization", filled(auth.as_str().unwrap(), &known));
        }
        let answer = caller.send(with_body(request, step, &known)).await;
        let expected = step["answer"].as_str().unwrap_or_default();
        let mut fault = |what: String| faults.push(format!("step {number} {ask} {path}: {what}"));
        if answer.status != step["status"].as_u64().unwrap() as u16 {
            fault(format!("status {} {}", answer.status, answer.text));
        }
        if let Err(difference) = compare(expected, &answer.text, &mut known) {
            fault(difference);
        }
        let is_empty = expected.is_empty() && method != "HEAD";
        let media = if is_empty { "" } else { "application/json" };
        let challenge = if answer.status == 401 { "Bearer realm=\"api\"" } else { "" };
        let allow = step.get("allow").map_or(answer.header("allow"), |allow| allow.as_str().unwrap());
        for (name, value) in [("content-type", media), ("www-authenticate", challenge), ("allow", allow)] {
            if answer.header(name) != value {
                fault(format!("{name}: {:?}", answer.header(name)));
            }
        }
        if !answer.header("vary").to_lowercase().contains("accept") || answer.headers.contains_key("set-cookie") {
            fault(format!("{:?}", answer.headers));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

on_both_engines! {
    async fn every_recorded_answer_is_ours_with_the_slash(engine) {
        replay(&start(engine, "").await, true).await;
    }

    async fn every_recorded_answer_is_ours_without_the_slash(engine) {
        replay(&start(engine, "").await, false).await;
    }

    async fn with_detail_the_first_fault_is_told_once_more(engine) {
        let app = start(engine, "compat.add_detail = true").await;
        let answer = post(&app, "/auth/jwt/create/", &json!({"username": ""})).await;
        let expected = "{\"username\":[\"This field may not be blank.\"],\"password\":[\"This field is required.\"],\
                        \"detail\":\"This field may not be blank.\"}";
        assert_eq!((answer.status, answer.text.as_str()), (400, expected));
    }

    async fn where_the_settings_ask_for_it_all_is_typed_twice(engine) {
        let app = start(engine, "compat.retype = true").await;
        let mut body = json!({"email": "ann@b.co", "username": "annabel", "password": PASSWORD});
        let answer = post(&app, "/auth/users/", &body).await;
        assert_eq!(answer.text, "{\"re_password\":[\"This field is required.\"]}");
        body["re_password"] = "another".into();
        let answer = post(&app, "/auth/users/", &body).await;
        assert_eq!(answer.text, "{\"non_field_errors\":[\"The two password fields didn't match.\"]}");
        body["re_password"] = PASSWORD.into();
        assert_eq!(post(&app, "/auth/users/", &body).await.status, 201);
        let (_, access) = log_in(&app, "annabel").await;
        let body = json!({"current_password": PASSWORD, "new_username": "anna", "re_new_username": "ann"});
        let answer = with(&app, Method::POST, "/auth/users/set_username/", &access, Some(&body)).await;
        assert_eq!(answer.text, "{\"non_field_errors\":[\"The two username fields didn't match.\"]}");
    }
}
