//! The drawings: the mark of the site and the eye of a password field. Colours come from the stylesheet.

use leptos::prelude::*;

/// The mark of the site: a door, a little way from being a keyhole.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect class="mark-wall" x="1" y="1" width="30" height="30" rx="9"></rect>
            <path class="mark-door" d="M10 26V13a6 6 0 0 1 12 0v13z"></path>
            <circle class="mark-wall" cx="18.4" cy="18.4" r="1.5"></circle>
        </svg>
    }
}

/// An open eye with a stroke that the stylesheet shows while the password is hidden.
#[component]
pub(super) fn Eye() -> impl IntoView {
    view! {
        <svg class="eye" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"></path>
            <circle cx="12" cy="12" r="3"></circle>
            <path class="eye-lid" d="M4 4l16 16"></path>
        </svg>
    }
}
