//! What a form holds that a mail led to: its link's secret, or its code.

use super::{
    context::{MailedLink, Posted},
    error_of, focus_on,
};
use crate::components::Field;
use leptos::prelude::*;

/// The hidden fields of a mailed link.
pub(super) fn linked(link: MailedLink) -> impl IntoView {
    view! {
        <input type="hidden" name="uid" value=link.uid />
        <input type="hidden" name="token" value=link.token />
    }
}

/// The field for the mailed code.
pub(super) fn coded(posted: &Posted, hint: &'static str) -> impl IntoView + use<> {
    view! {
        <Field
            name="code"
            label="Code from the mail"
            autocomplete="one-time-code"
            inputmode=Some("numeric")
            hint=hint
            value=posted.value("code")
            error=error_of(posted, "code")
            autofocus=focus_on(posted, "code", true)
        />
    }
}
