//! The disk under SQLite is full, and has room again.

use super::{
    Rig, borrowed,
    database::is_honest,
    is_still_signed_in,
    kills::register,
    refreshed,
    row::{Chance, Size, Tally},
    variables,
};
use crate::harness::{Caller, Engine, Process};
use reqwest::Method;
use sqlx::{Connection as _, Row as _};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Requests of each kind while the disk is full.
const TRIES: u32 = 12;

/// How the disk is made full.
enum Disk {
    /// A small file system of memory, filled with a file; unmounted at the end.
    Small(PathBuf),
    /// Where nobody may mount: no file of the server may grow (RLIMIT_FSIZE).
    Limit,
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small(at) = self {
            drop(Command::new("umount").arg("-l").arg(at).status());
        }
    }
}

impl Disk {
    fn new(folder: &TempDir) -> Self {
        let at = folder.path().join("small");
        fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=8m", "doorward-chaos"]).arg(&at).output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) { Self::Small(at) } else { Self::Limit }
    }

    fn fill(&self, rig: &Rig) {
        match self {
            Self::Small(at) => {
                let mut file = fs::File::create(at.join("filler")).unwrap();
                // Large pieces first, then to the last byte.
                for size in [65_536, 4096, 512, 1] {
                    while file.write_all(&vec![0; size]).is_ok() {}
                }
            }
            Self::Limit => limit(rig, "1000"),
        }
    }

    fn empty(&self, rig: &Rig) {
        match self {
            Self::Small(at) => fs::remove_file(at.join("filler")).unwrap(),
            Self::Limit => limit(rig, "unlimited"),
        }
    }
}

fn limit(rig: &Rig, bytes: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit.args(["--pid", &rig.server.id().to_string(), &format!("--fsize={bytes}:unlimited")]);
    assert!(prlimit.status().unwrap().success(), "prlimit: util-linux has it");
}

/// While there is no room, writes are refused with 503 and reads go on; afterwards everything works, and nothing is torn.
pub async fn full(_: Engine, size: Size, _chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(2, 20), Tally::default());
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(&folder);
    let at = if let Disk::Small(at) = &disk { at.clone() } else { folder.path().to_path_buf() };
    let database = at.join("doorward.db");
    let url = format!("sqlite:{}", database.display());
    // Its log is on the same disk.
    let variables = variables(&url, &[("REGISTRATION__CONFIRMATION", "off")]);
    let server = Process::start(&at, &borrowed(&variables)).await;
    let mut rig = Rig { server, cluster: None, variables, folder };
    let people = rig.people(2).await;
    for round in 0..rounds {
        let mut tokens = Vec::new();
        for person in &people {
            let token = refreshed(person).await;
            tokens.extend(token.clone().ok());
            tally.count(&format!("round {round}, before"), token.map(drop));
        }
        disk.fill(&rig);
        let mut refused = 0;
        for number in 0..TRIES {
            refused += while_full(&rig, &people, &tokens, (round, number), &tally).await;
        }
        tally.expect(refused > 0, || format!("round {round}: the disk was not full"));
        disk.empty(&rig);
        tally.expect(rig.server.is_running(), || format!("round {round}: the server has ended"));
        for (number, person) in people.iter().enumerate() {
            tally.count(&format!("round {round}, holder {number}"), is_still_signed_in(person).await);
        }
        let made = register(&rig.server.caller(), format!("after{round}")).await;
        tally.expect(made, || format!("round {round}: with room again, nobody can register"));
        tally.expect(quick_check(&database).await == "ok", || format!("round {round}: quick_check"));
    }
    tally.note(if matches!(disk, Disk::Small(_)) { "tmpfs of 8 MiB" } else { "no right to mount: RLIMIT_FSIZE" });
    rig.is_sound(&tally);
    drop((rig, disk));
    (rounds, tally)
}

/// One registration, refresh, page and look at the account; how many writes were refused.
async fn while_full(rig: &Rig, people: &[Caller], tokens: &[String], at: (u32, u32), tally: &Tally) -> u32 {
    let (round, number) = at;
    let mut refused = 0;
    let name = format!("full{round}x{number}");
    let email = format!("{name}@example.com");
    let password = crate::harness::PASSWORD;
    let form = [("email", email.as_str()), ("username", &name), ("password", password), ("password_again", password)];
    let newcomer = rig.server.caller();
    for (what, caller, action, fields) in
        [("registration", &newcomer, "register", &form[..]), ("refresh", &people[0], "refresh", &[])]
    {
        let answer = caller.try_action(action, fields).await;
        refused += u32::from(answer.as_ref().is_ok_and(|answer| answer.status == 503));
        tally.count(&format!("{what} while full"), answer.map_err(|error| error.to_string()).and_then(is_honest));
    }
    for (person, token) in people.iter().zip(tokens) {
        let me = person.try_send(person.request(Method::GET, "/api/v1/me").bearer_auth(token)).await;
        tally.expect(me.as_ref().is_ok_and(|me| me.status == 200), || format!("/api/v1/me while full: {me:?}"));
    }
    for path in ["/login", "/healthz"] {
        let page = newcomer.try_send(newcomer.request(Method::GET, path).header("accept", "text/html")).await;
        tally.expect(page.as_ref().is_ok_and(|page| page.status == 200), || format!("{path} while full: {page:?}"));
    }
    refused
}

async fn quick_check(database: &Path) -> String {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=rw", database.display());
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    let row = sqlx::query("PRAGMA quick_check").fetch_one(&mut connection).await.unwrap();
    row.try_get(0).unwrap()
}
