//! A sign-in that waits for its second factor: it has no rights at all, lives five minutes and takes five guesses.
//!
//! What names it is 256 random bits that its holder alone has; the database has their digest. A session from before the
//! account had a factor waits in the same way, named by its refresh token.

use super::{
    AuthError, AuthService, FactorProof, Opened, Origin, Proof, TrustCookie,
    admission::Arrival,
    audit::Noted,
    factor_proof::{Scope, Spending},
    log_in::MANY_FAILURES,
    session::{Opening, Whose},
    throttle::{self, Charge},
    ticket::digest,
    trusted_browser::Trusting,
};
use crate::{
    domain::{
        account::AccountId,
        factor::{SignInMethod, Waiting, Wants},
        history::Event,
        problem::FieldError,
        time::Timestamp,
    },
    server::store::{
        StoreError, Tx,
        accounts::{self, StoredAccount},
        challenges::{self, Challenge, NewChallenge},
        outbox::{self, MailKind, NewMail},
        passkeys, recovery_codes, sessions, totp_secrets,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// Wrong codes in a row after which a sign-in is told to the owner (ASVS 6.3.5).
const MANY_GUESSES: i64 = 3;
/// The longest name of a challenge that is looked at, in bytes; ours have 43.
const LONGEST: usize = 128;
/// Bytes of the longest `next` that is kept; longer ones are dropped.
const NEXT_LIMIT: usize = 512;

/// A sign-in that waits, on its way to whoever goes on with it.
#[derive(Clone, Debug)]
pub struct Challenged {
    /// Names it.
    pub token: SecretString,
    /// Seconds that it waits.
    pub max_age: i64,
    /// What for.
    pub wants: Wants,
}

/// Its row, about to be written.
pub(super) struct NewWait(pub(super) NewChallenge);

/// A factor that was shown.
#[derive(Debug)]
pub struct Answered {
    /// The session.
    pub opened: Opened,
    /// Where to go; untrusted.
    pub next: Option<String>,
    /// The account is on its way out: it can be kept.
    pub leaving: bool,
    /// For the cookie of trusted browsers.
    pub trusted: Option<TrustCookie>,
}

impl AuthService {
    /// A sign-in that is to wait.
    pub(super) fn wait(&self, account: &StoredAccount, wants: Wants, arrival: Arrival<'_>) -> (NewWait, Challenged) {
        let mut bytes = [0; 32];
        self.parts.entropy.fill(&mut bytes);
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let factors = &self.parts.settings.factors;
        let max_age = match wants {
            Wants::Factor => factors.challenge_lifetime,
            Wants::Enrolment => factors.enrolment_lifetime,
        };
        let new = NewChallenge {
            id: digest(&token),
            account: account.account.id,
            wants,
            epoch: account.security_epoch,
            remembered: arrival.remember,
            next: arrival.next.filter(|next| is_kept(next)).unwrap_or_default().to_owned(),
            expires_at: self.parts.clock.now().plus(max_age),
        };
        (NewWait(new), Challenged { token: token.into(), max_age, wants })
    }

    /// The sign-in that waits under this name, and its account.
    ///
    /// # Errors
    /// `ChallengeOver` if there is none any more; `Unavailable`.
    pub(super) async fn waiting_sign_in(&self, token: &str) -> Result<(Challenge, StoredAccount), AuthError> {
        if token.len() > LONGEST {
            return Err(AuthError::ChallengeOver);
        }
        let now = self.parts.clock.now();
        let mut tx = self.parts.store.read().await?;
        let found = challenges::find(&mut tx, &digest(token)).await?;
        let most = self.parts.settings.factors.challenge_tries;
        let still = |wait: &Challenge| wait.is_open(now) && wait.tries < most;
        let wait = found.filter(still).ok_or(AuthError::ChallengeOver)?;
        let account = accounts::find(&mut tx, wait.account).await?.ok_or(AuthError::ChallengeOver)?;
        if !account.may_enter(now) || !wait.suits(&account) {
            return Err(AuthError::ChallengeOver);
        }
        Ok((wait, account))
    }

    /// What waits for a factor in this browser: a sign-in, or else the session of `held` from before the account had one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn waiting(&self, token: Option<&str>, held: Option<&str>) -> Result<Option<Waiting>, AuthError> {
        if let Some(token) = token {
            match self.waiting_sign_in(token).await {
                Ok((wait, account)) => {
                    let (expires_at, next) = (Some(wait.expires_at), wait.next);
                    return Ok(Some(Waiting { expires_at, next, ..self.facts_of(&account, wait.wants).await? }));
                }
                Err(AuthError::ChallengeOver) => {}
                Err(error) => return Err(error),
            }
        }
        match self.short_session(held).await? {
            // Trust is given where somebody signs in.
            Some(account) => Ok(Some(Waiting { trust_days: 0, ..self.facts_of(&account, Wants::Factor).await? })),
            None => Ok(None),
        }
    }

    /// The account of a session that has not shown what the account demands.
    async fn short_session(&self, held: Option<&str>) -> Result<Option<StoredAccount>, AuthError> {
        let Some(presented) = held.and_then(|token| self.keyed().refresh_tokens.parse(token)) else { return Ok(None) };
        let mut tx = self.parts.store.read().await?;
        let found = sessions::find(&mut tx, &presented.rid.to_text()).await?;
        let now = self.parts.clock.now();
        let found = found.filter(|(session, _)| session.lacks_factor(now) && session.is_held_by(presented.counter));
        Ok(found.map(|(_, account)| account))
    }

    async fn facts_of(&self, account: &StoredAccount, wants: Wants) -> Result<Waiting, AuthError> {
        let id = account.account.id;
        let mut tx = self.parts.store.read().await?;
        let has_passkey = !passkeys::of_account(&mut tx, id).await?.is_empty();
        Ok(Waiting {
            wants,
            username: account.account.username.clone(),
            email: account.account.email.clone(),
            email_confirmed: account.account.email_verified_at.is_some(),
            takes_totp: totp_secrets::confirmed(&mut tx, id).await?.is_some(),
            takes_passkey: has_passkey && self.parts.passkeys.are_offered(),
            takes_recovery_code: recovery_codes::count_left(&mut tx, id).await? > 0,
            trust_days: self.parts.settings.factors.trusted_days,
            expires_at: None,
            next: String::new(),
        })
    }

    /// Shows the factor that a sign-in waits for, and opens the session; or that the session of `held` lacks, which then
    /// goes on. With `trust` this browser is not asked again for a while.
    ///
    /// # Errors
    /// `Invalid` with the field; `ChallengeOver`; `TooMany`; `Busy`; `Unavailable`.
    pub async fn answer_challenge(
        &self,
        (token, held): (Option<&str>, Option<&str>),
        proof: &FactorProof,
        trust: bool,
        origin: &Origin,
    ) -> Result<Answered, AuthError> {
        if let Some(blank) = proof.blank() {
            return Err(blank);
        }
        let Some(token) = token else { return self.answer_in_session(held, proof, origin).await };
        let (wait, account) = match self.waiting_sign_in(token).await {
            Err(AuthError::ChallengeOver) if self.short_session(held).await?.is_some() => {
                return self.answer_in_session(held, proof, origin).await;
            }
            found => found?,
        };
        if wait.wants != Wants::Factor {
            return Err(AuthError::EnrolmentRequired);
        }
        let spending = self.judge_guess(&wait, &account, proof, origin).await?;
        let method = spending.method_with_password();
        let opening = self.opening(Whose::of(&account), method, wait.remembered, origin, held)?;
        self.finish_waiting(wait, account, opening, Some(spending), trust, origin).await
    }

    async fn answer_in_session(
        &self,
        held: Option<&str>,
        proof: &FactorProof,
        origin: &Origin,
    ) -> Result<Answered, AuthError> {
        let lacking = self.short_session(held).await?;
        let account = lacking.ok_or(AuthError::ChallengeOver)?;
        let opened = self.step_up(held, &Proof::Factor(proof.clone()), origin).await?;
        Ok(Answered { opened, next: None, leaving: account.account.delete_at.is_some(), trusted: None })
    }

    /// Counts the guess on the sign-in, judges it, and takes it back where it was none.
    async fn judge_guess(
        &self,
        wait: &Challenge,
        account: &StoredAccount,
        proof: &FactorProof,
        origin: &Origin,
    ) -> Result<Spending, AuthError> {
        let (id, most, now) = (wait.id.clone(), self.parts.settings.factors.challenge_tries, self.parts.clock.now());
        let count =
            self.parts.store.write(move |tx| Box::pin(async move { challenges::count_try(tx, &id, most, now).await }));
        let tries = count.await?.ok_or(AuthError::ChallengeOver)?;
        match self.judge_factor(account, Scope::Challenge(&wait.id), proof, None, origin).await {
            Ok(spending) => Ok(spending),
            Err(error @ AuthError::Invalid(_)) if tries < most => Err(error),
            Err(AuthError::Invalid(_)) => Err(AuthError::ChallengeOver),
            Err(error) => {
                let id = wait.id.clone();
                let back =
                    self.parts.store.write(move |tx| Box::pin(async move { challenges::take_back_try(tx, &id).await }));
                back.await?;
                Err(error)
            }
        }
    }

    /// Ends the wait and opens the session, in one transaction with what was spent for it.
    pub(super) async fn finish_waiting(
        &self,
        wait: Challenge,
        account: StoredAccount,
        opening: Opening,
        spending: Option<Spending>,
        trust: bool,
        origin: &Origin,
    ) -> Result<Answered, AuthError> {
        let (id, now) = (account.account.id, self.parts.clock.now());
        let (trusting, trusted) = trust.then(|| self.trusting(id, &opening.new.sid, origin)).flatten().unzip();
        let ending = self.ending((&wait, &account), opening, spending, trusting, origin);
        let (opened, charges) = (ending.opened(), ending.charges());
        let write = self.parts.store.write(move |tx| Box::pin(async move { ending.write(tx, now).await }));
        write.await??;
        self.signed_in_with_factor(id, &charges, origin);
        let next = Some(wait.next).filter(|next| !next.is_empty());
        Ok(Answered { opened, next, leaving: account.account.delete_at.is_some(), trusted })
    }

    /// What is to be written when a wait ends in this session.
    pub(super) fn ending(
        &self,
        (wait, account): (&Challenge, &StoredAccount),
        opening: Opening,
        spending: Option<Spending>,
        trusting: Option<Trusting>,
        origin: &Origin,
    ) -> Ending {
        let id = account.account.id;
        Ending {
            account: id,
            epoch: account.security_epoch,
            wait: wait.id.clone(),
            spending,
            trusting,
            names: self.all_name_charges(account, origin),
            new_device: self.notice(MailKind::NewDevice, id, Some(origin.told())),
            after_failures: self.notice(MailKind::LoginAfterFailures, id, Some(origin.told())),
            is_known: self.known_device(account, origin).is_some(),
            noted: self.noted(event_of(opening.new.method), Some(id), Some(&opening.new.sid), origin),
            opening,
        }
    }

    /// What follows once that is written.
    pub(super) fn signed_in_with_factor(&self, account: AccountId, charges: &[Charge], origin: &Origin) {
        self.unblock(charges);
        self.parts.mail.notify_one();
        tracing::info!(event = "login", %account, ip = %origin.ip, "signed in with a second factor");
    }

    /// Gives up a sign-in that waits.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn give_up_challenge(&self, token: &str) -> Result<(), AuthError> {
        let (now, id) = (self.parts.clock.now(), digest(token));
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                // The account first, as everywhere: nothing that looks at the wait under its lock finds it gone.
                if let Some(wait) = challenges::find(tx, &id).await? {
                    accounts::hold(tx, wait.account).await?;
                    challenges::consume(tx, &id, now).await?;
                }
                Ok(())
            })
        });
        write.await?;
        Ok(())
    }
}

/// What is written when a wait ends.
pub(super) struct Ending {
    account: AccountId,
    epoch: i64,
    wait: String,
    spending: Option<Spending>,
    opening: Opening,
    trusting: Option<Trusting>,
    /// What failing sign-ins count on, by the account's names: a success forgets them.
    names: Vec<Charge>,
    new_device: NewMail,
    after_failures: NewMail,
    is_known: bool,
    noted: Noted,
}

impl Ending {
    /// The session that it opens.
    pub(super) fn opened(&self) -> Opened {
        self.opening.opened.clone()
    }

    /// What is forgotten with it.
    pub(super) fn charges(&self) -> Vec<Charge> {
        let spent = self.spending.as_ref().map(|spending| spending.charges.clone()).unwrap_or_default();
        [spent, self.names.clone()].concat()
    }

    /// Into the transaction of what has ended it; nothing is written if it is over, or its factor was used meanwhile.
    pub(super) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<Result<(), AuthError>, StoreError> {
        let id = self.account;
        accounts::hold(tx, id).await?;
        // Looked at first: a factor is not used up for a sign-in that is over.
        let waits = challenges::find(tx, &self.wait).await?.is_some_and(|wait| wait.is_open(now));
        if !waits || accounts::epoch(tx, id).await? != self.epoch {
            return Ok(Err(AuthError::ChallengeOver));
        }
        if let Some(spending) = &self.spending
            && !spending.write(tx, now).await?
        {
            return Ok(Err(spending.spent_already()));
        }
        if !challenges::consume(tx, &self.wait, now).await? {
            return Ok(Err(AuthError::ChallengeOver));
        }
        // The password may have been taken away meanwhile.
        let Some(before) = self.opening.write(tx).await? else {
            return Ok(Err(AuthError::ChallengeOver));
        };
        // Throttles after accounts and sessions, as everywhere, and what is noted at the end.
        let failed = throttle::forget(tx, &self.names).await?;
        let wrong = match &self.spending {
            Some(spending) => spending.settle(tx, now).await?,
            None => 0,
        };
        if failed >= MANY_FAILURES || wrong >= MANY_GUESSES {
            outbox::insert(tx, &self.after_failures, now).await?;
        } else if before.is_new_device() && !self.is_known {
            outbox::insert(tx, &self.new_device, now).await?;
        }
        if let Some(trusting) = &self.trusting {
            trusting.write(tx, now).await?;
        }
        self.noted.write(tx, now).await?;
        Ok(Ok(()))
    }
}

/// What a sign-in is called in the history.
pub(super) const fn event_of(method: SignInMethod) -> Event {
    match method {
        SignInMethod::Password => Event::LoggedIn,
        SignInMethod::PasswordAndTotp => Event::LoggedInWithTotp,
        SignInMethod::PasswordAndRecoveryCode => Event::LoggedInWithRecoveryCode,
        SignInMethod::PasswordAndPasskey | SignInMethod::Passkey => Event::LoggedInWithPasskey,
        SignInMethod::PasswordAndTrustedBrowser => Event::LoggedInTrusted,
    }
}

/// Whether it may lead somewhere, and no database refuses it.
fn is_kept(next: &str) -> bool {
    next.len() <= NEXT_LIMIT && !next.contains('\0')
}

/// A factor that is not right, by its field.
pub(super) fn wrong(field: &str, message: &str) -> AuthError {
    AuthError::Invalid(vec![FieldError::new(field, message)])
}
