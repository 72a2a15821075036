//! The table of the API in `SECURITY.md`, played through: who may do what, and what wants a fresh proof.

use crate::{
    harness::{Answer, App, Caller, on_both_engines},
    security_document::{CALLERS, STALE, caller_of, document, rows},
};
use doorward::server::store::accounts;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;

const COLUMNS: &str = "| operation | anonymous | signed in | on its way out | disabled | proof |";

async fn done(caller: &Caller, token: &str, operation: &str) -> Answer {
    let (method, path) = operation.split_once(' ').unwrap();
    let path = path.strip_prefix("/api/v1").unwrap().replace("{id}", "none");
    let method: Method = method.parse().unwrap();
    let body = (method != Method::GET && method != Method::DELETE).then(|| json!({}));
    caller.api(method, &path, (!token.is_empty()).then_some(token), body).await
}

/// A caller of this kind whose address is confirmed, as enrolling a factor wants it.
async fn confirmed(app: &App, kind: &str, number: usize) -> (Caller, String) {
    let found = caller_of(app, kind, number).await;
    if kind != "anonymous" {
        let email = format!("person{number}@example.com");
        let now = crate::harness::START;
        let write = app.store.write(move |tx| {
            Box::pin(async move {
                let account = accounts::find_by_email(tx, &email).await?.expect("an account");
                accounts::confirm_email(tx, account.account.id, &email, now).await
            })
        });
        assert!(write.await.unwrap());
    }
    found
}

fn said(answer: &Answer) -> String {
    if [401, 403].contains(&answer.status) { answer.status.to_string() } else { "runs".to_owned() }
}

#[test]
fn no_operation_of_the_api_is_left_out_of_the_table() {
    let table: BTreeSet<String> = rows(&document(), COLUMNS).into_iter().map(|row| row[0].clone()).collect();
    let description = serde_json::to_value(doorward::server::http::api::description()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| key.parse::<Method>().is_ok() && key.as_str() != "parameters");
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    assert_eq!(operations.collect::<BTreeSet<_>>(), table);
}

on_both_engines! {
    async fn each_kind_of_caller_does_what_the_table_says(engine) {
        // Passkeys are taken where the site has a name.
        let app = App::start_with(engine, "server.public_url = 'http://localhost'").await;
        let (mut number, mut wrong) = (1000, Vec::new());
        for row in rows(&document(), COLUMNS) {
            for (kind, expected) in CALLERS.iter().zip(&row[1..]) {
                number += 1;
                let (caller, token) = confirmed(&app, kind, number).await;
                let answer = done(&caller, &token, &row[0]).await;
                assert!(answer.status < 500, "{kind}: {}: {}", row[0], answer.text);
                if &said(&answer) != expected {
                    wrong.push(format!("{kind}: {}: {}, not {expected}: {}", row[0], said(&answer), answer.text));
                }
            }
            number += 1;
            let (caller, _) = confirmed(&app, "signed in", number).await;
            app.clock.advance(STALE);
            let token = caller.refresh().await.token();
            let answer = done(&caller, &token, &row[0]).await;
            if (answer.status == 403) != (row[5] == "fresh") {
                wrong.push(format!("{} with an old proof: {}", row[0], answer.text));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
