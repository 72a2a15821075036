//! Which door a path belongs to, and the language in which a refusal is told there.

use super::{api, compat, layers::Inward, request_id::RequestId};
use crate::{domain::problem::Problem, paths};
use axum::{body::Body, extract::Request, http::Response};

/// A door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// For people: pages, their forms, server functions, files.
    Pages,
    /// For programs: the API.
    Api,
    /// For the front ends of Django.
    Compat,
}

impl Door {
    /// The door of a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if below(paths::API) {
            Self::Api
        } else if paths::COMPAT.iter().any(|root| below(root)) || path == paths::COMPAT_INDEX {
            Self::Compat
        } else {
            Self::Pages
        }
    }
}

/// Middleware: tells a problem in the words of its door, whoever in the house has refused the request.
pub async fn tell<N: Inward>(request: Request, next: N) -> Response<Body> {
    let door = Door::of(request.uri().path());
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    match door {
        Door::Pages => response,
        Door::Api => api::problem::told(response, problem, id),
        Door::Compat => compat::problem::told(response, &problem),
    }
}
