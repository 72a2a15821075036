//! Sessions of the front ends of Django: signed in to, refreshed and ended with the tokens of their own door.
//!
//! Behind each of their tokens is an ordinary session, and each use asks its row: a sign-out elsewhere, a new password and
//! a disabled account are felt at once, which SimpleJWT's tokens never did.

use super::{
    AuthError, AuthService, Decision, LoginForm, Opened, Origin, decide, log_in::Doorway, password_reset::RESET,
};
use crate::{
    domain::{account::Account, time::Timestamp},
    server::{
        crypto::{Bearer, CompatRefused, Presented, Rid},
        entropy::random_id,
        metrics::Refresh,
        store::{
            StoreError,
            accounts::{self, StoredAccount},
            sessions::{self, Session},
        },
    },
};
use secrecy::{ExposeSecret as _, SecretString};

/// Why a token of this door is refused: what SimpleJWT's clients are told apart.
#[derive(Debug)]
pub enum TokenFault {
    /// None of ours.
    Invalid,
    /// Past its end, or its session's.
    Expired,
    /// Ours, but of the other kind.
    WrongType,
    /// Its session has ended.
    Ended,
    /// Its account is gone.
    NoAccount,
    /// Its account is disabled, or on its way out.
    Inactive,
    /// Anything else.
    Other(AuthError),
}

impl From<CompatRefused> for TokenFault {
    fn from(refused: CompatRefused) -> Self {
        match refused {
            CompatRefused::Invalid => Self::Invalid,
            CompatRefused::Expired => Self::Expired,
            CompatRefused::WrongType => Self::WrongType,
        }
    }
}

impl From<AuthError> for TokenFault {
    fn from(error: AuthError) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for TokenFault {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

/// The two tokens of a session.
#[derive(Clone, Debug)]
pub struct CompatTokenPair {
    /// The refresh token.
    pub refresh: SecretString,
    /// The access token.
    pub access: SecretString,
    /// Whether the refresh token is a new one.
    pub rotated: bool,
}

impl AuthService {
    /// Whether a mailed link to a new password is good now. Nothing is used up.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn is_reset_link(&self, uid: &str, token: &str) -> Result<bool, AuthError> {
        let found = async {
            let ticket = self.ticket_by_link(RESET, uid, token).await?;
            let account = self.owner(&ticket).await?;
            Ok(account.security_epoch == ticket.epoch)
        };
        match found.await {
            Err(AuthError::InvalidTicket) => Ok(false),
            found => found,
        }
    }
}

/// What a refresh token of this door stands for.
struct Standing {
    session: Session,
    account: Account,
    rid: String,
    counter: i64,
    username: bool,
}

impl AuthService {
    /// Opens a session for a front end of Django. With `naming` both tokens hold the user name.
    ///
    /// # Errors
    /// As [`AuthService::log_in`]; an account on its way out is `WrongCredentials`, too: there is no way back here.
    pub async fn log_in_elsewhere(
        &self,
        form: &LoginForm,
        origin: &Origin,
        naming: bool,
    ) -> Result<CompatTokenPair, AuthError> {
        let opened = self.log_in_as(form, origin, None, Doorway::Narrow).await?.into_opened()?;
        let presented = self.presented(&opened).ok_or(AuthError::NotSignedIn)?;
        let found = sessions::find(&mut *self.parts.store.read().await?, &presented.rid.to_text()).await?;
        let (session, stored) = found.ok_or(AuthError::NotSignedIn)?;
        self.token_pair(&session, &stored.account, presented.counter, naming)
    }

    /// Opens a session that lasts, whose one token is never exchanged: what Djoser's `/token/login/` answers.
    ///
    /// # Errors
    /// As [`AuthService::log_in_elsewhere`].
    pub async fn log_in_for_long(&self, form: &LoginForm, origin: &Origin) -> Result<SecretString, AuthError> {
        let opened = self.log_in_as(form, origin, None, Doorway::Narrow).await?.into_opened()?;
        let presented = self.presented(&opened).ok_or(AuthError::NotSignedIn)?;
        Ok(self.keyed().refresh_tokens.mint_kept(&presented.rid, presented.counter))
    }

    /// A new access token for a refresh token; by `compat.rotate` a new refresh token, too, with all that `refresh` does
    /// about thieves. Without it the same token works until the session ends.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub async fn refresh_elsewhere(
        &self,
        token: &str,
        origin: &Origin,
        naming: bool,
    ) -> Result<CompatTokenPair, TokenFault> {
        let standing = self.compat_standing(token).await?;
        self.charge_refresh(&standing.rid)?;
        let (session, account) = (&standing.session, &standing.account);
        let naming = naming || standing.username;
        if self.parts.settings.compat.rotate {
            let opened = self.refresh_in_own_task(standing.presented()?, origin).await.map_err(ended)?;
            let counter = self.presented(&opened).ok_or(TokenFault::Invalid)?.counter;
            return Ok(self.token_pair(session, account, counter, naming)?);
        }
        let now = self.parts.clock.now();
        match decide(session, standing.counter, now, self.parts.settings.session.reuse_window) {
            Decision::Rotate | Decision::Repeat | Decision::Fork | Decision::CatchUp => {}
            Decision::AskFactor => {
                self.parts.metrics.refresh(Refresh::FactorAsked);
                return Err(AuthError::FactorRequired.into());
            }
            Decision::Refuse | Decision::RefuseSoftly => {
                self.parts.metrics.refresh(Refresh::Refused);
                return Err(TokenFault::Ended);
            }
            Decision::Theft => {
                self.end_stolen(standing.rid, session, origin, now).await?;
                self.parts.metrics.refresh(Refresh::Theft);
                return Err(TokenFault::Ended);
            }
        }
        let rid = standing.rid;
        let write = self
            .parts
            .store
            .write_of(Some(account.id), move |tx| Box::pin(async move { sessions::touch(tx, &rid, now).await }));
        if !write.await? {
            return Err(TokenFault::Ended);
        }
        self.parts.metrics.refresh(Refresh::Repeated);
        let access = self.compat_access(session, account, naming)?;
        Ok(CompatTokenPair { refresh: token.to_owned().into(), access, rotated: false })
    }

    /// Whether a token of either kind is good now.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub async fn verify_elsewhere(&self, token: &str) -> Result<(), TokenFault> {
        match self.authenticate_elsewhere(token).await {
            Err(TokenFault::WrongType) => self.compat_standing(token).await.map(drop),
            verdict => verdict.map(drop),
        }
    }

    /// Ends the session of a refresh token.
    ///
    /// # Errors
    /// [`TokenFault`]: it is none, or has ended.
    pub async fn log_out_elsewhere(&self, token: &str, origin: &Origin) -> Result<(), TokenFault> {
        let presented = self.compat_standing(token).await?.presented()?;
        let held = self.keyed().refresh_tokens.mint(&presented.rid, presented.counter);
        Ok(self.log_out(Some(held.expose_secret()), origin).await?)
    }

    /// The live session of a refresh token.
    async fn compat_standing(&self, token: &str) -> Result<Standing, TokenFault> {
        let now = self.parts.clock.now();
        let read =
            self.keyed().compat_tokens.read_refresh(token, now).map_err(|refused| self.mistaken(token, refused))?;
        let mut tx = self.parts.store.read().await?;
        let Some(rid) = sessions::rid_of(&mut tx, &read.bearer.sid).await? else {
            let is_there = accounts::find(&mut tx, read.bearer.account).await?.is_some();
            return Err(if is_there { TokenFault::Ended } else { TokenFault::NoAccount });
        };
        let (session, stored) = sessions::find(&mut tx, &rid).await?.ok_or(TokenFault::Ended)?;
        // A token that is newer than a restored database is not judged by its row's idle life.
        let restored = session.is_open(now) && read.counter > session.counter;
        must_live(&session, &stored, &read.bearer, now).or_else(|fault| match fault {
            TokenFault::Expired if restored => Ok(()),
            fault => Err(fault),
        })?;
        let username = read.bearer.username.is_some();
        Ok(Standing { session, account: stored.account, rid, counter: read.counter, username })
    }

    /// An access token in the place of a refresh token is told so, whichever key signed it.
    fn mistaken(&self, token: &str, refused: CompatRefused) -> TokenFault {
        let signed = self.keyed().signer.verify_compat(token, self.parts.clock.now()).is_ok();
        let is_access = signed && !self.keyed().compat_tokens.signs_access();
        if is_access { TokenFault::WrongType } else { refused.into() }
    }

    fn presented(&self, opened: &Opened) -> Option<Presented> {
        self.keyed().refresh_tokens.parse(opened.cookie.token.expose_secret())
    }

    fn token_pair(
        &self,
        session: &Session,
        account: &Account,
        counter: u64,
        naming: bool,
    ) -> Result<CompatTokenPair, AuthError> {
        let (now, entropy) = (self.parts.clock.now(), self.parts.entropy.as_ref());
        let counter = i64::try_from(counter).map_err(|_| AuthError::NotSignedIn)?;
        let bearer = bearer_of(session, account, naming);
        let refresh = self.keyed().compat_tokens.refresh(bearer, counter, (now, session.expires_at), entropy);
        let access = self.compat_access(session, account, naming)?;
        Ok(CompatTokenPair { refresh, access, rotated: true })
    }

    fn compat_access(&self, session: &Session, account: &Account, naming: bool) -> Result<SecretString, AuthError> {
        let (now, entropy) = (self.parts.clock.now(), self.parts.entropy.as_ref());
        let bearer = bearer_of(session, account, naming);
        if let Some(token) = self.keyed().compat_tokens.access(bearer.clone(), now, entropy) {
            return Ok(token);
        }
        let grant = self.keyed().signer.sign_compat(&bearer, random_id(entropy), now);
        grant.map(|grant| grant.access_token.into()).map_err(|_| AuthError::Signing)
    }
}

impl Standing {
    fn presented(&self) -> Result<Presented, TokenFault> {
        let rid = Rid::parse(&self.rid).ok_or(TokenFault::Invalid)?;
        Ok(Presented { rid, counter: self.counter.unsigned_abs() })
    }
}

fn bearer_of(session: &Session, account: &Account, naming: bool) -> Bearer {
    Bearer { account: account.id, sid: session.sid.clone(), username: naming.then(|| account.username.clone()) }
}

fn ended(error: AuthError) -> TokenFault {
    match error {
        AuthError::NotSignedIn | AuthError::Superseded => TokenFault::Ended,
        error => TokenFault::Other(error),
    }
}

/// Whether the session of a token goes on, and if not, why.
pub(super) fn must_live(
    session: &Session,
    stored: &StoredAccount,
    bearer: &Bearer,
    now: Timestamp,
) -> Result<(), TokenFault> {
    if session.account != bearer.account {
        return Err(TokenFault::Invalid);
    }
    if !stored.is_active() || stored.account.delete_at.is_some() {
        return Err(TokenFault::Inactive);
    }
    if session.revoked_at.is_some() || !session.current {
        return Err(TokenFault::Ended);
    }
    if session.lacks_factor(now) {
        return Err(AuthError::FactorRequired.into());
    }
    if session.is_alive(now) { Ok(()) } else { Err(TokenFault::Expired) }
}
