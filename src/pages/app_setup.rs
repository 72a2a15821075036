//! How an authenticator app is set up: a picture to scan, the secret to type where no picture can be read, and its first code.

use super::context::{NewApp, Picture};
use leptos::prelude::*;

/// Letters of the secret in a group.
const GROUP: usize = 4;

/// The picture and the secret.
pub(super) fn secret_of(app: &NewApp) -> impl IntoView + use<> {
    let secret = app.waiting.secret.as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    let picture = app.picture.clone().map(drawn);
    view! {
        <ol class="steps">
            <li>"Open an authenticator app on your phone, and scan this picture."</li>
            <li>"Then type the code that the app shows."</li>
        </ol>
        {picture}
        <details class="aside">
            <summary class="link">"You cannot scan it?"</summary>
            <p>
                "Type this key into your app, or "
                <a class="link" href=app.waiting.url.clone() rel="external">
                    "open the app on this device"
                </a> ". It is for codes of six digits that change every 30 seconds."
            </p>
            <p class="secret-text" translate="no">
                <code>{secret}</code>
            </p>
        </details>
    }
}

fn drawn(picture: Picture) -> impl IntoView {
    let side = picture.side.to_string();
    view! {
        <svg
            class="qr"
            viewBox=["0 0 ", &side, " ", &side].concat()
            role="img"
            aria-label="QR code with the key of your authenticator app"
            shape-rendering="crispEdges"
        >
            <path d=picture.path></path>
        </svg>
    }
}
