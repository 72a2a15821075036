//! People with passkeys, for the tests.

use super::authenticator::Authenticator;
use crate::harness::{
    App,
    factors::{held, here, opened},
};
use doorward::{
    domain::{account::AccountId, factor::Ceremony},
    server::auth::{AuthError, By, Enrolled, FactorProof, LoggedIn, Opened, Principal},
};

/// Somebody who has signed in just now, with a confirmed address.
pub struct Person {
    pub id: AccountId,
    pub principal: Principal,
    /// The refresh token.
    pub held: String,
}

/// A new account with a confirmed address.
pub async fn person(app: &App, name: &str) -> Person {
    app.add_account(name, true).await;
    holder(app, &opened(app.type_password(name, &here(), None).await)).await
}

/// Whoever holds this session.
pub async fn holder(app: &App, opened: &Opened) -> Person {
    let principal = app.auth.authenticate(&opened.grant.access_token).await.unwrap();
    Person { id: principal.account.id, principal: principal.as_ref().clone(), held: held(opened).to_owned() }
}

/// Makes a passkey with this authenticator.
pub async fn make(
    app: &App,
    person: &Person,
    authenticator: &mut Authenticator,
    name: &str,
) -> Result<Enrolled, AuthError> {
    let begun = app.auth.start_passkey_enrolment(By::Session(&person.principal), &here()).await?;
    let made = authenticator.make(&begun.options);
    let ceremony = (begun.ceremony.as_str(), made.as_str());
    app.auth.finish_passkey_enrolment(By::Session(&person.principal), ceremony, name, &here()).await
}

/// A new authenticator, whose passkey this person has now.
pub async fn passkey_of(app: &App, person: &Person, name: &str) -> Authenticator {
    let mut authenticator = Authenticator::at(&app.base);
    make(app, person, &mut authenticator, name).await.unwrap();
    authenticator
}

/// The public name of somebody's passkey that is called so.
pub async fn public_id(app: &App, person: &Person, name: &str) -> String {
    let listed = app.auth.factors(&person.principal).await.unwrap();
    listed.passkeys.into_iter().find(|passkey| passkey.name == name).expect("a passkey of that name").id
}

pub async fn begin(app: &App) -> Ceremony {
    app.auth.start_passkey_log_in(false, &here()).await.unwrap()
}

/// Signs in with a passkey alone.
pub async fn enter(app: &App, authenticator: &mut Authenticator) -> Result<LoggedIn, AuthError> {
    let begun = begin(app).await;
    let shown = authenticator.show(&begun.options);
    finish(app, &begun, &shown).await
}

pub async fn finish(app: &App, begun: &Ceremony, shown: &str) -> Result<LoggedIn, AuthError> {
    app.auth.log_in_with_passkey((&begun.ceremony, shown), false, &here(), None).await
}

/// A passkey's answer as proof.
pub fn proof(begun: &Ceremony, shown: String) -> FactorProof {
    FactorProof::Passkey { ceremony: begun.ceremony.clone(), credential: shown.into() }
}

/// The names of what has happened to the account, newest first.
pub async fn events(app: &App, person: &Person) -> Vec<&'static str> {
    app.events(person.id).await.iter().map(|event| event.as_str()).collect()
}
