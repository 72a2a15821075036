//! A form that comes back: its page with what is wrong and what was typed, or the question who sends it.

use super::{
    AppState,
    document::{Page, page},
    forms::Form,
    given_proof::{blank, is_proof},
    pages::{facts, waiting},
    problem::status,
    render::Call,
};
use crate::{
    domain::problem::{Code, Problem},
    pages::context::{MailedLink, Posted, ProofAsked},
    paths,
};
use axum::{
    body::{Body, Bytes},
    http::{Method, Request, Response, Uri, request::Parts},
};

/// The page of the form with what is wrong, or the question who it is, with what was typed.
pub(super) async fn show_again(
    state: &AppState,
    parts: Parts,
    form: &Form,
    typed: &Bytes,
    problem: Problem,
) -> Response<Body> {
    let mut values: Vec<(String, String)> = form_urlencoded::parse(typed).into_owned().collect();
    let value = |name: &str| values.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    let link = value("uid").zip(value("token")).filter(|(_, token)| !token.is_empty());
    let link = link.map(|(uid, token)| MailedLink { uid, token });
    let gave_proof = form.takes_proof && values.iter().any(|(field, value)| is_proof(field) && !value.is_empty());
    let passes = matches!(problem.code, Code::TooManyRequests | Code::Unavailable);
    let asks_proof = problem.code == Code::ProofRequired
        || (gave_proof && (passes || problem.fields.iter().any(|error| is_proof(&error.field))));
    let missing = blank(&values).filter(|_| form.takes_proof).map(|error| Problem::invalid(vec![error]));
    values.retain(|(name, _)| may_be_shown_again(name));
    let call = Call::of(state, &parts);
    let visit = state.auth.visit(call.held()).await.ok().flatten();
    // The page may be one that shows more than the form: then it does so beside the error, too.
    let waiting = waiting(&call, form.page, visit.as_ref()).await.ok().flatten();
    let mut context = match facts(&call, form.page, None, visit.as_ref(), waiting, link.clone()).await {
        Ok(context) => context,
        Err(_) => Page { link, own_link: true, ..Page::default() },
    };
    context.status = Some(status(&problem));
    context.failure = (form.page == paths::LOGOUT).then(|| problem.clone());
    if asks_proof && let Some(visit) = &visit {
        let wrong = if problem.code == Code::ProofRequired { missing } else { Some(problem.clone()) };
        let takes = state.auth.takes(&visit.principal).await.unwrap_or_default();
        // New passwords are never written into a page: they are typed again after the proof.
        let path = if form.path == paths::forms::PASSWORD { paths::forms::SET_PASSWORD } else { form.path };
        context.proof = Some(ProofAsked { form: path.to_owned(), values: values.clone(), problem: wrong, takes });
    }
    context.posted = Posted { form: form.path.to_owned(), problem: Some(problem), values };
    let mut request = Request::from_parts(parts, Body::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = Uri::from_static(form.page);
    page(state, request, context).await
}

/// What was typed is kept, passwords aside. (The mailed link's secret has its own way into the form.)
fn may_be_shown_again(field: &str) -> bool {
    const KEPT: [&str; 15] = [
        "identifier",
        "remember",
        "next",
        "email",
        "username",
        "first_name",
        "last_name",
        "code",
        "time_zone",
        "session",
        "with",
        "trust",
        "browser",
        "passkey",
        "name",
    ];
    KEPT.contains(&field)
}
