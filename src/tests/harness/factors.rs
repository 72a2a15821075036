//! Accounts with second factors, through the service: what is promised holds at every door.

pub use doorward::server::crypto::STEP;

use super::{App, Caller, Engine, PASSWORD};
use doorward::{
    domain::{account::AccountId, history::Event, problem::FieldError, time::Timestamp},
    server::{
        auth::{
            Answered, AuthError, AuthService, By, Challenged, FactorProof, LoggedIn, LoginForm, NewUser, Opened,
            Origin, Principal, Proof,
        },
        clock::Clock as _,
        compose::{Application, World},
        crypto::TotpSecret,
        entropy::SystemEntropy,
        settings::DEFAULTS,
        store::{accounts, audit},
    },
};
use secrecy::ExposeSecret as _;
use sqlx::Row as _;
use std::{fmt::Debug, sync::Arc};

/// Laid over the settings: the site has a name, as WebAuthn wants it.
pub const BY_NAME: &str = "server.public_url = 'http://localhost'\n";

/// Somebody with a confirmed address and an authenticator app.
pub struct Protected {
    pub name: String,
    pub id: AccountId,
    /// Signed in, in the session that has enrolled the app.
    pub caller: Caller,
    pub secret: TotpSecret,
    /// The recovery codes, as they were shown.
    pub codes: Vec<String>,
}

/// An application whose site has a name, with TOML text laid over the other settings.
pub async fn start_by_name(engine: Engine, more: &str) -> App {
    App::start_with(engine, &format!("{BY_NAME}{more}")).await
}

/// Where people in the tests sit, if nothing else is said.
pub fn here() -> Origin {
    Origin { ip: "192.0.2.1".into(), device_label: "Firefox on Linux".into(), ..Origin::default() }
}

/// The same place, with this cookie of trusted browsers.
pub fn trusted(cookie: &str) -> Origin {
    Origin { trusted: Some(cookie.to_owned()), ..here() }
}

/// A code of an authenticator app.
pub fn totp(code: &str) -> FactorProof {
    FactorProof::Totp(code.into())
}

/// A recovery code.
pub fn recovery(code: &str) -> FactorProof {
    FactorProof::RecoveryCode(code.into())
}

/// The secret that a person types into an app: base32 (RFC 4648) without padding.
pub fn secret_of(base32: &str) -> TotpSecret {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in base32.chars() {
        let five = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("a letter of base32");
        (held, bits) = (held << 5 | u32::try_from(five).unwrap(), bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    TotpSecret::kept(bytes.into())
}

/// The token of a challenge.
pub fn token(challenged: &Challenged) -> &str {
    challenged.token.expose_secret()
}

/// The refresh token of a session that was opened.
pub fn held(opened: &Opened) -> &str {
    opened.cookie.token.expose_secret()
}

/// The one field that is refused.
pub fn refused<T: Debug>(outcome: Result<T, AuthError>) -> String {
    match outcome {
        Err(AuthError::Invalid(fields)) => {
            let names: Vec<_> = fields.iter().map(|FieldError { field, .. }| field.as_str()).collect();
            names.join(" ")
        }
        other => panic!("a field should be refused: {other:?}"),
    }
}

/// What a sign-in waits for.
pub fn challenge_of(outcome: Result<LoggedIn, AuthError>) -> Challenged {
    match outcome {
        Ok(LoggedIn::Challenged(challenged)) => challenged,
        other => panic!("it should wait for a factor: {other:?}"),
    }
}

/// The session that a sign-in has opened at once.
pub fn opened(outcome: Result<LoggedIn, AuthError>) -> Opened {
    match outcome {
        Ok(LoggedIn::Opened(opened)) => opened,
        other => panic!("it should open a session: {other:?}"),
    }
}

impl App {
    /// What the tests' clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Changes the database behind the server's back.
    pub async fn alter(&self, sql: String) {
        let altered = self.store.write(move |tx| {
            Box::pin(async move {
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(tx).await?;
                Ok(())
            })
        });
        altered.await.unwrap();
    }

    /// The first column of the first row.
    pub async fn number(&self, sql: &str) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query(sql).fetch_one(&mut *tx).await.unwrap().try_get(0).unwrap()
    }

    /// The first column of all rows, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let mut tx = self.store.read().await.unwrap();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut *tx).await.unwrap();
        rows.iter().map(|row| row.try_get(0).unwrap()).collect()
    }

    /// How many mails of that kind were queued.
    pub async fn queued(&self, kind: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM outbox WHERE kind = '{kind}'")).await
    }

    /// How many events of that kind were noted.
    pub async fn noted(&self, kind: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM audit_events WHERE kind = '{kind}'")).await
    }

    /// What happened to an account, newest first.
    pub async fn events(&self, account: AccountId) -> Vec<Event> {
        let mut tx = self.store.read().await.unwrap();
        let found = audit::of_account(&mut tx, account, i64::MAX, 100).await.unwrap();
        found.into_iter().map(|event| event.event).collect()
    }

    /// An account that an operator makes, with the password, and with a confirmed address or not.
    pub async fn add_account(&self, name: &str, confirmed: bool) {
        let new = NewUser {
            email: format!("{name}@example.com"),
            username: name.to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            password: Some(PASSWORD.into()),
            confirmed,
            admin: false,
        };
        self.auth.create_user(new).await.unwrap();
    }

    /// A caller whose account was registered now, signed in, with a confirmed address.
    pub async fn confirmed(&self, name: &str) -> Caller {
        let caller = self.signed_in(name).await;
        self.confirm_address(name).await;
        caller
    }

    /// Confirms the address of `name`.
    pub async fn confirm_address(&self, name: &str) {
        let (key, now) = (format!("{name}@example.com"), self.now());
        let write = self.store.write(move |tx| {
            Box::pin(async move {
                let account = accounts::find_by_email(tx, &key).await?.expect("an account");
                accounts::confirm_email(tx, account.account.id, &key, now).await
            })
        });
        assert!(write.await.unwrap());
    }

    /// Who holds this refresh token.
    pub async fn principal(&self, held: &str) -> Principal {
        self.auth.visit(Some(held)).await.unwrap().expect("a live session").principal
    }

    /// Enrols an authenticator app; the recovery codes, if it is the first factor.
    pub async fn enrol(&self, by: By<'_>) -> (TotpSecret, Vec<String>, Option<Opened>) {
        let secret = secret_of(&self.auth.start_totp(by).await.unwrap().secret);
        let enrolled = self.auth.confirm_totp(by, &secret.code_at(self.now()), &here()).await.unwrap();
        let codes = enrolled.codes.map(|codes| codes.expose()).unwrap_or_default();
        (secret, codes, enrolled.opened.map(|(opened, _)| opened))
    }

    /// Somebody new with a confirmed address and an authenticator app, signed in.
    pub async fn protected(&self, name: &str) -> Protected {
        let caller = self.confirmed(name).await;
        self.protect(name, caller).await
    }

    /// As [`App::protected`], of somebody who is signed in with a confirmed address.
    pub async fn protect(&self, name: &str, caller: Caller) -> Protected {
        let principal = self.principal(&caller.held()).await;
        let (secret, codes, _) = self.enrol(By::Session(&principal)).await;
        Protected { name: name.to_owned(), id: principal.account.id, caller, secret, codes }
    }

    /// The code of the next step, which nobody has used: time goes on by one.
    pub fn next_code(&self, secret: &TotpSecret) -> FactorProof {
        self.clock.advance(STEP);
        totp(&secret.code_at(self.now()))
    }

    /// Gives name and password.
    pub async fn type_password(&self, name: &str, origin: &Origin, held: Option<&str>) -> Result<LoggedIn, AuthError> {
        self.auth.log_in(&form(name, PASSWORD), origin, held).await
    }

    /// A sign-in of `name` that waits.
    pub async fn challenged(&self, name: &str) -> Challenged {
        challenge_of(self.type_password(name, &here(), None).await)
    }

    /// Shows a factor to a sign-in that waits.
    pub async fn answer(&self, challenged: &Challenged, proof: &FactorProof) -> Result<Answered, AuthError> {
        self.answer_at(challenged, proof, false, &here()).await
    }

    /// As [`App::answer`], in the browser at `origin`, which is trusted from then on or not.
    pub async fn answer_at(
        &self,
        challenged: &Challenged,
        proof: &FactorProof,
        trust: bool,
        origin: &Origin,
    ) -> Result<Answered, AuthError> {
        self.auth.answer_challenge((Some(token(challenged)), None), proof, trust, origin).await
    }

    /// Signs in with password and authenticator app.
    pub async fn enter(&self, who: &Protected) -> Opened {
        let challenged = self.challenged(&who.name).await;
        self.answer(&challenged, &self.next_code(&who.secret)).await.unwrap().opened
    }

    /// Signs in as [`App::enter`] and trusts the browser; its cookie.
    pub async fn enter_and_trust(&self, who: &Protected, origin: &Origin) -> (Opened, String) {
        let challenged = challenge_of(self.type_password(&who.name, origin, None).await);
        let answered = self.answer_at(&challenged, &self.next_code(&who.secret), true, origin).await.unwrap();
        (answered.opened, answered.trusted.expect("a cookie").value.expose_secret().to_owned())
    }

    /// Shows a factor as proof in the session of `held`.
    pub async fn prove(&self, held: &str, proof: &FactorProof) -> Result<Opened, AuthError> {
        self.auth.step_up(Some(held), &Proof::Factor(proof.clone()), &here()).await
    }

    /// The service of another server on the same database, with the same keys and clock.
    pub async fn replica(&self) -> AuthService {
        let mut leptos = leptos::config::get_config_from_str(DEFAULTS).unwrap();
        leptos.site_addr = ([127, 0, 0, 1], 0).into();
        leptos.site_root = self.folder.path().join("site").display().to_string().into();
        let world = World { clock: self.clock.clone(), entropy: Arc::new(SystemEntropy) };
        Application::build(self.settings.clone(), leptos, world).await.unwrap().auth()
    }
}

/// What is typed into the login form.
pub fn form(name: &str, password: &str) -> LoginForm {
    LoginForm { identifier: name.to_owned(), password: password.into(), remember: false, next: None }
}
