//! `kill -9` at random moments of refreshes, registrations and resets.

use super::{
    Rig, comes_true, is_still_signed_in, patiently,
    row::{Chance, Size, Tally},
};
use crate::harness::{Answer, Caller, Engine, OTHER_PASSWORD, PASSWORD, Stop, link_in};
use doorward::server::mailer::{KeptMail, Mailbox};
use futures::future::{join, join_all};
use std::time::{Duration, Instant};

/// How many do the same thing at the moment of the kill.
const HOLDERS: usize = 6;
const NEWCOMERS: u32 = 3;
const FORGETFUL: u32 = 2;

/// One round of this many kills PostgreSQL instead of us, where it is ours to kill.
const DATABASE_EVERY: u64 = 4;

impl Rig {
    /// Kills the server, or its database, at a random moment of `work` or a little after, and starts it again.
    async fn killed_during<T>(&mut self, chance: &mut Chance, usual: Duration, work: impl Future<Output = T>) -> T {
        let (moment, which) = (chance.within(usual.mul_f64(1.3)), chance.below(DATABASE_EVERY));
        let killed = async {
            tokio::time::sleep(moment).await;
            match &self.cluster {
                Some(cluster) if which == 0 => cluster.stop(Stop::Immediate),
                _ => self.server.kill(),
            }
        };
        let (done, ()) = join(work, killed).await;
        match &self.cluster {
            Some(cluster) if which == 0 => cluster.start_again(),
            _ => self.server.restart().await,
        }
        done
    }
}

/// Several people refresh, again and again. Whoever was signed in stays so, whatever became of the answer.
pub async fn refresh(engine: Engine, size: Size, mut chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(8, 200), Tally::default());
    let mut rig = Rig::to_be_killed(engine, size, &[]).await;
    let people = rig.people(HOLDERS).await;
    let start = Instant::now();
    join_all(people.iter().map(Caller::refresh)).await;
    let usual = start.elapsed();
    let mut answered = 0;
    for round in 0..rounds {
        let asked = join_all(people.iter().map(|holder| holder.try_action("refresh", &[])));
        let answers = rig.killed_during(&mut chance, usual, asked).await;
        answered += answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)).count();
        for (number, holder) in people.iter().enumerate() {
            tally.count(&format!("round {round}, holder {number}"), is_still_signed_in(holder).await);
        }
    }
    tally.note(format!("{answered} of {} were answered before the kill", rounds as usize * HOLDERS));
    rig.is_sound(&tally);
    (rounds, tally)
}

/// New accounts. Each is there whole after the kill, or not at all: then the same form makes it.
pub async fn registration(engine: Engine, size: Size, mut chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(5, 200), Tally::default());
    let mut rig = Rig::to_be_killed(engine, size, &[]).await;
    let start = Instant::now();
    let warm: Vec<Caller> = (0..NEWCOMERS).map(|_| rig.server.caller()).collect();
    let asked = warm.iter().enumerate().map(|(number, caller)| register(caller, format!("warm{number}")));
    join_all(asked).await;
    let (usual, mut made) = (start.elapsed(), 0);
    for round in 0..rounds {
        let callers: Vec<Caller> = (0..NEWCOMERS).map(|_| rig.server.caller()).collect();
        let name = |number: usize| format!("new{round}x{number}");
        let asked = join_all(callers.iter().enumerate().map(|(number, caller)| register(caller, name(number))));
        let answers = rig.killed_during(&mut chance, usual, asked).await;
        for (number, (caller, answered)) in callers.iter().zip(answers).enumerate() {
            let outcome = is_whole(&rig, caller, &name(number), answered).await;
            made += u32::from(outcome.as_ref().is_ok_and(|made| *made));
            tally.count(&name(number), outcome.map(drop));
        }
    }
    tally.note(format!("{made} of {} were made before the kill, the others after it", rounds * NEWCOMERS));
    rig.is_sound(&tally);
    (rounds, tally)
}

/// Whether the server said that the account is made.
pub async fn register(caller: &Caller, name: String) -> bool {
    try_register(caller, &name).await.is_ok_and(|answer| answer.status == 200)
}

/// The form of a new account, sent once.
pub async fn try_register(caller: &Caller, name: &str) -> reqwest::Result<Answer> {
    let email = format!("{name}@example.com");
    let fields = [("email", email.as_str()), ("username", name), ("password", PASSWORD), ("password_again", PASSWORD)];
    caller.try_action("register", &fields).await
}

/// As [`register`], with the patience that a database needs which has just been started.
async fn registers(caller: &Caller, name: &str) -> Result<(), String> {
    match patiently(async || try_register(caller, name).await).await? {
        answer if answer.status == 200 => Ok(()),
        answer => Err(format!("{} {}", answer.status, answer.text)),
    }
}

/// Whether this account can sign in with this password.
async fn can_sign_in(rig: &Rig, name: &str, password: &str) -> Result<bool, String> {
    let browser = rig.server.caller();
    let fields = [("identifier", name), ("password", password)];
    let answer = patiently(async || browser.try_action("log_in", &fields).await).await?;
    match answer.status {
        200 => Ok(true),
        401 => Ok(false),
        _ => Err(format!("sign-in: {} {}", answer.status, answer.text)),
    }
}

/// Whether the account was made before the kill; an error if it is there by half.
async fn is_whole(rig: &Rig, caller: &Caller, name: &str, answered: bool) -> Result<bool, String> {
    let made = can_sign_in(rig, name, PASSWORD).await?;
    if answered {
        if !made {
            return Err("it was answered with success and is not there".to_owned());
        }
        is_still_signed_in(caller).await?;
    }
    if !made {
        let made_now = registers(&rig.server.caller(), name).await;
        made_now.map_err(|why| format!("it is not there, and cannot be made either: {why}"))?;
    }
    Ok(made)
}

/// New passwords by mailed links. Either the old one works and the link is still good, or the new one works and every
/// session has ended.
pub async fn reset(engine: Engine, size: Size, mut chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(4, 200), Tally::default());
    let quick =
        [("MAIL__POLL", "1"), ("MAIL__LEASE", "10"), ("MAIL__TIMEOUT", "2"), ("REGISTRATION__CONFIRMATION", "off")];
    let mut rig = Rig::to_be_killed(engine, size, &quick).await;
    let (mut usual, mut changed) = (Duration::from_millis(200), 0);
    for round in 0..rounds {
        let mut forgetful = Vec::new();
        for number in 0..FORGETFUL {
            forgetful.push(Forgetful::new(&rig, format!("mona{round}x{number}")).await);
        }
        let links: Vec<Result<String, String>> = join_all(forgetful.iter().map(|person| person.link(&rig))).await;
        let start = Instant::now();
        let asked = join_all(
            forgetful
                .iter()
                .zip(&links)
                .map(|(person, link)| person.confirm(link.as_deref().unwrap_or_default(), &person.browser)),
        );
        let answers = if round == 0 {
            // The first ones are left in peace: they tell how long it takes.
            let answers = asked.await;
            usual = start.elapsed();
            answers
        } else {
            rig.killed_during(&mut chance, usual, asked).await
        };
        for ((person, link), answer) in forgetful.iter().zip(&links).zip(answers) {
            let outcome = person.is_consistent(&rig, link, answer.is_ok_and(|answer| answer.status == 200)).await;
            changed += u32::from(outcome.as_ref().is_ok_and(|changed| *changed));
            tally.count(&person.name, outcome.map(drop));
        }
    }
    tally.note(format!("{changed} of {} had the new password after the kill", rounds * FORGETFUL));
    rig.is_sound(&tally);
    (rounds, tally)
}

/// Somebody with a session who forgot the password.
struct Forgetful {
    name: String,
    session: Caller,
    /// Where the link is opened.
    browser: Caller,
}

impl Forgetful {
    async fn new(rig: &Rig, name: String) -> Self {
        let session = rig.server.caller();
        registers(&session, &name).await.unwrap();
        Self { name, session, browser: rig.server.caller() }
    }

    /// The link that was mailed.
    async fn link(&self, rig: &Rig) -> Result<String, String> {
        let to = format!("{}@example.com", self.name);
        let fields = [("email", to.as_str())];
        patiently(async || self.browser.try_action("request_password_reset", &fields).await).await?;
        let mailbox = Mailbox::new(rig.folder.path().join("data/mailbox"));
        let mut found = None;
        // A mail in hand at the kill comes when its lease has ended.
        let came = comes_true(25, async || {
            let of_reset = |mail: &KeptMail| mail.to == to && mail.text.contains("/reset-confirmation?");
            found = mailbox.list().unwrap_or_default().into_iter().find(of_reset);
            found.is_some()
        });
        let came = came.await;
        found.filter(|_| came).map(|mail| link_in(&mail.text, "http://localhost:3000")).ok_or("no mail".to_owned())
    }

    async fn confirm(&self, link: &str, browser: &Caller) -> reqwest::Result<Answer> {
        let query = link.split_once('?').map_or("", |(_, query)| query);
        let mut fields: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        fields.extend([("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)]);
        browser.try_action("confirm_password_reset", &fields).await
    }

    /// Whether the password was changed before the kill; an error if something was done by half.
    async fn is_consistent(&self, rig: &Rig, link: &Result<String, String>, answered: bool) -> Result<bool, String> {
        let link = link.as_ref().map_err(Clone::clone)?;
        let old = can_sign_in(rig, &self.name, PASSWORD).await?;
        let new = can_sign_in(rig, &self.name, OTHER_PASSWORD).await?;
        if old == new {
            return Err(format!("{} password works", if old { "each" } else { "neither" }));
        }
        if answered && !new {
            return Err("it was answered with success, and the old password works".to_owned());
        }
        let session = is_still_signed_in(&self.session).await;
        if new != session.is_err() {
            return Err(format!("new password: {new}, and its session: {session:?}"));
        }
        let browser = rig.server.caller();
        let again = patiently(async || self.confirm(link, &browser).await).await.map(|answer| answer.status);
        match (new, &again) {
            (true, Ok(422)) | (false, Ok(200)) => Ok(new),
            _ => Err(format!("new password: {new}, and its link then: {again:?}")),
        }
    }
}
