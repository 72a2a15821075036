//! A mail server that refuses, hangs, drops the line after DATA or has no TLS: people notice nothing, and mails come when
//! it is well again.

use super::{
    Rig, borrowed, comes_true,
    kills::register,
    post::{all_arrived, are_recognisable, quick_mail},
    row::{Chance, Size, Tally},
    variables,
};
use crate::{
    harness::{Engine, new_database},
    smtp_server::{Fault, SmtpServer, Tls},
};
use std::net::SocketAddr;

const NEWCOMERS: usize = 3;

/// What the mail server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Nobody listens.
    Away,
    /// As this says.
    Fault(Fault),
}

const TROUBLES: [Trouble; 4] = [
    Trouble::Away,
    Trouble::Fault(Fault::Recipient("451 4.7.1 later")),
    Trouble::Fault(Fault::Silence),
    Trouble::Fault(Fault::DropAfterData),
];

/// Each trouble in turn, then the missing TLS.
pub async fn misbehaves(engine: Engine, size: Size, _chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (1, Tally::default());
    let smtp = SmtpServer::start(Fault::None, Tls::None).await;
    let address = smtp.address();
    drop(smtp);
    let rig = Rig::start(engine, &quick_mail(&format!("smtp://{address}"))).await;
    for round in 0..rounds {
        for (number, trouble) in TROUBLES.into_iter().enumerate() {
            troubled(&rig, address, trouble, &format!("r{round}t{number}"), size, &tally).await;
        }
    }
    rig.is_sound(&tally);
    without_tls(engine, size, &tally).await;
    (rounds, tally)
}

async fn troubled(rig: &Rig, address: SocketAddr, trouble: Trouble, mark: &str, size: Size, tally: &Tally) {
    let mut smtp = match trouble {
        Trouble::Away => None,
        Trouble::Fault(fault) => Some(smtp_at(address, fault).await),
    };
    let names = people_notice_nothing(rig, mark, size, tally).await;
    match &smtp {
        Some(server) => server.set_fault(Fault::None),
        None => smtp = Some(smtp_at(address, Fault::None).await),
    }
    let Some(smtp) = smtp else { return };
    all_arrived(rig, &smtp, &names, tally).await;
    is_ready(rig, tally).await;
    let doubles = are_recognisable(&smtp.arrived(), tally);
    let may_double = trouble == Trouble::Fault(Fault::DropAfterData);
    tally.expect(may_double || doubles == 0, || format!("{trouble:?}: {doubles} doubles"));
    if may_double {
        tally.note(format!("line dropped after DATA: {} mails, {doubles} of them doubles", smtp.arrived().len()));
    }
}

/// A mail server where another one has just been stopped, which takes a moment.
async fn smtp_at(address: SocketAddr, fault: Fault) -> SmtpServer {
    comes_true(5, async || tokio::net::TcpListener::bind(address).await.is_ok()).await;
    SmtpServer::start_at(address, fault, Tls::None).await
}

/// People register while mails cannot leave, and pages answer. Returns when a mail has failed, and in the long form when
/// the server says that mail is delayed.
async fn people_notice_nothing(rig: &Rig, mark: &str, size: Size, tally: &Tally) -> Vec<String> {
    let failures = || rig.server.log().matches("mail not sent; it is tried again").count();
    let before = failures();
    let mut names = Vec::new();
    for number in 0..NEWCOMERS {
        let name = format!("{mark}x{number}");
        tally.expect(register(&rig.server.caller(), name.clone()).await, || format!("{name} could not register"));
        names.push(name);
        for path in ["/login", "/healthz", "/readyz"] {
            let status = rig.server.caller().page(path).await.status;
            tally.expect(status == 200, || format!("{path}: {status}"));
        }
    }
    let felt = comes_true(30, async || failures() > before).await;
    tally.expect(felt, || format!("{mark}: no mail failed, so nothing was proved"));
    // A mail counts as delayed after a minute.
    if size == Size::Full {
        let caller = rig.server.caller();
        let said = comes_true(90, async || caller.page("/readyz").await.text.starts_with("degraded")).await;
        tally.expect(said, || format!("{mark}: /readyz does not say that mail is delayed"));
    }
    names
}

async fn is_ready(rig: &Rig, tally: &Tally) {
    let caller = rig.server.caller();
    let well = comes_true(30, async || caller.page("/readyz").await.text == "ready\n").await;
    tally.expect(well, || "/readyz still says that mail is delayed".to_owned());
}

/// A server elsewhere that offers no STARTTLS gets nothing. When the operator has set another one, all mails leave.
async fn without_tls(engine: Engine, size: Size, tally: &Tally) {
    let smtp = SmtpServer::start(Fault::None, Tls::None).await;
    let port = smtp.address().port();
    // 0.0.0.0 leads to this machine, and is none of the names that may be spoken to in the clear.
    let url = format!("smtp://user:hunter2@0.0.0.0:{port}");
    let folder = tempfile::tempdir().unwrap();
    let database = new_database(engine, &folder).await;
    let mut rig = Rig::start_on(folder, &database, &quick_mail(&url)).await;
    let names = people_notice_nothing(&rig, "tls", size, tally).await;
    let told = smtp.commands().iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL"));
    tally.expect(!told && smtp.arrived().is_empty(), || "a password or a mail left without TLS".to_owned());
    rig.server.terminate();
    rig.variables = variables(&database, &quick_mail(&format!("smtp://localhost:{port}")));
    rig.server.ended().await;
    rig.server.restart_with(&borrowed(&rig.variables)).await;
    all_arrived(&rig, &smtp, &names, tally).await;
    is_ready(&rig, tally).await;
    let doubles = are_recognisable(&smtp.arrived(), tally);
    tally.expect(doubles == 0, || format!("no TLS: {doubles} doubles"));
    rig.is_sound(tally);
}
