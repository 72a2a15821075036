//! A property test of the session against a model: random interleavings of several holders, lost answers, waits and
//! restored backups, on both engines. The model is the table of `tokens.md`, written down a second time.

use crate::harness::{App, Engine};
use doorward::{
    domain::{account::AccountId, factor::SignInMethod},
    server::{
        auth::{AuthError, AuthService, Origin},
        crypto::{Keys, RefreshTokens, Rid},
        entropy::{Entropy as _, SystemEntropy},
        store::{
            Store,
            accounts::{self, NewAccount},
            sessions::{self, NewSession},
        },
    },
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, prop_oneof},
    test_runner::{Config, TestCaseError, TestRunner},
};
use secrecy::ExposeSecret as _;

const WINDOW: i64 = 60;
const HOLDERS: usize = 3;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A holder refreshes and gets the answer.
    Refresh(usize),
    /// A holder refreshes and the answer is lost: it goes on with the token it had.
    Lose(usize),
    /// One holder copies the token of another: a second tab, or a theft.
    Copy { from: usize, to: usize },
    /// Time passes.
    Wait(i64),
    /// A backup is taken; a later restore goes back to it.
    Backup,
    /// The database is restored from the last backup.
    Restore,
}

fn steps(holders: usize) -> impl Strategy<Value = Vec<Step>> {
    let who = 0..holders;
    let step = prop_oneof![
        6 => who.clone().prop_map(Step::Refresh),
        2 => who.clone().prop_map(Step::Lose),
        1 => (who.clone(), who).prop_map(|(from, to)| Step::Copy { from, to }),
        3 => prop_oneof![Just(0), Just(1), Just(WINDOW), Just(WINDOW + 1), Just(3600)].prop_map(Step::Wait),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ];
    vec(step, 1..30)
}

/// The model: what `tokens.md` says the row is.
#[derive(Clone, Copy, Debug)]
struct Model {
    counter: i64,
    parent: i64,
    minted_at: i64,
    alive: bool,
}

impl Model {
    /// The counter that the presenter of `presented` gets, or none.
    fn refresh(&mut self, presented: i64, now: i64) -> Option<i64> {
        if !self.alive {
            return None;
        }
        let in_window = now - self.minted_at <= WINDOW;
        match presented {
            newest if newest == self.counter => (self.parent, self.counter, self.minted_at) = (newest, newest + 1, now),
            future if future > self.counter => (self.parent, self.counter, self.minted_at) = (future, future + 1, now),
            parent if parent == self.parent && in_window => {}
            parent if parent == self.parent => (self.counter, self.minted_at) = (self.counter + 1, now),
            _ => self.alive = false,
        }
        self.alive.then_some(self.counter)
    }
}

/// The real thing beside the model.
struct World {
    app: App,
    auth: AuthService,
    tokens: RefreshTokens,
    account: AccountId,
}

impl World {
    async fn start(engine: Engine) -> Self {
        let app = App::start(engine).await;
        let keys = Keys::load_or_create(&app.settings.keys, &SystemEntropy, crate::harness::START).unwrap();
        let account = AccountId(7);
        let new = NewAccount {
            id: account,
            email: "mona@example.com".into(),
            email_key: "mona@example.com".into(),
            username: "mona".into(),
            username_key: "mona".into(),
            first_name: String::new(),
            last_name: String::new(),
            password_hash: Some("none".into()),
        };
        app.store
            .write(move |tx| Box::pin(async move { accounts::insert(tx, &new, crate::harness::START).await }))
            .await
            .unwrap();
        Self { auth: app.auth.clone(), tokens: RefreshTokens::new(&keys), account, app }
    }

    async fn open(&self) -> Rid {
        let rid = Rid::random(&SystemEntropy);
        let mut sid = [0; 16];
        SystemEntropy.fill(&mut sid);
        let now = doorward::server::clock::Clock::now(self.app.clock.as_ref());
        let new = NewSession {
            rid: rid.to_text(),
            sid: sid.iter().map(|byte| char::from(b'a' + byte % 26)).collect(),
            account: self.account,
            expires_at: now.plus(1 << 30),
            idle_seconds: 1 << 30,
            remembered: true,
            epoch: 0,
            device_label: String::new(),
            user_agent: String::new(),
            ip: String::new(),
            method: SignInMethod::Password,
        };
        self.app.store.write(move |tx| Box::pin(async move { sessions::insert(tx, &new, now).await })).await.unwrap();
        rid
    }

    async fn refresh(&self, rid: &Rid, counter: i64) -> Option<i64> {
        let token = self.tokens.mint(rid, counter.unsigned_abs());
        match self.auth.refresh(Some(token.expose_secret()), &Origin::default()).await {
            Ok(opened) => {
                let presented = self.tokens.parse(opened.cookie.token.expose_secret()).unwrap();
                Some(i64::try_from(presented.counter).unwrap())
            }
            Err(AuthError::NotSignedIn) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn now(&self) -> i64 {
        doorward::server::clock::Clock::now(self.app.clock.as_ref()).0
    }

    /// Plays the steps on both, and says whether the session lives at the end.
    async fn play(&self, steps: &[Step]) -> Result<bool, TestCaseError> {
        let rid = self.open().await;
        let mut model = Model { counter: 1, parent: 1, minted_at: self.now(), alive: true };
        let (mut holders, mut backup) = ([1; HOLDERS], model);
        for (at, step) in steps.iter().enumerate() {
            match *step {
                Step::Wait(seconds) => self.app.clock.advance(seconds),
                Step::Copy { from, to } => holders[to] = holders[from],
                Step::Backup => backup = model,
                Step::Restore => {
                    model = backup;
                    restore(&self.app.store, &rid, model).await;
                }
                Step::Refresh(who) | Step::Lose(who) => {
                    let expected = model.refresh(holders[who], self.now());
                    let got = self.refresh(&rid, holders[who]).await;
                    if got != expected {
                        return Err(TestCaseError::fail(format!("step {at}: {got:?} instead of {expected:?}")));
                    }
                    if let (Step::Refresh(_), Some(counter)) = (step, got) {
                        holders[who] = counter;
                    }
                }
            }
        }
        Ok(model.alive)
    }
}

async fn restore(store: &Store, rid: &Rid, to: Model) {
    let rid = rid.to_text();
    let write = store.write(move |tx| {
        Box::pin(async move {
            let sql = "UPDATE sessions SET counter = $2, parent = $3, minted_at = $4,
                                           revoked_at = CASE WHEN $5 = 1 THEN NULL ELSE minted_at END WHERE rid = $1";
            let query = sqlx::query(sql).bind(rid).bind(to.counter).bind(to.parent).bind(to.minted_at);
            query.bind(i64::from(to.alive)).execute(tx).await?;
            Ok(())
        })
    });
    write.await.unwrap();
}

fn against_the_model(engine: Engine, holders: usize, must_live: bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::start(engine));
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let result = runner.run(&steps(holders), |steps| {
        let alive = runtime.block_on(world.play(&steps))?;
        if must_live && !alive {
            return Err(TestCaseError::fail("an honest holder was signed out"));
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn any_interleaving_is_as_the_model_says_on_sqlite() {
    against_the_model(Engine::Sqlite, HOLDERS, false);
}

#[test]
fn any_interleaving_is_as_the_model_says_on_postgres() {
    against_the_model(Engine::Postgres, HOLDERS, false);
}

#[test]
fn one_holder_is_never_signed_out_by_losses_waits_and_restores_on_sqlite() {
    against_the_model(Engine::Sqlite, 1, true);
}

#[test]
fn one_holder_is_never_signed_out_by_losses_waits_and_restores_on_postgres() {
    against_the_model(Engine::Postgres, 1, true);
}
