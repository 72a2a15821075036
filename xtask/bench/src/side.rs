//! A server with accounts to ask it for: one side of every row.

use crate::{
    Outcome, Plan,
    door::{Door, Engine, House},
    load::{Same, Scripts},
    scale,
    scripts::{self, Rotate, Session, SignIn},
};
use std::{path::Path, time::Duration};

/// Accounts whose sessions are used, and accounts that sign in: a sign-in ends the account's oldest session at some point.
const USED: usize = 64;
const SIGNING_IN: usize = 32;

/// A server, its database, and the accounts that are its callers'.
pub struct Side {
    /// The one that runs. It ends before its database does.
    pub door: Door,
    /// Where its servers are started.
    pub house: House,
    /// The first `USED` are used, the others only sign in.
    sessions: Vec<Session>,
}

impl Side {
    /// A new one, with so many accounts and sessions in its database beside those of its callers.
    ///
    /// # Errors
    /// It does not start, or refuses an account.
    pub fn new(binary: &Path, engine: &Engine, plan: Plan, size: (i64, i64)) -> Outcome<Self> {
        let house = House::new(binary, engine, plan.connections)?;
        let (door, _) = house.open()?;
        let sessions = scripts::register(door.address, (0..USED + SIGNING_IN).map(|at| format!("bench{at}")))?;
        scale::fill(&house.database(), size)?;
        let mut side = Self { door, house, sessions };
        side.start_again()?;
        Ok(side)
    }

    /// Another server on the same database, in place of the one that ran; gives the time to its first answer.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&mut self) -> Outcome<Duration> {
        self.door.end();
        let (door, took) = self.house.open()?;
        self.door = door;
        Ok(took)
    }

    /// Callers that sign in.
    pub fn signing_in(&self, callers: usize, may_be_busy: bool) -> Scripts {
        let accounts = self.sessions.iter().skip(USED).cycle().take(callers);
        let server = self.door.address;
        accounts.map(|session| Box::new(SignIn { server, session: session.clone(), may_be_busy }) as _).collect()
    }

    /// Callers that ask who they are.
    ///
    /// # Errors
    /// A sign-in is refused.
    pub fn asking_me(&self, callers: usize) -> Outcome<Scripts> {
        let server = self.door.address;
        let one = |session| Ok(Box::new(Same(scripts::me(server, &scripts::log_in(server, session)?.access))) as _);
        self.sessions.iter().take(callers).map(one).collect()
    }

    /// Callers that refresh, each some sessions in turn. They take new ones: whoever refreshes must know the newest token.
    ///
    /// # Errors
    /// A sign-in is refused.
    pub fn refreshing(&self, callers: usize) -> Outcome<Scripts> {
        let server = self.door.address;
        let used = self.sessions.iter().take(USED);
        let fresh = used.map(|session| scripts::log_in(server, session)).collect::<Outcome<Vec<_>>>()?;
        let shares = fresh.chunks(USED / callers);
        Ok(shares.map(|share| Box::new(Rotate { server, sessions: share.to_vec(), at: 0 }) as _).collect())
    }

    /// The cookie of a browser that is signed in.
    ///
    /// # Errors
    /// The sign-in is refused.
    pub fn cookie(&self) -> Outcome<String> {
        scripts::cookie(self.door.address, self.sessions.first().ok_or("no session")?)
    }
}
