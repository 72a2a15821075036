//! Whether the server lives, and whether it can do its work: for supervisors, balancers and programs that watch.

use super::{AppState, problem::BUSY_RETRY, stopping::Stopping};
use crate::server::auth::Readiness;
use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

/// The process lives; nothing else is asked, the database least of all: a restart would not help it.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// 200 while people can sign in here; whether their mails leave too is said, and no more. 503 if the database is away or
/// not of this version, and while the server stops. One line of text, or JSON for who asks for it.
pub(super) async fn ready(
    State(state): State<AppState>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Response<Body> {
    let readiness = state.auth.readiness().await;
    let why_not = if stopping.is_some() {
        Some("this server is stopping")
    } else if !readiness.database {
        Some("the database does not answer")
    } else if !readiness.migrations {
        Some("the database does not have the tables of this version yet")
    } else {
        None
    };
    if is_for_program(&headers) {
        let body = Json(report(readiness, stopping.is_some()));
        return match why_not {
            Some(_) => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, BUSY_RETRY)], body).into_response(),
            None => body.into_response(),
        };
    }
    match why_not {
        Some(why) => {
            let said = format!("unready: {why}\n");
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, BUSY_RETRY)], said).into_response()
        }
        None if readiness.is_mail_delayed() => "degraded: mail is delayed\n".into_response(),
        None => "ready\n".into_response(),
    }
}

/// Whether JSON is asked for by name: a browser and most probes take anything.
fn is_for_program(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut media = accept.flat_map(|value| value.split(',')).filter_map(|media| media.split(';').next());
    media.any(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

fn report(readiness: Readiness, stopping: bool) -> Value {
    let status = match readiness {
        Readiness { database: true, migrations: true, .. } if stopping => "unready",
        Readiness { database: true, migrations: true, .. } if readiness.is_mail_delayed() => "degraded",
        Readiness { database: true, migrations: true, .. } => "ready",
        Readiness { .. } => "unready",
    };
    let known = |word: &'static str| if readiness.database { word } else { "unknown" };
    json!({
        "status": status,
        "checks": {
            "server": if stopping { "stopping" } else { "ok" },
            "database": if readiness.database { "ok" } else { "away" },
            "migrations": known(if readiness.migrations { "ok" } else { "missing" }),
            "mail": match readiness.mail_oldest {
                _ if !readiness.migrations => "unknown",
                _ if readiness.is_mail_delayed() => "delayed",
                _ => "ok",
            },
            "mail_oldest_seconds": readiness.mail_oldest,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_ask_for_it_by_name() {
        for (accept, asked) in [
            ("application/json", true),
            ("text/html, Application/JSON;q=0.9", true),
            ("*/*", false),
            ("text/html,application/xhtml+xml", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(is_for_program(&headers), asked, "{accept}");
        }
        assert!(!is_for_program(&HeaderMap::new()));
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let away = Readiness { database: false, migrations: false, mail_oldest: None };
        let report = report(away, false);
        assert_eq!(report["status"], "unready");
        let checks = &report["checks"];
        assert_eq!(
            (&checks["database"], &checks["migrations"], &checks["mail"]),
            (&json!("away"), &json!("unknown"), &json!("unknown"))
        );
    }
}
