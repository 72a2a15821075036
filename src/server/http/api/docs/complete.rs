//! Completes the description: what no handler says for itself, because it holds for every operation.

use super::{links, refusals};
use crate::server::http::{
    api::types::{ApiProblem, InputError},
    request_id,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, Content, Header, Info, License, OpenApi, Ref, RefOr, Required, Response, Schema, Server,
        example::Example,
        path::{Operation, ParameterIn, PathItem},
        schema::{Object, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
        tag::Tag,
    },
};

const WORDS: &str = include_str!("words.md");

/// What belongs together, in the order in which one meets it.
const TAGS: [(&str, &str); 7] = [
    ("Accounts", "Make an account, and show that its e-mail address is one's own."),
    ("Sessions", "Sign in, go on, sign out; see and end the places where one is signed in."),
    ("Second factors", "Authenticator apps, recovery codes and passkeys: enrol them, and sign in with them."),
    ("Me", "One's own account: read it, change it, take its data along, leave."),
    ("Passwords", "A new password, for the present one or for a mail."),
    ("E-mail address", "Another address: asked for, confirmed, taken back."),
    ("Tokens", "For other services that take our access tokens."),
];

/// The answers that carry a cookie where the refresh or request token travels in one.
const WITH_COOKIE: [&str; 4] = ["Tokens", "Registered", "Asked", "EnrolledFactor"];

/// Adds what no handler says for itself: title, security schemes, and the refusals that any operation may answer.
pub fn complete(description: &mut OpenApi) {
    let mut info = Info::new("Doorward", env!("CARGO_PKG_VERSION"));
    info.description = Some(WORDS.to_owned());
    let mut license = License::new(env!("CARGO_PKG_LICENSE"));
    license.identifier = Some(env!("CARGO_PKG_LICENSE").to_owned());
    info.license = Some(license);
    description.info = info;
    description.servers = Some(vec![Server::new("/")]);
    let tag = |(name, said): (&str, &str)| Tag::builder().name(name).description(Some(said)).build();
    description.tags = Some(TAGS.map(tag).into());
    let components = description.components.get_or_insert_default();
    for (name, scheme) in schemes() {
        components.security_schemes.insert(name.to_owned(), RefOr::T(scheme));
    }
    // No handler names them as its body.
    components.schemas.insert(ApiProblem::name().into_owned(), ApiProblem::schema());
    components.schemas.insert(InputError::name().into_owned(), InputError::schema());
    components.responses.extend(refusals::shared());
    components.schemas.values_mut().for_each(flatten);
    let components = components.clone();
    for (path, item) in &mut description.paths.paths {
        for (is_safe, operation) in operations(item) {
            complete_body(operation, &components);
            refusals::add(operation, path, is_safe);
            links::add(operation);
            operation.responses.responses.values_mut().for_each(complete_answer);
        }
    }
}

/// A field that is a choice of words and has words of its own comes as "a text of these and an object", which nothing is.
fn flatten(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    for field in object.properties.values_mut() {
        let RefOr::T(Schema::AllOf(parts)) = field else { continue };
        let choice =
            parts.items.iter().find(|part| matches!(part, RefOr::T(Schema::Object(o)) if o.enum_values.is_some()));
        if let Some(choice) = choice.cloned() {
            *field = choice;
        }
    }
}

/// What stands in the header of every answer.
pub(super) fn headers_of_all() -> BTreeMap<String, RefOr<Header>> {
    let id = "The name of this request in the server's log.";
    let id = header(id, 64, "0f4c1a2b3c4d5e6f708192a3b4c5d6e7");
    let cache = header("Always `no-store`.", 16, "no-store");
    [(name_of(&request_id::HEADER), id), ("Cache-Control".to_owned(), cache)]
        .map(|(name, header)| (name, RefOr::T(header)))
        .into()
}

/// A header whose value is a text.
pub(super) fn header(description: &str, max_length: usize, example: &str) -> Header {
    let text = Object::builder().schema_type(Type::String).max_length(Some(max_length)).build();
    Header::builder()
        .schema(Some(Schema::Object(text)))
        .description(Some(description))
        .example(Some(Value::from(example)))
        .build()
}

/// As people write it: `X-Request-Id`.
fn name_of(name: &axum::http::HeaderName) -> String {
    let parts = name.as_str().split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        [&first.to_ascii_uppercase(), rest].concat()
    });
    parts.collect::<Vec<_>>().join("-")
}

fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = |format: &str, said: &str| {
        let http = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format(format).description(Some(said));
        SecurityScheme::Http(http.build())
    };
    let cookie =
        "The refresh token of a browser. Pages of this site and of listed origins send it; it cannot be set here.";
    [
        ("bearer", bearer("JWT", "The access token of a sign-in or a refresh.")),
        ("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("__Host-doorward", cookie)))),
        ("introspection", bearer("opaque", "The server's setting `introspection.secret`, if it is set.")),
    ]
}

/// The operations of a path, each with whether it only reads.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [(true, get), (false, put), (false, post), (false, delete), (false, patch)];
    all.into_iter().filter_map(|(is_safe, operation)| Some((is_safe, operation.as_mut()?)))
}

/// Whether the operation has a parameter of this place.
pub(super) fn has_parameter(operation: &Operation, place: &ParameterIn) -> bool {
    operation.parameters.iter().flatten().any(|one| matches!(one, RefOr::T(one) if one.parameter_in == *place))
}

/// Says of a body that may be missing that it may be missing, instead of that it may be `null`; and gives examples.
fn complete_body(operation: &mut Operation, components: &Components) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        if let Some(inner) = content.schema.as_ref().and_then(without_null) {
            content.schema = Some(inner);
            body.required = Some(Required::False);
        }
        let found = content.schema.as_ref().and_then(|schema| resolve(schema, components));
        let Some(object) = found else { continue };
        match examples(object).as_slice() {
            [] => {}
            [(_, only)] => content.example = Some(only.clone()),
            several => {
                let example = |value: &Value| RefOr::T(Example::builder().value(Some(value.clone())).build());
                content.examples = several.iter().map(|(name, value)| (name.clone(), example(value))).collect();
            }
        }
    }
}

/// The other half of "this or null".
fn without_null(schema: &RefOr<Schema>) -> Option<RefOr<Schema>> {
    let RefOr::T(Schema::OneOf(either)) = schema else { return None };
    either.items.iter().find(|one| matches!(one, RefOr::Ref(_))).cloned()
}

fn resolve<'a>(schema: &'a RefOr<Schema>, components: &'a Components) -> Option<&'a Object> {
    let schema = match schema {
        RefOr::Ref(Ref { ref_location, .. }) => components.schemas.get(ref_location.rsplit('/').next()?)?,
        RefOr::T(_) => schema,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => Some(object),
        _ => None,
    }
}

/// Examples of an object, made of those of its fields. What a mail leads to is asked for with its link or with its code; a
/// browser's refresh token is in its cookie.
fn examples(object: &Object) -> Vec<(String, Value)> {
    let with = |left_out: &[&str]| {
        let fields = object.properties.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
        Value::Object(
            fields.filter_map(|(name, field)| Some((name.clone(), example_of(field)?))).collect::<Map<_, _>>(),
        )
    };
    if ["token", "code"].iter().all(|name| object.properties.contains_key(*name)) {
        let link = with(&["code", "request_token", if object.required.is_empty() { "password" } else { "" }]);
        return vec![("code".to_owned(), with(&["uid", "token"])), ("link".to_owned(), link)];
    }
    if object.properties.contains_key("recovery_code") {
        let proofs = [
            ("app", ["current_password", "recovery_code", "ceremony", "credential", "refresh_token"]),
            ("recovery_code", ["current_password", "code", "ceremony", "credential", "refresh_token"]),
            ("passkey", ["current_password", "code", "recovery_code", "", "refresh_token"]),
            ("password", ["code", "recovery_code", "ceremony", "credential", "refresh_token"]),
        ];
        let taken = if object.properties.contains_key("current_password") { proofs.len() } else { 3 };
        return proofs.iter().take(taken).map(|(name, others)| ((*name).to_owned(), with(others))).collect();
    }
    if object.properties.contains_key("refresh_token") {
        return vec![("browser".to_owned(), with(&["refresh_token"])), ("program".to_owned(), with(&[]))];
    }
    vec![("one".to_owned(), with(&[]))]
}

fn example_of(field: &RefOr<Schema>) -> Option<Value> {
    match field {
        RefOr::T(Schema::Object(object)) => object.example.clone().or_else(|| object.default.clone()),
        _ => None,
    }
}

/// Headers that every answer has, and the body of the refusals that a handler only names.
fn complete_answer(answer: &mut RefOr<Response>) {
    let RefOr::T(answer) = answer else { return };
    answer.headers.extend(headers_of_all());
    let sets_cookie = answer.content.values().any(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => {
            WITH_COOKIE.iter().any(|name| schema.ref_location.ends_with(&["/", name].concat()))
        }
        _ => false,
    });
    if sets_cookie {
        let said = "Where a token travels in a cookie: its newest value, `HttpOnly`.";
        let example = json!("__Host-doorward=…; Path=/; Secure; HttpOnly; SameSite=Lax");
        let cookie = header(said, 4096, example.as_str().unwrap_or_default());
        answer.headers.insert("Set-Cookie".to_owned(), RefOr::T(cookie));
    }
}
