//! One's own account: reading, changing, taking along, leaving.

use super::{
    caller::{Caller, Leaver},
    input::{Json, PageOf, wrong_cursor},
    types::{AccountView, DeletionView, HistoryEntry, HistoryPage, NewUsername, ProfileChange},
};
use crate::{
    domain::account::Account,
    server::{
        auth::{AuthError, ProfileForm},
        http::{cookies::Kind, render::Call},
    },
};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

/// The account of the access token.
#[utoipa::path(get, path = "/me", tag = "Me", operation_id = "read_me", security(("bearer" = [])),
    responses((status = 200, description = "The account.", body = AccountView)))]
pub(super) async fn read(Leaver { call, principal }: Leaver) -> Response<Body> {
    call.answer_with(StatusCode::OK, &AccountView::from(&principal.account))
}

/// Change names and time zone.
#[utoipa::path(patch, path = "/me", tag = "Me", operation_id = "change_me", security(("bearer" = [])), request_body = ProfileChange,
    responses((status = 200, description = "The account as it is now.", body = AccountView)))]
pub(super) async fn change(
    Caller { call, principal }: Caller,
    Json(form): Json<ProfileChange>,
) -> Result<Response<Body>, Response<Body>> {
    let now = &principal.account;
    let typed = ProfileForm {
        first_name: form.first_name.as_deref().unwrap_or(&now.first_name),
        last_name: form.last_name.as_deref().unwrap_or(&now.last_name),
        time_zone: form.time_zone.as_deref().unwrap_or(&now.time_zone),
    };
    let changed = call.state().auth.change_profile(&principal, &typed, &call.origin()).await;
    changed.map_err(|error| call.refuse(error))?;
    call.answer_account(now).await
}

/// Change the user name.
#[utoipa::path(put, path = "/me/username", tag = "Me", operation_id = "change_username", security(("bearer" = [])), request_body = NewUsername,
    responses((status = 200, description = "The account as it is now.", body = AccountView)))]
pub(super) async fn change_username(
    Caller { call, principal }: Caller,
    Json(form): Json<NewUsername>,
) -> Result<Response<Body>, Response<Body>> {
    let changed = call.state().auth.change_username(&principal, &form.username, &call.origin()).await;
    changed.map_err(|error| call.refuse(error))?;
    call.answer_account(&principal.account).await
}

/// What happened to the account, newest first.
#[utoipa::path(get, path = "/me/history", tag = "Me", operation_id = "list_history", security(("bearer" = [])), params(
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 128),
    ("limit" = Option<u32>, Query, description = "Entries of a page.", minimum = 1, maximum = 100, example = 25),
), responses((status = 200, description = "A page of it.", body = HistoryPage)))]
pub(super) async fn history(
    Caller { call, principal }: Caller,
    page: PageOf,
) -> Result<Response<Body>, Response<Body>> {
    let before = page.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| call.refuse(wrong_cursor()))?;
    let found = call.state().auth.history(&principal, before, page.limit).await.map_err(|error| call.refuse(error))?;
    let body = HistoryPage {
        items: found.entries.iter().map(HistoryEntry::from).collect(),
        next_cursor: found.older.map(|seq| seq.to_string()),
    };
    Ok(call.answer_with(StatusCode::OK, &body))
}

/// Take one's data along.
///
/// Everything that is kept about the account, but for secrets and their digests.
#[utoipa::path(get, path = "/me/export", tag = "Me", operation_id = "export_me", security(("bearer" = [])),
    responses((status = 200, description = "The data.", body = serde_json::Value)))]
pub(super) async fn export(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let data = call.state().auth.export(&principal, &call.origin()).await.map_err(|error| call.refuse(error))?;
    Ok(call.answer_with(StatusCode::OK, &data))
}

/// Leave.
///
/// Every session ends. The data is deleted after a grace, in which signing in offers to stay.
#[utoipa::path(delete, path = "/me", tag = "Me", operation_id = "delete_me", security(("bearer" = [])),
    responses((status = 202, description = "The account will be deleted.", body = DeletionView)))]
pub(super) async fn leave(Caller { call, principal }: Caller) -> Result<Response<Body>, Response<Body>> {
    let at =
        call.state().auth.request_deletion(&principal, &call.origin()).await.map_err(|error| call.refuse(error))?;
    call.clear_kept(&[Kind::Session]);
    Ok(call.answer_with(StatusCode::ACCEPTED, &DeletionView { delete_at: at.rfc3339() }))
}

/// Stay after all.
#[utoipa::path(post, path = "/me/restore", tag = "Me", operation_id = "restore_me", security(("bearer" = [])),
    responses((status = 200, description = "The account stays.", body = AccountView)))]
pub(super) async fn restore(Leaver { call, principal }: Leaver) -> Result<Response<Body>, Response<Body>> {
    call.state().auth.undo_deletion(&principal, &call.origin()).await.map_err(|error| call.refuse(error))?;
    call.answer_account(&principal.account).await
}

impl Call {
    /// The account as it is after a change.
    pub(super) async fn answer_account(&self, account: &Account) -> Result<Response<Body>, Response<Body>> {
        let found = self.state().auth.account(account.id).await.map_err(|error| self.refuse(error))?;
        let account = found.ok_or_else(|| self.refuse(AuthError::NotSignedIn))?;
        Ok(self.answer_with(StatusCode::OK, &AccountView::from(&account)))
    }
}
