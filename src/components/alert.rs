//! What is said above a form: a problem, or a notice that all is well.

use crate::domain::problem::Problem;
use leptos::prelude::*;

/// What a problem says to people, with when to try again.
#[must_use]
pub fn told(problem: &Problem) -> String {
    // Nobody sees the field for a passkey, so what is wrong with it is said here.
    let unseen = problem.fields.iter().find(|error| error.field.ends_with("credential"));
    let detail = unseen.map_or(&problem.detail, |error| &error.message);
    let Some(seconds) = problem.retry_after.filter(|seconds| *seconds > 0) else {
        return detail.clone();
    };
    // From two minutes on nobody counts seconds. Minutes are rounded up: earlier would be in vain.
    let (count, unit) = match seconds {
        1 => (1, " second."),
        2..120 => (seconds, " seconds."),
        _ => (seconds.div_ceil(60), " minutes."),
    };
    [detail.as_str(), " You can try again in ", count.to_string().as_str(), unit].concat()
}

/// The place for a form's problem. It is always in the page, so that a script only has to fill it.
#[component]
pub fn ProblemAlert(
    /// The problem to show; none leaves the place empty and hidden.
    #[prop(optional_no_strip)]
    problem: Option<Problem>,
) -> impl IntoView {
    // Without scripts the focus goes where a script would move it: to the alert, unless a field says more.
    let unseen = |field: &str| field.ends_with("credential");
    let focus = problem.as_ref().is_some_and(|problem| problem.fields.iter().all(|error| unseen(&error.field)));
    view! {
        <div
            class="alert"
            role="alert"
            tabindex="-1"
            data-alert=""
            hidden=problem.is_none()
            autofocus=focus
        >
            {problem.as_ref().map(told)}
        </div>
    }
}

/// Something good or neutral that a page has to say.
#[component]
pub fn Notice(children: Children) -> impl IntoView {
    view! {
        <div class="notice" role="status">
            {children()}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::problem::{Code, FieldError};

    fn busy(retry_after: Option<u64>) -> String {
        told(&Problem { retry_after, ..Problem::new(Code::Unavailable, 503, "We are busy.") })
    }

    #[test]
    fn what_is_wrong_with_a_passkey_is_said_where_it_is_seen() {
        let of = |field: &str| told(&Problem::invalid(vec![FieldError::new(field, "That passkey did not work.")]));
        assert_eq!(of("credential"), "That passkey did not work.");
        assert_eq!(of("proof_credential"), "That passkey did not work.");
        assert_eq!(of("name"), "Please check the fields marked below.");
    }

    #[test]
    fn a_problem_says_when_to_try_again() {
        assert_eq!(busy(None), "We are busy.");
        assert_eq!(busy(Some(0)), "We are busy.");
        assert_eq!(busy(Some(1)), "We are busy. You can try again in 1 second.");
        assert_eq!(busy(Some(119)), "We are busy. You can try again in 119 seconds.");
        assert_eq!(busy(Some(121)), "We are busy. You can try again in 3 minutes.");
    }
}
