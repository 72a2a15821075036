//! `kill -9` while mails leave: each owed one arrives at least once, and doubles can be told by their Message-ID.

use super::{
    Rig, comes_true,
    kills::{register, try_register},
    patiently,
    row::{Chance, Size, Tally},
};
use crate::{
    harness::{Caller, Engine},
    smtp_server::{Arrived, Fault, SmtpServer, Tls},
};
use futures::future::{join, join_all};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

const NEWCOMERS: u32 = 2;

/// The settings of a server that mails through `url` and does not wait long.
pub fn quick_mail(url: &str) -> [(&str, &str); 7] {
    [
        ("MAIL__TRANSPORT", "smtp"),
        ("MAIL__SMTP_URL", url),
        ("MAIL__TIMEOUT", "2"),
        ("MAIL__LEASE", "10"),
        ("MAIL__BACKOFF", "1"),
        ("MAIL__MAX_BACKOFF", "2"),
        ("MAIL__POLL", "1"),
    ]
}

/// Somebody registers, and the server is killed while the mail that confirms the address is on its way.
pub async fn kills(engine: Engine, size: Size, mut chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(6, 200), Tally::default());
    let smtp = SmtpServer::start(Fault::None, Tls::None).await;
    let url = format!("smtp://{}", smtp.address());
    let mut rig = Rig::start(engine, &quick_mail(&url)).await;
    let start = Instant::now();
    assert!(register(&rig.server.caller(), "first".to_owned()).await);
    comes_true(10, async || !smtp.arrived().is_empty()).await;
    // From the beginning of the form to the end of its mail.
    let usual = start.elapsed();
    let mut names = vec!["first".to_owned()];
    for round in 0..rounds {
        let callers: Vec<Caller> = (0..NEWCOMERS).map(|_| rig.server.caller()).collect();
        let name = |number: usize| format!("new{round}x{number}");
        let asked = join_all(callers.iter().enumerate().map(|(number, caller)| register(caller, name(number))));
        // Later than in other loops: the mail leaves when the form is done.
        let moment = usual.mul_f64(0.5) + chance.within(usual.mul_f64(1.3));
        let killed = async {
            tokio::time::sleep(moment).await;
            rig.server.kill();
        };
        join(asked, killed).await;
        rig.server.restart().await;
        names.extend((0..callers.len()).map(name));
    }
    all_arrived(&rig, &smtp, &names, &tally).await;
    let doubles = are_recognisable(&smtp.arrived(), &tally);
    tally.expect(doubles <= u64::from(rounds), || format!("{doubles} doubles of {rounds} kills"));
    tally.note(format!("{} mails, {doubles} doubles", smtp.arrived().len()));
    rig.is_sound(&tally);
    (rounds, tally)
}

/// Whoever has an account has the mail that confirms its address.
pub async fn all_arrived(rig: &Rig, smtp: &SmtpServer, names: &[String], tally: &Tally) {
    let missing = || {
        let arrived = smtp.arrived();
        let have: BTreeSet<&str> = arrived.iter().map(|mail| mail.rcpt.as_str()).collect();
        let wants = |name: &&String| !have.contains(format!("RCPT TO:<{name}@example.com>").as_str());
        names.iter().filter(wants).cloned().collect::<Vec<_>>()
    };
    comes_true(3, async || missing().is_empty()).await;
    // Whoever has no account registers now: then everybody is owed a mail, and nobody is forgotten here.
    for name in missing() {
        let again = patiently(async || try_register(&rig.server.caller(), &name).await).await;
        let settled = again.as_ref().is_ok_and(|again| [200, 422].contains(&again.status));
        tally.expect(settled, || format!("{name} registers again: {again:?}"));
    }
    // A mail in hand at a kill waits for the end of its lease.
    comes_true(60, async || missing().is_empty()).await;
    let missing: BTreeSet<String> = missing().into_iter().collect();
    for name in names {
        tally.expect(!missing.contains(name), || format!("the mail to {name}"));
    }
}

/// How many mails came more than once. Those are the same: one Message-ID, one recipient, one link.
pub fn are_recognisable(arrived: &[Arrived], tally: &Tally) -> u64 {
    let mut known: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let (mut doubles, mut whose) = (0, BTreeMap::new());
    for mail in arrived {
        let (id, links) = (message_id(mail), links(mail));
        tally.expect(!links.is_empty(), || format!("{id} has no link: {}", mail.source));
        let this = (mail.rcpt.clone(), links);
        if let Some(first) = known.get(&id) {
            doubles += 1;
            tally.expect(*first == this, || format!("{id} differs from its double: {first:?}, {this:?}"));
        } else {
            // Each of these people is owed one mail: another Message-ID would be a double that nobody recognises.
            let other = whose.insert(mail.rcpt.clone(), id.clone());
            tally.expect(other.is_none(), || format!("{} has {id} and {other:?}", mail.rcpt));
            known.insert(id, this);
        }
    }
    doubles
}

fn message_id(mail: &Arrived) -> String {
    let line = mail.source.lines().find_map(|line| line.strip_prefix("Message-ID: "));
    line.unwrap_or_default().trim().to_owned()
}

/// The links with a secret, of the text and the HTML, each once.
fn links(mail: &Arrived) -> Vec<String> {
    let plain = mail.source.replace("=\n", "").replace("=3D", "=").replace("&amp;", "&");
    let words = plain.split(|at: char| at.is_whitespace() || "\"<>'".contains(at));
    let links: BTreeSet<&str> = words.filter(|word| word.starts_with("http://") && word.contains("token=")).collect();
    links.into_iter().map(str::to_owned).collect()
}
