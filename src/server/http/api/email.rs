//! Another address: asked for, confirmed, taken back.

use super::{
    caller::{Anyone, Caller},
    input::Json,
    types::{AccountView, Asked, EmailChange, MailedLink, TicketProof},
};
use crate::server::http::cookies::Kind;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

/// Ask for another address.
///
/// Nothing changes before the mail to it is answered. The answer is the same for an address that has an account.
#[utoipa::path(post, path = "/me/email-change", tag = "E-mail address", operation_id = "request_email_change", security(("bearer" = [])), request_body = EmailChange,
    responses((status = 202, description = "A mail to the new address is on its way.", body = Asked)))]
pub(super) async fn request(
    Caller { call, principal }: Caller,
    Json(form): Json<EmailChange>,
) -> Result<Response<Body>, Response<Body>> {
    let asked = call.state().auth.request_email_change(&principal, &form.email, &call.origin()).await;
    asked.map_err(|error| call.refuse(error))?;
    let expires_in = call.state().settings.confirmation.link_lifetime;
    Ok(call.answer_with(StatusCode::ACCEPTED, &Asked { expires_in, request_token: None }))
}

/// Take the new address, with the mailed link or code.
#[utoipa::path(post, path = "/me/email-change/confirm", tag = "E-mail address", operation_id = "confirm_email_change", security(("bearer" = [])), request_body = TicketProof,
    responses((status = 200, description = "The account with its new address.", body = AccountView)))]
pub(super) async fn confirm(
    Caller { call, principal }: Caller,
    Json(form): Json<TicketProof>,
) -> Result<Response<Body>, Response<Body>> {
    let ticket = (form.uid.as_str(), form.token.expose(), form.code.expose());
    let changed = call.state().auth.confirm_email_change(&principal, ticket, &call.origin()).await;
    changed.map_err(|error| call.refuse(error))?;
    call.answer_account(&principal.account).await
}

/// Go back to the earlier address, with the link that was mailed to it.
///
/// Every session ends, the password is void, and a mail to the restored address leads to a new one.
#[utoipa::path(post, path = "/email-changes/undo", tag = "E-mail address", operation_id = "undo_email_change", request_body = MailedLink,
    responses((status = 202, description = "The address is the earlier one. A mail with the way to a new password is on its way.", body = Asked)))]
pub(super) async fn undo(Anyone(call): Anyone, Json(form): Json<MailedLink>) -> Result<Response<Body>, Response<Body>> {
    let undone = call.state().auth.undo_email_change(&form.uid, form.token.expose(), &call.origin()).await;
    let asked = undone.map_err(|error| call.refuse(error))?;
    call.clear_kept(&[Kind::Session, Kind::Link]);
    Ok(call.answer_with(StatusCode::ACCEPTED, &call.asked(&asked, form.transport)))
}
