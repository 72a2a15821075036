//! The clock of the machine jumps by an hour, forth and back, under a running server (libfaketime).

use super::{
    Rig, borrowed, comes_true,
    kills::register,
    post::quick_mail,
    refreshed,
    row::{Chance, Size, Tally},
    variables,
};
use crate::{
    harness::{Caller, Engine, PASSWORD, Process, new_database},
    smtp_server::{Fault, SmtpServer, Tls},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Seconds that the clock is off, one after the other: each jump goes by an hour, or by two.
const OFFSETS: [i64; 6] = [3600, 0, -3600, 0, 3600, -3600];
/// What one try costs by `throttle.login_name`, seconds.
const ONE_TRY: u64 = 60;
/// The longest wait of `throttle.login_slowest`, seconds.
const SLOWEST: u64 = 900;

/// Nobody is signed out, nobody is called a thief, mails leave, and nobody is locked out for the length of a jump.
pub async fn jumps(engine: Engine, size: Size, _chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(1, 10), Tally::default());
    let smtp = SmtpServer::start(Fault::None, Tls::None).await;
    let url = format!("smtp://{}", smtp.address());
    let limits = [
        ("THROTTLE__LOGIN_NAME", "5/5m"),
        ("THROTTLE__LOGIN_NAME_TOTAL", "50/365d"),
        ("THROTTLE__REFRESH", "60/1m"),
        ("SESSION__PER_ACCOUNT", "1000"),
    ];
    let rig = rig(engine, &[&quick_mail(&url)[..], &limits].concat()).await;
    let people = rig.people(3).await;
    for round in 0..rounds {
        for (number, offset) in OFFSETS.into_iter().enumerate().take(size.of(3, OFFSETS.len())) {
            let mark = format!("r{round}j{number}");
            let guest = before_the_jump(&rig, &smtp, &mark, &tally).await;
            set(rig.folder.path(), offset);
            smtp.set_fault(Fault::None);
            after_the_jump(&rig, &people, &guest, (&mark, offset), &tally).await;
            let to = format!("RCPT TO:<{mark}@example.com>");
            let came = comes_true(20, async || smtp.arrived().iter().any(|mail| mail.rcpt == to)).await;
            tally.expect(came, || format!("{mark}: the mail written before a jump to {offset} s does not come"));
        }
    }
    rig.is_sound(&tally);
    (rounds, tally)
}

async fn rig(engine: Engine, extra: &[(&str, &str)]) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let database = new_database(engine, &folder).await;
    let mut variables = variables(&database, extra);
    set(folder.path(), 0);
    let (file, library) = (folder.path().join("clock"), library());
    let fake = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // Time that only measures does not jump, as on a real machine.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    variables.extend(fake.map(|(name, value)| (name.to_owned(), value)));
    let server = Process::start(folder.path(), &borrowed(&variables)).await;
    Rig { server, cluster: None, variables, folder }
}

/// Puts the server's clock that many seconds off.
fn set(folder: &Path, offset: i64) {
    let beside = folder.join("clock.new");
    fs::write(&beside, format!("{offset:+}s\n")).unwrap();
    fs::rename(beside, folder.join("clock")).unwrap();
}

/// Somebody registers, and mistypes the password; the mail to them has to wait and is tried again.
async fn before_the_jump(rig: &Rig, smtp: &SmtpServer, mark: &str, tally: &Tally) -> Caller {
    smtp.set_fault(Fault::Recipient("451 4.7.1 later"));
    let guest = rig.server.caller();
    tally.expect(register(&guest, mark.to_owned()).await, || format!("{mark} could not register"));
    for _ in 0..3 {
        let status = rig.server.caller().log_in(mark, "a wrong guess of mine").await.status;
        tally.expect(status == 401, || format!("{mark}: a wrong password: {status}"));
    }
    let failed = || smtp.commands().iter().any(|line| line.contains(&format!("<{mark}@example.com>")));
    tally.expect(comes_true(20, async || failed()).await, || format!("{mark}: no mail was tried"));
    guest
}

async fn after_the_jump(rig: &Rig, people: &[Caller], guest: &Caller, at: (&str, i64), tally: &Tally) {
    let (mark, offset) = at;
    for person in people.iter().chain([guest]) {
        let token = refreshed(person).await;
        if let Ok(token) = &token {
            let me = person.get("/me", token).await;
            tally.expect(me.status == 200, || format!("{mark}, at {offset} s: /me {} {}", me.status, me.text));
        }
        tally.count(&format!("{mark}, at {offset} s"), token.map(drop));
    }
    // Three of five tries were used. Where the clock was set back they may count as five, and no more than that.
    let right = rig.server.caller().log_in(mark, PASSWORD).await;
    let wait = right.header("retry-after").parse::<u64>().unwrap_or(u64::MAX);
    tally.expect(right.status == 200 || wait <= ONE_TRY, || {
        format!("{mark}, at {offset} s: sign-in {}, retry-after {wait}", right.status)
    });
    for _ in 0..8 {
        let wrong = rig.server.caller().log_in(mark, "a wrong guess of mine").await;
        let wait = wrong.header("retry-after").parse::<u64>().unwrap_or(0);
        tally.expect(wait <= SLOWEST, || format!("{mark}, at {offset} s: locked for {wait} s"));
    }
}

/// The library for programs with threads.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    files.find(|file| file.is_file()).expect("libfaketime: `cargo xtask test` installs it (faketime)")
}
