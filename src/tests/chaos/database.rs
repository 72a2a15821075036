//! PostgreSQL is restarted, gently and as by a crash, while people sign in, refresh and look at pages.

use super::{
    PATIENCE, Rig, comes_true, is_still_signed_in,
    row::{Chance, Size, Tally},
};
use crate::harness::{Answer, Caller, Cluster, Engine, PASSWORD, Stop};
use futures::future::{join, join_all};
use reqwest::Method;
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

const PEOPLE: usize = 8;

/// Every answer is right, or 503 and says when to come again; all is well again by itself.
pub async fn restarted(_: Engine, size: Size, mut chance: Chance) -> (u32, Tally) {
    let (rounds, tally) = (size.rounds(2, 30), Tally::default());
    let cluster = Cluster::start();
    let rig = Rig::start_on(tempfile::tempdir().unwrap(), &cluster.url(), &[("DATABASE__ACQUIRE_TIMEOUT", "2")]).await;
    let people = rig.people(PEOPLE).await;
    let (over, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let load = join_all(people.iter().enumerate().map(async |(number, person)| {
        let name = format!("holder{number}");
        let mut turn = number;
        while !over.load(Ordering::Relaxed) {
            turn += 1;
            let answer = tokio::time::timeout(PATIENCE, one_visit(turn, person, &name)).await;
            let answer =
                answer.map_err(|_| "no answer".to_owned()).and_then(|it| it.map_err(|error| error.to_string()));
            refused.fetch_add(u64::from(answer.as_ref().is_ok_and(|answer| answer.status == 503)), Ordering::Relaxed);
            tally.count(&format!("kind {}", turn % 4), answer.and_then(is_honest));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }));
    let restarts = async {
        for round in 0..rounds {
            tokio::time::sleep(Duration::from_millis(300) + chance.within(Duration::from_millis(500))).await;
            cluster.stop(if round % 2 == 0 { Stop::Immediate } else { Stop::Fast });
            tokio::time::sleep(chance.within(Duration::from_millis(800))).await;
            cluster.start_again();
            let caller = rig.server.caller();
            let well = comes_true(20, async || caller.page("/readyz").await.status == 200).await;
            tally.expect(well, || format!("round {round}: not ready 20 s after the database was back"));
        }
        over.store(true, Ordering::Relaxed);
    };
    join(load, restarts).await;
    for (number, person) in people.iter().enumerate() {
        tally.count(&format!("holder {number} at the end"), is_still_signed_in(person).await);
    }
    tally.note(format!("{} answers were 503", refused.load(Ordering::Relaxed)));
    rig.is_sound(&tally);
    (rounds, tally)
}

async fn one_visit(turn: usize, person: &Caller, name: &str) -> reqwest::Result<Answer> {
    match turn % 4 {
        0 => person.try_action("refresh", &[]).await,
        1 => Caller::new(person.base()).try_action("log_in", &[("identifier", name), ("password", PASSWORD)]).await,
        2 => person.try_send(person.request(Method::GET, "/login").header("accept", "text/html")).await,
        _ => {
            let refreshed = person.try_action("refresh", &[]).await?;
            if refreshed.status != 200 {
                return Ok(refreshed);
            }
            let token = refreshed.token();
            person.try_send(person.request(Method::GET, "/api/v1/me").bearer_auth(token)).await
        }
    }
}

/// Right, or 503 with the time to come again.
pub fn is_honest(answer: Answer) -> Result<(), String> {
    match answer.status {
        200..400 => Ok(()),
        503 if !answer.header("retry-after").is_empty() => Ok(()),
        _ => Err(format!("{} {}", answer.status, answer.text.chars().take(200).collect::<String>())),
    }
}
